"""Everything that can be compiled ahead: the engine's functions and the kernels of all ops, but for users' own.

An op's parameters are data; those entries that compile other kernels for some of them stand here with each of these.
"""

import numpy as np

from ..ops.activations import ACTIVATIONS
from ..ops.compiled import rows as op_kernels
from ..ops.features import FEATURES
from ..ops.losses import LOSSES, Gamma, LogLoss, Poisson, Tweedie
from ..ops.losses.columns import ColumnsLogLoss
from ..ops.losses.offsets import with_offset
from ..ops.optimizers import OPTIMIZERS, RMSProp
from .functions import FUNCTIONS, address

_VARIANTS = {
    "losses": [
        LogLoss(label_smoothing=0.1), ColumnsLogLoss(sizes=(2,)),
        *map(with_offset, (Poisson(), Gamma(), Tweedie())),
    ],  # fmt: skip
    "optimizers": [RMSProp(momentum=0.9), RMSProp(centred=True), RMSProp(momentum=0.9, centred=True)],
}
# What a classifier and a regressor need with their default parameters.
_COMMON = {"engine", "predictor", "few_rows", "largest_columns"}
_COMMON_OPS = {"relu", "log_loss", "binary_log_loss", "squared_error", "adam"}


def ahead(dtype, everything=True):
    """What can be compiled ahead for a dtype of the computation.

    Parameters
    ----------
    dtype : dtype
        float32 or float64.
    everything : bool, default=True
        Whether to take all, or what the default parameters need.

    Returns
    -------
    list of (str, callable)
        Names, and functions without arguments that compile, or load, each.
    """

    def chosen(registry, variants=()):
        ops = registry.items() if everything else [(n, op) for n, op in registry.items() if n in _COMMON_OPS]
        return [op for _, op in ops] + (list(variants) if everything else [])

    dtype, double = np.dtype(dtype), np.dtype(np.float64)
    of_outputs = list(dict.fromkeys((dtype, double)))  # float32 networks predict in double, too
    found = [
        (name, lambda name=name, of=of: address(name, of))
        for name in FUNCTIONS
        if everything or name in _COMMON
        for of in (of_outputs if name == "largest_columns" else [dtype])
    ]

    def add(kernel, op, of=dtype):
        found.append((f"{kernel.__name__} of {op!r}", lambda: kernel(op, of)))

    for op in chosen(ACTIVATIONS):
        add(op_kernels.activate, op)
        add(op_kernels.derive, op)
        if op_kernels.keeps_derivative(op):
            add(op_kernels.activate_and_derive, op)
    for op in chosen(FEATURES):
        add(op_kernels.expand, op)
        if op.is_learnt and not op.is_lazy:
            add(op_kernels.reduce, op)
    for op in chosen(LOSSES, _VARIANTS["losses"]):
        add(op_kernels.loss, op)
        for of in of_outputs:
            add(op_kernels.link, op, of)
    for op in chosen(OPTIMIZERS, _VARIANTS["optimizers"]):
        add(op_kernels.prepare, op)
        add(op_kernels.update, op)
    return found
