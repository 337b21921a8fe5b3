"""Where a network diverges, or numbers are too large, fastnet says so, not NumPy or a metric."""

import warnings

import numpy as np
import pytest
from marks import crossed
from sklearn.exceptions import ConvergenceWarning

import fastnet

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0]
THREE = np.arange(60) % 3
WILD = {"solver": "sgd", "learning_rate_init": 1e6, "max_iter": 6, "batch_size": 10, "random_state": 0}
HOLD_OUT = {"early_stopping": True, "validation_fraction": 0.3}
OURS = "Numbers in training were too large|Outputs for .* samples are not finite"
REASONS = ("Solver produced non-finite", "Training diverged", "Predictions for X are not finite")

OPTIONS = [
    {},
    {"dtype": "float64"},
    {"ema_decay": 0.9},
    {"normalization": "batch"},
    {"normalization": "layer"},
    {"normalization": "batch", "ema_decay": 0.9},
    {"normalization": "batch", "ema_decay": 0.9, **HOLD_OUT},
    {"clip_norm": 1e30},
    {"clip_value": 1e30},
    {"max_norm": 3.0},
    {"residual": "projection", "hidden_layer_sizes": (4, 5)},
    {"dropout": 0.2},
    {"l1_ratio": 0.5},
    {"alpha": 1e10},
    {"activation": "tanh"},
    {"activation": "prelu"},
    {"hidden_layer_sizes": ()},
    {"solver": "adam"},
    {"solver": "schedule_free_adamw"},
    {"solver": "lbfgs"},
    {"learning_rate": "adaptive"},
    HOLD_OUT,
    {"scoring": "loss", **HOLD_OUT},
    {"restore_best_weights": False, **HOLD_OUT},
]


def quietly(call, *args):
    """What the call gives, or None if it is refused for the right reason, with no warnings but fastnet's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=OURS)
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        try:
            return call(*args)
        except ValueError as error:
            assert any(reason in str(error) for reason in REASONS), error
            return None


@pytest.mark.parametrize(
    ("options", "targets"),
    crossed(OPTIONS, ["numbers", "columns of numbers", "two classes", "three classes", "several labels"]),
    ids=str,
)
def test_no_warning_of_numpy_reaches_the_user(options, targets):
    regression = "numbers" in targets
    y = {
        "numbers": Y * 1e12,
        "columns of numbers": np.column_stack([Y, -Y]),
        "two classes": THREE > 0,
        "three classes": THREE,
        "several labels": np.column_stack([THREE > 0, THREE > 1]).astype(int),
    }[targets]
    make = fastnet.MLPRegressor if regression else fastnet.MLPClassifier
    for max_iter in (1, 6):
        model = make(**{**WILD, "hidden_layer_sizes": 4, **options, "max_iter": max_iter})
        if quietly(model.fit, X, y) is None:
            continue
        for features in (X, X * 1e18, (X * 1e37).astype(np.float32)):
            for method in ("predict",) if regression else ("predict", "predict_proba", "predict_log_proba"):
                quietly(getattr(model, method), features)
            quietly(model.score, features, y)


def test_huge_features_of_both_signs_are_summed_quietly():
    model = fastnet.MLPRegressor(max_iter=2, random_state=0, hidden_layer_sizes=4)
    large = np.tile([[3e38, -3e38, 1.0]], (60, 3)).astype(np.float32)
    quietly(model.fit, large, Y)
    quietly(model.fit, np.tile([[1e308, -1e308, 1.0]], (60, 3)), Y)


def mean_prediction(estimator, X, y):
    return float(np.mean(estimator.predict(X)))


@pytest.mark.parametrize("scoring", [None, "loss", "r2", "neg_mean_squared_error", mean_prediction])
def test_a_scorer_is_not_asked_about_a_regressor_that_diverged(scoring):
    model = fastnet.MLPRegressor(scoring=scoring, hidden_layer_sizes=4, **WILD, **HOLD_OUT)
    with pytest.warns() as caught:
        model.fit(X, Y)
    assert any("Numbers in training were too large for float32" in str(w.message) for w in caught)
    assert not any("scoring" in str(w.message) for w in caught)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc_ovr"])
def test_a_scorer_is_not_asked_about_a_classifier_that_diverged(scoring):
    model = fastnet.MLPClassifier(scoring=scoring, hidden_layer_sizes=4, **WILD, **HOLD_OUT)
    with pytest.warns() as caught:
        model.fit(X, THREE)
    assert any("Numbers in training were too large for float32" in str(w.message) for w in caught)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("scoring", [None, "r2"])
def test_outputs_that_are_never_finite_are_divergence_though_the_loss_is(scoring):
    beyond = 1e6 * np.vstack([X[:4], -X[:4]])  # for some of which the exponential is infinite
    params = {"hidden_layer_sizes": (), "max_iter": 2, "batch_size": 10, "random_state": 0}
    model = fastnet.MLPRegressor(loss="poisson", scoring=scoring, early_stopping=True, **params)
    with pytest.raises(ValueError, match="^Training diverged: outputs for the validation samples were not finite"):
        model.fit(X, np.exp(Y), X_val=beyond, y_val=np.arange(1.0, 9.0))
    assert not hasattr(model, "coefs_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Outputs for .* samples are not finite:RuntimeWarning")
def test_a_score_of_predictions_that_are_not_finite_says_so():
    model = fastnet.MLPRegressor(hidden_layer_sizes=(), max_iter=1, solver="lbfgs").fit(X, Y)
    model.coefs_[0][:] = 1e308
    with pytest.raises(ValueError, match="^Predictions for X are not finite, so there is no R²"):
        model.score(np.full((4, 3), 1e10), Y[:4])
