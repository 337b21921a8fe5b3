"""Gradient descent with and without momentum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..registry import flag, number, register
from .base import OPTIMIZERS, Optimizer


@register(OPTIMIZERS, "sgd")
@dataclass(frozen=True)
class SGD(Optimizer):
    r"""Gradient descent with momentum, :math:`v \leftarrow \beta v - \eta \nabla`, :math:`w \leftarrow w + v`.

    With Nesterov's correction the step is :math:`\beta v - \eta \nabla` after the velocity's update
    (Sutskever, Martens, Dahl, Hinton: "On the importance of initialization and momentum", ICML 2013).

    With ``averaged=True`` the state is a mean of gradients, :math:`v \leftarrow \beta v + (1 - \beta) \nabla`,
    and :math:`w \leftarrow w - \eta v`. At a constant rate that is the first form with :math:`(1 - \beta) \eta`
    for the rate: steps are as long as without momentum, where the first form's grow to :math:`1 / (1 - \beta)` of them.

    Parameters
    ----------
    momentum : float, default=0.9
        :math:`\beta` in [0, 1]; below 1 if averaged.
    nesterov : bool, default=True
        Whether to use Nesterov's momentum.
    averaged : bool, default=False
        Whether the gradients are averaged instead of summed.
    """

    momentum: float = number(0.9, 0.0, 1.0)
    nesterov: bool = flag(True)
    averaged: bool = flag(False)
    n_states = 1
    parameter_names = {"momentum": "momentum", "nesterov": "nesterovs_momentum"}

    def __post_init__(self):
        super().__post_init__()
        if self.averaged and self.momentum == 1:
            raise ValueError(
                "SGD with averaged=True needs momentum < 1: no gradient would enter the average. Got momentum=1."
            )

    def can_continue(self, other: Any) -> bool:
        # One form's state is made of steps, the other's of gradients.
        return super().can_continue(other) and other.averaged == self.averaged

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        momentum, nesterov, averaged = parameters[0], parameters[1], parameters[2]
        if averaged:
            # The same update with a state of the other sign, without the rate.
            share = 1.0 - momentum
            ahead = momentum if nesterov else 1.0
            return -share, momentum, -rate * ahead, rate * share if nesterov else 0.0, rate, 0.0, 0.0, 0.0
        # A velocity in balance has grown to 1 / (1 - momentum) gradients.
        threshold = rate / (1.0 - momentum) if momentum < 1.0 else 0.0
        return rate, momentum, momentum if nesterov else 1.0, rate if nesterov else 0.0, threshold, 0.0, 0.0, 0.0

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        pull, momentum, ahead, pull_ahead, threshold, _, _, _ = numbers
        velocity = momentum * states[0] - pull * g
        return ahead * velocity - pull_ahead * g, threshold, (velocity,)
