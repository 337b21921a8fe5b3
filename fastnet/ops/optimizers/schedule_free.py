"""Averages of the iterates in place of a schedule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..registry import number, register
from .base import OPTIMIZERS, Optimizer


@register(OPTIMIZERS, "schedule_free_adamw")
@dataclass(frozen=True)
class ScheduleFreeAdamW(Optimizer):
    r"""Schedule-free AdamW: the gradient is taken at :math:`y = (1 - \beta) z + \beta x`;
    :math:`z \leftarrow z - \eta (\nabla / (\sqrt{\hat v} + \epsilon) + \lambda y)` and
    :math:`x \leftarrow (1 - c) x + c z`, with :math:`c = \eta_t^2 / \sum_{i \le t} \eta_i^2`.

    Training moves y, ``loss_curve_`` is its loss; x, the average of all z, is what validates, predicts and stands in
    ``coefs_``. A constant rate, with a warm-up, then does what a schedule would; a larger rate than Adam's pays, and
    so does ``n_iter_no_change`` of more epochs. Biases do not decay. States: z, v, the sum of squared
    rates, and x, which could be found from y and z only by dividing by :math:`\beta` what cancels.

    Defazio, Yang, Mehta, Mishchenko, Khaled, Cutkosky: "The Road Less Scheduled", NeurIPS 2024, algorithm 1.

    Parameters
    ----------
    beta_1 : float, default=0.9
        :math:`\beta` in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of v, the mean of the squared gradient, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root.
    weight_decay : float, default=0.0
        :math:`\lambda`, at least 0.
    """

    beta_1: float = number(0.9, 0.0, 1.0, closed="left")
    beta_2: float = number(0.999, 0.0, 1.0, closed="left")
    epsilon: float = number(1e-8, 0.0, closed="neither")
    weight_decay: float = number(0.0, 0.0)
    n_states = 4
    takes_l1 = False  # the threshold would have to be z's, what is updated is y

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        beta_1, beta_2, epsilon, decay = parameters[0], parameters[1], parameters[2], parameters[3]
        root = math.sqrt(-math.expm1(step * math.log(beta_2)) if beta_2 > 0.0 else 1.0)
        return rate * root, beta_1, beta_2, 1.0 - beta_2, epsilon * root, rate * rate, 1.0 - beta_1, rate * decay

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        rate, beta_1, beta_2, rest_2, epsilon, square, rest_1, decay = numbers
        z, x = (states[0], states[3]) if states[2] > 0.0 else (w, w)  # a weight's first step
        v = beta_2 * states[1] + rest_2 * g * g
        total = states[2] + square
        c = square / total if total > 0.0 else 1.0
        step = rate * g / (math.sqrt(v) + epsilon) + decay * w
        z = z - step
        x = x + c * (z - x)
        return rest_1 * z + beta_1 * x - w, 0.0, (z, v, total, x)

    def evaluated(self, w: np.ndarray, states: Sequence[np.ndarray]) -> np.ndarray:
        """The average x; where there was no step yet, the weights."""
        return np.where(states[2] > 0.0, states[3], w)

    def trained(self, w: np.ndarray, states: Sequence[np.ndarray]) -> np.ndarray:
        """The point y, from x and z."""
        return np.where(states[2] > 0.0, self.beta_1 * w + (1.0 - self.beta_1) * states[0], w)
