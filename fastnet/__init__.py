"""Multilayer perceptrons for scikit-learn, trained on the CPU by compiled kernels."""

from . import activations, initializers, losses, optimizers, schedules
from .estimators import MLPClassifier, MLPRegressor, from_sklearn
from .estimators.inspect import inspect

__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "__version__",
    "activations",
    "from_sklearn",
    "initializers",
    "inspect",
    "losses",
    "optimizers",
    "schedules",
]
__version__ = "0.1.0"
