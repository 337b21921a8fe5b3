"""Estimators for tables: columns of all kinds in, predictions out."""

from .classifier import TabularMLPClassifier
from .preprocessing import TabularPreprocessor
from .regressor import TabularMLPRegressor

__all__ = ["TabularMLPClassifier", "TabularMLPRegressor", "TabularPreprocessor"]
