r"""Losses of classes: one entry each, with a form for several classes where that is another formula.

Of independent outputs, the target is 1 if the sample belongs to the output's class (two classes) or has its label
(several labels at once), else 0; :math:`s = 2 y - 1` is its sign. Of several classes, the target is the index of
one, and each class has its output.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels.functions import exp, log, log1p, sigmoid
from ..registry import number, register
from .base import LOSSES, Loss


@dataclass(frozen=True)
class _Margin(Loss):
    """A classification loss without probabilities: its predictions are the raw outputs."""

    is_classification = True

    @staticmethod
    def link(z: float, parameters: Sequence[float]) -> float:
        return z


@dataclass(frozen=True)
class _MulticlassMargin(_Margin):
    """The same, of several classes."""

    class_index_target = True
    is_form = True
    formulas = ("row", "link")


@register(LOSSES, "log_loss")
@dataclass(frozen=True)
class LogLoss(Loss):
    r"""Cross-entropy, :math:`-\sum_k q_k (1 - p_k)^\gamma \log p_k`, of the softmax p of the outputs and targets q.

    Two classes, and several labels at once, have a sigmoid for each output; that is the softmax of (0, z). Without
    smoothing q is 1 for the sample's class and 0 for all others, and with :math:`\gamma = 0` too the gradient is
    :math:`p - q`.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        :math:`\epsilon` in [0, 1): the classes share this much of q evenly, so that no probability is pushed to 0
        or 1. Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: "Rethinking the Inception Architecture", CVPR 2016.
    focal_gamma : float, default=0.0
        :math:`\gamma \ge 0`; above 0 it takes weight from samples that are already classified well. Lin, Goyal,
        Girshick, He, Dollár: "Focal Loss for Dense Object Detection", ICCV 2017.

    Examples
    --------
    >>> from fastnet import MLPClassifier
    >>> from fastnet.losses import LogLoss
    >>> MLPClassifier(loss=LogLoss(label_smoothing=0.1)).set_params(loss__focal_gamma=2.0).loss
    LogLoss(label_smoothing=0.1, focal_gamma=2.0)
    """

    label_smoothing: float = number(0.0, 0.0, 1.0, closed="left")
    focal_gamma: float = number(0.0, 0.0)
    out_activation = "softmax"
    class_index_target = True
    is_classification = True
    formulas = ("row",)

    @property
    def kernel(self) -> str:
        return "row" if self.label_smoothing or self.focal_gamma else "softmax"

    def for_classes(self, n_classes: int, several_labels: bool) -> Loss:
        if n_classes > 2 and not several_labels:
            return self
        if self.focal_gamma:
            return SigmoidFocal(self.label_smoothing, self.focal_gamma)
        return SigmoidCrossEntropy(self.label_smoothing)

    @staticmethod
    def row(z: np.ndarray, label: int, delta: np.ndarray, parameters: Sequence[float]) -> float:
        smoothing, gamma = parameters[0], parameters[1]
        n, top, rest = len(z), 0, 0.0
        for j in range(n):
            top = j if z[j] > z[top] else top
        for j in range(n):
            rest += 0.0 if j == top else exp(z[j] - z[top])
        total, log_total = 1.0 + rest, log1p(rest)
        value, pull, share = 0.0, 0.0, smoothing / z.dtype.type(n)
        for j in range(n):
            q = share + (1.0 - smoothing if j == label else 0.0)
            delta[j] = q  # 0, or overwritten
            if q > 0.0:
                e = exp(z[j] - z[top])
                # 1 - p, and 1 - p = 0 only where p rounds to 1 and -log p to 1 - p.
                others = (rest if j == top else total - e) / total
                surprise = log_total - (z[j] - z[top])
                p = e / total
                power = gamma * (log1p(-p) if p < 0.5 else log(others))  # of 1 - p, the last digits of p count too
                weight = exp(power) if others > 0.0 else (0.0 if gamma > 0.0 else 1.0)
                ratio = surprise / others if others > 0.0 else 1.0
                value += q * weight * surprise
                delta[j] = q * weight * (1.0 + gamma * p * ratio)
                pull += delta[j]
        for j in range(n):
            delta[j] = pull * (exp(z[j] - z[top]) / total) - delta[j]
        return value


@register(LOSSES, "binary_log_loss")
@dataclass(frozen=True)
class SigmoidCrossEntropy(Loss):
    r"""`LogLoss` of independent sigmoids, :math:`\max(z, 0) - z q + \log(1 + e^{-|z|})`.

    What 'log_loss' is for two classes, and for several labels at once.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        :math:`\epsilon`: the target is :math:`q = (1 - \epsilon) y + \epsilon / 2`.
    """

    label_smoothing: float = number(0.0, 0.0, 1.0, closed="left")
    out_activation = "logistic"
    is_classification = True
    is_form = True

    # q and 1 - q, of either sign of z that which does not cancel.
    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        half = 0.5 * parameters[0]
        q, rest = (1.0 - half, half) if y > 0.5 else (half, 1.0 - half)
        return (z * rest if z > 0.0 else -z * q) + log1p(exp(-abs(z)))

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        half = 0.5 * parameters[0]
        q, rest = (1.0 - half, half) if y > 0.5 else (half, 1.0 - half)
        tail = sigmoid(-abs(z))
        return rest - tail if z > 0.0 else tail - q

    @staticmethod
    def link(z: float, parameters: Sequence[float]) -> float:
        return sigmoid(z)


@register(LOSSES, "binary_focal")
@dataclass(frozen=True)
class SigmoidFocal(SigmoidCrossEntropy):
    r"""`LogLoss` of independent sigmoids with focal weights,
    :math:`-q (1 - p)^\gamma \log p - (1 - q) p^\gamma \log(1 - p)`.

    What ``LogLoss(focal_gamma=…)`` is for two classes, and for several labels at once.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        :math:`\epsilon`: the target is :math:`q = (1 - \epsilon) y + \epsilon / 2`.
    focal_gamma : float, default=2.0
        :math:`\gamma`.
    """

    focal_gamma: float = number(2.0, 0.0)

    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        half, gamma = 0.5 * parameters[0], parameters[1]
        q, rest = (1.0 - half, half) if y > 0.5 else (half, 1.0 - half)
        tail = log1p(exp(-abs(z)))
        a, b = tail + (0.0 if z > 0.0 else -z), tail + (0.0 if z < 0.0 else z)  # -log p, -log(1 - p)
        return q * exp(-gamma * b) * a + rest * exp(-gamma * a) * b

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        half, gamma = 0.5 * parameters[0], parameters[1]
        q, rest = (1.0 - half, half) if y > 0.5 else (half, 1.0 - half)
        tail = log1p(exp(-abs(z)))
        a, b = tail + (0.0 if z > 0.0 else -z), tail + (0.0 if z < 0.0 else z)
        p, other = sigmoid(z), sigmoid(-z)
        down = q * exp(-gamma * b) * (gamma * p * a + other)
        up = rest * exp(-gamma * a) * (gamma * other * b + p)
        return up - down


@register(LOSSES, "hinge")
@dataclass(frozen=True)
class Hinge(_Margin):
    r"""Hinge loss, :math:`\max(0, 1 - s z)`, of the support vector machine; its gradient is 0 at :math:`s z = 1`.

    Of several classes it is the sum over all others of :math:`\max(0, 1 + z_j - z_y)`, the form of Weston and
    Watkins: "Support Vector Machines for Multi-Class Pattern Recognition", ESANN 1999.

    Examples
    --------
    >>> from fastnet.losses import Hinge
    >>> Hinge.value(0.5, 1.0, ())  # of the raw output 0.5 for the second class
    0.5
    """

    def for_classes(self, n_classes: int, several_labels: bool) -> Loss:
        return MulticlassHinge() if n_classes > 2 and not several_labels else self

    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        m = 1.0 - (y + y - 1.0) * z
        return 0.0 if m < 0.0 else m

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        s = y + y - 1.0
        m = 1.0 - s * z
        return -s if m > 0.0 else (0.0 if m <= 0.0 else m)


@register(LOSSES, "multiclass_hinge")
@dataclass(frozen=True)
class MulticlassHinge(_MulticlassMargin):
    r"""`Hinge` of several classes, :math:`\sum_{j \ne y} \max(0, 1 + z_j - z_y)`.

    Weston, Watkins: "Support Vector Machines for Multi-Class Pattern Recognition", ESANN 1999.
    """

    @staticmethod
    def row(z: np.ndarray, label: int, delta: np.ndarray, parameters: Sequence[float]) -> float:
        value, pull = 0.0, 0.0
        for j in range(len(z)):
            m = 0.0 if j == label else 1.0 + (z[j] - z[label])
            value += 0.0 if m < 0.0 else m
            delta[j] = 1.0 if m > 0.0 else (0.0 if m <= 0.0 else m)
            pull += delta[j]
        delta[label] = -pull
        return value


@register(LOSSES, "squared_hinge")
@dataclass(frozen=True)
class SquaredHinge(_Margin):
    r"""Squared hinge loss, :math:`\max(0, 1 - s z)^2`: smooth, and hard on what is far on the wrong side.

    Of several classes it is the sum over all others of :math:`\max(0, 1 + z_j - z_y)^2`.

    Examples
    --------
    >>> from fastnet.losses import SquaredHinge
    >>> SquaredHinge.value(0.5, 1.0, ())  # of the raw output 0.5 for the second class
    0.25
    """

    def for_classes(self, n_classes: int, several_labels: bool) -> Loss:
        return MulticlassSquaredHinge() if n_classes > 2 and not several_labels else self

    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        m = 1.0 - (y + y - 1.0) * z
        return 0.0 if m < 0.0 else m * m

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        s = y + y - 1.0
        m = 1.0 - s * z
        return 0.0 if m < 0.0 else -2.0 * s * m


@register(LOSSES, "multiclass_squared_hinge")
@dataclass(frozen=True)
class MulticlassSquaredHinge(_MulticlassMargin):
    r"""`SquaredHinge` of several classes, :math:`\sum_{j \ne y} \max(0, 1 + z_j - z_y)^2`.

    As `MulticlassHinge`, with a gradient that does not jump.
    """

    @staticmethod
    def row(z: np.ndarray, label: int, delta: np.ndarray, parameters: Sequence[float]) -> float:
        value, pull = 0.0, 0.0
        for j in range(len(z)):
            m = 0.0 if j == label else 1.0 + (z[j] - z[label])
            m = 0.0 if m < 0.0 else m
            value += m * m
            delta[j] = 2.0 * m
            pull += delta[j]
        delta[label] = -pull
        return value


@register(LOSSES, "perceptron")
@dataclass(frozen=True)
class Perceptron(_Margin):
    r"""Perceptron criterion, :math:`\max(0, -s z)`; its gradient at :math:`z = 0` is :math:`-s`, that of a mistake.

    With no hidden layer, ``batch_size=1``, 'sgd' without momentum, a constant rate and no penalty, training is
    Rosenblatt's rule. Rosenblatt: "The Perceptron", Psychological Review 65, 1958. Of several classes it is
    :math:`\max_j z_j - z_y`: only the best rival is pushed down.

    Examples
    --------
    >>> from fastnet.losses import Perceptron
    >>> Perceptron.value(-0.5, 1.0, ())  # of the raw output -0.5 for the second class
    0.5
    """

    def for_classes(self, n_classes: int, several_labels: bool) -> Loss:
        return MulticlassPerceptron() if n_classes > 2 and not several_labels else self

    @staticmethod
    def value(z: float, y: float, parameters: Sequence[float]) -> float:
        m = (y + y - 1.0) * z
        return 0.0 if m > 0.0 else -m

    @staticmethod
    def gradient(z: float, y: float, parameters: Sequence[float]) -> float:
        s = y + y - 1.0
        m = s * z
        return -s if m <= 0.0 else (0.0 if m > 0.0 else m)


@register(LOSSES, "multiclass_perceptron")
@dataclass(frozen=True)
class MulticlassPerceptron(_MulticlassMargin):
    r"""`Perceptron` of several classes, :math:`\max_j z_j - z_y`; a tie with a rival counts as a mistake.

    The best rival's weights go down by the sample, those of its class go up: Kesler's construction, in Duda, Hart:
    "Pattern Classification and Scene Analysis", 1973, section 5.12.
    """

    @staticmethod
    def row(z: np.ndarray, label: int, delta: np.ndarray, parameters: Sequence[float]) -> float:
        rival = 1 if label == 0 else 0
        for j in range(len(z)):
            delta[j] = 0.0
            # Neither below nor equal: larger, or NaN, which then stays.
            if j != label and not z[j] <= z[rival] and z[rival] == z[rival]:
                rival = j
        m = z[rival] - z[label]
        delta[rival] = 1.0 if m >= 0.0 else (0.0 if m < 0.0 else m)
        delta[label] = -delta[rival]
        return 0.0 if m < 0.0 else m
