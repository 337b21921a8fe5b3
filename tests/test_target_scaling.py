"""``target_scaling``: the network of standardised targets, with predictions in the target's own unit."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import MLPRegressor, inspect
from fastnet.estimators.targets.scaling import TargetScale
from fastnet.losses import Huber

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = np.column_stack([1e4 + 3e3 * X[:, 0] + 800 * X[:, 1] ** 2, 1e-3 * np.sin(X[:, 2]) - 5, 2 * X[:, 1]])
WEIGHT = RNG.uniform(0, 2, len(X)).round(1)
NET = {"hidden_layer_sizes": (7,), "random_state": 0, "max_iter": 8}


def moments(y, weight):
    mean = (weight[:, None] * y).sum(axis=0) / weight.sum()
    return mean, np.sqrt((weight[:, None] * (y - mean) ** 2).sum(axis=0) / weight.sum())


@pytest.mark.parametrize(
    "params",
    [
        {"dtype": "float32"},
        {"dtype": "float64", "loss": Huber(0.3), "early_stopping": True, "scoring": "loss"},
        {"solver": "lbfgs", "loss": "log_cosh"},
    ],
    ids=str,
)
def test_it_is_the_network_of_targets_standardised_by_hand(params):
    own = {"X_val": X[:30], "y_val": Y[:30]} if "early_stopping" in params else {}
    net = MLPRegressor(target_scaling=True, **NET, **params).fit(X, Y, WEIGHT, **own)
    mean, scale = moments(Y, WEIGHT)
    assert_allclose(net.target_mean_, mean, rtol=1e-13)
    assert_allclose(net.target_scale_, scale, rtol=1e-8)
    if own:
        own["y_val"] = (own["y_val"] - net.target_mean_) / net.target_scale_
    by_hand = MLPRegressor(**NET, **params).fit(X, (Y - net.target_mean_) / net.target_scale_, WEIGHT, **own)
    assert same_bits(parameters(net), parameters(by_hand))
    assert net.loss_ == by_hand.loss_
    if own:
        assert net.validation_scores_ == by_hand.validation_scores_
    predicted = net.predict(X)
    assert_allclose(predicted, by_hand.predict(X) * scale + mean, rtol=1e-6)
    assert_array_equal(np.vstack([net.predict(row[None]) for row in X]), predicted)
    assert net.predict(X.astype(np.float32)).dtype == np.float64
    assert_allclose(net.score(X, Y), r2_score(Y, predicted))
    assert not hasattr(MLPRegressor(**NET).fit(X, Y), "target_mean_")


def test_rows_held_out_do_not_count():
    params = {"early_stopping": True, "validation_split": "last", "validation_fraction": 0.25, **NET}
    net = MLPRegressor(target_scaling=True, **params).fit(X, Y, WEIGHT)
    mean, scale = moments(Y[:90], WEIGHT[:90])
    assert_allclose(net.target_mean_, mean, rtol=1e-12)
    assert_allclose(net.target_scale_, scale, rtol=1e-8)
    # the coefficient of determination does not depend on the unit
    net.set_params(restore_best_weights=False).fit(X, Y, WEIGHT)
    assert_allclose(net.validation_scores_[-1], r2_score(Y[90:], net.predict(X[90:]), sample_weight=WEIGHT[90:]), 1e-4)


def test_scorers_see_the_targets_own_unit():
    params = {"early_stopping": True, "restore_best_weights": False, "scoring": "neg_mean_absolute_error", **NET}
    net = MLPRegressor(target_scaling=True, **params).fit(X[:90], Y[:90, 0], X_val=X[90:], y_val=Y[90:, 0])
    assert_allclose(net.validation_scores_[-1], -mean_absolute_error(Y[90:, 0], net.predict(X[90:])), rtol=1e-6)
    assert net.validation_scores_[-1] < -100


def test_the_first_fit_says_what_the_scale_is():
    net = MLPRegressor(target_scaling=True, **NET).partial_fit(X[:40], Y[:40])
    first = net.target_mean_, net.target_scale_
    net.partial_fit(X[40:], Y[40:])
    assert_array_equal((net.target_mean_, net.target_scale_), first)
    assert_allclose(first, moments(Y[:40], np.ones(40)))

    net = MLPRegressor(target_scaling=True, warm_start=True, **NET).fit(X[:40], Y[:40])
    before = pickle.loads(pickle.dumps(net))
    net.fit(X[40:], Y[40:])
    assert_array_equal((net.target_mean_, net.target_scale_), first)
    assert len(net.loss_curve_) == 16
    net.set_params(target_scaling=False)
    with pytest.raises(ValueError, match="which has learnt standardised targets, got target_scaling=False"):
        net.fit(X, Y)
    net.set_params(warm_start=False).fit(X, Y)
    assert not hasattr(net, "target_mean_")
    with pytest.raises(ValueError, match="which has not learnt standardised targets, got target_scaling=True"):
        net.set_params(target_scaling=True).partial_fit(X, Y)
    assert same_bits([before.predict(X)], [pickle.loads(pickle.dumps(before)).predict(X)])


@pytest.mark.parametrize("unit", [1e-300, 1e300, 1e-320])
def test_targets_of_any_size(unit):
    y = np.column_stack([X[:, 0] * unit, np.full(len(X), 0.1), np.full(len(X), 0.0)])
    scale = TargetScale.of(y, WEIGHT)
    expected = TargetScale.of(X[:, :1], WEIGHT)
    digits = 1e-9 if unit > 1e-310 else 1e-2  # the last one is no normal number
    assert_allclose(scale.standardise(y)[:, 0], expected.standardise(X[:, :1])[:, 0], rtol=digits, atol=digits)
    assert_array_equal(scale.mean[1:], [0.1, 0.0])
    assert_array_equal(scale.scale[1:], 1.0)
    assert_array_equal(scale.standardise(y)[:, 1:], 0.0)
    if unit > 1e-310:
        net = MLPRegressor(target_scaling=True, **NET).fit(X, y)  # in float32, which the targets exceed
        assert np.isfinite(net.predict(X)).all()


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_losses_of_a_domain_refuse_it(loss):
    with pytest.raises(ValueError, match=f"target_scaling=True shifts .* but loss='{loss}' needs them as they are"):
        MLPRegressor(loss, target_scaling=True).fit(X, Y[:, 0])


def test_scikit_learn_gets_it_in_the_last_layer():
    net = MLPRegressor(target_scaling=True, dtype="float64", **NET)
    with pytest.raises(ValueError, match="cannot train with target_scaling=True"):
        net.to_sklearn()
    net.fit(X, Y)
    with pytest.warns(UserWarning, match="cannot train with target_scaling=True"):
        theirs = net.to_sklearn()
    assert_allclose(theirs.predict(X), net.predict(X), rtol=1e-10)
    theirs.partial_fit(X, Y)  # with moments of its own


def test_inspect_shows_what_was_trained():
    net = MLPRegressor(target_scaling=True, dtype="float64", alpha=0.0, **NET).fit(X, Y)
    passed = inspect(net, X, Y)
    error = (net.predict(X) - Y) / net.target_scale_
    assert_allclose(passed.loss, (error**2).sum(axis=1).mean() / 2, rtol=1e-9)
    assert_allclose(passed.layers[-1].delta, error / len(X), rtol=1e-6)


def test_in_a_pipeline_and_a_grid_search():
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(**NET))
    search = GridSearchCV(pipeline, {"mlpregressor__target_scaling": [False, True]}, cv=2, error_score="raise")
    search.fit(X, Y[:, 0])
    assert search.best_params_ == {"mlpregressor__target_scaling": True}
    again = clone(search.best_estimator_).fit(X, Y[:, 0])
    assert same_bits([again.predict(X)], [search.predict(X)])
