"""A penalty for each layer: against the plain network, and where training comes to rest."""

import naive
import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import Problem, distance, parameters, same_bits
from test_steps import OPTIMIZERS, TOLERANCE

import fastnet
from fastnet.engine import Session
from fastnet.training.objective import Objective

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ESTIMATORS = [fastnet.MLPClassifier, fastnet.MLPRegressor]
L1, L2 = [0.2, 0.0, 0.05], [0.0, 3.0, 0.7]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_samples", [23, 2100])  # the latter in chunks
@pytest.mark.parametrize("name", ["nesterov", "adam"])
def test_steps_are_those_of_the_plain_network(name, n_samples, dtype):
    problem = Problem(0, (6, 35, 9, 3), "tanh", n_samples=n_samples, weights=True, dtype=dtype)
    optimizer, twin, rate = OPTIMIZERS[name]
    kw = {"batch_size": 8 if n_samples == 23 else n_samples, "l1": L1, "l2": L2}
    with problem.session(optimizer=optimizer, **kw) as session:
        losses = [session.run_epoch(np.arange(n_samples), rate) for _ in range(2)]
        actual = sum(session.get_parameters(), [])
    coefs, intercepts, expected = problem.coefs, problem.intercepts, []
    twin = twin(coefs + intercepts)
    for _ in range(2):
        coefs, intercepts, loss = problem.train_epoch(
            coefs, intercepts, np.arange(n_samples), optimizer=twin, rate=rate, **kw
        )
        expected.append(loss)
    assert distance(actual, coefs + intercepts) < TOLERANCE[dtype]
    assert_allclose(losses, expected, rtol=TOLERANCE[dtype])


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
@pytest.mark.parametrize("l1_ratio", [0.0, 0.4])
@pytest.mark.parametrize("freeze", [0, 1])
def test_lbfgs_rests_where_the_penalised_gradient_vanishes(diabetes, freeze, l1_ratio):
    X, y = diabetes
    alpha = np.array([6.0, 2.0, 4.0])
    model = fastnet.MLPRegressor(
        hidden_layer_sizes=(5, 4), activation="tanh", solver="lbfgs", alpha=alpha, l1_ratio=l1_ratio, freeze=freeze,
        tol=1e-7, max_iter=6000, max_fun=20000, random_state=0, dtype="float64",
    ).fit(X, y)  # fmt: skip
    args = model.coefs_, model.intercepts_, X, y[:, None], "tanh", "squared_error"
    gradient = naive.gradient(*args, l2=alpha * (1 - l1_ratio))[0]
    for layer in range(freeze, 3):
        W, g, threshold = model.coefs_[layer], gradient[layer], alpha[layer] * l1_ratio / len(X)
        # SciPy stops when the loss hardly falls; the least strength is 2 / 250
        assert np.abs(g + threshold * np.sign(W))[W != 0].max(initial=0) < 1e-3
        assert (np.abs(g[W == 0]) <= threshold + 1e-3).all()
    trained = np.arange(3) >= freeze
    value = naive.objective(*args, l2=alpha * (1 - l1_ratio) * trained)
    value += naive.penalty(model.coefs_, alpha * l1_ratio * trained, 0.0) / len(X)
    assert_allclose(model.loss_, value, rtol=1e-9)


@pytest.mark.parametrize("max_iter", [1, 7])
def test_the_loss_of_an_unfinished_lbfgs_is_that_of_its_weights(diabetes, max_iter):
    X, y = diabetes
    strengths = np.array([3.0, 0.0, 5.0])
    model = fastnet.MLPRegressor(
        hidden_layer_sizes=(5, 4), activation="tanh", solver="lbfgs", alpha=strengths, l1_ratio=1.0, max_iter=max_iter,
        random_state=0, dtype="float64",
    ).fit(X, y)  # fmt: skip
    value = naive.objective(model.coefs_, model.intercepts_, X, y[:, None], "tanh", "squared_error")
    assert_allclose(model.loss_, value + naive.penalty(model.coefs_, strengths, 0.0) / len(X), rtol=1e-12)


@pytest.mark.parametrize("n_frozen", [0, 1])
def test_the_objective_of_lbfgs_splits_only_weights_with_l1(n_frozen):
    problem = Problem(2, (6, 5, 4, 2), "tanh")
    architecture = problem.architecture(n_frozen=n_frozen)
    with Session(architecture, problem.X, problem.y, dtype=np.float64, l2=L2) as session:
        objective = Objective(session, problem.coefs, problem.intercepts, np.array([0.3, 0.0, 0.1]) / 23)
        sizes = [W.size for W in problem.coefs][n_frozen:]
        is_split = np.repeat([True, False, True][n_frozen:], sizes)
        n = is_split.size
        assert ((objective.bounds.lb[:n] == 0) == is_split).all() and (objective.bounds.lb[n : 2 * n] == 0).all()
        assert ((objective.bounds.ub[n : 2 * n] == 0) == ~is_split).all()
        coefs, intercepts = objective.unpack(objective.start)
        for a, b in zip(coefs + intercepts, problem.coefs + problem.intercepts, strict=True):
            assert_allclose(a, b)
        value, gradient = objective(objective.start)
        penalty = naive.penalty(coefs[n_frozen:], np.array([0.3, 0.0, 0.1])[n_frozen:] / 23, 0.0)
        of_l2 = np.array(L2) * (np.arange(3) >= n_frozen)
        assert_allclose(value, problem.objective(coefs, intercepts, l2=of_l2) + penalty)
        for i in np.random.default_rng(0).choice(objective.start.size, 30, replace=False):
            step = np.zeros(objective.start.size)
            step[i] = 1e-5
            ends = [objective(objective.start + sign * step)[0] for sign in (1, -1)]
            assert_allclose(gradient[i], (ends[0] - ends[1]) / 2e-5, atol=1e-8)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("params", [{}, {"solver": "lbfgs"}, {"solver": "lbfgs", "l1_ratio": 0.5}], ids=str)
def test_equal_strengths_are_one_strength(Estimator, params, digits):
    models = [
        Estimator(hidden_layer_sizes=(12, 7), alpha=alpha, max_iter=4, random_state=0, **params).fit(*digits)
        for alpha in (0.5, [0.5] * 3, (0.5, 0.5, 0.5), np.full(3, 0.5))
    ]
    for model in models[1:]:
        assert same_bits(parameters(models[0]), parameters(model)) and model.loss_ == models[0].loss_


def test_a_strong_layer_shrinks_and_the_others_do_not(digits):
    params = {"hidden_layer_sizes": (20,), "max_iter": 80, "learning_rate_init": 0.01, "random_state": 0}
    norms = {}
    for alpha in [(0, 0), (20, 0), (0, 20)]:
        model = fastnet.MLPClassifier(alpha=alpha, **params).fit(*digits)
        norms[alpha] = [np.linalg.norm(W) for W in model.coefs_]
    assert norms[20, 0][0] < 0.5 * norms[0, 0][0] and norms[20, 0][1] > norms[0, 0][1]
    assert norms[0, 20][1] < 0.5 * norms[0, 0][1] and norms[0, 20][0] > norms[20, 0][0]


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("alpha", "match"),
    [
        ([0.1], r"alpha must be one number, or hold one for each layer of weights.* got 1 for 2 layer\(s\)"),
        ((0.1, 0.1, 0.1), "got 3 for 2"),
        (np.array(0.1), "alpha must be one number, or hold one for each"),
        ([0.1, -1], r"Every alpha must be a number in the range \[0.0, inf\), got \[0.1, -1\]"),
        ([0.1, np.nan], "Every alpha"),
        ([0.1, np.inf], "Every alpha"),
        ([0.1, "a"], "Every alpha"),
        ([[0.1], [0.1]], "Every alpha"),
    ],
    ids=str,
)
def test_one_strength_a_layer(Estimator, alpha, match, digits):
    with pytest.raises(ValueError, match=match):
        Estimator(hidden_layer_sizes=(5,), alpha=alpha).fit(*digits)


@pytest.mark.parametrize("name", ["alpha", "rate_factors", "drop_connect"])
def test_an_array_without_a_dimension_is_no_sequence_of_one_layer(name, digits):
    with pytest.raises(ValueError, match=f"{name} must be one number, or hold one for each layer"):
        fastnet.MLPClassifier((), **{name: np.array(0.1)}).fit(*digits)
