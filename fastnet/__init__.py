"""Multilayer perceptrons for scikit-learn, trained on the CPU by compiled kernels."""

from .estimators import MLPClassifier, MLPRegressor, from_sklearn
from .estimators.inspect import inspect

__all__ = ["MLPClassifier", "MLPRegressor", "__version__", "from_sklearn", "inspect"]
__version__ = "0.1.0"
