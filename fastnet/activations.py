"""Activations of hidden layers: values of the estimators' ``activation``.

``Activation`` is the base class; every class with a name is here.
"""

from .ops.activations import ACTIVATIONS, Activation

globals().update((type(entry).__name__, type(entry)) for entry in ACTIVATIONS.values())

__all__ = ["Activation", *(type(entry).__name__ for entry in ACTIVATIONS.values())]
