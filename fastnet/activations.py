"""Activations of hidden layers: values of the estimators' ``activation``.

``Activation`` is the base class; every class with a name is here.
"""

from typing import TYPE_CHECKING

from .ops.activations import ACTIVATIONS, Activation
from .ops.registry import publish

if TYPE_CHECKING:  # type checkers do not see the names that follow
    from .ops.activations import *  # noqa: F403

globals().update(publish(__name__, ACTIVATIONS, Activation))

__all__ = ["Activation", *(type(entry).__name__ for entry in ACTIVATIONS.values())]
