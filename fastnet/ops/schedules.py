r"""Learning rates over the epochs: one entry each.

A schedule is a frozen value; the current rate lives with the training loop.
``after_epoch(rate, samples_seen)`` gives the rate of the next epoch. ``on_plateau(rate)`` is asked when
training has stopped to improve: it returns a new rate to go on with, or None to stop, and what to print.
Rules are scikit-learn's.
"""

from dataclasses import dataclass

from .registry import register

SCHEDULES = {}


@dataclass(frozen=True)
class Schedule:
    """A schedule; the first epoch's rate is ``learning_rate_init``.

    Parameters
    ----------
    learning_rate_init : float, default=0.001
        First learning rate.
    power_t : float, default=0.5
        Exponent of the inverse scaling.
    """

    learning_rate_init: float = 0.001
    power_t: float = 0.5

    def after_epoch(self, rate, samples_seen):
        return rate

    def on_plateau(self, rate):
        return None, "Stopping."


@register(SCHEDULES, "constant")
@dataclass(frozen=True)
class Constant(Schedule):
    r"""The same rate throughout, :math:`\eta_t = \eta_0`."""


@register(SCHEDULES, "invscaling")
@dataclass(frozen=True)
class InverseScaling(Schedule):
    r""":math:`\eta_t = \eta_0 / (t + 1)^{p}`, with t the number of samples seen and p ``power_t``.

    It changes once an epoch, as in scikit-learn.
    """

    def after_epoch(self, rate, samples_seen):
        return float(self.learning_rate_init) / (samples_seen + 1) ** self.power_t


@register(SCHEDULES, "adaptive")
@dataclass(frozen=True)
class Adaptive(Schedule):
    r"""The rate is divided by 5 at each plateau; training stops once it is :math:`10^{-6}` or less."""

    def on_plateau(self, rate):
        if rate <= 1e-6:
            return None, "Learning rate too small. Stopping."
        return rate / 5.0, f"Setting learning rate to {rate / 5.0:f}"
