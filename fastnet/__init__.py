"""Multilayer perceptrons for scikit-learn, trained on the CPU by compiled kernels."""

from . import activations, callbacks, features, formulas, initializers, inspection, losses, optimizers, schedules
from .checkpoint import Checkpoint, resume
from .diagnosis.warning import TrainingWarning
from .environment import show_versions
from .estimators import MLPClassifier, MLPRegressor, from_sklearn
from .estimators.diagnose import diagnose
from .estimators.find_learning_rate import find_learning_rate
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
    "TrainingWarning",
    "__version__",
    "activations",
    "callbacks",
    "diagnose",
    "features",
    "find_learning_rate",
    "formulas",
    "from_sklearn",
    "initializers",
    "inspect",
    "inspection",
    "losses",
    "optimizers",
    "resume",
    "schedules",
    "show_versions",
]

find_moved_modules()
for _class in (MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor, Checkpoint):
    _class.__module__ = __name__  # pickles outlive moves of the sources
TrainingWarning.__module__ = __name__
