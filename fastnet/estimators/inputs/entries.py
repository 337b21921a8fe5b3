"""What stands in arrays, lists and frames that are to hold numbers, and where: names for what is none."""

from datetime import date, time, timedelta

import numpy as np
from scipy.sparse import issparse

from ...ops.numbers import shown

_REAL = frozenset("biuf")
_DATES = (date, time, timedelta, np.datetime64, np.timedelta64)
# pandas tells of periods, and of Arrow's dates and times, by their names alone.
_NAMES_OF_DATES = ("period[", "date32", "date64", "time32", "time64")


def refuse_dates(name, array):
    """Raise ValueError if an array, or a column of a frame, holds dates or times, which would be read as numbers.

    Parameters
    ----------
    name : str
        For the message.
    array : array-like
        Arrays and frames tell by their types; entries are looked at in lists and where they are Python objects.
    """
    if _is_real(array):
        return
    for column, values in _columns(array):
        found = _dates_in(values)
        if found:
            raise ValueError(
                f"{name} must hold numbers, got {found}{_in(column)}: convert it, such as to days since a date."
            )


def refuse_masked(name, array):
    """Raise ValueError if entries of an array are masked, which means missing, and would be read like all others."""
    if np.ma.is_masked(array):
        raise ValueError(f"Input {name} contains NaN: masked entries are missing ones, fill them or leave them out.")


def explain(name, array, error_type=ValueError):
    """Raise an error that says which entry is no real number, if there is one.

    Parameters
    ----------
    name : str
        For the message.
    array : array-like
        What could not be converted.
    error_type : type, default=ValueError
        Of the error where an entry is of a type of its own, neither missing nor a string.
    """
    for column, values in _columns(array) if not _is_real(array) else ():
        values = _as_array(values)
        if values is None or (column is not None and values.ndim > 1):
            raise ValueError(
                f"{name} must hold one number in each entry, got lists{_in(column)}: make columns of them, all equally "
                "long."
            )
        if values.dtype.kind == "c":
            raise ValueError(
                f"Complex data not supported: {name} must hold real numbers{_in(column)}, such as {name}.real."
            )
        if values.dtype.kind not in _REAL:
            for value in values.astype(object).flat:
                _explain_entry(name, value, _in(column), error_type)


def is_missing(value):
    """Whether an entry stands for none: None, a NaN of any kind, or pandas' NA."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # NA will not say whether it is itself
        return type(value).__name__ == "NAType"


def _is_real(array):
    return array is None or getattr(getattr(array, "dtype", None), "kind", None) in _REAL


def _columns(array):
    """Pairs of a column's name and its values; one without a name for all that is no frame."""
    columns = getattr(array, "columns", None)
    if columns is None or not hasattr(array, "dtypes"):
        return [(None, array)]
    at = array.iloc if hasattr(array, "iloc") else array  # of pandas, of polars
    return ((column, at[:, number]) for number, column in enumerate(columns))


def _dates_in(values):
    """The type of dates in an array, a series or a list; None if there are none."""
    dtype = getattr(values, "dtype", None)
    if hasattr(dtype, "categories") and hasattr(values, "iloc"):
        values = dtype.categories
        dtype = values.dtype
    if getattr(dtype, "kind", None) in _REAL:
        return None
    is_temporal = getattr(dtype, "is_temporal", None)  # of polars
    if (
        getattr(dtype, "kind", None) in ("m", "M")
        or (is_temporal is not None and is_temporal())
        or (dtype is not None and str(dtype).startswith(_NAMES_OF_DATES))
    ):
        return str(dtype)
    array = _as_array(values)
    if array is None or array.dtype.kind not in "mMO":
        return None
    if array.dtype.kind != "O":
        return str(array.dtype)
    return next((t.__name__ for t in set(map(type, array.flat)) if issubclass(t, _DATES)), None)


def _as_array(values):
    """As NumPy reads them; None if they make no array, as ragged lists do."""
    if issparse(values):
        return values.data
    try:
        return np.asarray(values)
    except (TypeError, ValueError):
        return None


def _explain_entry(name, value, where, error_type):
    try:
        float(value)
    except OverflowError:
        raise ValueError(f"{name} has a value too large for float64, {shown(value)}{where}: rescale {name}.") from None
    except (TypeError, ValueError) as error:
        if is_missing(value):
            raise ValueError(f"Input {name} contains NaN{where}.") from None
        if isinstance(value, (str, bytes)):
            raise ValueError(
                f"{name} must hold numbers, but {error}{where}. Encode it as numbers, such as by OneHotEncoder."
            ) from None
        raise error_type(
            f"{name} must hold numbers, but {error}, got {shown(value)}{where}: make a number of it, or leave it out."
        ) from None


def _in(column):
    return "" if column is None else f" in column {column!r}"
