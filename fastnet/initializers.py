"""Initial weights and biases: values of the estimators' ``init``.

``Initializer`` is the base class; every class with a name is here.
"""

from typing import TYPE_CHECKING

from .network.initializers import INITIALIZERS, Initializer

if TYPE_CHECKING:  # type checkers do not see the names that follow
    from .network.initializers import *  # noqa: F403

globals().update((type(entry).__name__, type(entry)) for entry in INITIALIZERS.values())

__all__ = ["Initializer", *(type(entry).__name__ for entry in INITIALIZERS.values())]
