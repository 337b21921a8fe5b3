"""What an activation, a loss or another object of your own is made of: its parameters, and functions for its formulas.

``number``, ``flag``, ``choice`` and ``increasing`` declare a parameter together with what it may be. The others are
elementary functions of one number that become vector code where a formula is compiled.
"""

from .kernels.functions import (
    cos,
    exp,
    expm1,
    log,
    log1p,
    normal_cdf,
    normal_pdf,
    sigmoid,
    sin,
    softplus,
    tanh,
)
from .ops.registry import choice, flag, increasing, number

__all__ = [
    "choice",
    "cos",
    "exp",
    "expm1",
    "flag",
    "increasing",
    "log",
    "log1p",
    "normal_cdf",
    "normal_pdf",
    "number",
    "sigmoid",
    "sin",
    "softplus",
    "tanh",
]
