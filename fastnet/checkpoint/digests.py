"""Digests of the data of a fit, by which a resumed one knows that it has the same."""

import hashlib

import numpy as np
from scipy.sparse import issparse

# Rows are hashed so many bytes at a time: other memory orders are copied, but never as a whole.
_BLOCK_BYTES = 1 << 22


def digest_of(data):
    """A digest of the content of an array, a CSR array or None, whatever its memory order."""
    found = hashlib.sha256()
    if data is None:
        return "none"
    parts = (data.indptr.astype(np.int64), data.indices.astype(np.int64), data.data) if issparse(data) else (data,)
    found.update(repr((issparse(data), data.shape)).encode())
    for part in parts:
        found.update(repr((part.dtype.str, part.shape)).encode())
        n_rows = max(1, _BLOCK_BYTES // max(1, part[:1].nbytes))
        for begin in range(0, len(part), n_rows):
            found.update(np.ascontiguousarray(part[begin : begin + n_rows]).data.cast("B"))
    return found.hexdigest()


def digests_of(estimator, task):
    """Digests of all that a fit was given, by the names of its arguments, in the order in which to compare them."""
    problem, validation = task.problem, task.validation
    names = [getattr(estimator, name, None) for name in ("feature_names_in_", "classes_")]
    words = [repr(None if several is None else [np.asarray(part).tolist() for part in several]) for several in names]
    own = validation is not None and not validation.is_held_out
    return {
        "X": digest_of(problem.X),
        "the names of X's features": hashlib.sha256(words[0].encode()).hexdigest(),
        "the classes in y": hashlib.sha256(words[1].encode()).hexdigest(),
        "the split into samples to train on and to validate with": digest_of(np.sort(problem.rows).astype(np.int64)),
        "y or the offset": digest_of(problem.targets),
        "sample_weight": digest_of(problem.sample_weight),
        "X_val": digest_of(validation.X if own else None),
        "y_val or its offset": digest_of(validation.targets if own else None),
        "sample_weight_val": digest_of(validation.sample_weight if own else None),
    }
