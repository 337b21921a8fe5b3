"""The engine: a slice of an epoch in one compiled call by each thread.

A mini-batch has two phases with a barrier after each: rows (`rows.py`), then weights (`weights.py`). Batch
normalisation cuts the rows' phase into segments, between which each thread normalises units of its own
(`normalize.py`). The call walks plain records (`records.py`); nothing about a configuration is compiled in.
"""

from numba import types

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.host import tile
from ...kernels.simd import carray, make_pointer, scalar_type
from ...kernels.threads.barrier import barrier
from ...ops.compiled.signatures import N_NUMBERS, PREPARE
from ..functions import AFTER_STEP, COLUMNS, DROP_WEIGHTS, GATHER_ENTRIES
from .rows import make_backward, make_forward
from .weights import make_weight_phase


@kernel
def meet(net, arrivals):
    """Wait for all threads; returns how many arrivals that makes, or -1 if one of them has been given up."""
    if net.team.n_threads == 1:
        return arrivals
    arrivals += net.team.n_threads
    return arrivals if barrier(net.team.sync, arrivals, net.team.yield_function) else -1


def _make_prepare(dtype):
    element, double, call_prepare = make_element(dtype.itemsize), make_pointer(types.float64), PREPARE.caller(dtype)

    @kernel
    def prepare_groups(net, batch, step, numbers):
        """The optimizer's numbers of a mini-batch, for each group of parameters."""
        n_groups = net.steps.n_groups
        groups = carray(double(net.steps.groups), 2 * n_groups)
        rate = carray(double(net.steps.rates), batch + 1)[batch]
        decay = carray(double(net.steps.decays), batch + 1)[batch]
        for group in range(n_groups):
            call_prepare(
                net.steps.prepare, float(step), rate * groups[2 * group], decay * groups[2 * group + 1],
                net.steps.optimizer_parameters, element(numbers, group * N_NUMBERS),
            )

    return prepare_groups


def _make_pass_rows(dtype, shape):
    scalar, rows = dtype.type, shape.rows
    forward, backward = make_forward(dtype, shape), make_backward(dtype, shape)
    call_columns, call_gather = COLUMNS.caller(dtype), GATHER_ENTRIES.caller(dtype)

    @kernel
    def pass_rows(net, layers, thread, begin, count, scale, step, shift, arrivals):
        """The row phase of this thread's rows of a chunk; returns arrivals as `meet` does.

        One pass down and up again. Of several segments each but the last is passed on its own, down and up, and after
        each way, when all have met, a batch is normalised.
        """
        n_tiles = (count + rows - 1) // rows
        low, high = n_tiles * thread // net.team.n_threads, n_tiles * (thread + 1) // net.team.n_threads
        if net.workspace.entry_columns != 0 and low < high:
            end_row = min(high * rows, count)
            call_gather(
                net.passes.gather_entries, net.address, net.first_layer, begin + shift, low * rows, end_row, -1, step,
                shift,
            )
        block_tiles = max(net.workspace.block_tiles, 1)  # at least 1 for all to see: a step of 0 would raise an error
        n_segments = net.shape.n_layers // net.shape.segment_layers
        n_stages = max(4 * n_segments - 4, 1)
        if net.features.delta != 0 and n_segments > 1:
            n_stages += 1  # the way on to the inputs, when the first layer's deltas have been normalised
        for stage in range(n_stages):
            segment = stage // 2
            back = segment - n_segments + 1
            if stage % 2 == 0:
                for t in range(low, high, block_tiles):
                    tiles = min(block_tiles, high - t)
                    if back <= 0:
                        forward(net, layers, begin + shift, t, tiles, count, step, shift, segment)
                    if back >= 0:
                        mine = min(tiles * rows, count - t * rows)
                        backward(net, layers, t, tiles, mine, scalar(scale), step, shift, back)
            else:
                number = segment if back < 0 else net.shape.n_layers - 2 - back
                if number >= net.shape.n_frozen or back < 0:
                    columns = layers[number].normalize if back < 0 else layers[number].normalize_back
                    call_columns(columns, net.address, net.first_layer, number, thread, count, float(step))
            arrivals = meet(net, arrivals)
            if arrivals < 0:
                break
        return arrivals

    return pass_rows


def make_engine(dtype):
    """The engine: ``engine(net, layers, panels, thread, first, last, step)`` with addresses of records.

    The slice is counted in chunks: ``net.steps.chunks`` make a batch. `step` is the number of optimizer steps before
    it; ``net.results.step`` counts on. Returns early if another thread has been given up.
    """
    element, shape = make_element(dtype.itemsize), tile(dtype)
    prepare_groups, pass_rows = _make_prepare(dtype), _make_pass_rows(dtype, shape)
    update_weights = make_weight_phase(dtype, shape)
    pointer, double, index = make_pointer(scalar_type(dtype)), make_pointer(types.float64), make_pointer(types.int64)
    call_drop, call_after_step = DROP_WEIGHTS.caller(dtype), AFTER_STEP.caller(dtype)

    @kernel
    def batch_weight(net, begin, count):
        """Sum of the sample weights of a mini-batch."""
        if net.samples.sample_weight == 0:
            return float(count)
        weights = carray(pointer(net.samples.sample_weight), 1)
        order = carray(index(net.samples.order), begin + count)
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

    def run(net, layers, panels, thread, first, last, step):
        net = carray(net, 1)[0]
        layers, panels = carray(layers, net.shape.n_matrices), carray(panels, net.shape.n_panels)
        space = net.workspace
        numbers = element(space.scratch, (thread + 1) * space.scratch_size - net.steps.n_groups * N_NUMBERS)
        arrivals = 0
        weight = -1.0
        for unit in range(first, last):
            begin = unit // net.steps.chunks * net.steps.batch_size
            shift = unit % net.steps.chunks * net.workspace.chunk_rows
            batch_rows = min(net.steps.batch_size, net.samples.n_samples - begin)
            if shift >= batch_rows:
                continue
            if shift == 0 or weight < 0.0:
                weight = batch_weight(net, begin, batch_rows)
            if not weight > 0.0:
                continue
            scale = 1.0 / weight
            if shift == 0 or unit == first:  # a slice may begin within a batch
                step += 1
                if net.passes.drop_connect != 0:
                    arrivals += net.team.n_threads
                    if not call_drop(net.passes.drop_connect, net.address, net.first_layer, thread, step, arrivals):
                        return
            if net.steps.update != 0:
                prepare_groups(net, unit // net.steps.chunks, step, numbers)
            count = min(net.workspace.chunk_rows, batch_rows - shift)
            arrivals = pass_rows(net, layers, thread, begin, count, scale, step, shift, arrivals)
            if arrivals < 0:
                return
            if thread == 0:
                net.results.loss_sum += total_of(net.workspace.row_losses, count) * scale * batch_rows
            is_last = shift + count == batch_rows
            update_weights(net, layers, panels, thread, step, numbers, count, scale, shift == 0, is_last)
            if is_last and net.steps.after_step != 0:
                arrivals = meet(net, arrivals)
                if arrivals < 0:
                    return
                call_after_step(
                    net.steps.after_step, net.address, net.first_layer, net.first_panel, thread, numbers, scale,
                    float(step),
                )
            arrivals = meet(net, arrivals)
            if arrivals < 0:
                return
            if thread == 0 and is_last:
                if net.steps.has_penalty != 0:
                    net.results.penalty_sum += total_of(net.steps.penalties, net.steps.n_penalties) * batch_rows
                net.results.rows_done += batch_rows
                net.results.step = step

    return run
