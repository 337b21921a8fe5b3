"""Sparse input: the first layer's products follow the non-zeros.

The rows of a chunk are copied into the workspace once, as *entries*: column and value in the computation dtype,
row after row, input dropout applied. The row phase sums weights over a row's entries. For the weight phase each
thread owns a range of columns of the input, transposes the entries of these columns (count, prefix sum, fill, in
the order of the rows) and sums deltas over a column's entries. So nobody waits for a transposition, and every
sum has one order for any number of threads. A row of sorted entries has the bits of the dense way.
"""

import numpy as np
from numba import carray, types
from scipy.sparse import issparse

from ..kernels.jit import kernel
from ..kernels.random import bits, layer_key, row_key
from ..kernels.simd import make_pointer, scalar_type
from ..kernels.sparse import make_entry_sum
from .records import IS_DOUBLE, WIDE_INDICES

# Share of non-zeros above which the dense tiles, which reuse what they load, are faster.
MAX_DENSITY = 0.15

_index64, _index32 = make_pointer(types.int64), make_pointer(types.int32)
_double, _single = make_pointer(types.float64), make_pointer(types.float32)


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


@kernel
def index_at(address, wide_indices, i):
    """An index of the CSR matrix."""
    if wide_indices:
        return carray(_index64(address + i * 8), 1)[0]
    return np.int64(carray(_index32(address + i * 4), 1)[0])


@kernel
def count_entries(net, begin, n_rows):
    """Number of non-zeros of the samples `begin …` of the epoch's order."""
    wide_indices, total = net.x_kind & WIDE_INDICES, 0
    for i in range(begin, begin + n_rows):
        sample = i
        if net.order != 0:
            sample = carray(_index64(net.order), i + 1)[i]
        total += index_at(net.x_indptr, wide_indices, sample + 1) - index_at(net.x_indptr, wide_indices, sample)
    return total


def make_sparse(dtype, shape):
    """Compile-time factory of the first layer's parts: ``gather``, ``multiply``, ``transpose``, ``gradient``."""
    itemsize, rows, panel = dtype.itemsize, shape.rows, shape.panel
    scalar = dtype.type
    pointer = make_pointer(scalar_type(dtype))
    wide, narrow = make_entry_sum(itemsize, shape, 2), make_entry_sum(itemsize, shape, 1)

    # Single elements by address: LLVM would vectorise loops over arrays, several times over, for a part of the work
    # that waits for memory, and compile a fifth longer.

    @kernel
    def keep(low, high, column, limit, value, scale):
        """Inverted dropout of an entry, with the bits that the dense way takes for its column."""
        return value * scale if bits(low, high, column) >= limit else scalar(0)

    @kernel
    def gather(net, layer, begin, first, last, at, step, shift):
        """Copy samples `begin + first …` of the epoch's order to entries `at …`, of workspace rows `first …`."""
        wide_indices, is_double = net.x_kind & WIDE_INDICES, net.x_kind & IS_DOUBLE
        spans = carray(_index64(net.entry_spans), 2 * last)
        drops, scale = layer.drop_threshold != 0 and net.training, scalar(layer.drop_scale)
        key_of_layer = layer_key(net.seed, step, np.int64(0))
        for i in range(first, last):
            sample = begin + i
            if net.order != 0:
                sample = carray(_index64(net.order), sample + 1)[sample]
            key = row_key(key_of_layer, shift + i)
            low, high = np.uint32(key & np.uint64(0xFFFFFFFF)), np.uint32(key >> np.uint64(32))
            source, end = index_at(net.x_indptr, wide_indices, sample), index_at(net.x_indptr, wide_indices, sample + 1)
            spans[2 * i], spans[2 * i + 1] = at, at + end - source
            for e in range(source, end):
                column = index_at(net.x_indices, wide_indices, e)
                if is_double:
                    value = scalar(carray(_double(net.x + e * 8), 1)[0])
                else:
                    value = scalar(carray(_single(net.x + e * 4), 1)[0])
                if drops:
                    value = keep(low, high, column, np.uint32(layer.drop_threshold), value, scale)
                carray(_index32(net.entry_columns + at * 4), 1)[0] = column
                carray(pointer(net.entry_values + at * itemsize), 1)[0] = value
                at += 1

    @kernel
    def multiply(net, layer, first, count, n_tiles):
        """Z = start + X @ W of workspace rows `first …`; rows that only fill the last tile get the start."""
        spans = carray(_index64(net.entry_spans), 2 * (first + count))
        for p in range(layer.n_panels):
            weights = layer.weights + p * layer.padded_in * panel * itemsize
            start = layer.start + p * layer.start_panel * itemsize
            is_wide = p < layer.n_panels - 1 or layer.last_width == panel
            for i in range(first, first + n_tiles * rows):
                begin = n = 0
                if i < first + count:
                    begin, n = spans[2 * i], spans[2 * i + 1] - spans[2 * i]
                columns, values = net.entry_columns + begin * 4, net.entry_values + begin * itemsize
                target = layer.output + (p * layer.output_panel + i * layer.output_row) * itemsize
                if is_wide:
                    wide(columns, values, n, weights, panel, start, target)
                else:
                    narrow(columns, values, n, weights, panel // 2, start, target)

    @kernel
    def transpose(net, count, low, high):
        """Bring the chunk's entries of columns `low …` into the order of columns; returns where they begin.

        ``column_ends[k]`` is left as the end of column k, which is where column k + 1 begins.
        """
        spans = carray(_index64(net.entry_spans), 2 * count)
        n = spans[2 * count - 1]
        columns, values = carray(_index32(net.entry_columns), n), carray(pointer(net.entry_values), n)
        ends = carray(_index32(net.column_ends), high)
        for k in range(low, high):
            ends[k] = 0
        base = 0
        for e in range(n):
            k = columns[e]
            if k < low:
                base += 1
            elif k < high:
                ends[k] += 1
        at = base
        for k in range(low, high):
            size = ends[k]
            ends[k] = at
            at += size
        target_rows, target_values = carray(_index32(net.column_rows), n), carray(pointer(net.column_values), n)
        for i in range(count):
            for e in range(spans[2 * i], spans[2 * i + 1]):
                k = columns[e]
                if low <= k < high:
                    target = ends[k]
                    ends[k] = target + 1
                    target_rows[target] = i
                    target_values[target] = values[e]
        return base

    @kernel
    def gradient(net, k0, k_rows, width, low, base, d, g):
        """Gradient of `k_rows` rows of weights of one panel, stored contiguously at g."""
        ends = carray(_index32(net.column_ends), k0 + k_rows)
        begin = np.int64(ends[k0 - 1]) if k0 > low else base
        for i in range(k_rows):
            end = np.int64(ends[k0 + i])
            numbers, values = net.column_rows + begin * 4, net.column_values + begin * itemsize
            target = g + i * width * itemsize
            if width == panel:
                wide(numbers, values, end - begin, d, panel, net.zeros, target)
            else:
                narrow(numbers, values, end - begin, d, panel, net.zeros, target)
            begin = end

    return gather, multiply, transpose, gradient
