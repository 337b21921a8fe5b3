"""Initial weights and biases."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from scipy.stats import kstest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import fastnet
from fastnet.network.draws import initialize
from fastnet.network.initializers import INITIALIZERS
from fastnet.ops.activations import ACTIVATIONS

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:init=.* makes all units of a hidden layer begin equal"),
]

# Steps so small that they vanish beside any weight: what fit leaves is what it began with.
STILL = {"solver": "sgd", "learning_rate_init": 1e-30, "momentum": 0.0, "max_iter": 1, "random_state": 3}


def draws(init, units=(300, 400, 7), bias_init=None, activation="relu", seed=0, dtype=np.float64):
    activations = [ACTIVATIONS[activation]] * (len(units) - 1)
    return initialize(units, activations, INITIALIZERS[init], bias_init, np.random.RandomState(seed), dtype)


def test_glorot_normal_is_normal_with_its_standard_deviation_and_zero_biases():
    coefs, intercepts = draws("glorot_normal")
    expected = np.sqrt(2 / (300 + 400))
    n = coefs[0].size
    # five standard errors
    assert abs(coefs[0].mean()) < 5 * expected / np.sqrt(n)
    assert abs(coefs[0].std() / expected - 1) < 5 / np.sqrt(2 * n)
    assert kstest(coefs[0].ravel() / expected, "norm").pvalue > 1e-6
    assert abs(coefs[1].std() / np.sqrt(2 / (400 + 7)) - 1) < 5 / np.sqrt(2 * coefs[1].size)
    assert not any(b.any() for b in intercepts)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_glorot_uniform_fills_scikit_learns_bounds(activation):
    coefs, intercepts = draws("glorot_uniform", activation=activation)
    for w, b, fans in zip(coefs, intercepts, (300 + 400, 400 + 7), strict=True):
        bound = np.sqrt((2 if activation == "logistic" else 6) / fans)
        assert kstest(w.ravel(), "uniform", (-bound, 2 * bound)).pvalue > 1e-6
        assert np.abs(w).max() <= bound and np.abs(b).max() <= bound
        assert len(set(b)) == len(b)


@pytest.mark.parametrize("bias_init", [0, 0.0, 0.25, -3])
@pytest.mark.parametrize("init", INITIALIZERS)
def test_bias_init_sets_the_biases_and_leaves_the_weights(init, bias_init):
    units = (30, 40, 7)
    coefs, intercepts = draws(init, units, bias_init=bias_init)
    for b in intercepts:
        assert_array_equal(b, np.full(b.shape, bias_init))
    assert same_bits(coefs, draws(init, units)[0])


@pytest.mark.parametrize("init", INITIALIZERS)
def test_initial_parameters_have_the_shapes_and_the_type_asked_for(init):
    double, single = draws(init, (5, 1, 9)), draws(init, (5, 1, 9), dtype=np.float32)
    for a, b, shape in zip(sum(double, []), sum(single, []), [(5, 1), (1, 9), (1,), (9,)], strict=True):
        assert a.shape == shape and a.dtype == np.float64
        # the same draws, rounded
        assert same_bits([a.astype(np.float32)], [b])
    assert same_bits(double[0], draws(init, (5, 1, 9), seed=1)[0]) != INITIALIZERS[init].breaks_symmetry


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("init", [name for name in INITIALIZERS if name != "data_dependent"])  # scaled by the data
def test_a_fit_begins_with_the_initial_parameters(diabetes, init, dtype):
    model = fastnet.MLPRegressor(
        hidden_layer_sizes=(20, 6), init=init, bias_init=0.75, alpha=0.0, dtype=dtype, **STILL
    ).fit(*diabetes)
    coefs, intercepts = draws(init, (10, 20, 6, 1), bias_init=0.75, seed=3, dtype=np.dtype(dtype))
    for fitted, drawn in zip(parameters(model), coefs + intercepts, strict=True):
        assert fitted.dtype == drawn.dtype
        assert_allclose(fitted, drawn, rtol=0, atol=1e-25)  # beside zeros nothing vanishes
    assert all((b == 0.75).all() for b in model.intercepts_)
    free = fastnet.MLPRegressor(hidden_layer_sizes=(20, 6), init=init, alpha=0.0, dtype=dtype, **STILL).fit(*diabetes)
    for w, v in zip(free.coefs_, model.coefs_, strict=True):
        assert_allclose(w, v, rtol=0, atol=1e-25)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_every_solver_begins_with_bias_init(diabetes, solver):
    # no iteration, or steps that vanish: the first loss is that of the initial parameters
    params = {"hidden_layer_sizes": (8,), "activation": "tanh", "bias_init": 0.5, "init": "glorot_normal",
              "random_state": 0, "alpha": 0.0, "dtype": "float64", "max_iter": 1}  # fmt: skip
    X, y = diabetes
    if solver == "lbfgs":
        params["max_fun"] = 1
    else:
        params |= {"learning_rate_init": 1e-30, "batch_size": 250}
    model = fastnet.MLPRegressor(solver=solver, **params).fit(X, y)
    (w, v), (b, c) = draws("glorot_normal", (10, 8, 1), bias_init=0.5, seed=0)
    if solver != "lbfgs":
        expected = ((np.tanh(X @ w + b) @ v + c).ravel() - y) ** 2 / 2
        assert_allclose(model.loss_, expected.mean(), rtol=1e-12)
        assert same_bits(parameters(model), [w, v, b, c])
    else:
        assert model.n_iter_ <= 1 and model.coefs_[0].shape == w.shape


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (7,), (30, 4)])
def test_by_default_initial_parameters_are_scikit_learns(digits, diabetes, hidden, activation):
    if activation not in ("identity", "logistic", "tanh", "relu"):
        pytest.skip("scikit-learn does not know it")
    params = {"hidden_layer_sizes": hidden, "activation": activation, "alpha": 0.0, **STILL}
    pairs = [
        (fastnet.MLPClassifier(dtype="float64", **params), MLPClassifier(**params), digits),
        (fastnet.MLPRegressor(dtype="float64", **params), MLPRegressor(**params), diabetes),
    ]
    for ours, theirs, data in pairs:
        assert same_bits(parameters(ours.fit(*data)), parameters(theirs.fit(*data)))
