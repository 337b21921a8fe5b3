"""Entries that are missing, infinite or too large are refused by name, whatever holds them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.neural_network

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0]
LABELS = np.arange(60) % 3
QUICK = {"hidden_layer_sizes": 4, "max_iter": 2, "batch_size": 10, "random_state": 0}


def regressor(**params):
    return fastnet.MLPRegressor(**QUICK | params)


def classifier(**params):
    return fastnet.MLPClassifier(**QUICK | params)


def refused(message, call, *args, **kw):
    estimator = call.__self__
    before = dict(vars(estimator))
    with pytest.raises(ValueError, match=message):
        call(*args, **kw)
    assert vars(estimator) == before


REST = list(Y[1:])
MISSING = {
    "None": [None, *REST],
    "None as object": np.array([None, *REST], dtype=object),
    "nan as object": np.array([np.nan, *REST], dtype=object),
    "text": ["nan", *map(str, REST)],
    "text as objects": np.array(["nan", *map(str, REST)], dtype=object),
    "NA": [pd.NA, *REST],
    "nullable": pd.Series([pd.NA, *REST], dtype="Float64"),
    "nullable integers": pd.Series([pd.NA, *LABELS[1:]], dtype="Int64"),
    "polars": pl.Series([None, *REST]),
    "two columns": np.array([[None, 1.0], *[[1.0, 2.0]] * 59], dtype=object),
    "a frame": pd.DataFrame({"a": pd.Series([pd.NA, *REST], dtype="Float64"), "b": Y}),
    "masked": np.ma.array(Y, mask=np.arange(60) == 3),
    "sparse": sp.csr_array(np.array([[np.nan, 1.0]] * 60)),
}


@pytest.mark.parametrize("kind", MISSING)
def test_missing_targets_are_refused(kind):
    y = MISSING[kind]
    refused("^Input y contains NaN", regressor().fit, X, y)
    refused("^Input y contains NaN", regressor(solver="lbfgs").fit, X, y)
    refused("^Input y contains NaN", regressor().partial_fit, X, y)
    refused("^Input y_val contains NaN", regressor(early_stopping=True).fit, X, Y, X_val=X, y_val=y)
    refused("^Input y contains NaN", regressor().fit(X, Y).score, X, y)


INFINITE = {
    "array": np.array([np.inf, *REST]),
    "objects": np.array([np.inf, *REST], dtype=object),
    "text": ["inf", *map(str, REST)],
    "two columns": np.array([[np.inf, 1.0]] * 60, dtype=object),
}


@pytest.mark.parametrize("kind", INFINITE)
def test_infinite_targets_and_labels_are_named(kind):
    y = INFINITE[kind]
    refused("^Input y contains infinity", regressor().fit, X, y)
    if kind == "text":
        return  # labels may well be called inf
    refused("^Input y contains infinity", classifier().fit, X, y)
    refused("^Input y contains infinity", classifier().partial_fit, X, y, classes=[0, 1, 2])
    refused("^Input y_val contains infinity", classifier(early_stopping=True).fit, X, LABELS, X_val=X, y_val=y)
    refused("^Input y contains infinity", classifier().fit(X, LABELS).score, X, y)


def test_integers_and_lists_that_no_float_holds_are_named():
    refused("^y has a value too large for float64, 1000", regressor().fit, X, [10**400, *REST])
    refused("^y must hold one number in each entry, got lists", regressor().fit, X, [[1, 2], *REST])
    refused("Complex data not supported: y must hold real numbers", regressor().fit, X, Y * 1j)
    refused("^y has numbers as labels that NumPy has no type for", classifier().fit, X, [10**400, 1] * 30)


SCALARS = [np.nan, np.inf, -1, 0, True, "heavy", np.float32("nan"), 10**400]


@pytest.mark.parametrize("weight", SCALARS, ids=lambda weight: str(weight)[:8])
def test_one_weight_for_all_must_be_a_positive_number(weight):
    message = "sample_weight must be an array with one weight for each sample, or one finite number above 0"
    refused(message, regressor().fit, X, Y, sample_weight=weight)
    refused(message, regressor().partial_fit, X, Y, sample_weight=weight)
    refused(message, regressor().fit(X, Y).score, X, Y, sample_weight=weight)
    refused(message, classifier().fit(X, LABELS).score, X, LABELS, sample_weight=weight)
    message = message.replace("sample_weight", "sample_weight_val")
    refused(message, regressor(early_stopping=True).fit, X, Y, X_val=X, y_val=Y, sample_weight_val=weight)


def test_one_weight_for_all_is_as_good_as_equal_weights():
    a, b = (regressor(alpha=0).fit(X, Y, sample_weight=weight) for weight in (2.0, np.full(60, 2.0)))
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])


@pytest.mark.parametrize("weight", [[None] + [1] * 59, [pd.NA] + [1] * 59, ["nan"] + ["1"] * 59], ids=str)
def test_missing_weights_are_refused(weight):
    refused("^Input sample_weight contains NaN", regressor().fit, X, Y, sample_weight=weight)


LARGE = {
    "C": X * 1e39,
    "Fortran": np.asfortranarray(X * 1e39),
    "strided": np.repeat(X * 1e39, 2, axis=0)[::2],
    "all negative": -np.abs(X) * 1e39,
    "one entry": np.where(np.arange(180).reshape(60, 3) == 170, 1e39, X),
    "sparse": sp.csr_array(X * 1e39),
    "a list": (X * 1e39).tolist(),
    "a frame": pd.DataFrame(X * 1e39),
}


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("kind", LARGE)
def test_features_that_the_computation_cannot_hold_are_refused(kind, activation):
    # a saturated activation, or a ReLU that is off, makes finite outputs of infinite features
    message, large = "^X has values too large for float32, .*: rescale X, or set dtype='float64'", LARGE[kind]
    fitted = regressor(activation=activation).fit(X, Y)
    refused(message, fitted.predict, large)
    refused(message, fitted.score, large, Y)
    refused(message, classifier(activation=activation).fit(X, LABELS).predict_proba, large)
    if activation == "tanh":
        refused(message, regressor().fit, large, Y)
        refused(message, regressor(early_stopping=True).fit, large, Y)
        refused(message, regressor().partial_fit, large, Y)
        model = regressor(early_stopping=True)
        refused("^X_val has values too large", model.fit, X, Y, X_val=large, y_val=Y)


@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, sp.csr_array])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_found_among_many(bad, make):
    many, y = np.ones((9000, 3)), np.zeros(9000)
    many[7, 0], many[8999, 1] = 1e300, bad  # not finite is what is said, though float32 could not hold the other
    many = make(many)
    for name in ("fit", "predict"):
        errors = []
        for module in (fastnet, sklearn.neural_network):
            model = module.MLPRegressor(max_iter=3, hidden_layer_sizes=2)
            model.fit(X, Y)
            with pytest.raises(ValueError, match="Input X contains") as error:
                getattr(model, name)(*((many, y) if name == "fit" else (many,)))
            errors.append(str(error.value))
        assert errors[0] == errors[1]


def test_where_nobody_shall_look_missing_numbers_are_not_called_large():
    model, many = regressor().fit(X, Y), np.ones((9000, 3))
    many[8999, 1] = np.nan
    with sklearn.config_context(assume_finite=True), pytest.warns(RuntimeWarning, match="Outputs for 1 of 9000"):
        assert np.isnan(model.predict(many)[8999])
    with sklearn.config_context(assume_finite=True):
        refused("^X has values too large for float32", model.predict, np.where(many == 1, 1e300, many))


def test_what_the_computation_just_holds_is_taken():
    limit = float(np.finfo(np.float32).max)
    model = regressor(activation="tanh").fit(X, Y)
    assert np.isfinite(model.predict(np.full((4, 3), limit))).all()
    refused("^X has values too large", model.predict, np.full((4, 3), limit * 1.01))
    # the sum of their squares is beyond that of the limit's, each of them is not
    assert np.isfinite(model.predict(np.full((9000, 3), limit))).all()
    regressor(dtype="float64", activation="tanh").fit(X * 1e39, Y)
    regressor(batch_size=60, activation="tanh").fit(X * 1e39, Y)  # 'auto' computes in float64


def test_large_targets_are_named():
    refused("^y has values too large for float32", regressor().fit, X, Y * 1e39)
    refused("^y_val has values too large", regressor(early_stopping=True).fit, X, Y, X_val=X, y_val=Y * 1e39)
    with pytest.raises(ValueError, match="^X has values too large"):
        fastnet.inspect(regressor().fit(X, Y), X * 1e39, Y)
