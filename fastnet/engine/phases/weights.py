"""The weight phase: each thread owns blocks of weights; it sums a block's gradient over the whole batch in
registers, adds the penalty, applies the optimizer on the spot and writes the block's transposed twin.

No gradient buffer, no reduction over threads: every element is summed by one thread in one order.
"""

from functools import cache

from numba import types

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.simd import carray, make_pointer, prefetch, scalar_type
from ...kernels.tiles import make_column_sums, make_gradient_tile
from ...ops.compiled.signatures import N_NUMBERS, UPDATE
from ..functions import CLIP, GRADIENT_OF_ENTRIES, MASK_WEIGHTS, TRANSPOSE_ENTRIES, UPDATE_FEATURES
from ..passes.twins import make_write_twin


@cache
def make_sums(dtype, shape):
    """Compile-time factory: the sums over rows of a block of weights and of a vector of units, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, rows, large, panel, block = dtype.itemsize, shape.rows, shape.large_rows, shape.panel, shape.block
    scalar, pointer = dtype.type, make_pointer(scalar_type(dtype))
    wide, narrow = make_gradient_tile(itemsize, shape, rows, 2), make_gradient_tile(itemsize, shape, rows, 1)
    wide_large, tall = make_gradient_tile(itemsize, shape, large, 2), make_gradient_tile(itemsize, shape, 2 * rows, 1)
    # Panels and blocks are multiples of four, not of six: of six columns all, four or two are of the first panel.
    wide_four, wide_two = (make_gradient_tile(itemsize, shape, large, 2, of_panel) for of_panel in (4, 2))
    wide_sums, narrow_sums = make_column_sums(itemsize, shape, 2), make_column_sums(itemsize, shape, 1)
    call_gradient = GRADIENT_OF_ENTRIES.caller(dtype)

    @kernel
    def fetch_ahead(net, offset, n):
        """Ask for weights and state that come next, while gradients are summed."""
        for line in range(offset * itemsize, (offset + n) * itemsize, 64):
            prefetch(net.state.flat + line)
            for i in range(net.state.n_states):
                prefetch(net.state.states[i] + line)

    @kernel
    def sum_run(net, a, first, n, width, d, g, count, ahead):
        """Gradient of rows `first … first + n` of a panel of weights, over `count` rows of samples.

        A section of the samples stays in L1 while all these weights take their terms from it. Meanwhile as many weights
        from offset `ahead` on are asked for, unless that is negative.
        """
        n, stride = (n + rows - 1) // rows * rows, net.workspace.panel_stride
        stop, sums = first + n, carray(pointer(g), n * width)
        for j in range(len(sums)):
            sums[j] = scalar(0)
        for row in range(0, count, max(net.workspace.section, 1)):
            m, delta = min(net.workspace.section, count - row), element(d, row * panel)
            k = first
            while k < stop:
                column, before = k % panel, k
                source = element(a, k // panel * stride + row * panel + column)
                target = element(g, (k - first) * width)
                left, of_panel = stop - k, panel - column
                if width == panel:
                    if large > rows and left % large == 0:
                        if of_panel >= large:
                            wide_large(source, stride, delta, target, m)
                        elif of_panel == 4:
                            wide_four(source, stride, delta, target, m)
                        else:
                            wide_two(source, stride, delta, target, m)
                        k += large
                    else:
                        wide(source, stride, delta, target, m)
                        k += rows
                elif min(left, of_panel) >= 2 * rows:
                    tall(source, stride, delta, target, m)
                    k += 2 * rows
                else:
                    narrow(source, stride, delta, target, m)
                    k += rows
                if row == 0 and ahead >= 0:
                    fetch_ahead(net, ahead + (before - first) * width, (k - before) * width)

    @kernel
    def sum_entries(net, layer, first, n, width, first_column, first_entry, d, g):
        """The same of sparse X, whose entries are in the order of columns."""
        for k in range(first, first + n, block):
            call_gradient(
                net.passes.gradient_of_entries, net.address, net.first_layer, k, min(block, first + n - k), width,
                first_column, first_entry, d, element(g, (k - first) * width),
            )

    @kernel
    def column_sums(g, d, width, count):
        """Gradient of a vector of the units of a panel: the sum of its terms over the rows."""
        whole = count // 4 * 4
        sums = carray(pointer(g), width)
        if whole == 0:
            for j in range(width):
                sums[j] = scalar(0)
        elif width == panel:
            wide_sums(d, g, whole)
        else:
            narrow_sums(d, g, whole)
        for i in range(whole, count):
            row = carray(pointer(element(d, i * panel)), width)
            for j in range(width):
                sums[j] += row[j]

    return sum_run, sum_entries, column_sums


@cache
def make_steps(dtype):
    """Compile-time factory: what becomes of a run of gradients: it is added up, clipped, or a step, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, scalar = dtype.itemsize, dtype.type
    pointer, double = make_pointer(scalar_type(dtype)), make_pointer(types.float64)
    call_update, call_clip = UPDATE.caller(dtype), CLIP.caller(dtype)

    @kernel
    def add_double(total, g, n, first):
        """Add to the stored gradient, or start it."""
        total, g = carray(double(total), n), carray(pointer(g), n)
        for j in range(n):
            total[j] = g[j] if first else total[j] + g[j]

    @kernel
    def add_same(total, g, n, first):
        """The same in the computation dtype; the sum so far is in g too."""
        total, g = carray(pointer(total), n), carray(pointer(g), n)
        for j in range(n):
            g[j] = g[j] if first else total[j] + g[j]
            total[j] = g[j]

    @kernel
    def clip_run(net, g, offset, n, unit, first_share):
        """Measure, clip and store a run of complete gradients, as far as that is asked for."""
        store = element(net.state.gradient, offset) if net.steps.is_deferred != 0 else 0
        steps = net.steps
        call_clip(steps.clip, g, n, unit, steps.shares + first_share * 16, scalar(steps.clip_value), store)

    @kernel
    def step_run(net, g, offset, n, numbers, l1):
        """Apply the optimizer to n contiguous parameters."""
        at = offset * itemsize
        state = net.state
        call_update(
            net.steps.update, state.flat + at, g, state.states[0] + at, state.states[1] + at,
            state.states[2] + at, state.states[3] + at, n, numbers, l1,
        )

    return add_double, add_same, clip_run, step_run


def make_finish_run(dtype, shape):
    """Compile-time factory: ``finish_run``, all that follows the sums of a run of blocks, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, block, scalar = dtype.itemsize, shape.block, dtype.type
    pointer, double = make_pointer(scalar_type(dtype)), make_pointer(types.float64)
    (add_double, add_same, clip_run, step_run), write_twin = make_steps(dtype), make_write_twin(dtype, shape)
    call_mask = MASK_WEIGHTS.caller(dtype)

    @kernel
    def penalise(w, g, n, l1, l2):
        """Add the L2 penalty's gradient; returns the value of both penalties."""
        w, g = carray(pointer(w), n), carray(pointer(g), n)
        squares = magnitudes = scalar(0)
        for j in range(n):
            squares += w[j] * w[j]
            g[j] += l2 * w[j]
        if l1 > 0:
            for j in range(n):
                magnitudes += abs(w[j])
        return 0.5 * l2 * squares + l1 * magnitudes

    @kernel
    def penalise_blocks(net, part, start, stop, offset, n, unit, g, l1, l2):
        """Each block notes its own share: how threads meet in the blocks must not change the sum."""
        shares = carray(double(net.steps.penalties), net.steps.n_penalties)
        for b in range(start, stop):
            done = (b - start) * unit
            at = done * itemsize
            share = penalise(element(net.state.flat, offset) + at, g + at, min(unit, n - done), l1, l2)
            shares[part.first_penalty + b] = share

    @kernel
    def finish_run(net, layer, part, start, stop, offset, n, g, numbers, step, scale, is_first, is_last):
        """What follows the sums of a run of blocks: mask and penalty; after the last chunk clipping, step and twin."""
        l1, l2, unit = scalar(layer.l1 * scale), scalar(layer.l2 * scale), part.width * block
        if layer.connect_threshold != 0:
            call_mask(
                net.passes.mask_weights, g, n // part.width, part.width, start * block, part.column, net.steps.seed,
                step, part.layer, layer.connect_threshold, scalar(layer.connect_scale),
            )
        if net.steps.update != 0 and net.steps.chunks > 1:
            add_same(element(net.state.gradient, offset), g, n, is_first)
        if is_last and (layer.l1 > 0 or layer.l2 > 0):
            penalise_blocks(net, part, start, stop, offset, n, unit, g, l1, l2)
        if net.steps.update == 0:
            add_double(net.state.gradient + offset * 8, g, n, is_first)
        if net.steps.update == 0 or not is_last:
            return
        if net.steps.clip != 0:
            clip_run(net, g, offset, n, unit, part.first_penalty + start)
        if net.steps.is_deferred != 0:
            return
        step_run(net, g, offset, n, element(numbers, part.group * N_NUMBERS), l1)
        if layer.twin != 0 and layer.connect_threshold == 0:  # else before the next mini-batch
            write_twin(layer, element(net.state.flat, offset), part.width, start * block, part.column, n)

    return finish_run


def make_update_vectors(dtype, shape):
    """Compile-time factory: ``update_vectors`` of a panel of units, for one dtype."""
    element = make_element(dtype.itemsize)
    panel, scalar = shape.panel, dtype.type
    (*_, column_sums), (add_double, add_same, clip_run, step_run) = make_sums(dtype, shape), make_steps(dtype)

    @kernel
    def update_vectors(net, layer, part, p, g, numbers, count, is_first, is_last):
        """Gradients and steps of the vectors of a panel's units."""
        for v in range(net.shape.n_terms):
            offset = part.vectors[v]
            if offset < 0:
                continue
            terms = element(layer.terms[v], part.column // panel * net.workspace.panel_stride)
            column_sums(g, terms, part.width, count)
            if net.steps.update == 0:
                add_double(net.state.gradient + offset * 8, g, part.width, is_first)
                continue
            if net.steps.chunks > 1:
                add_same(element(net.state.gradient, offset), g, part.width, is_first)
            if is_last and net.steps.clip != 0:
                share = net.steps.n_penalties + p * net.shape.n_terms + v
                clip_run(net, g, offset, part.width, part.width, share)
            if is_last and net.steps.is_deferred == 0:
                of_group = element(numbers, part.vector_groups[v] * N_NUMBERS)
                step_run(net, g, offset, part.width, of_group, scalar(0))

    return update_vectors


def make_weight_phase(dtype, shape):
    """Compile-time factory: the weight phase of one thread, for one dtype."""
    element = make_element(dtype.itemsize)
    panel, block = shape.panel, shape.block
    (sum_run, sum_entries, _), finish_run = make_sums(dtype, shape), make_finish_run(dtype, shape)
    update_vectors, call_transpose = make_update_vectors(dtype, shape), TRANSPOSE_ENTRIES.caller(dtype)
    call_features = UPDATE_FEATURES.caller(dtype)

    @kernel
    def own_columns(net, layer, thread):
        """Of sparse input a thread owns the same columns in all panels, so that it transposes only these."""
        n_blocks = (layer.fan_in + block - 1) // block
        low, high = n_blocks * thread // net.team.n_threads, n_blocks * (thread + 1) // net.team.n_threads
        return low * block, min(high * block, layer.fan_in)

    @kernel
    def update_weights(net, layers, panels, thread, step, numbers, count, scale, is_first, is_last):
        """Gradient and update of this thread's blocks, from `count` workspace rows."""
        g = element(net.workspace.scratch, thread * net.workspace.scratch_size)
        run_blocks = max(net.workspace.run_blocks, 1)  # at least 1 for all to see: a step of 0 would raise an error
        low = net.shape.total_cost * thread // net.team.n_threads
        high = net.shape.total_cost * (thread + 1) // net.team.n_threads
        first_column = last_column = first_entry = 0
        if net.workspace.entry_columns != 0 and net.shape.n_frozen == 0:
            first_column, last_column = own_columns(net, layers[0], thread)
            first_entry = call_transpose(
                net.passes.transpose_entries, net.address, net.first_layer, count, first_column, last_column,
            )
        for p in range(net.shape.n_panels):
            part = panels[p]
            layer = layers[part.layer]
            unit = part.width * block
            n_blocks = (layer.fan_in + block - 1) // block
            begin = min(max((low - part.cost + unit - 1) // unit, 0), n_blocks)
            end = min(max((high - part.cost + unit - 1) // unit, 0), n_blocks)
            is_sparse = part.layer == 0 and net.workspace.entry_columns != 0
            if is_sparse:
                begin, end = first_column // block, (last_column + block - 1) // block
            d = element(layer.delta, part.column // panel * net.workspace.panel_stride)
            for start in range(begin, end, run_blocks):
                stop = min(start + run_blocks, end)
                offset = part.offset + start * unit
                n = part.offset + min(stop * block, layer.fan_in) * part.width - offset
                ahead = offset + n if is_last and net.steps.fetch_ahead else -1
                first, width = start * block, part.width
                if is_sparse:
                    sum_entries(net, layer, first, n // width, width, first_column, first_entry, d, g)
                else:
                    sum_run(net, layer.input, first, n // width, width, d, g, count, ahead)
                finish_run(net, layer, part, start, stop, offset, n, g, numbers, step, scale, is_first, is_last)
            if begin == 0 and end != 0:
                update_vectors(net, layer, part, p, g, numbers, count, is_first, is_last)
        if net.features.update != 0:
            call_features(net.features.update, net.address, thread, numbers, count, is_first, is_last)

    return update_weights
