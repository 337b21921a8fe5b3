"""Losses: values of the estimators' ``loss``.

``Loss`` is the base class; every class with a name is here.
"""

from .ops.losses import LOSSES, Loss

globals().update((type(entry).__name__, type(entry)) for entry in LOSSES.values())

__all__ = ["Loss", *(type(entry).__name__ for entry in LOSSES.values())]
