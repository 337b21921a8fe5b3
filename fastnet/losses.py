"""Losses: values of the estimators' ``loss``.

``Loss`` is the base class; every class with a name is here.
"""

from typing import TYPE_CHECKING

from .ops.losses import LOSSES, Loss

if TYPE_CHECKING:  # type checkers do not see the names that follow
    from .ops.losses import *  # noqa: F403

globals().update((type(entry).__name__, type(entry)) for entry in LOSSES.values())

__all__ = ["Loss", *(type(entry).__name__ for entry in LOSSES.values())]
