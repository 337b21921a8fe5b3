"""The engine: a slice of an epoch in one compiled call by each thread.

A mini-batch has two phases with a barrier after each: rows (`rows.py`), then weights (`weights.py`). Batch
normalisation cuts the rows' phase into segments, between which each thread normalises units of its own
(`normalize.py`). The call walks plain records (`records.py`); nothing about a configuration is compiled in.
"""

import ctypes
from functools import cache

import numba
from numba import carray, types

from ..kernels.compiling.jit import c_function, kernel
from ..kernels.host import tile
from ..kernels.simd import make_call, make_pointer, scalar_type
from ..kernels.threads.team import barrier
from ..ops.rows import NUMBERS_SIZE
from .records import LAYER, NET, PANEL
from .rows import make_row_phase
from .weights import make_weight_phase


@cache
def engine(dtype):
    """The compiled engine of a dtype.

    Returns
    -------
    ctypes function
        ``engine(net, layers, panels, thread, first, last, step)`` with addresses of records. The slice is counted
        in chunks: ``net.chunks`` make a batch. `step` is the number of optimizer steps before it; ``net.step``
        counts on. Returns early if another thread has been given up. Runs without the GIL.
    """
    pointers = [types.CPointer(numba.from_dtype(record)) for record in (NET, LAYER, PANEL)]
    signature = (None, *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 4)
    key = ("engine", dtype.name)
    return c_function(lambda: _make(dtype, pointers), types.void, [*pointers, *[types.int64] * 4], key, signature)


def _make(dtype, pointers):
    shape = tile(dtype)
    itemsize, scalar, rows = dtype.itemsize, dtype.type, shape.rows
    forward, backward, _ = make_row_phase(dtype, shape)
    update_weights = make_weight_phase(dtype, shape)
    pointer, double, index = make_pointer(scalar_type(dtype)), make_pointer(types.float64), make_pointer(types.int64)
    call_drop = make_call(types.intp, *pointers[:2], *[types.intp] * 3)
    call_finish = make_call(types.void, *pointers, types.intp, types.intp, types.float64, types.float64)
    call_columns = make_call(types.void, *pointers[:2], types.intp, types.intp, types.intp, types.float64)
    call_gather = make_call(types.void, *[types.intp] * 8)
    call_prepare = make_call(types.void, types.float64, types.float64, types.intp, types.intp)

    @kernel
    def batch_weight(net, begin, count):
        """Sum of the sample weights of a mini-batch."""
        if net.sample_weight == 0:
            return float(count)
        weights = carray(pointer(net.sample_weight), 1)
        order = carray(index(net.order), begin + count)
        total = 0.0
        for i in range(begin, begin + count):
            total += weights[order[i]]
        return total

    @kernel
    def total_of(address, count):
        values = carray(double(address), count)
        total = 0.0
        for i in range(count):
            total += values[i]
        return total

    def run(nets, first_layer, first_panel, thread, first, last, step):
        net = carray(nets, 1)[0]
        layers, panels = carray(first_layer, net.n_matrices), carray(first_panel, net.n_panels)
        n_threads = net.n_threads
        numbers = net.scratch + (thread * net.scratch_size + net.scratch_size - NUMBERS_SIZE) * itemsize
        arrivals = 0
        weight = -1.0
        for unit in range(first, last):
            begin = unit // net.chunks * net.batch_size
            shift = unit % net.chunks * net.chunk_rows
            batch_rows = min(net.batch_size, net.n_samples - begin)
            if shift >= batch_rows:
                continue
            if shift == 0 or weight < 0.0:
                weight = batch_weight(net, begin, batch_rows)
            if not weight > 0.0:
                continue
            scale = 1.0 / weight
            if shift == 0 or unit == first:  # a slice may begin within a batch
                step += 1
                if net.drop_connect != 0:
                    arrivals += n_threads
                    if not call_drop(net.drop_connect, nets, first_layer, thread, step, arrivals):
                        return
            if net.update != 0:
                rate = carray(double(net.rates), unit // net.chunks + 1)[unit // net.chunks]
                call_prepare(net.prepare, float(step), rate, net.optimizer_parameters, numbers)
            count = min(net.chunk_rows, batch_rows - shift)
            n_tiles = (count + rows - 1) // rows
            low, high = n_tiles * thread // n_threads, n_tiles * (thread + 1) // n_threads
            if net.entry_columns != 0 and low < high:
                end_row = min(high * rows, count)
                call_gather(
                    net.gather_entries, net.address, net.first_layer, begin + shift, low * rows, end_row, -1, step,
                    shift,
                )
            # One pass down and up again. Of several segments each but the last is passed on its own, down and up, and
            # after each way, when all have met, a batch is normalised.
            n_segments = net.n_layers // net.segment_layers
            for stage in range(max(4 * n_segments - 4, 1)):
                segment = stage // 2
                back = segment - n_segments + 1
                if stage % 2 == 0:
                    for t in range(low, high, net.block_tiles):
                        tiles = min(net.block_tiles, high - t)
                        if back <= 0:
                            forward(net, layers, begin + shift, t, tiles, count, step, shift, segment)
                        if back >= 0:
                            mine = min(tiles * rows, count - t * rows)
                            backward(net, layers, t, tiles, mine, scalar(scale), step, shift, back)
                else:
                    number = segment if back < 0 else net.n_layers - 2 - back
                    if number >= net.n_frozen or back < 0:
                        columns = layers[number].normalize if back < 0 else layers[number].normalize_back
                        call_columns(columns, nets, first_layer, number, thread, count, float(step))
                if n_threads > 1:
                    arrivals += n_threads
                    if not barrier(net.sync, arrivals, net.yield_function):
                        return
            if thread == 0:
                net.loss_sum += total_of(net.row_losses, count) * scale * batch_rows
            is_last = shift + count == batch_rows
            update_weights(net, layers, panels, thread, step, numbers, count, scale, shift == 0, is_last)
            if is_last and net.finish != 0:
                if n_threads > 1:
                    arrivals += n_threads
                    if not barrier(net.sync, arrivals, net.yield_function):
                        return
                call_finish(net.finish, nets, first_layer, first_panel, thread, numbers, scale, float(step))
            if n_threads > 1:
                arrivals += n_threads
                if not barrier(net.sync, arrivals, net.yield_function):
                    return
            if thread == 0 and is_last:
                if net.has_penalty != 0:
                    net.penalty_sum += total_of(net.penalties, net.n_penalties) * batch_rows
                net.rows_done += batch_rows
                net.step = step

    return run
