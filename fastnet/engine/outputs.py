"""Outputs wider than the computation: a float32 network's raw outputs become doubles before its link makes predictions.

So probabilities sum to 1 as doubles do, and what lies near 1 is told apart. `phases/outputs.py` writes them.
"""

from functools import lru_cache

import numpy as np

from ..kernels.host import tile
from ..network.layout import round_up
from ..ops.compiled import rows as op_kernels

DOUBLE = np.dtype(np.float64)
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
