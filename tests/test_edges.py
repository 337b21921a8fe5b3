"""Every width, every number of features, and not one byte read beyond the data."""

import itertools
import os
import subprocess
import sys

import naive_optimizers
import numpy as np
import pytest
from marks import each_in_turn
from numpy.testing import assert_allclose, assert_array_equal
from problems import Problem, distance, same_bits

from fastnet.engine import Session, forward
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import SGD, Adam


def test_every_hidden_width_steps_as_the_plain_network():
    for width in range(1, 71):
        # wide next to narrow: the layers' panels end at different places
        problem = Problem(width, (3, width, 71 - width, 2), "tanh", n_samples=11, weights=True)
        order = np.random.default_rng(width).permutation(11)
        with problem.session(optimizer=Adam(), batch_size=5, l2=0.3, n_jobs=1) as session:
            loss = session.run_epoch(order, 0.01)
            coefs, intercepts = session.get_parameters()
            for panels, w in zip(session.state.layout.twins[1:], coefs[1:], strict=True):
                assert same_bits([panels.unpack(session.state.twins)], [np.ascontiguousarray(w.T)])
            states = session.state.get_moments()
        twin = naive_optimizers.Adam(problem.coefs + problem.intercepts)
        *expected, expected_loss = problem.train_epoch(
            problem.coefs, problem.intercepts, order, optimizer=twin, rate=0.01, batch_size=5, l2=0.3
        )
        assert distance(coefs + intercepts, expected[0] + expected[1]) < 1e-11, width
        assert_allclose(loss, expected_loss, rtol=1e-12, err_msg=str(width))
        for ours, theirs in zip(states, twin.states, strict=True):
            assert distance(ours, theirs) < 1e-11, width


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.paths
def test_gradients_whose_tiles_begin_in_one_panel_and_end_in_the_next(dtype):
    # Inputs that fill a panel, several and parts of them; outputs likewise; samples for more than one section.
    for n_inputs, n_outputs in itertools.product((*range(1, 51), 127, 130), (3, 40)):
        rng = np.random.default_rng(n_inputs)
        X, y = (rng.integers(-3, 4, size=(256, n)).astype(dtype) for n in (n_inputs, n_outputs))
        architecture = Architecture((n_inputs, n_outputs), ACTIVATIONS["identity"], LOSSES["squared_error"])
        with Session(architecture, X, y, dtype=np.dtype(dtype), batch_size=256, n_jobs=1) as session:
            session.set_parameters([np.zeros((n_inputs, n_outputs))], [np.zeros(n_outputs)])
            _, (gradient,), (of_biases,) = session.loss_and_gradient()
        # Sums of whole numbers by a power of two: exact, in any order.
        assert_array_equal(gradient, -(X.T @ y) / 256)
        assert_array_equal(of_biases, -y.sum(axis=0) / 256)


@pytest.mark.parametrize("computation", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_data_of_another_type_is_converted_as_numpy_does_at_every_width(order, computation):
    other = np.float64 if computation == np.float32 else np.float32
    rng = np.random.default_rng(0)
    for n_features in range(1, 71):
        X = np.asarray(rng.normal(size=(9, n_features)) * 10.0 ** rng.integers(-20, 20, (9, n_features)), other, order)
        W = rng.normal(size=(n_features, 3)).astype(computation)
        b, y = np.zeros(3, computation), rng.normal(size=(9, 3)).astype(computation)
        architecture = Architecture((n_features, 3), ACTIVATIONS["identity"], LOSSES["squared_error"])
        results = []
        for data in (X, X.astype(computation, order="C")):
            with Session(architecture, data, y, dtype=computation, optimizer=SGD(), batch_size=4, n_jobs=1) as session:
                session.set_parameters([W], [b])
                session.run_epoch(np.arange(9)[::-1], 1e-30)
                trained = sum(session.get_parameters(), [])
            results.append([*trained, forward(architecture, [W], [b], data)])
        assert same_bits(*results), n_features


def test_float64_too_large_for_float32_becomes_infinite_and_tiny_becomes_denormal():
    X = np.array([[1e300], [-1e300], [1e-40], [1e-50], [3.4e38]])
    architecture = Architecture((1, 1), ACTIVATIONS["identity"], LOSSES["squared_error"])
    with np.errstate(over="ignore", under="ignore"):
        expected = X.astype(np.float32)
    assert_array_equal(forward(architecture, [np.ones((1, 1), np.float32)], [np.zeros(1, np.float32)], X), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("loss", "n_outputs"),
    [*each_in_turn(LOSSES, (1, 17, 3)), *itertools.product(("log_loss", "squared_error"), (1, 3, 16, 17, 40))],
)
@pytest.mark.paths
def test_a_rows_prediction_alone_equals_that_in_a_batch(loss, n_outputs, dtype):
    problem = Problem(n_outputs, (11, 23, n_outputs), "tanh", "squared_error", n_samples=75, dtype=dtype)
    problem.loss = loss
    coefs, intercepts = ([3 * p.astype(dtype) for p in ps] for ps in (problem.coefs, problem.intercepts))
    X, architecture = problem.X.astype(dtype), problem.architecture()
    together = forward(architecture, coefs, intercepts, X)
    assert LOSSES[loss].class_index_target or len(np.unique(together)) > 70
    alone = np.vstack([forward(architecture, coefs, intercepts, X[i : i + 1]) for i in range(75)])
    assert same_bits([alone], [together])
    for n in (2, 7, 8, 9, 64, 65):
        assert same_bits([forward(architecture, coefs, intercepts, X[:n], n_jobs=2)], [together[:n]])
    rows = np.array([74, 0, 0, 31])
    assert same_bits([forward(architecture, coefs, intercepts, X, rows=rows)], [together[rows]])


GUARDED = """
import itertools
import numpy as np
from guard_pages import beside_a_guard as at_the_end, dies
from scipy.sparse import csr_array
from fastnet.engine import Session, forward
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import SGD

last = at_the_end(np.arange(3.0))
print(dies(last.ctypes.data + last.nbytes), dies(last.ctypes.data + last.nbytes - 1))

rng = np.random.default_rng(0)
n = 21
for computation, given, features in itertools.product(
    (np.float32, np.float64), (np.float32, np.float64), (1, 15, 16, 17, 31, 33)
):
    X = rng.normal(size=(n, features)).astype(given)
    X[np.abs(X) < 0.3] = 0
    weight = rng.uniform(1, 2, n).astype(computation)
    for loss, n_outputs in (("squared_error", 1), ("squared_error", 17), ("log_loss", 5)):
        units = features, 6, n_outputs
        architecture = Architecture(units, ACTIVATIONS["tanh"], LOSSES[loss])
        coefs = [rng.normal(size=s).astype(computation) for s in zip(units, units[1:])]
        intercepts = [np.zeros(k, computation) for k in units[1:]]
        y = rng.normal(size=(n, n_outputs)).astype(computation)
        y = rng.integers(0, 5, (n, 1)).astype(computation) if loss == "log_loss" else y
        csr = csr_array(X)
        ends = csr_array(X)
        ends.data, ends.indices, ends.indptr = map(at_the_end, (csr.data, csr.indices, csr.indptr))
        for plain, guarded in (
            (X, at_the_end(X)), (np.asfortranarray(X), at_the_end(np.asfortranarray(X))), (csr, ends)
        ):
            results = []
            for data, targets, weights, order in (
                (plain, y, weight, np.arange(n)),
                (guarded, at_the_end(y), at_the_end(weight), at_the_end(np.arange(n))),
            ):
                with Session(architecture, data, targets, weights, dtype=computation, optimizer=SGD(), batch_size=8,
                             n_jobs=1) as session:
                    session.set_parameters(coefs, intercepts)
                    session.run_epoch(order, 0.01)
                    session.run_epoch(order[::-1], 0.01)
                    trained = sum(session.get_parameters(), [])
                    trained.append(session.predict_rows(order))
                trained.append(forward(architecture, coefs, intercepts, data))
                trained.append(forward(architecture, coefs, intercepts, data[-1:]))
                results.append([a.tobytes() for a in trained])
            assert results[0] == results[1], (computation, given, features, loss)
    print(np.dtype(computation), np.dtype(given), features)
"""


@pytest.mark.exhaustive  # in a plain run the networks of test_guard_pages.py lie beside guard pages
@pytest.mark.skipif(sys.platform != "linux", reason="protects pages as Linux does")
def test_nothing_is_read_beyond_the_last_element():
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    done = subprocess.run([sys.executable, "-c", GUARDED], env=environment, capture_output=True, text=True, timeout=280)
    lines = done.stdout.splitlines()
    assert lines[:1] == ["True False"], done.stderr  # the guard works
    assert done.returncode == 0, (lines[-1], done.stderr)
    assert len(lines) == 1 + 2 * 2 * 6
