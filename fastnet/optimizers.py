"""Optimizers: values of the estimators' ``solver``.

``Optimizer`` is the base class; every class with a name is here.
"""

from typing import TYPE_CHECKING

from .ops.optimizers import OPTIMIZERS, Optimizer
from .ops.registry import publish

if TYPE_CHECKING:  # type checkers do not see the names that follow
    from .ops.optimizers import *  # noqa: F403

globals().update(publish(__name__, OPTIMIZERS, Optimizer))

__all__ = ["Optimizer", *(type(entry).__name__ for entry in OPTIMIZERS.values())]
