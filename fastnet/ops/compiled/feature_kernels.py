"""The kernels of feature layers: what a strip of a column becomes, and the sums of its gradient.

What each does, and what it takes, stands in ``signatures.py``. Strips have a fixed length: no loop has a rest, and a
row has the same bits wherever it stands. Formulas are vectorised over the rows of a strip.
"""

import math

from numba import carray

from ...kernels.functions import cos, sin
from ...kernels.mathematics import special  # noqa: F401  (teaches Numba more functions)
from ...kernels.simd import make_local, scalar_type
from .signatures import STRIP

TAU = 2.0 * math.pi


def expand_scale(dtype):
    """Times the scale."""

    def kernel(outputs, x, p, size, n_outputs):
        outputs, x, p = carray(outputs, STRIP), carray(x, STRIP), carray(p, 1)
        scale = p[0]
        for r in range(STRIP):
            outputs[r] = scale * x[r]

    return kernel


def reduce_scale(dtype):
    """The gradient by the scale."""
    zero = dtype.type(0)

    def kernel(g, x, delta, p, size, n_outputs):
        g, x, delta = carray(g, 1), carray(x, STRIP), carray(delta, STRIP)
        total = zero
        for r in range(STRIP):
            total += x[r] * delta[r]
        g[0] += total

    return kernel


def expand_pbld(dtype):
    """x, and the cosines of all frequencies times a matrix."""
    local, tau = make_local(scalar_type(dtype), STRIP), dtype.type(TAU)

    def kernel(outputs, x, p, size, n_outputs):
        n = n_outputs - 1
        outputs, x = carray(outputs, n_outputs * STRIP), carray(x, STRIP)
        p, c = carray(p, size * (2 + n) + n), carray(local(), STRIP)
        for r in range(STRIP):
            outputs[r] = x[r]
        for j in range(n):
            out, bias = outputs[(j + 1) * STRIP : (j + 2) * STRIP], p[size * (2 + n) + j]
            for r in range(STRIP):
                out[r] = bias
        for k in range(size):
            frequency, phase = tau * p[k], p[size + k]
            for r in range(STRIP):
                c[r] = cos(frequency * x[r] + phase)
            for j in range(n):
                out, weight = outputs[(j + 1) * STRIP : (j + 2) * STRIP], p[size * 2 + k * n + j]
                for r in range(STRIP):
                    out[r] += weight * c[r]

    return kernel


def reduce_pbld(dtype):
    """The gradients by frequencies, phases, weights and biases."""
    local_c, local_s, local_e = (make_local(scalar_type(dtype), STRIP) for _ in range(3))
    tau, zero = dtype.type(TAU), dtype.type(0)

    def kernel(g, x, delta, p, size, n_outputs):
        n = n_outputs - 1
        g, p = carray(g, size * (2 + n) + n), carray(p, size * (2 + n) + n)
        x, delta = carray(x, STRIP), carray(delta, n_outputs * STRIP)
        c, s, e = carray(local_c(), STRIP), carray(local_s(), STRIP), carray(local_e(), STRIP)
        for k in range(size):
            frequency, phase = tau * p[k], p[size + k]
            for r in range(STRIP):
                angle = frequency * x[r] + phase
                c[r] = cos(angle)
                s[r] = sin(angle)
                e[r] = zero
            for j in range(n):
                d, weight, total = delta[(j + 1) * STRIP : (j + 2) * STRIP], p[size * 2 + k * n + j], zero
                for r in range(STRIP):
                    total += c[r] * d[r]
                    e[r] += weight * d[r]
                g[size * 2 + k * n + j] += total
            by_phase = by_frequency = zero
            for r in range(STRIP):
                term = s[r] * e[r]
                by_phase += term
                by_frequency += term * x[r]
            g[k] -= tau * by_frequency
            g[size + k] -= by_phase
        for j in range(n):
            d, total = delta[(j + 1) * STRIP : (j + 2) * STRIP], zero
            for r in range(STRIP):
                total += d[r]
            g[size * (2 + n) + j] += total

    return kernel


def expand_cosine(dtype):
    """x and its cosines, each with a gain and a bias."""
    tau = dtype.type(TAU)

    def kernel(outputs, x, p, size, n_outputs):
        n = n_outputs - 1
        outputs, x, p = carray(outputs, n_outputs * STRIP), carray(x, STRIP), carray(p, 4 * n + 2)
        gain, bias = p[2 * n], p[3 * n + 1]
        for r in range(STRIP):
            outputs[r] = gain * x[r] + bias
        for k in range(n):
            out, frequency, phase = outputs[(k + 1) * STRIP : (k + 2) * STRIP], p[k], p[n + k]
            gain, bias = p[2 * n + 1 + k], p[3 * n + 2 + k]
            for r in range(STRIP):
                out[r] = gain * cos(tau * (frequency * x[r] + phase)) + bias

    return kernel


def reduce_cosine(dtype):
    """The gradients by frequencies, phases, gains and biases."""
    tau, zero = dtype.type(TAU), dtype.type(0)

    def kernel(g, x, delta, p, size, n_outputs):
        n = n_outputs - 1
        g, p = carray(g, 4 * n + 2), carray(p, 4 * n + 2)
        x, delta = carray(x, STRIP), carray(delta, n_outputs * STRIP)
        by_gain = by_bias = zero
        for r in range(STRIP):
            by_gain += x[r] * delta[r]
            by_bias += delta[r]
        g[2 * n] += by_gain
        g[3 * n + 1] += by_bias
        for k in range(n):
            d, frequency, phase = delta[(k + 1) * STRIP : (k + 2) * STRIP], p[k], p[n + k]
            by_gain = by_bias = by_phase = by_frequency = zero
            for r in range(STRIP):
                angle = tau * (frequency * x[r] + phase)
                term = sin(angle) * d[r]
                by_gain += cos(angle) * d[r]
                by_bias += d[r]
                by_phase += term
                by_frequency += term * x[r]
            factor = tau * p[2 * n + 1 + k]
            g[k] -= factor * by_frequency
            g[n + k] -= factor * by_phase
            g[2 * n + 1 + k] += by_gain
            g[3 * n + 2 + k] += by_bias

    return kernel


def expand_piecewise_linear(dtype):
    """How far x has come in each bin."""
    zero, one = dtype.type(0), dtype.type(1)

    def kernel(outputs, x, p, size, n_outputs):
        outputs, x, p = carray(outputs, n_outputs * STRIP), carray(x, STRIP), carray(p, n_outputs + 1)
        for j in range(n_outputs):
            out, low, high = outputs[j * STRIP : (j + 1) * STRIP], p[j], p[j + 1]
            if high > low:
                for r in range(STRIP):
                    share = (x[r] - low) / (high - low)  # the inverse of a tiny width would be inf
                    out[r] = zero if share < zero else one if share > one else share
            else:
                for r in range(STRIP):
                    out[r] = zero

    return kernel


def expand_embedding(dtype):
    """The row of the table that the code names; zeros where it names none."""
    zero, scalar = dtype.type(0), dtype.type

    def kernel(outputs, x, p, size, n_outputs):
        outputs, x, p = carray(outputs, n_outputs * STRIP), carray(x, STRIP), carray(p, size * n_outputs)
        for r in range(STRIP):
            code, level = x[r], -1
            if code >= zero and code < scalar(size):
                level = int(code)
                if scalar(level) != code:
                    level = -1
            for j in range(n_outputs):
                outputs[j * STRIP + r] = p[level * n_outputs + j] if level >= 0 else zero

    return kernel


def expand_one_hot(dtype):
    """1 at the level of the code, 0 elsewhere."""
    zero, one, scalar = dtype.type(0), dtype.type(1), dtype.type

    def kernel(outputs, x, p, size, n_outputs):
        outputs, x = carray(outputs, n_outputs * STRIP), carray(x, STRIP)
        for j in range(n_outputs):
            out, level = outputs[j * STRIP : (j + 1) * STRIP], scalar(j)
            for r in range(STRIP):
                out[r] = one if x[r] == level else zero

    return kernel


EXPAND_KERNELS = {
    "scale": expand_scale,
    "pbld": expand_pbld,
    "cosine": expand_cosine,
    "piecewise_linear": expand_piecewise_linear,
    "embedding": expand_embedding,
    "one_hot": expand_one_hot,
}
REDUCE_KERNELS = {"scale": reduce_scale, "pbld": reduce_pbld, "cosine": reduce_cosine}


def expand(name, dtype):
    """What a strip of a column becomes."""
    return EXPAND_KERNELS[name](dtype)


def reduce(name, dtype):
    """The sums of a column's gradient over a strip."""
    return REDUCE_KERNELS[name](dtype)
