"""What to say when numbers became too large."""

import warnings

import numpy as np

from .user_line import stacklevel_of_user

_REMEDY = "Bring X and y to one scale, such as by StandardScaler"
DIVERGED = (
    "Training diverged: outputs for the validation samples were not finite after every epoch, so that none is the "
    f"best. {_REMEDY}, or lower learning_rate_init."
)


def quiet():
    """Context without NumPy's warnings of numbers that are too large: ours, which say what to do, come afterwards."""
    return np.errstate(over="ignore", invalid="ignore")


def check_training(parameters, fitted, dtype):
    """Tell that training diverged, or that a part of it had no effect.

    Parameters
    ----------
    parameters : list of ndarray
        What was trained.
    fitted : dict
        Fitted attributes, of which the loss and the optimizer's moments are looked at. A squared gradient that has
        become infinite holds its weight still for ever, and nothing else shows it.
    dtype : numpy.dtype
        Type of the computation.

    Raises
    ------
    ValueError
        If a parameter is not finite.

    Warns
    -----
    RuntimeWarning
        If the loss or a moment is not finite.
    """
    larger = ", or set dtype='float64'" if dtype == np.float32 else ""
    if not _all_finite(parameters):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
            f"preprocessed. {_REMEDY}, or lower learning_rate_init{larger}."
        )
    state = fitted.get("_optimizer")
    moments = state.moments if state is not None and state.moments is not None else []
    if np.isfinite(fitted.get("loss_", 0.0)) and all(map(_all_finite, moments)):
        return
    warnings.warn(
        f"Numbers in training were too large for {dtype}: the loss, or moments of the optimizer, are not finite, and "
        f"weights may not have been trained. {_REMEDY}{larger}.",
        RuntimeWarning,
        stacklevel=stacklevel_of_user(),
    )


def warn_of_outputs(outputs, dtype):
    """Warn that some outputs of a network that computes in a dtype are not finite."""
    n = np.count_nonzero(~np.isfinite(outputs).all(axis=1))
    larger = ", or fit with dtype='float64'" if dtype == np.float32 else ""
    if not larger and outputs.dtype == np.float32:
        dtype, larger = outputs.dtype, ", or give X in float64"
    warnings.warn(
        f"Outputs for {n} of {len(outputs)} samples are not finite: numbers were too large for {dtype}. Bring X to the "
        f"scale of the training data{larger}.",
        RuntimeWarning,
        stacklevel=stacklevel_of_user(),
    )


def _all_finite(arrays):
    return all(np.isfinite(a).all() for a in arrays)
