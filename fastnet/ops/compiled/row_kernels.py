"""The kernels of rows, made from scalar formulas: the plain functions that are compiled.

What each does, and what it takes, stands in ``signatures.py``. Where units learn a parameter of their own, activations
get rows of a panel's width and as many of these parameters, which come first.
"""

import math

import numpy as np

from ...kernels.compiling.jit import kernel as helper
from ...kernels.compiling.jit import retyped
from ...kernels.host import tile
from ...kernels.mathematics import special  # noqa: F401  (teaches Numba more functions)
from ...kernels.simd import carray
from .loss_kernels import LINK_KERNELS, LOSS_KERNELS, elementwise_link, softmax_link
from .signatures import N_NUMBERS, N_PARAMETERS


def activate(op, dtype):
    """An activation.

    It is told where to read and where to write, though that is mostly the same place: seeing that, LLVM leaves alone
    what does not change, by masked stores, which take ten times as long as plain ones on some CPUs.
    """
    function = retyped(op.function, dtype)
    panel = tile(dtype).panel

    def kernel(a, z, n, p, units):
        a, z = carray(a, n), carray(z, n)
        p = carray(p, N_PARAMETERS)
        parameters = (p[0], p[1], p[2], p[3])
        for j in range(n):
            a[j] = function(z[j], parameters)

    def per_unit(a, z, n, p, units):
        a, z, p, units = carray(a, n), carray(z, n), carray(p, N_PARAMETERS), carray(units, panel)
        _, second, third, fourth = p[0], p[1], p[2], p[3]
        for first in range(0, n, panel):
            row, of_row = a[first : first + panel], z[first : first + panel]  # views: offsets do not become vectors
            for j in range(len(row)):
                row[j] = function(of_row[j], (units[j], second, third, fourth))

    return per_unit if op.per_unit else kernel


def activate_and_derive(op, dtype):
    """An activation, and its derivatives beside it, which share most of their terms."""
    function, derivative = retyped(op.function, dtype), retyped(op.derivative, dtype)
    by_own = retyped(op.by_parameter, dtype) if op.per_unit else None
    panel = tile(dtype).panel

    def kernel(a, derivatives, by_parameter, n, p, units):
        a, derivatives = carray(a, n), carray(derivatives, n)
        p = carray(p, N_PARAMETERS)
        parameters = (p[0], p[1], p[2], p[3])
        for j in range(n):
            z = a[j]
            derivatives[j] = derivative(z, parameters)
            a[j] = function(z, parameters)

    def per_unit(a, derivatives, by_parameter, n, p, units):
        a, derivatives, by_parameter = carray(a, n), carray(derivatives, n), carray(by_parameter, n)
        p, units = carray(p, N_PARAMETERS), carray(units, panel)
        _, second, third, fourth = p[0], p[1], p[2], p[3]
        for first in range(0, n, panel):
            end = first + panel
            row, by_z, by_unit = a[first:end], derivatives[first:end], by_parameter[first:end]
            for j in range(len(row)):
                z, parameters = row[j], (units[j], second, third, fourth)
                by_z[j] = derivative(z, parameters)
                by_unit[j] = by_own(z, parameters)
                row[j] = function(z, parameters)

    return per_unit if op.per_unit else kernel


def derive(op, dtype):
    """Deltas times an activation's derivative."""
    derivative = retyped(op.derivative, dtype)

    def kernel(delta, x, n, p):
        delta, x = carray(delta, n), carray(x, n)
        p = carray(p, N_PARAMETERS)
        parameters = (p[0], p[1], p[2], p[3])
        for j in range(n):
            delta[j] *= derivative(x[j], parameters)

    return kernel


def multiply(dtype):
    """Deltas times a derivative that was kept."""

    def kernel(delta, x, n, p):
        delta, x = carray(delta, n), carray(x, n)
        for j in range(n):
            delta[j] *= x[j]

    return kernel


def loss(op, dtype):
    """A tile of rows' losses and output deltas."""
    return LOSS_KERNELS[op.kernel](op, dtype)


def link(op, dtype):
    """Raw outputs to predictions."""
    make = LINK_KERNELS.get(op.kernel, softmax_link if op.out_activation == "softmax" else elementwise_link)
    return make(op, dtype)


def prepare(op, dtype):
    """An optimizer's numbers of one mini-batch."""
    function = retyped(op.prepare, np.dtype(np.float64))

    def kernel(step, rate, decay, p, numbers):
        p, numbers = carray(p, N_PARAMETERS), carray(numbers, N_NUMBERS)
        result = function(step, rate, (p[0], p[1], p[2], p[3]))
        for j in range(N_NUMBERS):
            numbers[j] = result[j]
        numbers[N_NUMBERS - 1] = result[N_NUMBERS - 1] * decay

    return kernel


def _soft_threshold(w, threshold):
    """Proximal step of ``threshold * |w|``: towards zero, and exactly zero when it would pass it."""
    size = abs(w) - threshold
    return math.copysign(size if size > 0.0 else 0.0, w)


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


def update(op, dtype):
    """A run of weights: optimizer step, then soft threshold for L1."""
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
