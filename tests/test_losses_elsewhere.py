"""Losses against those of PyTorch and of scikit-learn, value and gradient, where they have the same ones."""

import numpy as np
import pytest
from kernel_calls import loss_and_delta
from numpy.testing import assert_allclose
from sklearn import metrics
from sklearn._loss import loss as sklearn_losses

from fastnet import losses

N, K = 200, 4
rng = np.random.default_rng(0)
Z = 3 * rng.normal(size=(N, K))
CLASS = rng.integers(0, K, (N, 1))
LABELS = rng.integers(0, 2, (N, K)).astype(float)
NUMBERS = 3 * rng.normal(size=(N, K))
AMOUNTS = rng.gamma(2.0, size=(N, K))
COUNTS = rng.poisson(1.0, (N, K)).astype(float)


def ours(op, y):
    """Losses summed over the outputs, and gradients, in float64."""
    y = np.ascontiguousarray(y, dtype=float)
    if op.is_classification:
        op = op.for_classes(K, several_labels=y.shape[1] == K)
    return loss_and_delta(op, Z, y)


# ---- PyTorch -----------------------------------------------------------------------------------------


def softmax_focal(torch, z, y, smoothing, gamma):
    q = torch.nn.functional.one_hot(y, K).double() * (1 - smoothing) + smoothing / K
    log_p = torch.log_softmax(z, dim=1)
    return -(q * (1 - log_p.exp()) ** gamma * log_p).sum(dim=1)


def sigmoid_focal(torch, z, y, smoothing, gamma):
    q, log = y * (1 - smoothing) + smoothing / 2, torch.nn.functional.logsigmoid
    p = torch.sigmoid(z)
    return -q * (1 - p) ** gamma * log(z) - (1 - q) * p**gamma * log(-z)


def hinge(torch, z, y):
    return torch.relu(1 - (2 * y - 1) * z)


TORCH = [
    (losses.LogLoss(), CLASS, lambda t, z, y: t.nn.functional.cross_entropy(z, y, reduction="none")),
    (
        losses.LogLoss(0.1),
        CLASS,
        lambda t, z, y: t.nn.functional.cross_entropy(z, y, reduction="none", label_smoothing=0.1),
    ),
    (losses.LogLoss(0.0, 2.0), CLASS, lambda t, z, y: softmax_focal(t, z, y, 0.0, 2.0)),
    (losses.LogLoss(0.2, 0.7), CLASS, lambda t, z, y: softmax_focal(t, z, y, 0.2, 0.7)),
    (
        losses.LogLoss(),
        LABELS,
        lambda t, z, y: t.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none"),
    ),
    (
        losses.LogLoss(0.1),
        LABELS,
        lambda t, z, y: t.nn.functional.binary_cross_entropy_with_logits(z, 0.9 * y + 0.05, reduction="none"),
    ),
    (losses.LogLoss(0.2, 0.7), LABELS, lambda t, z, y: sigmoid_focal(t, z, y, 0.2, 0.7)),
    # PyTorch divides by the number of classes
    (losses.Hinge(), CLASS, lambda t, z, y: K * t.nn.functional.multi_margin_loss(z, y, reduction="none")),
    (losses.SquaredHinge(), CLASS, lambda t, z, y: K * t.nn.functional.multi_margin_loss(z, y, p=2, reduction="none")),
    (losses.Hinge(), LABELS, hinge),
    (losses.SquaredHinge(), LABELS, lambda t, z, y: hinge(t, z, y) ** 2),
    (losses.Perceptron(), LABELS, lambda t, z, y: t.relu(-(2 * y - 1) * z)),
    (losses.Perceptron(), CLASS, lambda t, z, y: z.max(dim=1).values - z.gather(1, y[:, None])[:, 0]),
    (losses.SquaredError(), NUMBERS, lambda t, z, y: t.nn.functional.mse_loss(z, y, reduction="none") / 2),
    (losses.AbsoluteError(), NUMBERS, lambda t, z, y: t.nn.functional.l1_loss(z, y, reduction="none")),
    (losses.Huber(0.7), NUMBERS, lambda t, z, y: t.nn.functional.huber_loss(z, y, reduction="none", delta=0.7)),
    (losses.LogCosh(), NUMBERS, lambda t, z, y: t.log(t.cosh(z - y))),
    (losses.Quantile(0.3), NUMBERS, lambda t, z, y: t.maximum(0.3 * (y - z), 0.7 * (z - y))),
]


@pytest.mark.parametrize(("op", "y", "theirs"), TORCH, ids=[f"{op!r}-{y.shape[1]}" for op, y, _ in TORCH])
@pytest.mark.oracle
def test_value_and_gradient_equal_those_of_pytorch(op, y, theirs):
    import torch

    z = torch.tensor(Z, requires_grad=True)
    value = theirs(torch, z, torch.tensor(y if y.shape[1] == K else y[:, 0]))
    value.sum().backward()
    values, gradients = ours(op, y)
    assert_allclose(values, value.detach().numpy().reshape(N, -1).sum(axis=1), rtol=1e-12, atol=1e-13)
    assert_allclose(gradients, z.grad.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.oracle
def test_poisson_equals_that_of_pytorch_up_to_what_has_no_z():
    import torch

    z, y = torch.tensor(Z, requires_grad=True), torch.tensor(COUNTS)
    value = torch.nn.functional.poisson_nll_loss(z, y, reduction="none")
    value.sum().backward()
    values, gradients = ours(losses.Poisson(), COUNTS)
    constant = np.where(COUNTS > 0, COUNTS * np.log(np.maximum(COUNTS, 1)), 0) - COUNTS
    assert_allclose(values, (value.detach().numpy() + constant).sum(axis=1), rtol=1e-12, atol=1e-12)
    assert_allclose(gradients, z.grad.numpy(), rtol=1e-12, atol=1e-13)


# ---- scikit-learn ------------------------------------------------------------------------------------

SKLEARN = [
    (losses.SquaredError(), NUMBERS, sklearn_losses.HalfSquaredError()),
    (losses.AbsoluteError(), NUMBERS, sklearn_losses.AbsoluteError()),
    (losses.Huber(0.7), NUMBERS, sklearn_losses.HuberLoss(delta=0.7)),
    (losses.Quantile(0.3), NUMBERS, sklearn_losses.PinballLoss(quantile=0.3)),
    (losses.Poisson(), COUNTS, sklearn_losses.HalfPoissonLoss()),
    (losses.Gamma(), AMOUNTS, sklearn_losses.HalfGammaLoss()),
    (losses.Tweedie(1.2), COUNTS, sklearn_losses.HalfTweedieLoss(power=1.2)),
    (losses.Tweedie(1.8), COUNTS, sklearn_losses.HalfTweedieLoss(power=1.8)),
    (losses.LogLoss(), LABELS, sklearn_losses.HalfBinomialLoss()),
]


@pytest.mark.parametrize(("op", "y", "theirs"), SKLEARN, ids=[repr(op) for op, _, _ in SKLEARN])
def test_value_and_gradient_equal_those_of_scikit_learn(op, y, theirs):
    values, gradients = ours(op, y)
    raw, flat = Z.ravel(), y.ravel()
    value, gradient = theirs.loss_gradient(y_true=flat, raw_prediction=raw)
    if not op.is_classification:
        value = value + theirs.constant_to_optimal_zero(flat)
        y_pred = theirs.link.inverse(raw)
        with np.errstate(over="raise"):
            links = [op.link(z, op.values) for z in raw]
        assert_allclose(links, y_pred, rtol=1e-14)
    assert_allclose(values, value.reshape(N, K).sum(axis=1), rtol=1e-11, atol=1e-12)
    assert_allclose(gradients.ravel(), gradient, rtol=1e-12, atol=1e-13)


def test_values_equal_the_metrics_of_scikit_learn():
    def mean(op, y):
        return ours(op, y)[0].mean() / K

    flat, raw = [a.ravel() for a in (COUNTS, AMOUNTS, NUMBERS, LABELS)], Z.ravel()
    counts, amounts, numbers, labels = flat
    for power in (1.1, 1.5, 1.9):
        deviance = metrics.mean_tweedie_deviance(counts, np.exp(raw), power=power)
        assert_allclose(2 * mean(losses.Tweedie(power), COUNTS), deviance, rtol=1e-11)
    assert_allclose(2 * mean(losses.Poisson(), COUNTS), metrics.mean_poisson_deviance(counts, np.exp(raw)), rtol=1e-12)
    assert_allclose(2 * mean(losses.Gamma(), AMOUNTS), metrics.mean_gamma_deviance(amounts, np.exp(raw)), rtol=1e-12)
    pinball = metrics.mean_pinball_loss(numbers, raw, alpha=0.9)
    assert_allclose(mean(losses.Quantile(0.9), NUMBERS), pinball, rtol=1e-12)
    assert_allclose(mean(losses.AbsoluteError(), NUMBERS), metrics.mean_absolute_error(numbers, raw), rtol=1e-12)
    assert_allclose(mean(losses.Hinge(), LABELS), metrics.hinge_loss(labels, raw), rtol=1e-12)
    assert_allclose(K * mean(losses.LogLoss(), CLASS), sklearn_losses.HalfMultinomialLoss(n_classes=K)(
        y_true=CLASS[:, 0].astype(float), raw_prediction=Z), rtol=1e-12)  # fmt: skip


def test_two_classes_of_a_softmax_are_a_sigmoid():
    z, y = 4 * rng.normal(size=(50, 1)), rng.integers(0, 2, (50, 1)).astype(float)
    for loss in (losses.LogLoss(), losses.LogLoss(0.2), losses.LogLoss(0.0, 2.0), losses.LogLoss(0.1, 1.5)):
        one = loss_and_delta(loss.for_classes(2, several_labels=False), z, y)
        two = loss_and_delta(loss, np.hstack([np.zeros_like(z), z]), y)
        assert_allclose(one[0], two[0], rtol=1e-12)
        assert_allclose(np.hstack([-one[1], one[1]]), two[1], rtol=1e-11, atol=1e-14)


def test_tweedie_tends_to_poisson_and_gamma():
    for power, limit, y in [(1 + 1e-7, losses.Poisson(), COUNTS), (2 - 1e-7, losses.Gamma(), AMOUNTS)]:
        near, exact = ours(losses.Tweedie(power), y), ours(limit, y)
        assert_allclose(near[0], exact[0], rtol=1e-4, atol=1e-6)
        assert_allclose(near[1], exact[1], rtol=1e-4, atol=1e-6)
