"""Several columns of classes at once: each has classes of its own, and a softmax of outputs of its own."""

import numpy as np

from .kinds import own_kind

COLUMNS = "multiclass-multioutput"  # scikit-learn's name of such targets


class ColumnEncoder:
    """Classes of several columns to indices, and outputs back to classes; in the manner of ``LabelBinarizer``.

    Attributes
    ----------
    classes_ : list of ndarray
        Of each column its classes, sorted.
    y_type_ : str
        scikit-learn's name of such targets.
    """

    y_type_ = COLUMNS

    def fit(self, columns):
        """Learn the classes.

        Parameters
        ----------
        columns : iterable of array-like
            Of each column its targets, or its classes.
        """
        columns = map(np.asarray, columns)
        self.classes_ = [np.unique(own_kind(c) if c.dtype.kind == "O" else c) for c in columns]
        return self

    @property
    def sizes(self):
        """Number of classes of each column."""
        return [len(classes) for classes in self.classes_]

    def check_classes(self, other, exact, name="y"):
        """Raise ValueError if another encoder has other columns, classes that are not known or, if `exact`, fewer."""
        n = len(self.classes_)
        if len(other.classes_) != n:
            raise ValueError(f"{name} has {len(other.classes_)} columns of classes, the network was trained on {n}.")
        for number, (known, classes) in enumerate(zip(self.classes_, other.classes_, strict=True)):
            if len(np.setdiff1d(classes, known)) or (exact and len(classes) != len(known)):
                raise ValueError(
                    f"Column {number} of {name} has classes {classes}, the network was trained on {known}."
                )

    def transform(self, y):
        """Index of each class among those of its column, as integers of the shape of y."""
        return np.column_stack([np.searchsorted(c, y[:, i]) for i, c in enumerate(self.classes_)])

    def split(self, outputs):
        """A list with the outputs of each column."""
        return np.split(outputs, np.cumsum(self.sizes)[:-1], axis=1)

    def indices(self, outputs):
        """Index of the class with the largest output of each column, shape (n_samples, n_columns)."""
        return np.column_stack([part.argmax(axis=1) for part in self.split(outputs)])

    def inverse_transform(self, outputs, threshold=None):
        """Classes with the largest outputs, shape (n_samples, n_columns); ``threshold`` has no meaning here."""
        indices = self.indices(outputs)
        columns = [classes[indices[:, i]] for i, classes in enumerate(self.classes_)]
        if len({classes.dtype.kind in "US" for classes in self.classes_}) > 1:
            columns = [column.astype(object) for column in columns]  # NumPy would make strings of numbers
        return np.column_stack(columns)
