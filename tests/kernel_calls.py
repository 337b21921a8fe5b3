"""Calling compiled row kernels by address, for the tests of ops."""

import ctypes

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet.kernels.host import tile
from fastnet.ops.compiled import rows

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


def loss_and_delta(op, z, y, weight=None, scale=1.0, padding=np.nan):
    """The compiled kernel on padded rows: (losses, deltas); what it must not read or write is checked."""
    n_rows, n = z.shape
    dtype, shape = z.dtype, tile(z.dtype)
    padded = -(-n // shape.panel) * shape.panel
    stride = padded + shape.panel  # rows may be further apart than they are long
    weight = np.ones(n_rows, dtype) if weight is None else weight
    rows_z, delta = np.full((n_rows, stride), padding, dtype), np.full((n_rows, stride), 7, dtype)
    rows_z[:, :n] = z
    y = y.copy()
    if not op.class_index_target:
        y, given = np.full((n_rows, stride), padding, dtype), y
        y[:, :n] = given
    values = np.full(n_rows, -1.0)
    call(
        rows.loss(op, dtype), rows_z, y, weight, delta, stride, n_rows, n, padded, dtype.type(scale),
        rows.parameter_array(op, dtype), values,
    )  # fmt: skip
    assert_array_equal(rows_z[:, :n], z)
    assert_array_equal(delta[:, n:padded], 0)
    assert_array_equal(delta[:, padded:], 7)
    return values, delta[:, :n].copy()
