r"""Losses of numbers that predict more of a target than one number: several raw outputs each, side by side.

``target(z, y, delta, parameters, numbers)`` has the raw outputs of one target, writes their gradient to ``delta`` and
returns the loss; ``link(z, parameters, numbers)`` makes predictions of them in place. ``numbers`` is the ``table``
without its first entry, the number of outputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels.functions import exp, log, log1p, sigmoid, softplus
from ..registry import increasing, number, register
from .base import LOSSES, Loss


@dataclass(frozen=True)
class _SeveralOutputs(Loss):
    """A loss with several raw outputs for each target."""

    formulas = ("target", "link")

    @property
    def kernel(self) -> str:
        return "target"

    @property
    def takes_scaled_targets(self) -> bool:
        return True


@register(LOSSES, "quantiles")
@dataclass(frozen=True)
class Quantiles(_SeveralOutputs):
    r"""Mean pinball loss of several quantiles, :math:`\frac1n \sum_k \max(q_k (y - p_k), (1 - q_k)(p_k - y))`.

    The predictions never cross: the raw output of the middle quantile is its prediction, and each of the others adds a
    positive step to it, upwards :math:`p_k = p_{k-1} + \log(1 + e^{z_k})` and downwards
    :math:`p_k = p_{k+1} - \log(1 + e^{z_k})`. Increments are the form of Park, Maddix, Aubet, Kan, Gasthaus, Wang:
    "Learning Quantile Functions without Quantile Crossing for Distribution-free Time Series Forecasting", AISTATS 2022.
    They begin in the middle, since there are most samples to learn it from, and no error of a tail moves all of the
    others. Koenker, Bassett: "Regression Quantiles", Econometrica 46, 1978, has the pinball loss.

    Parameters
    ----------
    quantiles : tuple of float, default=(0.05, 0.5, 0.95)
        The quantiles :math:`q_k`, in (0, 1), from the smallest to the largest.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.losses import Quantiles
    >>> MLPRegressor(loss=Quantiles((0.1, 0.9))).set_params(loss__quantiles=(0.25, 0.75)).loss
    Quantiles(quantiles=(0.25, 0.75))
    """

    quantiles: tuple[float, ...] = increasing((0.05, 0.5, 0.95), 0.0, 1.0, closed="neither")  # type: ignore[misc]
    out_activation = "quantiles"

    @property
    def outputs_per_target(self) -> int:  # type: ignore[override]
        return len(self.quantiles)

    @property
    def values(self) -> tuple[float, ...]:
        return ()

    @property
    def table(self) -> tuple[float, ...]:  # type: ignore[override]
        return len(self.quantiles), *self.quantiles

    @staticmethod
    def target(
        z: np.ndarray, y: float, delta: np.ndarray, parameters: Sequence[float], numbers: np.ndarray
    ) -> float:
        n, middle, value = len(z), (len(z) - 1) // 2, 0.0
        delta[middle] = z[middle]  # at first the predictions
        for k in range(middle + 1, n):
            delta[k] = delta[k - 1] + softplus(z[k])
        for k in range(middle - 1, -1, -1):
            delta[k] = delta[k + 1] - softplus(z[k])
        share = 1.0 / z.dtype.type(n)
        for k in range(n):
            r, q = delta[k] - y, numbers[k]
            value += -q * r if r < 0.0 else (1.0 - q) * r
            delta[k] = share * (-q if r < 0.0 else (1.0 - q if r > 0.0 else r))
        # A step moves its own quantile and all beyond it.
        for k in range(n - 1, middle, -1):
            delta[k - 1] += delta[k]
            delta[k] *= sigmoid(z[k])
        for k in range(middle):
            delta[k + 1] += delta[k]
            delta[k] *= -sigmoid(z[k])
        return share * value

    @staticmethod
    def link(z: np.ndarray, parameters: Sequence[float], numbers: np.ndarray) -> None:
        n, middle = len(z), (len(z) - 1) // 2
        for k in range(middle + 1, n):
            z[k] = z[k - 1] + softplus(z[k])
        for k in range(middle - 1, -1, -1):
            z[k] = z[k + 1] - softplus(z[k])


@register(LOSSES, "gaussian_nll")
@dataclass(frozen=True)
class GaussianNLL(_SeveralOutputs):
    r"""Negative log-likelihood of a normal distribution, :math:`(\log v + (y - m)^2 / v) / 2`, without its constant.

    Each target has two raw outputs, the mean m and the logarithm s of a variance: :math:`v = v_0 + e^s`. So the
    variance cannot collapse to 0 where the network fits a target exactly, of which the loss would be
    :math:`-\infty`; and nothing overflows, since only :math:`\log v` and :math:`e^{-\log(v) / 2} \le v_0^{-1/2}` are
    computed. Nix, Weigend: "Estimating the Mean and Variance of the Target Probability Distribution", ICNN 1994; the
    bound below is that of Lakshminarayanan, Pritzel, Blundell: "Simple and Scalable Predictive Uncertainty Estimation
    Using Deep Ensembles", NeurIPS 2017.

    Parameters
    ----------
    min_variance : float, default=1e-6
        The least variance :math:`v_0` there is, above 0, in the target's unit squared; of scaled targets with
        ``target_scaling``.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.losses import GaussianNLL
    >>> MLPRegressor(loss=GaussianNLL()).set_params(loss__min_variance=1e-4).loss
    GaussianNLL(min_variance=0.0001)
    """

    min_variance: float = number(1e-6, 0.0, closed="neither")
    out_activation = "mean_and_std"
    outputs_per_target = 2
    has_std = True
    table = (2,)

    @staticmethod
    def target(
        z: np.ndarray, y: float, delta: np.ndarray, parameters: Sequence[float], numbers: np.ndarray
    ) -> float:
        least = log(parameters[0])
        above = z[1] - least
        log_variance = (least if above < 0.0 else z[1]) + log1p(exp(-abs(above)))
        inverse = exp(-0.5 * log_variance)
        r = (z[0] - y) * inverse
        delta[0] = r * inverse
        delta[1] = 0.5 * sigmoid(above) * (1.0 - r * r)
        return 0.5 * (log_variance + r * r)

    @staticmethod
    def link(z: np.ndarray, parameters: Sequence[float], numbers: np.ndarray) -> None:
        least = log(parameters[0])
        above = z[1] - least
        z[1] = exp(0.5 * ((least if above < 0.0 else z[1]) + log1p(exp(-abs(above)))))
