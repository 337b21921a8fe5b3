"""normalization, learnt slopes and residual='projection' in the estimators."""

import pickle
import warnings
from dataclasses import dataclass

import naive
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from problems import described, distance, same_bits
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator

import fastnet
from fastnet.activations import Activation, PReLU

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
VECTORS = ("slopes_", "gains_", "means_", "variances_")
SETTINGS = [
    {"normalization": "batch"},
    {"normalization": "layer"},
    {"normalization": "rms"},
    {"activation": "prelu"},
    {"residual": "projection"},
    {"normalization": "batch", "residual": "projection", "activation": "prelu"},
]
settings = pytest.mark.parametrize("setting", SETTINGS, ids=str)
SOLVERS = {
    "adam": {"solver": "adam"},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.01},
    "lbfgs": {"solver": "lbfgs"},
    "rprop": {"solver": "rprop"},
    "schedule_free": {"solver": "schedule_free_adamw"},
    "lion": {"solver": "lion"},
}
# Epochs that change nothing but running statistics.
STILL = {"solver": "sgd", "learning_rate_init": 1e-30, "momentum": 0.0, "max_iter": 1}


def classifier(**params):
    return fastnet.MLPClassifier(
        **{"hidden_layer_sizes": (20, 20, 13), "activation": "tanh", "max_iter": 4, "random_state": 0, **params}
    )


def everything(model):
    """All parameters, also those that are measured."""
    _, matrices, vectors = model._network()
    return matrices + vectors


def expected_proba(model, X):
    architecture, matrices, vectors = model._network()
    matrices, vectors = ([p.astype(float) for p in ps] for ps in (matrices, vectors))
    return naive.predict(matrices, vectors, X, loss="log_loss", **described(architecture))


# ---- what is fitted -----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@settings
def test_fitted_networks_predict_as_the_reference_and_pickle(digits, setting, solver):
    X, y = digits
    model = classifier(dtype="float64", **setting, **SOLVERS[solver]).fit(X, y)
    assert_allclose(model.predict_proba(X), expected_proba(model, X), rtol=1e-8, atol=1e-12)
    assert_allclose(model.predict_proba(sp.csr_array(X)), model.predict_proba(X), rtol=1e-9, atol=1e-14)
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.predict_proba(X[:3]), model.predict_proba(X)[:3])
    assert same_bits(everything(copy), everything(model))
    assert same_bits(everything(clone(model).fit(X, y)), everything(model))
    # as fitted, not as the parameters are now
    copy.set_params(residual=False, normalization=None, activation="relu")
    assert_array_equal(copy.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("Estimator", [fastnet.MLPClassifier, fastnet.MLPRegressor])
def test_fitted_attributes(digits, Estimator):
    X, y = digits
    model = Estimator(
        hidden_layer_sizes=(20, 20, 13), activation=["prelu", "tanh", PReLU(0.1)], normalization="batch",
        residual="projection", max_iter=2, dtype="float64",
    ).fit(X, y)  # fmt: skip
    sizes = [(20,), (20,), (13,)]
    for name in ("gains_", "means_", "variances_"):
        assert [v.shape for v in getattr(model, name)] == sizes
    assert [s if s is None else s.shape for s in model.slopes_] == [(20,), None, (13,)]
    assert [p if p is None else p.shape for p in model.projections_] == [None, None, (20, 13)]
    assert all((v > 0).all() for v in model.variances_) and all(m.any() for m in model.means_)
    # a new network does not inherit them
    model.set_params(normalization=None, residual=False, activation="relu").fit(X, y)
    assert not any(hasattr(model, name) for name in (*VECTORS, "projections_"))


def test_where_training_begins(digits):
    params = {"residual": "projection", "activation": [PReLU(0.1), "prelu", "tanh"], "dtype": "float64", **STILL}
    model = classifier(normalization="layer", **params).fit(*digits)
    assert all((g == 1).all() for g in model.gains_)
    assert (model.slopes_[0] == 0.1).all() and (model.slopes_[1] == 0.25).all()
    # the draws of weights and biases are those of the network without; projections come after them
    plain = classifier(**{**params, "residual": False}).fit(*digits)
    assert same_bits(model.coefs_ + model.intercepts_, plain.coefs_ + plain.intercepts_)
    bound = np.sqrt(6 / 33)  # Glorot's
    assert 0.9 * bound < np.abs(model.projections_[2]).max() <= bound
    assert not np.array_equal(model.projections_[2], model.coefs_[2])
    given = classifier(normalization="layer", init="zeros", **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert not given.fit(*digits).projections_[2].any()


def test_edits_in_place_take_effect_and_wrong_shapes_are_refused(digits):
    model = classifier(**SETTINGS[-1], dtype="float64").fit(*digits)
    for name, value in (("gains_", 0.5), ("slopes_", 2.0), ("means_", 0.3), ("variances_", 9.0)):
        before = model.predict_proba(digits[0])
        getattr(model, name)[1][:] = value
        after = model.predict_proba(digits[0])
        assert not np.array_equal(after, before)
        assert_allclose(after, expected_proba(model, digits[0]), rtol=1e-8, atol=1e-12)
    model.gains_[1] = model.gains_[1][1:]
    with pytest.raises(ValueError, match="The shapes of .*gains_.* do not make a network"):
        model.predict(digits[0])


# ---- going on -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "schedule_free"])
@settings
def test_a_warm_start_goes_on_and_partial_fit_takes_the_steps_of_fit(digits, setting, solver):
    X, y = digits
    params = {"shuffle": False, "tol": 0.0, **setting, **SOLVERS[solver]}
    whole = classifier(max_iter=4, **params).fit(X, y)
    halves = classifier(max_iter=2, warm_start=True, **params).fit(X, y)
    halves = pickle.loads(pickle.dumps(halves)).fit(X, y)
    parts = classifier(**params)
    for _ in range(4):
        parts.partial_fit(X, y, classes=np.arange(10))
    if solver == "schedule_free":  # what is trained is found again from what predicts: not to the last bit
        assert distance(everything(halves), everything(whole)) < 1e-4
        assert distance(everything(parts), everything(whole)) < 1e-4
    else:
        assert same_bits(everything(halves), everything(whole))
        assert same_bits(everything(parts), everything(whole))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"normalization": "batch"}, {"normalization": None}),
        ({"normalization": "batch"}, {"normalization": "layer"}),
        ({}, {"normalization": "rms"}),
        ({"activation": "prelu"}, {"activation": "tanh"}),
        ({}, {"activation": ["tanh", "prelu", "tanh"]}),
        ({"residual": "projection"}, {"residual": True}),
        ({"residual": True}, {"residual": "projection"}),
    ],
    ids=str,
)
def test_training_does_not_go_on_with_other_parameters(digits, before, after):
    model = classifier(warm_start=True, **before).fit(*digits)
    kept = [p.copy() for p in everything(model)]
    model.set_params(**after)
    for go_on in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="has other parameters than activation=.*fit with warm_start=False"):
            go_on(*digits)
    assert same_bits(everything(model), kept)
    model.set_params(warm_start=False).fit(*digits)


def test_training_goes_on_where_the_parameters_are_the_same(digits):
    model = classifier(warm_start=True, normalization="layer").fit(*digits)
    model.set_params(normalization="rms").fit(*digits)
    assert_allclose(model.predict_proba(digits[0]), expected_proba(model, digits[0]), rtol=1e-3, atol=1e-5)


# ---- transfer -----------------------------------------------------------------------------------------


@settings
def test_layers_are_taken_with_all_that_belongs_to_them(digits, setting):
    X, y = digits
    source = classifier(**setting).fit(X, y)
    target = classifier(**{**setting, **STILL, "freeze": 3}, init=FrozenEstimator(source)).fit(X, y > 4)
    assert target.n_transferred_layers_ == 3
    for name in ("coefs_", "intercepts_", *VECTORS, "projections_"):
        for a, b in zip(getattr(target, name, [])[:3], getattr(source, name, [])[:3], strict=True):
            assert (a is None and b is None) or same_bits([a], [b])
    assert hasattr(target, "means_") == (setting.get("normalization") == "batch")


@pytest.mark.parametrize(
    ("of_source", "of_target", "match"),
    [
        ({"normalization": "batch"}, {}, "has gains_ in layer 0, this one has none"),
        ({}, {"normalization": "layer"}, "has no gains_ in layer 0, this one has"),
        ({"normalization": "layer"}, {"normalization": "batch"}, "has no means_ in layer 0"),
        ({"activation": "prelu"}, {}, "has slopes_ in layer 0, this one has none"),
        ({"residual": "projection"}, {"residual": True}, "has projections_ in layer 2, this one has none"),
    ],
    ids=str,
)
def test_layers_with_other_parameters_are_not_taken(digits, of_source, of_target, match):
    source = classifier(**of_source).fit(*digits)
    with pytest.raises(ValueError, match=f"init's network {match}.*same activation, normalization and residual"):
        classifier(init=source, **of_target).fit(*digits)


# ---- refused ------------------------------------------------------------------------------------------


REFUSED = [
    ({"normalization": "batch", "hidden_layer_sizes": ()}, "is for hidden layers.*set normalization=None"),
    ({"normalization": "layer", "hidden_layer_sizes": (5, 1)}, "with a layer of one.*'batch' or None"),
    ({"normalization": "rms", "hidden_layer_sizes": (1,)}, "compares the units of a layer"),
    ({"normalization": "group"}, "The 'normalization' parameter of MLPClassifier must be"),
    ({"residual": "projection", "hidden_layer_sizes": (5,)}, "residual='projection' connects .*set residual=False"),
    ({"residual": "projection", "hidden_layer_sizes": ()}, "residual='projection' connects .*set residual=False"),
    ({"residual": "identity"}, "The 'residual' parameter of MLPClassifier must be"),
    ({"activation": "prelu", "solver": "lbfgs", "clip_norm": 1.0}, "clip_norm acts on the steps"),
]


@pytest.mark.parametrize(("params", "match"), REFUSED, ids=str)
def test_what_makes_no_sense_is_refused_with_a_remedy(digits, params, match):
    model = classifier(**params)
    with pytest.raises(ValueError, match=match):
        model.fit(*digits)
    assert not hasattr(model, "coefs_")


def test_a_layer_of_one_unit_may_be_normalised_over_the_batch(digits):
    model = classifier(hidden_layer_sizes=(5, 1), normalization="batch", dtype="float64").fit(*digits)
    assert_allclose(model.predict_proba(digits[0]), expected_proba(model, digits[0]), rtol=1e-9)


# ---- what it is for -----------------------------------------------------------------------------------


def test_deep_networks_train_where_the_plain_one_does_not():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    accuracy = {}
    for setting in ({}, {"normalization": "batch"}, {"residual": "projection"}):
        model = classifier(
            hidden_layer_sizes=(32, 32, 24, 24) * 5, activation="logistic", init="orthogonal", max_iter=50,
            n_iter_no_change=50, learning_rate_init=0.003, batch_size=50, **setting,
        )  # fmt: skip
        accuracy[next(iter(setting), "plain")] = model.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:])
    assert accuracy["plain"] < 0.3
    assert accuracy["normalization"] > 0.8 and accuracy["residual"] > 0.8, accuracy


def test_the_scale_of_the_weights_does_not_matter_to_a_normalised_layer(digits):
    for normalization in ("batch", "layer", "rms"):
        models = []
        for scale in (1.0, 1000.0):
            init = classifier(normalization=normalization, dtype="float64", **STILL).fit(*digits)
            init.coefs_[0] = scale * init.coefs_[0]
            models.append(classifier(normalization=normalization, init=init, alpha=0.0, dtype="float64", **{
                **STILL, "max_iter": 60, "n_iter_no_change": 60}).fit(*digits))  # fmt: skip
        a, b = (model.predict_proba(digits[0]) for model in models)
        assert_allclose(a, b, rtol=0.02, atol=2e-3)


@dataclass(frozen=True)
class Wave(Activation):
    """z plus p times its sine."""

    height: float = 0.5
    derivative_of = "input"
    per_unit = True

    @staticmethod
    def function(z, parameters):
        return z + parameters[0] * np.sin(z)

    @staticmethod
    def derivative(z, parameters):
        return 1.0 + parameters[0] * np.cos(z)

    @staticmethod
    def by_parameter(z, parameters):
        return np.sin(z)


def test_a_users_own_learnt_parameter(diabetes):
    X, y = diabetes
    model = fastnet.MLPRegressor(hidden_layer_sizes=(7, 19), activation=Wave(0.3), dtype="float64", max_iter=20,
                                 random_state=0, alpha=0.0).fit(X, y)  # fmt: skip
    assert [np.ptp(s) > 0 for s in model.slopes_] == [True, True] and abs(model.slopes_[0].mean() - 0.3) < 0.1

    def predict():
        a = X
        for W, b, p in zip(model.coefs_, model.intercepts_, model.slopes_, strict=False):
            z = a @ W + b
            a = z + p * np.sin(z)
        return (a @ model.coefs_[2] + model.intercepts_[2])[:, 0]

    assert_allclose(model.predict(X), predict(), rtol=1e-9, atol=1e-12)
    passed = fastnet.inspect(model, X, y)
    for layer, slopes in zip(passed.layers, model.slopes_, strict=False):
        for j in range(0, len(slopes), 5):
            sides = []
            for step in (1e-6, -1e-6):
                slopes[j] += step
                sides.append(np.mean((predict() - y) ** 2) / 2)
                slopes[j] -= step
            assert_allclose(layer.slope_gradient[j], (sides[0] - sides[1]) / 2e-6, rtol=1e-6, atol=1e-9)
