"""Rates of each weight's own, from the squares of its gradients."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..registry import flag, number, register
from .base import OPTIMIZERS, Optimizer


@register(OPTIMIZERS, "adagrad")
@dataclass(frozen=True)
class AdaGrad(Optimizer):
    r"""AdaGrad: :math:`s \leftarrow s + \nabla^2`, :math:`w \leftarrow w - \eta \nabla / (\sqrt{s} + \epsilon)`.

    Rates only fall; begin with a larger one than Adam's, such as 0.01. Duchi, Hazan, Singer: "Adaptive Subgradient
    Methods for Online Learning and Stochastic Optimization", JMLR 12, 2011.

    Parameters
    ----------
    epsilon : float, default=1e-10
        Added to the root.
    """

    epsilon: float = number(1e-10, 0.0, closed="neither")
    n_states = 1

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        return rate, parameters[0], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        rate, epsilon, _, _, _, _, _, _ = numbers
        s = states[0] + g * g
        own_rate = rate / (math.sqrt(s) + epsilon)
        return -own_rate * g, own_rate, (s,)


@register(OPTIMIZERS, "adadelta")
@dataclass(frozen=True)
class Adadelta(Optimizer):
    r"""Adadelta: :math:`\Delta = \nabla \sqrt{u + \epsilon} / \sqrt{v + \epsilon}`,
    :math:`w \leftarrow w - \eta \Delta`, with :math:`v` and :math:`u` the running means, of decay :math:`\rho`,
    of :math:`\nabla^2` and :math:`\Delta^2`.

    The steps have the unit of the weights: the method was published without a rate, :math:`\eta = 1`. Zeiler:
    "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701, 2012, algorithm 1.

    Parameters
    ----------
    rho : float, default=0.9
        Decay of both means, in [0, 1).
    epsilon : float, default=1e-6
        Added to both means; what the first steps are made of.
    """

    rho: float = number(0.9, 0.0, 1.0, closed="left")
    epsilon: float = number(1e-6, 0.0, closed="neither")
    n_states = 2

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        rho, epsilon = parameters[0], parameters[1]
        return rate, rho, 1.0 - rho, epsilon, 0.0, 0.0, 0.0, 0.0

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        rate, rho, rest, epsilon, _, _, _, _ = numbers
        v = rho * states[0] + rest * g * g
        own_rate = math.sqrt(states[1] + epsilon) / math.sqrt(v + epsilon)
        delta = own_rate * g
        u = rho * states[1] + rest * delta * delta
        return -rate * delta, rate * own_rate, (v, u)


@register(OPTIMIZERS, "rmsprop")
@dataclass(frozen=True)
class RMSProp(Optimizer):
    r"""RMSProp: :math:`w \leftarrow w - \eta \nabla / (\sqrt{v} + \epsilon)`, with :math:`v` the running mean of
    :math:`\nabla^2`.

    Centred, v is the variance, the running mean of :math:`\nabla^2` less :math:`m^2`, with :math:`m` that of
    :math:`\nabla`. The difference would cancel; it is :math:`v \leftarrow \rho (v + (1 - \rho) (\nabla - m)^2)`.
    With momentum, :math:`b \leftarrow \beta b + \nabla / (\sqrt{v} + \epsilon)` and
    :math:`w \leftarrow w - \eta b`. The states are v, then m if centred, then b if it is centred or has momentum.

    Tieleman, Hinton: "Neural Networks for Machine Learning", lecture 6.5, 2012. Centred: Graves: "Generating
    Sequences With Recurrent Neural Networks", arXiv:1308.0850, 2013, section 4.2.

    Parameters
    ----------
    rho : float, default=0.9
        Decay of the means, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root. Centred, it bounds the steps where gradients hardly vary: take a larger one, such as 1e-3.
    momentum : float, default=0.0
        :math:`\beta` in [0, 1).
    centred : bool, default=False
        Whether to divide by the standard deviation.
    """

    rho: float = number(0.9, 0.0, 1.0, closed="left")
    epsilon: float = number(1e-8, 0.0, closed="neither")
    momentum: float = number(0.0, 0.0, 1.0, closed="left")
    centred: bool = flag(False)

    @property
    def n_states(self) -> int:  # type: ignore[override]
        """1, 2 or 3: the plain rule shall not move memory that it does not need."""
        return 3 if self.centred else 2 if self.momentum else 1

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        rho, epsilon, momentum = parameters[0], parameters[1], parameters[2]
        return rate, rho, 1.0 - rho, epsilon, momentum, rate / (1.0 - momentum), 0.0, 0.0

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        rate, rho, rest, epsilon, momentum, shrink, _, _ = numbers
        # Each number of states is compiled alone: only its own branches are left.
        if len(states) == 3:
            distance = g - states[1]
            v = rho * (states[0] + rest * distance * distance)
            m = rho * states[1] + rest * g
            own_rate = 1.0 / (math.sqrt(v) + epsilon)
            b = momentum * states[2] + own_rate * g
            return -rate * b, shrink * own_rate, (v, m, b)
        v = rho * states[0] + rest * g * g
        own_rate = 1.0 / (math.sqrt(v) + epsilon)
        if len(states) == 2:
            b = momentum * states[1] + own_rate * g
            return -rate * b, shrink * own_rate, (v, b)
        return -rate * own_rate * g, rate * own_rate, (v,)
