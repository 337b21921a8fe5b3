"""Activations of hidden layers: one entry each, a formula and its derivative.

``function(z, parameters)`` and ``derivative(x, parameters)`` are plain scalar functions; ``parameters`` is the tuple
of the op's values. ``derivative_of`` says what the derivative reads: the activation's 'output', which costs
no memory, or its 'input' z. Literals are floats (``1.0``), so that they compile in the dtype of the net.
"""

from dataclasses import dataclass

from ..kernels.functions import sigmoid
from ..kernels.functions import tanh as vector_tanh
from .registry import Op, register

ACTIVATIONS = {}


@dataclass(frozen=True)
class Activation(Op):
    """An activation; subclasses give ``function``, ``derivative`` and ``derivative_of``.

    Attributes
    ----------
    derivative_of : {'output', 'input'}
        What ``derivative`` reads: the activation's output, or its input z.
    """

    derivative_of = "output"
    formulas = ("function", "derivative")


@register(ACTIVATIONS, "identity")
@dataclass(frozen=True)
class Identity(Activation):
    r"""No activation, :math:`g(z) = z`: a linear bottleneck."""

    @staticmethod
    def function(z, parameters):
        return z

    @staticmethod
    def derivative(a, parameters):
        return 1.0


@register(ACTIVATIONS, "logistic")
@dataclass(frozen=True)
class Logistic(Activation):
    r"""Logistic sigmoid, :math:`g(z) = 1 / (1 + e^{-z})`, :math:`g' = g (1 - g)`."""

    @staticmethod
    def function(z, parameters):
        return sigmoid(z)

    @staticmethod
    def derivative(a, parameters):
        return a * (1.0 - a)


@register(ACTIVATIONS, "tanh")
@dataclass(frozen=True)
class Tanh(Activation):
    r"""Hyperbolic tangent, :math:`g(z) = \tanh z`, :math:`g' = 1 - g^2`.

    LeCun, Bottou, Orr, Müller: "Efficient BackProp", 1998, section 4.4.
    """

    @staticmethod
    def function(z, parameters):
        return vector_tanh(z)

    @staticmethod
    def derivative(a, parameters):
        return 1.0 - a * a


@register(ACTIVATIONS, "relu")
@dataclass(frozen=True)
class ReLU(Activation):
    r"""Rectified linear unit, :math:`g(z) = \max(0, z)`; :math:`g'(0) = 0`. NaN stays NaN.

    Nair, Hinton: "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.
    """

    @staticmethod
    def function(z, parameters):
        return 0.0 if z < 0.0 else z

    @staticmethod
    def derivative(a, parameters):
        return 1.0 if a > 0.0 else 0.0
