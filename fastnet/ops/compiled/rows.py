"""Row kernels by their ops: C functions that the engine calls by address.

What each does, and what it takes, stands in ``signatures.py``. Each op is compiled alone, once per dtype, and called on
a whole tile; `row_kernels.py` makes the kernels from the ops' scalar formulas.
"""

from functools import lru_cache

import numpy as np

from ...kernels.memory import aligned_zeros
from .digest import formulas_digest
from .signatures import (
    ACTIVATE,
    ACTIVATE_AND_DERIVE,
    DERIVE,
    EXPAND,
    LINK,
    LOSS,
    N_PARAMETERS,
    PREPARE,
    REDUCE,
    UPDATE,
)

_MAKERS = f"{__package__}.row_kernels"


def parameter_array(op, dtype):
    """The op's parameters as the kernels read them: a padded array, then a loss's table.

    Of ``dtype``, the type of the computation, or of float64 for an optimizer; raises ValueError if a parameter is
    lost in the computation.
    """
    op.check_dtype(dtype)
    table = getattr(op, "table", ())
    array = aligned_zeros(N_PARAMETERS + len(table), np.float64 if "prepare" in op.formulas else dtype)
    array[: len(op.values)] = op.values
    array[N_PARAMETERS:] = table
    return array


def _address(op, name, dtype, signature, maker=None):
    """Compile one kernel of an op, or find it again."""
    cls, formulas = type(op), op.formulas
    if name in formulas:  # it is made from this formula alone: ops that inherit it share the kernel
        cls, formulas = next(base for base in cls.__mro__ if name in vars(base)), (name,)
    key = (name, cls.__module__, cls.__qualname__, formulas_digest(op, formulas))
    try:
        return signature.compile(f"{_MAKERS}:{maker or name}", key, dtype, op)
    except Exception as error:
        from numba.core.errors import NumbaError

        if not isinstance(error, NumbaError):
            raise
        raise TypeError(
            f"The formulas of {op!r} do not compile: they must be plain arithmetic on floats, comparisons, functions "
            f"of math and of fastnet.formulas, and helpers of that kind. Numba says: {error}"
        ) from error


@lru_cache(1024)
def activate(op, dtype):
    """Address of the kernel that applies an activation in place."""
    return _address(op, "activate", dtype, ACTIVATE)


@lru_cache(1024)
def activate_and_derive(op, dtype):
    """Address of the kernel that applies an activation and keeps its derivative, which shares most of its terms."""
    return _address(op, "activate_and_derive", dtype, ACTIVATE_AND_DERIVE)


def keeps_derivative(op):
    """Whether `activate_and_derive` serves the op in training: its derivative is of z, and known before z is gone."""
    return op.derivative_of == "input"


@lru_cache(1024)
def derive(op, dtype):
    """Address of the kernel that multiplies deltas with an activation's derivative."""
    if keeps_derivative(op):
        return DERIVE.compile(f"{_MAKERS}:multiply", ("multiply",), dtype)
    return _address(op, "derive", dtype, DERIVE)


@lru_cache(1024)
def loss(op, dtype):
    """Address of the kernel that gives a tile of rows its loss and output delta together."""
    return _address(op, f"{op.kernel}_loss", dtype, LOSS, "loss")


@lru_cache(1024)
def link(op, dtype):
    """Address of the kernel that turns raw outputs into predictions."""
    return _address(op, "link", dtype, LINK)


@lru_cache(1024)
def prepare(op, dtype):
    """Address of the kernel that computes an optimizer's numbers of one mini-batch, for a group of parameters."""
    return _address(op, "prepare", dtype, PREPARE)


@lru_cache(1024)
def update(op, dtype):
    """Address of the kernel that moves a run of weights: optimizer step, then soft threshold for L1."""
    return _address(op, "update", dtype, UPDATE)


@lru_cache(1024)
def expand(op, dtype):
    """Address of the kernel that makes a feature layer's outputs of a strip of a column."""
    return EXPAND.compile(f"{__package__}.feature_kernels:expand", ("expand", op.kernel), dtype, op.kernel)


@lru_cache(1024)
def reduce(op, dtype):
    """Address of the kernel that sums the gradient by a feature layer's numbers over a strip; 0 if it has none."""
    if not op.is_learnt or op.is_lazy:
        return 0
    return REDUCE.compile(f"{__package__}.feature_kernels:reduce", ("reduce", op.kernel), dtype, op.kernel)
