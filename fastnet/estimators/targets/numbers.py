"""Targets of the regressor: their validation, and scores of outputs."""

import numpy as np
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import validate_data

from ...ops.losses.offsets import check_offset_link
from ...training.health import warn_of_outputs
from ..fitted import add_offset
from ..inputs.arrays import DTYPES, check_offset, named, plain_numbers
from ..parameters import regression_loss
from .scaling import fitted_scale


class NumberTargets:
    """Mixin before the base class: what `BaseMultilayerPerceptron` asks of a subclass, for numbers."""

    _plain_targets = staticmethod(plain_numbers)

    def _validate_input(self, X, y, incremental, reset):
        loss = regression_loss(self)
        with named(X=X):
            X, y = validate_data(
                self, X, y, accept_sparse=["csr", "csc"], multi_output=True, y_numeric=True, dtype=DTYPES, reset=reset,
                ensure_all_finite=False,
            )  # fmt: skip
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        loss.check_targets(y)
        targets = y.reshape(len(y), -1)
        return X, targets, loss, targets.shape[1] * loss.outputs_per_target

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
        loss = regression_loss(self)
        predicted = of_targets(loss, outputs)
        predicted = predicted[:, :, 0] if loss.has_std or loss.outputs_per_target == 1 else predicted
        if loss.quantile is not None:
            return float(d2_pinball_score(targets, predicted, sample_weight=sample_weight, alpha=loss.quantile))
        return score_of(loss, targets, predicted, sample_weight)

    def _predictions(self, X, offset=None):
        """Predictions of shape (n_samples, n_targets, outputs_per_target), in the targets' own unit."""
        if offset is None:
            outputs = self._outputs(X)
        else:
            check_offset_link(self._loss)
            outputs = add_offset(self._loss, self._outputs(X, link=False), check_offset(offset, X))
            if not np.isfinite(outputs).all():
                warn_of_outputs(outputs, outputs.dtype)
        values, scale = of_targets(self._loss, outputs), fitted_scale(self)
        if scale is None:
            return values
        if self._loss.has_std:
            restored = np.stack([scale.restore(values[:, :, 0]), scale.restore_spread(values[:, :, 1])], axis=2)
        else:
            restored = scale.restore(values)
        if np.isfinite(values).all() and not np.isfinite(restored).all():
            warn_of_outputs(restored.reshape(len(restored), -1), restored.dtype)
        return restored


def of_targets(loss, outputs):
    """Outputs of shape (n_samples, n_outputs) by their targets, (n_samples, n_targets, outputs_per_target)."""
    return outputs.reshape(len(outputs), -1, loss.outputs_per_target)


def score_of(loss, targets, predicted, sample_weight):
    """What `MLPRegressor.score` is: D² of the pinball loss for several quantiles, else R²; the mean over the targets.

    Parameters
    ----------
    loss : Loss
        Of the network.
    targets : ndarray of shape (n_samples,) or (n_samples, n_targets)
        The truth.
    predicted : ndarray of shape (n_samples, n_targets) or (n_samples, n_targets, outputs_per_target)
        Predictions; of a mean and a standard deviation the mean.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the loss has several predictions of each target, and no score is known of them.
    """
    if loss.quantiles:
        targets = check_array(targets, ensure_2d=False).reshape(len(targets), -1)
        if targets.shape[1] != predicted.shape[1]:
            raise ValueError(f"y has {targets.shape[1]} output(s), the network was trained on {predicted.shape[1]}.")
        scores = [
            d2_pinball_score(targets, predicted[:, :, k], sample_weight=sample_weight, alpha=quantile)
            for k, quantile in enumerate(loss.quantiles)
        ]
        return float(np.mean(scores))
    if predicted.ndim == 3:
        raise ValueError(
            f"loss={loss!r} predicts {predicted.shape[2]} numbers of each target, of which there is no score: for "
            "early stopping set scoring='loss', else score the predictions by a metric of your own."
        )
    return float(r2_score(targets, predicted, sample_weight=sample_weight))
