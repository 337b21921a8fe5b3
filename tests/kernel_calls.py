"""Calling compiled row kernels by address, for the tests of ops."""

import ctypes

import numpy as np
import pytest

DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]
F32, F64 = DTYPES


def known(table, name, where, what):
    """The entry of a table of references."""
    if name not in table:
        pytest.fail(f"give {name!r} {what}: an entry in {where}")
    return table[name]


def call(address, *arguments):
    """Call a row kernel; arrays go by address."""
    kinds = {float: ctypes.c_double, int: ctypes.c_ssize_t, np.float32: ctypes.c_float, np.float64: ctypes.c_double}
    values = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments]
    signature = [ctypes.c_void_p if isinstance(a, np.ndarray) else kinds[type(a)] for a in arguments]
    ctypes.CFUNCTYPE(None, *signature)(address)(*values)
