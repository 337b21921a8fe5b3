"""Feature layers: values of the estimators' ``features``.

``Feature`` is the base class; every class with a name is here.
"""

from typing import TYPE_CHECKING

from .ops.features import FEATURES, Feature
from .ops.registry import publish

if TYPE_CHECKING:  # type checkers do not see the names that follow
    from .ops.features import *  # noqa: F403

globals().update(publish(__name__, FEATURES, Feature))

__all__ = ["Feature", *(type(entry).__name__ for entry in FEATURES.values())]
