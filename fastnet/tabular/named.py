"""Columns that a parameter names: by a mask, by numbers or by names."""

import numpy as np

from ..ops.numbers import shown


def categorical_columns(categorical_features, columns):
    """Which columns ``categorical_features`` names.

    Parameters
    ----------
    categorical_features : 'from_dtype' or array-like of {bool, int, str}
        The parameter.
    columns : list of Column
        All columns, whose names are strings or, of an array, their numbers.

    Returns
    -------
    list of bool
        For each column.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    n_columns = len(columns)
    if isinstance(categorical_features, str):
        return [False] * n_columns
    given = np.asarray(categorical_features)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "biuUTO"):
        _refuse(categorical_features, "give a mask, or numbers or names of columns.")
    if given.dtype.kind == "b":
        if len(given) != n_columns:
            _refuse(categorical_features, f"a mask must have one entry for each of the {n_columns} columns of X.")
        return given.tolist()
    if given.dtype.kind in "iu":
        if given.size and not 0 <= given.min() <= given.max() < n_columns:
            _refuse(categorical_features, f"numbers of columns must be at least 0 and below {n_columns}.")
        return np.isin(np.arange(n_columns), given).tolist()
    names, wanted = [column.name for column in columns], given.tolist()
    unknown = [name for name in wanted if name not in names]
    if unknown:
        have = "which is no frame" if names == list(range(n_columns)) else f"whose columns are {shown(names)}"
        _refuse(categorical_features, f"there is no {shown(unknown[0])} in X, {have}.")
    return [name in wanted for name in names]


def _refuse(given, remedy):
    raise ValueError(f"categorical_features={shown(given)}: {remedy}")
