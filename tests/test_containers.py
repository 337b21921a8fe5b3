"""Whatever holds the targets: what is fitted, watched and scored is the same as of plain arrays."""

import array_api_strict
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

import fastnet

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:The y_prob values do not sum to one:UserWarning"
)

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] + X[:, 1]
CODES = np.arange(60) % 3
NAMES = np.array(["ant", "bee", "cow"])[CODES]
LABELS = np.column_stack([CODES % 2, 1 - CODES % 2, CODES > 0]).astype(int)
COLUMNS = np.column_stack([CODES, CODES % 2 + 1])
QUICK = {"hidden_layer_sizes": 4, "max_iter": 2, "batch_size": 20, "random_state": 0}
HOLD_OUT = {"early_stopping": True, "validation_fraction": 0.3}


class Tensor:
    """What matters of a tensor of another library: it can become an array, and its dtype has no kind."""

    dtype = property(lambda self: "int64 of another library")
    shape = property(lambda self: self._array.shape)
    ndim = property(lambda self: self._array.ndim)

    def __init__(self, array):
        self._array = np.asarray(array)

    def __len__(self):
        return len(self._array)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._array, dtype)


def classifier(**params):
    return fastnet.MLPClassifier(**QUICK | params)


def regressor(**params):
    return fastnet.MLPRegressor(**QUICK | params)


def by_score(estimator, X, y):
    return estimator.score(X, y)


def by_hand(estimator, X, y):
    assert type(y) is np.ndarray
    return float(np.mean(estimator.predict(X) == y))


ONE_LABEL = {
    "list": (NAMES.tolist(), NAMES),
    "tuple": (tuple(NAMES), NAMES),
    "objects": (CODES.astype(object), CODES),
    "pandas": (pd.Series(NAMES), NAMES),
    "strings of pandas": (pd.Series(NAMES, dtype="string"), NAMES),
    "categories": (pd.Series(NAMES, dtype="category"), NAMES),
    "nullable": (pd.Series(CODES, dtype="Int64"), CODES),
    "index": (pd.Index(NAMES), NAMES),
    "polars": (pl.Series(NAMES), NAMES),
    "categories of polars": (pl.Series(NAMES, dtype=pl.Categorical), NAMES),
    "numbers of polars": (pl.Series(CODES), CODES),
    "bools of polars": (pl.Series(CODES > 0), CODES > 0),
    "array API": (array_api_strict.asarray(CODES), CODES),
    "tensor": (Tensor(CODES), CODES),
    "tensor of bools": (Tensor(CODES > 0), CODES > 0),
}
SEVERAL_LABELS = {
    "list": LABELS.tolist(),
    "tuples": tuple(map(tuple, LABELS.tolist())),
    "integers as objects": LABELS.astype(object),
    "bools": LABELS > 0,
    "bools as objects": (LABELS > 0).astype(object),
    "numbers and bools as objects": np.array([[1.0, 0, True], [0, 1, False]] * 30, dtype=object),
    "nullable integers": pd.DataFrame(LABELS, dtype="Int64"),
    "nullable bools": pd.DataFrame(LABELS > 0, dtype="boolean"),
    "polars": pl.DataFrame(LABELS),
    "CSR": sp.csr_array(LABELS),
    "CSC matrix": sp.csc_matrix(LABELS),
    "COO": sp.coo_array(LABELS),
    "array API": array_api_strict.asarray(LABELS),
    "tensor": Tensor(LABELS),
}
SEVERAL_COLUMNS = {
    "list": COLUMNS.tolist(),
    "objects": COLUMNS.astype(object),
    "nullable integers": pd.DataFrame(COLUMNS, dtype="Int64"),
    "polars": pl.DataFrame(COLUMNS),
    "CSR": sp.csr_array(COLUMNS),
    "COO matrix": sp.coo_matrix(COLUMNS),
    "array API": array_api_strict.asarray(COLUMNS),
    "tensor": Tensor(COLUMNS),
}
NUMBERS = {
    "list": (Y.tolist(), Y),
    "tuple": (tuple(Y), Y),
    "objects": (Y.astype(object), Y),
    "text": (list(map(repr, Y.tolist())), Y),
    "pandas": (pd.Series(Y), Y),
    "nullable": (pd.Series(Y, dtype="Float64"), Y),
    "polars": (pl.Series(Y), Y),
    "array API": (array_api_strict.asarray(Y), Y),
    "tensor": (Tensor(Y), Y),
    "a frame": (pd.DataFrame({"a": Y, "b": -Y}), np.column_stack([Y, -Y])),
    "a frame of polars": (pl.DataFrame({"a": Y, "b": -Y}), np.column_stack([Y, -Y])),
    "CSR": (sp.csr_array(np.column_stack([Y, -Y])), np.column_stack([Y, -Y])),
}


def in_turn(kinds, kind, scorings):
    """The scoring that a kind of y meets: every kind meets one, every scoring meets some."""
    return scorings[list(kinds).index(kind) % len(scorings)]


def check(make, y, plain, scoring, classes=None):
    """Fit, score and watch y as the plain array."""
    given, expected = make().fit(X, y), make().fit(X, plain)
    assert_array_equal(given.coefs_[0], expected.coefs_[0])
    assert given.n_outputs_ == expected.n_outputs_
    weight = np.arange(60) % 5
    for keywords in ({}, {"sample_weight": weight}):  # frames are stored by columns, which are summed in another order
        assert given.score(X, y, **keywords) == pytest.approx(expected.score(X, plain, **keywords), rel=1e-12)
    first = {} if classes is None else {"classes": classes}
    parts = [make().partial_fit(X, each, **first).partial_fit(X, each) for each in (y, plain)]
    assert_array_equal(parts[0].coefs_[0], parts[1].coefs_[0])
    for watched in (None, scoring):
        held = [make(scoring=watched, **HOLD_OUT).fit(X, each) for each in (y, plain)]
        assert held[0].validation_scores_ == pytest.approx(held[1].validation_scores_, rel=1e-12)
        own = [make(scoring=watched, early_stopping=True).fit(X, e, X_val=X, y_val=e) for e in (y, plain)]
        assert own[0].validation_scores_ == pytest.approx(own[1].validation_scores_, rel=1e-12)


@pytest.mark.parametrize("kind", ONE_LABEL)
def test_labels(kind):
    y, plain = ONE_LABEL[kind]
    scorings = ["loss", "accuracy", "f1_macro", "neg_log_loss", by_score, by_hand]
    check(classifier, y, plain, in_turn(ONE_LABEL, kind, scorings), np.unique(plain))
    assert_array_equal(classifier().fit(X, y).classes_, np.unique(plain))


@pytest.mark.parametrize("kind", SEVERAL_LABELS)
def test_several_labels(kind):
    y = SEVERAL_LABELS[kind]
    plain = np.array([[1, 0, 1], [0, 1, 0]] * 30) if kind.startswith("numbers and") else LABELS
    scorings = ["loss", "accuracy", "f1_macro", "neg_log_loss", by_score]
    check(classifier, y, plain, in_turn(SEVERAL_LABELS, kind, scorings), np.arange(3))
    assert classifier().fit(X, y).out_activation_ == "logistic"


@pytest.mark.parametrize("kind", SEVERAL_COLUMNS)
def test_several_columns_of_classes(kind):
    scoring = in_turn(SEVERAL_COLUMNS, kind, ["loss", by_score])
    check(classifier, SEVERAL_COLUMNS[kind], COLUMNS, scoring, [[0, 1, 2], [1, 2]])


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_columns_of_their_own_kinds(library):
    y = library.DataFrame({"name": NAMES, "code": CODES})
    model = classifier(scoring=by_score, **HOLD_OUT).fit(X, y)
    assert_array_equal(model.classes_[0], np.unique(NAMES))
    assert model.classes_[1].dtype.kind == "i"
    assert model.score(X, y) == np.mean((model.predict(X) == y.to_numpy()).all(axis=1))


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers(kind):
    check(regressor, *NUMBERS[kind], in_turn(NUMBERS, kind, ["loss", "r2", "neg_mean_squared_error", by_score]))


FEATURES = {
    "list": X.tolist(),
    "pandas": pd.DataFrame(X, columns=["a", "b", "c"]),
    "polars": pl.DataFrame(X, schema=["a", "b", "c"]),
    "array API": array_api_strict.asarray(X),
    "tensor": Tensor(X),
    "COO": sp.coo_array(X),
}


@pytest.mark.parametrize("kind", FEATURES)
def test_features(kind):
    features = FEATURES[kind]
    for make, y, scoring in ((classifier, pl.Series(NAMES), "accuracy"), (regressor, pl.Series(Y), by_score)):
        held = make(scoring=scoring, **HOLD_OUT).fit(features, y)
        expected = make(scoring=scoring, **HOLD_OUT).fit(X, y)
        np.testing.assert_allclose(held.validation_scores_, expected.validation_scores_, rtol=1e-4)
        own = make(scoring=scoring, early_stopping=True).fit(features, y, X_val=features, y_val=y)
        assert own.score(features, y) == pytest.approx(own.best_validation_score_, rel=1e-4)


CLASSES = {
    "none": [],
    "NaN": [np.nan, 1],
    "missing": [None, 1],
    "NA": [pd.NA, 1],
    "infinite": [np.inf, 0, 1, 2],
    "twice": [0, 0, 1, 2],
    "a matrix": np.array([[0, 1, 2]]),
    "a set": {0, 1, 2},
    "a number": 3,
    "text": "abc",
    "numbers and text": [0, 1, "2"],
}


@pytest.mark.parametrize("kind", CLASSES)
def test_classes_that_cannot_serve_are_refused_by_name(kind):
    for classes in (CLASSES[kind], [[0, 1, 2], CLASSES[kind]]) if kind in ("NaN", "twice") else (CLASSES[kind],):
        model = classifier()
        with pytest.raises(ValueError, match="classes"):
            model.partial_fit(X, CODES, classes=classes)
        assert not hasattr(model, "classes_")


def test_classes_may_stand_in_any_container():
    for classes in ((0, 1, 2), range(3), pd.Series([2, 1, 0]), pl.Series([0, 1, 2]), Tensor([0, 1, 2])):
        assert_array_equal(classifier().partial_fit(X, CODES, classes=classes).classes_, [0, 1, 2])
