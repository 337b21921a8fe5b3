"""Smooth relatives of the rectifier. Where z would meet a 0, it is cut off, so that the limit comes out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...kernels.functions import exp, expm1, normal_cdf, normal_pdf, sigmoid, softplus
from ..registry import choice, register
from .base import ACTIVATIONS, Activation

_2_ROOT_2_PI, _CUBIC = 1.5957691216057308, 0.044715  # 2 sqrt(2 / pi)


def _gelu(z, parameters):
    return (-1e3 if z < -1e3 else z) * normal_cdf(z)


def _gelu_slope(z, parameters):
    c = 0.0 if abs(z) > 1e3 else z
    return normal_cdf(z) + c * normal_pdf(z)


# (1 + tanh u) / 2 is the sigmoid of 2 u, which has no cancellation.
def _gelu_tanh(z, parameters):
    s = sigmoid(_2_ROOT_2_PI * z * (1.0 + _CUBIC * z * z))
    return (-1e3 if z < -1e3 else z) * s


def _gelu_tanh_slope(z, parameters):
    s = sigmoid(_2_ROOT_2_PI * z * (1.0 + _CUBIC * z * z))
    c = 0.0 if abs(z) > 1e3 else z
    return s * (1.0 + c * (1.0 - s) * _2_ROOT_2_PI * (1.0 + 3.0 * _CUBIC * c * c))


@register(ACTIVATIONS, "gelu")
@dataclass(frozen=True)
class GELU(Activation):
    r"""Gaussian error linear unit, :math:`g(z) = z \Phi(z)`, :math:`g' = \Phi(z) + z \varphi(z)`, with the standard
    normal distribution function :math:`\Phi` and density :math:`\varphi`.

    What most transformers use; smooth, and it lets small negative values through. Its tanh form is :math:`z (1 +
    \tanh u) / 2` with :math:`u = \sqrt{2 / \pi} (z + 0.044715 z^3)`. Hendrycks, Gimpel: "Gaussian Error Linear Units
    (GELUs)", arXiv:1606.08415, 2016.

    Parameters
    ----------
    approximate : {'none', 'tanh'}, default='none'
        'none' is the exact form, 'tanh' the paper's approximation, which differs from it by less than 0.0005.
    """

    approximate: str = choice("none", "none", "tanh")
    derivative_of = "input"

    @property
    def values(self) -> tuple[float, ...]:
        return ()  # the choice is one of formulas

    @property
    def function(self) -> Callable[[float, Sequence[float]], float]:
        return _gelu_tanh if self.approximate == "tanh" else _gelu

    @property
    def derivative(self) -> Callable[[float, Sequence[float]], float]:
        return _gelu_tanh_slope if self.approximate == "tanh" else _gelu_slope


@register(ACTIVATIONS, "silu")
@dataclass(frozen=True)
class SiLU(Activation):
    r"""Sigmoid linear unit (swish), :math:`g(z) = z \sigma(z)`, :math:`g' = \sigma(z) (1 + z (1 - \sigma(z)))`.

    GELU's shape for less work; a usual choice for deep nets. Elfwing, Uchibe, Doya: "Sigmoid-Weighted Linear Units
    for Neural Network Function Approximation in Reinforcement Learning", Neural Networks 107, 2018.
    """

    derivative_of = "input"

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        return (-1e3 if z < -1e3 else z) * sigmoid(z)

    @staticmethod
    def derivative(z: float, parameters: Sequence[float]) -> float:
        s = sigmoid(z)
        c = 0.0 if abs(z) > 1e3 else z
        return s * (1.0 + c * (1.0 - s))


@register(ACTIVATIONS, "mish")
@dataclass(frozen=True)
class Mish(Activation):
    r"""Mish, :math:`g(z) = z t` with :math:`t = \tanh(\log(1 + e^z))`; :math:`g' = t + z (1 - t^2) \sigma(z)`.

    Near SiLU, with a deeper dip. It is computed from :math:`n = e^z (e^z + 2)` as :math:`t = n / (n + 2)`. Misra:
    "Mish: A Self Regularized Non-Monotonic Activation Function", BMVC 2020.
    """

    derivative_of = "input"

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        c = -1e3 if z < -1e3 else z  # as in the derivative, so that both share one exponential
        e = exp(20.0 if c > 20.0 else c)  # t is 1 to the last bit from there on
        n = e * (e + 2.0)
        return c * (n / (n + 2.0))

    @staticmethod
    def derivative(z: float, parameters: Sequence[float]) -> float:
        c = -1e3 if z < -1e3 else z
        c = 20.0 if c > 20.0 else c
        e = exp(c)
        n = e * (e + 2.0)
        inverse = 1.0 / (n + 2.0)
        return inverse * (n + 4.0 * c * e * (e + 1.0) * inverse)


@register(ACTIVATIONS, "softplus")
@dataclass(frozen=True)
class Softplus(Activation):
    r"""Softplus, :math:`g(z) = \log(1 + e^z)`, :math:`g' = \sigma(z) = 1 - e^{-g}`.

    A ReLU without the kink, above 0 everywhere: for outputs or layers that must be positive and smooth. Dugas,
    Bengio, Bélisle, Nadeau, Garcia: "Incorporating Second-Order Functional Knowledge for Better Option Pricing",
    NeurIPS 2000.
    """

    @staticmethod
    def function(z: float, parameters: Sequence[float]) -> float:
        return softplus(z)

    @staticmethod
    def derivative(a: float, parameters: Sequence[float]) -> float:
        return -expm1(-a)
