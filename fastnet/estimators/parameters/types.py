"""Types of what users give, for annotations."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import sparray, spmatrix

from ...network.initializers import Initializer
from ...ops.activations import Activation
from ...ops.features import Feature
from ...ops.losses.base import Loss
from ...ops.optimizers import Optimizer
from ...ops.schedules import Schedule
from ...training.callbacks import Callback
from ...training.trainer import Trainer

MatrixLike = ArrayLike | sparray | spmatrix
ManyArrays = np.ndarray | list[np.ndarray]  # a list if there are several columns of classes
Activations = str | Activation | Sequence[str | Activation]
Rates = float | Sequence[float]  # one, or one for each layer
Features = Feature | Sequence[tuple[Feature, object]] | None  # of all columns, or with the columns of each
Losses = str | Loss
Solver = str | Optimizer
LearningRate = str | Schedule | Callable[[float], float]
Callbacks = Callback | Callable[[Trainer], object] | Sequence[Callback | Callable[[Trainer], object]] | None
Scoring = str | Callable[..., float] | Sequence[str] | dict[str, str | Callable[..., float]] | None
Initial = str | Initializer | object  # the object is a fitted network
