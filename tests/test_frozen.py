"""What is not trained: frozen layers, and biases of networks without them. First the engine, then the estimators."""

import naive
import numpy as np
import pytest
import scipy.sparse as sp
from marks import exhaustive
from numpy.testing import assert_allclose
from problems import Problem, distance, same_bits
from test_steps import OPTIMIZERS, TOLERANCE

import fastnet
from fastnet.engine import Session
from fastnet.estimators.parameters import settings_of
from fastnet.training.lbfgs import LbfgsTrainer
from fastnet.training.problem import Problem as Training

UNITS = (19, 40, 17, 33, 3)


def problem_of(dtype, seed=0, n_samples=31, **kw):
    problem = Problem(seed, UNITS, "tanh", n_samples=n_samples, dtype=dtype, **kw)
    problem.X[problem.X < 0.8] = 0  # sparse
    return problem


def session_of(problem, n_frozen, use_bias, sparse=False, **kw):
    intercepts = [b * (use_bias or layer < n_frozen) for layer, b in enumerate(problem.intercepts)]
    architecture = problem.architecture(n_frozen=n_frozen, use_bias=use_bias)
    X = problem.X.astype(problem.dtype)
    y = problem.y.astype(problem.dtype)
    session = Session(architecture, sp.csr_array(X) if sparse else X, y, dtype=problem.dtype, **kw)
    session.set_parameters(problem.coefs, intercepts)
    return session, intercepts


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("n_frozen", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["nesterov", "adam"])
def test_the_rest_steps_as_in_the_plain_network(name, n_frozen, use_bias, sparse, dtype):
    problem = problem_of(dtype)
    optimizer, twin, rate = OPTIMIZERS[name]
    order = np.random.default_rng(0).permutation(31)
    options = {"batch_size": 8, "l1": 0.01, "l2": 0.2}
    session, intercepts = session_of(problem, n_frozen, use_bias, sparse, optimizer=optimizer, **options)
    with session:
        before = sum(session.get_parameters(), [])
        loss = session.run_epoch(order, rate)
        after = sum(session.get_parameters(), [])
        moments = session.state.get_moments()
    *expected, expected_loss = problem.train_epoch(
        problem.coefs, intercepts, order, optimizer=twin(problem.trained), rate=rate, n_frozen=n_frozen,
        use_bias=use_bias, **options,
    )  # fmt: skip
    assert distance(after, sum(expected, [])) < TOLERANCE[dtype]
    assert_allclose(loss, expected_loss, rtol=TOLERANCE[dtype])
    still = [*range(n_frozen), *range(4, 4 + (n_frozen if use_bias else 4))]
    for i in range(8):
        assert same_bits([before[i]], [after[i]]) == (i in still)
        assert all((state[i] == 0).all() == (i in still) for state in moments)


@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("use_bias", [False, True])
def test_batches_in_chunks_and_threads_leave_the_rest_alone(use_bias, sparse, n_jobs):
    problem = problem_of(np.float32, n_samples=2300)
    ends = []
    for threads in (1, n_jobs):
        session, _ = session_of(
            problem, 2, use_bias, sparse, optimizer=OPTIMIZERS["adam"][0], batch_size=2300, n_jobs=threads
        )
        with session:
            before = sum(session.get_parameters(), [])
            session.run_epoch(np.arange(2300), 0.01)
            ends.append(sum(session.get_parameters(), []))
    assert same_bits(*ends)
    still = [0, 1, 4, 5] if use_bias else [0, 1, 4, 5, 6, 7]
    assert [i for i in range(8) if same_bits([before[i]], [ends[0][i]])] == still


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("n_frozen", "use_bias", "l1"),
    [(0, True, 0.0), (2, False, 0.05), (2, True, 0.0),
     *exhaustive([(0, True, 0.05), (0, False, 0.0), (0, False, 0.05), (2, False, 0.0), (2, True, 0.05)])],
)  # fmt: skip
def test_lbfgs_minimises_over_the_rest(n_frozen, use_bias, l1):
    problem = problem_of(np.float64)
    intercepts = [b * (use_bias or layer < n_frozen) for layer, b in enumerate(problem.intercepts)]
    architecture = problem.architecture(n_frozen=n_frozen, use_bias=use_bias)
    asked = fastnet.MLPRegressor(
        hidden_layer_sizes=(40, 17, 33), activation="tanh", solver="lbfgs", alpha=1 + l1, l1_ratio=l1 / (1 + l1),
        tol=1e-6, max_iter=2000, max_fun=9000,
    )  # fmt: skip
    training = Training(architecture, problem.X, problem.y, None, problem.coefs, intercepts, np.random.RandomState())
    with LbfgsTrainer.begin(training, settings_of(asked)) as trainer:
        trainer.run()
        coefs, biases, _ = trainer.finish()
    loss = trainer.history.loss
    assert same_bits(coefs[:n_frozen] + biases[:n_frozen], problem.coefs[:n_frozen] + intercepts[:n_frozen])
    assert use_bias or same_bits(biases, intercepts)
    residual = naive.predict(coefs, biases, problem.X, "tanh", "squared_error") - problem.y
    penalty = sum(l1 * abs(W).sum() + 0.5 * (W**2).sum() for W in coefs[n_frozen:]) / 31
    assert_allclose(loss, (residual**2).mean() / 2 + penalty, rtol=1e-9)
    # at the minimum the gradient of what is trained has gone; that of the rest has not
    gradient = naive.gradient(coefs, biases, problem.X, problem.y, "tanh", "squared_error", l2=1.0)
    if not l1:
        assert max(abs(g).max() for g in gradient[0][n_frozen:]) < 1e-3
        if n_frozen:
            assert max(abs(g).max() for g in gradient[0][:n_frozen]) > 1e-2
        assert (max(abs(g).max() for g in gradient[1][n_frozen:]) < 1e-3) == use_bias
