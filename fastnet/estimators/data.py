"""Arrays on their way into the engine."""

import numpy as np
from scipy.sparse import issparse

# Types of X that the engine reads; all others are converted by scikit-learn's validation.
DTYPES = (np.float64, np.float32)


def engine_input(X):
    """X as the engine takes it: CSC becomes CSR, arrays of CSR contiguous; all else stays uncopied."""
    if not issparse(X):
        return X
    X = X.tocsr()
    contiguous = all(part.flags.c_contiguous for part in (X.data, X.indices, X.indptr))
    return X if contiguous else X.copy()


def cast(name, values, dtype):
    """``values`` in the computation dtype, C-contiguous, all finite."""
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(values, dtype=dtype)
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} has values too large for {dtype}, the type of the computation: rescale {name}, or set "
            "dtype='float64'."
        )
    return values


def cast_weights(sample_weight, dtype):
    """Sample weights in the computation dtype; raises ValueError if none of them is left above zero."""
    weights = cast("sample_weight", sample_weight, dtype)
    if not weights.any():
        raise ValueError(
            f"All sample_weight are zero in {dtype}, the type of the computation: rescale sample_weight, or set "
            "dtype='float64'."
        )
    return weights
