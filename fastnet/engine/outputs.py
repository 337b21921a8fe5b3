"""Outputs wider than the computation: a float32 network's raw outputs become doubles before its link makes predictions.

So probabilities sum to 1 as doubles do, and what lies near 1 is told apart. `phases/outputs.py` writes them.
"""

from functools import lru_cache

import numpy as np

from ..kernels.host import tile
from ..kernels.memory import empty
from ..network.layout import round_up
from ..ops.compiled import rows as op_kernels
from .functions import from_python

DOUBLE = np.dtype(np.float64)
# So many numbers repay a compiled search for the largest of each row, and so few columns are faster one by one.
_MANY, _FEW_COLUMNS = 50_000, 32
# Rows that are widened together: the softmax takes four side by side.
ROWS = 4


def is_wider(output_dtype, dtype):
    """Whether outputs of a dtype are to be written in a wider one; None is the computation's own."""
    return output_dtype is not None and output_dtype == DOUBLE != dtype


def narrowed(outputs, output_dtype):
    """Outputs in the dtype asked for; numbers that are too large for it become infinite."""
    if output_dtype is None or outputs.dtype == output_dtype:
        return outputs
    with np.errstate(over="ignore"):
        return outputs.astype(output_dtype)


def largest_columns(outputs):
    """Of each row the column of its largest number, as ``outputs.argmax(axis=1)``, which takes 25 ns for a short row.

    Parameters
    ----------
    outputs : ndarray of shape (n_samples, n_outputs)
        float32 or float64.

    Returns
    -------
    ndarray of shape (n_samples,)
        The first of several, or the first nan.
    """
    n_samples, n_outputs = outputs.shape
    if outputs.size < _MANY or n_outputs > _FEW_COLUMNS or not outputs.flags.c_contiguous:
        return outputs.argmax(axis=1)
    found = empty((n_samples,), np.intp)
    run = from_python("largest_columns", outputs.dtype)
    run(outputs.ctypes.data, n_samples, n_outputs, found.ctypes.data)
    return found


def space_size(n_outputs):
    """Doubles that `make_widen`'s function needs as workspace."""
    return ROWS * round_up(n_outputs, tile(DOUBLE).panel)


@lru_cache(256)
def output_links(loss, dtype, is_wide):
    """The inverse link before and after outputs are widened: an address or 0 each, and the second one's parameters.

    What a user calls an identity is taken before: there is nothing to gain, and nothing more to compile.
    """
    parameters = op_kernels.parameter_array(loss, DOUBLE)
    if is_wide and loss.out_activation != "identity":
        return 0, op_kernels.link(loss, DOUBLE), parameters
    return op_kernels.link(loss, dtype), 0, parameters
