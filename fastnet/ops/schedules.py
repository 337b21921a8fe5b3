r"""Learning rates over the epochs: one entry each.

A schedule is a frozen value; the current rate and the count of epochs live with the training loop. What is
multiplied with the estimators' ``learning_rate_init`` comes in two parts:

- ``factors(epochs, n_epochs)``, a fixed function of time: ``epochs`` is an array of the epochs done before each
  mini-batch, with fractions, ``n_epochs`` the estimators' ``max_iter``.
- ``after_epoch(rate, initial_rate, samples_seen, stalled)`` gives the rate of the next epoch where that depends on
  the course of training; ``stalled`` is the number of epochs since the last improvement.

``on_plateau(rate)`` is asked when training has stopped to improve: it returns a new rate to go on with, or None to
stop, and what to print.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .numbers import Number, shown
from .registry import Value, number, register

SCHEDULES: "dict[str, Schedule]" = {}


@dataclass(frozen=True)
class Schedule(Value):
    """A schedule.

    Attributes
    ----------
    starts_low : bool
        Whether it warms up by itself.
    """

    starts_low = False

    @property
    def is_function_of_time(self) -> bool:
        """Whether ``factors`` is all of it, so that it can serve other things than the learning rate."""
        cls = type(self)
        return cls.after_epoch is Schedule.after_epoch and cls.on_plateau is Schedule.on_plateau

    def factors(self, epochs: np.ndarray, n_epochs: int) -> np.ndarray:
        """Factors of the rate for an array of times."""
        return np.ones(len(epochs))

    def after_epoch(self, rate: float, initial_rate: float, samples_seen: int, stalled: int) -> float:
        """The next epoch's rate."""
        return rate

    def on_plateau(self, rate: float) -> tuple[float | None, str]:
        """A new rate to go on with, or None to stop; and what to print."""
        return None, "Stopping."


@register(SCHEDULES, "constant")
@dataclass(frozen=True)
class Constant(Schedule):
    r"""The same rate throughout, :math:`\eta_t = \eta_0`.

    The default, and what the step sizes of Adam and its like are made for.
    """


@register(SCHEDULES, "invscaling")
@dataclass(frozen=True)
class InverseScaling(Schedule):
    r""":math:`\eta_t = \eta_0 / (t + 1)^{p}`, with t the number of samples seen and p ``power_t``.

    It changes once an epoch, as in scikit-learn.

    Parameters
    ----------
    power_t : float, default=0.5
        The exponent, at least 0.
    """

    power_t: float = number(0.5, 0.0)

    @classmethod
    def of(cls, estimator: Any) -> Self:
        return cls(power_t=estimator.power_t)

    def after_epoch(self, rate: float, initial_rate: float, samples_seen: int, stalled: int) -> float:
        return initial_rate * (samples_seen + 1.0) ** -self.power_t  # may become 0, where the power itself is too large


@register(SCHEDULES, "adaptive")
@dataclass(frozen=True)
class Adaptive(Schedule):
    r"""The rate is divided by 5 at each plateau; training stops once it is :math:`10^{-6}` or less.

    A plateau is what would end the training with another schedule: ``n_iter_no_change`` epochs without an
    improvement by ``tol``. The rule is scikit-learn's.
    """

    def on_plateau(self, rate: float) -> tuple[float | None, str]:
        if rate <= 1e-6:
            return None, "Learning rate too small. Stopping."
        return rate / 5.0, f"Setting learning rate to {rate / 5.0:f}"


@register(SCHEDULES, "reduce_on_plateau")
@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    r"""The rate is multiplied by ``factor`` after every ``patience + 1`` epochs in a row without an improvement.

    What has to improve, and by how much, is what stops the training after ``n_iter_no_change`` epochs: the training
    loss or, with early stopping, the validation score, by ``tol``.

    Parameters
    ----------
    factor : float, default=0.1
        In (0, 1).
    patience : int, default=4
        Epochs without an improvement to bear, fewer than ``n_iter_no_change``.
    smallest : float, default=1e-6
        The rate falls no further, at least 0.
    """

    factor: float = number(0.1, 0.0, 1.0, closed="neither")
    patience: int = number(4, 0, integral=True)
    smallest: float = number(1e-6, 0.0)

    def after_epoch(self, rate: float, initial_rate: float, samples_seen: int, stalled: int) -> float:
        if stalled and stalled % (self.patience + 1) == 0:
            return min(rate, max(rate * self.factor, self.smallest))
        return rate


@register(SCHEDULES, "step")
@dataclass(frozen=True)
class Step(Schedule):
    r"""The rate is multiplied by ``factor`` after every ``epochs`` epochs,
    :math:`\eta_t = \eta_0 f^{\lfloor t / e \rfloor}`.

    The classical way to anneal SGD with momentum, by tenths. He, Zhang, Ren, Sun: "Deep Residual Learning for Image
    Recognition", CVPR 2016, section 4.2.

    Parameters
    ----------
    epochs : int, default=30
        At least 1.
    factor : float, default=0.1
        In (0, 1).
    """

    epochs: int = number(30, 1, integral=True)
    factor: float = number(0.1, 0.0, 1.0, closed="neither")

    def factors(self, epochs: np.ndarray, n_epochs: int) -> np.ndarray:
        return self.factor ** np.floor(epochs / float(self.epochs))


@register(SCHEDULES, "exponential")
@dataclass(frozen=True)
class Exponential(Schedule):
    r"""Exponential decay over the epochs t, :math:`\eta_t = \eta_0 \gamma^t`, mini-batch by mini-batch.

    A smooth form of 'step', without epochs to choose.

    Parameters
    ----------
    decay : float, default=0.95
        :math:`\gamma`, the factor of one epoch, in (0, 1].
    """

    decay: float = number(0.95, 0.0, 1.0, closed="right")

    def factors(self, epochs: np.ndarray, n_epochs: int) -> np.ndarray:
        return self.decay**epochs


@register(SCHEDULES, "cosine")
@dataclass(frozen=True)
class Cosine(Schedule):
    r"""Cosine annealing, :math:`\eta_t = \eta_0 (e + (1 - e) (1 + \cos \pi p) / 2)`, with p the progress of the cycle.

    The cycles fill ``max_iter`` epochs; each begins again with the full rate. Loshchilov, Hutter: "SGDR: Stochastic
    Gradient Descent with Warm Restarts", ICLR 2017, equation 5.

    Parameters
    ----------
    end : float, default=0.0
        :math:`e`, the last factor of a cycle, in [0, 1].
    cycles : int, default=1
        Number of cycles, up to 1000; 1 is without restarts.
    lengthening : float, default=1.0
        Length of a cycle, divided by that of the one before, above 0.
    """

    end: float = number(0.0, 0.0, 1.0)
    cycles: int = number(1, 1, 1000, integral=True)
    lengthening: float = number(1.0, 0.0, closed="neither")

    def factors(self, epochs: np.ndarray, n_epochs: int) -> np.ndarray:
        progress = np.minimum(epochs / n_epochs, 1.0)
        # Those of the longest cycle are 1; what would be 0 beside it is a little longer.
        powers = np.arange(self.cycles) - (self.cycles - 1 if self.lengthening > 1.0 else 0)
        lengths = np.maximum(self.lengthening**powers, 1e-300)
        lengths /= lengths.sum()
        ends = np.minimum(np.cumsum(lengths), 1.0)
        ends[-1] = 1.0
        cycle = np.searchsorted(ends[:-1], progress + 1e-12, side="right")  # rounding must not delay a restart
        p = 1.0 - np.clip(ends[cycle] - progress, 0.0, lengths[cycle]) / lengths[cycle]
        return self.end + (1.0 - self.end) * 0.5 * (1.0 + np.cos(np.pi * p))


@register(SCHEDULES, "flat_cosine")
@dataclass(frozen=True)
class FlatCosine(Schedule):
    r"""The full value up to the progress f, then half a cosine:
    :math:`e + (1 - e) (1 + \cos \pi (p - f) / (1 - f)) / 2` for :math:`p > f`.

    Of dropout and weight decay in RealMLP, where it is known as flat_cos: Holzmüller, Grinsztajn, Steinwart: "Better by
    Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data", NeurIPS 2024.

    Parameters
    ----------
    flat : float, default=0.5
        :math:`f`, the progress up to which it stays, in [0, 1).
    end : float, default=0.0
        :math:`e`, the last factor, in [0, 1].
    """

    flat: float = number(0.5, 0.0, 1.0, closed="left")
    end: float = number(0.0, 0.0, 1.0)

    def factors(self, epochs: np.ndarray, n_epochs: int) -> np.ndarray:
        progress = np.minimum(epochs / n_epochs, 1.0)
        p = np.maximum(progress - self.flat, 0.0) / (1.0 - self.flat)
        return self.end + (1.0 - self.end) * 0.5 * (1.0 + np.cos(np.pi * p))


@register(SCHEDULES, "one_cycle")
@dataclass(frozen=True)
class OneCycle(Schedule):
    r"""One cycle: along half a cosine from ``start`` up to ``learning_rate_init``, the largest rate, then to ``end``.

    Give it a larger rate than a constant one, and as many epochs as shall be run. The momentum stays as it is.
    Smith, Topin: "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2019.

    Parameters
    ----------
    peak_at : float, default=0.3
        Progress at the peak, in (0, 1).
    start, end : float, default=0.04, 4e-6
        First and last factor, in [0, 1].
    """

    peak_at: float = number(0.3, 0.0, 1.0, closed="neither")
    start: float = number(0.04, 0.0, 1.0)
    end: float = number(4e-6, 0.0, 1.0)
    starts_low = True

    def factors(self, epochs: np.ndarray, n_epochs: int) -> np.ndarray:
        progress = np.minimum(epochs / n_epochs, 1.0)
        up = np.minimum(progress, self.peak_at) / self.peak_at
        down = (1.0 - progress) / (1.0 - self.peak_at)
        low = np.where(up < 1.0, self.start, self.end)
        return low + (1.0 - low) * 0.5 * (1.0 - np.cos(np.pi * np.where(up < 1.0, up, down)))


@register(SCHEDULES, "multi_cosine")
@dataclass(frozen=True)
class MultiCosine(Schedule):
    r"""Several cosines, each twice as long as the one before:
    :math:`\eta_t = \eta_0 (1 - \cos(2 \pi \log_2(1 + (2^k - 1) p))) / 2`, with p the progress and k ``cycles``.

    Each cycle starts and ends at 0. Known as coslog, from RealMLP: Holzmüller, Grinsztajn, Steinwart: "Better by
    Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data", NeurIPS 2024.

    Parameters
    ----------
    cycles : int, default=4
        From 1 to 1000: each one more halves all that are there.
    """

    cycles: int = number(4, 1, 1000, integral=True)
    starts_low = True

    def factors(self, epochs: np.ndarray, n_epochs: int) -> np.ndarray:
        progress = np.minimum(epochs / n_epochs, 1.0)
        return 0.5 * (1.0 - np.cos(2.0 * np.pi * np.log2(1.0 + (2.0**self.cycles - 1.0) * progress)))


@dataclass(frozen=True)
class Custom(Schedule):
    """A function of the progress: what a callable ``learning_rate``, or another schedule, stands for.

    Parameters
    ----------
    function : callable
        ``function(progress) -> factor``, with the progress in [0, 1] a float, called for each mini-batch.
    parameter : str, default='learning_rate'
        The estimators' parameter that it was given for, for messages.
    """

    function: Any = None
    parameter: str = "learning_rate"

    def factors(self, epochs: np.ndarray, n_epochs: int) -> np.ndarray:
        progress, allowed = np.minimum(epochs / n_epochs, 1.0).tolist(), Number(0.0)
        given = [self.function(p) for p in progress]
        factors = [allowed.plain(factor) for factor in given]
        if None in factors:
            first = factors.index(None)
            raise ValueError(
                f"{self.parameter} must return a finite factor of at least 0, got {shown(given[first])} at progress "
                f"{progress[first]}: let the callable {shown(self.function)} take a number in [0, 1] and "
                "return a number."
            )
        return np.array(factors, dtype=np.float64)
