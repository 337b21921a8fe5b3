r"""Losses of numbers: one entry each. A prediction is the inverse link of the raw output z; r stands for z - y.

Losses with log link predict :math:`e^z`, so that every prediction is positive. They exceed the largest number where
their value does, and only there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels.functions import exp, expm1, log, log1p
from ...kernels.functions import tanh as vector_tanh
from ..registry import number, register
from .base import LOSSES, Loss


@dataclass(frozen=True)
class _IdentityLink(Loss):
    """A loss whose raw output is the prediction."""

    @staticmethod
    def link(z: float, parameters: Sequence[float]) -> float:
        return z


@dataclass(frozen=True)
class _LogLink(Loss):
    """A loss whose prediction is the exponential of the raw output."""

    out_activation = "exp"

    @staticmethod
    def link(z: float, parameters: Sequence[float]) -> float:
        return exp(z)


@dataclass(frozen=True)
class _Deviance(_LogLink):
    r"""Half the Tweedie deviance of ``power`` p from 1 to 2, its limits included.

    With :math:`u = \log y - z`, :math:`b = 2 - p` and :math:`c = p - 1`, it is both
    :math:`e^{b z} (e^{b u} - b e^u - c) / (-b c)` and that with b and c swapped, -u for u and :math:`y e^{-c z}` for
    :math:`e^{b z}`. What is written here, for the smaller one of b and c, adds nothing up that cancels.
    """

    power = 1.5

    @property
    def values(self) -> tuple[float, ...]:
        return (float(self.power),)

    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        b, c = 2.0 - parameters[0], parameters[0] - 1.0
        log_y = log(y)
        u, of_prediction, e = log_y - z, exp(b * z), exp(-c * z)
        of_target = y * e if e < 1e38 else exp(log_y - c * z)
        if b <= c:
            small, large, x, near, far = b, c, u, of_prediction, of_target
        else:
            small, large, x, near, far = c, b, -u, of_target, of_prediction
        if x > 1.0:
            most = x if x < 87.0 else 87.0  # beyond, the product is 0 beside 1
            share = expm1(small * most) / small if small > 0.0 else most
            return far * (-expm1(-x) - exp(-most) * share) / large
        if x < -1.0:
            return near * (expm1(x) - (expm1(small * x) / small if small > 0.0 else x)) / large
        k, term, power = 2.0, 0.5 * x * x, small
        total = term * (1.0 - power)
        for _ in range(18):  # the power series: its terms are below the last bit from there on
            k += 1.0
            term *= x / k
            power *= small
            total += term * (1.0 - power)
        return near * total / large


@register(LOSSES, "squared_error")
@dataclass(frozen=True)
class SquaredError(_IdentityLink):
    r"""Half the squared error, :math:`r^2 / 2`; estimates the mean.

    For several outputs the reported loss is the mean over them, as in scikit-learn.

    Examples
    --------
    >>> from fastnet.losses import SquaredError
    >>> SquaredError.value(3.0, 1.0, ())  # of the raw output 3 for the target 1
    2.0
    """

    mean_over_outputs = True

    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        return 0.5 * (z - y) * (z - y)

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        return z - y


@register(LOSSES, "absolute_error")
@dataclass(frozen=True)
class AbsoluteError(_IdentityLink):
    r"""Absolute error, :math:`|r|`, with gradient 0 at :math:`r = 0`; estimates the median, so outliers hardly pull.

    Where a few targets are wrong or far away. Hastie, Tibshirani, Friedman: "The Elements of Statistical Learning", 2nd
    edition, 2009, section 10.6.

    Examples
    --------
    >>> from fastnet.losses import AbsoluteError
    >>> AbsoluteError.value(3.0, 1.0, ())  # of the raw output 3 for the target 1
    2.0
    """

    quantile = 0.5

    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        return abs(z - y)

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        r = z - y
        return 1.0 if r > 0.0 else (-1.0 if r < 0.0 else r)


@register(LOSSES, "huber")
@dataclass(frozen=True)
class Huber(_IdentityLink):
    r"""Huber's loss: :math:`r^2 / 2` up to :math:`|r| = \delta`, :math:`\delta (|r| - \delta / 2)` beyond.

    Between the mean and the median: an outlier pulls no harder than an error of :math:`\delta`. Huber: "Robust
    Estimation of a Location Parameter", Annals of Mathematical Statistics 35, 1964.

    Parameters
    ----------
    delta : float, default=1.0
        Where the parabola becomes a line, in units of y; above 0.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.losses import Huber
    >>> MLPRegressor(loss=Huber(delta=1.5)).set_params(loss__delta=2.0).loss
    Huber(delta=2.0)
    """

    delta: float = number(1.0, 0.0, closed="neither")

    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        a, delta = abs(z - y), parameters[0]
        return delta * (a - 0.5 * delta) if a > delta else 0.5 * a * a

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        r, delta = z - y, parameters[0]
        return delta if r > delta else (-delta if r < -delta else r)


@register(LOSSES, "quantile")
@dataclass(frozen=True)
class Quantile(_IdentityLink):
    r"""Pinball loss, :math:`-q r` for :math:`r < 0` and :math:`(1 - q) r` for :math:`r > 0`; estimates the q-quantile.

    Two nets, say of 0.05 and 0.95, make a prediction interval. Koenker, Bassett: "Regression Quantiles", Econometrica
    46, 1978.

    Parameters
    ----------
    quantile : float, default=0.5
        The quantile q, in (0, 1).

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.losses import Quantile
    >>> MLPRegressor(loss=Quantile(0.9)).set_params(loss__quantile=0.1).loss
    Quantile(quantile=0.1)
    """

    quantile: float = number(0.5, 0.0, 1.0, closed="neither")  # type: ignore[misc]

    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        r, q = z - y, parameters[0]
        return -q * r if r < 0.0 else (1.0 - q) * r

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        r, q = z - y, parameters[0]
        return -q if r < 0.0 else (1.0 - q if r > 0.0 else r)


@register(LOSSES, "log_cosh")
@dataclass(frozen=True)
class LogCosh(_IdentityLink):
    r"""Log-cosh, :math:`\log \cosh r`, about :math:`r^2 / 2` near 0 and :math:`|r| - \log 2` far from it.

    Like Huber's loss, but smooth, with gradient :math:`\tanh r`. Far out it is computed as
    :math:`|r| + \log(1 + e^{-2 |r|}) - \log 2`, near 0, where that cancels, as :math:`-\log(1 - \tanh^2 r) / 2`.

    Examples
    --------
    >>> from fastnet.losses import LogCosh
    >>> round(float(LogCosh.value(3.0, 1.0, ())), 4)  # of the raw output 3 for the target 1
    1.325
    """

    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        a = abs(z - y)
        t = vector_tanh(a)
        near = -0.5 * log1p(-t * t)
        far = a + log1p(exp(-2.0 * a)) - 0.6931471805599453
        return near if a < 1.0 else far

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        return vector_tanh(z - y)


@register(LOSSES, "poisson")
@dataclass(frozen=True)
class Poisson(_Deviance):
    r"""Half the Poisson deviance with log link, :math:`y \log y - y z - y + e^z`, for counts :math:`y \ge 0`.

    Where the variance is as large as the mean. McCullagh, Nelder: "Generalized Linear Models", 2nd edition, 1989,
    chapter 6.

    Examples
    --------
    >>> from fastnet.losses import Poisson
    >>> round(float(Poisson.value(0.0, 2.0, (1.0,))), 4)  # of the prediction 1 for the target 2: 2 log 2 - 1
    0.3863
    """

    power = 1.0

    def check_targets(self, y: np.ndarray) -> None:
        if (y < 0).any():
            raise ValueError("loss='poisson' needs y >= 0, got negative values: choose loss='squared_error'.")

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        return exp(z) - y


@register(LOSSES, "gamma")
@dataclass(frozen=True)
class Gamma(_Deviance):
    r"""Half the gamma deviance with log link, :math:`e^u - u - 1` with :math:`u = \log y - z`, for :math:`y > 0`.

    For amounts and durations whose spread grows with their mean: only the ratio of target and prediction counts.

    Examples
    --------
    >>> from fastnet.losses import Gamma
    >>> round(float(Gamma.value(0.0, 2.0, (2.0,))), 4)  # of the prediction 1 for the target 2: 1 - log 2
    0.3069
    """

    power = 2.0

    def check_targets(self, y: np.ndarray) -> None:
        if (y <= 0).any():
            raise ValueError(
                "loss='gamma' needs y > 0, got values that are 0 or below: choose loss='tweedie' for y >= 0, else "
                "loss='squared_error'."
            )

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        e = exp(-z)
        return 1.0 - (y * e if e < 1e38 else exp(log(y) - z))


@register(LOSSES, "tweedie")
@dataclass(frozen=True)
class Tweedie(_Deviance):
    r"""Half the Tweedie deviance with log link, for :math:`y \ge 0` with many exact zeros, such as claims or rainfall.

    .. math:: \frac{y^{2-p}}{(1-p)(2-p)} - \frac{y\, e^{(1-p) z}}{1-p} + \frac{e^{(2-p) z}}{2-p}

    The variance of the target is taken to grow as the mean to the power p. Jørgensen: "Exponential Dispersion Models",
    Journal of the Royal Statistical Society B 49, 1987.

    Parameters
    ----------
    power : float, default=1.5
        The power p, in (1, 2). The limits are losses of their own: 1 is `Poisson`, 2 is `Gamma`; 0, with the identity
        as link, is `SquaredError`.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.losses import Tweedie
    >>> MLPRegressor(loss=Tweedie(power=1.2)).set_params(loss__power=1.8).loss
    Tweedie(power=1.8)
    """

    power: float = number(1.5, 1.0, 2.0, closed="neither")

    def check_targets(self, y: np.ndarray) -> None:
        if (y < 0).any():
            raise ValueError("loss='tweedie' needs y >= 0, got negative values: choose loss='squared_error'.")

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        b, c = 2.0 - parameters[0], parameters[0] - 1.0
        e = exp(-c * z)
        return exp(b * z) - (y * e if e < 1e38 else exp(log(y) - c * z))
