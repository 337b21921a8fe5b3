"""Arrays on their way into the engine."""

from contextlib import contextmanager, suppress

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight

# Types of X that the engine reads; all others are converted by scikit-learn's validation.
DTYPES = (np.float64, np.float32)


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


@contextmanager
def named(**arrays):
    """Around scikit-learn's validation: name the array whose entries are no numbers, and refuse dates."""
    for name, array in arrays.items():
        dtype = getattr(array, "dtype", None)
        if getattr(dtype, "kind", None) in ("m", "M"):
            raise ValueError(f"{name} must hold numbers, got {dtype}: convert it, such as to days since a date.")
    try:
        yield
    except ValueError as error:
        if not str(error).startswith("could not convert string"):
            raise
        for name, array in arrays.items():
            if not _is_numeric(array):
                raise ValueError(
                    f"{name} must hold numbers, but {error}. Encode it as numbers, such as by OneHotEncoder."
                ) from None
        raise


def _is_numeric(array):
    try:
        np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return True


def check_weights(sample_weight, X, name="sample_weight"):
    """Validated weights of the samples; None if they are equal."""
    if sample_weight is None:
        return None
    try:
        with named(sample_weight=sample_weight):
            return _check_sample_weight(sample_weight, X, ensure_non_negative=True)
    except ValueError as error:
        message = str(error).replace("sample_weight", name)
        raise ValueError(message if name == "sample_weight" else message.replace("Sample weights", name)) from None


def check_fits(name, values, dtype):
    """Raise ValueError if a number is too large for the computation dtype."""
    values = values.data if issparse(values) else values
    if values.size and np.abs(values).max() > np.finfo(dtype).max:
        raise ValueError(
            f"{name} has values too large for {dtype}, the type of the computation: rescale {name}, or set "
            "dtype='float64'."
        )


def cast(name, values, dtype):
    """``values`` in the computation dtype, C-contiguous."""
    if values.dtype.kind == "f":
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
