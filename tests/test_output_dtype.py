"""What predictions hold: scikit-learn's type whatever the computation's is, and as much of the signal as there is."""

import copy
import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from marks import exhaustive
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax, softmax
from sklearn import neural_network
from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import PowerTransformer, StandardScaler

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(60, 3))
y = X[:, 0]
SINGLE, DOUBLE = X.astype(np.float32), X
LABELS = {
    "binary": np.arange(60) % 2,
    "multiclass": np.arange(60) % 3,
    "multilabel": (X > 0).astype(int),
    "columns": np.column_stack([np.arange(60) % 3, np.arange(60) % 4]),
}
INPUTS = {
    **{name: X.astype(name) for name in ("float32", "float64", "float16")},
    **{name: (3 * X).astype(name) for name in ("int8", "uint8", "int16", "int32", "int64", "bool", "object")},
    "list": X.tolist(),
    "list of float32": list(SINGLE),
    "csr of float32": sp.csr_array(SINGLE),
    "csc of float32": sp.csc_array(SINGLE),
    "csr of float64": sp.csr_array(DOUBLE),
    "csr of int8": sp.csr_array((3 * X).astype(np.int8)),
    "frame of float32": pd.DataFrame(SINGLE),
    "frame of float64": pd.DataFrame(DOUBLE),
    "frame of float32 and int8": pd.DataFrame({0: SINGLE[:, 0], 1: (3 * X[:, 1]).astype(np.int8), 2: X[:, 2] > 0}),
    "frame of float32 and int32": pd.DataFrame({0: SINGLE[:, 0], 1: (3 * X[:, 1]).astype(np.int32), 2: X[:, 2] > 0}),
    "frame of nullable floats": pd.DataFrame(DOUBLE).astype("Float64"),
}


COMMON = {"hidden_layer_sizes": (4,), "batch_size": 20, "max_iter": 2, "random_state": 0}


def classifier(**params):
    return fastnet.MLPClassifier(**COMMON | params)


def regressor(**params):
    return fastnet.MLPRegressor(**COMMON | params)


@pytest.fixture(scope="module")
def pairs():
    """By the name of the training data: networks of ours and scikit-learn's."""
    modules = fastnet, neural_network
    common = {"hidden_layer_sizes": (4,), "batch_size": 20, "max_iter": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            name: [
                *(tuple(m.MLPRegressor(**common).fit(INPUTS[name], t) for m in modules) for t in (y, X[:, :2])),
                *(tuple(m.MLPClassifier(**common).fit(INPUTS[name], LABELS[kind]) for m in modules)
                  for kind in ("binary", "multiclass", "multilabel")),
            ]
            for name in ("float32", "float64", "float16", "int8", "list", "csr of float32", "frame of float32")
        }  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize(
    "fitted", ["float32", "float64", "float16", "int8", "list", "csr of float32", "frame of float32"]
)
@pytest.mark.filterwarnings("ignore:X (has|does not have) (valid )?feature names:UserWarning")
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_predictions_have_scikit_learns_type(pairs, fitted, name):
    for ours, theirs in pairs[fitted]:
        methods = ["predict"] if hasattr(ours, "loss_") and not hasattr(ours, "classes_") else []
        methods += [m for m in ("predict_proba", "predict_log_proba") if hasattr(ours, m)]
        for method in methods:
            assert getattr(ours, method)(INPUTS[name]).dtype == getattr(theirs, method)(INPUTS[name]).dtype


@pytest.mark.parametrize(
    ("dtype", "solver"),
    [("auto", "adam"),
     *exhaustive([("input", "lbfgs"), ("auto", "lbfgs"), ("float32", "adam"), ("float32", "lbfgs"),
                  ("float64", "adam"), ("float64", "lbfgs"), ("input", "adam")])],
)  # fmt: skip
@pytest.mark.parametrize("fitted", [SINGLE, DOUBLE], ids=["fit float32", "fit float64"])
@pytest.mark.parametrize("given", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_the_type_of_the_computation_does_not_show_in_predictions(dtype, solver, fitted, given):
    expected = np.float32 if fitted.dtype == given.dtype == np.float32 else np.float64
    params = {"dtype": dtype, "solver": solver}
    found = [regressor(**params).fit(fitted, y).predict(given)]
    found.append(classifier(loss="hinge", **params).fit(fitted, LABELS["multiclass"]).decision_function(given))
    for kind, labels in LABELS.items():
        model = classifier(**params).fit(fitted, labels)
        for result in (model.predict_proba(given), model.predict_log_proba(given)):
            found += result if kind == "columns" else [result]
    model = classifier(**params).fit(fitted, np.zeros(60))  # one class
    found += [model.predict_proba(given), model.predict_log_proba(given)]
    assert {result.dtype for result in found} == {np.dtype(expected)}


@pytest.mark.parametrize("n", [1, 60, 900])  # straight from coefs_, and by tiles
@pytest.mark.parametrize("n_classes", [3, 20])
@pytest.mark.parametrize("loss", ["log_loss", fastnet.losses.LogLoss(focal_gamma=2.0)], ids=["softmax", "focal"])
def test_probabilities_are_the_softmax_of_the_logits_in_double_precision(n, n_classes, loss):
    labels = np.arange(900) % n_classes
    data = np.random.default_rng(1).normal(size=(900, 3))
    wide = {"hidden_layer_sizes": (300, 300)} if n == 900 else {}
    model = classifier(loss=loss, **wide, max_iter=1, batch_size=200).fit(data, labels)
    model.coefs_[-1] *= 20  # near 0 and 1 as well
    logits = model._outputs(data[:n], link=False)
    assert model.coefs_[0].dtype == np.float32 and logits.dtype == np.float64
    assert_array_equal(logits, logits.astype(np.float32))
    assert_allclose(model.predict_proba(data[:n]), softmax(logits, axis=1), rtol=1e-13)
    assert_allclose(model.predict_log_proba(data[:n]), log_softmax(logits, axis=1), rtol=1e-13)
    assert_allclose(model.predict_proba(data[:n]).sum(axis=1), 1, rtol=n_classes * 2.3e-16)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "columns"])
@pytest.mark.parametrize("calibration", [None, "temperature"])
@pytest.mark.parametrize("data", [SINGLE, DOUBLE], ids=["float32", "float64"])
@pytest.mark.filterwarnings("ignore:Every validation sample:UserWarning")
def test_rows_sum_to_one_as_exactly_as_their_type_allows(kind, calibration, data):
    labels = LABELS[kind]
    own = {} if calibration is None else {"X_val": data, "y_val": labels}
    model = classifier(calibration=calibration, early_stopping=calibration is not None).fit(data, labels, **own)
    result = model.predict_proba(data)
    for p in result if kind == "columns" else [result]:
        assert_allclose(p.sum(axis=1), 1, rtol=4 * np.finfo(data.dtype).eps)
        if data is DOUBLE:
            for row in p:
                np.random.default_rng(0).multinomial(10, row)
            json.dumps(list(p[0]))


@pytest.mark.parametrize(
    ("target", "transformer"),
    [
        (1.7e9 + 60 * np.arange(600.0), StandardScaler()),  # Unix seconds
        (2.46e6 + np.arange(600) / 1440, StandardScaler()),  # Julian days
        (np.exp(np.linspace(16.0, 16.001, 600)), PowerTransformer()),
    ],
    ids=["seconds", "days", "power"],
)
def test_a_target_scaled_back_keeps_its_signal(target, transformer):
    data = np.linspace(-1, 1, 600)[:, None]
    order = np.random.default_rng(0).permutation(600)
    net = regressor(hidden_layer_sizes=(20,), max_iter=60, learning_rate_init=0.02, batch_size=50)
    model = TransformedTargetRegressor(net, transformer=transformer).fit(data[order], target[order])
    assert model.regressor_.coefs_[0].dtype == np.float32
    assert len(np.unique(model.predict(data))) > 500
    assert model.score(data, target) > 0.98


def test_what_warm_starts_and_partial_fits_go_on_with_is_the_first_type():
    for first, then, expected in ((SINGLE, DOUBLE, np.float32), (DOUBLE, SINGLE, np.float64)):
        for warm in (False, True):
            ours, theirs = (
                m.MLPRegressor(hidden_layer_sizes=(4,), batch_size=20, max_iter=2, warm_start=warm)
                for m in (fastnet, neural_network)
            )
            for model in (ours, theirs):
                for data in (first, then):
                    (model.fit if warm else model.partial_fit)(data, y)
            assert ours.predict(SINGLE).dtype == theirs.predict(SINGLE).dtype == expected
    assert regressor().fit(SINGLE, y).fit(DOUBLE, y).predict(SINGLE).dtype == np.float64


def test_other_ways_to_a_fitted_network():
    model = regressor().fit(SINGLE, y)
    assert pickle.loads(pickle.dumps(model)).predict(SINGLE).dtype == np.float32
    assert FrozenEstimator(copy.deepcopy(model)).predict(SINGLE).dtype == np.float32
    older = copy.deepcopy(model)  # a state without the type of X
    del older._input_dtype
    assert older.predict(SINGLE).dtype == np.float64
    assert_array_equal(older.predict(SINGLE), model.predict(SINGLE))
    edited = copy.deepcopy(model)
    edited.coefs_ = [w.astype(np.float64) for w in model.coefs_]
    assert_allclose(edited.predict(SINGLE), model.predict(SINGLE), rtol=1e-4, atol=1e-5)
    edited.coefs_ = [w.tolist() for w in model.coefs_]
    assert_allclose(edited.predict(DOUBLE), model.predict(DOUBLE), rtol=1e-4, atol=1e-5)
    for data in (SINGLE, DOUBLE):
        theirs = neural_network.MLPRegressor(hidden_layer_sizes=(4,), max_iter=2).fit(data, y)
        ours = fastnet.from_sklearn(theirs)
        for given in (SINGLE, DOUBLE):
            assert ours.predict(given).dtype == theirs.predict(given).dtype


def test_a_failed_fit_leaves_the_type():
    model = regressor().fit(SINGLE, y)
    with pytest.raises(ValueError, match="non-finite|too large|infinity"):
        model.fit(np.full_like(DOUBLE, 1e300), y)
    assert model.predict(SINGLE).dtype == np.float32


@pytest.mark.parametrize("data", [SINGLE, DOUBLE], ids=["float32", "float64"])
@pytest.mark.parametrize("held_out", [True, False])
@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_early_stopping_and_inspect_see_the_public_numbers(data, held_out, scoring):
    seen = []

    def scorer(estimator, given, labels):
        seen.append((given, copy.deepcopy(estimator), estimator.predict_proba(given)))
        return -len(seen)

    labels = LABELS["multiclass"]
    own = {} if held_out else {"X_val": data, "y_val": labels}
    model = classifier(early_stopping=True, scoring=scorer).fit(data, labels, **own)
    for given, as_it_was, probabilities in seen:
        public = as_it_was.predict_proba(given)
        assert probabilities.dtype == public.dtype == data.dtype
        assert_array_equal(probabilities, public)
    passed = fastnet.inspect(model, data, labels)
    assert passed.layers[-1].activation.dtype == data.dtype and passed.layers[-1].z.dtype == np.float32
    assert_array_equal(passed.layers[-1].activation, model.predict_proba(data))
    model = classifier(early_stopping=True, scoring=scoring, restore_best_weights=False)
    model.fit(data, labels, X_val=data, y_val=labels)
    p = model.predict_proba(data)
    expected = (p.argmax(axis=1) == labels).mean() if scoring is None else np.log(p[np.arange(60), labels]).mean()
    assert_allclose(model.validation_scores_[-1], expected, rtol=1e-7 if data is SINGLE else 1e-14)


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("calibration", [None, "temperature"])
@pytest.mark.filterwarnings("ignore:Every validation sample:UserWarning")
def test_infinite_outputs_are_named_once_and_not_by_numpy(kind, calibration):
    own = {"X_val": X, "y_val": LABELS[kind]} if calibration else {}
    model = classifier(hidden_layer_sizes=(), calibration=calibration, early_stopping=calibration is not None)
    model.fit(X, LABELS[kind], **own)
    model.coefs_[0][:] = np.arange(1, model.coefs_[0].size + 1).reshape(model.coefs_[0].shape)
    model.coefs_[0][0, 0] = 3e38
    for method in (model.predict_proba, model.predict_log_proba, model.predict):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            method([[30.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
        assert caught or kind == "multilabel"  # whose probabilities are 0 and 1
        assert all("not finite" in str(w.message) for w in caught)


def test_outputs_beyond_the_type_of_predictions_are_named_with_the_remedy():
    model = regressor(hidden_layer_sizes=(), dtype="float64").fit(SINGLE, y)
    model.coefs_[0][:] = 1e39
    with pytest.warns(RuntimeWarning, match="too large for float32.* or give X in float64"):
        assert np.isinf(model.predict(SINGLE[:1])).all()
    assert np.isfinite(model.predict(DOUBLE[:1])).all()
