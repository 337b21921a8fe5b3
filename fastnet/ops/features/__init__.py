"""Feature layers: what a column of the inputs becomes before the first product. One entry each.

An entry names its numbers, with their shapes and the values that they begin with; ``compiled/feature_kernels.py`` has
what it computes, and its gradient.
"""

from .base import FEATURES, MAX_OUTPUTS, Feature
from .categorical import Embedding, OneHot
from .numeric import PBLD, Cosine, PiecewiseLinear, Scale

__all__ = ["FEATURES", "MAX_OUTPUTS", "PBLD", "Cosine", "Embedding", "Feature", "OneHot", "PiecewiseLinear", "Scale"]
