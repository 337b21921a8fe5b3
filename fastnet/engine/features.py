"""The feature layer's records, and the memory that it takes beside panels. `phases/features.py` makes the functions."""

import numpy as np
from scipy.sparse import issparse

from ..kernels.memory import aligned_zeros
from ..network.features import group_of
from ..network.layout import round_up
from ..ops.compiled import rows as op_kernels
from ..ops.compiled.signatures import STRIP
from .functions import address
from .memory.records import FEATURE


class FeatureRecords:
    """Writes the record of FEATURE_LAYER of a net, and the records of FEATURE of its columns.

    Parameters
    ----------
    record : record of FEATURE_LAYER
        Written here.
    architecture : Architecture
        The net, with a feature layer.
    layout : Layout
        Where its parameters stand.
    X : ndarray of shape (n_samples, n_inputs)
        Samples.
    workspace : Workspace
        Panels.
    n_threads : int
        Threads at most.
    batch_size : int
        Samples in a mini-batch at most.
    """

    def __init__(self, record, architecture, layout, X, workspace, n_threads, batch_size):
        if issparse(X):
            raise ValueError("features are for dense X")
        self._architecture, self._dtype, self._kept = architecture, workspace.dtype, []
        layer, is_trained = architecture.features, architecture.trains_features and workspace.training
        start = layout.offset("features", 0)
        self.table = aligned_zeros(len(layer.columns), FEATURE)
        cost = 0
        for column, at in zip(self.table, layer.columns, strict=True):
            self._set_column(column, at, 0 if start is None else start, is_trained)
            column["cost"] = cost
            cost += at.n_outputs + (min(at.n_numbers, 8 * at.n_outputs) if column["is_lazy"] else at.n_numbers)
            if is_trained and column["is_lazy"]:
                self._set_table(column, at, min(batch_size, at.n_levels))
        record["n_inputs"], record["inputs"] = layer.n_inputs, workspace.inputs.ctypes.data
        record["columns"], record["n_columns"], record["total_cost"] = self.table.ctypes.data, len(self.table), cost
        record["expand"] = address("expand_features", self._dtype)
        if not is_trained:
            return
        record["delta"] = workspace.deltas[0].ctypes.data
        record["expanded"] = 0 if workspace.expanded is None else workspace.expanded.ctypes.data
        record["update"] = address("update_features", self._dtype)
        # For a thread: sums of a column's gradient and of its outputs' scales, a strip of the column, those of deltas.
        n_outputs = max(at.n_outputs for at in layer.columns)
        n_numbers = max((at.n_numbers for at in layer.columns if at.op is None or not at.op.is_lazy), default=0)
        sizes = n_numbers, n_outputs, STRIP, n_outputs * STRIP
        record["scratch_size"] = size = sum(round_up(n, 64) for n in sizes)
        record["scratch"] = self._address(aligned_zeros(size * n_threads, self._dtype))

    def _address(self, array):
        self._kept.append(array)
        return array.ctypes.data

    def _set_column(self, record, at, start, is_trained):
        layer, groups, op = self._architecture.features, self._architecture.groups, at.op
        record["column"], record["output"], record["n_outputs"] = at.column, at.output, at.n_outputs
        record["offset"], record["scale"] = start + at.offset, -1
        if op is not None:
            record["expand"], record["size"] = op_kernels.expand(op, self._dtype), op.size_of(at.n_levels)
            record["is_lazy"] = op.is_lazy
            if is_trained and op.is_learnt:
                record["n_trained"] = at.n_outputs if op.is_lazy else at.n_numbers
                record["group"], record["reduce"] = groups.index(group_of(op)), op_kernels.reduce(op, self._dtype)
        if layer.scale is not None:
            record["scale"], record["scale_group"] = (
                start + layer.scale_offset + at.output, groups.index(group_of(layer.scale))
            )  # fmt: skip

    def _set_table(self, record, at, most):
        """Memory for the levels that a mini-batch has."""
        slots = aligned_zeros(at.n_levels, np.int64)
        slots[:] = -1
        record["slots"] = self._address(slots)
        record["touched"] = self._address(aligned_zeros(most, np.int64))
        record["gradients"] = self._address(aligned_zeros(most * at.n_outputs, self._dtype))
