"""The compiled session against the plain NumPy network, epoch by epoch."""

from itertools import product

import naive
import naive_optimizers
import numpy as np
import pytest
from marks import crossed, exhaustive
from numpy.testing import assert_allclose, assert_array_equal
from problems import Problem, activations_in_turn, away_from_kinks, distance, random_units, same_bits

from fastnet.engine import forward
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import SGD, Adam

TOLERANCE = {np.float64: 1e-10, np.float32: 1e-4}
# compiled optimizer, its twin, learning rate
OPTIMIZERS = {
    "sgd": (SGD(momentum=0.0, nesterov=False), lambda p: naive_optimizers.SGD(p, 0.0, False), 0.05),
    "momentum": (SGD(momentum=0.8, nesterov=False), lambda p: naive_optimizers.SGD(p, 0.8, False), 0.02),
    "nesterov": (SGD(), naive_optimizers.SGD, 0.02),
    "adam": (Adam(), naive_optimizers.Adam, 0.01),
    "adam-2": (Adam(beta_1=0.5, beta_2=0.7, epsilon=1e-3), lambda p: naive_optimizers.Adam(p, 0.5, 0.7, 1e-3), 0.01),
}


def run_both(problem, name, batch_size, epochs=2, order=None, slower=1, **kw):
    """(parameters, losses, step, moments) of the engine and of the twin."""
    optimizer, twin, rate = OPTIMIZERS[name]
    rate, n = rate / slower, len(problem.X)
    rng = np.random.default_rng(0)
    orders = [(rng.permutation(n) if order is None else order).astype(np.intp) for _ in range(epochs)]

    with problem.session(optimizer=optimizer, batch_size=batch_size, **kw) as session:
        losses = [session.run_epoch(order, rate) for order in orders]
        ours = sum(session.get_parameters(), [])
        steps, states = session.step, session.state.get_moments()

    theirs, losses_, twin = (problem.matrices, problem.vectors), [], twin(problem.trained)
    for order in orders:
        *theirs, loss = problem.train_epoch(*theirs, order, optimizer=twin, rate=rate, batch_size=batch_size, **kw)
        losses_.append(loss)
    return (ours, losses, steps, states), (sum(theirs, []), losses_, twin.t, twin.states)


def assert_agree(ours, theirs, dtype):
    tolerance = TOLERANCE[dtype]
    assert all(p.dtype == dtype for p in ours[0])
    assert distance(ours[0], theirs[0]) < tolerance
    assert_allclose(ours[1], theirs[1], rtol=tolerance)
    assert ours[2] == theirs[2]
    assert len(ours[3]) == len(theirs[3])
    for state, twin in zip(ours[3], theirs[3], strict=True):
        assert distance(state, twin) < 10 * tolerance


SEEDS = range(len(LOSSES))
# In single precision fewer in a plain run: the formulas are the same, and each loss and optimizer has to be compiled.
IN_SINGLE = (0, 1, 4, 8)


@pytest.mark.parametrize(
    ("seed", "dtype"),
    [*((seed, np.float64) for seed in SEEDS), *((seed, np.float32) for seed in IN_SINGLE),
     *exhaustive((seed, np.float32) for seed in SEEDS if seed not in IN_SINGLE),
     *exhaustive(product(range(len(LOSSES), 50), [np.float64, np.float32]))],
)  # fmt: skip
def test_random_networks_step_as_the_plain_network(seed, dtype):
    rng = np.random.default_rng(seed)
    loss = list(LOSSES)[seed % len(LOSSES)]
    names = activations_in_turn(seed, most=4)
    # in a float32 a z at a kink may be on the other side of it: there the two derive differently
    problem = away_from_kinks(
        seed,
        random_units(rng, n_hidden=len(names)),
        activation=names,
        loss=loss,
        distance=1e-6,
        n_samples=int(rng.integers(3, 80)),
        weights=bool(seed % 2),
        dtype=dtype,
    )
    ours, theirs = run_both(
        problem,
        list(OPTIMIZERS)[seed % len(OPTIMIZERS)],
        batch_size=int(rng.integers(1, 51)),
        l2=float(rng.choice([0.0, 0.5])),
        slower=10 if LOSSES[loss].out_activation == "exp" else 1,  # outputs that are not bounded would run away
    )
    assert_agree(ours, theirs, dtype)


def test_random_networks_have_every_activation():
    assert {name for seed in SEEDS for name in activations_in_turn(seed, most=4)} == set(ACTIVATIONS)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.paths
def test_l1_steps_as_the_plain_network(optimizer, dtype):
    problem = Problem(1, (9, 17, 5, 3), "tanh", "log_loss", n_samples=43, weights=True, dtype=dtype)
    ours, theirs = run_both(problem, optimizer, batch_size=10, l1=0.5, l2=0.1, epochs=4)
    assert_agree(ours, theirs, dtype)
    assert any((p == 0).any() for p in ours[0][:3])
    if dtype == np.float64:
        for a, b in zip(ours[0], theirs[0], strict=True):
            assert_array_equal(a == 0, b == 0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 64, 65])
@pytest.mark.paths
def test_widths_around_the_vector_lengths(width, dtype):
    problem = Problem(2, (width, width, width + 1, 2), "relu", "squared_error", n_samples=20, dtype=dtype)
    ours, theirs = run_both(problem, "nesterov", batch_size=8)
    assert_agree(ours, theirs, dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch_size", [*range(1, 20), 31, 32, 33, 50])
@pytest.mark.paths
def test_batch_sizes_with_every_remainder(batch_size, dtype):
    problem = Problem(3, (5, 11, 3), "logistic", "binary_log_loss", n_samples=53, dtype=dtype)
    ours, theirs = run_both(problem, "adam", batch_size=batch_size, l2=0.2)
    assert_agree(ours, theirs, dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.paths
def test_full_batches_in_chunks_step_as_the_plain_network(dtype):
    problem = Problem(4, (6, 9, 2), "tanh", "squared_error", n_samples=3001, weights=True, dtype=dtype)
    ours, theirs = run_both(problem, "adam", batch_size=3001, l2=1.0, epochs=3)
    assert_agree(ours, theirs, dtype)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_a_batch_without_weight_is_no_step(optimizer):
    problem = Problem(5, (4, 6, 2), n_samples=23, weights=True)
    problem.sample_weight[5:10] = 0
    ours, theirs = run_both(problem, optimizer, batch_size=5, l2=0.3, l1=0.01, order=np.arange(23), epochs=3)
    assert ours[2] == theirs[2] == 3 * 4
    assert_agree(ours, theirs, np.float64)


def test_an_epoch_without_any_weight_changes_nothing():
    problem = Problem(5, (4, 6, 2), n_samples=23, weights=True)
    problem.sample_weight[:] = 0
    with problem.session(optimizer=Adam(), batch_size=5, l2=0.1, l1=0.1) as session:
        session.run_epoch(np.arange(23), 0.1)
        coefs, intercepts = session.get_parameters()
        assert session.step == 0
    assert same_bits(coefs + intercepts, problem.coefs + problem.intercepts)


def test_an_order_may_be_any_part_of_the_samples():
    problem = Problem(6, (4, 6, 2), n_samples=40)
    order = np.array([3, 17, 39, 0, 21, 8, 8])
    ours, theirs = run_both(problem, "nesterov", batch_size=3, order=order)
    assert_agree(ours, theirs, np.float64)


@pytest.mark.parametrize("optimizer", ["nesterov", "adam"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_session_continues_from_the_state_of_another(optimizer, dtype):
    problem = Problem(7, (5, 33, 3), "tanh", "log_loss", n_samples=37, dtype=dtype)
    optimizer, _, rate = OPTIMIZERS[optimizer]
    order = np.arange(37)
    with problem.session(optimizer=optimizer, batch_size=10) as session:
        session.run_epoch(order, rate)
        middle, state, step = session.get_parameters(), session.state.get_moments(), session.step
        session.run_epoch(order, rate)
        end, end_state, end_step = session.get_parameters(), session.state.get_moments(), session.step
    assert (step, end_step) == (4, 8)
    with problem.session(optimizer=optimizer, batch_size=10) as session:
        session.set_parameters(*middle)
        session.state.set_moments(state)
        session.step = step
        session.run_epoch(order, rate)
        again, again_state = session.get_parameters(), session.state.get_moments()
        assert session.step == end_step
    assert same_bits([*end[0], *end[1]], [*again[0], *again[1]])
    for a, b in zip(end_state, again_state, strict=True):
        assert same_bits(a, b)


def test_parameters_come_back_as_they_were_set():
    problem = Problem(8, (13, 70, 1, 19, 4), dtype=np.float32)
    with problem.session(optimizer=SGD()) as session:
        coefs, intercepts = session.get_parameters()
        for a, b in zip(coefs + intercepts, problem.coefs + problem.intercepts, strict=True):
            assert a.dtype == np.float32
            assert_array_equal(a, b)
        # fresh arrays: editing them edits nothing else
        coefs[0][:] = 0
        assert_array_equal(session.get_parameters()[0][0], problem.coefs[0])


def test_divergence_stays_visible():
    problem = Problem(9, (3, 4, 1), "identity", "squared_error", n_samples=30)
    with problem.session(optimizer=SGD(), batch_size=5) as session:
        losses = [session.run_epoch(np.arange(30), 1e6) for _ in range(40)]
        coefs, _ = session.get_parameters()
    assert not np.isfinite(losses[-1])
    assert not np.isfinite(coefs[0]).all()


@pytest.mark.parametrize(("loss", "dtype"), crossed(LOSSES, [np.float64, np.float32]))
@pytest.mark.parametrize("hidden", [(), (7,), (70, 3, 18)])
def test_forward_equals_the_plain_network(hidden, loss, dtype):
    problem = Problem(10, (6, *hidden, 5), "tanh", loss, n_samples=29, dtype=dtype)
    coefs, intercepts = ([p.astype(dtype) for p in ps] for ps in (problem.coefs, problem.intercepts))
    X = problem.X.astype(dtype)
    out = forward(problem.architecture(), coefs, intercepts, X)
    assert out.dtype == dtype
    rtol = TOLERANCE[dtype]
    expected = naive.predict(problem.coefs, problem.intercepts, problem.X, "tanh", loss)
    assert_allclose(out, expected, rtol=rtol, atol=rtol / 100)

    logits = forward(problem.architecture(), coefs, intercepts, X, link=False)
    expected = naive.forward(problem.coefs, problem.intercepts, problem.X, "tanh")[0][-1]
    assert_allclose(logits, expected, rtol=rtol, atol=rtol / 100)

    # a row has the same bits alone, among chosen rows, in any batch
    rows = np.array([28, 3, 3, 11])
    assert same_bits([forward(problem.architecture(), coefs, intercepts, X, rows=rows)], [out[rows]])
    alone = np.vstack([forward(problem.architecture(), coefs, intercepts, X[i : i + 1]) for i in range(29)])
    assert same_bits([alone], [out])


def test_extreme_logits_give_finite_losses():
    problem = Problem(11, (2, 3), loss="log_loss", n_samples=4)
    problem.coefs[0] *= 1e4
    with problem.session() as session:
        loss, coef_grads, _ = session.loss_and_gradient()
    assert_allclose(loss, problem.objective(problem.coefs, problem.intercepts), rtol=1e-10)
    assert np.isfinite(coef_grads[0]).all()
