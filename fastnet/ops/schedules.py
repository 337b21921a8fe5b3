r"""Learning rates over the epochs: one entry each.

A schedule is a frozen value; the current rate lives with the training loop.
``after_epoch(rate, initial_rate, samples_seen)`` gives the rate of the next epoch, where ``initial_rate`` is the
estimators' ``learning_rate_init``. ``on_plateau(rate)`` is asked when
training has stopped to improve: it returns a new rate to go on with, or None to stop, and what to print.
Rules are scikit-learn's.
"""

from dataclasses import dataclass

from .registry import Value, number, register

SCHEDULES = {}


@dataclass(frozen=True)
class Schedule(Value):
    """A schedule; the first epoch's rate is ``learning_rate_init``."""

    def after_epoch(self, rate, initial_rate, samples_seen):
        """The next epoch's rate."""
        return rate

    def on_plateau(self, rate):
        """A new rate to go on with, or None to stop; and what to print."""
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

    Parameters
    ----------
    power_t : float, default=0.5
        The exponent, at least 0.
    """

    power_t: float = number(0.5, 0.0)

    @classmethod
    def of(cls, estimator):
        return cls(power_t=estimator.power_t)

    def after_epoch(self, rate, initial_rate, samples_seen):
        return initial_rate / (samples_seen + 1) ** self.power_t


@register(SCHEDULES, "adaptive")
@dataclass(frozen=True)
class Adaptive(Schedule):
    r"""The rate is divided by 5 at each plateau; training stops once it is :math:`10^{-6}` or less."""

    def on_plateau(self, rate):
        if rate <= 1e-6:
            return None, "Learning rate too small. Stopping."
        return rate / 5.0, f"Setting learning rate to {rate / 5.0:f}"
