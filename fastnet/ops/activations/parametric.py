"""Any activation, mixed with the identity in a share that each unit learns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..registry import number, one_of, register
from .base import ACTIVATIONS, Activation
from .piecewise import SELU


def _mixed(activation):
    """The formulas of an activation mixed with the identity; the mix is the first parameter.

    Where it is 1 the identity has no part, not even one of infinity times 0.
    """
    value, slope = activation.function, activation.derivative

    def function(z, parameters):
        rest = 1.0 - parameters[0]
        identity = 0.0 if rest == 0.0 else z
        return parameters[0] * value(z, parameters[1:]) + rest * identity

    def derivative(z, parameters):
        return 1.0 - parameters[0] + parameters[0] * slope(z, parameters[1:])

    def derivative_by_output(z, parameters):
        return 1.0 - parameters[0] + parameters[0] * slope(value(z, parameters[1:]), parameters[1:])

    def by_parameter(z, parameters):
        return value(z, parameters[1:]) - z

    of_output = activation.derivative_of == "output"
    return function, derivative_by_output if of_output else derivative, by_parameter


@register(ACTIVATIONS, "parametric")
@dataclass(frozen=True)
class Parametric(Activation):
    r"""An activation :math:`\sigma` mixed with the identity, :math:`g(z) = z + \alpha (\sigma(z) - z)`;
    :math:`g' = 1 + \alpha (\sigma'(z) - 1)`.

    Each unit learns how much it bends, its own :math:`\alpha`: ``slopes_`` of a fitted estimator. At 1 it is the
    activation itself, at 0 the identity. It is trained without penalty, at a rate of its own. For tables: Holzmüller,
    Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data", NeurIPS 2024,
    with SELU for classes and Mish for numbers.

    Parameters
    ----------
    activation : str or Activation, default=SELU()
        :math:`\sigma`, by name or as an object; none whose units learn a parameter themselves.
    alpha : float, default=1.0
        The :math:`\alpha` with which all units begin.
    rate : float, default=0.1
        Factor of the learning rate for :math:`\alpha`, at least 0.
    """

    activation: Activation = one_of(
        SELU(), ACTIVATIONS, Activation, lambda op: not op.per_unit,
        "an activation whose units learn nothing themselves",
    )  # fmt: skip
    alpha: float = number(1.0)
    rate: float = number(0.1, 0.0)
    derivative_of = "input"
    per_unit = True

    @property
    def values(self) -> tuple[float, ...]:
        """What formulas get: alpha, then the parameters of the activation that is mixed."""
        return (self.alpha, *self.activation.values)

    @property
    def unit_rate(self) -> float:  # type: ignore[override]
        """Factor of the learning rate."""
        return self.rate

    @property
    def function(self) -> Callable[[float, Sequence[float]], float]:
        return _mixed(self.activation)[0]

    @property
    def derivative(self) -> Callable[[float, Sequence[float]], float]:
        return _mixed(self.activation)[1]

    @property
    def by_parameter(self) -> Callable[[float, Sequence[float]], float]:
        """Derivative by alpha."""
        return _mixed(self.activation)[2]

    def check_dtype(self, dtype: np.dtype) -> None:
        super().check_dtype(dtype)
        self.activation.check_dtype(dtype)
