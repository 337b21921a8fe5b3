"""Targets of the classifier: from labels to numbers, the weights of classes, and scores of outputs."""

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import validate_data

from ...ops.losses.columns import columns_loss
from ..inputs.arrays import DTYPES, named
from ..parameters import classification_loss
from .class_weight import weigh_classes
from .columns import COLUMNS, ColumnEncoder
from .kinds import check_kind, plain_classes, plain_labels


def _largest_columns(outputs):
    from ...engine import largest_columns  # only here: the engine brings Numba along

    return largest_columns(outputs)


class LabelTargets:
    """Mixin before the base class: what `BaseMultilayerPerceptron` asks of a subclass, for class labels."""

    _plain_targets = staticmethod(plain_labels)

    def _validate_input(self, X, y, incremental, reset):
        loss = classification_loss(self)
        with named(X=X):
            X, y = validate_data(
                self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=DTYPES, reset=reset,
                ensure_all_finite=False,
            )  # fmt: skip
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)

        is_new = not hasattr(self, "classes_") or not (self.warm_start or incremental)
        if is_new:
            check_kind(y)
            # Labels that are there or not are numbers.
            several_columns = y.ndim == 2 and (y.dtype.kind in "OUS" or type_of_target(y) == COLUMNS)
            self._label_binarizer = ColumnEncoder().fit(y.T) if several_columns else LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        encoder = self._label_binarizer
        several_labels = encoder.y_type_.startswith("multilabel")
        several_columns = encoder.y_type_ == COLUMNS
        if (y.ndim == 2) != (several_labels or several_columns):
            kind = "several labels at once" if several_labels else "several columns of classes"
            raise ValueError(
                "y does not go with the fitted classes: the network was trained on "
                f"{kind if several_labels or several_columns else 'one label'} for each sample."
            )
        # What partial_fit sees is a part of the data, which need not hold every class.
        exact = self.warm_start and not incremental
        if several_columns:
            if not is_new:
                encoder.check_classes(ColumnEncoder().fit(y.T), exact=exact)
            return X, self._encode(y, loss), columns_loss(loss, encoder.sizes), sum(encoder.sizes)
        if not is_new:
            self._check_known_classes(unique_labels(y), exact)

        loss = loss.for_classes(len(self.classes_), several_labels)
        targets = self._encode(y, loss)
        return X, targets, loss, len(self.classes_) if loss.class_index_target else targets.shape[1]

    def _encode(self, y, loss):
        if self._has_columns:
            return self._label_binarizer.transform(y)
        if loss.class_index_target:
            # An index takes one number a sample, one-hot rows would take one a class.
            return np.searchsorted(self.classes_, y)[:, None]
        return self._label_binarizer.transform(y).astype(bool)

    def _validation_targets(self, y, targets, loss):
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self._has_columns:
            if y.ndim != 2:
                raise ValueError(f"y_val must be like y, which has {targets.shape[1]} columns, got shape {y.shape}.")
            self._label_binarizer.check_classes(ColumnEncoder().fit(y.T), exact=False, name="y_val")
            return self._encode(y, loss)
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

    @property
    def _has_columns(self):
        """Whether the fitted classes are those of several columns."""
        return self._label_binarizer.y_type_ == COLUMNS

    @property
    def _has_one_class(self):
        return len(self.classes_) == 1 and not self._has_columns

    def _learn_classes(self, y, classes):
        """For `partial_fit`: take all classes at the first call, check them later."""
        several_columns = isinstance(classes, (list, tuple)) and len(classes) and np.ndim(classes[0]) == 1
        is_first = not hasattr(self, "classes_")
        if several_columns:
            classes = [plain_classes(column, f"classes[{number}]") for number, column in enumerate(classes)]
        elif classes is not None:
            given, classes = classes, plain_classes(classes)
            if not (is_first or self._has_columns or np.array_equal(np.unique(classes), self.classes_)):
                raise ValueError(
                    f"`classes={given!r}` is not the same as on last call to partial_fit, was: {self.classes_!r}"
                )
        if several_columns and is_first:
            self._label_binarizer = ColumnEncoder().fit(classes)
            self.classes_ = self._label_binarizer.classes_
        elif not is_first and (several_columns or self._has_columns):
            if several_columns and self._has_columns:
                self._label_binarizer.check_classes(ColumnEncoder().fit(classes), exact=True)
            elif classes is not None:
                raise ValueError(f"classes={classes!r} is not the same as on the first call of partial_fit.")
        elif _check_partial_fit_first_call(self, classes):
            several_labels = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if several_labels else classes)

    def _check_known_classes(self, classes, exact):
        if exact:
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

    def _labels_of(self, outputs):
        """The labels that outputs say."""
        threshold, encoder = 0.5 if self._loss.has_probabilities else 0.0, self._label_binarizer
        if self.n_outputs_ == 1:
            outputs = outputs[:, -1]
        if encoder.y_type_ in ("binary", "multiclass") and len(self.classes_) > 1:
            # As the encoder does it, whose validation would take as long as all else for one row.
            if outputs.ndim == 1:
                return self.classes_[(outputs > threshold).astype(np.intp)]
            return self.classes_[_largest_columns(outputs)]
        return encoder.inverse_transform(outputs, threshold=threshold)

    def _weigh(self, sample_weight, targets, counted_targets, counted_weight):
        if self.class_weight is None:
            return sample_weight
        if self._has_columns:
            labels = self.classes_
        elif self._label_binarizer.y_type_.startswith("multilabel"):
            labels = [np.array([0, 1])] * targets.shape[1]
        else:
            labels = [self.classes_]
        counted = counted_targets.astype(np.intp), counted_weight
        return weigh_classes(self.class_weight, targets.astype(np.intp), labels, sample_weight, counted)

    def _score_outputs(self, targets, outputs, sample_weight):
        if self._has_columns:
            hits = (self._label_binarizer.indices(outputs) == targets).all(axis=1)
            return float(np.average(hits, weights=sample_weight))
        if self._label_binarizer.y_type_ == "multiclass":
            truth, guess = targets[:, 0].astype(np.intp), _largest_columns(outputs)
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
