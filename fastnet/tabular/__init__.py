"""Estimators for tables: columns of all kinds in, predictions out."""

from .preprocessing import TabularPreprocessor

__all__ = ["TabularPreprocessor"]
