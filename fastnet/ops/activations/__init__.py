"""Activations of hidden layers: one entry each, a formula and its derivative.

``function(z, parameters)`` and ``derivative(x, parameters)`` are plain scalar functions; ``parameters`` is the tuple
of the op's values. ``derivative_of`` says what the derivative reads: the activation's 'output', which costs
no memory, or its 'input' z. Literals are floats (``1.0``), so that they compile in the dtype of the net.

At the ends of the range an activation has its limit, its derivative too; NaN stays NaN.
"""

from .base import ACTIVATIONS, Activation
from .classic import Identity, Logistic, Sine, Tanh
from .parametric import Parametric
from .piecewise import ELU, SELU, HardSigmoid, HardTanh, LeakyReLU, PReLU, ReLU
from .smooth import GELU, Mish, SiLU, Softplus

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "HardSigmoid",
    "HardTanh",
    "Identity",
    "LeakyReLU",
    "Logistic",
    "Mish",
    "Parametric",
    "PReLU",
    "ReLU",
    "SiLU",
    "Sine",
    "Softplus",
    "Tanh",
]
