"""Where scikit-learn's networks are known to fail, ours do not: a test for each, named after what should happen."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
from marks import exhaustive
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from sklearn import neural_network
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def regressor(**params):
    return fastnet.MLPRegressor(**{"hidden_layer_sizes": (12, 5), "random_state": 0, "batch_size": 60, **params})


@pytest.mark.parametrize("seed", range(3))
def test_the_early_stopping_split_is_stratified_for_more_than_two_classes(seed):
    X, y = np.ones((100, 2)), np.repeat(np.arange(10), 10)
    constant = fastnet.MLPClassifier((), solver="sgd", max_iter=1, random_state=0).fit(X, y)
    constant.coefs_[0][:] = 0
    for always in (0, 4, 9):
        constant.intercepts_[0][:] = 10.0 * (np.arange(10) == always)
        model = fastnet.MLPClassifier(
            (), solver="sgd", learning_rate_init=1e-30, early_stopping=True, max_iter=1, random_state=seed,
            init=FrozenEstimator(constant),
        ).fit(X, y)  # fmt: skip
        # ten of a hundred samples are held out: one of each class
        assert model.validation_scores_ == [0.1]


@pytest.mark.parametrize("y_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("Estimator", [fastnet.MLPClassifier, fastnet.MLPRegressor])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_single_precision_stays_single_through_adam_and_for_targets_in_double(diabetes, solver, Estimator, y_dtype):
    X, y = diabetes[0].astype(np.float32), (np.round(diabetes[1])).astype(y_dtype)
    model = Estimator(8, solver=solver, dtype="input", max_iter=5, random_state=0)
    if Estimator is fastnet.MLPRegressor:
        model = Estimator(hidden_layer_sizes=8, solver=solver, dtype="input", max_iter=5, random_state=0)
    model.fit(X, y)
    assert {p.dtype for p in parameters(model)} == {np.dtype(np.float32)}
    predict = model.predict_proba if Estimator is fastnet.MLPClassifier else model.predict
    assert (predict(X).dtype, predict(X.astype(np.float64)).dtype) == (np.float32, np.float64)
    again = model.get_params()
    assert same_bits(parameters(Estimator(**again).fit(X, y.astype(np.float32))), parameters(model))


@pytest.mark.parametrize("alpha", [0.0, 5.0])
def test_lbfgs_minimises_the_loss_of_several_outputs_whose_gradient_it_is_given(diabetes, alpha):
    # with 3 outputs scikit-learn's value is a third of what its gradient says
    X, y = diabetes
    Y = np.column_stack([y, X @ np.linspace(-1, 1, X.shape[1]), np.cos(2 * y)])
    params = {"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 500, "random_state": 3}
    ours = fastnet.MLPRegressor(dtype="float64", tol=0.0, alpha=alpha, **params).fit(X, Y)
    assert_allclose(ours.coefs_[0].T, Ridge(alpha=alpha).fit(X, Y).coef_, atol=1e-3)
    # reported is the mean over the outputs, as by the stochastic solvers
    halved = ((Y - ours.predict(X)) ** 2).mean() / 2
    assert_allclose(ours.loss_, halved + alpha * (ours.coefs_[0] ** 2).sum() / 2 / len(X), rtol=1e-9)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_warm_start_goes_on_with_the_moments_of_the_optimizer(diabetes, solver):
    # without shuffling, 5 + 5 epochs are 10
    X, y = diabetes
    params = {"solver": solver, "shuffle": False, "tol": 0.0}
    together = regressor(max_iter=10, **params).fit(X, y)
    in_parts = regressor(max_iter=5, warm_start=True, **params).fit(X, y).fit(X, y)
    assert same_bits(parameters(in_parts), parameters(together))
    assert in_parts.loss_curve_ == together.loss_curve_
    theirs = neural_network.MLPRegressor(
        hidden_layer_sizes=(12, 5), random_state=0, batch_size=60, warm_start=True, max_iter=5, **params
    )
    theirs.fit(X, y).fit(X, y)
    assert (in_parts.n_iter_, in_parts.t_) == (theirs.n_iter_, theirs.t_)
    assert len(in_parts.loss_curve_) == len(theirs.loss_curve_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("sizes", [7, (12, 5, 3), (5, 12), ()], ids=str)
def test_a_warm_start_of_another_architecture_is_a_clear_error(diabetes, sizes, solver):
    X, y = diabetes
    model = regressor(solver=solver, max_iter=2, warm_start=True).fit(X, y)
    before = [p.copy() for p in parameters(model)]
    with pytest.raises(ValueError, match="(?s)hidden_layer_sizes.*warm_start=False"):
        model.set_params(hidden_layer_sizes=sizes).fit(X, y)
    assert same_bits(parameters(model), before)


def test_partial_fit_permutes_afresh_at_each_call(diabetes):
    # with an int random_state scikit-learn repeats one permutation
    X, y = diabetes
    params = {"hidden_layer_sizes": (), "random_state": 0, "batch_size": 1, "solver": "sgd", "momentum": 0.0,
              "alpha": 0.0, "learning_rate_init": 0.05}  # fmt: skip
    ours = fastnet.MLPRegressor(dtype="float64", **params)
    theirs = neural_network.MLPRegressor(**params)
    for model in (ours, theirs):
        model.partial_fit(X, y)
    assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-9)
    results = []
    for _ in range(3):
        ours.coefs_[0][:] = 0
        ours.intercepts_[0][:] = 0
        results.append(ours.partial_fit(X, y).coefs_[0].copy())
    for a, b in [(0, 1), (0, 2), (1, 2)]:
        assert np.abs(results[a] - results[b]).max() > 1e-6


@pytest.mark.parametrize("params", [{}, {"solver": "sgd", "learning_rate": "invscaling"}, {"dropout": 0.3}], ids=str)
def test_partial_fit_is_reproducible(diabetes, params):
    models = [regressor(**params) for _ in range(2)]
    for _ in range(3):
        for model in models:
            model.partial_fit(*diabetes)
    assert same_bits(parameters(models[0]), parameters(models[1]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_log_probabilities_of_finite_logits_are_finite(kind, dtype):
    X = np.array([[-1.0], [0.0], [1.0]])
    y = {"binary": [0, 1, 1], "multiclass": [0, 1, 2], "multilabel": [[1, 0, 0], [0, 1, 0], [1, 1, 1]]}[kind]
    model = fastnet.MLPClassifier((), dtype=dtype, max_iter=1, random_state=0).fit(X, y)
    slopes = np.array([[5000.0, -3000.0, 0.0]])[:, : model.n_outputs_]
    model.coefs_[0][:], model.intercepts_[0][:] = slopes, 0
    log_p = model.predict_log_proba(X)
    logits = X * slopes
    if kind == "binary":
        logits = np.hstack([-logits, logits])
    shift = np.logaddexp.reduce(logits, axis=1, keepdims=True) if kind == "multiclass" else np.logaddexp(0, logits)
    expected = np.minimum(logits, 0) - np.log1p(np.exp(-np.abs(logits))) if kind != "multiclass" else logits - shift
    assert log_p.dtype == np.float64
    assert np.isfinite(log_p).all() and (log_p <= 0).all() and log_p.min() < -2999
    assert_allclose(log_p, expected, rtol=1e-6)
    with np.errstate(divide="ignore"):
        assert np.isinf(np.log(model.predict_proba(X))).any()  # what scikit-learn would give


def test_a_regressor_with_lbfgs_offers_no_partial_fit():
    assert not hasattr(fastnet.MLPRegressor(solver="lbfgs"), "partial_fit")
    assert hasattr(fastnet.MLPRegressor(), "partial_fit")


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("y", [[1.0, -0.5, 2.0], [[1.0, 2.0], [0.0, -1.0], [1.0, 1.0]]], ids=["one", "several"])
def test_poisson_refuses_negative_targets(y, method):
    model = fastnet.MLPRegressor(loss="poisson")
    with pytest.raises(ValueError, match=r"(?i)poisson.*\by\b|\by\b.*poisson"):
        getattr(model, method)(np.eye(3), y)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("where", [slice(0, 60), slice(60, 120), slice(240, 250)], ids=["first", "second", "last"])
def test_a_mini_batch_without_weight_is_skipped(diabetes, solver, where):
    X, y = diabetes
    weight = np.ones(len(y))
    weight[where] = 0
    # momentum, step count and penalties, too, stay as if it were not there
    params = {"solver": solver, "shuffle": False, "max_iter": 4, "alpha": 0.0}
    weighted = regressor(**params).fit(X, y, sample_weight=weight)
    without = regressor(**params).fit(X[weight > 0], y[weight > 0])
    assert same_bits(parameters(weighted), parameters(without))
    assert_allclose(weighted.loss_curve_, without.loss_curve_, rtol=1e-6)
    assert np.isfinite(weighted.loss_curve_).all()


SCRIPT = """
import hashlib, numpy as np, fastnet
from threadpoolctl import threadpool_info
rng = np.random.default_rng(0)
X = rng.normal(size=(300, 37)); y = rng.integers(0, 3, 300); Y = np.sin(X[:, :2])
models = [
    fastnet.MLPClassifier((40, 21), max_iter=5, random_state=0).fit(X, y),
    fastnet.MLPRegressor(hidden_layer_sizes=(30,), solver="sgd", dtype="float64", max_iter=5, random_state=0).fit(X, Y),
]
bits = b"".join(p.tobytes() for m in models for p in (*m.coefs_, *m.intercepts_, m.predict(X)))
print(*sorted({p["architecture"] for p in threadpool_info() if p["user_api"] == "blas" and "architecture" in p}), ";",
      hashlib.sha256(bits).hexdigest(), hashlib.sha256((X @ X.T).tobytes()).hexdigest())
"""


@pytest.mark.exhaustive  # a process of its own
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names OpenBLAS kernels of x86")
@pytest.mark.parametrize("kernels", ["Nehalem", *exhaustive(["Haswell"])])
def test_results_depend_on_no_blas(kernels, capsys):
    exec(SCRIPT, {})
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=os.environ | {"OPENBLAS_CORETYPE": kernels}, capture_output=True,
        text=True, timeout=300, check=True,
    )  # fmt: skip
    seen = {}
    for said in (capsys.readouterr().out, done.stdout):
        architectures, bits = said.split(";")
        seen[architectures] = bits.split()
    if len(seen) < 2:
        pytest.skip("NumPy's BLAS is not an OpenBLAS that can change its kernels")
    (ours, product), (ours_again, other_product) = seen.values()
    assert product != other_product  # the two do round differently
    assert ours == ours_again


def test_labels_that_are_equally_sure_stay_in_the_order_of_their_probabilities():
    X = np.array([[1.0], [2.0]])
    model = fastnet.MLPClassifier((), max_iter=1, random_state=0).fit(X, [[1, 0, 1], [0, 1, 1]])
    model.coefs_[0][:], model.intercepts_[0][:] = [[50.0, 90.0, -200.0]], 0
    p, log_p = model.predict_proba(X), model.predict_log_proba(X)
    assert_array_equal(p[:, 0], p[:, 1])  # both round to 1
    assert_array_equal(p.argmax(axis=1), log_p.argmax(axis=1))
    assert_allclose(log_p[:, 2], [-200, -400])
