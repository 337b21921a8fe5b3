"""Floor 5: what scikit-learn sees: validation, encoding of targets, tags, ``fit`` and ``predict``."""

from .classifier import MLPClassifier
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
