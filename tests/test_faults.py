"""Odd data and broken machines: a clear word, nothing lost, and no NaN without one."""

import re
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from marks import each_in_turn, exhaustive
from problems import parameters, same_bits
from sklearn.datasets import make_multilabel_classification

import fastnet

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NAMES = ["MLPClassifier", "MLPRegressor"]
SOLVERS = ["adam", "sgd", "lbfgs"]


def make(name, **params):
    return getattr(fastnet, name)(**{"hidden_layer_sizes": 4, "max_iter": 3, "random_state": 0, **params})


def data(n_samples=30, n_features=5):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_samples, n_features)), np.arange(n_samples) % 3


# ---- wrong shapes, types and values -------------------------------------------------------------------

X, Y = data()
WITH_NAN = np.where(np.arange(5) == 2, np.nan, X)
BAD_X = {
    "one dimension": (X[:, 0], "Expected 2D array, got 1D array instead"),
    "a number": (3.0, "Expected 2D array, got scalar array instead"),
    "three dimensions": (X[None], "Found array with dim 3, while dim <= 2 is required by"),
    "no samples": (X[:0], r"Found array with 0 sample\(s\)"),
    "no features": (X[:, :0], r"Found array with 0 feature\(s\) \(shape=\(30, 0\)\) while a minimum of 1 is required"),
    "no features, sparse": (sp.csr_array((30, 0)), r"Found array with 0 feature\(s\)"),
    "strings": (np.full((30, 5), "high"), "X must hold numbers, but could not convert string .*'high'.*OneHotEncoder"),
    "lists of strings": ([["a"] * 5] * 30, "X must hold numbers, but could not convert string .*'a'"),
    "dates": (X.astype("M8[s]"), r"X must hold numbers, got datetime64\[s\]: convert it"),
    "times": (X.astype("m8[s]"), r"X must hold numbers, got timedelta64\[s\]"),
    "complex": (X * 1j, "Complex data not supported"),
    "NaN": (WITH_NAN, "Input X contains NaN"),
    "NaN in float32": (WITH_NAN.astype(np.float32), "Input X contains NaN"),
    "NaN, sparse": (sp.csr_array(WITH_NAN), "Input X contains NaN"),
    "None": (np.full((30, 5), None), "Input X contains NaN"),
    "inf": (np.where(X > 1, np.inf, X), "Input X contains infinity"),
    "inf in CSC": (sp.csc_array(np.where(X > 1, np.inf, X)), "Input X contains infinity"),
}


@pytest.mark.parametrize("case", BAD_X)
@pytest.mark.parametrize("name", NAMES)
def test_bad_x_is_refused_by_every_method(name, case):
    bad, message = BAD_X[case]
    model = make(name, n_iter_no_change=None).fit(X, Y)
    state = dict(vars(model))
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(bad, Y)
        assert vars(model) == state
        fresh = make(name)
        with pytest.raises(ValueError, match=message):
            getattr(fresh, method)(bad, Y, **({"classes": [0, 1, 2]} if (name, method) == METHOD_WITH_CLASSES else {}))
        assert not hasattr(fresh, "coefs_") and not hasattr(fresh, "n_features_in_")
    for method in ("predict", "predict_proba", "predict_log_proba")[: 3 if name == "MLPClassifier" else 1]:
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(bad)


METHOD_WITH_CLASSES = ("MLPClassifier", "partial_fit")

BAD_Y = {
    "too few": (Y[:-1], r"inconsistent numbers of samples: \[30, 29\]", NAMES),
    "three dimensions": (Y[:, None, None], "Found array with dim 3", NAMES),
    "none": (None, "requires y to be passed, but the target y is None", NAMES),
    "no columns": (np.zeros((30, 0)), r"Found array with 0 feature\(s\)", NAMES),
    "complex": (Y * 1j, "Complex data not supported", NAMES),
    "NaN": (np.where(Y == 0, np.nan, Y), "Input y contains NaN", NAMES),
    "inf": (np.where(Y == 0, np.inf, Y), "Input y contains infinity", NAMES),
    "strings": (np.array(["a", "b", "c"])[Y], "y must hold numbers, but could not convert string .*OneHotEncoder",
                ["MLPRegressor"]),
    "dates": (Y.astype("M8[D]"), r"y must hold numbers, got datetime64\[D\]", ["MLPRegressor"]),
    "numbers": (Y + 0.5, "Unknown label type", ["MLPClassifier"]),
}  # fmt: skip


@pytest.mark.parametrize(("name", "case"), [(n, case) for case, (*_, names) in BAD_Y.items() for n in names])
def test_bad_y_is_refused(name, case):
    bad, message, _ = BAD_Y[case]
    model = make(name, n_iter_no_change=None).fit(X, Y)
    state = dict(vars(model))
    for method in ("fit", "partial_fit"):
        if (case, method) == ("numbers", "partial_fit"):
            message = "classes not in|Unknown label type"
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(X, bad)
        assert vars(model) == state


BAD_WEIGHTS = {
    "too few": (np.ones(29), r"sample_weight.shape == \(29,\), expected \(30,\)"),
    "two dimensions": (np.ones((30, 1)), "Sample weights must be 1D array or scalar"),
    "strings": (["heavy"] * 30, "sample_weight must hold numbers, but could not convert string.*'heavy'"),
    "NaN": (np.full(30, np.nan), "Input sample_weight contains NaN"),
    "inf": (np.full(30, np.inf), "Input sample_weight contains infinity"),
    "negative": (-np.ones(30), "Negative values in data passed to `sample_weight`"),
    "zero": (np.zeros(30), "(?i)sample.weight.*zero|zero.*sample.weight"),
    "complex": (1j * np.ones(30), "Complex data not supported"),
}


@pytest.mark.parametrize("case", BAD_WEIGHTS)
@pytest.mark.parametrize("name", NAMES)
def test_bad_weights_are_refused(name, case):
    bad, message = BAD_WEIGHTS[case]
    model = make(name, n_iter_no_change=None).fit(X, Y)
    state = dict(vars(model))
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(X, Y, sample_weight=bad)
        assert vars(model) == state


# ---- little data, much data ---------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_one_class_is_learnt_for_certain(solver):
    model = make("MLPClassifier", solver=solver).fit(X, np.full(30, "only"))
    assert model.classes_.tolist() == ["only"]
    assert (model.predict(X) == "only").all()
    # a column for each class, where scikit-learn has two
    assert (model.predict_proba(X) == np.ones((30, 1))).all()
    assert (model.predict_log_proba(X) == np.zeros((30, 1))).all()
    assert model.score(X, ["only"] * 30) == 1


def test_one_class_in_partial_fit():
    model = make("MLPClassifier").partial_fit(X, Y * 0 + 2, classes=[2])
    assert (model.predict(X) == 2).all() and model.predict_proba(X).shape == (30, 1)
    with pytest.raises(ValueError, match=re.escape("`y` has classes not in `self.classes_`. `self.classes_` has [2]")):
        model.partial_fit(X, Y)


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", NAMES)
def test_one_sample_is_enough(name, solver):
    model = make(name, solver=solver, max_iter=200, n_iter_no_change=None, alpha=0.0, learning_rate_init=0.05)
    model.fit(X[:1], [2.0])
    assert abs(model.predict(X[:1]).item() - 2.0) < 0.05
    with pytest.raises(ValueError, match="n_samples=1, test_size=0.1|validation"):
        make(name, early_stopping=True).fit(X[:1], [2.0])


@quiet
@pytest.mark.parametrize("params", [{}, {"batch_size": 10}, {"solver": "lbfgs"}, {"normalization": "batch"}], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_constant_features_do_no_harm(name, params):
    constant = np.column_stack([X, np.zeros(30), np.full(30, 7.0)])
    model = make(name, max_iter=20, **params).fit(constant, Y)
    assert all(np.isfinite(p).all() for p in parameters(model))
    assert np.isfinite(model.loss_)
    # features of zeros have gradients of zero
    weights = model.coefs_[0][5]
    assert np.abs(weights).max() < 1 and np.isfinite(model.predict(constant)).all()
    assert np.isfinite(make(name, **params).fit(np.ones((30, 2)), Y).predict(np.ones((2, 2)))).all()


@quiet
@pytest.mark.parametrize(("name", "solver"), each_in_turn(NAMES, SOLVERS))
@pytest.mark.parametrize("n_features", [20_000, *exhaustive([100_000])])
def test_very_many_features(name, solver, n_features):
    rng = np.random.default_rng(0)
    wide = sp.random_array((40, n_features), density=1e-3, format="csr", rng=rng, data_sampler=rng.standard_normal)
    y = np.arange(40) % 2
    model = make(name, solver=solver, hidden_layer_sizes=(3,), batch_size=20, dtype="float32").fit(wide, y)
    assert model.coefs_[0].shape == (n_features, 3)
    dense = wide.toarray()
    assert np.abs(model.predict(dense) - model.predict(wide)).max() < 1e-4
    again = make(name, solver=solver, hidden_layer_sizes=(3,), batch_size=20, dtype="float32").fit(dense, y)
    assert np.abs(again.coefs_[0] - model.coefs_[0]).max() < 1e-4


@quiet
def test_more_threads_than_cores():
    before = set(threading.enumerate())
    models = [make("MLPClassifier", n_jobs=n, max_iter=5).fit(X, Y) for n in (1, 64, 10_000)]
    for model in models[1:]:
        assert same_bits(parameters(model), parameters(models[0]))
        assert same_bits([model.predict_proba(X)], [models[0].predict_proba(X)])
    assert set(threading.enumerate()) == before


# ---- large numbers ------------------------------------------------------------------------------------

TOO_LARGE = "Numbers in training were too large for float32.*StandardScaler, or set dtype='float64'"
DIVERGED = "Solver produced non-finite parameter weights.*StandardScaler, or lower learning_rate_init, or set dtype"


@quiet
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_too_large_for_the_squares_of_gradients_warn(dtype):
    large = (X * 1e30).astype(dtype)
    model = make("MLPClassifier", batch_size=10)
    with pytest.warns(RuntimeWarning, match=TOO_LARGE) as caught:
        model.fit(large, Y)
    (warning,) = (w for w in caught if w.category is RuntimeWarning)
    assert warning.filename == __file__
    assert all(np.isfinite(p).all() for p in parameters(model))  # as they were drawn
    assert np.isfinite(model.predict_proba(large)).all()
    # nothing of the kind in double precision
    make("MLPClassifier", batch_size=10, dtype="float64").fit(large, Y)


@quiet
def test_a_few_outliers_are_enough_for_a_warning():
    outlier = X.copy()
    outlier[7:10, 2] = 1e25  # one of each class
    with pytest.warns(RuntimeWarning, match=TOO_LARGE):
        make("MLPClassifier", batch_size=10).fit(outlier, Y)
    model = make("MLPClassifier", batch_size=10).fit(X, Y)
    with pytest.warns(RuntimeWarning, match=TOO_LARGE):
        model.partial_fit(outlier, Y)


@quiet
@pytest.mark.parametrize("params", [{"batch_size": 10}, {"solver": "lbfgs", "dtype": "float32"}], ids=str)
def test_targets_too_large_for_their_squares_warn(params):
    with pytest.warns(RuntimeWarning, match=TOO_LARGE):
        make("MLPRegressor", **params).fit(X, Y * 1e30)


@quiet
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_divergence_is_an_error_and_leaves_the_model(solver):
    model = make("MLPRegressor", solver=solver, batch_size=10).fit(X, Y)
    state, bits = dict(vars(model)), [p.copy() for p in parameters(model)]
    with pytest.raises(ValueError, match=DIVERGED):
        model.fit(X * 1e30, Y)
    assert vars(model) == state and same_bits(parameters(model), bits)
    with pytest.raises(ValueError, match=r"learning_rate_init\.$"):  # float64 is no remedy for float64
        make("MLPRegressor", solver="sgd", dtype="float64", batch_size=10).fit(X * 1e200, Y)


@quiet
def test_a_warning_that_is_an_error_leaves_the_model():
    model = make("MLPClassifier", batch_size=10).fit(X, Y)
    state = dict(vars(model))
    with pytest.raises(RuntimeWarning, match=TOO_LARGE):
        model.fit(X * 1e30, Y)
    assert vars(model) == state


@quiet
@pytest.mark.parametrize("name", NAMES)
def test_predictions_that_are_not_finite_warn(name):
    model = make(name, activation="identity", batch_size=10).fit(X, Y)
    for p in model.coefs_:
        p *= 100
    beyond = X[:4].astype(np.float32)
    beyond[1] = 3e38
    message = "Outputs for 1 of 4 samples are not finite: numbers were too large for float32. .*dtype='float64'"
    with pytest.warns(RuntimeWarning, match=message) as caught:
        outputs = model.predict(beyond) if name == "MLPRegressor" else model.predict_proba(beyond)
    assert len(caught) == 1
    assert np.isfinite(outputs[[0, 2, 3]]).all()
    with pytest.raises(ValueError, match="X has values too large for float32"):
        model.predict(X * 1e300)


@quiet
@pytest.mark.paths
@pytest.mark.parametrize("n_features", [3, 17, 64])
@pytest.mark.parametrize("given", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_number_among_many_rows_is_refused_where_it_is_not_finite(dtype, given, n_features):
    # So many that X is looked at while it is read; in blocks of rows and panels of columns.
    many, y = data(1501, n_features)
    model = make("MLPClassifier", hidden_layer_sizes=(100, 100), dtype=dtype, max_iter=1).fit(many, y)
    largest = float(np.finfo(dtype).max)
    for value in [np.nan, np.inf, -np.inf, largest, -largest, np.nextafter(0, 1), 1e300]:
        for place in [(0, 0), (700, n_features // 2), (1500, n_features - 1)]:
            beyond = many.astype(given)
            with np.errstate(over="ignore"):
                beyond[place] = value
            held = float(beyond[place])
            for order, n_jobs in [("C", 1), ("F", 2)]:
                model.set_params(n_jobs=n_jobs)
                tried = np.asarray(beyond, order=order)
                if abs(held) <= largest:
                    with warnings.catch_warnings():
                        warnings.filterwarnings("ignore", "Outputs for .* are not finite")
                        model.predict(tried)
                    continue
                lost = f"X has values too large for {dtype}" if np.isfinite(held) else "Input X contains (NaN|infinity)"
                with pytest.raises(ValueError, match=lost):
                    model.predict(tried)


@quiet
def test_an_exponential_that_overflows_warns():
    model = make("MLPRegressor", loss="poisson", activation="identity", solver="lbfgs", max_iter=50).fit(X, Y)
    with pytest.warns(RuntimeWarning, match=r"Outputs for \d of 5 samples are not finite: .* float64. Bring X to the"):
        model.predict(np.sign(X[:5]) * 1e6)


# ---- a search loses a worker ---------------------------------------------------------------------------

KILLED = """
import os, signal, threading, warnings
warnings.simplefilter("ignore")
import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.model_selection import GridSearchCV
from fastnet import MLPClassifier

class Doomed(MLPClassifier):
    def fit(self, X, y):
        if self.alpha == 1.0:  # in the middle of an epoch
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
            self.set_params(max_iter=10**7, n_iter_no_change=None, hidden_layer_sizes=200)
        return super().fit(X, y)

rng = np.random.default_rng(0)
X, y = rng.normal(size=(90, 5)), np.arange(90) % 3
params = dict(hidden_layer_sizes=4, max_iter=3, random_state=0)
MLPClassifier(**params).fit(X, y)  # compile here
grid = {"alpha": [0.1, 1.0]}
try:
    GridSearchCV(Doomed(**params), grid, n_jobs=2, cv=3).fit(X, y)
except TerminatedWorkerError:
    print("terminated")
search = GridSearchCV(MLPClassifier(**params), grid, n_jobs=2, cv=3).fit(X, y)
print(np.isfinite(search.cv_results_["mean_test_score"]).all(), search.predict(X).shape)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.exhaustive
def test_a_search_that_loses_a_worker_raises_and_the_next_one_works():
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, timeout=280)
    assert done.stdout.splitlines() == ["terminated", "True (90,)"], done.stderr


# ---- memory --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_network_beyond_the_memory_leaves_the_estimator(name):
    model = make(name, n_iter_no_change=None).fit(X, Y)
    state = dict(vars(model.set_params(hidden_layer_sizes=(10**7, 10**7))))
    with pytest.raises(MemoryError):
        model.fit(X, Y)
    assert vars(model) == state
    assert model.predict(X).shape == (30,)


@quiet
def test_labels_that_no_sample_has():
    features, labels = make_multilabel_classification(40, 5, n_classes=3, random_state=0)
    labels[:, 1] = 0
    model = make("MLPClassifier", max_iter=300, learning_rate_init=0.01).fit(features, labels)
    assert not model.predict(features)[:, 1].any()
