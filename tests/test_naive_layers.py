"""What hidden layers and steps of the plain NumPy network can have: numbers worked out by hand, central differences."""

import naive
import naive_optimizers
import numpy as np
import pytest
from marks import crossed
from numpy.testing import assert_allclose, assert_array_equal
from problems import KINDS, RESIDUALS, Problem, away_from_kinks, described
from test_naive import assert_central_differences

from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS, PReLU
from fastnet.ops.losses import LOSSES

NETS = pytest.mark.parametrize(("normalization", "residual"), [(k, r) for k in KINDS for r in RESIDUALS], ids=str)


# ---- what is where ------------------------------------------------------------------------------------


@NETS
def test_matrices_and_vectors_stand_where_the_architecture_has_them(normalization, residual):
    # the first hidden layer is as wide as the features, the last as the outputs: neither has a skip
    names = ["prelu", "tanh", "prelu", "relu"]
    net = Problem(0, (4, 4, 4, 6, 3, 3), names, normalization=normalization, residual=residual)
    architecture = net.architecture()
    of_matrices, of_vectors = naive.places(net.matrices, **net.plain())
    assert tuple(of_vectors) == architecture.vectors()
    assert tuple(layer for _, layer in of_matrices) == architecture.matrix_layers()
    assert naive.skips(net.coefs, residual) == [layer.skip for layer in architecture.layers]
    assert described(architecture) == {"activation": names, "normalization": normalization, "residual": residual}
    if residual:
        skips = [None, "identity", *(["projection"] * 2 if residual == "projection" else [None] * 2), None]
        assert naive.skips(net.coefs, residual) == skips


def test_an_architecture_with_own_slopes_is_described_by_name():
    architecture = Architecture((2, 3, 3, 1), (PReLU(0.7), ACTIVATIONS["gelu"]), LOSSES["squared_error"])
    assert described(architecture)["activation"] == ["prelu", "gelu"]


# ---- by hand ------------------------------------------------------------------------------------------


def test_normalised_numbers_worked_by_hand():
    z = np.array([[1.0, 10.0], [3.0, 30.0], [5.0, 10.0]])
    # without epsilon; over the rows with weights 1, 1, 2: means 3.5 and 15, variances 2.75 and 75
    u, scale = naive.standardized(z, "batch", np.array([1.0, 1.0, 2.0]))
    assert_allclose(scale**2, [2.75 + 1e-5, 75 + 1e-5])
    assert_allclose(u * scale, [[-2.5, -5], [-0.5, 15], [1.5, -5]])
    # given: means 1 and 10, variances 4 and 100
    u, _ = naive.standardized(z, "batch", None, (np.array([1.0, 10.0]), np.array([4.0, 100.0])))
    assert_allclose(u, [[0, 0], [1, 2], [2, 0]], rtol=1e-5)
    # over the units, of the rows (1, 10) and (3, 30): means 5.5 and 16.5, deviations 4.5 and 13.5
    u, scale = naive.standardized(z[:2], "layer", None)
    assert_allclose(scale[:, 0], [4.5, 13.5], rtol=1e-6)
    assert_allclose(u, [[-1, 1], [-1, 1]], rtol=1e-6)
    # mean squares 101 / 2 and 909 / 2
    u, scale = naive.standardized(z[:2], "rms", None)
    assert_allclose(scale[:, 0] ** 2, [50.5 + 1e-5, 454.5 + 1e-5])
    assert_allclose(u * scale, z[:2])


def test_gains_and_shifts_worked_by_hand():
    # z = 3, 7 is normalised to -1, 1, but for epsilon; times 3 and plus 0.5: -2.5, 3.5
    net = [np.array([[2.0]]), np.array([[1.0]])], [np.array([v]) for v in (0.5, 0.0, 3.0, 1.0, 4.0)]
    X, kw = np.array([[1.5], [3.5]]), {"activation": "identity", "normalization": "batch"}
    zs, inputs = naive.forward(*net, X, **kw)
    assert_allclose(zs[0], [[3], [7]])
    assert_allclose(inputs[1], [[-2.5], [3.5]], rtol=1e-5)
    # the running mean is 1, the running variance 4: 1, 3
    assert_allclose(naive.predict(*net, X, loss="squared_error", **kw), [[3.5], [9.5]], rtol=1e-5)
    # residuals -2.5 and 2.5: the gain's gradient (-2.5 * -1 + 2.5 * 1) / 2
    grads = naive.gradient(*net, X, np.array([[0.0], [1.0]]), loss="squared_error", **kw)
    assert_allclose(grads[1], [[0], [0], [2.5]], atol=1e-5)
    # a batch in which one row counts is normalised as in prediction: residual 9.5 - 1
    weight = np.array([0.0, 2.0])
    value = naive.objective(*net, X, np.array([[0.0], [1.0]]), loss="squared_error", sample_weight=weight, **kw)
    assert_allclose(value, 8.5**2 / 2, rtol=1e-5)


def test_learnt_slopes_worked_by_hand():
    # z = -2, 3: outputs 0.25 * -2 and 3, times 2 and 10: -1 + 30
    net = [np.array([[1.0, 1.0]]), np.array([[2.0], [10.0]])], [
        np.array([0.0, 5.0]), np.zeros(1), np.array([0.25, -0.5]),
    ]  # fmt: skip
    X, y = np.array([[-2.0]]), np.array([[28.0]])
    zs, _ = naive.forward(*net, X, "prelu")
    assert_allclose(zs[1], [[29]])
    matrix_grads, vector_grads = naive.gradient(*net, X, y, "prelu", "squared_error")
    assert_allclose(vector_grads[2], [2 * -2, 0])
    assert_allclose(vector_grads[0], [2 * 0.25, 10])
    assert_allclose(matrix_grads[0], [[-2 * 2 * 0.25, -2 * 10]])


def test_a_projection_worked_by_hand():
    # a1 = 2, a2 = (3 + 7, 11 + 13) a1, output 5 and 0 times a2: 100
    matrices = [np.array(W, float) for W in ([[2]], [[3, 11]], [[5], [0]], [[7, 13]])]
    vectors, X, y = [np.zeros(n) for n in (1, 2, 1)], np.ones((1, 1)), np.array([[99.0]])
    kw = {"activation": "identity", "residual": "projection"}
    zs, inputs = naive.forward(matrices, vectors, X, **kw)
    assert_allclose(zs[1], [[6, 22]])
    assert_allclose(inputs[2], [[20, 48]])
    assert_allclose(zs[2], [[100]])
    grads, _ = naive.gradient(matrices, vectors, X, y, loss="squared_error", **kw)
    for ours, by_hand in zip(grads, [[[50]], [[10, 0]], [[20], [48]], [[10, 0]]], strict=True):
        assert_allclose(ours, by_hand)
    # a penalty of layer 1 is also its projection's, and none of a frozen layer: (9 + 121 + 49 + 169) / 2
    l2 = np.array([0.0, 1.0, 0.0])
    value = naive.objective(matrices, vectors, X, y, loss="squared_error", l2=l2, **kw)
    assert_allclose(value, 0.5 + 174)
    value = naive.objective(matrices, vectors, X, y, loss="squared_error", l2=l2, n_frozen=2, **kw)
    assert_allclose(value, 0.5)


def test_masks_of_weights_worked_by_hand():
    # 2 x, without the second feature: 2 * 3; residual 5, which reaches the weight that is kept, twice
    matrices, vectors = [np.array([[1.0], [7.0]])], [np.zeros(1)]
    kw = {"activation": "relu", "loss": "squared_error", "weight_masks": [np.array([[2.0], [0.0]])]}
    X, y = np.array([[3.0, 4.0]]), np.array([[1.0]])
    assert_allclose(naive.objective(matrices, vectors, X, y, l2=0.1, **kw), 12.5 + 0.05 * 50)
    grads, _ = naive.gradient(matrices, vectors, X, y, l2=0.1, **kw)
    assert_allclose(grads[0], [[3 * 5 * 2 + 0.1], [0.7]])


# ---- gradients ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_frozen", "names"), crossed([0, 2], [["prelu", "tanh", "relu"], ["silu", "prelu", "hard_tanh"]]), ids=str
)
@NETS
def test_gradients_equal_central_differences(normalization, residual, n_frozen, names):
    # with frozen layers their statistics are the running ones
    net = away_from_kinks(1, (3, 4, 4, 5, 2), names, "log_loss", n_samples=7, weights=True, normalization=normalization,
                          residual=residual, n_frozen=n_frozen)  # fmt: skip
    assert_central_differences(net, l2=[0.3, 0.0, 0.2, 0.1])


@NETS
def test_gradients_with_masks_equal_central_differences(normalization, residual):
    net = Problem(2, (3, 4, 4, 5, 2), ["silu", "prelu", "sine"], n_samples=7, weights=True, normalization=normalization,
                  residual=residual)  # fmt: skip
    rng = np.random.default_rng(0)
    masks = [rng.integers(0, 2, (7, width)) * 2.0 for width in net.units[:-1]]
    weight_masks = [rng.integers(0, 3, W.shape) * 0.75 for W in net.coefs]
    assert_central_differences(net, l2=0.3, masks=masks, weight_masks=weight_masks)


def test_gradients_where_one_row_counts_equal_central_differences():
    net = Problem(3, (3, 4, 5, 2), "tanh", n_samples=5, weights=True, normalization="batch")
    net.sample_weight[1:] = 0
    assert_central_differences(net)


@NETS
def test_deltas_are_the_gradients_in_z(normalization, residual):
    """Something added to z as a bias before normalisation has the gradient of the deltas, summed over the rows."""
    net = Problem(4, (3, 4, 4, 5, 2), "tanh", n_samples=6, normalization=normalization, residual=residual)
    deltas = naive.deltas(net.matrices, net.vectors, net.X, net.y, loss=net.loss, **net.plain())
    zs, inputs = net.forward()
    for i, (delta, z, a) in enumerate(zip(deltas, zs, inputs, strict=True)):
        assert delta.shape == z.shape
        assert_allclose(a.T @ delta / 6, net.gradient()[0][i], rtol=1e-12)


# ---- steps --------------------------------------------------------------------------------------------

# z = w x + b of two features, two samples that are alike: with w = 0, b = 0 residuals are -2,
# the gradient of the weights (-2 * 3, -2 * 4) = (-6, -8), of the bias -2
X, Y = np.array([[3.0, 4.0]] * 2), np.array([[2.0], [2.0]])
LINE = {"activation": "relu", "loss": "squared_error", "rate": 0.1, "batch_size": 2}


def one_epoch(w=(0.0, 0.0), momentum=0.0, repeats=1, **kw):
    matrices, vectors, steps = [np.array(w)[:, None]], [np.zeros(1)], []
    sgd = naive_optimizers.SGD(matrices + vectors, momentum, False)
    order = np.tile(np.arange(2), repeats)
    *after, loss = naive.train_epoch(matrices, vectors, X, Y, order, optimizer=sgd, steps=steps, **LINE, **kw)
    return np.concatenate([np.ravel(p) for p in sum(after, [])]), loss, steps


def test_clipped_steps_worked_by_hand():
    after, loss, steps = one_epoch()
    assert_allclose(after, [0.6, 0.8, 0.2])
    assert_allclose(loss, 2)
    assert_allclose(steps[0].norm, np.sqrt(36 + 64 + 4))
    assert_allclose(one_epoch(clip_value=7.0)[0], [0.6, 0.7, 0.2])
    assert_allclose(one_epoch(clip_norm=np.sqrt(26))[0], [0.3, 0.4, 0.1])
    assert_allclose(one_epoch(clip_norm=11.0)[0], [0.6, 0.8, 0.2])
    # biases that stand still have no part in the norm
    after, _, steps = one_epoch(clip_norm=5.0, use_bias=False)
    assert_allclose(after, [0.3, 0.4, 0])
    assert_allclose(steps[0].norm, 10)
    # a penalty is clipped with the rest: with w = (1, 0) residuals are 1, the gradient (3 + 8/2, 4, 1)
    assert_allclose(one_epoch((1.0, 0.0), l2=8.0, clip_value=3.5)[0], [1 - 0.35, -0.35, -0.1])


def test_bounded_norms_worked_by_hand():
    # (0.6, 0.8) has norm 1
    assert_allclose(one_epoch(max_norm=0.5)[0], [0.3, 0.4, 0.2])
    assert_allclose(one_epoch(max_norm=1.5)[0], [0.6, 0.8, 0.2])
    # after L1's shrinkage by 0.1 * 12 / 2: (0, 0.2)
    assert_allclose(one_epoch(l1=12.0)[0], [0, 0.2, 0.2], atol=1e-15)
    assert_allclose(one_epoch(l1=12.0, max_norm=0.1)[0], [0, 0.1, 0.2], atol=1e-15)
    assert_allclose(naive.bounded(np.array([[3.0, 0.3], [4.0, 0.4]]), 1.0), [[0.6, 0.3], [0.8, 0.4]])


def test_averages_worked_by_hand():
    steps = [naive.Step(0.0, [np.array([value])]) for value in (1.0, 2.0, 4.0)]
    assert_allclose(naive.average(steps, 0.5), [[(0.25 + 1 + 4) / 1.75]])
    assert_allclose(naive.average(steps[:1], 0.5), [[1]])
    after, _, steps = one_epoch(repeats=3)
    assert len(steps) == 3
    assert_allclose(np.concatenate([np.ravel(p) for p in steps[-1].params]), after)
    assert_allclose(steps[0].params[0][:, 0], [0.6, 0.8])


def test_noise_is_added_to_the_input_of_a_batch():
    # the second feature is 4 - 4: the gradient is (-6, 0), of the bias -2
    after, _, _ = one_epoch(input_noise=lambda step, rows: np.array([[0.0, -4.0]] * 2))
    assert_allclose(after, [0.6, 0, 0.2])


@NETS
def test_frozen_layers_stand_still_and_the_others_step_as_alone(normalization, residual):
    net = Problem(5, (3, 4, 4, 5, 2), ["prelu", "tanh", "tanh"], n_samples=9, normalization=normalization,
                  residual=residual, n_frozen=2)  # fmt: skip
    sgd = naive_optimizers.SGD(net.trained, 0.0, False)
    kw = {"optimizer": sgd, "rate": 0.1, "batch_size": 9, "l2": 9}
    *after, loss = net.train_epoch(net.matrices, net.vectors, np.arange(9), **kw)
    value = net.objective(net.matrices, net.vectors, l2=0) / 2  # of two outputs
    of_matrices, of_vectors = naive.places(net.matrices, **net.plain())
    value += sum((W**2).sum() for (_, layer), W in zip(of_matrices, net.matrices, strict=True) if layer > 1) / 2
    assert_allclose(loss, value)
    grads = net.gradient(l2=9)
    for where, before, now, changes in zip((of_matrices, of_vectors), (net.matrices, net.vectors), after, grads,
                                           strict=True):  # fmt: skip
        for (kind, layer), b, a in zip(where, before, now, strict=True):
            assert np.array_equal(a, b) == (layer < 2), (kind, layer)
        for (_, layer), b, a, g in zip(where, before, now, changes, strict=False):
            if layer > 1:
                assert_allclose(a, b - 0.1 * g)


def test_running_statistics_worked_by_hand():
    z, weight = np.array([[1.0], [5.0]]), np.array([1.0, 3.0])  # mean 4, variance 3
    mean, variance = naive.running_after(np.zeros(1), np.ones(1), z, weight, 1)
    # half of each: mean 2, variance (1 + 3) / 2 and the spread of the means, 2 on either side
    assert_allclose([mean[0], variance[0]], [2, 2 + 4])
    # from the ninth step on a tenth
    for step in (9, 5000):
        mean, variance = naive.running_after(np.zeros(1), np.ones(1), z, weight, step)
        assert_allclose([mean[0], variance[0]], [0.4, 0.9 + 0.3 + 0.1 * 0.9 * 16])


def test_an_epoch_measures_statistics_before_its_steps():
    net = Problem(6, (3, 5, 2), "tanh", n_samples=8, normalization="batch")
    sgd = naive_optimizers.SGD(net.trained, 0.0, False)
    _, vectors, _ = net.train_epoch(net.matrices, net.vectors, np.arange(8), optimizer=sgd, rate=0.1, batch_size=8)
    z, (mean, variance) = net.X @ net.matrices[0], net.vectors[-2:]
    assert_allclose(vectors[-2], (mean + z.mean(axis=0)) / 2)
    both = np.concatenate([z, mean + np.sqrt(variance) * np.repeat([[-1.0], [1.0]], 4, axis=0)])
    assert_allclose(vectors[-1], both.var(axis=0))
    assert_array_equal(sgd.t, 1)
