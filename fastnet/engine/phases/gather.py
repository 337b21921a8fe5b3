"""Samples on their way into the workspace."""

from numba import types

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.simd import carray, make_pointer, prefetch, prefetch_near, scalar_type
from ...kernels.tiles import make_copy_row
from ..functions import SPREAD_ENTRIES
from ..memory.records import IS_CSR, IS_DOUBLE

# So many rows ahead what was asked for a batch ahead is asked for again, from L2 into L1: in a random order each row is
# also on a page of its own, whose address must be looked up.
NEAR_ROWS = 6


def make_gather(dtype, shape):
    """Compile-time factory: brings samples, their targets and weights into the workspace, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, panel, scalar = dtype.itemsize, shape.panel, dtype.type
    copy_single, copy_double = make_copy_row(itemsize, 4, shape), make_copy_row(itemsize, 8, shape)
    number = scalar_type(dtype)
    pointer, pointer64, pointer32 = make_pointer(number), make_pointer(types.float64), make_pointer(types.float32)
    index64 = make_pointer(types.int64)
    call_spread = SPREAD_ENTRIES.caller(dtype)

    @kernel
    def gather_dense(net, columns, row, target):
        """Copy one row of X, so many columns, into panels, converting its dtype on the way."""
        source = net.samples.x + row * net.samples.x_row
        if net.samples.x_column == (8 if net.samples.x_kind & IS_DOUBLE else 4):
            if net.samples.x_kind & IS_DOUBLE:
                copy_double(source, target, net.workspace.panel_stride, columns)
            else:
                copy_single(source, target, net.workspace.panel_stride, columns)
            return
        for j in range(columns):
            a = carray(pointer(element(target, j // panel * net.workspace.panel_stride + j % panel)), 1)
            if net.samples.x_kind & IS_DOUBLE:
                a[0] = scalar(carray(pointer64(source + j * net.samples.x_column), 1)[0])
            else:
                a[0] = scalar(carray(pointer32(source + j * net.samples.x_column), 1)[0])

    @kernel
    def row_in_order(net, position):
        """Where the row of X at a position of the order begins."""
        return net.samples.x + carray(index64(net.samples.order), position + 1)[position] * net.samples.x_row

    @kernel
    def gather(net, panels, columns, begin, first, count):
        """Bring samples `begin + first …` of the epoch's order into rows `first …` of panels of so many columns."""
        width = net.samples.target_width
        for i in range(first, first + count):
            sample = begin + i
            if net.samples.order != 0:
                sample = carray(index64(net.samples.order), sample + 1)[sample]
            target = element(panels, i * panel)
            if net.samples.fetch_bytes != 0:
                later = begin + i + net.samples.fetch_rows
                if later < net.samples.n_samples:
                    for line in range(0, net.samples.fetch_bytes, 64):
                        prefetch(row_in_order(net, later) + line)
                soon = begin + min(i + NEAR_ROWS, first + count - 1)
                for line in range(0, net.samples.fetch_bytes, 64):
                    prefetch_near(row_in_order(net, soon) + line)
            if not net.samples.x_kind & IS_CSR:
                gather_dense(net, columns, sample, target)
            elif net.workspace.entry_columns == 0:
                call_spread(net.passes.spread_entries, net.address, net.first_layer, columns, sample, target)
            if net.head.training:
                y = element(net.samples.targets, sample * width)
                place = element(net.workspace.batch_targets, i * net.workspace.target_row)
                if width == 1:
                    carray(pointer(place), 1)[0] = carray(pointer(y), 1)[0]
                else:
                    target_row, given = carray(pointer(place), width), carray(pointer(y), width)
                    for j in range(width):
                        target_row[j] = given[j]
                weight = scalar(1)
                if net.samples.sample_weight != 0:
                    weight = carray(pointer(net.samples.sample_weight), sample + 1)[sample]
                carray(pointer(net.workspace.batch_weights), i + 1)[i] = weight

    return gather
