r"""Per-parameter optimizer updates: one entry each.

``prepare(step, rate, parameters)`` turns the step count (from 1), the learning rate and the op's values into up to
eight numbers, once a mini-batch, in float64. ``update(w, g, states, numbers)`` then moves one weight: it
returns the change of ``w``, the threshold per unit of L1 penalty (the weight's own step at a stationary point,
so that the soft-thresholded fixed point is the penalised minimum), and the new states. Update rules are
scikit-learn's.
"""

import math
from dataclasses import dataclass

from .registry import Op, flag, number, register

OPTIMIZERS = {}


@dataclass(frozen=True)
class Optimizer(Op):
    """An optimizer; subclasses give ``prepare``, ``update`` and the number of state arrays (at most four).

    Attributes
    ----------
    n_states : int
        State arrays, each as large as the weights.
    has_schedule : bool
        Whether a schedule's *name* applies to this optimizer's name; else the rate is constant, as scikit-learn
        has it. Objects combine freely.
    parameter_names : dict
        The fields that the optimizer's name takes from the estimator, and their names there.
    """

    n_states = 0
    has_schedule = True
    parameter_names = {}
    formulas = ("prepare", "update")

    @classmethod
    def of(cls, estimator):
        return cls(**{field: getattr(estimator, name) for field, name in cls.parameter_names.items()})


@register(OPTIMIZERS, "sgd")
@dataclass(frozen=True)
class SGD(Optimizer):
    r"""Gradient descent with momentum, :math:`v \leftarrow \beta v - \eta \nabla`, :math:`w \leftarrow w + v`.

    With Nesterov's correction the step is :math:`\beta v - \eta \nabla` after the velocity's update
    (Sutskever, Martens, Dahl, Hinton: "On the importance of initialization and momentum", ICML 2013).

    Parameters
    ----------
    momentum : float, default=0.9
        :math:`\beta` in [0, 1].
    nesterov : bool, default=True
        Whether to use Nesterov's momentum.
    """

    momentum: float = number(0.9, 0.0, 1.0)
    nesterov: bool = flag(True)
    n_states = 1
    parameter_names = {"momentum": "momentum", "nesterov": "nesterovs_momentum"}

    @staticmethod
    def prepare(step, rate, parameters):
        momentum, nesterov = parameters[0], parameters[1]
        # A velocity in balance has grown to 1 / (1 - momentum) gradients.
        threshold = rate / (1.0 - momentum) if momentum < 1.0 else 0.0
        return rate, momentum, momentum if nesterov else 1.0, rate if nesterov else 0.0, threshold, 0.0, 0.0, 0.0

    @staticmethod
    def update(w, g, states, numbers):
        velocity = numbers[1] * states[0] - numbers[0] * g
        return numbers[2] * velocity - numbers[3] * g, numbers[4], (velocity,)


@register(OPTIMIZERS, "adam")
@dataclass(frozen=True)
class Adam(Optimizer):
    r"""Adam: :math:`w \leftarrow w - \eta_t\, m / (\sqrt{v} + \epsilon)`,
    :math:`\eta_t = \eta \sqrt{1 - \beta_2^t} / (1 - \beta_1^t)`.

    Kingma, Ba: "Adam: A Method for Stochastic Optimization", ICLR 2015, end of section 2.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the means of the gradient and of its square, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root.
    """

    beta_1: float = number(0.9, 0.0, 1.0, closed="left")
    beta_2: float = number(0.999, 0.0, 1.0, closed="left")
    epsilon: float = number(1e-8, 0.0, closed="neither")
    n_states = 2
    has_schedule = False
    parameter_names = {"beta_1": "beta_1", "beta_2": "beta_2", "epsilon": "epsilon"}

    @staticmethod
    def prepare(step, rate, parameters):
        beta_1, beta_2, epsilon = parameters[0], parameters[1], parameters[2]
        rate = rate * math.sqrt(1.0 - beta_2**step) / (1.0 - beta_1**step)
        return rate, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, epsilon, 0.0, 0.0

    @staticmethod
    def update(w, g, states, numbers):
        m = numbers[1] * states[0] + numbers[2] * g
        v = numbers[3] * states[1] + numbers[4] * g * g
        own_rate = numbers[0] / (math.sqrt(v) + numbers[5])
        return -own_rate * m, own_rate, (m, v)

