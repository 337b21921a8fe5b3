"""The plain NumPy network against numbers worked out by hand and central differences."""

import naive
import naive_ops
import naive_optimizers
import numpy as np
import pytest
from marks import crossed, each_in_turn
from numpy.testing import assert_allclose
from problems import away_from_kinks

# A 2-2-1 network with ReLU and squared error, and two samples:
#   sample 1: x = (1, 2), z1 = (1 + 1, -1 + 0.5 + 1) = (2, 0.5), a = (2, 0.5), z2 = 1 + 1 - 1 = 1
#   sample 2: x = (-1, 0), z1 = (-1, 1 + 1) = (-1, 2),  a = (0, 2),   z2 = 4 - 1 = 3
# With y = (3, 1) both losses are 2^2/2 = 2, the output deltas -2 and 2, hidden deltas
#   (-2 * 0.5, -2 * 2) = (-1, -4)   and   (0 [ReLU is off], 2 * 2) = (0, 4).
X = np.array([[1.0, 2.0], [-1.0, 0.0]])
Y = np.array([[3.0], [1.0]])
COEFS = [np.array([[1.0, -1.0], [0.5, 0.25]]), np.array([[0.5], [2.0]])]
INTERCEPTS = [np.array([0.0, 1.0]), np.array([-1.0])]
ARGS = (COEFS, INTERCEPTS, X, Y, "relu", "squared_error")


def test_forward_pass_worked_by_hand():
    zs, inputs = naive.forward(COEFS, INTERCEPTS, X, "relu")
    assert_allclose(zs[0], [[2, 0.5], [-1, 2]])
    assert_allclose(zs[1], [[1], [3]])
    assert_allclose(inputs[0], X)
    assert_allclose(inputs[1], [[2, 0.5], [0, 2]])


def test_objective_is_the_weighted_mean_plus_the_penalty_over_the_weights():
    assert_allclose(naive.objective(*ARGS), 2)
    # the squares of the weights sum to 1 + 1 + 1/4 + 1/16 + 1/4 + 4 = 6.5625
    assert_allclose(naive.objective(*ARGS, l2=0.8), 2 + 0.4 * 6.5625 / 2)
    weight = np.array([1.0, 3.0])
    assert_allclose(naive.objective(*ARGS, l2=0.8, sample_weight=weight), 2 + 0.4 * 6.5625 / 4)
    y = np.array([[3.0], [2.0]])  # now the second loss is 1/2
    value = naive.objective(COEFS, INTERCEPTS, X, y, "relu", "squared_error", sample_weight=weight)
    assert_allclose(value, (1 * 2 + 3 * 0.5) / 4)


def test_deltas_worked_by_hand():
    hidden, output = naive.deltas(*ARGS, sample_weight=np.array([1.0, 3.0]))
    assert_allclose(output, [[-2], [6]])
    assert_allclose(hidden, [[-1, -4], [0, 12]])


def test_gradient_worked_by_hand():
    coef_grads, intercept_grads = naive.gradient(*ARGS, l2=0.8, sample_weight=np.array([1.0, 3.0]))
    # (1 * x1 d1 + 3 * x2 d2 + 0.8 W) / 4
    assert_allclose(coef_grads[0], np.array([[-1 + 0.8, -4 - 12 - 0.8], [-2 + 0.4, -8 + 0.2]]) / 4)
    assert_allclose(coef_grads[1], np.array([[-4 + 0.4], [-1 + 12 + 1.6]]) / 4)
    assert_allclose(intercept_grads[0], [-1 / 4, (-4 + 12) / 4])
    assert_allclose(intercept_grads[1], [(-2 + 6) / 4])


def test_dropout_masks_worked_by_hand():
    # input (1, 2) * (0, 2) = (0, 4): z1 = (2, 2), times the mask (0, 2): (0, 4), z2 = 8 - 1 = 7;
    # delta 7 - 3 = 4; hidden delta (4 * 0.5 * 0, 4 * 2 * 2) = (0, 16)
    masks = [np.array([[0.0, 2.0]]), np.array([[0.0, 2.0]])]
    args = (COEFS, INTERCEPTS, X[:1], Y[:1], "relu", "squared_error")
    assert_allclose(naive.objective(*args, masks=masks), 4**2 / 2)
    coef_grads, intercept_grads = naive.gradient(*args, masks=masks)
    assert_allclose(coef_grads[0], [[0, 0], [0, 4 * 16]])
    assert_allclose(coef_grads[1], [[0], [4 * 4]])
    assert_allclose(intercept_grads[0], [0, 16])
    assert_allclose(intercept_grads[1], [4])


def test_activations_at_known_points():
    def values(name, z):
        g, slope = naive_ops.ACTIVATIONS[name]
        return [float(g(np.array(z))), float(slope(np.array(z)))]

    assert_allclose(values("identity", -3.0), [-3, 1])
    assert_allclose(values("relu", -3.0), [0, 0])
    assert_allclose(values("relu", 2.0), [2, 1])
    # expit(ln 3) = 3/4; tanh(ln 2) = (2 - 1/2) / (2 + 1/2) = 3/5
    assert_allclose(values("logistic", np.log(3)), [3 / 4, 3 / 16])
    assert_allclose(values("tanh", np.log(2)), [3 / 5, 16 / 25])


@pytest.mark.parametrize(
    ("loss", "logits", "target", "value", "delta"),
    [
        # softmax of (ln 1, ln 2, ln 5) is (1, 2, 5) / 8
        ("log_loss", np.log([1, 2, 5]), [1], np.log(4), [1 / 8, -6 / 8, 5 / 8]),
        ("binary_log_loss", [np.log(3), 0], [1, 0], -np.log(0.75) - np.log(0.5), [-0.25, 0.5]),
        ("squared_error", [1, 5], [3, 4], (4 + 1) / 2, [-2, 1]),
        # mu = (2, 2), y = (3, 0): (3 ln 3/2 - 3 + 2) + (0 - 0 + 2)
        ("poisson", np.log([2, 2]), [3, 0], 3 * np.log(1.5) + 1, [-1, 2]),
        # the stable forms survive logits whose exponentials do not
        ("log_loss", [1000, 0, -1000], [2], 2000, [1, 0, -1]),
        ("binary_log_loss", [1000, -1000], [0, 0], 1000, [1, 0]),
    ],
)
def test_losses_at_known_points(loss, logits, target, value, delta):
    z, y = np.array([logits], dtype=float), np.array([target], dtype=float)
    assert_allclose(naive_ops.LOSSES[loss][0](z, y), [value], rtol=1e-12)
    assert_allclose(naive_ops.LOSSES[loss][1](z, y), [delta], rtol=1e-12)


# Activations and losses meet only in the delta of the output layer.
@pytest.mark.parametrize(("activation", "loss"), each_in_turn(naive_ops.ACTIVATIONS, naive_ops.LOSSES))
@pytest.mark.parametrize("hidden", [(), (4,), (3, 5)])
def test_gradient_equals_central_differences(activation, loss, hidden):
    net = away_from_kinks(0, (3, *hidden, 2), activation, loss, n_samples=7, weights=True)
    rng = np.random.default_rng(0)
    masks = [None] + [rng.integers(0, 2, (7, width)) * 2.0 for width in hidden]
    assert_central_differences(net, l2=0.3, masks=masks)


def assert_central_differences(net, step=1e-6, **kw):
    """The gradient of a problem's objective, of the plain network, is what differences say."""
    gradients = net.gradient(**kw)
    for param, grad in zip(net.trained, sum(gradients, []), strict=True):
        numeric = np.empty_like(param)
        for index in np.ndindex(param.shape):
            kept = param[index]
            side = []
            for param[index] in (kept + step, kept - step):
                side.append(net.objective(net.matrices, net.vectors, **kw))
            param[index] = kept
            numeric[index] = (side[0] - side[1]) / (2 * step)
        # a difference has the rounding of the largest
        assert_allclose(grad, numeric, rtol=1e-6, atol=1e-8 + 1e-10 * np.abs(numeric).max())


@pytest.mark.parametrize("name", naive_ops.ACTIVATIONS)
def test_derivatives_jump_at_the_kinks_and_nowhere_else(name):
    z = np.linspace(-4, 4, 801)  # steps of 0.01, the kinks among them
    kinks = naive_ops.KINKS.get(name, ())
    slopes = naive_ops.ACTIVATIONS[name][1]
    jumps = np.abs(slopes(z + 1e-9) - slopes(z - 1e-9)) > 1e-3
    assert_allclose(z[jumps], kinks, atol=1e-12)


def test_momentum_steps_worked_by_hand():
    # rate 0.1, momentum 0.5, gradient 2 twice: v = -0.2, then -0.1 - 0.2 = -0.3
    sgd = naive_optimizers.SGD([np.array([1.0])], momentum=0.5, nesterov=False)
    (w,), shrink = sgd.step([np.array([1.0])], [np.array([2.0])], 0.1)
    assert_allclose(w, [0.8])
    assert_allclose(shrink[0], [0.2])
    (w,), _ = sgd.step([w], [np.array([2.0])], 0.1)
    assert_allclose(w, [0.5])
    assert sgd.t == 2


def test_nesterov_steps_worked_by_hand():
    # same velocities -0.2, -0.3; the steps are 0.5 * -0.2 - 0.2 = -0.3, then 0.5 * -0.3 - 0.2 = -0.35
    sgd = naive_optimizers.SGD([np.array([1.0])], momentum=0.5, nesterov=True)
    (w,), _ = sgd.step([np.array([1.0])], [np.array([2.0])], 0.1)
    assert_allclose(w, [0.7])
    (w,), _ = sgd.step([w], [np.array([2.0])], 0.1)
    assert_allclose(w, [0.35])


def test_adam_steps_worked_by_hand():
    # beta_1 = 1/2, beta_2 = 3/4, gradients 2 and 4: m = 1, v = 1; then m = 1/2 + 2, v = 3/4 + 4
    adam = naive_optimizers.Adam([np.array([1.0])], beta_1=0.5, beta_2=0.75, epsilon=1e-300)
    (w,), steps = adam.step([np.array([1.0])], [np.array([2.0])], 0.1)
    assert_allclose(w, [0.9])  # rate_t = 0.1 * sqrt(1/4) / (1/2) = 0.1
    assert_allclose(steps[0], [0.1])
    (w,), steps = adam.step([w], [np.array([4.0])], 0.1)
    assert_allclose(steps[0], [0.1 * np.sqrt(7 / 16) / 0.75 / np.sqrt(4.75)])
    assert_allclose(w, [0.9 - steps[0][0] * 2.5])


def one_unit(optimizer):
    """coefs, intercepts and optimizer of the smallest network: z = w x + b, both 0."""
    params = [np.zeros((1, 1)), np.zeros(1)]
    return params[:1], params[1:], optimizer(params)


def test_an_epoch_with_a_smaller_last_batch_worked_by_hand():
    # batch 1: residuals -1, -1, loss 1/2: w = b = 1. Batch 2: z = 2, residual -2, loss 2: w = b = 3
    coefs, intercepts, sgd = one_unit(lambda p: naive_optimizers.SGD(p, momentum=0.0))
    x, y = np.ones((3, 1)), np.array([[1.0], [1.0], [4.0]])
    coefs, intercepts, loss = naive.train_epoch(
        coefs, intercepts, x, y, np.arange(3), activation="identity", loss="squared_error",
        optimizer=sgd, rate=1.0, batch_size=2,
    )  # fmt: skip
    assert_allclose(coefs[0], [[3]])
    assert_allclose(intercepts[0], [3])
    assert_allclose(loss, (2 * 0.5 + 1 * 2) / 3)
    assert sgd.t == 2


def test_a_batch_without_weight_is_skipped():
    x, y = np.ones((4, 1)), np.array([[1.0], [1.0], [9.0], [4.0]])
    weight = np.array([1.0, 1.0, 0.0, 2.0])
    coefs, intercepts, adam = one_unit(naive_optimizers.Adam)
    kw = {"activation": "identity", "loss": "squared_error", "rate": 0.1, "batch_size": 1}
    skipped = naive.train_epoch(
        coefs, intercepts, x, y, np.arange(4), optimizer=adam, sample_weight=weight, **kw
    )
    assert adam.t == 3
    _, _, adam = one_unit(naive_optimizers.Adam)
    left_out = naive.train_epoch(
        coefs, intercepts, x, y, np.array([0, 1, 3]), optimizer=adam, sample_weight=weight, **kw
    )
    assert_allclose(skipped[0][0], left_out[0][0])
    assert_allclose(skipped[1][0], left_out[1][0])
    assert_allclose(skipped[2], left_out[2])


def test_epoch_loss_of_squared_error_is_the_mean_over_the_outputs():
    params = [np.zeros((1, 2)), np.zeros(2)]
    *_, loss = naive.train_epoch(
        params[:1], params[1:], np.ones((2, 1)), np.array([[2.0, 4.0]] * 2), np.arange(2),
        activation="identity", loss="squared_error", optimizer=naive_optimizers.SGD(params), rate=1.0, batch_size=2,
    )  # fmt: skip
    assert_allclose(loss, (2**2 / 2 + 4**2 / 2) / 2)


RULES = {
    "adam": naive_optimizers.Adam,
    "sgd": lambda p: naive_optimizers.SGD(p, momentum=0.0),
    "momentum": lambda p: naive_optimizers.SGD(p, nesterov=False),
    "nesterov": lambda p: naive_optimizers.SGD(p, nesterov=True),
}


@pytest.mark.parametrize(("rule", "slope"), crossed(RULES, [3.0, -3.0, 0.2]))
def test_l1_steps_end_at_the_minimum(rule, slope):
    optimizer, expected = RULES[rule], {3.0: 2.75, -3.0: -2.75, 0.2: 0.0}[slope]
    # x = (-1, 1), y = slope * x: mean loss (w - slope)^2/2 + b^2/2 + 0.5 |w| / 2, least at soft(slope, 0.25)
    x = np.array([[-1.0], [1.0]])
    coefs, intercepts, opt = one_unit(optimizer)
    for _ in range(500):
        coefs, intercepts, _ = naive.train_epoch(
            coefs, intercepts, x, slope * x, np.arange(2), activation="identity", loss="squared_error",
            optimizer=opt, rate=0.05, batch_size=2, l1=0.5,
        )  # fmt: skip
    assert_allclose(coefs[0], [[expected]], atol=1e-6)
    if not expected:
        assert coefs[0][0, 0] == 0
