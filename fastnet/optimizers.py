"""Optimizers: values of the estimators' ``solver``.

``Optimizer`` is the base class; every class with a name is here.
"""

from .ops.optimizers import OPTIMIZERS, Optimizer

globals().update((type(entry).__name__, type(entry)) for entry in OPTIMIZERS.values())

__all__ = ["Optimizer", *(type(entry).__name__ for entry in OPTIMIZERS.values())]
