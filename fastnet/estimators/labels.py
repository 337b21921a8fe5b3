"""Targets of the classifier: from labels to numbers, the weights of classes, and scores of outputs."""

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import validate_data

from .class_weight import weigh_classes
from .data import DTYPES
from .parameters import classification_loss


class LabelTargets:
    """Mixin before the base class: what `BaseMultilayerPerceptron` asks of a subclass, for class labels."""

    def _validate_input(self, X, y, incremental, reset):
        loss = classification_loss(self)
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=DTYPES, reset=reset
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)

        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_known_classes(unique_labels(y))
        several_labels = self._label_binarizer.y_type_.startswith("multilabel")
        if (y.ndim == 2) != several_labels:
            raise ValueError(
                "y does not go with the fitted classes: the network was trained on "
                f"{'several labels at once' if several_labels else 'one label'} for each sample."
            )

        loss = loss.for_classes(len(self.classes_), several_labels)
        targets = self._encode(y, loss)
        return X, targets, loss, len(self.classes_) if loss.class_index_target else targets.shape[1]

    def _encode(self, y, loss):
        if loss.class_index_target:
            # An index takes one number a sample, one-hot rows would take one a class.
            return np.searchsorted(self.classes_, y)[:, None]
        return self._label_binarizer.transform(y).astype(bool)

    def _validation_targets(self, y, targets, loss):
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        several_labels = self._label_binarizer.y_type_.startswith("multilabel")
        if (y.ndim == 2) != several_labels or (several_labels and y.shape[1] != targets.shape[1]):
            expected = f"{targets.shape[1]} labels at once" if several_labels else "one label"
            raise ValueError(f"y_val must be like y, which has {expected} for each sample, got shape {y.shape}.")
        unknown = [] if several_labels else np.setdiff1d(y, self.classes_).tolist()
        if unknown:
            raise ValueError(
                f"y_val has labels that are not in y, {unknown}: the classes are {self.classes_.tolist()}. Leave out "
                "such samples, or train on all classes."
            )
        return self._encode(y, loss)

    def _check_known_classes(self, classes):
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to "
                    f"fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _weigh(self, sample_weight, targets, counted_targets, counted_weight):
        if self.class_weight is None:
            return sample_weight
        if self._label_binarizer.y_type_.startswith("multilabel"):
            labels = [np.array([0, 1])] * targets.shape[1]
        else:
            labels = [self.classes_]
        counted = counted_targets.astype(np.intp), counted_weight
        return weigh_classes(self.class_weight, targets.astype(np.intp), labels, sample_weight, counted)

    def _score_outputs(self, targets, outputs, sample_weight):
        if self._label_binarizer.y_type_ == "multiclass":
            truth, guess = targets[:, 0].astype(np.intp), outputs.argmax(axis=1)
        else:
            truth, guess = targets > 0.5, outputs > (0.5 if classification_loss(self).has_probabilities else 0.0)
        if truth.ndim == 2 and truth.shape[1] == 1:
            truth, guess = truth[:, 0], guess[:, 0]
        return float(accuracy_score(truth, guess, sample_weight=sample_weight))

    def _loss_of_outputs(self):
        """The loss that the network was fitted with, or else will be."""
        if hasattr(self, "_loss"):
            return self._loss
        try:
            return classification_loss(self)
        except ValueError as error:  # `hasattr` must not raise it
            raise AttributeError(str(error)) from error
