"""The factory that makes row kernels from scalar formulas: C functions that the engine calls by address.

========  ====================================================================================
kernel    C signature (T is the computation dtype)
========  ====================================================================================
activate  ``void(T *a, intp n, T *parameters)``: in place on n contiguous numbers
derive    ``void(T *delta, T *x, intp n, T *parameters)``: ``delta *= g'(x)``
loss      ``void(T *z, T *y, T *weight, T *delta, intp stride, intp rows, intp n, intp padded, T scale,
          T *parameters, double *value)``: a tile of rows of ``padded`` numbers, ``stride`` apart (y is one
          number a row if it is a class index); writes each row's weighted loss and
          ``delta = scale * weight * gradient``, zero in the padding; y may be used up
link      ``void(T *z, intp stride, intp rows, intp n, T *parameters)``: raw outputs to predictions
prepare   ``void(double step, double rate, double *parameters, T *numbers)``: once a mini-batch; eight numbers
          for weights, then eight for biases
update    ``void(T *w, T *g, T *s0, T *s1, T *s2, T *s3, intp n, T *numbers, T l1)``: n weights or n biases, with
          their eight numbers
========  ====================================================================================

Each op is compiled alone, once per dtype, and called on a whole tile.
"""

import math
from functools import lru_cache

import numpy as np
from numba import carray, types

from ..kernels.host import tile
from ..kernels.jit import c_function, retyped
from ..kernels.jit import kernel as helper
from ..kernels.simd import scalar_type
from ..kernels.softmax import make_softmax, make_softmax_four
from ..kernels.vecmath import log
from .digest import formulas_digest

N_PARAMETERS = 4
N_NUMBERS = 8
NUMBERS_SIZE = 2 * N_NUMBERS


def parameter_array(op, dtype):
    """The op's parameters as the kernels read them: a padded array of ``dtype``."""
    array = np.zeros(N_PARAMETERS, dtype)
    array[: len(op.values)] = op.values
    return array


def _address(op, name, dtype, make, *argument_types):
    """Compile one kernel of an op, or find it again."""
    cls = type(op)
    key = (name, cls.__module__, cls.__qualname__, formulas_digest(op), dtype.name)
    return c_function(make, types.void, argument_types, key)


def _pointer(dtype):
    return types.CPointer(scalar_type(dtype))


def _soft_threshold(w, threshold):
    """Proximal step of ``threshold * |w|``: towards zero, and exactly zero when it would pass it."""
    size = abs(w) - threshold
    return math.copysign(size if size > 0.0 else 0.0, w)


@lru_cache(1024)
def activate(op, dtype):
    """Address of the kernel that applies an activation in place."""

    def make():
        function = retyped(op.function, dtype)

        def kernel(a, n, p):
            a = carray(a, n)
            p = carray(p, N_PARAMETERS)
            parameters = (p[0], p[1], p[2], p[3])
            for j in range(n):
                a[j] = function(a[j], parameters)

        return kernel

    pointer = _pointer(dtype)
    return _address(op, "activate", dtype, make, pointer, types.intp, pointer)


@lru_cache(1024)
def derive(op, dtype):
    """Address of the kernel that multiplies deltas with an activation's derivative."""

    def make():
        derivative = retyped(op.derivative, dtype)

        def kernel(delta, x, n, p):
            delta, x = carray(delta, n), carray(x, n)
            p = carray(p, N_PARAMETERS)
            parameters = (p[0], p[1], p[2], p[3])
            for j in range(n):
                delta[j] *= derivative(x[j], parameters)

        return kernel

    pointer = _pointer(dtype)
    return _address(op, "derive", dtype, make, pointer, pointer, types.intp, pointer)


@lru_cache(1024)
def loss(op, dtype):
    """Address of the kernel that gives a tile of rows its loss and output delta together.

    Rows are taken to whole vectors, so that few outputs are as quick as one vector's worth; what that puts
    into the padding is overwritten with zeros.
    """
    lanes = tile(dtype).lanes

    def elementwise():
        value, gradient = retyped(op.value, dtype), retyped(op.gradient, dtype)

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

    def softmax():
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

    pointer, n = _pointer(dtype), types.intp
    make = softmax if op.class_index_target else elementwise
    arguments = [pointer] * 4 + [n] * 4 + [scalar_type(dtype), pointer, types.CPointer(types.float64)]
    return _address(op, "loss", dtype, make, *arguments)


def _softmax_parts(dtype):
    """Softmax of one row and of four, up to how many outputs the four serve, and the size of a number."""
    shape = tile(dtype)
    narrow = shape.lanes if shape.lanes >= 4 else 0
    return make_softmax(dtype, shape), make_softmax_four(dtype, shape), narrow, dtype.itemsize


@lru_cache(1024)
def link(op, dtype):
    """Address of the kernel that turns raw outputs into predictions."""

    def elementwise():
        function = retyped(op.link, dtype)

        def kernel(z, stride, rows, n, p):
            z = carray(z, rows * stride)
            p = carray(p, N_PARAMETERS)
            parameters = (p[0], p[1], p[2], p[3])
            for j in range(rows * stride):
                z[j] = function(z[j], parameters)

        return kernel

    def softmax():
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

    pointer, n = _pointer(dtype), types.intp
    make = softmax if op.class_index_target else elementwise
    return _address(op, "link", dtype, make, pointer, n, n, n, pointer)


@lru_cache(1024)
def prepare(op, dtype):
    """Address of the kernel that computes an optimizer's numbers of one mini-batch."""

    def make():
        function = retyped(op.prepare, np.dtype(np.float64))

        def kernel(step, rate, p, numbers):
            p, numbers = carray(p, N_PARAMETERS), carray(numbers, NUMBERS_SIZE)
            result = function(step, rate, (p[0], p[1], p[2], p[3]))
            for j in range(N_NUMBERS):
                numbers[j] = numbers[N_NUMBERS + j] = result[j]
            numbers[NUMBERS_SIZE - 1] = 0  # decoupled decay: none for biases

        return kernel

    double = types.float64
    return _address(op, "prepare", dtype, make, double, double, types.CPointer(double), _pointer(dtype))


def _state_access(n_states):
    """Jitted helpers that read and write one weight's states, as a tuple of as many numbers.

    Written out: an index into a tuple of arrays that is not a literal would keep the loop from vectorising.
    """

    def read_0(states, j):
        return ()

    def write_0(states, j, new):
        pass

    def read_1(states, j):
        return (states[0][j],)

    def write_1(states, j, new):
        states[0][j] = new[0]

    def read_2(states, j):
        return states[0][j], states[1][j]

    def write_2(states, j, new):
        states[0][j], states[1][j] = new

    def read_3(states, j):
        return states[0][j], states[1][j], states[2][j]

    def write_3(states, j, new):
        states[0][j], states[1][j], states[2][j] = new

    def read_4(states, j):
        return states[0][j], states[1][j], states[2][j], states[3][j]

    def write_4(states, j, new):
        states[0][j], states[1][j], states[2][j], states[3][j] = new

    read = (read_0, read_1, read_2, read_3, read_4)[n_states]
    write = (write_0, write_1, write_2, write_3, write_4)[n_states]
    return helper(read), helper(write)


@lru_cache(1024)
def update(op, dtype):
    """Address of the kernel that moves a run of weights: optimizer step, then soft threshold for L1."""

    def make():
        function, soft = retyped(op.update, dtype), retyped(_soft_threshold, dtype)
        read, write = _state_access(op.n_states)
        zero = dtype.type(0)

        def kernel(w, g, s0, s1, s2, s3, n, numbers, l1):
            w, g, h = carray(w, n), carray(g, n), carray(numbers, N_NUMBERS)
            h = (h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7])
            states = (carray(s0, n), carray(s1, n), carray(s2, n), carray(s3, n))
            if l1 > zero:
                for j in range(n):
                    change, shrink, new = function(w[j], g[j], read(states, j), h)
                    w[j] = soft(w[j] + change, shrink * l1)
                    write(states, j, new)
            else:
                for j in range(n):
                    change, _, new = function(w[j], g[j], read(states, j), h)
                    w[j] += change
                    write(states, j, new)

        return kernel

    pointer = _pointer(dtype)
    return _address(op, "update", dtype, make, *[pointer] * 6, types.intp, pointer, scalar_type(dtype))
