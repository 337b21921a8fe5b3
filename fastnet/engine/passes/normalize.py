"""Normalisation of hidden layers: over the units of each row, or of each unit over the rows of a mini-batch.

C functions of their own, compiled when a fit asks for them; the engine calls them by address. Each keeps what the way
back needs: the normalised numbers and the inverse standard deviations. The way back turns the derivative by
y = gain * normalised + shift into that by z, and leaves the terms whose sums over the rows are the gradients of shift
and gain.
"""

import math

import numpy as np
from numba import types

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.host import tile
from ...kernels.simd import carray, make_local, make_pointer, scalar_type
from ...network.layers import BIAS, GAIN
from ...network.normalization import EPSILON, LEAST_SHARE


def _make_sum(dtype):
    """Jitted helper: the sum of a panel's width of partial sums, in one order."""
    panel = tile(dtype).panel

    @kernel
    def total(sums):
        n = panel
        while n > 1:
            n //= 2
            for j in range(n):
                sums[j] += sums[j + n]
        return sums[0]

    return total


def make_rows(dtype):
    """The function that normalises rows: layer and RMS normalisation.

    `count` rows of n numbers in panels, changed in place; nothing is kept if `normalized` is 0. Rows never meet, and
    the stride does not change the order of a sum.
    """
    panel, scalar = tile(dtype).panel, dtype.type
    total, local = _make_sum(dtype), make_local(scalar_type(dtype), panel)

    # Loops of a constant length would be unrolled into single numbers before they become vectors.

    @kernel
    def mean_of(z, first, stride, n, centre, squares, sums):
        """Mean of a row's numbers, or of the squares of their distances from `centre`."""
        sums[:] = scalar(0)
        for p in range(0, n, panel):
            at = first + p // panel * stride
            part = z[at : at + min(panel, n - p)]
            if squares:
                for j in range(len(part)):
                    sums[j] += (part[j] - centre) * (part[j] - centre)
            else:
                for j in range(len(part)):
                    sums[j] += part[j]
        return total(sums) / scalar(n)

    def normalize(z, panel_stride, count, n, gain, shift, normalized, scales, is_centred):
        size = (n + panel - 1) // panel * panel_stride
        z, normalized, scales = carray(z, size), carray(normalized, size), carray(scales, count)
        gain, shift = carray(gain, n), carray(shift, n)
        keeps, sums = normalized.ctypes.data != 0, carray(local(), panel)
        for i in range(count):
            mean = scalar(0)
            if is_centred:
                mean = mean_of(z, i * panel, panel_stride, n, mean, False, sums)
            square = mean_of(z, i * panel, panel_stride, n, mean, True, sums)
            scale = scalar(1) / math.sqrt(square + scalar(EPSILON))
            if keeps:
                scales[i] = scale
            for p in range(0, n, panel):
                at, width = p // panel * panel_stride + i * panel, min(panel, n - p)
                part, part_gain, part_shift = z[at : at + width], gain[p : p + width], shift[p : p + width]
                if keeps:
                    kept = normalized[at : at + width]
                    for j in range(width):
                        kept[j] = (part[j] - mean) * scale
                for j in range(width):
                    part[j] = (part[j] - mean) * scale * part_gain[j] + part_shift[j]

    return normalize


def make_rows_back(dtype):
    """The way back of normalised rows; `delta` is changed in place."""
    panel, scalar = tile(dtype).panel, dtype.type
    total, local = _make_sum(dtype), make_local(scalar_type(dtype), panel)

    def normalize_back(delta, panel_stride, count, n, gain, normalized, scales, shift_terms, gain_terms, is_centred):
        size = (n + panel - 1) // panel * panel_stride
        delta, normalized, scales = carray(delta, size), carray(normalized, size), carray(scales, count)
        shift_terms, gain_terms, gain = carray(shift_terms, size), carray(gain_terms, size), carray(gain, n)
        sums, products = carray(local(), panel), carray(local(), panel)
        for i in range(count):
            sums[:] = products[:] = scalar(0)
            for p in range(0, n, panel):
                at, width = p // panel * panel_stride + i * panel, min(panel, n - p)
                d, x, part_gain = delta[at : at + width], normalized[at : at + width], gain[p : p + width]
                by_shift, by_gain = shift_terms[at : at + width], gain_terms[at : at + width]
                for j in range(width):
                    by_shift[j] = d[j]
                    by_gain[j] = d[j] * x[j]
                    d[j] *= part_gain[j]
                    sums[j] += d[j]
                    products[j] += d[j] * x[j]
            mean = total(sums) / scalar(n) if is_centred else scalar(0)
            product = total(products) / scalar(n)
            for p in range(0, n, panel):
                at, width = p // panel * panel_stride + i * panel, min(panel, n - p)
                d, x = delta[at : at + width], normalized[at : at + width]
                for j in range(width):
                    d[j] = scales[i] * (d[j] - mean - product * x[j])

    return normalize_back


def _make_weights_of(dtype):
    pointer = make_pointer(scalar_type(dtype))

    @kernel
    def weights_of(net, count):
        """Sum of the batch's sample weights, and whether it has a variance: two samples that count."""
        weights = carray(pointer(net.workspace.batch_weights), count)
        weight, n = 0.0, 0
        for i in range(count):
            weight += weights[i]
            n += weights[i] > 0
        return weight, n > 1

    return weights_of


def make_columns(dtype):
    """The function that normalises units over the rows of a mini-batch, each thread panels of its own.

    It gets the layer's number, rows in the workspace, optimizer steps begun. Mean and variance are weighted by the
    samples, computed in double, and update the running ones. A batch with fewer than two samples that count has no
    variance: it is normalised by the running ones as they were before, and so are layers that are not trained. Without
    an optimizer it leaves them alone, too.
    """
    element = make_element(dtype.itemsize)
    panel, scalar, itemsize = tile(dtype).panel, dtype.type, dtype.itemsize
    pointer, weights_of = make_pointer(scalar_type(dtype)), _make_weights_of(dtype)
    local, local_double = make_local(scalar_type(dtype), panel), make_local(types.float64, panel)

    @kernel
    def measure(z, weights, count, weight, mean, variance):
        """Weighted mean and variance of a panel's columns."""
        width = len(mean)
        mean[:] = variance[:] = 0.0
        for i in range(count):
            row = carray(pointer(element(z, i * panel)), width)
            share = np.float64(weights[i]) / weight
            for j in range(width):
                mean[j] += share * row[j]
        for i in range(count):
            row = carray(pointer(element(z, i * panel)), width)
            share = np.float64(weights[i]) / weight
            for j in range(width):
                variance[j] += share * (row[j] - mean[j]) * (row[j] - mean[j])

    def normalize(net, layers, number, thread, count, step):
        net, layer = carray(net, 1)[0], carray(layers, number + 1)[number]
        weights = carray(pointer(net.workspace.batch_weights), count)
        weight, has_variance = weights_of(net, count)
        is_measured = has_variance and number >= net.shape.n_frozen
        is_updated = is_measured or (net.steps.update != 0 and number >= net.shape.n_frozen)
        # The first steps count more, until each has the least share.
        share = 1.0 if net.steps.update == 0 else max(LEAST_SHARE, 1.0 / (step + 1.0))
        n_threads = net.team.n_threads
        for p in range(layer.n_panels * thread // n_threads, layer.n_panels * (thread + 1) // n_threads):
            at, first = p * net.workspace.panel_stride * itemsize, p * panel * itemsize
            width = min(panel, layer.fan_out - p * panel)
            running_mean = carray(pointer(layer.mean + first), width)
            running_variance = carray(pointer(layer.variance + first), width)
            scales = carray(pointer(layer.scales + first), width)
            given_gain = carray(pointer(layer.gain + first), width)
            given_shift = carray(pointer(layer.shift + first), width)
            # Copies: nothing else points to them.
            gain, shift = carray(local(), panel)[:width], carray(local(), panel)[:width]
            centre, factor = carray(local(), panel)[:width], carray(local(), panel)[:width]
            for j in range(width):
                gain[j], shift[j], centre[j] = given_gain[j], given_shift[j], running_mean[j]
            mean, variance = carray(local_double(), panel)[:width], carray(local_double(), panel)[:width]
            if is_updated:
                measure(layer.output + at, weights, count, weight, mean, variance)
            for j in range(width):
                spread = np.float64(running_variance[j])
                if is_measured:
                    centre[j], spread = scalar(mean[j]), variance[j]
                factor[j] = scales[j] = scalar(1.0 / math.sqrt(spread + EPSILON))
            if is_updated:
                # Of both parts together: also the distance of their means is variance.
                for j in range(width):
                    away = mean[j] - running_mean[j]
                    running_mean[j] += scalar(share * away)
                    kept = np.float64(running_variance[j]) + share * away * away
                    running_variance[j] = scalar((1.0 - share) * kept + share * variance[j])
            for i in range(count):
                row = carray(pointer(element(layer.output + at, i * panel)), width)
                kept_row = carray(pointer(element(layer.normalized + at, i * panel)), width)
                for j in range(width):
                    x = (row[j] - centre[j]) * factor[j]
                    kept_row[j] = x
                    row[j] = x * gain[j] + shift[j]

    return normalize


def make_columns_back(dtype):
    """The way back of `make_columns`' function."""
    panel, scalar, itemsize = tile(dtype).panel, dtype.type, dtype.itemsize
    pointer, weights_of = make_pointer(scalar_type(dtype)), _make_weights_of(dtype)
    local, local_double = make_local(scalar_type(dtype), panel), make_local(types.float64, panel)
    of_shift, of_gain = BIAS.terms, GAIN.terms

    def normalize_back(net, layers, number, thread, count, step):
        net, layer = carray(net, 1)[0], carray(layers, number + 1)[number]
        weights = carray(pointer(net.workspace.batch_weights), count)
        weight, has_variance = weights_of(net, count)
        n_threads = net.team.n_threads
        for p in range(layer.n_panels * thread // n_threads, layer.n_panels * (thread + 1) // n_threads):
            at, first = p * net.workspace.panel_stride * itemsize, p * panel * itemsize
            width = min(panel, layer.fan_out - p * panel)
            gain, scales = carray(pointer(layer.gain + first), width), carray(pointer(layer.scales + first), width)
            factor = carray(local(), panel)[:width]
            sums, products = carray(local_double(), panel)[:width], carray(local_double(), panel)[:width]
            for j in range(width):
                factor[j] = gain[j] * scales[j]
                sums[j] = products[j] = 0.0
            for i in range(count):
                of_row = at + i * panel * itemsize
                d, x = carray(pointer(layer.delta + of_row), width), carray(pointer(layer.normalized + of_row), width)
                by_shift = carray(pointer(layer.terms[of_shift] + of_row), width)
                by_gain = carray(pointer(layer.terms[of_gain] + of_row), width)
                for j in range(width):
                    term = d[j] * x[j]
                    sums[j] += d[j]
                    products[j] += term
                    by_shift[j] = d[j]
                    by_gain[j] = term
            for i in range(count):
                of_row = at + i * panel * itemsize
                d, x = carray(pointer(layer.delta + of_row), width), carray(pointer(layer.normalized + of_row), width)
                share = np.float64(weights[i]) / weight if has_variance else 0.0
                for j in range(width):
                    d[j] = factor[j] * scalar(d[j] - share * (sums[j] + x[j] * products[j]))

    return normalize_back
