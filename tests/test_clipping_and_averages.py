"""clip_value, clip_norm, max_norm and ema_decay in the estimators."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import parameters, same_bits
from sklearn.base import clone

import fastnet
from fastnet.optimizers import AdamW

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ESTIMATORS = [fastnet.MLPClassifier, fastnet.MLPRegressor]
EXTRAS = [{"clip_value": 0.01}, {"clip_norm": 0.5}, {"max_norm": 0.6}, {"ema_decay": 0.95}]
QUICK = {"hidden_layer_sizes": (20, 10), "max_iter": 4, "random_state": 0}


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("extra", EXTRAS, ids=str)
def test_each_changes_the_fit_and_survives_pickling_and_cloning(Estimator, extra, digits):
    plain = Estimator(**QUICK).fit(*digits)
    model = Estimator(**QUICK, **extra).fit(*digits)
    assert not same_bits(parameters(plain), parameters(model))
    again = pickle.loads(pickle.dumps(model))
    assert same_bits([again.predict(digits[0])], [model.predict(digits[0])])
    assert same_bits(parameters(clone(model).fit(*digits)), parameters(model))
    # training goes on alike from the pickle
    for each in (model, again):
        each.partial_fit(*digits)
    assert same_bits(parameters(again), parameters(model))


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_units_norms_are_bounded(Estimator, digits):
    model = Estimator(**QUICK, max_norm=0.6).fit(*digits)
    norms = [np.linalg.norm(W.astype(float), axis=0) for W in model.coefs_]
    for each in norms:
        assert (each <= 0.6 * (1 + 1e-6)).all()
    assert_allclose(norms[0].max(), 0.6, rtol=1e-6)
    free = Estimator(**QUICK, max_norm=0.6, freeze=1).fit(*digits)
    assert np.linalg.norm(free.coefs_[0], axis=0).max() > 0.7  # what is not trained is not bounded
    assert np.linalg.norm(free.coefs_[1], axis=0).max() <= 0.6 * (1 + 1e-6)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_norms_of_gradients_are_reported_for_every_epoch(Estimator, digits):
    X, y = digits
    model = Estimator(**QUICK, clip_norm=1.0, warm_start=True).fit(X, y)
    norms = model.gradient_norms_
    assert list(norms) == ["mean", "largest", "clipped"] and {len(v) for v in norms.values()} == {4}
    assert all(0 < mean <= largest for mean, largest in zip(norms["mean"], norms["largest"], strict=True))
    assert all(0 <= share <= 1 for share in norms["clipped"]) and norms["clipped"][0] > 0
    before = {name: list(values) for name, values in norms.items()}
    model.fit(X, y)  # they go on
    assert all(model.gradient_norms_[name][:4] == before[name] for name in before)
    assert {len(v) for v in model.gradient_norms_.values()} == {8} == {len(model.loss_curve_)}
    model.partial_fit(X, y)
    assert len(model.gradient_norms_["mean"]) == 9
    model.set_params(warm_start=False, clip_norm=None).fit(X, y)
    assert not hasattr(model, "gradient_norms_")


def test_a_huge_gradient_does_no_harm_if_clipped(digits):
    X, y = digits[0].copy(), digits[1].astype(float)
    y[7] = 1e9
    params = {"solver": "sgd", "learning_rate_init": 0.01, "max_iter": 30, "random_state": 0}
    model = fastnet.MLPRegressor(hidden_layer_sizes=(20,), clip_norm=1.0, **params).fit(X, y)
    assert max(np.abs(W).max() for W in model.coefs_) < 10
    assert max(model.gradient_norms_["largest"]) > 1e6
    with pytest.raises(ValueError, match="non-finite"):
        fastnet.MLPRegressor(hidden_layer_sizes=(20,), **params).fit(X, y)


def averages_by_hand(Estimator, X, y, decay, epochs, **params):
    """One step an epoch: coefs_ of each, and their weighted average."""
    seen = []
    model = Estimator(batch_size=None, shuffle=False, warm_start=True, dtype="float64", **params)
    model.set_params(max_iter=1, n_iter_no_change=np.inf)
    for _ in range(epochs):
        seen.append([p.copy() for p in parameters(model.fit(X, y))])
    shares = decay ** np.arange(epochs)[::-1]
    return [sum(c * p for c, p in zip(shares, ps, strict=True)) / shares.sum() for ps in zip(*seen, strict=True)]


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("way", ["fit", "warm_start", "partial_fit"])
def test_coefs_are_the_average_and_training_goes_on_from_the_raw_weights(Estimator, way, digits):
    X, y = digits[0][:200], digits[1][:200]
    params = {"hidden_layer_sizes": (7,), "solver": "adam", "learning_rate_init": 0.01, "random_state": 0}
    expected = averages_by_hand(Estimator, X, y, 0.8, 6, **params)
    model = Estimator(batch_size=None, shuffle=False, dtype="float64", ema_decay=0.8, **params)
    if way == "fit":
        model.set_params(max_iter=6).fit(X, y)
    elif way == "warm_start":
        model.set_params(warm_start=True, max_iter=2).fit(X, y)
        model.set_params(max_iter=4).fit(X, y)
    else:
        model.partial_fit(X, y, **({"classes": np.unique(y)} if Estimator is fastnet.MLPClassifier else {}))
        for _ in range(5):
            model.partial_fit(X, y)
    for a, b in zip(parameters(model), expected, strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_an_average_may_begin_late_and_end_early(digits):
    X, y = digits
    params = {"hidden_layer_sizes": (7,), "max_iter": 2, "random_state": 0, "warm_start": True, "dtype": "float64"}
    late = fastnet.MLPClassifier(**params, batch_size=None).fit(X, y)
    raw = pickle.loads(pickle.dumps(late)).set_params(max_iter=1).fit(X, y)
    late.set_params(ema_decay=0.9, max_iter=1).fit(X, y)
    assert_allclose(late.coefs_[0], raw.coefs_[0], rtol=1e-12)  # one step: its average
    # without ema_decay coefs_, the average, is what is trained
    early = fastnet.MLPClassifier(**params, ema_decay=0.9).fit(X, y)
    still = {"ema_decay": None, "solver": "sgd", "learning_rate_init": 1e-30, "momentum": 0.0}
    average = [p.copy() for p in parameters(early)]
    assert same_bits(parameters(early.set_params(**still, alpha=0.0).fit(X, y)), average)


def test_early_stopping_scores_and_keeps_the_average(digits):
    X, y = digits
    params = {"hidden_layer_sizes": (20,), "early_stopping": True, "ema_decay": 0.99, "random_state": 0}
    model = fastnet.MLPClassifier(max_iter=8, n_iter_no_change=100, **params).fit(X, y)
    best = int(np.argmax(model.validation_scores_)) + 1
    shorter = fastnet.MLPClassifier(max_iter=best, n_iter_no_change=100, **params).fit(X, y)
    assert same_bits(parameters(model), parameters(shorter))


REFUSED = [
    *[({"solver": "lbfgs", **extra}, f"{next(iter(extra))} acts on the steps .* 'adam'") for extra in EXTRAS],
    ({"clip_value": 1.0, "clip_norm": 1.0}, "two ways to clip the same gradient: set one of them to None"),
    ({"solver": "rprop", "clip_value": 1.0}, "only the signs of gradients.* choose another solver"),
    ({"solver": "rprop", "clip_norm": 1.0}, "only the signs of gradients.* clip_norm=None"),
    ({"solver": "schedule_free_adamw", "max_norm": 1.0}, "average of its own.* max_norm=None"),
    ({"solver": "schedule_free_adamw", "ema_decay": 0.9}, "average of its own.* ema_decay=None"),
]


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(("params", "match"), REFUSED, ids=str)
def test_what_makes_no_sense_is_refused_with_a_remedy(Estimator, params, match, digits):
    with pytest.raises(ValueError, match=match):
        Estimator(**QUICK).set_params(**params).fit(*digits)


def test_all_together_learn(digits):
    X, y = digits
    model = fastnet.MLPClassifier(
        (40,), solver=AdamW(), learning_rate_init=0.005, clip_norm=1.0, max_norm=2.0, ema_decay=0.98, dropout=0.2,
        alpha=[0.01, 0.001], batch_size=20, max_iter=30, random_state=0,
    ).fit(X[:200], y[:200])  # fmt: skip
    assert model.score(X[200:], y[200:]) > 0.8


@pytest.mark.parametrize("extra", [{"clip_norm": 1e9}, {"max_norm": 1e9}], ids=str)
def test_bounds_that_never_bind_change_no_bit_beside_drop_connect(extra, digits):
    params = {**QUICK, "drop_connect": 0.3, "dropout": 0.1, "input_noise": 0.1, "n_jobs": 2}
    plain, bounded = (fastnet.MLPClassifier(**params, **kw).fit(*digits) for kw in ({}, extra))
    assert same_bits(parameters(plain), parameters(bounded))
