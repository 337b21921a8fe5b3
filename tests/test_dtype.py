"""The type of the computation, which is that of coefs_, and the type of predictions, which is scikit-learn's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FULL = {"solver": "lbfgs"}
ONE_BATCH = {"solver": "adam", "batch_size": 250}
MINI = {"solver": "adam", "batch_size": 50}
f32, f64 = np.float32, np.float64


def regressor(**params):
    return fastnet.MLPRegressor(**{"hidden_layer_sizes": (6, 3), "max_iter": 4, "random_state": 0, **params})


def computation(model):
    found = {p.dtype for p in model.coefs_ + model.intercepts_}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(
    ("dtype", "input_dtype", "solver", "expected"),
    [
        ("auto", f64, MINI, f32),
        ("auto", f32, MINI, f32),
        ("auto", f64, FULL, f64),
        ("auto", f32, FULL, f32),
        ("auto", f64, ONE_BATCH, f64),
        ("auto", f32, ONE_BATCH, f32),
        ("auto", np.int64, MINI, f32),
        ("auto", np.int64, FULL, f64),
        ("float32", f64, MINI, f32),
        ("float32", f64, FULL, f32),
        ("float64", f32, MINI, f64),
        ("float64", f32, FULL, f64),
        ("input", f32, MINI, f32),
        ("input", f64, MINI, f64),
        ("input", f64, FULL, f64),
        ("input", np.int64, MINI, f64),
    ],
)
def test_type_of_the_computation(diabetes, dtype, input_dtype, solver, expected):
    X, y = (3 * diabetes[0]).astype(input_dtype), diabetes[1]
    model = regressor(dtype=dtype, **solver).fit(X, y)
    assert computation(model) == expected


@pytest.mark.parametrize("n_samples", [150, 200, 201])
def test_the_automatic_batch_of_a_small_data_set_is_a_full_batch(diabetes, n_samples):
    model = regressor().fit(diabetes[0][:n_samples], diabetes[1][:n_samples])
    assert computation(model) == (f64 if n_samples <= 200 else f32)


def test_single_precision_starts_from_the_same_weights_and_ends_near(diabetes):
    models = [
        regressor(dtype=dtype, batch_size=50, max_iter=10).fit(*diabetes) for dtype in ["float32", "float64"]
    ]
    assert_allclose(models[0].loss_curve_, models[1].loss_curve_, rtol=1e-4)
    assert_allclose(models[0].predict(diabetes[0]), models[1].predict(diabetes[0]), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("first", [f32, f64])
def test_partial_fit_keeps_the_models_type(diabetes, first):
    X, y = diabetes
    model = regressor(dtype="input", batch_size=50).partial_fit(X.astype(first), y)
    assert computation(model) == first
    other = f64 if first == f32 else f32
    model.partial_fit(X.astype(other), y)
    assert computation(model) == first


def test_partial_fit_of_one_batch_keeps_the_type_of_earlier_mini_batches(diabetes):
    X, y = diabetes
    model = regressor(batch_size=50).partial_fit(X, y)
    assert computation(model) == f32
    with pytest.warns(UserWarning, match="batch_size"):
        model.partial_fit(X[:20], y[:20])
    assert computation(model) == f32


@pytest.mark.parametrize("first", [f32, f64])
def test_warm_start_keeps_the_models_type(diabetes, first):
    X, y = diabetes
    model = regressor(dtype="input", warm_start=True).fit(X.astype(first), y)
    model.fit(X.astype(f64 if first == f32 else f32), y)
    assert computation(model) == first


def test_a_fresh_fit_forgets_the_type(diabetes):
    X, y = diabetes
    model = regressor(dtype="input").fit(X.astype(f32), y).fit(X, y)
    assert computation(model) == f64


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_and_scores_are_python_floats(diabetes, dtype):
    model = regressor(dtype=dtype, early_stopping=True).fit(*diabetes)
    assert all(type(value) is float for value in [model.loss_, *model.loss_curve_])
    assert all(isinstance(value, float) for value in model.validation_scores_)
