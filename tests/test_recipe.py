"""The recipe that presets for tables follow, beside its paper's own formulas in PyTorch.

RealMLP-TD-S: Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
Data", NeurIPS 2024, arXiv:2407.04491, section 3 and table A.1: layers are x W / sqrt(n) + b with W of variance 1.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastnet import TabularMLPClassifier, TabularMLPRegressor
from fastnet.callbacks import Callback
from fastnet.features import Scale
from fastnet.optimizers import Adam

# The smallest epsilon, since W / sqrt(n) has another share of it than W.
RECIPE = {
    "input_scale": Scale(6.0), "hidden_layer_sizes": (16, 12, 8), "n_members": 1, "bias_init": "normal",
    "output_init": "zeros", "solver": Adam(beta_2=0.95, epsilon=1e-200), "learning_rate": "multi_cosine",
    "rate_factors": "fan_in", "bias_rate_factor": 0.1, "numeric_embedding": False, "embedding": False, "dropout": 0.0,
    "batch_size": 32, "max_iter": 5, "validation_fraction": 0, "random_state": 0, "dtype": "float64",
}  # fmt: skip


class Watch(Callback):
    """Keeps the parameters to begin with, and the order of the rows in each epoch."""

    def on_fit_begin(self, trainer):
        self.start, self.orders = trainer.parameters(), []

    def on_epoch_end(self, trainer):
        self.orders.append(trainer.order.copy())


def trained_by_the_paper(Z, targets, watch, activation, rate, loss_of, of_output_bias=0.1):
    """Scales, matrices as W / sqrt(n) and biases after the training that was watched; the loss of each epoch.

    The network has as many outputs as there are targets: where that is one more than the watched one has, these begin
    as 0, as both do.
    """
    import torch

    matrices, vectors = watch.start
    roots = [len(W) ** 0.5 for W in matrices]
    matrices, vectors = [*matrices[:-1], np.zeros((8, targets.shape[1]))], [*vectors[:3], np.zeros(targets.shape[1])]
    scales = torch.ones(Z.shape[1], dtype=torch.float64, requires_grad=True)
    weights = [torch.tensor(W * root, requires_grad=True) for W, root in zip(matrices, roots, strict=True)]
    biases = [torch.tensor(b, requires_grad=True) for b in vectors]
    groups = [([scales], 6.0), (weights, 1.0), (biases[:-1], 0.1), (biases[-1:], of_output_bias)]
    optimizer = torch.optim.Adam(
        [{"params": own, "factor": factor} for own, factor in groups], betas=(0.9, 0.95), eps=1e-200
    )
    x, y, losses = torch.tensor(Z), torch.tensor(targets), []
    done, n_steps = 0, len(watch.orders) * -(-len(Z) // 32)
    for order in watch.orders:
        seen = 0.0
        for rows in (order[i : i + 32] for i in range(0, len(Z), 32)):
            a = x[rows] * scales
            for i, (W, b, root) in enumerate(zip(weights, biases, roots, strict=True)):
                a = a @ W / root + b
                a = activation(a) if i < len(weights) - 1 else a
            loss = loss_of(a, y[rows])
            seen += loss.item() * len(rows)
            optimizer.zero_grad()
            loss.backward()
            for group in optimizer.param_groups:
                group["lr"] = rate * group["factor"] * 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * done / n_steps)))
            optimizer.step()
            done += 1
        losses.append(seen / len(Z))
    by_root = [W.detach().numpy() / root for W, root in zip(weights, roots, strict=True)]
    return scales.detach().numpy(), by_root, [b.detach().numpy() for b in biases], losses


def assert_trained_alike(model, scales, matrices, biases, losses):
    (net,) = model.estimators_
    assert_allclose(net.loss_curve_, losses, rtol=1e-9)
    assert_allclose(net.features_[-1]["scales"].ravel(), scales, rtol=1e-7)
    for ours, theirs in zip(net.coefs_ + net.intercepts_, matrices + biases, strict=True):
        assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


def smooth_log_loss(z, y):
    from torch.nn import functional

    return functional.cross_entropy(z, y, label_smoothing=0.1)


@pytest.mark.oracle
def test_a_training_is_that_of_the_paper_for_classes(iris):
    from torch.nn import functional

    (X, y), watch = iris, Watch()
    model = TabularMLPClassifier(**RECIPE, activation="selu", learning_rate_init=0.04, callbacks=watch).fit(X, y)
    Z = model.preprocessor_.transform(X)
    trained = trained_by_the_paper(Z, np.eye(3)[y], watch, functional.selu, 0.04, smooth_log_loss)
    assert_trained_alike(model, *trained)


@pytest.mark.oracle
def test_a_training_is_that_of_the_paper_for_numbers(diabetes):
    from torch.nn import functional

    (X, y), watch = diabetes, Watch()
    model = TabularMLPRegressor(**RECIPE, activation="mish", learning_rate_init=0.07, callbacks=watch).fit(X, y)
    Z, target = model.preprocessor_.transform(X), ((y - y.mean()) / y.std())[:, None]
    *trained, losses = trained_by_the_paper(Z, target, watch, functional.mish, 0.07, functional.mse_loss)
    assert_trained_alike(model, *trained, np.divide(losses, 2))  # scikit-learn's loss is half of the squared error


@pytest.mark.oracle
def test_two_classes_have_one_output_that_is_the_difference_of_the_papers_two(iris):
    """The two take Adam's steps in opposite directions, so the one output takes steps of twice the length."""
    from torch.nn import functional

    X, y = iris[0][50:], iris[1][50:] - 1
    watch, roots = Watch(), np.sqrt([4, 16, 12, 8])
    own = {**RECIPE, "rate_factors": [*1 / roots[:3], 2 / roots[3]], "learning_rate_init": 0.04, "activation": "selu"}
    model = TabularMLPClassifier(**own, callbacks=watch).fit(X, y)
    Z = model.preprocessor_.transform(X)
    scales, matrices, biases, losses = trained_by_the_paper(
        Z, np.eye(2)[y], watch, functional.selu, 0.04, smooth_log_loss, of_output_bias=0.05
    )
    matrices[-1], biases[-1] = matrices[-1][:, 1:] - matrices[-1][:, :1], biases[-1][1:] - biases[-1][:1]
    assert_trained_alike(model, scales, matrices, biases, losses)
