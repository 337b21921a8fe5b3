"""Class labels of every type: those that scikit-learn takes give its classes, and some that it refuses."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.neural_network import MLPClassifier

import fastnet

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::sklearn.exceptions.DataConversionWarning"
)

X = np.random.default_rng(0).normal(size=(60, 3))
THREE = np.arange(60) % 3
TWO = THREE % 2 == 1
NAMES = np.array(["cat", "ant", "bee"])[THREE]

AS_SCIKIT_LEARN = {
    "strings": NAMES,
    "strings as objects": NAMES.astype(object),
    "list of strings": NAMES.tolist(),
    "booleans": TWO,
    "list of booleans": TWO.tolist(),
    "floats": THREE + 1.0,
    "negative integers": -THREE,
    "a list of numbers and strings, which NumPy makes strings": [[1, "x", 2.5][i] for i in THREE],
    "categories": pd.Series(NAMES, dtype="category"),
    "categories in an order of their own": pd.Categorical(NAMES, categories=["cat", "bee", "ant"], ordered=True),
    "categories that do not occur": pd.Categorical(NAMES, categories=["ant", "bee", "cat", "dog"]),
    "categories of numbers": pd.Series(7 * THREE, dtype="category"),
    "categories of booleans": pd.Series(TWO, dtype="category"),
    "strings of pandas": pd.Series(NAMES, dtype="string"),
    "integers of pandas": pd.Series(THREE, dtype="Int64"),
    "booleans of pandas": pd.Series(TWO, dtype="boolean"),
    "an index": pd.Index(NAMES),
    "a frame of one column": pd.DataFrame({"kind": NAMES}),
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", AS_SCIKIT_LEARN)
def test_the_classes_are_scikit_learns(name, early_stopping):
    y = AS_SCIKIT_LEARN[name]
    params = {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0, "early_stopping": early_stopping}
    theirs = MLPClassifier(**params).fit(X, y)
    ours = fastnet.MLPClassifier(**params).fit(X, y)
    assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.classes_.dtype == theirs.classes_.dtype
    assert ours.predict(X).dtype == theirs.predict(X).dtype
    assert set(ours.predict(X)) <= set(ours.classes_)
    assert 0 <= ours.score(X, y) <= 1


AS_OBJECTS = {
    "booleans": (TWO.astype(object), TWO),
    "booleans of NumPy": (np.array([np.bool_(b) for b in TWO], dtype=object), TWO),
    "integers": (THREE.astype(object), THREE),
    "integers and floats": (np.array([1, 2.0, 3], dtype=object)[THREE], THREE + 1.0),
    "booleans and integers": (np.array([True, 2, 3], dtype=object)[THREE], THREE + 1),
}


@pytest.mark.parametrize("name", AS_OBJECTS)
def test_objects_of_one_kind_are_what_they_are(name):
    objects, plain = AS_OBJECTS[name]
    params = {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0}
    a = fastnet.MLPClassifier(**params).fit(X, objects)
    b = fastnet.MLPClassifier(**params).fit(X, plain)
    assert_array_equal(a.classes_, b.classes_)
    assert a.classes_.dtype == plain.dtype
    assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    assert a.score(X, objects) == a.score(X, pd.Series(objects)) == b.score(X, plain)
    own = {"X_val": X, "y_val": objects}
    assert fastnet.MLPClassifier(**params, early_stopping=True).fit(X, pd.Series(objects), **own).validation_scores_
    # classes may come as objects, too
    part = fastnet.MLPClassifier(**params).partial_fit(X, objects, classes=np.unique(plain).astype(object))
    assert_array_equal(part.partial_fit(X, objects).classes_, b.classes_)


MIXED = {
    "numbers and strings": (np.array([1, "a", 2.5], dtype=object), r"\['float', 'int', 'str'\]"),
    "booleans and strings": (np.array([True, "a", "b"], dtype=object), r"\['bool', 'str'\]"),
    "none": (np.array([None, "a", "b"], dtype=object), r"\['NoneType', 'str'\]"),
    "tuples": (np.array([None, (1, 2), (3, 4)], dtype=object), r"\['NoneType', 'tuple'\]"),
}


@pytest.mark.parametrize("name", MIXED)
def test_mixed_objects_are_refused_with_a_remedy(name):
    labels, types = MIXED[name]
    message = f"y has labels of types that cannot be sorted together, {types}: leave out samples without a label"
    with pytest.raises(ValueError, match=message):
        fastnet.MLPClassifier(max_iter=1).fit(X, labels[THREE])
    message = message.replace("y has", "classes has")
    with pytest.raises(ValueError, match=message):
        fastnet.MLPClassifier(max_iter=1).partial_fit(X, NAMES, classes=labels)
    with pytest.raises(ValueError, match=message.replace("classes has", "y_val has")):
        model = fastnet.MLPClassifier(max_iter=1, early_stopping=True)
        model.fit(X, NAMES, X_val=X, y_val=labels[THREE])
