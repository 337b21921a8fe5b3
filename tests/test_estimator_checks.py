"""scikit-learn's own checks of the estimators' contract, with no expected failure."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn import neural_network
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = ["MLPClassifier", "MLPRegressor"]


@parametrize_with_checks([fastnet.MLPClassifier(), fastnet.MLPRegressor()])
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
def test_in_single_precision_a_weight_equals_a_repetition(name, solver):
    """Integer weights = repeated samples, weight 0 = sample left out (one full batch)."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(15, 5)).astype(np.float32)
    y = rng.integers(0, 3, 15)
    weight = rng.integers(0, 4, 15)
    n = int(weight.sum())
    # the line search of lbfgs magnifies rounding from iteration to iteration
    max_iter = 5 if solver == "lbfgs" else 100
    params = {"dtype": "float32", "solver": solver, "max_iter": max_iter, "random_state": 0, "tol": 0.0}
    Estimator = getattr(fastnet, name)
    weighted = Estimator(batch_size=15, **params).fit(X, y, sample_weight=weight.astype(float))
    repeated = Estimator(batch_size=n, **params).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    method = "predict_proba" if name == "MLPClassifier" else "predict"
    a, b = getattr(weighted, method)(X), getattr(repeated, method)(X)
    assert a.dtype == np.float32
    assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_of_scikit_learn_has_its_name_default_and_place(name):
    ours = inspect.signature(getattr(fastnet, name).__init__).parameters
    theirs = inspect.signature(getattr(neural_network, name).__init__).parameters
    for key, parameter in theirs.items():
        assert ours[key].kind == parameter.kind, key
        assert ours[key].default == parameter.default, key
    positional = [k for k, p in theirs.items() if p.kind == p.POSITIONAL_OR_KEYWORD]
    assert list(ours)[: len(positional)] == positional
    added = {k: ours[k] for k in ours if k not in theirs}
    assert all(p.kind == p.KEYWORD_ONLY for p in added.values())
    defaults = {"l1_ratio": 0.0, "dropout": 0.0, "input_dropout": 0.0, "drop_connect": 0.0,
                "input_noise": 0.0, "init": "glorot_uniform",
                "bias_init": None, "use_bias": True, "freeze": 0, "dtype": "auto", "n_jobs": None}  # fmt: skip
    assert {k: added[k].default for k in defaults} == defaults


@pytest.mark.parametrize("name", NAMES)
def test_the_methods_have_scikit_learns_signatures(name):
    for method in ["fit", "partial_fit", "predict", "predict_proba", "predict_log_proba", "score"]:
        ours, theirs = getattr(fastnet, name), getattr(neural_network, name)
        assert hasattr(ours, method) == hasattr(theirs, method)
        if hasattr(theirs, method):
            expected = list(inspect.signature(getattr(theirs, method)).parameters)
            assert list(inspect.signature(getattr(ours, method)).parameters)[: len(expected)] == expected


@pytest.mark.filterwarnings("ignore:early_stopping=True has no effect:UserWarning")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_fitted_attributes_are_scikit_learns(name, solver, early_stopping, cancer):
    params = {"solver": solver, "early_stopping": early_stopping, "max_iter": 5, "random_state": 0,
              "hidden_layer_sizes": 4}  # fmt: skip
    ours = getattr(fastnet, name)(**params).fit(*cancer)
    theirs = getattr(neural_network, name)(**params).fit(*cancer)

    def public(estimator):
        return {k for k in vars(estimator) if k.endswith("_") and not k.startswith("_")}

    assert public(theirs) <= public(ours)
    for key in public(theirs):
        a, b = getattr(ours, key), getattr(theirs, key)
        assert (a is None) == (b is None), key
        if isinstance(b, int | str | list):
            assert isinstance(a, type(b)), key
        if isinstance(b, int | str):
            assert a == b, key
