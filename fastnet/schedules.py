"""Schedules of the learning rate: values of the estimators' ``learning_rate``.

``Schedule`` is the base class; every class with a name is here.
"""

from typing import TYPE_CHECKING

from .ops.registry import publish
from .ops.schedules import SCHEDULES, Custom, Schedule

if TYPE_CHECKING:  # type checkers do not see the names that follow
    from .ops.schedules import *  # noqa: F403

globals().update(publish(__name__, SCHEDULES, Schedule, Custom))

__all__ = ["Schedule", *(type(entry).__name__ for entry in SCHEDULES.values())]
