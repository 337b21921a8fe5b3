"""The forward pass alone: compiled apart from the engine, so that a fit need not wait for it."""

from functools import cache

from numba import carray

from ...kernels.compiling.signatures import INDEX, Signature
from ...kernels.host import tile
from ..memory.records import LAYER, NET
from ..passes.sparse import GATHER_ENTRIES
from .rows import make_predict

PREDICTOR = Signature(None, net=NET, layers=LAYER, thread=INDEX)


@cache
def predictor(dtype):
    """The compiled forward pass of a dtype.

    Returns
    -------
    ctypes function
        ``predictor(net, layers, thread)`` with addresses of records: each thread takes rows of its own through its own
        part of the workspace, into ``net.head.outputs``. Runs without the GIL.
    """
    return PREDICTOR.compile(lambda: _make(dtype), ("predictor",), dtype, from_python=True)


def _make(dtype):
    shape = tile(dtype)
    rows = shape.rows
    predict, call_gather = make_predict(dtype, shape), GATHER_ENTRIES.caller(dtype)

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
