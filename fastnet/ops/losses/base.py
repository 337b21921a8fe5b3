r"""What a loss is: a value and a gradient in the raw outputs, and the link that makes predictions of them.

A loss of independent outputs gives plain scalar functions of one output and its target, ``value(z, y, parameters)`` and
``gradient(z, y, parameters)``; the loss of a sample is the sum over its outputs. A loss of several classes, whose
outputs meet, gives ``row(z, label, delta, parameters)``: it writes the gradient of a row of outputs to ``delta`` and
returns the row's loss. ``link(z, parameters)`` is the inverse link of one output. A loss with several outputs for each
target says how many, and has formulas of all of them: see ``distributions.py``.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..registry import Op

LOSSES: "dict[str, Loss]" = {}


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
        Whether the reported loss is the mean over outputs and not the sum, as scikit-learn reports the squared
        error; the gradient stays that of the sum.
    is_classification : bool
        Whether the targets are classes: 0 or 1 for each output, or a class index. Its predictions are
        probabilities if ``out_activation`` is 'softmax' or 'logistic', else scores.
    is_form : bool
        Whether this is a form that another loss takes for some targets, with no name for users.
    outputs_per_target : int
        Number of raw outputs that the network has for each target; those of a target lie side by side.
    has_std : bool
        Whether a target's predictions are its mean and its standard deviation.
    has_offset : bool
        Whether the targets have one more column, a number to add to each raw output: see ``offsets.py``.
    quantile : float or None
        The quantile of the target that the loss estimates, if it estimates one.
    quantiles : tuple of float
        Those that its predictions are, if there are several.
    table : tuple of float
        Numbers that its kernel reads after the parameters.
    """

    out_activation = "identity"
    class_index_target = False
    mean_over_outputs = False
    is_classification = False
    is_form = False
    outputs_per_target: ClassVar[int] = 1
    has_std: ClassVar[bool] = False
    has_offset: ClassVar[bool] = False
    quantile: ClassVar[float | None] = None
    quantiles: ClassVar[tuple[float, ...]] = ()
    table: ClassVar[tuple[float, ...]] = ()
    formulas: ClassVar[tuple[str, ...]] = ("value", "gradient", "link")

    @property
    def kernel(self) -> str:
        """Which kernel the formulas become: 'elementwise', 'row', 'columns', 'target', 'offset', or 'softmax'."""
        return "row" if self.class_index_target else "elementwise"

    def check_targets(self, y: np.ndarray) -> None:
        """Raise ValueError if the loss is not defined for these targets of a regression."""

    def for_classes(self, n_classes: int, several_labels: bool) -> "Loss":
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
        several_classes = n_classes > 2 and not several_labels
        if several_classes and not self.class_index_target:
            raise ValueError(
                f"loss={self!r} is a loss of two classes or of several labels at once, but y has {n_classes} "
                "classes: use loss='log_loss'."
            )
        if self.class_index_target and not several_classes:
            raise ValueError(
                f"loss={self!r} is a loss of more than two classes, but y has two or several labels at once: use "
                "loss='log_loss'."
            )
        return self

    def for_prediction(self) -> "Loss":
        """The loss that a network trained with this one is kept with."""
        return self

    @property
    def takes_scaled_targets(self) -> bool:
        """Whether targets may be shifted and scaled for training, and predictions taken back."""
        return self.out_activation == "identity" and not self.is_classification

    @property
    def has_probabilities(self) -> bool:
        """Whether the predictions are probabilities of classes."""
        return self.out_activation in ("softmax", "logistic")
