"""The factory that makes row kernels from scalar formulas: C functions that the engine calls by address.

What each does, and what it takes, stands in ``signatures.py``. Each op is compiled alone, once per dtype, and called on
a whole tile. Where units have parameters of their own, ``activate`` and ``derive`` get rows of a panel's width and as
many parameters.
"""

import math
from functools import lru_cache

import numpy as np
from numba import carray
from numba.core.errors import NumbaError

from ...kernels.compiling.jit import kernel as helper
from ...kernels.compiling.jit import retyped
from ...kernels.host import tile
from ...kernels.mathematics import special  # noqa: F401  (teaches Numba more functions)
from ...kernels.memory import aligned_zeros
from .digest import formulas_digest
from .loss_kernels import LINK_KERNELS, LOSS_KERNELS, N_PARAMETERS, elementwise_link, softmax_link
from .signatures import ACTIVATE, ACTIVATE_AND_DERIVE, BY_SLOPE, DERIVE, LINK, LOSS, PREPARE, UPDATE

N_NUMBERS = 8


def parameter_array(op, dtype):
    """The op's parameters as the kernels read them: a padded array, then a loss's table.

    Of ``dtype``, the type of the computation, or of float64 for an optimizer; raises ValueError if a parameter is
    lost in the computation.
    """
    op.check_dtype(dtype)
    table = getattr(op, "table", ())
    array = aligned_zeros(N_PARAMETERS + len(table), np.float64 if "prepare" in op.formulas else dtype)
    array[: len(op.values)] = op.values
    array[N_PARAMETERS:] = table
    return array


def _address(op, name, dtype, make, signature):
    """Compile one kernel of an op, or find it again."""
    cls, formulas = type(op), op.formulas
    if name in formulas:  # it is made from this formula alone: ops that inherit it share the kernel
        cls, formulas = next(base for base in cls.__mro__ if name in vars(base)), (name,)
    key = (name, cls.__module__, cls.__qualname__, formulas_digest(op, formulas))
    try:
        return signature.compile(make, key, dtype)
    except NumbaError as error:
        raise TypeError(
            f"The formulas of {op!r} do not compile: they must be plain arithmetic on floats, comparisons, functions "
            f"of math and of fastnet.kernels.functions, and helpers of that kind. Numba says: {error}"
        ) from error


def _soft_threshold(w, threshold):
    """Proximal step of ``threshold * |w|``: towards zero, and exactly zero when it would pass it."""
    size = abs(w) - threshold
    return math.copysign(size if size > 0.0 else 0.0, w)


@lru_cache(1024)
def activate(op, dtype):
    """Address of the kernel that applies an activation in place."""

    def make():
        function = retyped(op.function, dtype)
        panel = tile(dtype).panel

        def kernel(a, n, p):
            a = carray(a, n)
            p = carray(p, N_PARAMETERS)
            parameters = (p[0], p[1], p[2], p[3])
            for j in range(n):
                a[j] = function(a[j], parameters)

        def per_unit(a, n, p):
            a, p = carray(a, n), carray(p, panel)
            for first in range(0, n, panel):
                row = a[first : first + panel]  # a view: loops over offsets do not become vectors
                for j in range(len(row)):
                    row[j] = function(row[j], (p[j],))

        return per_unit if op.per_unit else kernel

    return _address(op, "activate", dtype, make, ACTIVATE)


@lru_cache(1024)
def activate_and_derive(op, dtype):
    """Address of the kernel that applies an activation and keeps its derivative, which shares most of its terms."""

    def make():
        function, derivative = retyped(op.function, dtype), retyped(op.derivative, dtype)

        def kernel(a, derivatives, n, p):
            a, derivatives = carray(a, n), carray(derivatives, n)
            p = carray(p, N_PARAMETERS)
            parameters = (p[0], p[1], p[2], p[3])
            for j in range(n):
                z = a[j]
                derivatives[j] = derivative(z, parameters)
                a[j] = function(z, parameters)

        return kernel

    return _address(op, "activate_and_derive", dtype, make, ACTIVATE_AND_DERIVE)


def keeps_derivative(op):
    """Whether `activate_and_derive` serves the op in training: its derivative is of z, and known before z is gone."""
    return op.derivative_of == "input" and not op.per_unit


@lru_cache(1024)
def derive(op, dtype):
    """Address of the kernel that multiplies deltas with an activation's derivative."""
    if keeps_derivative(op):
        return DERIVE.compile(_multiply, ("multiply",), dtype)

    def make():
        derivative = retyped(op.derivative, dtype)
        panel = tile(dtype).panel

        def kernel(delta, x, n, p):
            delta, x = carray(delta, n), carray(x, n)
            p = carray(p, N_PARAMETERS)
            parameters = (p[0], p[1], p[2], p[3])
            for j in range(n):
                delta[j] *= derivative(x[j], parameters)

        def per_unit(delta, x, n, p):
            delta, x, p = carray(delta, n), carray(x, n), carray(p, panel)
            for first in range(0, n, panel):
                row, of_row = delta[first : first + panel], x[first : first + panel]
                for j in range(len(row)):
                    row[j] *= derivative(of_row[j], (p[j],))

        return per_unit if op.per_unit else kernel

    return _address(op, "derive", dtype, make, DERIVE)


def _multiply():
    def kernel(delta, x, n, p):
        delta, x = carray(delta, n), carray(x, n)
        for j in range(n):
            delta[j] *= x[j]

    return kernel


@lru_cache(1024)
def by_slope(op, dtype):
    """Address of the kernel that multiplies deltas with the derivative by a unit's own parameter."""

    def make():
        by_parameter = retyped(op.by_parameter, dtype)

        def kernel(terms, delta, z, n):
            terms, delta, z = carray(terms, n), carray(delta, n), carray(z, n)
            for j in range(n):
                terms[j] = delta[j] * by_parameter(z[j])

        return kernel

    return _address(op, "by_slope", dtype, make, BY_SLOPE)


@lru_cache(1024)
def loss(op, dtype):
    """Address of the kernel that gives a tile of rows its loss and output delta together."""
    return _address(op, f"{op.kernel}_loss", dtype, lambda: LOSS_KERNELS[op.kernel](op, dtype), LOSS)


@lru_cache(1024)
def link(op, dtype):
    """Address of the kernel that turns raw outputs into predictions."""
    make = LINK_KERNELS.get(op.kernel, softmax_link if op.out_activation == "softmax" else elementwise_link)
    return _address(op, "link", dtype, lambda: make(op, dtype), LINK)


@lru_cache(1024)
def prepare(op, dtype):
    """Address of the kernel that computes an optimizer's numbers of one mini-batch, for a group of parameters."""

    def make():
        function = retyped(op.prepare, np.dtype(np.float64))

        def kernel(step, rate, decay, p, numbers):
            p, numbers = carray(p, N_PARAMETERS), carray(numbers, N_NUMBERS)
            result = function(step, rate, (p[0], p[1], p[2], p[3]))
            for j in range(N_NUMBERS):
                numbers[j] = result[j]
            numbers[N_NUMBERS - 1] = result[N_NUMBERS - 1] * decay

        return kernel

    return _address(op, "prepare", dtype, make, PREPARE)


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

    return _address(op, "update", dtype, make, UPDATE)
