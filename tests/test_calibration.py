"""Temperature scaling against plain SciPy and scikit-learn, and where it is refused."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

import fastnet
from fastnet.estimators.fitting.calibration import calibrated_log_loss, fit_temperature

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def net(**params):
    common = {"hidden_layer_sizes": (30,), "random_state": 0, "learning_rate_init": 0.02, "max_iter": 30,
              "early_stopping": True, "n_iter_no_change": None, "restore_best_weights": False}  # fmt: skip
    return fastnet.MLPClassifier(**common | params)


def targets_of(y, kind):
    return {"multiclass": y % 5, "binary": y % 2, "labels": (y[:, None] >> np.arange(3)) & 1}[kind]


@pytest.fixture
def noisy(digits):
    """(X, y, X_val, y_val) with labels wrong so often that a network is much too sure."""
    X, y = digits
    rng = np.random.default_rng(0)
    y = np.where(rng.uniform(size=len(y)) < 0.3, rng.integers(0, 10, len(y)), y)
    return X[:150], y[:150], X[150:], y[150:]


def cross_entropy(y, probabilities, weight):
    """Mean over the samples, with several labels the sum over them: written down as it is defined."""
    if y.ndim == 2:
        return np.average(-np.log(np.where(y == 1, probabilities, 1 - probabilities)).sum(axis=1), weights=weight)
    return np.average(-np.log(probabilities[np.arange(len(y)), y]), weights=weight)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["multiclass", "binary", "labels"])
def test_the_temperature_minimises_the_cross_entropy(noisy, kind, weighted):
    X, y, X_val, y_val = noisy
    y, y_val = targets_of(y, kind), targets_of(y_val, kind)
    weight = np.random.default_rng(1).uniform(0, 2, 150) if weighted else None
    own = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight}
    plain = net(dtype="float64").fit(X, y, **own)
    model = net(dtype="float64", calibration="temperature").fit(X, y, **own)

    logits = np.log(plain.predict_proba(X_val)) if kind == "multiclass" else plain._outputs(X_val, link=False)

    def scaled(temperature):
        if kind == "multiclass":
            return softmax(logits / temperature, axis=1)
        positive = expit(logits / temperature)
        return positive if kind == "labels" else np.hstack([1 - positive, positive])

    loss = lambda temperature: cross_entropy(y_val, scaled(temperature), weight)  # noqa: E731
    best = minimize_scalar(loss, bounds=(0.1, 100), options={"xatol": 1e-9})
    assert model.temperature_ > 1.2  # too sure, as it should be for this test to say something
    assert_allclose(model.temperature_, best.x, rtol=1e-5)
    assert_allclose(model.predict_proba(X_val), scaled(best.x), rtol=1e-4)
    assert_allclose(model.predict_log_proba(X_val), np.log(scaled(best.x)), rtol=1e-4, atol=1e-5)
    # it changes probabilities only
    assert_array_equal(model.predict(X_val), plain.predict(X_val))
    assert model.validation_scores_ == plain.validation_scores_
    for a, b in zip(model.coefs_, plain.coefs_, strict=True):
        assert_array_equal(a, b)


def test_columns_of_classes_share_a_temperature(noisy):
    X, y, X_val, y_val = noisy
    columns, columns_val = (np.column_stack([y % 3, y % 4 + 1]) for y in (y, y_val))
    own = {"X_val": X_val, "y_val": columns_val}
    plain = net(dtype="float64").fit(X, columns, **own)
    model = net(dtype="float64", calibration="temperature").fit(X, columns, **own)
    logits = np.split(plain._outputs(X_val, link=False), [3], axis=1)

    def loss(temperature):
        parts = [softmax(part / temperature, axis=1) for part in logits]
        return sum(cross_entropy(y, p, None) for y, p in zip((columns_val - [0, 1]).T, parts, strict=True))

    best = minimize_scalar(loss, bounds=(0.1, 100), options={"xatol": 1e-9}).x
    assert_allclose(model.temperature_, best, rtol=1e-5)
    for name, function in (("predict_proba", np.asarray), ("predict_log_proba", np.log)):
        for given, part in zip(getattr(model, name)(X_val), logits, strict=True):
            assert_allclose(given, function(softmax(part / best, axis=1)), rtol=1e-4, atol=1e-6)
    assert_array_equal(model.predict(X_val), plain.predict(X_val))


@pytest.mark.parametrize("kind", ["multiclass", "binary"])
def test_the_probabilities_are_scikit_learns(noisy, kind):
    X, y, X_val, y_val = noisy
    y, y_val = targets_of(y, kind), targets_of(y_val, kind)
    names = np.array(["e", "d", "c", "b", "a"])
    plain = net(dtype="float64").fit(X, names[y], X_val=X_val, y_val=names[y_val])
    model = net(dtype="float64", calibration="temperature").fit(X, names[y], X_val=X_val, y_val=names[y_val])
    theirs = CalibratedClassifierCV(FrozenEstimator(plain), method="temperature").fit(X_val, names[y_val])
    assert_array_equal(theirs.classes_, model.classes_)
    assert_allclose(model.predict_proba(X), theirs.predict_proba(X), rtol=1e-3, atol=2e-3)  # of clipped probabilities
    before, after = (log_loss(names[y_val], m.predict_proba(X_val)) for m in (plain, model))
    assert after < before - 0.01


def test_a_binary_optimum_by_hand():
    logits, y = np.array([[2.0], [2], [2], [2], [-2], [-2]]), np.array([[1], [1], [1], [0], [0], [1]])
    # right 4 times of 6, always at the same margin: p = 2/3, whose logit is log 2
    assert_allclose(2 / fit_temperature(logits, y), np.log(2), rtol=1e-6)
    weight = np.array([1, 1, 1, 0, 1, 1])  # right 4 times of 5
    assert_allclose(2 / fit_temperature(logits, y, weight), np.log(4), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("held_out", [False, True])
def test_it_is_fitted_with_the_weights_that_are_kept(noisy, dtype, held_out):
    X, y, X_val, y_val = noisy
    params = {"dtype": dtype, "restore_best_weights": True, "calibration": "temperature", "max_iter": 60}
    if held_out:
        model = net(validation_split="last", validation_fraction=0.5, **params)
        model.fit(np.vstack([X, X_val]), np.concatenate([y, y_val]))
    else:
        model = net(**params).fit(X, y, X_val=X_val, y_val=y_val)
    assert np.argmax(model.validation_scores_) < 59
    codes = np.searchsorted(model.classes_, y_val)[:, None]
    expected = fit_temperature(model._outputs(X_val, link=False), codes)
    assert_allclose(model.temperature_, expected, rtol=1e-6)
    assert model.coefs_[0].dtype == dtype
    assert_allclose(model.predict_proba(X_val).sum(axis=1), 1, rtol=1e-14)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(X_val), model.predict_proba(X_val))


@pytest.mark.parametrize("params", [{"solver": "lbfgs", "early_stopping": False}, {"early_stopping": False}], ids=str)
def test_without_early_stopping_own_samples_calibrate(noisy, params):
    X, y, X_val, y_val = noisy
    plain = net(**params).fit(X, y)
    model = net(calibration="temperature", **params).fit(X, y, X_val=X_val, y_val=y_val)
    assert model.temperature_ > 1.2
    assert_array_equal(model.coefs_[0], plain.coefs_[0])
    assert_array_equal(model.predict(X_val), plain.predict(X_val))


def test_a_network_that_is_never_wrong_stays_as_it_is(cancer):
    X, y = cancer
    model = net(calibration="temperature", max_iter=50)
    with pytest.warns(UserWarning, match="Every validation sample is classified right.*temperature_=1.0. Valid"):
        model.fit(X, y, X_val=X[:50], y_val=y[:50])
    assert model.temperature_ == 1.0


def test_a_temperature_belongs_to_its_weights(noisy):
    X, y, X_val, y_val = noisy
    model = net(calibration="temperature", warm_start=True).fit(X, y, X_val=X_val, y_val=y_val)
    first = model.temperature_
    assert model.fit(X, y, X_val=X_val, y_val=y_val).temperature_ != first
    model.set_params(calibration=None, early_stopping=False).partial_fit(X, y)
    assert not hasattr(model, "temperature_")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_allclose(model.predict_proba(X_val), softmax(model._outputs(X_val, link=False), axis=1), rtol=1e-5)


REFUSED = [
    ({"early_stopping": False}, r"calibration='temperature' needs samples .* set early_stopping=True, or give X_val"),
    ({"solver": "lbfgs"}, "needs samples that training does not see: with solver='lbfgs', give X_val and y_val"),
    ({"loss": "hinge"}, "needs probabilities, which loss='hinge' does not give: set loss='log_loss', or calib"),
]


@pytest.mark.parametrize(("params", "message"), REFUSED, ids=str)
def test_where_it_cannot_be_done_it_is_refused(digits, params, message):
    model = net(calibration="temperature", **params)
    with pytest.raises(ValueError, match=message):
        model.fit(*digits)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("value", ["platt", True])
def test_other_values_are_refused(digits, value):
    with pytest.raises(ValueError, match="The 'calibration' parameter of MLPClassifier must be"):
        net(calibration=value).fit(*digits)


def test_a_partial_fit_is_refused(digits):
    model = net(calibration="temperature", early_stopping=False)
    with pytest.raises(ValueError, match="partial_fit does not support calibration='temperature', which needs"):
        model.partial_fit(*digits, classes=np.arange(10))


def test_outputs_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="calibration needs finite outputs"):
        fit_temperature(np.array([[np.inf], [1.0]]), np.array([[1], [0]]))


def test_a_calibrated_network_is_not_converted(noisy):
    X, y, X_val, y_val = noisy
    model = net(calibration="temperature").fit(X, y, X_val=X_val, y_val=y_val).set_params(calibration=None)
    with pytest.raises(ValueError, match="cannot predict with temperature_=.*: only a network without it"):
        model.to_sklearn()


# ---- early stopping by the calibrated log loss -------------------------------------------------------


@pytest.mark.parametrize("kind", ["multiclass", "binary", "labels", "columns"])
def test_early_stopping_watches_the_log_loss_after_scaling(noisy, kind):
    X, y, X_val, y_val = noisy
    if kind == "columns":
        y, y_val = (np.column_stack([of % 5, of % 3]) for of in (y, y_val))
    else:
        y, y_val = targets_of(y, kind), targets_of(y_val, kind)
    weight = np.random.default_rng(1).uniform(0.5, 2, len(X_val))
    own = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight}
    model = net(dtype="float64", scoring="calibrated_log_loss", max_iter=4).fit(X, y, **own)
    # the same network with its temperature, by the definition
    calibrated = net(dtype="float64", calibration="temperature", max_iter=4).fit(X, y, **own)
    probabilities = calibrated.predict_proba(X_val)
    if kind == "columns":
        expected = sum(cross_entropy(y_val[:, k], probabilities[k], weight) for k in range(2))
    else:
        expected = cross_entropy(y_val, probabilities, weight)
    assert_allclose(model.validation_scores_[-1], -expected, rtol=1e-6)
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_overconfidence_does_not_end_the_training(noisy):
    X, y, X_val, y_val = noisy
    params = {"restore_best_weights": True, "max_iter": 60, "tol": 0.0}
    scorings = "loss", "calibrated_log_loss"
    plain, scaled = (net(scoring=scoring, **params).fit(X, y, X_val=X_val, y_val=y_val) for scoring in scorings)
    assert scaled.best_validation_score_ > plain.best_validation_score_
    assert np.argmax(scaled.validation_scores_) > np.argmax(plain.validation_scores_)


def test_samples_that_are_all_right_or_all_alike_have_a_finite_score():
    logits, labels = np.array([[2.0], [-1.0], [3.0]]), np.array([[1], [0], [1]])
    assert 0 <= calibrated_log_loss(logits, labels) < 1e-12
    assert_allclose(calibrated_log_loss(np.zeros((3, 4)), np.array([[0], [1], [3]])), np.log(4))
    assert np.isnan(calibrated_log_loss(np.full((3, 1), np.inf), labels))


def test_it_needs_probabilities():
    X, y = np.eye(4), [0, 1, 0, 1]
    with pytest.raises(ValueError, match="scoring='calibrated_log_loss' needs probabilities, which loss='hinge'"):
        net(loss="hinge", scoring="calibrated_log_loss").fit(X, y)
    with pytest.raises(ValueError, match="The 'scoring' parameter of MLPRegressor"):
        fastnet.MLPRegressor(early_stopping=True, scoring="calibrated_log_loss").fit(X, y)
    with pytest.raises(ValueError, match="scoring='calibrated_log_loss' is for early stopping"):
        net(early_stopping=False, scoring="calibrated_log_loss").fit(X, y)
