"""Standardised targets: what the network learns instead of the numbers of y, and the way back."""

from dataclasses import dataclass

import numpy as np

from ...training.health import quiet


@dataclass(frozen=True)
class TargetScale:
    """Mean and standard deviation of each target.

    Parameters
    ----------
    mean, scale : ndarray of float64 of shape (n_targets,)
        The network learns ``(y - mean) / scale``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.estimators.targets.scaling import TargetScale
    >>> scale = TargetScale.of(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> scale.mean, scale.scale
    (array([2., 5.]), array([1., 1.]))
    >>> scale.standardise(np.array([[4.0, 5.0]]))
    array([[2., 0.]])
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, targets, sample_weight=None):
        """That of targets of shape (n_samples, n_targets), weighted; a target that is constant has scale 1."""
        targets = np.asarray(targets, np.float64)
        if sample_weight is not None:
            counts = sample_weight > 0
            targets, sample_weight = targets[counts], np.asarray(sample_weight[counts], np.float64)
        low, high = targets.min(axis=0), targets.max(axis=0)
        # In units of the largest number: squares then neither overflow nor vanish.
        unit = np.maximum(abs(low), abs(high))
        unit[unit == 0] = 1.0
        parts = targets / unit
        mean = np.average(parts, axis=0, weights=sample_weight)
        deviation = np.sqrt(np.average((parts - mean) ** 2, axis=0, weights=sample_weight)) * unit
        is_constant = (low == high) | (deviation == 0)
        return cls(np.where(low == high, low, mean * unit), np.where(is_constant, 1.0, deviation))

    def standardise(self, targets):
        """Targets of shape (n_samples, n_targets) as the network learns them, in float64."""
        with quiet():
            return (np.asarray(targets, np.float64) - self.mean) / self.scale

    def restore(self, values):
        """The way back, of predictions of shape (n_samples, n_targets) or (n_samples, n_targets, n), in their dtype."""
        return self._back(values, self.mean)

    def restore_spread(self, values):
        """The way back of standard deviations, in their dtype."""
        return self._back(values, np.zeros_like(self.mean))

    def _back(self, values, mean):
        of_targets = (slice(None), *(None,) * (values.ndim - 2))
        with quiet():
            return (values * self.scale[of_targets] + mean[of_targets]).astype(values.dtype)

    @property
    def attributes(self):
        """As an estimator keeps it."""
        return {"target_mean_": self.mean, "target_scale_": self.scale}


def fitted_scale(estimator):
    """The `TargetScale` that an estimator was fitted with, or None."""
    mean = getattr(estimator, "target_mean_", None)
    return None if mean is None else TargetScale(mean, estimator.target_scale_)


def scale_of_fit(estimator, settings, targets, sample_weight, rows, goes_on):
    """The `TargetScale` of a fit, None without ``target_scaling``.

    Parameters
    ----------
    estimator : estimator
        Whose first fit has frozen it, if this one goes on.
    settings : Settings
        What was asked for.
    targets, sample_weight : ndarray
        Of all samples; equal weights are None.
    rows : ndarray of intp
        Those that are trained on.
    goes_on : bool
        Whether training goes on with a fitted network.

    Raises
    ------
    ValueError
        If the network to go on with was fitted with another ``target_scaling``.
    """
    if not goes_on:
        if not settings.target_scaling:
            return None
        return TargetScale.of(targets[rows], None if sample_weight is None else sample_weight[rows])
    scale = fitted_scale(estimator)
    if settings.target_scaling != (scale is not None):
        raise ValueError(
            f"warm_start and partial_fit go on with the fitted network, which {'has' if scale else 'has not'} learnt "
            f"standardised targets, got target_scaling={settings.target_scaling}. Restore target_scaling, or train a "
            "new network: fit with warm_start=False."
        )
    return scale
