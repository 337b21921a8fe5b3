"""Starting values that are taken from the training data: init=DataDependent(), bias_init='data'; and output_init."""

import naive_ops
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fastnet import MLPClassifier, MLPRegressor
from fastnet.estimators.fitting.data_start import N_SAMPLES
from fastnet.initializers import Constant, DataDependent, HeNormal, LeCunNormal
from fastnet.optimizers import SGD

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Training that changes nothing: the fitted network is the start.
STILL = {"solver": SGD(0.0, nesterov=False), "learning_rate_init": 1e-30, "max_iter": 1, "random_state": 0,
         "alpha": 0.0}  # fmt: skip
DEEP = {"hidden_layer_sizes": (20, 20, 9), "activation": "tanh", "dtype": "float64", **STILL}


def zs(net, X, with_biases=True, residual=False):
    """z of each layer, in plain NumPy."""
    a, found = X, []
    for i, (W, b) in enumerate(zip(net.coefs_, net.intercepts_, strict=True)):
        found.append(a @ W + (b if with_biases else 0.0))
        skips = residual and i and a.shape[1] == W.shape[1] and i < len(net.coefs_) - 1
        a = np.tanh(a @ W + b) + (a if skips else 0.0)
    return found


@pytest.mark.parametrize("residual", [False, True])
def test_every_unit_begins_with_variance_one_over_the_data(diabetes, residual):
    X, y = 100 * diabetes[0] + 3, diabetes[1]
    net = MLPRegressor(init=DataDependent(HeNormal()), residual=residual, **DEEP).fit(X, y)
    for z in zs(net, X, residual=residual):
        assert_allclose(z.std(axis=0), 1, rtol=1e-8)
    # each unit's weights are those that are drawn, but for a factor
    drawn = MLPRegressor(init=HeNormal(), residual=residual, **DEEP).fit(X, y)
    for ours, theirs in zip(net.coefs_, drawn.coefs_, strict=True):
        ratio = ours / theirs
        assert_allclose(ratio, np.broadcast_to(ratio[0], ratio.shape), rtol=1e-8)
        assert (ratio > 0).all()


def test_variances_are_weighted_and_samples_without_weight_do_not_matter(diabetes):
    X, y = diabetes
    weight = np.arange(len(X)) % 3.0
    net = MLPRegressor(init="data_dependent", bias_init="data", **DEEP).fit(X, y, weight)
    for z in zs(net, X):
        mean = np.average(z, axis=0, weights=weight)
        assert_allclose(np.average((z - mean) ** 2, axis=0, weights=weight), 1, rtol=1e-8)
    changed = np.where(weight[:, None] == 0, 1e6, X)
    assert same_bits(parameters(net), parameters(clone(net).fit(changed, y, weight)))
    left = weight > 0
    without = clone(net).fit(X[left], y[left], weight[left])
    for a, b in zip(parameters(net), parameters(without), strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_held_out_samples_have_no_part(diabetes):
    X, y = diabetes
    params = {**DEEP, "init": "data_dependent", "bias_init": "data", "early_stopping": True, "validation_split": "last"}
    net = MLPRegressor(**params, validation_fraction=0.2).fit(X, y)
    changed = X.copy()
    changed[-50:] = 7.0
    assert same_bits(parameters(net), parameters(clone(net).fit(changed, y)))


def test_each_unit_begins_with_a_zero_among_the_data(diabetes):
    X, y = diabetes
    net = MLPRegressor(init="data_dependent", bias_init="data", **DEEP).fit(X, y)
    for z in zs(net, X)[:-1]:
        assert (z.min(axis=0) < 0).all() and (z.max(axis=0) > 0).all()
    assert np.ptp(net.intercepts_[0]) > 0.5 and np.abs(net.intercepts_[-1]).max() < 1e-20
    # a mixture of five: the variance is that of the samples times 5 E(share^2) = 1/3 on average
    wide = MLPRegressor(hidden_layer_sizes=(4000,), init="lecun_normal", bias_init="data", dtype="float64",
                        **STILL).fit(X, y)  # fmt: skip
    b, z = wide.intercepts_[0], zs(wide, X, with_biases=False)[0]
    assert_allclose(np.mean((b + z.mean(axis=0)) ** 2 / z.var(axis=0)), 1 / 3, rtol=0.1)


def test_a_unit_that_the_data_leave_constant_keeps_its_weights(diabetes):
    X, y = np.array(diabetes[0]), diabetes[1]
    X[:, 1:] = 5.0
    only = MLPRegressor(hidden_layer_sizes=(6,), init=DataDependent(LeCunNormal()), dtype="float64",
                        **STILL).fit(0 * X + 5, y)  # fmt: skip
    drawn = MLPRegressor(hidden_layer_sizes=(6,), init=LeCunNormal(), dtype="float64", **STILL).fit(0 * X + 5, y)
    assert_array_equal(only.coefs_[0], drawn.coefs_[0])
    net = MLPRegressor(hidden_layer_sizes=(6,), init="data_dependent", dtype="float64", **STILL).fit(X, y)
    assert_allclose((X @ net.coefs_[0]).std(axis=0), 1, rtol=1e-8)


def test_many_samples_are_looked_at_in_part_and_the_same_ones_each_time():
    rng = np.random.RandomState(3)
    X = rng.standard_normal((3 * N_SAMPLES, 4)) * rng.uniform(0.1, 10, 4)
    params = {"hidden_layer_sizes": (30,), "init": "data_dependent", "dtype": "float64", **STILL}
    net = MLPRegressor(**params).fit(X, X[:, 0])
    deviations = (X @ net.coefs_[0]).std(axis=0)
    assert 1e-6 < np.abs(deviations - 1).max() < 0.2
    assert same_bits(parameters(net), parameters(clone(net).fit(X, X[:, 0])))
    other = clone(net).set_params(random_state=1).fit(X, X[:, 0])
    assert not same_bits(parameters(net), parameters(other))


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "schedule_free_adamw"])
def test_every_solver_begins_there_and_learns(diabetes, solver):
    X, y = 1000 * diabetes[0], diabetes[1]
    params = {"hidden_layer_sizes": (20,), "solver": solver, "max_iter": 60, "random_state": 0, "tol": 1e-3}
    net = MLPRegressor(init="data_dependent", bias_init="data", output_init="zeros", learning_rate_init=0.01, **params)
    assert net.fit(X, y).score(X, y) > 0.4


def test_classifiers_partial_fits_and_searches_take_them(digits):
    net = MLPClassifier((15,), init=DataDependent(), bias_init="data", max_iter=15, learning_rate_init=0.01,
                        random_state=0)  # fmt: skip
    grid = {"init__initializer": ["lecun_normal", HeNormal()], "bias_init": ["data", "normal"]}
    found = GridSearchCV(net, grid, cv=2)
    assert found.set_params(error_score="raise").fit(*digits).best_score_ > 0.7
    part = clone(net).partial_fit(*digits, classes=range(10))
    first = part.coefs_[0].copy()
    part.partial_fit(*digits)  # the start is that of the first call
    assert 0 < np.abs(part.coefs_[0] - first).max() < 0.2


def test_layers_of_another_network_stay(digits):
    source = MLPClassifier((15,), max_iter=3, random_state=1).fit(*digits)
    net = MLPClassifier((15, 8), init=source, bias_init="data", **STILL).fit(*digits)
    assert_array_equal(net.intercepts_[0], source.intercepts_[0])
    a = naive_ops.ACTIVATIONS["relu"][0](digits[0] @ net.coefs_[0] + net.intercepts_[0])
    z = a @ net.coefs_[1] + net.intercepts_[1]
    assert (z.min(axis=0) <= 1e-5).all() and (z.max(axis=0) >= -1e-5).all() and net.intercepts_[1].any()


def test_the_output_layer_has_an_initialiser_of_its_own(digits):
    plain = MLPClassifier((15,), init="he_normal", bias_init="normal", **STILL).fit(*digits)
    net = MLPClassifier((15,), init="he_normal", bias_init="normal", output_init="zeros", **STILL).fit(*digits)
    assert_array_equal(net.coefs_[0], plain.coefs_[0])
    assert plain.intercepts_[1].any() and max(np.abs(p).max() for p in (net.coefs_[1], net.intercepts_[1])) < 1e-20
    assert_allclose(net.predict_proba(digits[0]), 0.1, rtol=1e-6)
    raised = MLPClassifier((15,), bias_init=0.5, output_init="lecun_normal", **STILL).fit(*digits)
    assert (raised.intercepts_[0] == 0.5).all() and np.abs(raised.intercepts_[1]).max() < 1e-20


def test_normal_biases_leave_the_weights_alone(diabetes):
    wide = {"hidden_layer_sizes": (4000,), "init": "lecun_normal", **STILL}
    net, plain = (MLPRegressor(bias_init=start, **wide).fit(*diabetes) for start in ("normal", None))
    assert same_bits(net.coefs_, plain.coefs_)
    b = net.intercepts_[0]
    assert abs(b.mean()) < 0.08 and abs(b.std() - 1) < 0.06


@pytest.mark.parametrize(
    ("params", "match"),
    [({"init": "data_dependent", "normalization": "batch"}, r"init='data_dependent' fits.*normalization=None"),
     ({"bias_init": "data", "normalization": "layer"}, "bias_init='data' fits the units' z"),
     ({"output_init": DataDependent(), "normalization": "rms"}, r"output_init=DataDependent\(\) fits"),
     ({"bias_init": "data", "hidden_layer_sizes": ()}, "bias_init='data' is for hidden layers"),
     ({"bias_init": "data", "use_bias": False}, "use_bias=False makes a network without biases, got bias_init='data'"),
     ({"bias_init": "mean"}, "'bias_init' parameter")],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(diabetes, params, match):
    with pytest.raises(ValueError, match=match):
        MLPRegressor(**params).fit(*diabetes)


def test_values_that_are_too_large_are_refused(diabetes):
    with pytest.raises(ValueError, match="too large for float32, the type of the computation: rescale X"):
        net = MLPRegressor(hidden_layer_sizes=(4,), init=DataDependent(HeNormal()), max_iter=2)
        net.fit(3e38 * np.sign(diabetes[0]), diabetes[1])


@pytest.mark.parametrize("given", [Constant(), "zeros", DataDependent(), "he", 3])
def test_what_cannot_be_scaled_is_refused(given):
    with pytest.raises(ValueError, match="'initializer' parameter of DataDependent must be an initialiser"):
        DataDependent(given)
