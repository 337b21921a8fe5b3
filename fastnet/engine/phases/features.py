"""The feature layer: what the inputs become before the first product, and how its numbers are trained.

A column of X is taken a strip of rows at a time, which its formulas find side by side. In the row phase each thread has
rows of its own; in the weight phase each has columns of its own, and sums over all rows, in one order.
"""

from functools import cache

from numba import carray, from_dtype, types

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.host import tile
from ...kernels.simd import make_local, make_pointer, scalar_type
from ...ops.compiled.signatures import EXPAND, N_NUMBERS, REDUCE, STRIP
from ...ops.features import MAX_OUTPUTS
from ..functions import CLIP
from ..memory.records import FEATURE
from .weights import make_steps


@cache
def make_strips(dtype):
    """Compile-time factory: ``read`` and ``write`` a strip of a column of panels, for one dtype."""
    element, panel, zero = make_element(dtype.itemsize), tile(dtype).panel, dtype.type(0)
    pointer = make_pointer(scalar_type(dtype))

    @kernel
    def read(net, panels, column, first, count, target):
        """Rows `first …` of a column, and zeros up to a whole strip."""
        at = element(panels, column // panel * net.workspace.panel_stride + first * panel + column % panel)
        source, target = carray(pointer(at), STRIP * panel), carray(pointer(target), STRIP)
        for r in range(count):
            target[r] = source[r * panel]
        for r in range(count, STRIP):
            target[r] = zero

    @kernel
    def write(net, panels, column, first, count, source):
        at = element(panels, column // panel * net.workspace.panel_stride + first * panel + column % panel)
        target, source = carray(pointer(at), STRIP * panel), carray(pointer(source), STRIP)
        for r in range(count):
            target[r * panel] = source[r]

    return read, write


def make_expand_features(dtype):
    """The pass that makes the inputs of the first layer: ``expand_features(net, first, count)``, of workspace rows."""
    element, number = make_element(dtype.itemsize), scalar_type(dtype)
    pointer, record = make_pointer(number), make_pointer(from_dtype(FEATURE))
    (read, write), call_expand = make_strips(dtype), EXPAND.caller(dtype)
    local_x, local_outputs = make_local(number, STRIP), make_local(number, STRIP * MAX_OUTPUTS)

    @kernel
    def write_scaled(net, column, inputs, first, count, outputs):
        """The outputs of a strip of a column: those before the scale are kept too, in training."""
        scales = carray(pointer(element(net.state.flat, column.scale)), column.n_outputs)
        for j in range(column.n_outputs):
            at = element(outputs, j * STRIP)
            if net.features.expanded != 0:
                write(net, net.features.expanded, column.output + j, first, count, at)
            strip = carray(pointer(at), STRIP)
            for r in range(STRIP):
                strip[r] *= scales[j]
            write(net, inputs, column.output + j, first, count, at)

    def expand_features(net, layers, first, count):
        net = carray(net, 1)[0]
        inputs = carray(layers, 1)[0].input
        columns = carray(record(net.features.columns), net.features.n_columns)
        x = types.intp(carray(local_x(), STRIP).ctypes.data)
        outputs = types.intp(carray(local_outputs(), STRIP * MAX_OUTPUTS).ctypes.data)
        for start in range(first, first + count, STRIP):
            rows = min(STRIP, first + count - start)
            for i in range(net.features.n_columns):
                column = columns[i]
                read(net, net.features.inputs, column.column, start, rows, x)
                made = x
                if column.expand != 0:
                    made = outputs
                    p = element(net.state.flat, column.offset)
                    call_expand(column.expand, outputs, x, p, column.size, column.n_outputs)
                if column.scale >= 0:
                    write_scaled(net, column, inputs, start, rows, made)
                else:
                    for j in range(column.n_outputs):
                        write(net, inputs, column.output + j, start, rows, element(made, j * STRIP))

    return expand_features


def make_update_features(dtype):
    """The feature layer's part of the weight phase: ``update_features(net, thread, numbers, count, …)``.

    It is the same as of units' vectors: gradients are summed, added up over the chunks of a mini-batch, clipped, and a
    step is taken. Of a table only the levels that the mini-batch has take one.
    """
    element, zero, scalar = make_element(dtype.itemsize), dtype.type(0), dtype.type
    pointer, double, index = make_pointer(scalar_type(dtype)), make_pointer(types.float64), make_pointer(types.int64)
    record = make_pointer(from_dtype(FEATURE))
    (read, _), call_reduce, call_clip = make_strips(dtype), REDUCE.caller(dtype), CLIP.caller(dtype)
    add_double, add_same, clip_run, step_run = make_steps(dtype)

    @kernel
    def clear(target, n):
        target = carray(pointer(target), n)
        for j in range(n):
            target[j] = zero

    @kernel
    def through_scale(net, column, first, count, delta, g, x):
        """Sums of the scales' gradients; from the derivatives by the outputs to those by what is scaled."""
        scales = carray(pointer(element(net.state.flat, column.scale)), column.n_outputs)
        sums, expanded = carray(pointer(g), column.n_outputs), carray(pointer(x), STRIP)
        for j in range(column.n_outputs):
            read(net, net.features.expanded, column.output + j, first, count, x)
            strip, total = carray(pointer(element(delta, j * STRIP)), STRIP), zero
            for r in range(STRIP):
                total += expanded[r] * strip[r]
                strip[r] *= scales[j]
            sums[j] += total

    @kernel
    def finish(net, g, offset, n, of_group, share, is_first, is_last):
        """What follows the sums of n numbers' gradients."""
        if net.steps.update == 0:
            add_double(net.state.gradient + offset * 8, g, n, is_first)
            return
        if net.steps.chunks > 1:
            add_same(element(net.state.gradient, offset), g, n, is_first)
        if is_last and net.steps.clip != 0:
            clip_run(net, g, offset, n, n, share)
        if is_last and net.steps.is_deferred == 0:
            step_run(net, g, offset, n, of_group, zero)

    @kernel
    def add_level(net, column, level, delta, row):
        """Add a row's deltas to the gradient of a level of the mini-batch, which has a place from its first row on."""
        n = column.n_outputs
        slots, touched = carray(index(column.slots), level + 1), carray(index(column.touched), column.n_touched + 1)
        if slots[level] < 0:
            slots[level] = column.n_touched
            touched[column.n_touched] = level
            clear(element(column.gradients, column.n_touched * n), n)
            column.n_touched += 1
        sums = carray(pointer(element(column.gradients, slots[level] * n)), n)
        for j in range(n):
            sums[j] += carray(pointer(element(delta, j * STRIP + row)), 1)[0]

    @kernel
    def add_level_double(net, column, level, delta, row):
        """The same to the stored gradient of all levels."""
        at = column.offset + level * column.n_outputs
        sums = carray(double(net.state.gradient + at * 8), column.n_outputs)
        for j in range(column.n_outputs):
            sums[j] += carray(pointer(element(delta, j * STRIP + row)), 1)[0]

    @kernel
    def add_levels(net, column, x, delta, count):
        """Add a strip to the gradients of its levels; a code that is none of them has no gradient."""
        codes = carray(pointer(x), STRIP)
        for r in range(count):
            code = codes[r]
            if not (code >= zero and code < scalar(column.size)):
                continue
            level = types.intp(code)
            if scalar(level) != code:
                continue
            if net.steps.update == 0:
                add_level_double(net, column, level, delta, r)
            else:
                add_level(net, column, level, delta, r)

    @kernel
    def step_levels(net, column, of_group, share):
        """Clip the gradients of the mini-batch's levels by value, and let these levels take a step."""
        n = column.n_outputs
        slots, touched = carray(index(column.slots), column.size), carray(index(column.touched), column.n_touched + 1)
        if net.steps.clip != 0 and column.n_touched > 0:
            n_all = column.n_touched * n
            call_clip(
                net.steps.clip, column.gradients, n_all, n_all, net.steps.shares + share * 16,
                scalar(net.steps.clip_value), 0,
            )
        elif net.steps.clip != 0:
            shares = carray(double(net.steps.shares + share * 16), 2)
            shares[0] = shares[1] = 0.0
        for i in range(column.n_touched):
            level = touched[i]
            step_run(net, element(column.gradients, i * n), column.offset + level * n, n, of_group, zero)
            slots[level] = -1
        column.n_touched = 0

    def update_features(net, thread, numbers, count, is_first, is_last):
        net = carray(net, 1)[0]
        features, n_threads = net.features, net.team.n_threads
        columns = carray(record(features.columns), features.n_columns)
        g = element(features.scratch, thread * features.scratch_size)
        low, high = features.total_cost * thread // n_threads, features.total_cost * (thread + 1) // n_threads
        for i in range(features.n_columns):
            column = columns[i]
            if column.cost < low or column.cost >= high or (column.n_trained == 0 and column.scale < 0):
                continue
            n = 0 if column.is_lazy else column.n_trained
            # All of a thread's scratch: sums of the numbers, those of the scales, a strip of X, strips of deltas.
            by_scale = element(g, (n + 63) // 64 * 64)
            x = element(by_scale, (column.n_outputs + 63) // 64 * 64)
            delta = element(x, STRIP)
            clear(g, n)
            clear(by_scale, column.n_outputs)
            if column.is_lazy and net.steps.update == 0 and is_first:
                table = carray(double(net.state.gradient + column.offset * 8), column.size * column.n_outputs)
                for j in range(len(table)):
                    table[j] = 0.0
            for start in range(0, count, STRIP):
                rows = min(STRIP, count - start)
                for j in range(column.n_outputs):
                    read(net, features.delta, column.output + j, start, rows, element(delta, j * STRIP))
                if column.scale >= 0:
                    through_scale(net, column, start, rows, delta, by_scale, x)
                if column.n_trained != 0:
                    read(net, features.inputs, column.column, start, rows, x)
                    if column.is_lazy:
                        add_levels(net, column, x, delta, rows)
                    else:
                        p = element(net.state.flat, column.offset)
                        call_reduce(column.reduce, g, x, delta, p, column.size, column.n_outputs)
            share = features.first_share + 2 * i
            if column.is_lazy and is_last and net.steps.update != 0:
                step_levels(net, column, element(numbers, column.group * N_NUMBERS), share)
            elif n != 0:
                of_group = element(numbers, column.group * N_NUMBERS)
                finish(net, g, column.offset, n, of_group, share, is_first, is_last)
            if column.scale >= 0:
                of_group = element(numbers, column.scale_group * N_NUMBERS)
                finish(net, by_scale, column.scale, column.n_outputs, of_group, share + 1, is_first, is_last)

    return update_features
