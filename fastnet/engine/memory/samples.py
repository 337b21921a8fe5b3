"""What is trained on, or predicted."""

import numpy as np
from scipy.sparse import issparse

from .plan import rows_ahead
from .records import IS_CSR, IS_DOUBLE, WIDE_INDICES


class Samples:
    """X where it lies, in training with targets and weights, and the order in which they are taken.

    Parameters
    ----------
    record : record of SAMPLES
        Written here.
    X : ndarray or CSR array of shape (n_samples, n_features)
        float32 or float64, any strides; never copied.
    """

    def __init__(self, record, X):
        self._record, self.X = record, X
        self._indptr = self._order = self._labels = None  # kept: the record holds their addresses
        if issparse(X):
            self._indptr = X.indptr.astype(X.indices.dtype, copy=False)
            record["x"], record["x_indices"] = X.data.ctypes.data, X.indices.ctypes.data
            record["x_indptr"] = self._indptr.ctypes.data
            record["x_kind"] = IS_CSR | (WIDE_INDICES if X.indices.dtype.itemsize == 8 else 0)
        else:
            record["x"], (record["x_row"], record["x_column"]) = X.ctypes.data, X.strides
        if X.dtype == np.float64:
            record["x_kind"] |= IS_DOUBLE

    def set_labels(self, targets, sample_weight, batch_size):
        """Targets and weights of all rows of X, which are then trained on in mini-batches of so many."""
        record, self._labels = self._record, (targets, sample_weight)
        record["fetch_rows"], record["fetch_bytes"] = rows_ahead(self.X, batch_size)
        record["targets"], record["target_width"] = targets.ctypes.data, targets.shape[1]
        record["sample_weight"] = 0 if sample_weight is None else sample_weight.ctypes.data

    def set_order(self, rows):
        """Which rows are taken, in which order: int64, C-contiguous."""
        self._order = rows
        self._record["order"], self._record["n_samples"] = rows.ctypes.data, len(rows)

    def repeats(self, rows):
        """Whether a row number occurs more than once."""
        seen = np.zeros(self.X.shape[0], bool)
        seen[rows] = True
        return np.count_nonzero(seen) < len(rows)

    def moving(self):
        """Of each address in the record that later rows have further on: the bytes a row.

        Returns
        -------
        dict
            Name of the field to bytes.
        """
        if self._order is not None:
            return {"order": self._order.itemsize}
        if self._indptr is not None:
            return {"x_indptr": self._indptr.itemsize}
        return {"x": int(self._record["x_row"])}
