"""Callbacks: values of the estimators' ``callbacks``.

``Callback`` is the base class. A function of the trainer serves, too: it is called after each epoch. ``History`` is
what the fitted attribute ``history_`` is, and what callbacks see of a training.
"""

from .training.callbacks import Callback, EarlyStopping, LearningRateMonitor, Snapshots
from .training.history import History
from .training.layer_statistics import LayerStatistics
from .training.loggers import CSVLogger, TensorBoard

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LayerStatistics",
    "LearningRateMonitor",
    "Snapshots",
    "TensorBoard",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # pickles outlive moves of the sources
