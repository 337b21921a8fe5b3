"""Initial weights and biases: values of the estimators' ``init``.

``Initializer`` is the base class; every class with a name is here.
"""

from typing import TYPE_CHECKING

from .network.initializers import INITIALIZERS, Initializer
from .ops.registry import publish

if TYPE_CHECKING:  # type checkers do not see the names that follow
    from .network.initializers import *  # noqa: F403

globals().update(publish(__name__, INITIALIZERS, Initializer))

__all__ = ["Initializer", *(type(entry).__name__ for entry in INITIALIZERS.values())]
