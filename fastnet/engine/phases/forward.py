"""The forward pass alone: compiled apart from the engine, so that a fit need not wait for it."""

import ctypes
from functools import cache

import numba
from numba import carray, types

from ...kernels.compiling.jit import c_function
from ...kernels.host import tile
from ...kernels.simd import make_call
from ..memory.records import LAYER, NET
from .rows import make_row_phase


@cache
def predictor(dtype):
    """The compiled forward pass of a dtype.

    Returns
    -------
    ctypes function
        ``predictor(net, layers, thread)`` with addresses of records: each thread takes rows of its own through its own
        part of the workspace, into ``net.head.outputs``. Runs without the GIL.
    """
    pointers = [types.CPointer(numba.from_dtype(record)) for record in (NET, LAYER)]
    signature = (None, *[ctypes.c_void_p] * 2, ctypes.c_int64)
    key = ("predictor", dtype.name)
    return c_function(lambda: _make(dtype), types.void, [*pointers, types.int64], key, signature)


def _make(dtype):
    shape = tile(dtype)
    rows = shape.rows
    _, _, predict = make_row_phase(dtype, shape)
    call_gather = make_call(types.void, *[types.intp] * 8)

    def run(net, layers, thread):
        net = carray(net, 1)[0]
        layers = carray(layers, net.shape.n_matrices)
        tile_count = (net.samples.n_samples + rows - 1) // rows
        low = tile_count * thread // net.team.n_threads * rows
        high = min(tile_count * (thread + 1) // net.team.n_threads * rows, net.samples.n_samples)
        first_tile = thread * net.workspace.thread_rows // rows
        for begin in range(low, high, net.workspace.thread_rows):
            n_rows = min(net.workspace.thread_rows, high - begin)
            n_tiles = (n_rows + rows - 1) // rows
            shift = begin - first_tile * rows
            if net.workspace.entry_columns != 0:
                start, stop = first_tile * rows, first_tile * rows + n_rows
                call_gather(
                    net.passes.gather_entries, net.address, net.first_layer, shift, start, stop,
                    thread * net.workspace.entry_capacity, net.results.step, shift,
                )
            for t in range(0, n_tiles, net.workspace.block_tiles):
                count = min(net.workspace.block_tiles, n_tiles - t)
                predict(net, layers, shift, first_tile + t, count, first_tile * rows + n_rows, thread)

    return run
