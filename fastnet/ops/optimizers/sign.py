"""Steps that see only the sign of what they follow. No L1: their length does not know the penalty's share."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..registry import number, register
from .base import OPTIMIZERS, Optimizer


@register(OPTIMIZERS, "lion")
@dataclass(frozen=True)
class Lion(Optimizer):
    r"""Lion: :math:`w \leftarrow w - \eta (\operatorname{sign}(\beta_1 m + (1 - \beta_1) \nabla) + \lambda w)`, then
    :math:`m \leftarrow \beta_2 m + (1 - \beta_2) \nabla`.

    Every weight moves by the whole rate: take a tenth to a third of Adam's, and 3 to 10 times AdamW's decay.
    Biases do not decay. Chen, Liang, Huang et al.: "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023,
    algorithm 2.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.99
        Share of the mean in what gives the sign, and decay rate of the mean, in [0, 1).
    weight_decay : float, default=0.0
        :math:`\lambda`, at least 0.
    """

    beta_1: float = number(0.9, 0.0, 1.0, closed="left")
    beta_2: float = number(0.99, 0.0, 1.0, closed="left")
    weight_decay: float = number(0.0, 0.0)
    n_states = 1
    takes_l1 = False

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        beta_1, beta_2, decay = parameters[0], parameters[1], parameters[2]
        return rate, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, 0.0, 0.0, rate * decay

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        rate, beta_1, rest_1, beta_2, rest_2, _, _, decay = numbers
        c = beta_1 * states[0] + rest_1 * g
        sign = 1.0 if c > 0.0 else -1.0 if c < 0.0 else c  # 0 and NaN stay
        m = beta_2 * states[0] + rest_2 * g
        return -rate * sign - decay * w, 0.0, (m,)


@register(OPTIMIZERS, "rprop")
@dataclass(frozen=True)
class Rprop(Optimizer):
    r"""Resilient backpropagation: each weight has a step of its own, which grows while its gradient keeps its sign
    and shrinks when the sign changes; only the sign gives the direction.

    For full batches: the sign of a mini-batch's gradient changes by chance. ``learning_rate_init`` is the first
    step of all weights; schedules do not apply. States: the last sign, the step.

    After a change of sign the weight rests for one iteration: the form iRprop− of Igel, Hüsken: "Improving the
    Rprop Learning Algorithm", NC 2000. Riedmiller, Braun: "A direct adaptive method for faster backpropagation
    learning: the RPROP algorithm", ICNN 1993.

    Parameters
    ----------
    shrink, grow : float, default=0.5, 1.2
        Factors of the step, in (0, 1) and above 1.
    smallest, largest : float, default=1e-6, 50.0
        Bounds of the step.
    """

    shrink: float = number(0.5, 0.0, 1.0, closed="neither")
    grow: float = number(1.2, 1.0, closed="neither")
    smallest: float = number(1e-6, 0.0, closed="neither")
    largest: float = number(50.0, 0.0, closed="neither")
    n_states = 2
    has_schedule = False
    full_batch = True
    takes_l1 = False

    def __post_init__(self):
        super().__post_init__()
        if self.smallest > self.largest:
            raise ValueError(
                f"Rprop needs smallest <= largest, got smallest={self.smallest} and largest={self.largest}."
            )

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        shrink, grow, smallest, largest = parameters[0], parameters[1], parameters[2], parameters[3]
        return shrink, grow, smallest, largest, rate, 0.0, 0.0, 0.0

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        shrink, grow, smallest, largest, first, _, _, _ = numbers
        sign = 1.0 if g > 0.0 else -1.0 if g < 0.0 else g  # 0 and NaN stay
        size = states[1] if states[1] > 0.0 else first  # a weight's first step
        turned = sign * states[0]
        size = size * (grow if turned > 0.0 else shrink if turned < 0.0 else 1.0)
        size = smallest if size < smallest else largest if size > largest else size
        sign = 0.0 if turned < 0.0 else sign
        return -size * sign, 0.0, (sign, size)
