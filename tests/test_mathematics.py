"""The elementary functions of the kernels: accuracy, special values, and what LLVM makes of them."""

import re
from functools import cache

import mpmath
import numpy as np
import pytest
from marks import exhaustive
from numba import carray, njit, types
from numba.core import config
from scipy.special import erfc

from fastnet.kernels import functions, host
from fastnet.kernels.mathematics import exponential, special

FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}  # of the callers: reassoc is the danger
NAMES = [*exponential.__all__, *special.__all__]
DTYPES = [np.float32, np.float64]
# The largest error in ulp for float32 and float64, as in the docstrings.
BOUND = {"exp": (1.1, 1.1), "expm1": (1.6, 2.2), "log": (1, 1), "log1p": (1.6, 1.6), "tanh": (2.6, 2.7),
         "sigmoid": (2.6, 2.6), "sin": (2.5, 2.5), "cos": (2.5, 2.5), "softplus": (1.8, 1.8),
         "normal_cdf": (7, 6.5), "normal_pdf": (2.1, 2.1)}
# Arguments beyond which sine and cosine have only their range.
RANGE = {np.float32: 1e5, np.float64: 1e6}
# Near a root far from 0, what the parts of pi leave: an absolute error.
NEAR_ROOTS = {np.float32: 2.0**-34, np.float64: 2.0**-64}
NUMBERS = {np.float32: types.float32, np.float64: types.float64}


def kernel(name, dtype):
    """The function over contiguous numbers, in place, jitted as the callers are."""
    function = getattr(functions, name)

    @njit(types.void(types.CPointer(NUMBERS[dtype]), types.intp), fastmath=FASTMATH, nogil=True, error_model="numpy")
    def compiled(pointer, n):
        a = carray(pointer, n)
        for j in range(n):
            a[j] = function(a[j])

    return compiled


@cache
def over_array(name, dtype):
    """The same, for Python to call with an array."""
    function = getattr(functions, name)

    @njit(types.void(NUMBERS[dtype][::1]), fastmath=FASTMATH, nogil=True, error_model="numpy")
    def compiled(a):
        for j in range(a.size):
            a[j] = function(a[j])

    return compiled


def apply(name, x):
    y = np.array(x, copy=True)
    over_array(name, x.dtype.type)(y)
    return y


def reference(name, x):
    """In float64, for float32 arguments."""
    x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        if name == "sigmoid":
            e = np.exp(-np.abs(x))
            return np.where(x < 0, e, 1.0) / (1.0 + e)
        if name == "softplus":
            return np.logaddexp(0, x)
        if name == "normal_cdf":
            return erfc(-x * np.sqrt(0.5)) / 2
        if name == "normal_pdf":
            return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
        return getattr(np, name)(x)


def exact(name, x):
    if name == "normal_cdf" and abs(x) > 50:
        return mpmath.mpf(int(x > 0))  # mpmath's erfc fails on large numbers
    x = mpmath.mpf(float(x))
    formulas = {"sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
                "normal_cdf": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2, "normal_pdf": mpmath.npdf}
    return formulas.get(name, getattr(mpmath, name, None))(x)


def arguments(name, dtype, n, seed=0):
    """Random values and grids over the whole range, dense where something changes."""
    rng = np.random.default_rng(seed)
    info = np.finfo(dtype)
    powers = rng.uniform(np.log2(float(info.smallest_subnormal)), info.maxexp, n)
    x = [rng.uniform(-1, 1, n), rng.uniform(-20, 20, n), np.linspace(-90, 90, n), np.linspace(-1, 1, n),
         np.linspace(-745, 710, n), np.exp2(powers) * rng.choice([-1, 1], n),
         np.exp2(rng.uniform(-70, 3, n)) * rng.choice([-1, 1], n)]
    if name.startswith("log"):
        near = np.exp2(rng.uniform(-info.nmant, 0, n))
        x += [np.exp(rng.uniform(-1, 1, n)), 1 + near, 1 - near, near - 1]
    x = np.concatenate(x)
    x = x[np.abs(x) <= float(info.max)].astype(dtype)
    if name in ("sin", "cos"):
        x = np.concatenate([x, rng.uniform(-RANGE[dtype], RANGE[dtype], n).astype(dtype)])
        x = x[np.abs(x) <= RANGE[dtype]]
    return np.abs(x) if name == "log" else x[x > -1] if name == "log1p" else x


def check_underflow(name, y, true, tiny):
    """Below the smallest normal number exp gives 0, sigmoid 0 or nearly the true value, the others all."""
    if name == "exp":
        assert (y == 0).all()
    elif name in ("sigmoid", "softplus", "normal_cdf", "normal_pdf"):
        assert ((y >= 0) & (y <= tiny)).all()
    else:
        np.testing.assert_array_equal(y, true)


@pytest.mark.parametrize("share", [1, *exhaustive([10])])
@pytest.mark.parametrize("name", NAMES)
def test_float32_accuracy(name, share):
    x = np.concatenate([arguments(name, np.float32, 2_000 * share),
                        np.arange(0, 0x7F800000, 299_999 // share, np.uint32).view(np.float32)])
    if name not in ("log", "log1p"):
        x = np.concatenate([x, -x])
    if name in ("sin", "cos"):
        x = x[np.abs(x) <= RANGE[np.float32]]
    y, true = apply(name, x), reference(name, x)
    with np.errstate(over="ignore", under="ignore"):
        rounded = true.astype(np.float32)
    tiny = float(np.finfo(np.float32).tiny)
    normal = np.isfinite(rounded) & (np.abs(true) >= tiny)
    error = np.abs(y[normal] - true[normal])
    if name in ("sin", "cos"):
        error -= NEAR_ROOTS[np.float32]
    error /= np.spacing(np.abs(rounded[normal]).astype(np.float32))
    assert error.max() <= BOUND[name][0], (error.max(), x[normal][error.argmax()])
    np.testing.assert_array_equal(y[~np.isfinite(rounded)], rounded[~np.isfinite(rounded)])
    below = np.abs(true) < tiny
    check_underflow(name, y[below], rounded[below], tiny)


@pytest.mark.parametrize("n", [40, *exhaustive([400])])
@pytest.mark.parametrize("name", NAMES)
def test_float64_accuracy(name, n):
    x = arguments(name, np.float64, n)
    y = apply(name, x)
    tiny, worst = np.finfo(np.float64).tiny, (0.0, 0.0)
    with mpmath.workprec(160):
        for argument, result in zip(x, y, strict=True):
            true = exact(name, argument)
            size = abs(true)
            if size > np.finfo(np.float64).max:
                assert result == float(np.sign(result)) * np.inf
            elif size < tiny:
                check_underflow(name, np.array([result]), np.array([float(true)]), tiny)
            else:
                ulp = mpmath.mpf(2) ** (mpmath.frexp(size)[1] - 53)
                error = abs(mpmath.mpf(float(result)) - true)
                if name in ("sin", "cos"):
                    error -= NEAR_ROOTS[np.float64]
                worst = max(worst, (float(error / ulp), float(argument)))
    assert worst[0] <= BOUND[name][1], worst


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_special_values(name, dtype):
    info = np.finfo(dtype)
    x = [0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1, -1, 1e4, -1e4, info.max, info.min, info.tiny,
         -info.tiny, info.smallest_subnormal, -info.smallest_subnormal, info.tiny / 3,
         -info.tiny / 3, info.eps, -1.5]
    x = np.array(x, dtype)
    if name in ("sin", "cos"):
        x = x[~(np.abs(x) > RANGE[dtype]) | np.isinf(x)]
    y = apply(name, x)
    expected = np.array([getattr(functions, name)(v) for v in x])
    np.testing.assert_allclose(y, expected, rtol=max(3, BOUND[name][0]) * info.eps, atol=0)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(y[number]), np.signbit(expected[number]))


FOLDED = ["exp", "log", "sin"]  # each is compiled anew


@pytest.mark.parametrize("name", [*FOLDED, *exhaustive([name for name in NAMES if name not in FOLDED])])
def test_special_constants_fold(name):
    """A constant argument is folded at compile time: a conversion out of range must not leak as poison."""
    function = getattr(functions, name)
    values = np.nan, np.inf, -np.inf, 1e300, -1e300
    a, b, c, d, e = values

    @njit(fastmath=FASTMATH, error_model="numpy")
    def constants():
        return function(a), function(b), function(c), function(d), function(e)

    expected = [function(v) for v in values]
    if name in ("sin", "cos"):  # out of their range, where they take its end
        expected[3:] = [function(RANGE[np.float64] * sign) for sign in (1, -1)]
    np.testing.assert_allclose(constants(), expected, rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_ends_of_the_range(dtype):
    info = np.finfo(dtype)
    top, bottom = np.log(float(info.max)), np.log(float(info.tiny))
    inside, outside = 1 - 2 * float(info.eps), 1 + 2 * float(info.eps)
    near = np.array([top * inside, top * outside, bottom * inside, bottom * outside], dtype)
    y = apply("exp", near)
    assert 0.999 * info.max < y[0] < np.inf and y[1] == np.inf
    assert info.tiny <= y[2] < info.tiny * 1.001 and y[3] == 0
    y = apply("expm1", near)
    assert 0.999 * info.max < y[0] < np.inf and y[1] == np.inf and (y[2:] == -1).all()
    assert (apply("tanh", np.array([25, -25], dtype)) == [1, -1]).all()
    assert (apply("sigmoid", np.array([50, -1000], dtype)) == [1, 0]).all()
    if dtype is np.float32:
        y = apply("exp", np.array([88.7, 89, -87.3, -104], dtype))
        assert np.isfinite(y[0]) and y[1] == np.inf and y[2] > 0 and y[3] == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_symmetry_and_range(dtype):
    x = np.linspace(0, 30, 100_001).astype(dtype)
    t = apply("tanh", x)
    np.testing.assert_array_equal(apply("tanh", -x), -t)
    assert (t <= 1).all()
    s = apply("sigmoid", np.concatenate([-x, x]))
    assert ((s > 0) & (s <= 1)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_same_bits_alone_as_in_a_vector(name, dtype):
    x = np.abs(np.random.default_rng(3).normal(0, 3, 203)).astype(dtype)
    alone = np.concatenate([apply(name, x[j:j + 1]) for j in range(x.size)])
    np.testing.assert_array_equal(apply(name, x), alone)


@pytest.mark.parametrize("dtype", [np.float32, *exhaustive([np.float64])])  # compiled for this test alone
@pytest.mark.parametrize("name", NAMES)
def test_llvm_code(name, dtype):
    compiled = kernel(name, dtype)
    (ir,), (assembly,) = compiled.inspect_llvm().values(), compiled.inspect_asm().values()
    element = "float" if dtype is np.float32 else "double"
    if dtype is np.float32:
        assert not re.search(r"\bdouble\b", ir)
    # The kernel itself calculates nothing: every operation is inlined from here and keeps its own flags.
    operations = re.findall(r"= f(?:add|sub|mul|div|neg|cmp)\b.*", ir)
    assert len(operations) > 10
    assert not [line for line in operations if re.search(r"\b(reassoc|nsz|arcp|afn|nnan|ninf|fast)\b", line)]
    assert [line for line in operations if " contract " in line]
    # neither libm nor its intrinsics, nor a call to one of the implementations
    functions = "exp|exp2|expm1|log|log2|log1p|tanh|pow|ldexp|frexp|sin|cos|erf|erfc"
    assert not re.search(rf"@(llvm\.)?({functions})[f.(]", ir)
    assert not re.search(rf"\b(callq?|bl|jmp)\s+({functions})f?\b", assembly)
    assert not re.search(r"call [^\n(]*mathematics\d+(exponential|special)", ir)
    if config.CPU_NAME != "generic":
        lanes = host.tile(dtype).lanes
        widths = [lanes, lanes // 2] if lanes * np.dtype(dtype).itemsize == 64 else [lanes]
        assert any(re.search(rf"fmul contract <{w} x {element}>", ir) for w in widths)


@pytest.mark.parametrize("name", NAMES)
def test_plain_python(name):
    function = getattr(functions, name)
    x = np.array([0.3, 1.7, 20.0, 800.0])
    y = np.array([function(float(v)) for v in x])
    np.testing.assert_allclose(y, apply(name, x), rtol=1e-15)
    assert isinstance(function(0.5), float)
    assert isinstance(function(np.float32(0.5)), np.float32)
    assert function(0.5) == pytest.approx(float(exact(name, 0.5)), rel=1e-15)
    assert np.isnan(function(float("nan")))


def test_plain_python_overflows_silently():
    assert exponential.exp(1e4) == exponential.expm1(1e4) == np.inf
    assert exponential.exp(-1e4) == exponential.sigmoid(-1e4) == 0
    assert exponential.log(0.0) == exponential.log1p(-1.0) == -np.inf
    assert np.isnan(exponential.log(-1.0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sine_and_cosine_keep_their_range_beyond_their_accuracy(dtype):
    x = np.logspace(4, 38, 5000).astype(dtype)
    for name in ("sin", "cos"):
        for y in (apply(name, x), apply(name, -x)):
            assert (np.abs(y) <= 1).all()
        assert np.isnan(apply(name, np.array([np.inf, -np.inf, np.nan], dtype))).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_distribution_functions_stay_within_their_limits(dtype):
    x = np.linspace(-45, 45, 100_001).astype(dtype)
    p, d, s = (apply(name, x) for name in ("normal_cdf", "normal_pdf", "softplus"))
    assert ((p >= 0) & (p <= 1)).all() and ((d >= 0) & (d <= dtype(0.3989423))).all()
    assert (s >= np.maximum(x, 0)).all()
    np.testing.assert_array_equal(apply("normal_pdf", -x), d)
    # (1 + erf) / 2 and its complement
    np.testing.assert_allclose(p + apply("normal_cdf", -x), 1, rtol=2 * np.finfo(dtype).eps)
