"""Targets of the regressor: their validation, and scores of outputs."""

import numpy as np
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from ...training.health import warn_of_outputs
from ..inputs.arrays import DTYPES, named, plain_numbers
from ..parameters import regression_loss
from .scaling import fitted_scale


class NumberTargets:
    """Mixin before the base class: what `BaseMultilayerPerceptron` asks of a subclass, for numbers."""

    _plain_targets = staticmethod(plain_numbers)

    def _validate_input(self, X, y, incremental, reset):
        loss = regression_loss(self)
        with named(X=X):
            X, y = validate_data(
                self, X, y, accept_sparse=["csr", "csc"], multi_output=True, y_numeric=True, dtype=DTYPES, reset=reset
            )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        loss.check_targets(y)
        targets = y.reshape(len(y), -1)
        return X, targets, loss, targets.shape[1]

    def _validation_targets(self, y, targets, loss):
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        result = y.reshape(len(y), -1)
        if result.shape[1] != targets.shape[1]:
            raise ValueError(f"y_val has {result.shape[1]} outputs, y has {targets.shape[1]}: both must have the same.")
        try:
            loss.check_targets(y)
        except ValueError as error:
            raise ValueError(f"In y_val: {error}") from None
        return result

    def _score_outputs(self, targets, outputs, sample_weight):
        if not np.isfinite(outputs).all():
            return np.nan
        quantile = regression_loss(self).quantile
        if quantile is not None:
            return float(d2_pinball_score(targets, outputs, sample_weight=sample_weight, alpha=quantile))
        return float(r2_score(targets, outputs, sample_weight=sample_weight))

    def _predictions(self, outputs):
        """What a user gets for the network's outputs: in the targets' own unit, one column as a vector."""
        scale = fitted_scale(self)
        if scale is not None:
            given, outputs = outputs, scale.restore(outputs)
            if np.isfinite(given).all() and not np.isfinite(outputs).all():
                warn_of_outputs(outputs, outputs.dtype)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs
