"""Steps with normalised layers, learnt slopes and projections: against plain NumPy; running statistics by hand."""

import naive_optimizers
import numpy as np
import problems
import pytest
from marks import exhaustive
from numpy.testing import assert_allclose
from problems import KINDS, RESIDUALS, SOME, Problem, activations_in_turn, same_bits

from fastnet.engine import Session
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import SGD, Adam

DTYPES = [np.float64, np.float32]
SOME = pytest.mark.parametrize(("normalization", "residual", "activation"), SOME, ids=str)


def assert_steps(net, order, optimizer, rate, **options):
    """Two epochs in batches of 5 are those of the plain network; the parameters after them, of the engine."""
    ours, twin = {"sgd": (SGD(), naive_optimizers.SGD), "adam": (Adam(), naive_optimizers.Adam)}[optimizer]
    twin, expected, losses = twin(net.trained), (net.matrices, net.vectors), []
    options = {"batch_size": 5, "l2": 0.2, **options}
    for _ in range(2):
        *expected, loss = net.train_epoch(*expected, order, optimizer=twin, rate=rate, **options)
        losses.append(loss)
    with net.session(optimizer=ours, **options) as session:
        assert_allclose([session.run_epoch(order, rate) for _ in range(2)], losses, rtol=1e-10)
        results = session.get_parameters()
    for a, b in zip(sum(results, []), sum(expected, []), strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    return results


@pytest.mark.parametrize(("optimizer", "use_bias"), [("sgd", True), ("adam", False)])
@SOME
def test_steps_are_those_of_the_reference(normalization, residual, activation, optimizer, use_bias):
    net = Problem(9, (3, 4, 4, 5, 2), activation, "log_loss", n_samples=16, weights=True, normalization=normalization,
                  residual=residual, use_bias=use_bias)  # fmt: skip
    order = np.random.default_rng(0).permutation(16)  # batches of 5, 5, 5 and 1
    _, vectors = assert_steps(net, order, optimizer, {"sgd": 0.05, "adam": 0.02}[optimizer])
    assert all(same_bits([b], [v]) != use_bias for b, v in zip(vectors, net.intercepts, strict=False))


@pytest.mark.parametrize(
    ("n_frozen", "normalization", "residual", "activation"),
    [(1 + i % 3, *what) for i, what in enumerate(problems.SOME)], ids=str,
)  # fmt: skip
def test_steps_above_frozen_layers_are_those_of_the_reference(normalization, residual, activation, n_frozen):
    net = Problem(10, (3, 4, 4, 5, 2), activation, "log_loss", n_samples=13, weights=True, normalization=normalization,
                  residual=residual, n_frozen=n_frozen)  # fmt: skip
    results = assert_steps(net, np.arange(13), "sgd", 0.05)
    architecture = net.architecture()
    layers = [*architecture.matrix_layers(), *(layer for _, layer in architecture.vectors())]
    for layer, a, before in zip(layers, sum(results, []), net.matrices + net.vectors, strict=True):
        assert same_bits([a], [before]) == (layer < n_frozen)


SEEDS = range(24)
EXTRAS = [
    {}, {"clip_norm": 0.3}, {"clip_value": 0.02}, {"max_norm": 0.8}, {"clip_norm": 0.3, "max_norm": 0.8}, {"l1": 0.05},
]  # fmt: skip


@pytest.mark.parametrize("seed", [*SEEDS, *exhaustive(range(24, 200))])
def test_steps_of_random_networks_with_everything_are_those_of_the_plain_network(seed):
    rng = np.random.default_rng(seed)
    names = activations_in_turn(seed, most=3)
    # one feature, normalised over the batch, leaves its weights a gradient of rounding alone, which Adam would follow
    some = [int(n) for n in rng.integers(2, 41, 2)]  # of two widths some layers are as wide as the last
    units = (int(rng.integers(4, 41)), *(some[i] for i in rng.integers(0, 2, len(names))), int(rng.integers(2, 13)))
    options = {}
    if names:
        options = {"normalization": KINDS[rng.integers(4)], "residual": RESIDUALS[rng.integers(3)]}
    net = Problem(
        seed, units, names, list(LOSSES)[seed % len(LOSSES)], n_samples=int(rng.integers(8, 40)),
        weights=bool(rng.integers(2)), n_frozen=int(rng.integers(len(names) + 1)) if seed % 3 == 0 else 0,
        use_bias=bool(rng.integers(4)), **options,
    )  # fmt: skip
    order = rng.permutation(len(net.X))
    extra, optimizer = EXTRAS[rng.integers(len(EXTRAS))], ["sgd", "adam"][rng.integers(2)]
    assert_steps(net, order, optimizer, 0.002, batch_size=int(rng.integers(5, 20)), **extra)


def test_random_networks_have_every_activation():
    assert {name for seed in SEEDS for name in activations_in_turn(seed, most=3)} == set(ACTIVATIONS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_running_statistics_by_hand(dtype):
    """With a rate of 0 only they move: two units, z = x and z = 10 x."""
    op, loss = ACTIVATIONS["tanh"], LOSSES["squared_error"]
    architecture = Architecture((1, 2, 1), (op,), loss, normalization="batch")
    X = np.array([[1.0], [5.0], [2.0], [2.0], [9.0], [7.0], [4.0], [6.0], [100.0]])
    weight = np.array([1.0, 3.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    # batches of two: mean 4 and variance 3 by weight, 2 and 0, one row that counts, 9, and two that do not count at all
    mean, variance, expected = 0.0, 1.0, []
    for share, batch_mean, batch_variance in ((1 / 2, 4.0, 3.0), (1 / 3, 2.0, 0.0), (1 / 4, 9.0, 0.0)):
        variance = (1 - share) * (variance + share * (batch_mean - mean) ** 2) + share * batch_variance
        mean = (1 - share) * mean + share * batch_mean
        expected.append((mean, variance))
    assert_allclose(expected[0], (2.0, 6.0))  # of 0 with variance 1, and 4 with variance 3
    matrices, zero, one = [np.array([[1.0, 10.0]]), np.ones((2, 1))], np.zeros(2), np.ones(2)
    for rows, by_hand in ((np.arange(2), expected[0]), (np.arange(4), expected[1]), (np.arange(9), expected[2])):
        with Session(architecture, X.astype(dtype), np.zeros((9, 1), dtype), weight.astype(dtype), dtype=dtype,
                     optimizer=SGD(), batch_size=2) as session:  # fmt: skip
            session.set_parameters(matrices, [zero, zero[:1], one, zero, one])
            session.run_epoch(rows, 0.0)
            *_, running_mean, running_variance = session.get_parameters()[1]
            assert session.step == min(len(rows) // 2, 3)
        rtol = 1e-13 if dtype == np.float64 else 1e-6
        assert_allclose(running_mean, [by_hand[0], 10 * by_hand[0]], rtol=rtol)
        assert_allclose(running_variance[0], by_hand[1], rtol=rtol)


def test_the_share_of_a_batch_falls_to_a_tenth_and_goes_on_with_the_steps():
    net = Problem(11, (3, 5, 2), "tanh", n_samples=8, normalization="batch")
    z = net.X @ net.matrices[0]
    for step, share in ((0, 1 / 2), (1, 1 / 3), (8, 1 / 10), (9, 1 / 10), (5000, 1 / 10)):
        with net.session(optimizer=SGD(), batch_size=8) as session:
            session.step = step
            session.run_epoch(np.arange(8), 0.0)
            mean, variance = session.get_parameters()[1][-2:]
        before, spread = net.vectors[-2:]
        assert_allclose(mean, before + share * (z.mean(axis=0) - before), rtol=1e-12)
        spread = (1 - share) * (spread + share * (z.mean(axis=0) - before) ** 2) + share * z.var(axis=0)
        assert_allclose(variance, spread, rtol=1e-12)


def test_running_statistics_approach_those_of_the_data():
    net = Problem(12, (3, 5, 5, 2), "tanh", n_samples=400, normalization="batch")
    with net.session(optimizer=SGD(), batch_size=20) as session:
        for _ in range(5):
            session.run_epoch(np.arange(400), 0.0)
        means, variances = np.reshape(session.get_parameters()[1][-4:], (2, 2, 5))
    zs, _ = net.forward()
    for z, mean, variance in zip(zs[:-1], means, variances, strict=True):
        assert np.abs(mean - z.mean(axis=0)).max() < 0.15 * z.std(axis=0).max()
        assert np.abs(variance / z.var(axis=0) - 1).max() < 0.25


@SOME
def test_a_batch_of_one_is_finite_and_moves(normalization, residual, activation):
    net = Problem(13, (3, 5, 5, 8, 2), activation, n_samples=6, normalization=normalization, residual=residual)
    with net.session(optimizer=SGD(), batch_size=1) as session:
        losses = [session.run_epoch(np.arange(6), 0.002) for _ in range(30)]
        results = sum(session.get_parameters(), [])
    assert all(np.isfinite(p).all() for p in results) and losses[-1] < losses[0]
    moved = [not np.array_equal(a, b) for a, b in zip(results, net.matrices + net.vectors, strict=True)]
    assert all(moved)
