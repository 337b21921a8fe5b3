"""Settings: what a fit is asked to do, in plain values that are checked before any work."""

import dataclasses
from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
import pytest
from problems import parameters, same_bits
from sklearn.base import clone

from fastnet import MLPClassifier, MLPRegressor
from fastnet.estimators.parameters import settings_of
from fastnet.ops.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.RandomState(0).randn(40, 3)
Y = X @ [1.0, -2.0, 0.5]
small = partial(MLPRegressor, hidden_layer_sizes=(4, 3), max_iter=3, random_state=0)

# Values that float16 holds exactly, so that only the type can make a difference.
NUMBERS = {
    "alpha": 0.125, "learning_rate_init": 0.0625, "tol": 0.5, "momentum": 0.75, "beta_1": 0.75, "beta_2": 0.875,
    "epsilon": 0.25, "power_t": 0.5, "warmup": 0.5, "l1_ratio": 0.5, "clip_norm": 0.5, "max_norm": 0.5,
    "ema_decay": 0.5, "dropout": 0.25, "input_dropout": 0.25, "drop_connect": 0.25, "input_noise": 0.25,
    "bias_init": 0.25, "validation_fraction": 0.25, "max_time": 1000.0,
}  # fmt: skip
COUNTS = {"max_iter": 3, "batch_size": 16, "n_iter_no_change": 2, "max_fun": 9, "freeze": 1, "n_jobs": 1,
          "hidden_layer_sizes": 4, "verbose": 0}  # fmt: skip
FLAGS = ("shuffle", "nesterovs_momentum", "early_stopping", "restore_best_weights", "use_bias", "residual")


@pytest.mark.parametrize("convert", [np.float16, np.float32, np.longdouble, Fraction], ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", NUMBERS)
def test_settings_hold_plain_numbers(name, convert):
    asked = small(**{name: convert(NUMBERS[name])})
    settings = dataclasses.asdict(settings_of(asked))
    assert settings == dataclasses.asdict(settings_of(small(**{name: NUMBERS[name]})))
    for value in settings.values():
        for entry in value if isinstance(value, tuple) else [value]:
            assert not isinstance(entry, (np.generic, Fraction))
    assert type(getattr(asked, name)) is convert  # never rewritten on the estimator


@pytest.mark.parametrize("convert", [np.int8, np.uint64], ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", COUNTS)
def test_settings_hold_plain_integers(name, convert):
    settings = settings_of(small(**{name: convert(COUNTS[name])}))
    assert settings == settings_of(small(**{name: COUNTS[name]}))
    assert not any(isinstance(value, np.generic) for value in dataclasses.asdict(settings).values())


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize("name", FLAGS)
def test_settings_hold_plain_flags(name, flag):
    settings = settings_of(MLPRegressor(hidden_layer_sizes=(4, 4), **{name: np.bool_(flag)}))
    assert settings == settings_of(MLPRegressor(hidden_layer_sizes=(4, 4), **{name: flag}))
    assert not any(isinstance(value, np.generic) for value in dataclasses.asdict(settings).values())


@pytest.mark.parametrize(
    "params",
    [
        dict(max_iter=np.int8(3), batch_size=np.int8(16), learning_rate_init=np.float16(0.0625)),
        dict(solver="sgd", learning_rate="invscaling", power_t=np.float16(0.5), momentum=Fraction(3, 4)),
        dict(solver="lbfgs", max_iter=np.uint8(5), max_fun=np.int8(100), tol=Fraction(1, 1024)),
        dict(alpha=[np.float16(0.125), 0, Fraction(1, 4)], l1_ratio=np.float32(0.5), use_bias=np.bool_(True)),
        dict(hidden_layer_sizes=pd.Series([4, 3], index=["a", "b"]), dropout=np.array([0.25, 0.5], np.float16)),
        dict(early_stopping=np.bool_(True), validation_fraction=np.float32(0.25), n_iter_no_change=np.int8(2)),
        dict(hidden_layer_sizes=np.array([3, 3], np.uint8), residual=np.bool_(True), n_jobs=np.int8(1)),
    ],
    ids=str,
)
def test_the_type_of_a_number_changes_no_bit(params):
    def plain(value):
        if isinstance(value, (list, pd.Series, np.ndarray)):
            return [plain(one) for one in value]
        return float(value) if isinstance(value, Fraction) else getattr(value, "item", lambda: value)()

    given = small().set_params(**params).fit(X, Y)
    expected = small().set_params(**{name: plain(value) for name, value in params.items()}).fit(X, Y)
    assert same_bits(parameters(given), parameters(expected))
    assert given.n_iter_ == expected.n_iter_
    clone(given).fit(X, Y)


def test_a_loss_beyond_half_precision_stops_all_the_same():
    # 65504 - 0.1 is infinite in float16: what improves would be compared with that.
    net = small(max_iter=50, tol=np.float16(0.1), n_iter_no_change=2, learning_rate_init=1e-12).fit(X, 1e4 * Y)
    assert net.loss_ > 65504
    assert net.n_iter_ == 4
    assert net.stop_reason_ == "no_improvement"


def test_settings_are_frozen():
    settings = settings_of(small())
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.tol = 1.0


def test_an_optimizer_that_predicts_with_an_average_says_so():
    assert [name for name, rule in OPTIMIZERS.items() if rule.averages_itself] == ["schedule_free_adamw"]


def test_lbfgs_has_no_optimizer_and_no_schedule():
    settings = settings_of(MLPClassifier(solver="lbfgs", early_stopping=True))
    assert (settings.optimizer, settings.schedule, settings.stops_early) == (None, None, False)
