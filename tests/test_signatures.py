"""C signatures: one for maker and caller, and a slip is an error."""

import numpy as np
import pytest
from numba.core.errors import NumbaError

from fastnet.kernels.compiling.jit import kernel
from fastnet.kernels.compiling.signatures import DOUBLE, INDEX, NUMBER, NUMBERS, Signature

SCALE = Signature(None, a=NUMBERS, n=INDEX, factor=NUMBER)
DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]


def make_scale(dtype):
    from numba import carray

    def scale(a, n, factor):
        a = carray(a, n)
        for j in range(n):
            a[j] *= factor

    return scale


def make_twice(call, dtype):
    @kernel
    def again(function, a, n):
        call(function, a, n, 2)

    def twice(function, a, n):
        again(function, a, n)
        again(function, a, n)

    return twice


def make_slip(call, dtype):
    def slip(function, a, n):
        call(function, a, n)

    return slip


@pytest.mark.parametrize("dtype", DTYPES)
def test_maker_and_callers_agree(dtype):
    address = SCALE.compile(f"{__name__}:make_scale", ("test_scale",), dtype)
    a = np.arange(4, dtype=dtype)
    SCALE.function(address, dtype)(a.ctypes.data, 3, 2.0)
    np.testing.assert_array_equal(a, [0, 2, 4, 3])
    twice = Signature(None, function=INDEX, a=INDEX, n=INDEX)
    compiled = twice.compile(f"{__name__}:make_twice", ("test_twice",), dtype, SCALE.caller(dtype))
    twice.function(compiled, dtype)(address, a.ctypes.data, 2)
    np.testing.assert_array_equal(a, [0, 8, 4, 3])


@pytest.mark.parametrize(
    "signature",
    [
        Signature(None, a=NUMBERS, factor=NUMBER, n=INDEX),
        Signature(None, a=NUMBERS, n=INDEX),
        Signature(None, a=NUMBERS, n=INDEX, factor=NUMBER, more=DOUBLE),
    ],
)
def test_other_names_than_those_of_the_signature_are_refused(signature):
    with pytest.raises(TypeError, match=r"test_slip takes \['a', 'n', 'factor'\], its signature says"):
        signature.compile(f"{__name__}:make_scale", ("test_slip",), DTYPES[0])


def test_a_call_with_another_number_of_arguments_does_not_compile():
    signature = Signature(None, function=INDEX, a=INDEX, n=INDEX)
    with pytest.raises(NumbaError):
        signature.compile(f"{__name__}:make_slip", ("test_short_call",), DTYPES[0], SCALE.caller(DTYPES[0]))
