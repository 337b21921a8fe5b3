"""Normalisation of hidden layers: over the units of each row, or of each unit over the rows of a mini-batch.

C functions of their own, compiled when a fit asks for them; the engine calls them by address. Each keeps what the way
back needs: the normalised numbers and the inverse standard deviations. The way back turns the derivative by
y = gain * normalised + shift into that by z, and leaves the terms whose sums over the rows are the gradients of shift
and gain.
"""

import math

import numba
import numpy as np
from numba import carray, types

from ..kernels.host import tile
from ..kernels.jit import c_function, kernel
from ..kernels.simd import make_pointer, scalar_type
from ..network.normalization import EPSILON, LEAST_SHARE
from .records import LAYER, NET


def rows(dtype):
    """Address of the function that normalises rows: layer and RMS normalisation.

    Its C signature is ``void(T *z, intp panel_stride, intp count, intp n, T *gain, T *shift, T *normalized, T *scales,
    intp is_centred)``: `count` rows of n numbers in panels, changed in place; nothing is kept if `normalized` is 0.
    Rows never meet, and the stride does not change the order of a sum.
    """
    integer = types.intp
    return c_function(lambda: _make_rows(dtype), types.void, [integer] * 9, ("normalize_rows", dtype.name))


def rows_back(dtype):
    """Address of the way back of `rows`.

    ``void(T *delta, intp panel_stride, intp count, intp n, T *gain, T *normalized, T *scales, T *shift_terms,
    T *gain_terms, intp is_centred)``: `delta` is changed in place.
    """
    integer = types.intp
    return c_function(lambda: _make_rows_back(dtype), types.void, [integer] * 10, ("normalize_rows_back", dtype.name))


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


def _make_rows(dtype):
    panel, scalar, itemsize = tile(dtype).panel, dtype.type, dtype.itemsize
    pointer, total = make_pointer(scalar_type(dtype)), _make_sum(dtype)

    @kernel
    def mean_of(z, stride, n, mean, squares, sums):
        """Mean of a row's numbers, or of the squares of their distances from `mean`."""
        for j in range(panel):
            sums[j] = scalar(0)
        for p in range(0, n, panel):
            part = carray(pointer(z + p // panel * stride * itemsize), panel)
            width = min(panel, n - p)
            if squares:
                for j in range(width):
                    sums[j] += (part[j] - mean) * (part[j] - mean)
            else:
                for j in range(width):
                    sums[j] += part[j]
        return total(sums) / scalar(n)

    def normalize(z, panel_stride, count, n, gain, shift, normalized, scales, is_centred):
        sums = np.empty(panel, dtype)
        gain, shift = carray(pointer(gain), n), carray(pointer(shift), n)
        for i in range(count):
            row = z + i * panel * itemsize
            mean = scalar(0)
            if is_centred:
                mean = mean_of(row, panel_stride, n, mean, False, sums)
            scale = scalar(1) / math.sqrt(mean_of(row, panel_stride, n, mean, True, sums) + scalar(EPSILON))
            for p in range(0, n, panel):
                at = (p // panel * panel_stride + i * panel) * itemsize
                part = carray(pointer(z + at), panel)
                width = min(panel, n - p)
                for j in range(width):
                    part[j] = (part[j] - mean) * scale
                if normalized != 0:
                    kept = carray(pointer(normalized + at), panel)
                    for j in range(width):
                        kept[j] = part[j]
                for j in range(width):
                    part[j] = part[j] * gain[p + j] + shift[p + j]
            if normalized != 0:
                carray(pointer(scales), count)[i] = scale

    return normalize


def _make_rows_back(dtype):
    panel, scalar, itemsize = tile(dtype).panel, dtype.type, dtype.itemsize
    pointer, total = make_pointer(scalar_type(dtype)), _make_sum(dtype)

    def normalize_back(delta, panel_stride, count, n, gain, normalized, scales, shift_terms, gain_terms, is_centred):
        sums, products = np.empty(panel, dtype), np.empty(panel, dtype)
        gain, scales = carray(pointer(gain), n), carray(pointer(scales), count)
        for i in range(count):
            for j in range(panel):
                sums[j] = products[j] = scalar(0)
            for p in range(0, n, panel):
                at = (p // panel * panel_stride + i * panel) * itemsize
                d, x = carray(pointer(delta + at), panel), carray(pointer(normalized + at), panel)
                by_shift, by_gain = carray(pointer(shift_terms + at), panel), carray(pointer(gain_terms + at), panel)
                for j in range(min(panel, n - p)):
                    by_shift[j] = d[j]
                    by_gain[j] = d[j] * x[j]
                    d[j] *= gain[p + j]
                    sums[j] += d[j]
                    products[j] += d[j] * x[j]
            mean = total(sums) / scalar(n) if is_centred else scalar(0)
            product = total(products) / scalar(n)
            for p in range(0, n, panel):
                at = (p // panel * panel_stride + i * panel) * itemsize
                d, x = carray(pointer(delta + at), panel), carray(pointer(normalized + at), panel)
                for j in range(min(panel, n - p)):
                    d[j] = scales[i] * (d[j] - mean - product * x[j])

    return normalize_back


def _columns(make, dtype, name):
    pointers = [types.CPointer(numba.from_dtype(record)) for record in (NET, LAYER)]
    arguments = (*pointers, types.intp, types.intp, types.intp, types.float64)
    return c_function(lambda: make(dtype), types.void, arguments, (name, dtype.name))


def columns(dtype):
    """Address of the function that normalises units over the rows of a mini-batch, each thread panels of its own.

    ``void(NET *, LAYER *, intp number, intp thread, intp count, double step)``: the layer's number, rows in the
    workspace, optimizer steps begun. Mean and variance are weighted by the samples, computed in double, and update the
    running ones. A batch with fewer than two samples that count has no variance: it is normalised by the running ones
    as they were before, and so are layers that are not trained. Without an optimizer it leaves them alone, too.
    """
    return _columns(_make_columns, dtype, "normalize_columns")


def columns_back(dtype):
    """Address of the way back of `columns`, with its C signature."""
    return _columns(_make_columns_back, dtype, "normalize_columns_back")


def _make_share(dtype):
    pointer = make_pointer(scalar_type(dtype))

    @kernel
    def weights_of(net, count):
        """Sum of the batch's sample weights, and whether it has a variance: two samples that count."""
        weights = carray(pointer(net.batch_weights), count)
        weight, n = 0.0, 0
        for i in range(count):
            weight += weights[i]
            n += weights[i] > 0
        return weight, n > 1

    return weights_of


def _make_columns(dtype):
    panel, scalar, itemsize = tile(dtype).panel, dtype.type, dtype.itemsize
    pointer, weights_of = make_pointer(scalar_type(dtype)), _make_share(dtype)

    @kernel
    def measure(z, weights, count, weight, mean, variance):
        """Weighted mean and variance of a panel's columns."""
        for j in range(panel):
            mean[j] = variance[j] = 0.0
        for i in range(count):
            row = carray(pointer(z + i * panel * itemsize), panel)
            share = np.float64(weights[i]) / weight
            for j in range(panel):
                mean[j] += share * row[j]
        for i in range(count):
            row = carray(pointer(z + i * panel * itemsize), panel)
            share = np.float64(weights[i]) / weight
            for j in range(panel):
                variance[j] += share * (row[j] - mean[j]) * (row[j] - mean[j])

    def normalize(net, layers, number, thread, count, step):
        net, layer = carray(net, 1)[0], carray(layers, number + 1)[number]
        weights = carray(pointer(net.batch_weights), count)
        weight, has_variance = weights_of(net, count)
        is_measured = has_variance and number >= net.n_frozen
        is_updated = is_measured or (net.update != 0 and number >= net.n_frozen)
        mean, variance = np.empty(panel), np.empty(panel)
        # The first steps count more, until each has the least share.
        share = 1.0 if net.update == 0 else max(LEAST_SHARE, 1.0 / (step + 1.0))
        for p in range(layer.n_panels * thread // net.n_threads, layer.n_panels * (thread + 1) // net.n_threads):
            at, first = p * net.panel_stride * itemsize, p * panel * itemsize
            if is_updated:
                measure(layer.output + at, weights, count, weight, mean, variance)
            running_mean = carray(pointer(layer.mean + first), panel)
            running_variance = carray(pointer(layer.variance + first), panel)
            gain, shift = carray(pointer(layer.gain + first), panel), carray(pointer(layer.shift + first), panel)
            scales = carray(pointer(layer.scales + first), panel)
            centre = np.empty(panel, dtype)
            for j in range(panel):
                if is_measured:
                    centre[j], scales[j] = scalar(mean[j]), scalar(1.0 / math.sqrt(variance[j] + EPSILON))
                else:
                    centre[j] = running_mean[j]
                    scales[j] = scalar(1.0 / math.sqrt(np.float64(running_variance[j]) + EPSILON))
            if is_updated:
                # Of both parts together: also the distance of their means is variance.
                for j in range(panel):
                    away = mean[j] - running_mean[j]
                    running_mean[j] += scalar(share * away)
                    kept = np.float64(running_variance[j]) + share * away * away
                    running_variance[j] = scalar((1.0 - share) * kept + share * variance[j])
            for i in range(count):
                row = carray(pointer(layer.output + at + i * panel * itemsize), panel)
                kept_row = carray(pointer(layer.normalized + at + i * panel * itemsize), panel)
                for j in range(panel):
                    kept_row[j] = (row[j] - centre[j]) * scales[j]
                    row[j] = kept_row[j] * gain[j] + shift[j]

    return normalize


def _make_columns_back(dtype):
    panel, scalar, itemsize = tile(dtype).panel, dtype.type, dtype.itemsize
    pointer, weights_of = make_pointer(scalar_type(dtype)), _make_share(dtype)

    def normalize_back(net, layers, number, thread, count, step):
        net, layer = carray(net, 1)[0], carray(layers, number + 1)[number]
        weights = carray(pointer(net.batch_weights), count)
        weight, has_variance = weights_of(net, count)
        sums, products = np.empty(panel), np.empty(panel)
        for p in range(layer.n_panels * thread // net.n_threads, layer.n_panels * (thread + 1) // net.n_threads):
            at, first = p * net.panel_stride * itemsize, p * panel * itemsize
            gain, scales = carray(pointer(layer.gain + first), panel), carray(pointer(layer.scales + first), panel)
            for j in range(panel):
                sums[j] = products[j] = 0.0
            for i in range(count):
                of_row = at + i * panel * itemsize
                d, x = carray(pointer(layer.delta + of_row), panel), carray(pointer(layer.normalized + of_row), panel)
                by_shift = carray(pointer(layer.terms[0] + of_row), panel)
                by_gain = carray(pointer(layer.terms[1] + of_row), panel)
                for j in range(panel):
                    by_shift[j] = d[j]
                    by_gain[j] = d[j] * x[j]
                    sums[j] += d[j]
                    products[j] += by_gain[j]
            for i in range(count):
                of_row = at + i * panel * itemsize
                d, x = carray(pointer(layer.delta + of_row), panel), carray(pointer(layer.normalized + of_row), panel)
                share = np.float64(weights[i]) / weight if has_variance else 0.0
                for j in range(panel):
                    d[j] = gain[j] * scales[j] * scalar(d[j] - share * (sums[j] + x[j] * products[j]))

    return normalize_back
