"""The same bits with 1 to 4 threads that really run, however few cores the machine has."""

import numpy as np
import pytest
import scipy.sparse as sp
from marks import each_in_turn
from problems import Problem, parameters, same_bits

import fastnet
from fastnet.engine import Session
from fastnet.engine.predict import Prediction
from fastnet.engine.team import Team
from fastnet.kernels.host import tile
from fastnet.kernels.memory import aligned_zeros
from fastnet.kernels.threads.team import Workers
from fastnet.network.layout import Layout
from fastnet.ops.optimizers import SGD, Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DTYPES = [np.float32, np.float64]
N_JOBS = [1, 2, 3, 4]


@pytest.fixture(autouse=True)
def seen(allow_threads, monkeypatch):
    """Numbers of threads that ran; four are allowed."""
    allow_threads(4)
    counts, run = [], Workers.run

    def counted(self, n_threads, *arguments):
        counts.append(n_threads)
        return run(self, n_threads, *arguments)

    monkeypatch.setattr(Workers, "run", counted)
    return counts


@pytest.fixture
def all_at_work(monkeypatch):
    """A fit's threads all run in every slice, also where one alone would be faster."""
    run = Team.run
    monkeypatch.setattr(Team, "run", lambda team, n_threads, *arguments: run(team, team.size, *arguments))


def assert_all_equal(results):
    for other in results[1:]:
        assert same_bits(results[0], other)


SHAPES = {
    "small": ((20, 64, 10), 32),
    "fewer rows than threads": ((7, 9, 2), 3),
    "one unit": ((5, 1, 2), 20),
    "odd widths": ((13, 37, 5, 70, 3), 41),
    "wide": ((64, 300, 130, 10), 64),
    "linear": ((40, 3), 25),
}


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_mini_batches(seen, shape, dtype, dropout):
    units, batch_size = SHAPES[shape]
    problem = Problem(0, units, "tanh", "log_loss", n_samples=2 * batch_size + 7, weights=True, dtype=dtype)
    order, results = np.random.default_rng(0).permutation(len(problem.X)), []
    for n_jobs in N_JOBS:
        with problem.session(
            optimizer=Adam(), batch_size=batch_size, l1=1e-3, l2=0.1, n_jobs=n_jobs, seed=7,
            dropout=(dropout,) * (len(units) - 2), input_dropout=dropout / 2,
        ) as session:  # fmt: skip
            assert session.n_threads == n_jobs
            losses = [session.run_epoch(order, 0.01) for _ in range(2)]
            states, (coefs, intercepts) = session.state.get_moments(), session.get_parameters()
        assert set(seen) == {n_jobs}
        seen.clear()
        results.append([*coefs, *intercepts, *sum(states, []), np.array(losses)])
    assert_all_equal(results)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_full_batches_in_chunks(seen, dtype, dropout):
    problem = Problem(1, (9, 33, 4), "relu", "squared_error", n_samples=2777, weights=True, dtype=dtype)
    results = []
    for n_jobs in N_JOBS:
        kw = {"l2": 0.1, "n_jobs": n_jobs, "dropout": (dropout,), "seed": 5}
        with problem.session(**kw) as session:
            loss, coef_grads, intercept_grads = session.loss_and_gradient()
        with problem.session(optimizer=SGD(), batch_size=2777, l1=0.01, **kw) as session:
            assert session.n_threads == n_jobs and session.tables.workspace.rows < 2777
            losses = [session.run_epoch(np.arange(2777), 0.01) for _ in range(2)]
            assert session.step == 2
            states, (coefs, intercepts) = session.state.get_moments(), session.get_parameters()
        assert set(seen) == {n_jobs}
        seen.clear()
        gradients, numbers = coef_grads + intercept_grads, np.array([loss, *losses])
        results.append([numbers, *gradients, *coefs, *intercepts, *sum(states, [])])
    assert_all_equal(results)


BEYOND = [
    {"clip_value": 0.01},
    {"clip_norm": 0.3},
    {"max_norm": 0.5},
    {"ema_decay": 0.7},
    {"clip_norm": 0.3, "max_norm": 0.5, "ema_decay": 0.7},
]


# The options act on the gradient as a whole, whatever the shape: all shapes with both types and some of the options.
@pytest.mark.parametrize(
    ("shape", "extra", "dtype"), each_in_turn([*SHAPES, "chunks", "sparse"] * 2, BEYOND, DTYPES[::-1] * 3), ids=str
)
def test_clipping_norms_and_averages(seen, shape, dtype, extra):
    units, batch_size = SHAPES.get(shape, ((33, 40, 9), 2500 if shape == "chunks" else 30))
    problem = Problem(0, units, "tanh", "log_loss", n_samples=batch_size + 7, weights=True, dtype=dtype)
    X = problem.X.astype(dtype)
    X = sp.csr_array(np.where(X > 1, X, 0)) if shape == "sparse" else X
    y, weight = problem.y.astype(dtype), problem.sample_weight.astype(dtype)
    order, results = np.random.default_rng(0).permutation(len(y)), []
    for n_jobs in N_JOBS:
        options = {"optimizer": Adam(), "batch_size": batch_size, "l1": 1e-3, "l2": 0.1, "n_jobs": n_jobs, **extra}
        with Session(problem.architecture(), X, y, weight, dtype=dtype, **options) as session:
            session.set_parameters(problem.coefs, problem.intercepts)
            losses = [session.run_epoch(order, 0.01) for _ in range(2)]
            norms = np.array(session.steps.gradient_norms())
            states, (coefs, intercepts) = session.state.get_moments(), session.get_parameters()
            results.append([*coefs, *intercepts, *sum(states, []), np.array(losses), norms, session.state.flat.copy()])
        assert set(seen) == {n_jobs}
        seen.clear()
    assert_all_equal(results)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_rows", [1, 3, 9, 700])
def test_predictions(seen, n_rows, dtype):
    problem = Problem(2, (17, 30, 11), "logistic", "log_loss", n_samples=n_rows, dtype=dtype)
    coefs, intercepts = ([p.astype(dtype) for p in ps] for ps in (problem.coefs, problem.intercepts))
    architecture, results = problem.architecture(), []
    layout = Layout(architecture, tile(dtype))
    flat = aligned_zeros(layout.size, dtype)
    layout.pack(flat, coefs, intercepts)
    for n_jobs in N_JOBS:
        with Team(n_jobs, keeps_all=True) as team:  # so few rows would be left to one thread
            results.append([Prediction(architecture, layout, flat, problem.X.astype(dtype), n_rows, team).run(n_rows)])
    assert seen == N_JOBS
    assert_all_equal(results)


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "adam", "batch_size": 70},
        {"solver": "sgd", "batch_size": 300, "dropout": 0.2},
        {"solver": "lbfgs"},
        {"solver": "lbfgs", "alpha": 1.0, "l1_ratio": 0.5, "dtype": "float32"},
        {"solver": "adam", "early_stopping": True, "input_dropout": 0.1},
        {"solver": "adam", "batch_size": 70, "input_noise": 0.5, "drop_connect": 0.2},
        {"solver": "sgd", "batch_size": 300, "drop_connect": [0.5, 0.0, 0.3], "freeze": 1},
        {"solver": "sgd", "batch_size": None, "input_noise": 0.5, "drop_connect": 0.2},
    ],
    ids=str,
)
def test_fits(seen, all_at_work, digits, params):
    X, y = digits
    results = []
    for n_jobs in [*N_JOBS, -1]:
        model = fastnet.MLPClassifier((40, 30), n_jobs=n_jobs, max_iter=6, random_state=0, **params).fit(X, y)
        assert set(seen) == {4 if n_jobs == -1 else n_jobs}
        results.append([*parameters(model), np.array(model.loss_), model.predict_proba(X)])
        seen.clear()
    assert_all_equal(results)


def test_lbfgs_over_several_chunks(seen, all_at_work):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2500, 12))
    y = np.column_stack([X[:, 0] * X[:, 1], np.sin(X[:, 2])])
    results = []
    for n_jobs in N_JOBS:
        model = fastnet.MLPRegressor(
            hidden_layer_sizes=(21,), solver="lbfgs", n_jobs=n_jobs, max_iter=8, random_state=0
        ).fit(X, y)
        assert set(seen) == {n_jobs}
        seen.clear()
        results.append([*parameters(model), np.array(model.loss_)])
    assert_all_equal(results)


def test_a_fit_may_change_its_number_of_threads_in_the_middle(seen, digits, monkeypatch):
    fixed = fastnet.MLPClassifier((40, 30), n_jobs=1, max_iter=6, random_state=0).fit(*digits)
    seen.clear()
    choose = iter([4, 1, 3, 2] * 100)
    run = Team.run

    def changing(self, n_threads, *arguments):
        return run(self, next(choose), *arguments)

    monkeypatch.setattr(Team, "run", changing)
    model = fastnet.MLPClassifier((40, 30), n_jobs=4, max_iter=6, random_state=0).fit(*digits)
    assert set(seen) == {1, 2, 3, 4}
    assert same_bits(parameters(model), parameters(fixed))
