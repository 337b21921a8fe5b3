"""Schedules of the learning rate: values of the estimators' ``learning_rate``.

``Schedule`` is the base class; every class with a name is here.
"""

from .ops.schedules import SCHEDULES, Schedule

globals().update((type(entry).__name__, type(entry)) for entry in SCHEDULES.values())

__all__ = ["Schedule", *(type(entry).__name__ for entry in SCHEDULES.values())]
