"""normalization, learnt slopes and residual='projection' beside other parameters, with lbfgs, and laid open."""

import naive
import numpy as np
import pytest
from marks import crossed
from numpy.testing import assert_allclose, assert_array_equal
from problems import described, distance, same_bits
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from test_normalization import SETTINGS, SOLVERS, STILL, VECTORS, classifier, everything, expected_proba, settings

import fastnet
from fastnet.activations import PReLU

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ---- beside other parameters --------------------------------------------------------------------------


@settings
def test_early_stopping_keeps_the_best_epoch_with_its_statistics(digits, setting):
    X, y = digits
    params = {"early_stopping": True, "n_iter_no_change": 100, "learning_rate_init": 0.01, **setting}
    model = classifier(max_iter=10, **params).fit(X, y)
    best = int(np.argmax(model.validation_scores_)) + 1
    shorter = classifier(max_iter=best, **params).fit(X, y)
    assert same_bits(everything(model), everything(shorter))
    assert model.validation_scores_[:best] == shorter.validation_scores_
    # the score is that of what predicts
    own = classifier(max_iter=1, **{**params, "validation_fraction": 0.5})
    own.fit(X, y, X_val=X[:50], y_val=y[:50])
    assert_allclose(own.validation_scores_, [own.score(X[:50], y[:50])])


def test_an_average_of_the_weights_leaves_training_and_statistics_as_they_are(digits):
    plain, averaged = (classifier(normalization="batch", ema_decay=decay).fit(*digits) for decay in (None, 0.9))
    assert same_bits(plain.means_ + plain.variances_, averaged.means_ + averaged.variances_)
    for name in ("coefs_", "intercepts_", "gains_"):
        for a, b in zip(getattr(plain, name), getattr(averaged, name), strict=True):
            assert not np.array_equal(a, b)
    assert_allclose(averaged.predict_proba(digits[0]), expected_proba(averaged, digits[0]), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "schedule_free"])
@settings
def test_frozen_layers_keep_all_their_parameters(digits, setting, solver):
    X, y = digits
    params = {**setting, **SOLVERS[solver], "max_iter": 3, "dtype": "float64"}
    model = classifier(freeze=2, **params).fit(X, y)
    begun = classifier(**{**params, **STILL, "freeze": 2}).fit(X, y)
    for name in ("coefs_", "intercepts_", *VECTORS, "projections_"):
        assert hasattr(model, name) == hasattr(begun, name)
        for layer, (a, b) in enumerate(zip(getattr(model, name, []), getattr(begun, name, []), strict=True)):
            if a is not None:
                assert np.array_equal(a, b) == (layer < 2), (name, layer)
    if hasattr(model, "means_"):  # no batch has measured them
        assert all(not m.any() and (v == 1).all() for m, v in zip(model.means_[:2], model.variances_[:2], strict=True))
    assert_allclose(model.predict_proba(X), expected_proba(model, X), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("normalization", ["batch", "layer", "rms"])
def test_without_biases_nothing_is_shifted_but_gains_are_learnt(digits, normalization, solver):
    model = classifier(normalization=normalization, use_bias=False, **SOLVERS[solver]).fit(*digits)
    assert not any(b.any() for b in model.intercepts_)
    assert all(np.ptp(g) > 0 for g in model.gains_)


EXTRAS = [
    {"max_norm": 0.5},
    {"clip_value": 1e-3},
    {"clip_norm": 0.1},
    {"dropout": 0.3},
    {"drop_connect": 0.3},
    {"input_noise": 0.5},
    {"input_dropout": 0.3},
    {"ema_decay": 0.9},
    {"class_weight": "balanced"},
    {"alpha": [0.1, 1.0, 10.0, 0.1], "l1_ratio": 0.5},
    {"batch_size": None},
    {"batch_size": 1},
]


@pytest.mark.parametrize(("extra", "setting"), crossed(EXTRAS, SETTINGS), ids=str)
def test_each_other_parameter_has_its_effect(digits, setting, extra):
    X, y = digits[0][:61], np.minimum(digits[1][:61], 2)
    plain = classifier(**setting, max_iter=3, batch_size=20).fit(X, y)
    model = classifier(**{**setting, "max_iter": 3, "batch_size": 20, **extra}).fit(X, y)
    changed = [not np.array_equal(a, b) for a, b in zip(everything(plain), everything(model), strict=True)]
    if extra == {"ema_decay": 0.9}:  # not the statistics
        changed = changed[: len(changed) - 6 * ("means_" in vars(model))]
    assert all(changed)
    assert_allclose(model.predict_proba(X), expected_proba(model, X), rtol=2e-3, atol=1e-5)
    if "max_norm" in extra:
        for W in [*model.coefs_, *(p for p in getattr(model, "projections_", []) if p is not None)]:
            assert 0.49 < np.linalg.norm(W, axis=0).max() <= 0.5 * (1 + 1e-6)
    threads = clone(model).set_params(n_jobs=2).fit(X, y)
    assert same_bits(everything(threads), everything(model))


def test_a_penalty_reaches_the_projections_of_its_layer(digits):
    params = {"residual": "projection", "solver": "lbfgs", "l1_ratio": 1.0, "max_iter": 60, "dtype": "float64"}
    model = classifier(alpha=[0.0, 0.0, 3.0, 0.0], **params).fit(*digits)
    assert (model.projections_[2] == 0).mean() > 0.3 and (model.coefs_[2] == 0).mean() > 0.3
    assert (model.coefs_[1] != 0).all()


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_samples_without_weight_are_as_if_left_out(digits, normalization):
    X, y = digits
    weight = np.where(np.arange(len(X)) < 200, 1.0, 0.0)
    params = {"normalization": normalization, "solver": "lbfgs", "max_iter": 15, "dtype": "float64"}
    weighted = classifier(**params).fit(X, y, sample_weight=weight)
    without = classifier(**params).fit(X[:200], y[:200])
    assert distance(everything(weighted), everything(without)) < 1e-5


def test_grid_search_and_nested_parameters(digits):
    grid = {"normalization": [None, "batch", "layer", "rms"], "residual": [False, "projection"]}
    search = GridSearchCV(classifier(), grid, cv=2).fit(*digits)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.get_params()["normalization"] == search.best_params_["normalization"]
    search = GridSearchCV(classifier(activation=PReLU()), {"activation__slope": [0.1, 0.9]}, cv=2).fit(*digits)
    assert np.ptp(search.cv_results_["mean_test_score"]) > 0


# ---- lbfgs --------------------------------------------------------------------------------------------


@settings
def test_lbfgs_ends_where_its_loss_is_the_one_reported(digits, setting):
    X, y = digits
    model = classifier(solver="lbfgs", max_iter=60, alpha=1.0, dtype="float64", **setting).fit(X, y)
    passed = fastnet.inspect(model, X, y)
    assert_allclose(model.loss_, passed.loss, rtol=1e-12)
    assert passed.loss < 0.5 and max(np.abs(layer.coef_gradient).max() for layer in passed.layers) < 0.05
    if setting.get("normalization") == "batch":
        # the statistics are those of all samples, at the last parameters
        architecture, matrices, vectors = model._network()
        zs, _ = naive.forward(matrices, vectors, X, **described(architecture))
        for z, mean, variance in zip(zs[:-1], model.means_, model.variances_, strict=True):
            assert_allclose(mean, z.mean(axis=0), atol=1e-10)
            assert_allclose(variance, z.var(axis=0), rtol=1e-9)
        assert_allclose(model.predict_proba(X), passed.layers[-1].activation, rtol=1e-8, atol=1e-12)


def test_lbfgs_with_batch_normalisation_stops_in_time(digits):
    model = classifier(normalization="batch", solver="lbfgs", max_iter=100000, max_time=0.2, tol=0.0).fit(*digits)
    assert_allclose(model.predict_proba(digits[0]), expected_proba(model, digits[0]), rtol=1e-6, atol=1e-9)
    assert all(m.any() for m in model.means_)


@pytest.mark.parametrize("weight", [None, [0.0, 2.0, 0.0]], ids=str)
def test_one_sample_is_predicted_as_it_was_trained(weight):
    """One sample has no variance: it is normalised by the running statistics."""
    X, y = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]]), np.array([1.0, 5.0, 2.0])
    rows = slice(1, 2) if weight is None else slice(None)
    model = fastnet.MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", normalization="batch", solver="lbfgs",
                                 alpha=0.0, random_state=0, dtype="float64", tol=1e-8)  # fmt: skip
    model.fit(X[rows], y[rows], sample_weight=weight)
    assert_allclose(model.predict(X[1:2]), [5.0], atol=1e-5)
    assert not model.means_[0].any() and (model.variances_[0] == 1).all()


# ---- inspect ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@settings
def test_inspect_lays_open_all_gradients(digits, setting, weighted):
    X, y = digits[0][:40], digits[1][:40]
    model = classifier(**setting, hidden_layer_sizes=(9, 9, 5), dtype="float64", alpha=0.3, dropout=0.2).fit(*digits)
    weight = np.random.default_rng(0).uniform(0.5, 2, 40) if weighted else None
    passed = fastnet.inspect(model, X, y, weight)
    architecture, matrices, vectors = model._network()
    net = {"y": y[:, None], "loss": "log_loss", "l2": 0.3, "sample_weight": weight, **described(architecture)}
    assert_allclose(passed.loss, naive.objective(matrices, vectors, X, **net), rtol=1e-11)
    expected = sum(naive.gradient(matrices, vectors, X, **net), [])
    names = {"coef": "coefs_", "intercept": "intercepts_", "gain": "gains_", "slope": "slopes_"}
    names["projection"] = "projections_"
    seen = 0
    for number, layer in enumerate(passed.layers):
        for name, attribute in names.items():
            gradient = getattr(layer, f"{name}_gradient")
            fitted = getattr(model, attribute, None)
            has = fitted is not None and number < len(fitted) and fitted[number] is not None
            assert (gradient is not None) == has
            if not has:
                continue
            place = next(i for i, p in enumerate((*matrices, *vectors)) if np.shares_memory(p, fitted[number]))
            assert_allclose(gradient, expected[place], rtol=1e-9, atol=1e-12)
            seen += 1
    measured = sum(kind in ("mean", "variance") for kind, _ in architecture.vectors())
    assert seen == len(matrices) + len(vectors) - measured
    for below, above in zip(passed.layers, passed.layers[1:], strict=False):
        assert_array_equal(below.activation, above.input)
