"""A table as it is checked and read, before anything is learnt from it."""

from typing import NamedTuple

from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples, validate_data

from ..estimators.inputs.entries import refuse_masked
from .columns import CATEGORICAL, NUMERIC, read
from .frames import columns_of, is_frame
from .named import categorical_columns


class Table(NamedTuple):
    """A checked table as it was read: its columns, what each is taken for, and what is in it."""

    columns: list
    kinds: list
    values: list


def read_table(X, categorical_features):
    """A `Table` to learn from, of a checked one."""
    columns = columns_of(X)
    named = categorical_columns(categorical_features, columns)
    kinds = [CATEGORICAL if own else one.kind() or NUMERIC for one, own in zip(columns, named, strict=True)]
    return Table(columns, kinds, [read(one, kind, kind) for one, kind in zip(columns, kinds, strict=True)])


def checked_table(estimator, X, reset):
    """X as a frame or a 2-D array, its number of columns and their names checked, or kept on the estimator."""
    if is_frame(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if not _num_samples(X) or not X.shape[1]:
            empty = "sample(s)" if X.shape[1] else "feature(s)"
            raise ValueError(f"Found array with 0 {empty} (shape={X.shape}) while a minimum of 1 is required.")
        return X
    refuse_masked("X", X)
    # NumPy would make strings of the numbers beside them
    has_strings = not hasattr(X, "dtype") and check_array(X, dtype=None, ensure_all_finite=False).dtype.kind == "U"
    return validate_data(estimator, X, reset=reset, dtype=object if has_strings else None, ensure_all_finite=False)
