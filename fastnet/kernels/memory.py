"""The memory that compiled code reads and writes: whatever the engine allocates comes from here.

So a test can put a guard page before or after each array, and a slip by one element ends the process at once.
"""

from contextlib import contextmanager
from math import prod

import numpy as np

_source = None


@contextmanager
def allocated_by(source):
    """Within the block take memory from elsewhere.

    Parameters
    ----------
    source : callable
        ``source(n_bytes)`` gives an array of so many zeros of type uint8.
    """
    global _source
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before


def aligned_zeros(size, dtype):
    """Zeros that start on a 64-byte boundary, so that no vector of them crosses a cache line."""
    dtype = np.dtype(dtype)
    n_bytes = int(size) * dtype.itemsize
    if _source is not None:
        return _source(n_bytes).view(dtype)
    buffer = np.zeros(n_bytes + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    return buffer[start : start + n_bytes].view(dtype)


def empty(shape, dtype):
    """An array that compiled code fills."""
    if _source is None:
        return np.empty(shape, dtype)
    return _source(prod(shape) * np.dtype(dtype).itemsize).view(dtype).reshape(shape)


def copy(array):
    """A copy of an array for compiled code to read."""
    result = empty(array.shape, array.dtype)
    result[...] = array
    return result
