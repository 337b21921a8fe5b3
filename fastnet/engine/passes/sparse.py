"""Sparse input: the first layer's products follow the non-zeros.

The rows of a chunk are copied into the workspace once, as *entries*: column and value in the computation dtype,
row after row, input dropout applied. The row phase sums weights over a row's entries. For the weight phase each
thread owns a range of columns of the input, transposes the entries of these columns (count, prefix sum, fill, in
the order of the rows) and sums deltas over a column's entries. So nobody waits for a transposition, and every
sum has one order for any number of threads. A row of sorted entries has the bits of the dense way.
"""

import numpy as np
from numba import carray, types

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.host import tile
from ...kernels.random import bits, halves, layer_key, row_key
from ...kernels.simd import make_pointer, scalar_type
from ...kernels.sparse import make_entry_sum
from ..memory.records import IS_DOUBLE, WIDE_INDICES

_index64, _index32 = make_pointer(types.int64), make_pointer(types.int32)
_double, _single = make_pointer(types.float64), make_pointer(types.float32)


@kernel
def index_at(address, wide_indices, i):
    """An index of the CSR matrix."""
    if wide_indices:
        return carray(_index64(address + i * 8), 1)[0]
    return np.int64(carray(_index32(address + i * 4), 1)[0])


@kernel
def row_span(net, wide_indices, row):
    """Where the entries of a row begin and end in the CSR matrix."""
    indptr = net.samples.x_indptr
    return index_at(indptr, wide_indices, row), index_at(indptr, wide_indices, row + 1)


@kernel
def _span(net, i):
    """Where the entries of sample i of the epoch's order begin and end in the CSR matrix."""
    sample, wide_indices = i, net.samples.x_kind & WIDE_INDICES
    if net.samples.order != 0:
        sample = carray(_index64(net.samples.order), i + 1)[i]
    return row_span(net, wide_indices, sample)


# Single elements by address: LLVM would vectorise loops over arrays, several times over, for a part of the work that
# waits for memory.


def make_spread(dtype):
    """Spread a row of X into the input panels at `target`; duplicates add up."""
    element = make_element(dtype.itemsize)
    panel, scalar = tile(dtype).panel, dtype.type
    pointer = make_pointer(scalar_type(dtype))

    def spread(net, layer, fan_in, row, target):
        net = carray(net, 1)[0]
        for p in range((fan_in + panel - 1) // panel):
            a = carray(pointer(element(target, p * net.workspace.panel_stride)), panel)
            for j in range(panel):
                a[j] = scalar(0)
        wide_indices = net.samples.x_kind & WIDE_INDICES
        begin, end = row_span(net, wide_indices, row)
        for i in range(begin, end):
            column = index_at(net.samples.x_indices, wide_indices, i)
            at = element(target, column // panel * net.workspace.panel_stride + column % panel)
            if net.samples.x_kind & IS_DOUBLE:
                value = scalar(carray(_double(net.samples.x + i * 8), 1)[0])
            else:
                value = scalar(carray(_single(net.samples.x + i * 4), 1)[0])
            carray(pointer(at), 1)[0] += value

    return spread


def make_gather(dtype):
    """Copy samples to entries.

    Samples `begin + first …` of the epoch's order go to entries `at …`, of workspace rows `first …`; to where those of
    the rows before end if `at` is negative.
    """
    element = make_element(dtype.itemsize)
    scalar = dtype.type
    pointer = make_pointer(scalar_type(dtype))

    @kernel
    def keep(low, high, column, limit, value, scale):
        """Inverted dropout of an entry, with the bits that the dense way takes for its column."""
        return value * scale if bits(low, high, column) >= limit else scalar(0)

    def gather(net, layer, begin, first, last, at, step, shift):
        net, layer = carray(net, 1)[0], carray(layer, 1)[0]
        wide_indices, is_double = net.samples.x_kind & WIDE_INDICES, net.samples.x_kind & IS_DOUBLE
        spans = carray(_index64(net.workspace.entry_spans), 2 * last)
        drops, scale = layer.drop_threshold != 0 and net.head.training, scalar(layer.drop_scale)
        key_of_layer = layer_key(net.steps.seed, step, np.int64(0))
        if at < 0:
            at = 0
            for i in range(first):
                source, end = _span(net, begin + i)
                at += end - source
        for i in range(first, last):
            low, high = halves(row_key(key_of_layer, shift + i))
            source, end = _span(net, begin + i)
            spans[2 * i], spans[2 * i + 1] = at, at + end - source
            for e in range(source, end):
                column = index_at(net.samples.x_indices, wide_indices, e)
                if is_double:
                    value = scalar(carray(_double(net.samples.x + e * 8), 1)[0])
                else:
                    value = scalar(carray(_single(net.samples.x + e * 4), 1)[0])
                if drops:
                    value = keep(low, high, column, np.uint32(layer.drop_threshold), value, scale)
                carray(_index32(net.workspace.entry_columns + at * 4), 1)[0] = column
                carray(pointer(element(net.workspace.entry_values, at)), 1)[0] = value
                at += 1

    return gather


def make_multiply(dtype):
    """Z = start + X @ W of workspace rows `first …`.

    Rows that only fill the last tile get the start.
    """
    element = make_element(dtype.itemsize)
    itemsize, shape = dtype.itemsize, tile(dtype)
    rows, panel = shape.rows, shape.panel
    wide, narrow = make_entry_sum(itemsize, shape, 2), make_entry_sum(itemsize, shape, 1)

    def multiply(net, layer, first, count, n_tiles):
        net, layer = carray(net, 1)[0], carray(layer, 1)[0]
        spans = carray(_index64(net.workspace.entry_spans), 2 * (first + count))
        for p in range(layer.n_panels):
            weights = element(layer.weights, p * layer.padded_in * panel)
            start = element(layer.start, p * layer.start_panel)
            is_wide = p < layer.n_panels - 1 or layer.last_width == panel
            for i in range(first, first + n_tiles * rows):
                begin = n = 0
                if i < first + count:
                    begin, n = spans[2 * i], spans[2 * i + 1] - spans[2 * i]
                columns, values = net.workspace.entry_columns + begin * 4, element(net.workspace.entry_values, begin)
                target = element(layer.output, p * layer.output_panel + i * layer.output_row)
                if is_wide:
                    wide(columns, values, n, weights, panel, start, target)
                else:
                    narrow(columns, values, n, weights, panel // 2, start, target)

    return multiply


def make_transpose(dtype):
    """Bring the chunk's entries of columns `low …` into the order of columns.

    Returns where they begin. ``column_ends[k]`` is left as the end of column k, which is where column k + 1 begins.
    """
    pointer = make_pointer(scalar_type(dtype))

    def transpose(net, layer, count, low, high):
        net = carray(net, 1)[0]
        spans = carray(_index64(net.workspace.entry_spans), 2 * count)
        n = spans[2 * count - 1]
        space = net.workspace
        columns, values = carray(_index32(space.entry_columns), n), carray(pointer(space.entry_values), n)
        ends = carray(_index32(space.column_ends), high)
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
        target_rows, target_values = carray(_index32(space.column_rows), n), carray(pointer(space.column_values), n)
        for i in range(count):
            for e in range(spans[2 * i], spans[2 * i + 1]):
                k = columns[e]
                if low <= k < high:
                    target = ends[k]
                    ends[k] = target + 1
                    target_rows[target] = i
                    target_values[target] = values[e]
        return base

    return transpose


def make_gradient(dtype):
    """Gradient of some rows of weights of one panel.

    Rows `k0 …`, `k_rows` of them, stored contiguously at g; d is the address of the panel's deltas.
    """
    element = make_element(dtype.itemsize)
    itemsize, shape = dtype.itemsize, tile(dtype)
    panel = shape.panel
    wide, narrow = make_entry_sum(itemsize, shape, 2), make_entry_sum(itemsize, shape, 1)

    def gradient(net, layer, k0, k_rows, width, low, base, d, g):
        net = carray(net, 1)[0]
        ends = carray(_index32(net.workspace.column_ends), k0 + k_rows)
        begin = np.int64(ends[k0 - 1]) if k0 > low else base
        for i in range(k_rows):
            end = np.int64(ends[k0 + i])
            numbers, values = net.workspace.column_rows + begin * 4, element(net.workspace.column_values, begin)
            target = element(g, i * width)
            if width == panel:
                wide(numbers, values, end - begin, d, panel, net.workspace.zeros, target)
            else:
                narrow(numbers, values, end - begin, d, panel, net.workspace.zeros, target)
            begin = end

    return gradient
