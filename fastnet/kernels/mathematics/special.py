r"""More functions, in the manner of ``exponential.py``: sine, cosine, softplus, and the normal distribution.

**Sine and cosine.** :math:`x - q\pi` with q integer (half-integer for the cosine), by parts of :math:`\pi` so short
that their products with q are exact (W. J. Cody, W. Waite: "Software Manual for the Elementary Functions", 1980), then
an odd polynomial. Beyond ±1e5 (float32) or ±1e6 the argument is taken as that end: numbers in [-1, 1], without meaning.

**Normal distribution.** :math:`\Phi(-x) = e^{-x^2/2} P(t) / (x + k)` with a polynomial P of :math:`t = 1/(x + k)` or
:math:`(x - k)/(x + k)` (M. M. Shepherd, J. G. Laframboise: "Chebyshev approximation of :math:`(1 + 2x)e^{x^2}
\operatorname{erfc} x`", Mathematics of Computation 36, 1981). :math:`x^2` is formed in two parts, since the exponential
multiplies its error by its size. :math:`\operatorname{erf}(x) = 2 \Phi(\sqrt 2 x) - 1`.

The coefficients, from a Remez exchange, are our own.
"""

import numpy as np

from ..functions import cos, normal_cdf, normal_pdf, sin, softplus
from .exponential import (
    _DE,
    _EXP_MIN,
    _F_0,
    _F_1,
    _F_EXP_MIN,
    _F_HALF,
    _F_INF,
    _F_LINEAR,
    _F_LN2_HI,
    _F_LN2_LO,
    _F_LOG2E,
    _FE,
    _INF,
    _LINEAR,
    _LN2_HI,
    _LN2_LO,
    _LOG2E,
    _bits32,
    _bits64,
    _exp_any32,
    _exp_any64,
    _f,
    _float32,
    _float64,
    _inner,
    _log_kernel32,
    _log_kernel64,
    _register,
)

__all__ = ["cos", "normal_cdf", "normal_pdf", "sin", "softplus"]

# ---- float32 ------------------------------------------------------------------------------------------

_F_RANGE, _F_1_PI = _f(1e5), _f(1 / np.pi)
_F_PI = tuple(map(_f, (3.140625, 0.000965118408203125, 2.5331974029541016e-06, 1.9841871593610809e-09)))
# sin(r) = r + r³ S(r²) on ±π/2
_FS = tuple(map(_f, (-0.1666665955, 0.008333066225, -0.0001980959995, 2.605771507e-06)))
# P of t = 1 / (x + 4)
_FQ = tuple(map(_f, (0.39899161778, 1.59188060939, 6.11301627121, 18.4316538632, 88.7390072262, 52.0496973525,
                     465.981647921, 3384.81370313, -16460.1049596, 17384.6543893)))  # fmt: skip
_F_4, _F_NORMAL_MAX, _F_HALVES, _F_ROOT = _f(4), _f(14), np.int32(-4096), _f(0.3989422804014327)
_F_SQRT2_1 = _f(0.41421356)


@_inner
def _sine_of_rest32(x, shift):
    """sin(x) for shift 0, cos(x) for shift 1/2."""
    c = x if x < _F_RANGE else _F_RANGE
    c = c if c > -_F_RANGE else -_F_RANGE
    n = np.rint(c * _F_1_PI - shift)
    q = n + shift
    r = c - q * _F_PI[0] - q * _F_PI[1] - q * _F_PI[2] - q * _F_PI[3]
    z = r * r
    y = r + r * z * (_FS[0] + z * (_FS[1] + z * (_FS[2] + z * _FS[3])))
    odd = np.int32(n) << 31
    y = _float32(_bits32(y) ^ odd)
    return y if abs(x) < _F_INF else x - x  # a nan has no integer n


def _sin32(x):
    y = _sine_of_rest32(x, _F_0)
    return x if abs(x) < _F_LINEAR else y


def _cos32(x):
    return -_sine_of_rest32(x, _F_HALF)


@_inner
def _exp_of_square32(x):
    """exp(-x²/2) for |x| up to _F_NORMAL_MAX, 0 below the least normal number"""
    high = _float32(_bits32(x) & _F_HALVES)  # its square is exact
    h = -_F_HALF * high * high
    n = np.rint(h * _F_LOG2E)
    r = h - n * _F_LN2_HI - n * _F_LN2_LO - _F_HALF * (x - high) * (x + high)
    p = _F_1 + (r + r * r * (_FE[0] + r * (_FE[1] + r * (_FE[2] + r * (_FE[3] + r * _FE[4])))))
    y = _float32(_bits32(p) + (np.int32(n) << 23))
    return _F_0 if h < _F_EXP_MIN else y


@_inner
def _near32(x):
    """|x|, or _F_NORMAL_MAX if that is less"""
    c = abs(x)
    return c if c < _F_NORMAL_MAX else _F_NORMAL_MAX


def _normal_pdf32(x):
    y = _F_ROOT * _exp_of_square32(_near32(x))
    return y if x == x else x


def _normal_cdf32(x):
    c = _near32(x)
    t = _F_1 / (c + _F_4)
    q = _FQ[5] + t * (_FQ[6] + t * (_FQ[7] + t * (_FQ[8] + t * _FQ[9])))
    q = _FQ[0] + t * (_FQ[1] + t * (_FQ[2] + t * (_FQ[3] + t * (_FQ[4] + t * q))))
    tail = _exp_of_square32(c) * (t * q)
    y = _F_1 - tail if x > _F_0 else tail
    return y if x == x else x


def _softplus32(x):
    c = abs(x)
    t = _exp_any32(-c if c < -_F_EXP_MIN else _F_EXP_MIN)
    t = t if c < -_F_EXP_MIN else _F_0
    large = t > _F_SQRT2_1
    f = _F_HALF * t - _F_HALF if large else t
    y = _log_kernel32(f, _F_1 if large else _F_0)  # log(1 + t)
    return y + (_F_0 if x < _F_0 else x)


# ---- float64 ------------------------------------------------------------------------------------------

_RANGE, _1_PI = 1e6, 1 / np.pi
_PI = (3.1415926534682512, 1.2154201012607932e-10, 4.0445324975919015e-21)
_DS = (-0.16666666666666665569, 0.0083333333333331942094, -0.0001984126984120918282, 2.7557319211130834207e-6,
       -2.5052106872194995083e-8, 1.6058939674556497645e-10, -7.6429906539064151853e-13,
       2.7211659698203349728e-15)  # fmt: skip
# P of y = (x - 5) / (x + 5)
_DQ = (0.7691930497500629562, -0.6653825028900566002, 0.4953056159699769975, -0.3135331566713157245,
       0.1650203661703616194, -0.06911863870595218738, 0.02079506680024081759, -0.002993376775693475648,
       -0.0007978694014642331341, 0.0005448991058536322937, -0.0000593757113699823428, -0.00004976301019142307965,
       0.0000166811451308584221, 3.981491171315270191e-6, -2.769055817173510096e-6, -3.377431401977783586e-7,
       4.32687194900670171e-7, 4.361250768056437387e-8, -6.532036279008486638e-8, -1.021109826894724574e-8,
       7.182128560435032594e-9, 2.013997747374341171e-9)  # fmt: skip
_NORMAL_MAX, _HALVES, _ROOT, _SQRT2_1 = 39.0, np.int64(-(1 << 27)), 0.39894228040143267794, 0.41421356237309504880


@_inner
def _sine_of_rest64(x, shift):
    c = x if x < _RANGE else _RANGE
    c = c if c > -_RANGE else -_RANGE
    n = np.rint(c * _1_PI - shift)
    q = n + shift
    r = c - q * _PI[0] - q * _PI[1] - q * _PI[2]
    z = r * r
    y = _DS[4] + z * (_DS[5] + z * (_DS[6] + z * _DS[7]))
    y = r + r * z * (_DS[0] + z * (_DS[1] + z * (_DS[2] + z * (_DS[3] + z * y))))
    odd = np.int64(np.int32(n)) << 63
    y = _float64(_bits64(y) ^ odd)
    return y if abs(x) < _INF else x - x


def _sin64(x):
    y = _sine_of_rest64(x, 0.0)
    return x if abs(x) < _LINEAR else y


def _cos64(x):
    return -_sine_of_rest64(x, 0.5)


@_inner
def _exp_of_square64(x):
    high = _float64(_bits64(x) & _HALVES)
    h = -0.5 * high * high
    n = np.rint(h * _LOG2E)
    r = h - n * _LN2_HI - n * _LN2_LO - 0.5 * (x - high) * (x + high)
    q = _DE[5] + r * (_DE[6] + r * (_DE[7] + r * (_DE[8] + r * _DE[9])))
    q = _DE[0] + r * (_DE[1] + r * (_DE[2] + r * (_DE[3] + r * (_DE[4] + r * q))))
    p = 1.0 + (r + r * r * q)
    y = _float64(_bits64(p) + (np.int64(np.int32(n)) << 52))
    return 0.0 if h < _EXP_MIN else y


@_inner
def _near64(x):
    c = abs(x)
    return c if c < _NORMAL_MAX else _NORMAL_MAX


def _normal_pdf64(x):
    y = _ROOT * _exp_of_square64(_near64(x))
    return y if x == x else x


def _normal_cdf64(x):
    c = _near64(x)
    t = 1.0 / (c + 5.0)
    y = (c - 5.0) * t
    q = _DQ[16] + y * (_DQ[17] + y * (_DQ[18] + y * (_DQ[19] + y * (_DQ[20] + y * _DQ[21]))))
    q = _DQ[11] + y * (_DQ[12] + y * (_DQ[13] + y * (_DQ[14] + y * (_DQ[15] + y * q))))
    q = _DQ[6] + y * (_DQ[7] + y * (_DQ[8] + y * (_DQ[9] + y * (_DQ[10] + y * q))))
    q = _DQ[0] + y * (_DQ[1] + y * (_DQ[2] + y * (_DQ[3] + y * (_DQ[4] + y * (_DQ[5] + y * q)))))
    tail = _exp_of_square64(c) * (t * q)
    y = 1.0 - tail if x > 0.0 else tail
    return y if x == x else x


def _softplus64(x):
    c = abs(x)
    t = _exp_any64(-c if c < -_EXP_MIN else _EXP_MIN)
    t = t if c < -_EXP_MIN else 0.0
    large = t > _SQRT2_1
    f = 0.5 * t - 0.5 if large else t
    y = _log_kernel64(f, 1.0 if large else 0.0)
    return y + (0.0 if x < 0.0 else x)


_register(sin, _sin32, _sin64)
_register(cos, _cos32, _cos64)
_register(normal_cdf, _normal_cdf32, _normal_cdf64)
_register(normal_pdf, _normal_pdf32, _normal_pdf64)
_register(softplus, _softplus32, _softplus64)
