r"""Losses on raw outputs (logits), in their stable forms: one entry each.

``value(z, y, parameters)`` and ``gradient(z, y, parameters)`` are plain scalar functions of one output and its target;
``link(z, parameters)`` is the inverse link that turns a raw output into a prediction. The loss of a sample is the
sum over its outputs (``mean_over_outputs`` divides what is *reported*, as scikit-learn does; the gradient
stays that of the sum). Softmax couples the outputs, so its kernels stand in ``rows.py``.
"""

from dataclasses import dataclass

from ..kernels.functions import exp, log, log1p, sigmoid
from .registry import Op, register

LOSSES = {}


@dataclass(frozen=True)
class Loss(Op):
    """A loss; subclasses give ``value``, ``gradient``, ``link`` and the name of the output activation.

    Attributes
    ----------
    out_activation : str
        scikit-learn's name of the inverse link.
    class_index_target : bool
        Whether the target is one class index a sample instead of one number an output.
    mean_over_outputs : bool
        Whether the reported loss is the mean over outputs and not the sum.
    """

    out_activation = "identity"
    class_index_target = False
    mean_over_outputs = False
    formulas = ("value", "gradient", "link")

    def check_targets(self, y):
        """Raise ValueError if the loss is not defined for these targets of a regression."""

    def for_classes(self, n_classes, several_labels):
        """The loss to train with on such targets: this one, or its form for them.

        Parameters
        ----------
        n_classes : int
            Number of classes, or of labels.
        several_labels : bool
            Whether a sample may have several labels at once.

        Returns
        -------
        Loss
            If it is of class indices, there is one output a class; else one, or one a label.

        Raises
        ------
        ValueError
            If there is no such form.
        """
        if n_classes > 2 and not several_labels:
            raise ValueError(
                f"loss={self!r} is a loss of two classes or of several labels at once, but y has {n_classes} "
                "classes: use loss='log_loss'."
            )
        return self


@register(LOSSES, "log_loss")
@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    r"""Cross-entropy of the softmax, :math:`\log \sum_j e^{z_j} - z_y`; gradient :math:`p - e_y`."""

    out_activation = "softmax"
    class_index_target = True
    formulas = ()  # its kernels are its own

    def for_classes(self, n_classes, several_labels):
        # Of two classes one logit suffices: the softmax of (0, z) is the sigmoid of z.
        return self if n_classes > 2 and not several_labels else SigmoidCrossEntropy()


@register(LOSSES, "binary_log_loss")
@dataclass(frozen=True)
class SigmoidCrossEntropy(Loss):
    r"""Cross-entropy of independent sigmoids, :math:`\max(z, 0) - z y + \log(1 + e^{-|z|})`."""

    out_activation = "logistic"

    @staticmethod
    def value(z, y, parameters):
        return (0.0 if z < 0.0 else z) - z * y + log1p(exp(-abs(z)))

    @staticmethod
    def gradient(z, y, parameters):
        return sigmoid(z) - y

    @staticmethod
    def link(z, parameters):
        return sigmoid(z)


@register(LOSSES, "squared_error")
@dataclass(frozen=True)
class SquaredError(Loss):
    r"""Half squared error, :math:`(z - y)^2 / 2`."""

    mean_over_outputs = True

    @staticmethod
    def value(z, y, parameters):
        return 0.5 * (z - y) * (z - y)

    @staticmethod
    def gradient(z, y, parameters):
        return z - y

    @staticmethod
    def link(z, parameters):
        return z


@register(LOSSES, "poisson")
@dataclass(frozen=True)
class Poisson(Loss):
    r"""Half Poisson deviance with log link, :math:`y \log y - y z - y + e^z`; needs :math:`y \ge 0`."""

    out_activation = "exp"

    def check_targets(self, y):
        if (y < 0).any():
            raise ValueError("loss='poisson' needs y >= 0, got negative values: choose loss='squared_error'.")

    @staticmethod
    def value(z, y, parameters):
        return (y * log(y) if y > 0.0 else 0.0) - y * z - y + exp(z)

    @staticmethod
    def gradient(z, y, parameters):
        return exp(z) - y

    @staticmethod
    def link(z, parameters):
        return exp(z)
