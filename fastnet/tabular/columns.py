"""What a column of a table is, and its values as NumPy arrays.

A column tells its kind and gives its values in the form that goes with it: numbers, levels or moments. What stands here
reads columns of arrays; those of frames are in ``frames.py``.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import repeat
from numbers import Complex, Real

import numpy as np

from ..estimators.inputs.entries import is_missing
from ..ops.numbers import shown

NUMERIC, BOOLEAN, CATEGORICAL, STRING, DATETIME = "numeric", "boolean", "categorical", "string", "datetime"

MICROSECONDS = np.dtype("datetime64[us]")
# Of Python's objects; a column of them is numeric, but they do not stand beside numbers.
_DURATION = "duration"

_KINDS_OF_ARRAYS = {"b": BOOLEAN, "i": NUMERIC, "u": NUMERIC, "f": NUMERIC, "m": NUMERIC, "M": DATETIME, "U": STRING,
                    "T": STRING}  # fmt: skip


class Column:
    """One column of a table.

    Parameters
    ----------
    name : str or int
        Its name, or its number where columns have none: for messages.
    values : array or series
        What holds it.
    """

    def __init__(self, name, values):
        self.name, self.values = name, values

    def kind(self):
        """NUMERIC, BOOLEAN, CATEGORICAL, STRING or DATETIME; None if nothing is there; else raises ValueError."""
        raise NotImplementedError

    def numbers(self):
        """ndarray of float64: numbers, with NaN where they are missing; durations in seconds."""
        raise NotImplementedError

    def levels(self):
        """(codes, levels): ndarray of int, -1 where a value is missing, and the list of Python values it counts in."""
        raise NotImplementedError

    def moments(self):
        """ndarray of datetime64[us]: dates and times as a clock on the wall shows them, NaT where they are missing."""
        raise NotImplementedError

    def refuse(self, reason, error=ValueError):
        """Raise an error that names the column."""
        raise error(f"Column {self.name!r} of X {reason}")

    def refuse_type(self, found):
        """Raise an error about a type of values that nothing can be made of."""
        self.refuse(
            f"holds {found}, which is neither a number, a boolean, a string, a category nor a date: convert it, or "
            "leave it out, such as by a ColumnTransformer."
        )

    def refuse_complex(self):
        """Raise an error about complex numbers."""
        raise ValueError(f"Complex data not supported: column {self.name!r} of X must hold real numbers.")


class ArrayColumn(Column):
    """A column of a NumPy array."""

    def kind(self):
        kind = self.values.dtype.kind
        if kind == "O":
            return self._kind_of_objects()
        if kind == "c":
            self.refuse_complex()
        if kind not in _KINDS_OF_ARRAYS:
            self.refuse_type(self.values.dtype.name)
        return _KINDS_OF_ARRAYS[kind]

    def _kind_of_objects(self):
        """The kind of a column of Python objects, by the types of those that are not missing."""
        kinds = {_kind_of_type(one): one for one in _types_of(self.values.tolist())}
        unknown = kinds.get(None)
        if unknown is not None and issubclass(unknown, Complex):
            self.refuse_complex()
        if unknown is not None:
            self.refuse(
                f"holds an entry of type {unknown.__name__}: the argument must be a string, a number or a date. "
                "Convert it, or leave the column out.",
                TypeError,
            )
        if kinds.keys() in ({BOOLEAN, NUMERIC}, {_DURATION}):
            return NUMERIC
        if len(kinds) > 1:
            self.refuse(
                f"holds values of several kinds, {' and '.join(sorted(kinds))}: make them all of one kind, such as "
                "strings."
            )
        return next(iter(kinds), None)

    def numbers(self):
        values = self.values
        if values.dtype.kind == "m":
            return seconds(values)
        if values.dtype.kind == "O":
            objects = values.tolist()
            kinds = set(map(_kind_of_type, set(map(type, objects))))
            if _DURATION in kinds:
                nothing = np.timedelta64("NaT")
                return seconds(np.array([nothing if is_missing(v) else v for v in objects], "timedelta64[us]"))
            if not kinds <= {NUMERIC, BOOLEAN}:
                objects = [np.nan if is_missing(value) else value for value in objects]
            values = np.array(objects, dtype=object)
        try:
            return values.astype(np.float64)
        except OverflowError as error:
            return self.refuse(f"holds a number that is too large for float64 ({error}): rescale it.")

    def levels(self):
        values = self.values
        if values.dtype.kind in "biuf":
            levels, codes = np.unique(values, return_inverse=True)
            return without_missing(codes, levels.tolist())
        # in microseconds NumPy gives Python's dates, and None for NaT
        values = (values.astype(MICROSECONDS) if values.dtype.kind == "M" else values).tolist()
        try:
            index = {level: code for code, level in enumerate(v for v in set(values) if not is_missing(v))}
            codes = np.fromiter(map(index.get, values, repeat(-1)), np.intp, len(values))
        except TypeError as error:  # not hashable
            self.refuse(f"cannot be a category: {error}. Convert it to strings.")
        return codes, list(index)

    def moments(self):
        if self.values.dtype.kind == "O":
            # Python's dates one by one: what the clock shows stays when the time zone is left out
            values = [None if is_missing(v) else v.replace(tzinfo=None) if isinstance(v, datetime) else v
                      for v in self.values.tolist()]  # fmt: skip
            return np.array(values, MICROSECONDS)
        return self.values.astype(MICROSECONDS)


def read(column, kind, found):
    """Values of a column in the form of a kind.

    Parameters
    ----------
    column : Column
        The column.
    kind : str
        What it was in training.
    found : str or None
        What ``column.kind()`` says now; not looked at for categories, which may be of any kind.

    Returns
    -------
    ndarray or tuple
        Finite numbers or NaN, moments, or (codes, levels).

    Raises
    ------
    ValueError
        If it does not go with the kind, or a number is infinite.
    """
    if kind not in (NUMERIC, DATETIME):
        return column.levels()
    if found == DATETIME and kind == DATETIME:
        return column.moments()
    if found in (NUMERIC, BOOLEAN, None):
        numbers = column.numbers()
        if kind == NUMERIC:
            _check_finite(column, numbers)
            return numbers
        if np.isnan(numbers).all():  # a column without a date has no type of dates
            return np.full(len(numbers), "NaT", MICROSECONDS)
    return column.refuse(
        f"was {kind} in training, now it is {found}: convert it as for fit, or name it in categorical_features of the "
        "fit."
    )


def seconds(durations):
    """Durations of NumPy as numbers of seconds, NaN where they are missing."""
    return np.where(np.isnat(durations), np.nan, durations.astype("timedelta64[us]").astype(np.float64) / 1e6)


def without_missing(codes, levels):
    """Codes and levels, with -1 for the levels that stand for missing values, which NaN may be."""
    is_level = np.array([not is_missing(level) for level in levels], bool)
    new = np.where(is_level, np.cumsum(is_level) - 1, -1)
    codes = np.append(new, -1)[codes]  # a code of -1 stays
    return codes, [level for level in levels if not is_missing(level)]


def _types_of(values):
    """Types of the values that are not missing; a float may be either, so one look at each type is not enough."""
    examples = dict(zip(map(type, values), values, strict=True))
    for kind, value in examples.items():
        if not is_missing(value) or any(type(v) is kind and not is_missing(v) for v in values):
            yield kind


def _kind_of_type(kind):
    """The kind of column that values of a Python type make; None if they make none."""
    if issubclass(kind, (bool, np.bool_)):
        return BOOLEAN
    if issubclass(kind, str):
        return STRING
    if issubclass(kind, (date, np.datetime64)):
        return DATETIME
    if issubclass(kind, (timedelta, np.timedelta64)):
        return _DURATION
    return NUMERIC if issubclass(kind, (Real, Decimal)) else None


def _check_finite(column, numbers):
    """Raise ValueError if a number is infinite."""
    infinite = np.isinf(numbers)
    if infinite.any():
        row = int(infinite.argmax())
        column.refuse(
            f"contains infinity, such as {shown(float(numbers[row]))} in row {row}: replace it by a number, or by NaN "
            "if it is not known."
        )
