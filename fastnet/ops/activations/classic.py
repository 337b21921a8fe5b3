"""The linear, the saturating and the periodic activations."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...kernels.functions import cos, sigmoid, sin
from ...kernels.functions import tanh as vector_tanh
from ..registry import number, register
from .base import ACTIVATIONS, Activation


@register(ACTIVATIONS, "identity")
@dataclass(frozen=True)
class Identity(Activation):
    r"""No activation, :math:`g(z) = z`, :math:`g' = 1`.

    A linear bottleneck: it lowers the rank of what follows without bending it.
    """

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        return z

    @staticmethod
    def derivative(a: float, parameters: Sequence[float]) -> float:
        return 1.0


@register(ACTIVATIONS, "logistic")
@dataclass(frozen=True)
class Logistic(Activation):
    r"""Logistic sigmoid, :math:`g(z) = 1 / (1 + e^{-z})`, :math:`g' = g (1 - g)`.

    The classic, for shallow nets: its slope is 1/4 at most, so that gradients vanish over many layers. Rumelhart,
    Hinton, Williams: "Learning representations by back-propagating errors", Nature 323, 1986.
    """

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        return sigmoid(z)

    @staticmethod
    def derivative(a: float, parameters: Sequence[float]) -> float:
        return a * (1.0 - a)


@register(ACTIVATIONS, "tanh")
@dataclass(frozen=True)
class Tanh(Activation):
    r"""Hyperbolic tangent, :math:`g(z) = \tanh z`, :math:`g' = 1 - g^2`.

    The sigmoid to prefer: its values are centred, which keeps the next layer's gradients well scaled. LeCun, Bottou,
    Orr, Müller: "Efficient BackProp", 1998, section 4.4.
    """

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        return vector_tanh(z)

    @staticmethod
    def derivative(a: float, parameters: Sequence[float]) -> float:
        return 1.0 - a * a


@register(ACTIVATIONS, "sine")
@dataclass(frozen=True)
class Sine(Activation):
    r"""Sine, :math:`g(z) = \sin(\omega z)`, :math:`g' = \omega \cos(\omega z)`. NaN at infinity.

    For functions with fine detail, such as images and signals of their coordinates. Sitzmann, Martel, Bergman, Lindell,
    Wetzstein: "Implicit Neural Representations with Periodic Activation Functions", NeurIPS 2020, whose first layer has
    :math:`\omega = 30`.

    Parameters
    ----------
    frequency : float, default=1.0
        :math:`\omega`, above 0 and up to 1e5. The sine keeps its range but not its accuracy where
        :math:`|\omega z|` is larger than 1e5 (float32) or 1e6.
    """

    frequency: float = number(1.0, 0.0, 1e5, closed="right")
    derivative_of = "input"

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        return sin(parameters[0] * z)

    @staticmethod
    def derivative(z: float, parameters: Sequence[float]) -> float:
        return parameters[0] * cos(parameters[0] * z)
