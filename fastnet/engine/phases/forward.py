"""The forward pass alone: compiled apart from the engine, so that a fit need not wait for it."""


from ...kernels.host import tile
from ...kernels.simd import carray
from ..functions import GATHER_ENTRIES
from .rows import make_predict


def make_predictor(dtype):
    """The forward pass: ``predictor(net, layers, thread)`` with addresses of records.

    Each thread takes rows of its own through its own part of the workspace, into ``net.head.outputs``.
    """
    shape = tile(dtype)
    rows = shape.rows
    predict, call_gather = make_predict(dtype, shape), GATHER_ENTRIES.caller(dtype)

    def run(net, layers, thread):
        net = carray(net, 1)[0]
        layers = carray(layers, net.shape.n_matrices)
        tile_count = (net.samples.n_samples + rows - 1) // rows
        low = tile_count * thread // net.team.n_threads * rows
        high = min(tile_count * (thread + 1) // net.team.n_threads * rows, net.samples.n_samples)
        # At least 1 for all to see: a step of 0 would raise an error.
        thread_rows, block_tiles = max(net.workspace.thread_rows, 1), max(net.workspace.block_tiles, 1)
        first_tile = thread * thread_rows // rows
        for begin in range(low, high, thread_rows):
            n_rows = min(thread_rows, high - begin)
            n_tiles = (n_rows + rows - 1) // rows
            shift = begin - first_tile * rows
            if net.workspace.entry_columns != 0:
                start, stop = first_tile * rows, first_tile * rows + n_rows
                call_gather(
                    net.passes.gather_entries, net.address, net.first_layer, shift, start, stop,
                    thread * net.workspace.entry_capacity, net.results.step, shift,
                )
            for t in range(0, n_tiles, block_tiles):
                count = min(block_tiles, n_tiles - t)
                predict(net, layers, shift, first_tile + t, count, first_tile * rows + n_rows, thread)

    return run
