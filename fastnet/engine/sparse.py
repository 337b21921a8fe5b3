"""Sparse input: whether products follow its non-zeros, and the functions for it in a net's record.

`passes/sparse.py` makes the functions.
"""

import numpy as np
from scipy.sparse import issparse

from .functions import address

# Share of non-zeros above which the dense tiles, which reuse what they load, are faster.
MAX_DENSITY = 0.15


def largest_entries(X, training, max_rows):
    """Whether the products follow the non-zeros, and how many there can be.

    Parameters
    ----------
    X : ndarray or CSR array
        Samples.
    training : bool
        Whether rows do not repeat: a prediction may ask for one row again and again.
    max_rows : int
        Rows of a chunk at most.

    Returns
    -------
    ndarray of int64 or None
        Element n bounds the entries of any n rows. None if the dense way is to be taken.
    """
    if not issparse(X) or not X.shape[0]:
        return None
    if X.nnz > MAX_DENSITY * X.shape[0] * X.shape[1]:
        # Both ways give the same bits if entries are sorted and do not repeat. If not, then predictions take one
        # way always, so that a row's prediction does not depend on the density of the rows beside it.
        if training or X.has_canonical_format:
            return None
    counts = np.diff(X.indptr)
    if not training:
        return np.arange(max_rows + 1) * np.int64(counts.max())
    n = min(max_rows, len(counts))
    counts.partition(len(counts) - n)
    largest = np.zeros(max_rows + 1, np.int64)
    largest[1 : n + 1] = np.sort(counts[len(counts) - n :])[::-1]
    return largest.cumsum()


def set_up(passes, dtype, follows_entries, training):
    """Enter the functions that sparse X needs into a net's record.

    Parameters
    ----------
    passes : record of PASSES
        Changed in place.
    dtype : numpy.dtype
        Of the computation.
    follows_entries : bool
        Whether the products follow the non-zeros; else rows are made dense.
    training : bool
        Whether weights are updated, too.
    """
    names = ["spread_entries"]
    if follows_entries:
        names = ["gather_entries", "multiply_entries"]
        names += ["transpose_entries", "gradient_of_entries"] if training else []
    for name in names:
        passes[name] = address(name, dtype)
