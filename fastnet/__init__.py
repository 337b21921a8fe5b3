"""Multilayer perceptrons for scikit-learn, trained on the CPU by compiled kernels."""

from . import activations, callbacks, initializers, losses, optimizers, schedules
from .checkpoint import Checkpoint, resume
from .environment import show_versions
from .estimators import MLPClassifier, MLPRegressor, from_sklearn
from .estimators.inspect import inspect
from .moved import find_moved_modules
from .tabular import TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor
from .version import __version__

__all__ = [
    "Checkpoint",
    "MLPClassifier",
    "MLPRegressor",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "TabularPreprocessor",
    "__version__",
    "activations",
    "callbacks",
    "from_sklearn",
    "initializers",
    "inspect",
    "losses",
    "optimizers",
    "resume",
    "schedules",
    "show_versions",
]

find_moved_modules()
for _class in (MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor, Checkpoint):
    _class.__module__ = __name__  # pickles outlive moves of the sources
