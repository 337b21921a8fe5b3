"""Whole weights are repetitions, in double precision to the last digits, wherever all samples make one batch."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import fastnet
from fastnet.ops.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = ["multiclass", "binary", "labels", "number", "numbers", "counts"]


def problem(kind, n=40, seed=0):
    """X, y, whole weights with zeros among them."""
    rng = np.random.default_rng(seed)
    X, weight = rng.normal(size=(n, 5)), rng.integers(0, 4, n)
    y = {
        "multiclass": rng.integers(0, 3, n), "binary": rng.integers(0, 2, n), "labels": rng.integers(0, 2, (n, 3)),
        "number": X @ rng.normal(size=5), "numbers": X @ rng.normal(size=(5, 3)), "counts": rng.poisson(2.0, n),
    }[kind]  # fmt: skip
    return X, y, weight


def repeat(X, y, weight):
    return np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0)


def estimator(kind, **params):
    make = fastnet.MLPClassifier if kind in KINDS[:3] else fastnet.MLPRegressor
    loss = {"loss": "poisson"} if kind == "counts" else {}
    # alpha is divided by the sum of the weights, which is the number of repeated samples
    common = {"hidden_layer_sizes": (6,), "activation": "tanh", "random_state": 0, "dtype": "float64", "alpha": 0.1,
              "tol": 0.0, "learning_rate_init": 0.01}  # fmt: skip
    return make(**common | loss | params)


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_for_lbfgs(kind, l1_ratio):
    X, y, weight = problem(kind)
    params = {"solver": "lbfgs", "max_iter": 10, "l1_ratio": l1_ratio}
    weighted = estimator(kind, **params).fit(X, y, sample_weight=weight)
    repeated = estimator(kind, **params).fit(*repeat(X, y, weight))
    assert weighted.n_iter_ == repeated.n_iter_ == 10
    assert_allclose(weighted.loss_, repeated.loss_, rtol=1e-9)
    assert_allclose(outputs(weighted, X), outputs(repeated, X), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_for_a_full_batch(kind):
    X, y, weight = problem(kind)
    params = {"solver": "adam", "batch_size": None, "max_iter": 30}
    weighted = estimator(kind, **params).fit(X, y, sample_weight=weight)
    repeated = estimator(kind, **params).fit(*repeat(X, y, weight))
    assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-9)
    assert_allclose(outputs(weighted, X), outputs(repeated, X), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("solver", sorted(set(OPTIMIZERS) - {"adam", "rprop", "lion"}))
def test_for_every_optimizer(solver):
    """All but those that take signs of gradients: rounding may decide these."""
    X, y, weight = problem("multiclass")
    params = {"solver": solver, "batch_size": None, "max_iter": 30}
    weighted = estimator("multiclass", **params).fit(X, y, sample_weight=weight)
    repeated = estimator("multiclass", **params).fit(*repeat(X, y, weight))
    assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-8)


@pytest.mark.parametrize("scoring", [None, "loss"])
@pytest.mark.parametrize("kind", KINDS)
def test_for_what_early_stopping_watches(kind, scoring):
    X, y, weight = problem(kind)
    X_val, y_val, weight_val = problem(kind, seed=1)
    params = {"batch_size": None, "max_iter": 10, "early_stopping": True, "scoring": scoring}
    own = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight_val}
    weighted = estimator(kind, **params).fit(X, y, sample_weight=weight, **own)
    own = dict(zip(("X_val", "y_val"), repeat(X_val, y_val, weight_val), strict=True))
    repeated = estimator(kind, **params).fit(*repeat(X, y, weight), **own)
    assert_allclose(weighted.validation_scores_, repeated.validation_scores_, rtol=1e-8)


def test_for_the_temperature():
    X, y, weight = problem("multiclass")
    X_val, y_val, weight_val = problem("multiclass", seed=1)
    params = {"solver": "lbfgs", "max_iter": 5, "calibration": "temperature"}
    own = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight_val}
    weighted = estimator("multiclass", **params).fit(X, y, sample_weight=weight, **own)
    own = dict(zip(("X_val", "y_val"), repeat(X_val, y_val, weight_val), strict=True))
    repeated = estimator("multiclass", **params).fit(*repeat(X, y, weight), **own)
    assert_allclose(weighted.temperature_, repeated.temperature_, rtol=1e-5)


def test_a_common_factor_of_the_weights_only_scales_alpha():
    X, y, weight = problem("multiclass")
    params = {"solver": "lbfgs", "max_iter": 10}
    once = estimator("multiclass", **params).fit(X, y, sample_weight=weight)
    thrice = estimator("multiclass", **params | {"alpha": 0.3}).fit(X, y, sample_weight=3 * weight)
    assert_allclose(once.loss_, thrice.loss_, rtol=1e-9)
    other = estimator("multiclass", **params).fit(X, y, sample_weight=3 * weight)
    assert abs(other.loss_ - once.loss_) > 1e-4
