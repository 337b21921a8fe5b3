"""Losses: values of the estimators' ``loss``.

``Loss`` is the base class; every class with a name is here.
"""

from typing import TYPE_CHECKING

from .ops.losses import LOSSES, Loss
from .ops.losses.columns import ColumnsLogLoss
from .ops.registry import publish

if TYPE_CHECKING:  # type checkers do not see the names that follow
    from .ops.losses import *  # noqa: F403

globals().update(publish(__name__, LOSSES, Loss, ColumnsLogLoss))

__all__ = ["Loss", *(type(entry).__name__ for entry in LOSSES.values())]
