"""Numbers that the type of the computation cannot hold, and what a user's own schedules and initialisers give."""

import copy
import math
import re
import warnings
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest

from fastnet import MLPClassifier, MLPRegressor, activations, initializers, losses, optimizers, schedules
from fastnet.network.draws import draw_layer
from fastnet.ops.rates import rates_of_epoch

X = np.random.default_rng(0).normal(size=(60, 3))
y = X[:, 0]
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def refuses(message, X=X, y=y, error=ValueError, Estimator=MLPRegressor, **params):
    """The error of a fit, which leaves no trace and warns of nothing; all warnings are errors here."""
    model = Estimator(**{"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0, **params})
    before = copy.copy(vars(model))
    with pytest.raises(error, match=message) as caught:
        model.fit(X, y)
    assert vars(model) == before
    return caught.value


# ---- what the dtype cannot hold ----------------------------------------------------------------------

LOST = [
    ({"epsilon": 1e-50}, "epsilon=1e-50 of Adam is too small"),
    ({"solver": optimizers.AMSGrad(epsilon=1e-44)}, "epsilon=1e-44 of AMSGrad is too small"),
    ({"solver": optimizers.AdamW(epsilon=1e300)}, r"epsilon=1e\+300 of AdamW is too large"),
    ({"solver": optimizers.AdamW(weight_decay=1e39)}, r"weight_decay=1e\+39 of AdamW is too large"),
    ({"solver": optimizers.Rprop(smallest=1e-50)}, "smallest=1e-50 of Rprop is too small"),
    ({"activation": activations.LeakyReLU(1e300)}, r"slope=1e\+300 of LeakyReLU is too large"),
    ({"activation": activations.LeakyReLU(1e-50)}, "slope=1e-50 of LeakyReLU is too small"),
    ({"activation": activations.PReLU(1e300)}, r"slope=1e\+300 of PReLU is too large"),
    ({"activation": [activations.ELU(1e39)]}, r"alpha=1e\+39 of ELU is too large"),
    ({"loss": losses.Huber(1e300)}, r"delta=1e\+300 of Huber is too large"),
    ({"loss": losses.Quantile(1 - 1e-9)}, "quantile=0.999999999 of Quantile is too near to an end of its range"),
    ({"loss": losses.Tweedie(1 + 1e-9), "positive": True}, "power=1.000000001 of Tweedie is too near to an end"),
    ({"init": initializers.Constant(1e39), "hidden_layer_sizes": ()}, r"init=Constant\(value=1e\+39\) draws.* large"),
    ({"init": initializers.Normal(1e300)}, r"init=Normal\(scale=1e\+300\) draws.* too large"),
    ({"init": initializers.HeNormal(1e200)}, r"init=HeNormal\(slope=1e\+200\) draws.* too small"),
    ({"init": initializers.Orthogonal(1e308)}, r"init=Orthogonal\(gain=1e\+308\) draws.* too large"),
    ({"output_init": initializers.Constant(1e39)}, r"output_init=Constant\(value=1e\+39\) draws.* too large"),
    ({"activation": activations.Parametric("relu", alpha=1e-163)}, "activation: alpha=1e-163 of Parametric is too"),
    ({"bias_init": 1e39}, r"bias_init=1e\+39 is too large"),
]


@pytest.mark.parametrize(("params", "message"), LOST, ids=str)
def test_a_number_that_is_lost_in_single_precision_is_named_before_training(params, message):
    params = {"dtype": "float32", **params}
    target = np.exp(y) if params.pop("positive", False) else y
    error = refuses(message, y=target, **params)
    assert "for float32, the type of the computation: " in str(error)
    assert set(re.findall(r"\w+", str(error))) & (set(params) - {"dtype"})
    assert str(error).endswith("or set dtype='float64'.")


@pytest.mark.parametrize(("params", "message"), LOST, ids=str)
def test_double_precision_holds_it(params, message):
    target = np.exp(y) if params.get("positive") else y
    params = {k: v for k, v in params.items() if k != "positive"}
    model = MLPRegressor(**{"hidden_layer_sizes": (4,), "max_iter": 1, "dtype": "float64", **params})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, target)
        except ValueError as error:  # 1e300 may overflow in training, honestly
            assert "the type of the computation" not in str(error)


def test_double_precision_has_ends_too():
    message = "epsilon=1e-310 of Adam is too small for float64, .*: give a larger number.$"
    refuses(message, dtype="float64", epsilon=1e-310)
    message = "^init: cut=1e-320 of TruncatedNormal is too small for float64"
    refuses(message, init=initializers.TruncatedNormal(cut=1e-320))
    refuses(r"init=Normal\(scale=1e\+308\) draws.* too large for float64", init=initializers.Normal(1e308),
            dtype="float64", hidden_layer_sizes=(60,))  # fmt: skip


def test_lost_numbers_of_classification_losses_are_named():
    labels = (y > 0).astype(int)
    for loss, message in [
        (losses.LogLoss(focal_gamma=1e39), r"focal_gamma=1e\+39 of SigmoidFocal is too large"),
        (losses.LogLoss(label_smoothing=1e-50), "label_smoothing=1e-50 of SigmoidCrossEntropy is too small"),
        (losses.LogLoss(label_smoothing=1 - 1e-12), "label_smoothing=0.99.* of SigmoidCrossEntropy is too near"),
    ]:
        refuses(message, y=labels, Estimator=MLPClassifier, loss=loss, dtype="float32")


def test_what_an_optimizer_reads_in_double_precision_may_be_finer():
    solver = optimizers.AdamW(beta_2=1 - 1e-10, beta_1=1e-60, weight_decay=1e-60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressor(solver=solver, dtype="float32", max_iter=3, random_state=0).fit(X, y)
    assert np.isfinite(model.loss_curve_).all() and model.loss_curve_[2] < model.loss_curve_[0]


def test_numbers_of_any_type_compute_alike():
    for given in (np.float16(0.25), np.float32(0.25), Fraction(1, 4)):
        assert losses.Huber(given) == losses.Huber(0.25) and type(losses.Huber(given).delta) is float
    assert repr(losses.Huber(np.float16(0.25))) == "Huber(delta=0.25)"
    assert optimizers.Adam(beta_1=np.float32(0.9)).beta_1 == float(np.float32(0.9))


# ---- schedules and initialisers at their ends --------------------------------------------------------


def test_every_schedule_computes_at_its_ends():
    for schedule in [
        schedules.Step(10**300, 1e-300), schedules.Step(1, 1e-320), schedules.Exponential(1e-320),
        schedules.Cosine(cycles=1000), schedules.Cosine(cycles=1000, lengthening=1e300),
        schedules.Cosine(0.5, 3, 1e-300), schedules.Cosine(cycles=3, lengthening=1e-320),
        schedules.OneCycle(peak_at=1e-320), schedules.OneCycle(peak_at=1 - 2.0**-53), schedules.MultiCosine(1000),
    ]:  # fmt: skip
        for epoch in (0, 1, 8, 9):
            rates = rates_of_epoch(schedule, 0.5, epoch, 7, 10)
            assert (rates >= 0).all() and (rates <= 0.5).all(), schedule
        assert_array_equal(rates_of_epoch(schedule, 1.0, 0, 3, 10**30, warmup=1e-320),
                           rates_of_epoch(schedule, 1.0, 0, 3, 10**30))  # fmt: skip
    for schedule in (schedules.Cosine, schedules.MultiCosine):
        with pytest.raises(ValueError, match=r"'cycles' parameter .* in the range \[1, 1000\]"):
            schedule(cycles=1001)


def test_many_cosines_equal_mpmath():
    times = np.array([1e-290, 1e-3, 0.3, 0.777, 1.0])
    with mpmath.workdps(400):
        for cycles in (4, 60, 1000):
            turns = [mpmath.log(1 + (2**cycles - 1) * mpmath.mpf(t), 2) for t in times.tolist()]
            exact = [float((1 - mpmath.cos(2 * mpmath.pi * t)) / 2) for t in turns]
            # the turns, up to `cycles`, are rounded
            assert_allclose(schedules.MultiCosine(cycles).factors(times, 1.0), exact, atol=1e-15 * cycles)


@pytest.mark.parametrize("lengthening", [1e-300, 0.5, 3.0, 1e300])
def test_cycles_of_any_lengthening_begin_high_and_end_low(lengthening):
    times = np.array([0.0, 0.1, 0.4, 0.6, 0.9, 1.0])
    first = 1 / (1 + lengthening)
    progress = [t / first if t < first else (t - first) / (1 - first) if first < 1 else 1.0 for t in times]
    if lengthening == 1e300:
        progress = times  # the first one is over before it began
    factors = schedules.Cosine(cycles=2, lengthening=lengthening).factors(times, 1.0)
    assert_allclose(factors, [(1 + math.cos(math.pi * p)) / 2 for p in progress], atol=1e-12)


def test_a_large_exponent_of_invscaling_ends_in_a_rate_of_zero_at_once():
    assert schedules.InverseScaling(10**7).after_epoch(0.1, 0.1, 60, 0) == 0.0


def test_initialisers_draw_what_they_say_at_their_ends():
    def draw(init):
        return draw_layer(400, 50, activations.ReLU(), init, np.random.RandomState(0), F64)[0]

    assert_allclose(draw(initializers.HeNormal(1e200)) * 1e200, draw(initializers.LeCunNormal()) * math.sqrt(2))
    assert_allclose(draw(initializers.HeUniform(1e200)) * 1e200, draw(initializers.LeCunUniform()) * math.sqrt(2))
    for init, bound in [(initializers.Uniform(1.7e308), 1.7e308), (initializers.TruncatedNormal(0.5, 1e-12), 5e-13),
                        (initializers.TruncatedNormal(2.0, 1e-300), 2e-300)]:  # fmt: skip
        # so near to 0 the normal distribution is uniform
        assert kstest((draw(init) / bound).ravel(), "uniform", (-1, 2)).pvalue > 1e-4
    assert np.isfinite(draw(initializers.TruncatedNormal(0.05, 1e300))).all()


# ---- what a user's own give --------------------------------------------------------------------------


@dataclass(frozen=True)
class Draws(initializers.Initializer):
    """Gives what ``make`` makes."""

    make: object = None

    def draw(self, fan_in, fan_out, activation, random_state):
        return self.make(fan_in, fan_out)


@dataclass(frozen=True)
class Factors(schedules.Schedule):
    make: object = None

    def factors(self, epochs, n_epochs):
        return self.make(len(epochs))


@dataclass(frozen=True)
class Rates(schedules.Schedule):
    make: object = None

    def after_epoch(self, rate, initial_rate, samples_seen, stalled):
        return self.make


@pytest.mark.parametrize(
    "make",
    [
        lambda n, m: None,
        lambda n, m: np.zeros((n, m)),
        lambda n, m: (np.zeros((n, m)), None),
        lambda n, m: (np.full((n, m), "a"), np.zeros(m)),
        lambda n, m: (np.zeros((n, m)), np.zeros(m, complex)),
        lambda n, m: (np.zeros((m, n)), np.zeros(m)),
        lambda n, m: (np.full((n, m), np.nan), np.zeros(m)),
        lambda n, m: (np.zeros((n, m)), np.zeros(m), np.zeros(m)),
    ],
)
def test_an_initialisers_draws_are_looked_at(make):
    error = refuses(r"init=Draws\(make=.*\) must give weights of shape \(3, 4\) and biases of shape \(4,\)",
                    init=Draws(make))  # fmt: skip
    assert isinstance(error.__cause__, (TypeError, ValueError)) == ("two arrays of numbers" in str(error))


def test_an_initialiser_without_weights_is_named():
    class Nothing(initializers.Initializer):
        pass

    refuses("Nothing gives neither weights nor draw", error=NotImplementedError, init=Nothing())


def test_draws_of_other_types_are_taken():
    for kind in (np.float32, np.int64, list):
        def make(n, m, kind=kind):
            weights = np.arange(n * m).reshape(n, m)
            return (weights.tolist(), [0] * m) if kind is list else (weights.astype(kind), np.zeros(m, kind))

        weights, biases = draw_layer(3, 4, activations.ReLU(), Draws(make), None, F32)
        assert weights.dtype == biases.dtype == F32 and weights[2, 3] == 11


@pytest.mark.parametrize(
    "make",
    [
        lambda n: None,
        lambda n: "abc",
        lambda n: 0.5,
        lambda n: np.ones(n + 1),
        lambda n: np.ones((n, 1)),
        lambda n: np.full(n, np.nan),
        lambda n: np.full(n, -0.5),
        lambda n: np.full(n, 1e308),
        lambda n: np.ones(n, complex),
    ],
)
def test_a_schedules_factors_are_looked_at(make):
    refuses(r"factors of learning_rate=Factors\(make=.*\) must give an array of 3 finite factors of at least 0",
            learning_rate=Factors(make), learning_rate_init=10.0, batch_size=20, max_iter=1)  # fmt: skip


@pytest.mark.parametrize("rate", [None, "fast", math.nan, math.inf, -1.0, [0.1]])
def test_the_rates_of_a_schedule_are_looked_at(rate):
    refuses(r"after_epoch and on_plateau of learning_rate=Rates\(.*\) must give a finite rate of at least 0, got",
            learning_rate=Rates(rate), max_iter=3)  # fmt: skip


@pytest.mark.parametrize("given", [None, "fast", math.nan, math.inf, -1.0, [0.1], True, 10**400, 1j])
def test_what_a_callable_rate_gives_is_looked_at(given):
    refuses("learning_rate must return a finite factor of at least 0, got .* at progress 0.0: let the callable",
            learning_rate=lambda p: given)  # fmt: skip
