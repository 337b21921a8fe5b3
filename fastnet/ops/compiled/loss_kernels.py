"""Kernels of losses and links, by what the formulas are: see ``signatures.py`` for their arguments.

Each function returns the plain function that is compiled; rows are ``stride`` apart, and ``padded`` numbers long in the
result.
"""

from dataclasses import replace

from ...kernels.compiling.jit import kernel as helper
from ...kernels.compiling.jit import retyped
from ...kernels.host import tile
from ...kernels.mathematics.exponential import exp, log
from ...kernels.mathematics.softmax import make_softmax, make_softmax_four
from ...kernels.simd import carray
from .signatures import N_PARAMETERS, target_stride


def elementwise_loss(op, dtype):
    """Of a loss of independent outputs.

    Rows are taken to whole vectors, so that few outputs are as quick as one vector's worth; what that puts
    into the padding is overwritten with zeros.
    """
    value, gradient = retyped(op.value, dtype), retyped(op.gradient, dtype)
    lanes = tile(dtype).lanes

    def kernel(z, y, weight, delta, stride, rows, n, padded, scale, p, values):
        z, y, delta = carray(z, rows * stride), carray(y, rows * stride), carray(delta, rows * stride)
        weight, values = carray(weight, rows), carray(values, rows)
        p = carray(p, N_PARAMETERS)
        parameters = (p[0], p[1], p[2], p[3])
        width = (n + lanes - 1) // lanes * lanes
        for i in range(rows):
            first = i * stride
            z_row, y_row = z[first : first + width], y[first : first + width]
            delta_row, factor = delta[first : first + padded], scale * weight[i]
            for j in range(width):
                delta_row[j] = value(z_row[j], y_row[j], parameters)
            total = 0.0
            for j in range(n):
                total += delta_row[j]
            for j in range(width):
                delta_row[j] = factor * gradient(z_row[j], y_row[j], parameters)
            for j in range(n, padded):
                delta_row[j] = 0
            values[i] = weight[i] * total

    return kernel


def offset_loss(op, dtype):
    """Of a loss of independent outputs, to each of which the number behind the row's targets is added."""
    value, gradient = retyped(op.value, dtype), retyped(op.gradient, dtype)
    lanes, further = tile(dtype).lanes, target_stride(op, 0, tile(dtype).panel)

    def kernel(z, y, weight, delta, stride, rows, n, padded, scale, p, values):
        y_stride = stride + further
        z, y, delta = carray(z, rows * stride), carray(y, rows * y_stride), carray(delta, rows * stride)
        weight, values = carray(weight, rows), carray(values, rows)
        p = carray(p, N_PARAMETERS)
        parameters = (p[0], p[1], p[2], p[3])
        width = (n + lanes - 1) // lanes * lanes
        for i in range(rows):
            first, first_y = i * stride, i * y_stride
            z_row, y_row, offset = z[first : first + width], y[first_y : first_y + width], y[first_y + n]
            delta_row, factor = delta[first : first + padded], scale * weight[i]
            for j in range(width):
                delta_row[j] = value(z_row[j] + offset, y_row[j], parameters)
            total = 0.0
            for j in range(n):
                total += delta_row[j]
            for j in range(width):
                delta_row[j] = factor * gradient(z_row[j] + offset, y_row[j], parameters)
            for j in range(n, padded):
                delta_row[j] = 0
            values[i] = weight[i] * total

    return kernel


def row_loss(op, dtype):
    """Of a loss of several classes that is written as a formula of the row."""
    formula, zero = retyped(op.row, dtype), dtype.type(0)

    def kernel(z, y, weight, delta, stride, rows, n, padded, scale, p, values):
        z, delta = carray(z, rows * stride), carray(delta, rows * stride)
        y, weight, values = carray(y, rows), carray(weight, rows), carray(values, rows)
        p = carray(p, N_PARAMETERS)
        parameters = (p[0], p[1], p[2], p[3])
        for i in range(rows):
            first, factor = i * stride, scale * weight[i]
            delta_row = delta[first : first + padded]
            values[i] = weight[i] * formula(z[first : first + n], int(y[i]), delta_row[:n], parameters)
            for j in range(n):
                delta_row[j] *= factor
            for j in range(n, padded):
                delta_row[j] = zero

    return kernel


def _softmax_parts(dtype):
    """Softmax of one row, of four rows of one vector or of two, and how many outputs these two serve."""
    shape = tile(dtype)
    narrow = shape.lanes if shape.lanes >= 4 else 0
    # Of vectors of two lanes no row is narrow. The four are compiled all the same, of four lanes, and never run.
    at_least_four = replace(shape, lanes=max(4, shape.lanes))
    of_one, of_two = (make_softmax_four(dtype, at_least_four, vectors) for vectors in (1, 2))

    @helper
    def softmax_four(z, p, n, i, j, k, m, a, b, c, d):
        if n <= narrow:
            return of_one(z, p, n, i, j, k, m, a, b, c, d)
        return of_two(z, p, n, i, j, k, m, a, b, c, d)

    return make_softmax(dtype, shape), softmax_four, 2 * narrow, dtype.itemsize


def softmax_loss(op, dtype):
    """Of the plain cross-entropy of a softmax, which deserves vectors of its own."""
    softmax_row, softmax_four, narrow, itemsize = _softmax_parts(dtype)

    @helper
    def finish(z, delta, y, values, first, i, factor, top, total):
        label = first + int(y[i])
        delta[label] -= factor
        y[i] = z[label] - top  # its label is read: the place is free
        values[i] = total

    def kernel(z, y, weight, delta, stride, rows, n, padded, scale, p, values):
        z, delta = carray(z, rows * stride), carray(delta, rows * stride)
        y, weight, values = carray(y, rows), carray(weight, rows), carray(values, rows)
        z_at, delta_at = z.ctypes.data, delta.ctypes.data
        if n <= narrow:
            for i in range(0, rows, 4):
                j, k, m = min(i + 1, rows - 1), min(i + 2, rows - 1), min(i + 3, rows - 1)
                a, b, c, d = scale * weight[i], scale * weight[j], scale * weight[k], scale * weight[m]
                r = softmax_four(z_at, delta_at, n, i * stride, j * stride, k * stride, m * stride, a, b, c, d)
                finish(z, delta, y, values, i * stride, i, a, r[0], r[4])
                if j > i:
                    finish(z, delta, y, values, j * stride, j, b, r[1], r[5])
                if k > j:
                    finish(z, delta, y, values, k * stride, k, c, r[2], r[6])
                if m > k:
                    finish(z, delta, y, values, m * stride, m, d, r[3], r[7])
        else:
            for i in range(rows):
                first, factor = i * stride, scale * weight[i]
                at = first * itemsize
                top, total = softmax_row(z_at + at, delta_at + at, n, padded, factor)
                finish(z, delta, y, values, first, i, factor, top, total)
        for i in range(rows):
            values[i] = weight[i] * (log(values[i]) - y[i])

    return kernel


def columns_loss(op, dtype):
    """Of several columns of classes, whose numbers of outputs stand in the table; y has an index for each."""
    formula, zero = retyped(op.row, dtype), dtype.type(0)

    def kernel(z, y, weight, delta, stride, rows, n, padded, scale, p, values):
        z, y, delta = carray(z, rows * stride), carray(y, rows * stride), carray(delta, rows * stride)
        weight, values = carray(weight, rows), carray(values, rows)
        p = carray(p, N_PARAMETERS + 1 + n)  # no more columns than outputs
        parameters = (p[0], p[1], p[2], p[3])
        for i in range(rows):
            first, factor, total = i * stride, scale * weight[i], 0.0
            begin = first
            for column in range(int(p[N_PARAMETERS])):
                end = begin + int(p[N_PARAMETERS + 1 + column])
                total += formula(z[begin:end], int(y[first + column]), delta[begin:end], parameters)
                begin = end
            for j in range(first, first + n):
                delta[j] *= factor
            for j in range(first + n, first + padded):
                delta[j] = zero
            values[i] = weight[i] * total

    return kernel


def target_loss(op, dtype):
    """Of a loss with several outputs for each target; their number stands first in the table."""
    formula, zero = retyped(op.target, dtype), dtype.type(0)

    def kernel(z, y, weight, delta, stride, rows, n, padded, scale, p, values):
        z, y, delta = carray(z, rows * stride), carray(y, rows * stride), carray(delta, rows * stride)
        weight, values = carray(weight, rows), carray(values, rows)
        p = carray(p, N_PARAMETERS + 1 + n)  # no more numbers than outputs
        parameters, width = (p[0], p[1], p[2], p[3]), int(p[N_PARAMETERS])
        numbers = p[N_PARAMETERS + 1 : N_PARAMETERS + 1 + width]
        for i in range(rows):
            first, factor, total = i * stride, scale * weight[i], 0.0
            for t in range(n // width):
                begin = first + t * width
                end = begin + width
                total += formula(z[begin:end], y[first + t], delta[begin:end], parameters, numbers)
            for j in range(first, first + n):
                delta[j] *= factor
            for j in range(first + n, first + padded):
                delta[j] = zero
            values[i] = weight[i] * total

    return kernel


LOSS_KERNELS = {
    "elementwise": elementwise_loss,
    "row": row_loss,
    "softmax": softmax_loss,
    "columns": columns_loss,
    "target": target_loss,
    "offset": offset_loss,
}


def elementwise_link(op, dtype):
    """Of an inverse link of one output."""
    function = retyped(op.link, dtype)

    def kernel(z, stride, rows, n, p):
        z = carray(z, rows * stride)
        p = carray(p, N_PARAMETERS)
        parameters = (p[0], p[1], p[2], p[3])
        for j in range(rows * stride):
            z[j] = function(z[j], parameters)

    return kernel


def softmax_link(op, dtype):
    """Of the softmax."""
    softmax_row, softmax_four, narrow, itemsize = _softmax_parts(dtype)
    one = dtype.type(1)

    def kernel(z, stride, rows, n, p):
        z = carray(z, rows * stride).ctypes.data
        if n <= narrow:
            for i in range(0, rows, 4):
                j, k, m = min(i + 1, rows - 1), min(i + 2, rows - 1), min(i + 3, rows - 1)
                softmax_four(z, z, n, i * stride, j * stride, k * stride, m * stride, one, one, one, one)
        else:
            for i in range(rows):
                at = z + i * stride * itemsize
                softmax_row(at, at, n, stride, one)

    return kernel


def columns_link(op, dtype):
    """Of the softmax of each of several columns."""
    zero = dtype.type(0)

    def kernel(z, stride, rows, n, p):
        z, p = carray(z, rows * stride), carray(p, N_PARAMETERS + 1 + n)
        for i in range(rows):
            begin = i * stride
            for column in range(int(p[N_PARAMETERS])):
                end = begin + int(p[N_PARAMETERS + 1 + column])
                top, total = z[begin], zero
                for j in range(begin, end):
                    top = max(top, z[j])
                for j in range(begin, end):
                    z[j] = exp(z[j] - top)
                    total += z[j]
                for j in range(begin, end):
                    z[j] /= total
                begin = end

    return kernel


def target_link(op, dtype):
    """Of the links of several outputs for each target."""
    formula = retyped(op.link, dtype)

    def kernel(z, stride, rows, n, p):
        z, p = carray(z, rows * stride), carray(p, N_PARAMETERS + 1 + n)
        parameters, width = (p[0], p[1], p[2], p[3]), int(p[N_PARAMETERS])
        numbers = p[N_PARAMETERS + 1 : N_PARAMETERS + 1 + width]
        for i in range(rows):
            for target in range(n // width):  # a range whose step is not known could raise an error
                begin = i * stride + target * width
                formula(z[begin : begin + width], parameters, numbers)

    return kernel


LINK_KERNELS = {"columns": columns_link, "target": target_link}
