"""Activations in pieces: rectifiers, exponential units, and the hard forms of the sigmoids."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...kernels.functions import expm1
from ..registry import number, register
from .base import ACTIVATIONS, Activation

# The fixed point of mean 0 and variance 1: Klambauer et al. 2017, equation 14.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
_SELU_FLOOR = _SELU_SCALE * _SELU_ALPHA


@register(ACTIVATIONS, "relu")
@dataclass(frozen=True)
class ReLU(Activation):
    r"""Rectified linear unit, :math:`g(z) = \max(0, z)`; :math:`g' = 1` above 0, else 0.

    The default: the cheapest, and gradients pass through many layers. Units may die, off for all samples. Nair,
    Hinton: "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.
    """

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        return 0.0 if z < 0.0 else z

    @staticmethod
    def derivative(a: float, parameters: Sequence[float]) -> float:
        return 1.0 if a > 0.0 else 0.0


@register(ACTIVATIONS, "leaky_relu")
@dataclass(frozen=True)
class LeakyReLU(Activation):
    r"""Leaky ReLU, :math:`g(z) = \max(0, z) + s \min(0, z)`; :math:`g' = 1` above 0, else :math:`s`.

    Where ReLU's units die: one that is off keeps a gradient. Maas, Hannun, Ng: "Rectifier Nonlinearities Improve
    Neural Network Acoustic Models", ICML Workshop on Deep Learning for Audio, Speech and Language Processing, 2013.

    Parameters
    ----------
    slope : float, default=0.01
        The slope below 0, itself above 0.
    """

    slope: float = number(0.01, 0.0, closed="neither")

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        return parameters[0] * z if z < 0.0 else z

    @staticmethod
    def derivative(a: float, parameters: Sequence[float]) -> float:
        return 1.0 if a > 0.0 else parameters[0]


@register(ACTIVATIONS, "prelu")
@dataclass(frozen=True)
class PReLU(LeakyReLU):
    r"""Parametric ReLU, :math:`g(z) = \max(0, z) + s \min(0, z)`; :math:`g' = 1` above 0, else :math:`s`.

    A leaky ReLU that learns its slope s, one for each unit: ``slopes_`` of a fitted estimator. For large data sets,
    where a parameter more for each unit pays. Slopes are trained like biases, without penalty. He, Zhang, Ren, Sun:
    "Delving Deep into Rectifiers", ICCV 2015.

    Parameters
    ----------
    slope : float, default=0.25
        The slope with which all units begin.
    """

    slope: float = number(0.25)
    derivative_of = "input"  # the slope may become negative: then the output does not tell the sign
    per_unit = True

    @staticmethod
    def by_parameter(z: float, parameters: Sequence[float]) -> float:
        """Derivative by the slope."""
        return z if z < 0.0 else 0.0


@register(ACTIVATIONS, "elu")
@dataclass(frozen=True)
class ELU(Activation):
    r"""Exponential linear unit, z above 0, :math:`\alpha (e^z - 1)` below; :math:`g' = 1` above 0, else
    :math:`g + \alpha`.

    Where ReLU trains slowly: the mean of its values is nearer to 0. Clevert, Unterthiner, Hochreiter: "Fast and
    Accurate Deep Network Learning by Exponential Linear Units (ELUs)", ICLR 2016.

    Parameters
    ----------
    alpha : float, default=1.0
        Above 0; the limit at :math:`-\infty` is :math:`-\alpha`. The derivative jumps at 0 unless it is 1.
    """

    alpha: float = number(1.0, 0.0, closed="neither")

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        return parameters[0] * expm1(z) if z < 0.0 else z

    @staticmethod
    def derivative(a: float, parameters: Sequence[float]) -> float:
        return 1.0 if a > 0.0 else a + parameters[0]


@register(ACTIVATIONS, "selu")
@dataclass(frozen=True)
class SELU(Activation):
    r"""Scaled ELU, :math:`\lambda z` above 0, :math:`\lambda \alpha (e^z - 1)` below, with :math:`\alpha = 1.6733` and
    :math:`\lambda = 1.0507`; :math:`g' = \lambda` above 0, else :math:`g + \lambda \alpha`.

    For deep plain nets: with standardised input and weights of variance :math:`1 / n_{in}` every layer has mean 0 and
    variance 1. Klambauer,
    Unterthiner, Mayr, Hochreiter: "Self-Normalizing Neural Networks", NeurIPS 2017.
    """

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        return _SELU_FLOOR * expm1(z) if z < 0.0 else _SELU_SCALE * z

    @staticmethod
    def derivative(a: float, parameters: Sequence[float]) -> float:
        return _SELU_SCALE if a > 0.0 else a + _SELU_FLOOR


@register(ACTIVATIONS, "hard_sigmoid")
@dataclass(frozen=True)
class HardSigmoid(Activation):
    r"""Hard sigmoid, :math:`g(z) = \min(1, \max(0, s z + 1/2))`; :math:`g' = s` where :math:`0 < g < 1`, else 0.

    A sigmoid without an exponential, exactly 0 and 1 at its ends. Courbariaux, Bengio, David: "BinaryConnect:
    Training Deep Neural Networks with binary weights during propagations", NeurIPS 2015, with s = 1/2. Here s is by
    default 1/6, as in Howard et al.: "Searching for MobileNetV3", ICCV 2019.

    Parameters
    ----------
    slope : float, default=1/6
        The slope between the two ends, above 0.
    """

    slope: float = number(1 / 6, 0.0, closed="neither")

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        a = parameters[0] * z + 0.5
        a = 0.0 if a < 0.0 else a
        return 1.0 if a > 1.0 else a

    @staticmethod
    def derivative(a: float, parameters: Sequence[float]) -> float:
        return parameters[0] if a > 0.0 and a < 1.0 else 0.0


@register(ACTIVATIONS, "hard_tanh")
@dataclass(frozen=True)
class HardTanh(Activation):
    r"""Hard tanh, :math:`g(z) = \min(1, \max(-1, z))`; :math:`g' = 1` where :math:`-1 < g < 1`, else 0.

    A tanh without an exponential, exactly -1 and 1 at its ends. Collobert: "Large Scale Machine Learning", thesis,
    Université Paris VI, 2004.
    """

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        a = -1.0 if z < -1.0 else z
        return 1.0 if a > 1.0 else a

    @staticmethod
    def derivative(a: float, parameters: Sequence[float]) -> float:
        return 1.0 if abs(a) < 1.0 else 0.0
