"""The checks that scikit-learn runs on its own estimators only, and input from other libraries."""

import os
import subprocess
import sys
import warnings
from dataclasses import asdict

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_array_equal
from problems import parameters, same_bits
from sklearn import neural_network
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = ["MLPClassifier", "MLPRegressor"]
SETTINGS = [{}, {"early_stopping": True, "n_iter_no_change": 1}, {"solver": "lbfgs"}, {"warm_start": True}]


def small(name, **params):
    """As scikit-learn sets its own networks for these checks, so that they do not take long."""
    return getattr(fastnet, name)(**{"max_iter": 5, "hidden_layer_sizes": 10, **params})


@pytest.mark.parametrize("params", SETTINGS, ids=str)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "check",
    [
        "check_all_zero_sample_weights_error",
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_param_validation",
        "check_parameters_default_constructible",
        "check_readonly_memmap_input",
    ],
)
def test_a_check_of_scikit_learns_own_estimators(check, name, params):
    getattr(estimator_checks, check)(name, small(name, **params))


@pytest.mark.parametrize("params", SETTINGS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_names_of_columns_are_consistent(name, params):
    # scikit-learn expects its own networks to fail this with early stopping
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator_checks.check_dataframe_column_names_consistency(name, small(name, **params))
    assert not [w for w in caught if "was fitted without feature names" in str(w.message)]


@pytest.mark.parametrize("name", NAMES)
def test_every_check_that_scikit_learns_networks_get_is_run_on_ours(name):
    def names(module):
        checks = estimator_checks_generator(getattr(module, name)(), legacy=True)
        return {getattr(check, "func", check).__name__ for _, check in checks}

    assert names(neural_network) <= names(fastnet)


ARRAY_API = """
import warnings; warnings.simplefilter("ignore")
import itertools
import array_api_strict, numpy, sklearn
import fastnet
from sklearn import neural_network
from sklearn.utils.estimator_checks import estimator_checks_generator
for estimator in (fastnet.MLPClassifier(max_iter=5), fastnet.MLPRegressor(max_iter=5)):
    for one, check in estimator_checks_generator(estimator, legacy=True):
        if "array_api" in str(check):
            check(one)
            print("passed")
rng = numpy.random.default_rng(0)
X = rng.normal(size=(60, 4)); y = (X[:, 0] > 0).astype(int)
for namespace, dispatch, name in itertools.product(
    (numpy, array_api_strict), (False, True), ("MLPClassifier", "MLPRegressor")
):
    for module in (neural_network, fastnet):
        model = getattr(module, name)(hidden_layer_sizes=3, max_iter=3, random_state=0)
        with sklearn.config_context(array_api_dispatch=dispatch):
            try:
                p = model.fit(namespace.asarray(X), namespace.asarray(y)).predict(namespace.asarray(X))
                print(namespace.__name__, dispatch, name, type(p).__name__, type(model.coefs_[0]).__name__, p.shape)
            except Exception as error:
                print(namespace.__name__, dispatch, name, type(error).__name__, error)
"""


@pytest.mark.exhaustive  # in a plain run test_containers.py has them without a dispatch
def test_arrays_of_the_array_api_pass_the_checks_and_are_treated_as_by_scikit_learn():
    """Converted to NumPy; with scikit-learn's dispatch on, only NumPy's own will do."""
    pytest.importorskip("array_api_strict")
    command, environment = [sys.executable, "-c", ARRAY_API], os.environ | {"SCIPY_ARRAY_API": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said.count("passed") >= 2
    lines = [line for line in said if line != "passed"]
    assert lines[0::2] == lines[1::2]
    assert ["ndarray ndarray (60,)" in line for line in lines[1::2]] == [True] * 6 + [False] * 2


@pytest.fixture(scope="module")
def data(digits):
    """(X, y): 120 digits of three classes, most pixels 0."""
    X, y = digits
    return np.round(4 * np.clip(X[:120], 0, 2)), y[:120] % 3


def model(**params):
    return fastnet.MLPClassifier(**{"hidden_layer_sizes": 9, "max_iter": 3, "random_state": 0, **params})


@pytest.mark.parametrize("kind", ["bsr", "coo", "dia", "dok", "lil"])
@pytest.mark.parametrize("container", ["array", "matrix"])
def test_every_kind_of_sparse_input_is_taken_as_csr(data, kind, container):
    X, y = data
    expected = model().fit(sp.csr_array(X), y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)  # that of SciPy itself for so many diagonals
        given = getattr(sp, f"{kind}_{container}")(X)
    fitted = model().fit(given, y)
    assert given.format == kind
    assert same_bits(parameters(fitted), parameters(expected))
    assert same_bits([fitted.predict_proba(given)], [expected.predict_proba(X)])


def frame_of_pandas(X):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(X, columns=[f"pixel {i}" for i in range(X.shape[1])]), pandas.Series


def nullable_frame_of_pandas(X):
    frame, series = frame_of_pandas(X)
    return frame.convert_dtypes(), series


def mixed_frame_of_pandas(X):
    frame, series = frame_of_pandas(X)
    return frame.astype({name: ["int8", "float32", "int64", "float64"][i % 4] for i, name in enumerate(frame)}), series


def frame_of_polars(X):
    polars = pytest.importorskip("polars")
    return polars.DataFrame(X, schema=[f"pixel {i}" for i in range(X.shape[1])]), polars.Series


def mixed_frame_of_polars(X):
    frame, series = frame_of_polars(X)
    polars = pytest.importorskip("polars")
    kinds = [polars.Int8, polars.Float32, polars.Int64, polars.Float64]
    return frame.cast({name: kinds[i % 4] for i, name in enumerate(frame.columns)}), series


FRAMES = [
    frame_of_pandas,
    nullable_frame_of_pandas,
    mixed_frame_of_pandas,
    frame_of_polars,
    mixed_frame_of_polars,
]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("make_frame", FRAMES, ids=lambda make: make.__name__)
def test_a_data_frame_gives_the_same_bits(data, make_frame, early_stopping):
    X, y = data
    frame, series = make_frame(X)
    weight = np.linspace(0.5, 2, len(y))
    expected = model(early_stopping=early_stopping).fit(X, y, sample_weight=weight)
    fitted = model(early_stopping=early_stopping).fit(frame, series(y), sample_weight=series(weight))
    assert same_bits(parameters(fitted), parameters(expected))
    assert same_bits([fitted.predict_proba(frame)], [expected.predict_proba(X)])
    assert list(fitted.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="(?s)feature names should match.*order"):
        fitted.predict(frame[list(frame.columns)[::-1]])


@pytest.mark.parametrize("make_frame", [frame_of_pandas, frame_of_polars], ids=lambda make: make.__name__)
def test_labels_and_targets_of_a_series(data, make_frame):
    X, y = data
    frame, series = make_frame(X)
    words = np.array(["zero", "one", "two"])[y]
    fitted = model().fit(frame, series(words.tolist()))
    assert_array_equal(fitted.predict(frame), model().fit(X, words).predict(X))
    regressor = fastnet.MLPRegressor(hidden_layer_sizes=5, max_iter=3, random_state=0)
    expected = regressor.fit(X, y).predict(X)
    assert same_bits([regressor.fit(frame, series(y.astype(float))).predict(frame)], [expected])


def test_configurations_of_scikit_learn_change_no_bit(data):
    X, y = data
    expected = parameters(model().fit(X, y))
    for config in ({"assume_finite": True}, {"skip_parameter_validation": True}, {"transform_output": "pandas"}):
        with sklearn.config_context(**config):
            assert same_bits(parameters(model().fit(X, y)), expected)


@pytest.mark.parametrize("name", NAMES)
def test_tags_are_scikit_learns_or_say_more(name):
    ours, theirs = (asdict(getattr(module, name)().__sklearn_tags__()) for module in (fastnet, neural_network))
    more = {("target_tags", "multi_output")}
    for group, value in theirs.items():
        if isinstance(value, dict):
            different = {(group, key) for key in value if ours[group][key] != value[key]}
            assert different == {pair for pair in more if pair[0] == group}
            assert all(ours[group][key] is True for group, key in different)
        else:
            assert ours[group] == value, group
