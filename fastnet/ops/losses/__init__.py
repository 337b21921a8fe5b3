"""The losses: those of classes, those of numbers, and the registry of both."""

from .base import LOSSES, Loss
from .classification import (
    Hinge,
    LogLoss,
    MulticlassHinge,
    MulticlassPerceptron,
    MulticlassSquaredHinge,
    Perceptron,
    SigmoidCrossEntropy,
    SigmoidFocal,
    SquaredHinge,
)
from .distributions import GaussianNLL, Quantiles
from .regression import AbsoluteError, Gamma, Huber, LogCosh, Poisson, Quantile, SquaredError, Tweedie

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "Gamma",
    "GaussianNLL",
    "Hinge",
    "Huber",
    "LogCosh",
    "LogLoss",
    "Loss",
    "MulticlassHinge",
    "MulticlassPerceptron",
    "MulticlassSquaredHinge",
    "Perceptron",
    "Poisson",
    "Quantile",
    "Quantiles",
    "SigmoidCrossEntropy",
    "SigmoidFocal",
    "SquaredError",
    "SquaredHinge",
    "Tweedie",
]
