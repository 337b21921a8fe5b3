"""What an engine may do beyond a plain step: clip gradients, bound units' norms, average the weights.

Two C functions of their own, compiled when one of these is asked for and called by the engine by address:
``clip`` sees each gradient when it is complete, ``after_step`` runs after a barrier, when all of them are.
"""

import math

import numpy as np
from numba import from_dtype, types

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.host import tile
from ...kernels.simd import carray, make_pointer, scalar_type
from ...ops.compiled.signatures import N_NUMBERS, UPDATE
from ..memory.records import FEATURE
from .twins import make_write_twin


def make_clip(dtype):
    """The function that measures, clips by value and stores a run of gradients.

    For each `unit` of the n numbers at g, of which the last may be shorter, its sum of squares; then they are clipped
    to `limit`, with how much that took away as the second share; then they are copied to `store` unless that is 0.
    Units do not depend on the threads, so neither do their sums.
    """
    element = make_element(dtype.itemsize)
    scalar = dtype.type
    pointer = make_pointer(scalar_type(dtype))

    def clip(g, n, unit, shares, limit, store):
        shares = carray(shares, 2 * ((n + unit - 1) // unit))
        for b in range((n + unit - 1) // unit):
            count = min(unit, n - b * unit)
            run = carray(pointer(element(g, b * unit)), count)
            squares, excess = 0.0, scalar(0)
            for j in range(count):
                squares += np.float64(run[j]) * np.float64(run[j])
            if limit < np.inf:
                for j in range(count):
                    value = run[j]
                    cut = limit if value > limit else -limit if value < -limit else value
                    excess += abs(value - cut)
                    run[j] = cut
            shares[2 * b], shares[2 * b + 1] = squares, np.float64(excess)
        if store != 0:
            source, target = carray(pointer(g), n), carray(pointer(store), n)
            for j in range(n):
                target[j] = source[j]

    return clip


def make_after_step(dtype):
    """The function that ends a step, each thread with whole panels of its own.

    With ``clip_norm`` it also takes the step, from the stored gradients. `numbers` is the address of the optimizer's
    numbers, eight for each group of parameters.
    """
    element = make_element(dtype.itemsize)
    itemsize, scalar, shape = dtype.itemsize, dtype.type, tile(dtype)
    number = scalar_type(dtype)
    pointer, double, record = make_pointer(number), make_pointer(types.float64), make_pointer(from_dtype(FEATURE))
    call_update = UPDATE.caller(dtype)
    write_twin = make_write_twin(dtype, shape)

    @kernel
    def measure(net, thread):
        """The gradient's norm, which each thread sums in the same order; one of them enters it."""
        shares = carray(double(net.steps.shares), 2 * net.steps.n_shares)
        squares, n_cut = 0.0, 0
        for i in range(net.steps.n_shares):
            squares += shares[2 * i]
            n_cut += shares[2 * i + 1] > 0.0
        norm = math.sqrt(squares)
        if thread == 0:
            results = net.results
            results.norm_sum += norm
            results.largest_norm = results.largest_norm if norm <= results.largest_norm else norm  # of NaN, NaN
            results.n_clipped += norm > net.steps.clip_norm or n_cut > 0
            results.n_measured += 1
        return norm

    @kernel
    def step_run(net, offset, n, factor, numbers, l1):
        """The optimizer's step of a run, from its stored gradient."""
        at = offset * itemsize
        if factor < 1.0:
            g = carray(pointer(net.state.gradient + at), n)
            for j in range(n):
                g[j] *= scalar(factor)
        state = net.state
        call_update(
            net.steps.update, state.flat + at, state.gradient + at, state.states[0] + at, state.states[1] + at,
            state.states[2] + at, state.states[3] + at, n, numbers, l1,
        )

    @kernel
    def bound_columns(net, part, fan_in, scratch):
        """Shrink the columns of a panel that are longer than `max_norm`; whether there were any."""
        factors = carray(double(scratch), part.width)
        for j in range(part.width):
            factors[j] = 0.0
        for k in range(fan_in):
            row = carray(pointer(element(net.state.flat, part.offset + k * part.width)), part.width)
            for j in range(part.width):
                factors[j] += np.float64(row[j]) * np.float64(row[j])
        any_longer = False
        for j in range(part.width):
            is_longer = factors[j] > net.steps.max_norm * net.steps.max_norm
            factors[j] = net.steps.max_norm / math.sqrt(factors[j]) if is_longer else 1.0
            any_longer = any_longer or is_longer
        if any_longer:
            for k in range(fan_in):
                row = carray(pointer(element(net.state.flat, part.offset + k * part.width)), part.width)
                for j in range(part.width):
                    row[j] *= scalar(factors[j])
        return any_longer

    @kernel
    def average_run(net, offset, n, share):
        at = offset * itemsize
        average, w = carray(pointer(net.state.average + at), n), carray(pointer(net.state.flat + at), n)
        for j in range(n):
            average[j] += share * (w[j] - average[j])

    @kernel
    def finish_numbers(net, offset, n, group, numbers, factor, share):
        """The same of numbers of the feature layer."""
        if net.steps.is_deferred != 0:
            step_run(net, offset, n, factor, element(numbers, group * N_NUMBERS), scalar(0))
        if net.state.average != 0:
            average_run(net, offset, n, share)

    @kernel
    def finish_features(net, thread, numbers, factor, share):
        """The feature layer's part: each thread has columns of its own."""
        columns = carray(record(net.features.columns), net.features.n_columns)
        for i in range(net.features.n_columns):
            if i % net.team.n_threads != thread:  # a range whose step is not known could raise an error
                continue
            column = columns[i]
            if column.n_trained != 0:
                finish_numbers(net, column.offset, column.n_trained, column.group, numbers, factor, share)
            if column.scale >= 0:
                finish_numbers(net, column.scale, column.n_outputs, column.scale_group, numbers, factor, share)

    def after_step(net, layers, panels, thread, numbers, scale, step):
        net = carray(net, 1)[0]
        layers, panels = carray(layers, net.shape.n_matrices), carray(panels, net.shape.n_panels)
        scratch = element(net.workspace.scratch, thread * net.workspace.scratch_size)
        factor, share = 1.0, scalar(0)
        if net.steps.shares != 0:
            norm = measure(net, thread)
            if norm > net.steps.clip_norm:  # a NaN passes, for all to see
                factor = net.steps.clip_norm / norm
        if net.state.average != 0:  # the first step's is 1
            steps = step - float(net.state.average_start)
            share = scalar((1.0 - net.steps.decay) / (1.0 - net.steps.decay**steps))
        first = panels[0].offset
        total = panels[net.shape.n_panels - 1].offset - first + 1
        for p in range(net.shape.n_panels):
            part = panels[p]
            if (part.offset - first) * net.team.n_threads // total != thread:
                continue
            layer = layers[part.layer]
            n = layer.fan_in * part.width
            if net.steps.is_deferred != 0:
                of_group = element(numbers, part.group * N_NUMBERS)
                step_run(net, part.offset, n, factor, of_group, scalar(layer.l1 * scale))
                for v in range(net.shape.n_terms):
                    if part.vectors[v] >= 0:
                        of_group = element(numbers, part.vector_groups[v] * N_NUMBERS)
                        step_run(net, part.vectors[v], part.width, factor, of_group, scalar(0))
            is_bounded = net.steps.max_norm > 0 and bound_columns(net, part, layer.fan_in, scratch)
            has_twin = layer.twin != 0 and layer.connect_threshold == 0  # else it is written before the next mini-batch
            if has_twin and (is_bounded or net.steps.is_deferred != 0):
                write_twin(layer, element(net.state.flat, part.offset), part.width, 0, part.column, n)
            if net.state.average != 0:
                average_run(net, part.offset, n, share)
                for v in range(net.shape.n_terms):
                    if part.vectors[v] >= 0:
                        average_run(net, part.vectors[v], part.width, share)
        if net.features.update != 0:
            finish_features(net, thread, numbers, factor, share)

    return after_step
