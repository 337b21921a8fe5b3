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
    "bias_init": 0.25, "rate_factors": 0.5, "bias_rate_factor": 0.5, "validation_fraction": 0.25, "max_time": 1000.0,
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


# ---- what is refused -----------------------------------------------------------------------------------

HUGE = 10**5000  # Python refuses to write so many digits
IN_ORDER = ("hidden_layer_sizes", "alpha", "dropout", "drop_connect", "activation")


def refused(match, error=ValueError, **params):
    """A fit raises such an error before any work, and leaves the estimator as it was."""
    net = small().set_params(**params)
    state = dict(vars(net))
    with pytest.raises(error, match=match):
        net.fit(X, Y)
    assert vars(net) == state


@pytest.mark.parametrize(
    "value", [10**400, -HUGE, HUGE, Fraction(HUGE, 3), np.longdouble("1e4000"), [HUGE]],
    ids=["int", "negative", "long", "fraction", "longdouble", "list"],
)
@pytest.mark.parametrize("name", sorted({*NUMBERS, *COUNTS, *FLAGS, "random_state", "loss", "solver", "scoring"}))
def test_numbers_that_nothing_can_hold_are_refused_by_name(name, value):
    if isinstance(value, np.longdouble) and np.isinf(value):
        pytest.skip("no wider float here")
    refused(f"'?{name}'? .*must be", **{name: value})


@pytest.mark.parametrize("name", COUNTS)
def test_integers_beyond_64_bits_are_refused(name):
    refused(f"{name}.*64 bits can hold", **{name: 2**80})


@pytest.mark.parametrize("name", sorted({*NUMBERS, *COUNTS} - {"verbose"}))
def test_true_is_no_number(name):
    refused(name, **{name: True})


@pytest.mark.parametrize(
    "value",
    [np.array(5), [[1, 2], [3]], "abc", b"ab", {3, 4}, {3: 4, 5: 6}, np.ones((2, 2)), pd.DataFrame([[3, 4]]), object(),
     iter([3, 4]), [10**400, 1], [None, None], [True, True]],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
@pytest.mark.parametrize("name", IN_ORDER)
def test_what_is_no_sequence_of_the_layers_is_refused_by_name(name, value):
    refused(name, **{name: value})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "params",
    [
        {"learning_rate_init": "small"}, {"learning_rate_init": "large"}, {"alpha": "large"}, {"input_noise": "large"},
        {"bias_init": "large"}, {"clip_norm": "small"}, {"clip_value": "small"}, {"max_norm": "small"},
        {"epsilon": "small"}, {"alpha": ["large", "large", "large"]},
    ],
    ids=str,
)  # fmt: skip
def test_numbers_that_the_computation_would_lose_are_refused(params, dtype):
    size = {"float32": {"small": 1e-60, "large": 1e60}, "float64": {"small": 5e-324, "large": 1e300}}[dtype]
    for name, which in params.items():
        value, which = ([size[w] for w in which], which[0]) if isinstance(which, list) else (size[which], which)
        remedy = "float64'" if dtype == "float32" else f"{'larger' if which == 'small' else 'smaller'} number"
        refused(rf"^{name}=.* is too {which} for {dtype}, .*{remedy}\.$", dtype=dtype, **{name: value})


@pytest.mark.parametrize("params", [{"clip_norm": 1e300}, {"clip_value": 1e300}, {"max_norm": 1e300}, {"alpha": 1e-300},
                                    {"input_noise": 1e-300}, {"ema_decay": 1 - 1e-12}], ids=str)  # fmt: skip
def test_numbers_that_do_nothing_train(params):
    net = small(dtype="float32", **params).fit(X, Y)
    plain = small(dtype="float32").fit(X, Y)
    if "ema_decay" in params:
        assert not same_bits(parameters(net), parameters(plain))  # the mean of all steps
    elif "alpha" not in params:
        assert net.loss_curve_ == pytest.approx(plain.loss_curve_, rel=1e-6)


@pytest.mark.parametrize("name", ["dropout", "input_dropout", "drop_connect"])
def test_rates_that_leave_nothing_are_refused(name):
    refused(f"{name}=0.99.*leaves less than one", **{name: 1 - 1e-12})


def test_powers_that_no_rate_survives_are_refused():
    refused("power_t=10000000", solver="sgd", learning_rate="invscaling", power_t=10**7)
    small(power_t=10**7).fit(X, Y)  # without effect


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "sizes, error", [(2**62, ValueError), ((2**31, 2**31), ValueError), ((10**7, 10**7), MemoryError)], ids=str
)
def test_networks_beyond_the_memory_are_refused_by_name(sizes, error, solver):
    match = r"hidden_layer_sizes=\(.*takes about \d+ bytes .*fewer units"
    refused(match, error, hidden_layer_sizes=sizes, solver=solver)


def test_the_largest_counts_train():
    most = 2**63 - 1
    net = small(solver="lbfgs", max_iter=most, max_fun=most, tol=10.0, n_jobs=most, verbose=0).fit(X, Y)
    assert net.stop_reason_ == "converged"
    small(n_iter_no_change=most, n_jobs=-most, batch_size=40, tol=0.0).fit(X, Y)
