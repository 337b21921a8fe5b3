"""Elementary functions that LLVM's loop vectoriser turns into full-width vector code.

Numba has no SVML any more: ``math.exp`` in a loop is one libm call per element. Here the functions of
``functions.py`` become, inside jitted code, straight-line arithmetic without calls, branches or tables, for
float32 and float64. So a simple loop over contiguous memory vectorises::

    for j in range(n):
        a[j] = tanh(a[j])

**Fastmath.** The implementations carry their own flags, ``{'contract'}`` only: ``reassoc`` would undo the
two-part reduction by ln 2. Flags belong to instructions, so those survive inlining into a caller with other
flags (a test looks). Without FMA hardware nothing contracts; the constants are split so that the results stay
within the bounds given here, which were measured with and without FMA.

**Special values.** ±0, ±inf, nan, denormal arguments: as in C99 (nan in, nan out). Results of ``exp`` that
would be below the smallest normal number are 0, and ``sigmoid`` is 0 where exp(-x) would be inf; between
those two limits sigmoid is a denormal number. The other functions keep denormals.

**Errors** are in units in the last place of the result, in the docstring of each function.

Sources of the formulas (the code and the polynomial coefficients, from a Remez exchange, are our own): S. L.
Moshier, Cephes Math Library (expf.c, logf.c, exp.c), for the reduction by a split ln 2 and the shape of the
float32 polynomials; FreeBSD msun e_log.c (Sun Microsystems) for the float64 logarithm in s = f / (2 + f).
tanh is expm1(2x) / (expm1(2x) + 2), one division: 2.5 ulp, where a float32 rational, odd over even, fitted to
the same end was a quarter faster but gave 5 and values above 1.
"""

import numpy as np
from numba import njit, types
from numba.extending import overload

from ..compiling.helpers import HelperCompiler
from ..functions import exp, expm1, log, log1p, sigmoid, tanh

__all__ = ["exp", "expm1", "log", "log1p", "sigmoid", "tanh"]

_OPTIONS = {
    "fastmath": {"contract"}, "error_model": "numpy", "forceinline": True, "nogil": True,
    "pipeline_class": HelperCompiler,
}  # fmt: skip
_inner = njit(**_OPTIONS)


# ---- float32 ------------------------------------------------------------------------------------------
# Every constant is a typed global: a bare literal would be a double and drag the arithmetic along.

_f = np.float32
_F_0, _F_HALF, _F_1, _F_2, _F_INF, _F_NAN = map(_f, (0, 0.5, 1, 2, np.inf, np.nan))
_F_LOG2E, _F_LN2_HI, _F_LN2_LO = _f(1.44269504), _f(0.693359375), _f(-2.12194440e-4)
_F_EXP_MIN, _F_EXP_MAX, _F_TINY = _f(-87.33654), _f(88.72283), np.finfo(_f).tiny
_F_EXPM1_MIN, _F_EXPM1_MAX, _F_LINEAR = _f(-18), _f(89), _f(1e-9)
_F_SIGMOID_MAX, _F_TANH_MAX = _f(30), _f(9.02)
_F_2P23, _F_23, _F_SQRT_HALF_BITS, _F_MANTISSA = _f(2**23), _f(23), np.int32(0x3F3504F3), np.int32(0x7FFFFF)
# exp(r) = 1 + r + r² E(r) on ±ln2/2, for exp and (one term more) for expm1
_FE = tuple(map(_f, (0.4999999343, 0.166665204, 0.04166839032, 0.00836874526, 0.001381456537)))
_FM = tuple(map(_f, (0.5000000053, 0.166666669, 0.04166632643, 0.008333219804, 0.001394325385,
                     1.996227833e-4)))
# What an exp for arguments up to 0 needs, for vector code that is not made by the loop vectoriser.
EXP_SINGLE = (_F_EXP_MIN, _F_LOG2E, _F_LN2_HI, _F_LN2_LO, *_FE)
# log(1 + f) = f - f²/2 + f³ L(f) for 1 + f from sqrt(1/2) to sqrt(2)
_FL = tuple(map(_f, (0.333333316853, -0.250008215632, 0.20001228886, -0.166233386478,
                     0.1420170081, -0.131603224603, 0.127620561558, -0.0763470328475)))


@_inner
def _bits32(x):
    return np.int32(np.float32(x).view(np.int32))


@_inner
def _float32(bits):
    return np.float32(np.int32(bits).view(np.float32))


@_inner
def _exp_any32(x):
    """exp(x) from _F_EXP_MIN to _F_EXP_MAX, anything beyond: 2^n is added to the exponent bits."""
    n = np.rint(x * _F_LOG2E)
    r = x - n * _F_LN2_HI - n * _F_LN2_LO
    q = _FE[0] + r * (_FE[1] + r * (_FE[2] + r * (_FE[3] + r * _FE[4])))
    p = _F_1 + (r + r * r * q)
    return _float32(_bits32(p) + (np.int32(n) << 23))


def _exp32(x):
    y = _exp_any32(x)
    y = y if x <= _F_EXP_MAX else x + _F_INF
    return _F_0 if x < _F_EXP_MIN else y


def _sigmoid32(x):
    z = -x
    z = _exp_any32(z if z > -_F_SIGMOID_MAX else -_F_SIGMOID_MAX)
    y = _F_1 / (_F_1 + z)
    y = y if x >= -_F_EXP_MAX else x
    return _F_0 if x < -_F_EXP_MAX else y


@_inner
def _half_expm1_32(x):
    """expm1(x) / 2, because 2^n itself overflows just below the largest x"""
    n = np.rint(x * _F_LOG2E)
    r = x - n * _F_LN2_HI - n * _F_LN2_LO
    q = _FM[0] + r * (_FM[1] + r * (_FM[2] + r * (_FM[3] + r * (_FM[4] + r * _FM[5]))))
    s = _float32((np.int32(n) + 126) << 23)
    return s * (r + r * r * q) + (s - _F_HALF)


def _expm1_32(x):
    c = x if x < _F_EXPM1_MAX else _F_EXPM1_MAX
    y = _half_expm1_32(c if c > _F_EXPM1_MIN else _F_EXPM1_MIN)
    return y + y if abs(x) >= _F_LINEAR else x


def _tanh32(x):
    c = abs(x)
    y = _half_expm1_32(_F_2 * (c if c < _F_TANH_MAX else _F_TANH_MAX))
    return np.copysign(y / (y + _F_1), x) if c >= _F_LINEAR else x


@_inner
def _log_kernel32(f, k):
    """log(2^k (1 + f))"""
    z = f * f
    y = _FL[4] + f * (_FL[5] + f * (_FL[6] + f * _FL[7]))
    y = _FL[0] + f * (_FL[1] + f * (_FL[2] + f * (_FL[3] + f * y)))
    y = f * z * y + k * _F_LN2_LO
    return (f + (y - _F_HALF * z)) + k * _F_LN2_HI


def _log32(x):
    small = x < _F_TINY
    t = np.int32(_bits32(x * _F_2P23 if small else x) - _F_SQRT_HALF_BITS)
    k = np.float32(np.int32(t >> 23))
    k = k - _F_23 if small else k
    f = _float32((t & _F_MANTISSA) + _F_SQRT_HALF_BITS) - _F_1
    y = _log_kernel32(f, k)
    y = y if x < _F_INF else x
    return y if x > _F_0 else (-_F_INF if x == _F_0 else x * _F_NAN)


def _log1p32(x):
    u = _F_1 + x
    k = np.int32(np.int32(_bits32(u) - _F_SQRT_HALF_BITS) >> 23)
    e = np.int32(127 - k)
    t = _float32((e if e > 0 else np.int32(0)) << 23)  # 2^-k
    f = _float32(_bits32(x) - (k << 23)) + (t - _F_1)  # x 2^-k + 2^-k - 1
    y = _log_kernel32(f, np.float32(k))
    y = y if x < _F_INF else x
    y = y if abs(x) > _F_LINEAR else x
    return y if u > _F_0 else (-_F_INF if u == _F_0 else x * _F_NAN)


# ---- float64 ------------------------------------------------------------------------------------------
# 2^n passes through int32: AVX2 converts double to int32, not to int64, and lacks an arithmetic 64-bit shift.

_LOG2E, _LN2_HI, _LN2_LO = 1.4426950408889634, 6.93145751953125e-1, 1.42860682030941723212e-6
_EXP_MIN, _EXP_MAX, _TINY = -708.3964185322641, 709.782712893384, float(np.finfo(np.float64).tiny)
_EXPM1_MIN, _EXPM1_MAX, _LINEAR = -40.0, 710.0, 1e-17
_SIGMOID_MAX, _TANH_MAX = 50.0, 20.0
_INF, _NAN = float("inf"), float("nan")
_SQRT_HALF_BITS, _MANTISSA = np.int64(0x3FE6A09E667F3BCD), np.int64(0xFFFFFFFFFFFFF)
# as for float32, one polynomial for exp and expm1
_DE = (0.50000000000000064575, 0.16666666666666696422, 0.041666666666562079402, 0.0083333333332931298299,
       0.0013888888936293614576, 0.00019841269987168616126, 0.00002480149961170321872,
       2.7557116688799432653e-6, 2.7628287638549411456e-7, 2.5161408446383063863e-8)
EXP_DOUBLE = (_EXP_MIN, _LOG2E, _LN2_HI, _LN2_LO, *_DE)
# log(1 + f) = 2s + s³ L(s²) with s = f / (2 + f)
_DL = (0.66666666666667357, 0.399999999994051102, 0.285714287447196527, 0.222221983144576914,
       0.181835787201782319, 0.15313659316579756, 0.148000833904577155)
_DL_LN2_HI, _DL_LN2_LO = 6.93147180369123816490e-01, 1.90821492927058770002e-10


@_inner
def _bits64(x):
    return np.int64(np.float64(x).view(np.int64))


@_inner
def _float64(bits):
    return np.float64(np.int64(bits).view(np.float64))


@_inner
def _reduce64(x):
    """n and p with exp(x) = 2^n (1 + p)"""
    n = np.rint(x * _LOG2E)
    r = x - n * _LN2_HI - n * _LN2_LO
    q = _DE[5] + r * (_DE[6] + r * (_DE[7] + r * (_DE[8] + r * _DE[9])))
    q = _DE[0] + r * (_DE[1] + r * (_DE[2] + r * (_DE[3] + r * (_DE[4] + r * q))))
    return np.int32(n), r + r * r * q


@_inner
def _exp_any64(x):
    n, p = _reduce64(x)
    return _float64(_bits64(1.0 + p) + (np.int64(n) << 52))


def _exp64(x):
    y = _exp_any64(x)
    y = y if x <= _EXP_MAX else x + _INF
    return 0.0 if x < _EXP_MIN else y


def _sigmoid64(x):
    z = -x
    z = _exp_any64(z if z > -_SIGMOID_MAX else -_SIGMOID_MAX)
    y = 1.0 / (1.0 + z)
    y = y if x >= -_EXP_MAX else x
    return 0.0 if x < -_EXP_MAX else y


@_inner
def _half_expm1_64(x):
    n, p = _reduce64(x)
    s = _float64(np.int64(np.int32(n + 1022)) << 52)  # 2^(n-1): n may be 1024
    return s * p + (s - 0.5)


def _expm1_64(x):
    c = x if x < _EXPM1_MAX else _EXPM1_MAX
    y = _half_expm1_64(c if c > _EXPM1_MIN else _EXPM1_MIN)
    return y + y if abs(x) >= _LINEAR else x


def _tanh64(x):
    c = abs(x)
    y = _half_expm1_64(2.0 * (c if c < _TANH_MAX else _TANH_MAX))  # tanh(c) = y / (y + 1), exact where small
    return np.copysign(y / (y + 1.0), x) if c >= _LINEAR else x


@_inner
def _log_kernel64(f, k):
    """log(2^k (1 + f)), by s = f / (2 + f)"""
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    r = z * (_DL[0] + w * (_DL[2] + w * (_DL[4] + w * _DL[6]))) + w * (_DL[1] + w * (_DL[3] + w * _DL[5]))
    h = 0.5 * f * f
    return k * _DL_LN2_HI - ((h - (s * (h + r) + k * _DL_LN2_LO)) - f)


@_inner
def _exponent64(t):
    """t >> 52 as int32, t signed"""
    return np.int32(np.int32(t >> 32) >> 20)


def _log64(x):
    small = x < _TINY
    t = _bits64(x * 4503599627370496.0 if small else x) - _SQRT_HALF_BITS
    k = np.float64(_exponent64(t))
    k = k - 52.0 if small else k
    f = _float64((t & _MANTISSA) + _SQRT_HALF_BITS) - 1.0
    y = _log_kernel64(f, k)
    y = y if x < _INF else x
    return y if x > 0.0 else (-_INF if x == 0.0 else x * _NAN)


def _log1p64(x):
    u = 1.0 + x
    k = _exponent64(_bits64(u) - _SQRT_HALF_BITS)
    e = np.int32(1023 - k)
    t = _float64(np.int64(e if e > 0 else np.int32(0)) << 52)  # 2^-k
    f = _float64(_bits64(x) - (np.int64(k) << 52)) + (t - 1.0)  # x 2^-k + 2^-k - 1
    y = _log_kernel64(f, np.float64(k))
    y = y if x < _INF else x
    y = y if abs(x) > _LINEAR else x
    return y if u > 0.0 else (-_INF if u == 0.0 else x * _NAN)


def _register(function, implementation32, implementation64):
    @overload(function, jit_options=_OPTIONS)
    def choose(x):
        return {types.float32: implementation32, types.float64: implementation64}.get(x)


_register(exp, _exp32, _exp64)
_register(expm1, _expm1_32, _expm1_64)
_register(log, _log32, _log64)
_register(log1p, _log1p32, _log1p64)
_register(tanh, _tanh32, _tanh64)
_register(sigmoid, _sigmoid32, _sigmoid64)
