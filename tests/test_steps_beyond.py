"""Clipped gradients, bounded norms and averaged weights in the engine, against plain NumPy and PyTorch."""

import copy

import naive
import numpy as np
import pytest
import scipy.sparse as sp
from marks import crossed
from numpy.testing import assert_allclose
from problems import Problem, distance, same_bits
from test_steps import OPTIMIZERS, TOLERANCE

from fastnet.engine import Session
from fastnet.ops.optimizers import SGD

DTYPES = [np.float32, np.float64]
EXTRAS = {
    "value": {"clip_value": 0.02},
    "norm": {"clip_norm": 0.4},
    "max norm": {"max_norm": 0.8},
    "average": {"ema_decay": 0.8},
    "norm, max norm, average": {"clip_norm": 0.4, "max_norm": 0.8, "ema_decay": 0.6},
    "value, max norm": {"clip_value": 0.02, "max_norm": 0.8},
}
UNITS = (19, 40, 17, 33, 3)


def problem_of(dtype, n_samples=31, **kw):
    problem = Problem(3, UNITS, "tanh", n_samples=n_samples, dtype=dtype, **kw)
    problem.X[problem.X < 0.8] = 0
    return problem


def session_of(problem, n_frozen=0, use_bias=True, sparse=False, **kw):
    intercepts = [b * (use_bias or layer < n_frozen) for layer, b in enumerate(problem.intercepts)]
    X, y = problem.X.astype(problem.dtype), problem.y.astype(problem.dtype)
    weight = None if problem.sample_weight is None else problem.sample_weight.astype(problem.dtype)
    architecture = problem.architecture(n_frozen=n_frozen, use_bias=use_bias)
    session = Session(architecture, sp.csr_array(X) if sparse else X, y, weight, dtype=problem.dtype, **kw)
    session.set_parameters(problem.coefs, intercepts)
    return session, intercepts


def plain_epoch(problem, intercepts, twin, rate, order, ema_decay=None, **kw):
    """Parameters after an epoch of the plain network, what predicts, and the norms of the gradients."""
    steps = []
    *trained, _ = problem.train_epoch(
        problem.coefs, intercepts, order, optimizer=twin(problem.trained), rate=rate, steps=steps, **kw
    )
    trained = sum(trained, [])
    predicting = trained if ema_decay is None else naive.average(steps, ema_decay)
    return trained, predicting, [step.norm for step in steps]


def trained_parameters(session):
    return sum(session.state.layout.unpack(session.state.flat), [])


def assert_twins_in_step(session):
    twins = np.zeros_like(session.state.twins)
    session.state.layout.pack_twins(twins, session.state.layout.unpack(session.state.flat)[0])
    assert same_bits([twins], [session.state.twins])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(("n_frozen", "use_bias"), [(0, True), (0, False), (2, True)])
@pytest.mark.parametrize("name", ["nesterov", "adam"])
@pytest.mark.parametrize("extra", EXTRAS)
def test_steps_are_the_plain_ones(extra, name, n_frozen, use_bias, sparse, dtype):
    problem, extra = problem_of(dtype), EXTRAS[extra]
    optimizer, twin, rate = OPTIMIZERS[name]
    order = np.random.default_rng(0).permutation(31)
    kw = {"batch_size": 8, "l1": 0.01, "l2": 0.2, **extra}
    session, intercepts = session_of(problem, n_frozen, use_bias, sparse, optimizer=optimizer, **kw)
    with session:
        session.run_epoch(order, rate)
        trained, predicting, norms = trained_parameters(session), sum(session.get_parameters(), []), None
        assert_twins_in_step(session)
        if session.steps.measures_gradients:
            norms = session.steps.gradient_norms()
    expected, average, all_norms = plain_epoch(
        problem, intercepts, twin, rate, order, n_frozen=n_frozen, use_bias=use_bias, **kw
    )
    assert distance(trained, expected) < TOLERANCE[dtype]
    assert distance(predicting, average) < TOLERANCE[dtype]
    assert (norms is not None) == any(key.startswith("clip") for key in extra)
    if norms is not None:
        share = np.mean(np.array(all_norms) > extra["clip_norm"]) if "clip_norm" in extra else 1.0
        assert_allclose(norms, [np.mean(all_norms), np.max(all_norms), share], rtol=TOLERANCE[dtype])
        assert norms[2] > 0


@pytest.mark.parametrize(("extra", "dtype"), crossed(EXTRAS, DTYPES))
def test_batches_in_chunks(extra, dtype):
    problem, extra = problem_of(dtype, n_samples=2300, weights=True), EXTRAS[extra]
    optimizer, twin, rate = OPTIMIZERS["adam"]
    kw = {"batch_size": 2300, "l2": 0.2, **extra}
    session, intercepts = session_of(problem, optimizer=optimizer, **kw)
    with session:
        assert session.tables.workspace.rows < 2300
        session.run_epoch(np.arange(2300), rate)
        trained, predicting = trained_parameters(session), sum(session.get_parameters(), [])
        assert_twins_in_step(session)
    expected, average, _ = plain_epoch(problem, intercepts, twin, rate, np.arange(2300), **kw)
    assert distance(trained, expected) < TOLERANCE[dtype]
    assert distance(predicting, average) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("extra", EXTRAS)
def test_bounds_that_never_bind_change_no_bit(extra, dtype):
    loose = {key: 1e9 for key in EXTRAS[extra] if key != "ema_decay"}
    ends = []
    for kw in ({}, loose):
        session, _ = session_of(problem_of(dtype), optimizer=OPTIMIZERS["adam"][0], batch_size=8, l1=0.01, l2=0.2, **kw)
        with session:
            losses = [session.run_epoch(np.arange(31), 0.01) for _ in range(2)]
            ends.append([*trained_parameters(session), *sum(session.state.get_moments(), []), np.array(losses)])
            assert not session.steps.measures_gradients or session.steps.gradient_norms()[2] == 0
    assert same_bits(*ends)


def test_the_first_average_is_the_first_step_and_validation_sees_the_average():
    session, _ = session_of(problem_of(np.float64), optimizer=SGD(), batch_size=31, ema_decay=0.9)
    with session:
        before = session.get_parameters()
        assert same_bits(sum(before, []), trained_parameters(session))  # no step yet
        session.run_epoch(np.arange(31), 0.1)
        first = trained_parameters(session)
        assert_allclose(np.concatenate([np.ravel(p) for p in sum(session.get_parameters(), [])]),
                        np.concatenate([np.ravel(p) for p in first]), rtol=1e-14)  # fmt: skip
        session.run_epoch(np.arange(31), 0.1)
        second, average = trained_parameters(session), session.get_parameters()
        assert_allclose(average[0][1], (0.9 * first[1] + second[1]) / 1.9, rtol=1e-12)
        predictions = session.predict_rows(np.arange(5))
        assert same_bits(trained_parameters(session), second)
        session.set_parameters(*average)
        assert same_bits([predictions], [session.predict_rows(np.arange(5))])


def test_what_is_not_finite_stays_so():
    for extra in EXTRAS.values():
        problem = problem_of(np.float64)
        problem.X[3, 2] = np.nan
        session, _ = session_of(problem, optimizer=SGD(), batch_size=8, **extra)
        with session:
            session.run_epoch(np.arange(31), 0.1)
            assert not all(np.isfinite(p).all() for p in sum(session.get_parameters(), []))
            if session.steps.measures_gradients:
                assert np.isnan(session.steps.gradient_norms()[0])


@pytest.mark.parametrize("extra", ["value", "norm"])
@pytest.mark.oracle
def test_gradients_are_clipped_as_in_pytorch(extra):
    import torch

    problem, extra = Problem(5, (6, 20, 3), "tanh", n_samples=40), EXTRAS[extra]
    net = torch.nn.Sequential(torch.nn.Linear(6, 20), torch.nn.Tanh(), torch.nn.Linear(20, 3)).double()
    layers = [net[0], net[2]]
    for layer, W, b in zip(layers, problem.coefs, problem.intercepts, strict=True):
        layer.weight.data, layer.bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
    averaged = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
    for step, start in enumerate(range(0, 40, 8)):
        X, y = (torch.tensor(a[start : start + 8]) for a in (problem.X, problem.y))
        loss = ((net(X) - y) ** 2).sum(axis=1).mean() / 2 + 0.3 / 2 * sum((p.weight**2).sum() for p in layers) / 8
        optimizer.zero_grad()
        loss.backward()
        if "clip_value" in extra:
            torch.nn.utils.clip_grad_value_(net.parameters(), extra["clip_value"])
        else:
            torch.nn.utils.clip_grad_norm_(net.parameters(), extra["clip_norm"])
        optimizer.step()
        share = 0.1 / (1 - 0.9 ** (step + 1))
        for a, p in zip(averaged.parameters(), net.parameters(), strict=True):
            a.data.lerp_(p.data, share)
    with problem.session(
        optimizer=SGD(momentum=0.9, nesterov=False), batch_size=8, l2=0.3, ema_decay=0.9, **extra
    ) as session:
        session.run_epoch(np.arange(40), 0.5)
        trained, average = trained_parameters(session), sum(session.get_parameters(), [])
    for actual, module in ((trained, net), (average, averaged)):
        expected = [module[i].weight.detach().numpy().T for i in (0, 2)]
        expected += [module[i].bias.detach().numpy() for i in (0, 2)]
        assert distance(actual, expected) < 2e-6  # PyTorch adds 1e-6 to the norm
