"""Floor 5: what scikit-learn sees: validation, encoding of targets, tags, ``fit`` and ``predict``."""

from .classifier import MLPClassifier
from .from_sklearn import from_sklearn
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "from_sklearn"]
