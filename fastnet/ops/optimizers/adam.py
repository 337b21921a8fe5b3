r"""Adam and its relatives.

Corrections :math:`1 - \beta^t` are :math:`-(e^{t \log \beta} - 1)`, which keeps its digits for :math:`\beta` near 1.
All but ``Adam`` add :math:`\epsilon` to the root of the corrected mean :math:`v / (1 - \beta_2^t)`, as algorithm 1
of Adam's paper; ``Adam`` follows scikit-learn and the end of section 2, where the corrections are in the rate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..registry import number, register
from .base import OPTIMIZERS, Optimizer


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
    parameter_names = {"beta_1": "beta_1", "beta_2": "beta_2", "epsilon": "epsilon"}

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        beta_1, beta_2, epsilon = parameters[0], parameters[1], parameters[2]
        of_mean = -math.expm1(step * math.log(beta_1)) if beta_1 > 0.0 else 1.0
        of_square = -math.expm1(step * math.log(beta_2)) if beta_2 > 0.0 else 1.0
        rate = rate * math.sqrt(of_square) / of_mean
        return rate, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, epsilon, 0.0, 0.0

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        rate, beta_1, rest_1, beta_2, rest_2, epsilon, _, _ = numbers
        m = beta_1 * states[0] + rest_1 * g
        v = beta_2 * states[1] + rest_2 * g * g
        own_rate = rate / (math.sqrt(v) + epsilon)
        return -own_rate * m, own_rate, (m, v)


@register(OPTIMIZERS, "adamw")
@dataclass(frozen=True)
class AdamW(Optimizer):
    r"""Adam with decoupled weight decay:
    :math:`w \leftarrow w - \eta \hat m / (\sqrt{\hat v} + \epsilon) - \eta \lambda w`.

    The decay shrinks all weights by the same share, where the gradient of an L2 penalty is divided by
    :math:`\sqrt{\hat v}`. Biases do not decay. The estimators' ``alpha`` remains that L2 penalty: ``alpha=0``
    leaves the decay alone. Loshchilov, Hutter: "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2,
    with :math:`\eta \lambda` for the decay.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the means of the gradient and of its square, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root.
    weight_decay : float, default=0.01
        :math:`\lambda`, at least 0.
    """

    beta_1: float = number(0.9, 0.0, 1.0, closed="left")
    beta_2: float = number(0.999, 0.0, 1.0, closed="left")
    epsilon: float = number(1e-8, 0.0, closed="neither")
    weight_decay: float = number(0.01, 0.0)
    n_states = 2

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        beta_1, beta_2, epsilon, decay = parameters[0], parameters[1], parameters[2], parameters[3]
        of_mean = -math.expm1(step * math.log(beta_1)) if beta_1 > 0.0 else 1.0
        of_square = -math.expm1(step * math.log(beta_2)) if beta_2 > 0.0 else 1.0
        root = math.sqrt(of_square)
        own = rate * root / of_mean
        return own, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, epsilon * root, 0.0, rate * decay

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        rate, beta_1, rest_1, beta_2, rest_2, epsilon, _, decay = numbers
        m = beta_1 * states[0] + rest_1 * g
        v = beta_2 * states[1] + rest_2 * g * g
        own_rate = rate / (math.sqrt(v) + epsilon)
        return -own_rate * m - decay * w, own_rate, (m, v)


@register(OPTIMIZERS, "amsgrad")
@dataclass(frozen=True)
class AMSGrad(Optimizer):
    r"""AMSGrad: Adam with the largest :math:`v` so far, :math:`\tilde v \leftarrow \max(\tilde v, v)`, under the root.

    No weight's rate grows again. Reddi, Kale, Kumar: "On the Convergence of Adam and Beyond", ICLR 2018,
    algorithm 2, with Adam's corrections.

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
    n_states = 3

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        beta_1, beta_2, epsilon = parameters[0], parameters[1], parameters[2]
        of_mean = -math.expm1(step * math.log(beta_1)) if beta_1 > 0.0 else 1.0
        of_square = -math.expm1(step * math.log(beta_2)) if beta_2 > 0.0 else 1.0
        root = math.sqrt(of_square)
        rate = rate * root / of_mean
        return rate, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, epsilon * root, 0.0, 0.0

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        rate, beta_1, rest_1, beta_2, rest_2, epsilon, _, _ = numbers
        m = beta_1 * states[0] + rest_1 * g
        v = beta_2 * states[1] + rest_2 * g * g
        largest = states[2] if states[2] > v else v
        own_rate = rate / (math.sqrt(largest) + epsilon)
        return -own_rate * m, own_rate, (m, v, largest)


@register(OPTIMIZERS, "adamax")
@dataclass(frozen=True)
class AdaMax(Optimizer):
    r"""AdaMax: :math:`u \leftarrow \max(\beta_2 u, |\nabla| + \epsilon)`,
    :math:`w \leftarrow w - \eta\, m / ((1 - \beta_1^t)\, u)`.

    Adam with the largest gradient of late for the root of the mean square. Kingma, Ba: "Adam: A Method for
    Stochastic Optimization", ICLR 2015, algorithm 2, where :math:`\epsilon = 0`.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the mean of the gradient and of the maximum, in [0, 1).
    epsilon : float, default=1e-8
        Keeps the first gradients from being 0.
    """

    beta_1: float = number(0.9, 0.0, 1.0, closed="left")
    beta_2: float = number(0.999, 0.0, 1.0, closed="left")
    epsilon: float = number(1e-8, 0.0, closed="neither")
    n_states = 2

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        beta_1, beta_2, epsilon = parameters[0], parameters[1], parameters[2]
        of_mean = -math.expm1(step * math.log(beta_1)) if beta_1 > 0.0 else 1.0
        return rate / of_mean, beta_1, 1.0 - beta_1, beta_2, epsilon, 0.0, 0.0, 0.0

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        rate, beta_1, rest_1, beta_2, epsilon, _, _, _ = numbers
        m = beta_1 * states[0] + rest_1 * g
        old, new = beta_2 * states[1], abs(g) + epsilon
        u = old if old > new else new
        own_rate = rate / u
        return -own_rate * m, own_rate, (m, u)


@register(OPTIMIZERS, "nadam")
@dataclass(frozen=True)
class NAdam(Optimizer):
    r"""Adam with Nesterov's momentum: :math:`\hat m` is
    :math:`\mu_{t+1} m / (1 - \prod_{i \le t+1} \mu_i) + (1 - \mu_t) \nabla / (1 - \prod_{i \le t} \mu_i)`, with
    :math:`\mu_t = \beta_1 (1 - 0.96^{t \psi} / 2)`.

    Dozat: "Incorporating Nesterov Momentum into Adam", ICLR 2016 workshop; the schedule of :math:`\mu` is that of
    Sutskever et al. (ICML 2013).

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the means of the gradient and of its square, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root.
    momentum_decay : float, default=0.004
        :math:`\psi`, at least 0: how fast :math:`\mu` rises from :math:`\beta_1 / 2` to :math:`\beta_1`.
    """

    beta_1: float = number(0.9, 0.0, 1.0, closed="left")
    beta_2: float = number(0.999, 0.0, 1.0, closed="left")
    epsilon: float = number(1e-8, 0.0, closed="neither")
    momentum_decay: float = number(0.004, 0.0)
    n_states = 2

    @staticmethod
    def prepare(step: float, rate: float, parameters: Sequence[float]) -> Sequence[float]:
        beta_1, beta_2, epsilon, psi = parameters[0], parameters[1], parameters[2], parameters[3]
        half_now, half_ahead = 0.5 * 0.96 ** (step * psi), 0.5 * 0.96 ** ((step + 1.0) * psi)
        ahead = beta_1 * (1.0 - half_ahead)
        # The log of prod_i mu_i = beta_1^step prod_i (1 - q^i / 2), without a loop over the steps: the series of the
        # logarithms in powers of 1/2 has geometric sums over i.
        log_product = step * math.log(beta_1) if beta_1 > 0.0 else -math.inf
        if log_product > -46.0:  # below that the product cannot be told from 0 beside 1
            log_q = psi * math.log(0.96)
            total, share = 0.0, 1.0
            for k in range(1, 55):
                share *= 0.5
                sum_over_steps = step
                if psi > 1e-30:  # else q^i is 1 to the last bit
                    sum_over_steps = math.exp(k * log_q) * math.expm1(step * k * log_q) / math.expm1(k * log_q)
                total += share / k * sum_over_steps
            log_product -= total
        of_gradient, of_mean = 1.0, 1.0
        if log_product > -46.0:
            of_gradient = -math.expm1(log_product)
            of_mean = -math.expm1(log_product + math.log(beta_1) + math.log1p(-half_ahead))
        of_square = -math.expm1(step * math.log(beta_2)) if beta_2 > 0.0 else 1.0
        root = math.sqrt(of_square)
        of_gradient = rate * root * ((1.0 - beta_1) + beta_1 * half_now) / of_gradient
        of_mean = rate * root * ahead / of_mean
        return of_gradient, of_mean, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, epsilon * root, 0.0

    @staticmethod
    def update(w: float, g: float, states: Sequence[float], numbers: Sequence[float]) -> tuple:
        of_gradient, of_mean, beta_1, rest_1, beta_2, rest_2, epsilon, _ = numbers
        m = beta_1 * states[0] + rest_1 * g
        v = beta_2 * states[1] + rest_2 * g * g
        inverse = 1.0 / (math.sqrt(v) + epsilon)
        change = -inverse * (of_gradient * g + of_mean * m)
        return change, inverse * (of_gradient + of_mean), (m, v)
