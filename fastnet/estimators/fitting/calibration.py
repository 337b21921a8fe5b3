"""Temperature scaling: one number by which a network's logits are divided, fitted on samples it was not trained on."""

import warnings

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, logsumexp, softmax

from ...training.health import quiet
from ..parameters import CALIBRATED_LOG_LOSS

# Bounds of the logarithm of 1 / T, scikit-learn's.
_LOG_BOUNDS = (-10.0, 10.0)


def check_calibration(settings, loss, has_own, incremental):
    """Raise ValueError if ``calibration``, or a scoring after it, cannot be done.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    loss : str or Loss
        The loss as it was named, for messages.
    has_own : bool
        Whether ``fit`` was given validation samples.
    incremental : bool
        Whether this is ``partial_fit``.
    """
    if settings.scoring == CALIBRATED_LOG_LOSS and not settings.loss.has_probabilities:
        raise ValueError(
            f"scoring={CALIBRATED_LOG_LOSS!r} needs probabilities, which loss={loss!r} does not give: set "
            "loss='log_loss', or another scoring, such as 'loss'."
        )
    if settings.calibration is None:
        return
    asked = f"calibration={settings.calibration!r}"
    if not settings.loss.has_probabilities:
        raise ValueError(
            f"{asked} needs probabilities, which loss={loss!r} does not give: set loss='log_loss', or "
            "calibration=None."
        )
    if incremental:
        raise ValueError(
            f"partial_fit does not support {asked}, which needs a trained network: set calibration=None, and calibrate "
            "in the end by scikit-learn's CalibratedClassifierCV around a FrozenEstimator."
        )
    if not has_own and not settings.stops_early:
        remedy = "set early_stopping=True, or give" if settings.is_stochastic else "with solver='lbfgs', give"
        raise ValueError(f"{asked} needs samples that training does not see: {remedy} X_val and y_val to fit.")


def network_temperature(architecture, matrices, vectors, validation, sizes, n_jobs):
    """The temperature of a network with these parameters on a `ValidationSet`; ``sizes`` as for `fit_temperature`."""
    from ...engine import forward

    X, rows = validation.X, validation.rows
    logits = forward(architecture, matrices, vectors, X, n_jobs=n_jobs, rows=rows, link=False)
    return fit_temperature(logits, validation.targets, validation.sample_weight, sizes)


def fit_temperature(logits, targets, sample_weight=None, sizes=None):
    """The temperature that minimises the mean cross-entropy of logits divided by it.

    Guo, Pleiss, Sun, Weinberger: "On Calibration of Modern Neural Networks", ICML 2017, section 4.2. In 1 / T the
    cross-entropy is convex.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_outputs)
        Raw outputs of the network.
    targets : ndarray of shape (n_samples, n_columns) or (n_samples, n_outputs)
        Index of the class, for the softmax of each column, mostly one; else 0 or 1 for the sigmoid of each output.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights; None means equal weights.
    sizes : list of int, default=None
        Number of classes of each column; None is that of one column.

    Returns
    -------
    float
        The temperature T, 1.0 if there is none.

    Raises
    ------
    ValueError
        If a logit is not finite.

    Warns
    -----
    UserWarning
        If every sample is on its right side, so that smaller temperatures are ever better.

    Examples
    --------
    Of four samples with logit 2, three are of class 1: the best probability is 3/4, whose logit is log(3).

    >>> import numpy as np
    >>> from fastnet.estimators.fitting.calibration import fit_temperature
    >>> temperature = fit_temperature(np.full((4, 1), 2.0), np.array([[1], [1], [1], [0]]))
    >>> float(round(2 / temperature, 4)), float(round(np.log(3), 4))
    (1.0986, 1.0986)
    """
    logits = np.asarray(logits, np.float64)
    if not np.isfinite(logits).all():
        raise ValueError(
            "calibration needs finite outputs, the network gives others for some validation samples: rescale X_val."
        )
    weight = np.ones(len(logits)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    margins, surprises = _of_inverse_temperatures(logits, targets, sizes)
    if (margins[weight > 0] >= 0).all():
        warnings.warn(
            "Every validation sample is classified right, so that no temperature is the best one: probabilities stay "
            "as they are, temperature_=1.0. Validate with more samples.",
            stacklevel=2,
        )
        return 1.0
    return float(np.exp(-_minimise(surprises, weight, 1e-8).x))


def calibrated_log_loss(logits, targets, sample_weight=None, sizes=None):
    """The mean cross-entropy of logits divided by the temperature that is best for it, from exp(-10) to exp(10).

    Parameters
    ----------
    logits, targets, sample_weight, sizes
        As of `fit_temperature`; the logits may also be not finite.

    Returns
    -------
    float
        nan if a logit is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.estimators.fitting.calibration import calibrated_log_loss
    >>> loss = calibrated_log_loss(np.full((4, 1), 50.0), np.array([[1], [1], [1], [0]]))
    >>> float(round(loss, 4)), float(round(-0.75 * np.log(0.75) - 0.25 * np.log(0.25), 4))
    (0.5623, 0.5623)
    """
    logits = np.asarray(logits, np.float64)
    if not np.isfinite(logits).all():
        return np.nan
    weight = np.ones(len(logits)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    _, surprises = _of_inverse_temperatures(logits, targets, sizes)
    # Near the minimum the loss is flat: half of the digits suffice. The search never comes quite to its upper end.
    coldest = np.average(surprises(np.exp(_LOG_BOUNDS[1])), weights=weight)
    return float(min(_minimise(surprises, weight, 1e-4).fun, coldest))


def _of_inverse_temperatures(logits, targets, sizes):
    """By how much each sample is on its right side, and a function of 1 / T that gives each one's cross-entropy."""
    if sizes is not None or targets.shape != logits.shape:
        parts = [logits] if sizes is None else np.split(logits, np.cumsum(sizes)[:-1], axis=1)
        labels = targets.T[:, :, None].astype(np.intp)
        of_labels = [np.take_along_axis(part, at, axis=1) for part, at in zip(parts, labels, strict=True)]
        margins = np.hstack([own - part.max(axis=1, keepdims=True) for part, own in zip(parts, of_labels, strict=True)])

        def surprises(beta):
            return sum(
                logsumexp(beta * part, axis=1) - beta * own[:, 0] for part, own in zip(parts, of_labels, strict=True)
            )
    else:
        margins = np.where(targets > 0.5, logits, -logits)

        def surprises(beta):
            return -log_expit(beta * margins).sum(axis=1)

    return margins, surprises


def _minimise(surprises, weight, tolerance):
    """SciPy's result of the search for the best logarithm of 1 / T, to this tolerance."""
    return minimize_scalar(
        lambda log_beta: np.average(surprises(np.exp(log_beta)), weights=weight),
        bounds=_LOG_BOUNDS,
        method="bounded",
        options={"xatol": tolerance},
    )


def probabilities(logits, out_activation):
    """Probabilities of logits: of each class, of both for one logit, or of each label."""
    with quiet():
        return softmax(logits, axis=1) if out_activation == "softmax" else expit(_of_both(logits))


def log_probabilities(logits, out_activation):
    """Logarithms of what `probabilities` gives, finite where these round to 0."""
    with quiet():
        return log_softmax(logits, axis=1) if out_activation == "softmax" else log_expit(_of_both(logits))


def _of_both(logits):
    """One logit is that of two classes. 1 - p would round to 0 long before the probability does."""
    return np.hstack([-logits, logits]) if logits.shape[1] == 1 else logits
