"""Arrays on their way into the engine."""

from contextlib import contextmanager, suppress
from functools import lru_cache

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import _check_sample_weight

from ...ops.numbers import Number, shown
from ...training.health import quiet
from .entries import explain, refuse_dates, refuse_masked

# Types of X that the engine reads; all others are converted by scikit-learn's validation.
DTYPES = (np.float64, np.float32)
# How scikit-learn's messages begin if an entry is no number.
_NO_NUMBERS = ("could not convert string", "setting an array element", "Complex data not supported")
_PART = 8192  # numbers of which one sum is taken: BLAS keeps to one thread
_LARGEST_OFFSET = float(np.log(np.finfo(np.float64).max))
# So few numbers are looked at one by one.
_FEW = 2048


def given_dtype(X):
    """The dtype that NumPy gives to X before validation, of a frame the one that holds all its columns."""
    dtypes = getattr(X, "dtypes", None)
    with suppress(TypeError):  # of columns that are not NumPy's
        if dtypes is not None:
            return np.result_type(*dtypes)
    return X.dtype if issparse(X) else np.asarray(X).dtype


def engine_input(X):
    """X as the engine takes it: CSC becomes CSR, arrays of CSR contiguous; all else stays uncopied."""
    if not issparse(X):
        return X
    X = X.tocsr()
    contiguous = all(part.flags.c_contiguous for part in (X.data, X.indices, X.indptr))
    return X if contiguous else X.copy()


def is_plain(X, estimator):
    """Whether X is an array of which a fitted estimator's validation would only ask whether all numbers are finite."""
    if hasattr(estimator, "feature_names_in_"):  # it would warn that the columns have no names
        return False
    is_floats = type(X) is np.ndarray and X.dtype in DTYPES
    return is_floats and X.ndim == 2 and len(X) > 0 and X.shape[1] == estimator.n_features_in_


def refuse_sparse(name, X, features):
    """Raise ValueError if X is sparse and a feature layer reads it, which makes other numbers of its zeros."""
    if features is not None and issparse(X):
        raise ValueError(
            f"features and input_scale would make sparse {name} dense: give {name}.toarray(), or set features=None and "
            "input_scale=False."
        )


@contextmanager
def named(**arrays):
    """Around scikit-learn's validation: refuse dates, and name what holds an entry that is no number."""
    for name, array in arrays.items():
        refuse_dates(name, array)
        refuse_masked(name, array)
    try:
        with quiet():  # sums that overflow, by which scikit-learn looks for what is not finite
            yield
    except (OverflowError, TypeError, ValueError) as error:
        if isinstance(error, ValueError) and not str(error).startswith(_NO_NUMBERS):
            raise
        for name, array in arrays.items():
            explain(name, array, TypeError if isinstance(error, TypeError) else ValueError)
        raise


def plain_numbers(y, name="y"):
    """Targets of a regression in an array of floats, whatever holds them; None stays None.

    Parameters
    ----------
    y : array-like, sparse matrix or None
        As the user gave it.
    name : str, default='y'
        For messages.

    Returns
    -------
    ndarray of float64 or float32
        Of the same shape.

    Raises
    ------
    ValueError
        If an entry is missing, is not finite or is no number.
    """
    if y is None:
        return None
    y = y.toarray() if issparse(y) else y
    with named(**{name: y}), config_context(array_api_dispatch=False):
        # Whether there are enough of them is seen beside X.
        of_any_shape = {"ensure_2d": False, "allow_nd": True, "ensure_min_samples": 0, "ensure_min_features": 0}
        try:
            return check_array(y, dtype=DTYPES, input_name=name, **of_any_shape)
        except ValueError as error:
            if not str(error).startswith(f"Input {name} contains"):
                raise
            raise ValueError(
                f"{str(error).rstrip('.')}: leave out such samples, such as by X[np.isfinite(y)], y[np.isfinite(y)]."
            ) from None


def check_weights(sample_weight, X, name="sample_weight"):
    """Validated weights of the samples; None if they are equal."""
    if sample_weight is None:
        return None
    if np.isscalar(sample_weight) and Number(0.0, closed="neither").plain(sample_weight) is None:
        raise ValueError(
            f"{name} must be an array with one weight for each sample, or one finite number above 0 for all, got "
            f"{shown(sample_weight)}."
        )
    try:
        with named(sample_weight=sample_weight):
            return _check_sample_weight(sample_weight, X, ensure_non_negative=True)
    except ValueError as error:
        message = str(error).replace("sample_weight", name)
        raise ValueError(message if name == "sample_weight" else message.replace("Sample weights", name)) from None


def check_offset(offset, X, name="offset"):
    """Validated offsets of the samples; None if there are none."""
    if offset is None:
        return None
    n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
    with named(**{name: offset}):
        offset = check_array(offset, ensure_2d=False, dtype=DTYPES, ensure_min_samples=0, input_name=name)
    if offset.shape != (n_samples,):
        raise ValueError(
            f"{name} must hold one number for each of the {n_samples} samples, got an array of shape {offset.shape}."
        )
    if np.abs(offset).max(initial=0.0) > _LARGEST_OFFSET:
        raise ValueError(
            f"{name} has numbers whose exponential is none that float64 can hold: give the logarithm of an exposure, "
            "not the exposure itself."
        )
    return offset


def check_finite(X, estimator):
    """Raise scikit-learn's ValueError if X, validated but for that, is not finite.

    Numbers are compared with the largest float32 in the same pass. It takes as long as reading X from memory does: a
    second one, for `check_fits`, took up to a fifth of predicting with a small net.

    Returns
    -------
    bool
        Whether all numbers are known to fit any dtype of a computation, so that `check_fits` need not look.
    """
    values = X.data if issparse(X) else X
    if _all_within(values, _largest(np.dtype(np.float32))):
        return True
    with quiet():  # as in `named`
        assert_all_finite(values, input_name="X", estimator_name=type(estimator).__name__)
    return False


def check_fits(name, values, dtype):
    """Raise ValueError if a number is too large for the computation dtype; reads the values once, a part at a time."""
    values = values.data if issparse(values) else np.asarray(values)
    if values.dtype.kind != "f" or values.dtype.itemsize <= np.dtype(dtype).itemsize:
        return
    limit = _largest(np.dtype(dtype))
    if not _all_within(values, limit) and (np.abs(values) > limit).any():  # where asked not to, nobody looks for nan
        raise ValueError(
            f"{name} has values too large for {dtype}, the type of the computation: rescale {name}, or set "
            "dtype='float64'."
        )


def check_numbers(X, estimator, dtype):
    """Raise ValueError if X, validated but for that, has numbers that are not finite in the computation dtype."""
    if not check_finite(X, estimator):
        check_fits("X", X, dtype)


def _all_within(values, limit):
    """Whether no magnitude is above the limit, and no number is nan."""
    if values.size <= _FEW:  # a row to predict: nothing is cheaper
        return values.size == 0 or np.abs(values).max() <= limit
    rows = values.T if values.flags.f_contiguous else values
    # What is contiguous is looked at where it is, all else is copied part by part.
    step = len(rows) if rows.flags.c_contiguous else max(1, _PART * len(rows) // rows.size)
    for start in range(0, len(rows), step):
        numbers = rows[start : start + step].ravel()
        end = numbers.size // _PART * _PART
        if not (_parts_within(numbers[:end].reshape(-1, _PART), limit) and _parts_within(numbers[None, end:], limit)):
            return False
    return True


def _parts_within(parts, limit):
    """The same of rows of numbers; the largest is looked for, at three times the cost, where squares sum to much."""
    with quiet():
        large = np.flatnonzero(~(np.vecdot(parts, parts) < limit * limit))
        return all(np.abs(parts[i]).max() <= limit for i in large)


@lru_cache
def _largest(dtype):
    return float(np.finfo(dtype).max)


def cast(name, values, dtype):
    """``values`` in the computation dtype, C-contiguous."""
    check_fits(name, values, dtype)
    return np.ascontiguousarray(values, dtype=dtype)


def cast_weights(sample_weight, dtype):
    """Sample weights in the computation dtype; raises ValueError if it cannot hold some of them."""
    weights = cast("sample_weight", sample_weight, dtype)
    if (np.asarray(sample_weight)[weights < np.finfo(dtype).tiny] > 0).any():
        raise ValueError(
            f"sample_weight has values too small for {dtype}, the type of the computation: rescale sample_weight, "
            "or set dtype='float64'."
        )
    return weights
