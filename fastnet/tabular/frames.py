"""Columns of data frames and tables: pandas, polars and pyarrow, none of which is imported before it is given."""

import sys

import numpy as np

from .columns import (
    BOOLEAN,
    CATEGORICAL,
    DATETIME,
    MICROSECONDS,
    NUMERIC,
    STRING,
    ArrayColumn,
    Column,
    seconds,
    without_missing,
)


class PandasColumn(Column):
    """A series of pandas."""

    def kind(self):
        types, dtype = sys.modules["pandas"].api.types, self.values.dtype
        if isinstance(dtype, sys.modules["pandas"].SparseDtype):
            self.refuse(
                "is sparse, and columns of a table are not: make it dense by .sparse.to_dense(), or give it to another "
                "estimator by a ColumnTransformer."
            )
        if isinstance(dtype, np.dtype):
            return self._array().kind()
        if isinstance(dtype, sys.modules["pandas"].CategoricalDtype):
            return CATEGORICAL
        if str(dtype) == "null[pyarrow]":
            return None
        if types.is_bool_dtype(dtype):
            return BOOLEAN
        if types.is_numeric_dtype(dtype) or dtype.kind == "m":
            return NUMERIC
        if types.is_datetime64_any_dtype(dtype) or _is_arrow_date(dtype):
            return DATETIME
        if types.is_string_dtype(dtype) or str(dtype).startswith(("string", "large_string")):
            return STRING
        return self.refuse_type(str(dtype))

    def _array(self):
        return ArrayColumn(self.name, self.values.to_numpy())

    def numbers(self):
        if isinstance(self.values.dtype, np.dtype):
            return self._array().numbers()
        if self.values.dtype.kind == "m":
            return seconds(self.values.to_numpy("timedelta64[us]"))
        return self.values.to_numpy(np.float64, na_value=np.nan)

    def levels(self):
        if isinstance(self.values.dtype, sys.modules["pandas"].CategoricalDtype):
            codes, levels = self.values.cat.codes.to_numpy(), self.values.cat.categories
        else:
            codes, levels = self.values.factorize()
        return without_missing(np.asarray(codes, np.intp), levels.tolist())

    def moments(self):
        if isinstance(self.values.dtype, np.dtype):
            return self._array().moments()
        if _is_arrow_date(self.values.dtype):
            return self.values.astype("timestamp[us][pyarrow]").to_numpy(MICROSECONDS)
        return self.values.dt.tz_localize(None).to_numpy(MICROSECONDS)


def _is_arrow_date(dtype):
    return str(dtype).startswith(("date32", "date64"))


class PolarsColumn(Column):
    """A series of polars."""

    def kind(self):
        polars, dtype = sys.modules["polars"], self.values.dtype
        if dtype == polars.Object:
            return self._array().kind()
        if dtype == polars.Null:
            return None
        if dtype == polars.Boolean:
            return BOOLEAN
        if dtype.is_numeric() or dtype == polars.Duration:
            return NUMERIC
        if dtype == polars.Categorical or dtype == polars.Enum:
            return CATEGORICAL
        if dtype == polars.String:
            return STRING
        if dtype == polars.Datetime or dtype == polars.Date:
            return DATETIME
        return self.refuse_type(str(dtype))

    def _array(self):
        # the last entry keeps NumPy from looking into lists
        return ArrayColumn(self.name, np.array([*self.values.to_list(), None], dtype=object)[:-1])

    def numbers(self):
        polars, values = sys.modules["polars"], self.values
        if values.dtype == polars.Object:
            return self._array().numbers()
        if values.dtype == polars.Duration:
            return values.dt.total_microseconds().cast(polars.Float64).to_numpy() / 1e6
        return values.cast(polars.Float64).to_numpy()

    def levels(self):
        polars, values = sys.modules["polars"], self.values
        if values.dtype == polars.Object:
            return self._array().levels()
        if values.dtype == polars.Categorical or values.dtype == polars.Enum:
            values = values.cast(polars.String)
        found = values.drop_nulls().unique()
        if not len(found):
            return np.full(len(values), -1, np.intp), []
        codes = values.replace_strict(found, range(len(found)), default=-1, return_dtype=polars.Int64)
        return without_missing(codes.to_numpy(), found.to_list())

    def moments(self):
        polars, values = sys.modules["polars"], self.values
        if values.dtype == polars.Object:
            return self._array().moments()
        if values.dtype == polars.Datetime:
            values = values.dt.replace_time_zone(None)
        return values.cast(polars.Datetime("us")).to_numpy().astype(MICROSECONDS)


class ArrowColumn(Column):
    """A column of a pyarrow table."""

    def kind(self):
        types, dtype = sys.modules["pyarrow"].types, self.values.type
        if types.is_null(dtype):
            return None
        if types.is_boolean(dtype):
            return BOOLEAN
        if types.is_integer(dtype) or types.is_floating(dtype) or types.is_decimal(dtype) or types.is_duration(dtype):
            return NUMERIC
        if types.is_dictionary(dtype):
            return CATEGORICAL
        if types.is_string(dtype) or types.is_large_string(dtype) or types.is_string_view(dtype):
            return STRING
        if types.is_timestamp(dtype) or types.is_date(dtype):
            return DATETIME
        return self.refuse_type(str(dtype))

    def numbers(self):
        arrow = sys.modules["pyarrow"]
        is_duration = arrow.types.is_duration(self.values.type)
        # not safe: large integers are rounded, as everywhere
        values = self.values.cast(arrow.duration("us") if is_duration else arrow.float64(), safe=False).to_numpy()
        return seconds(values) if is_duration else values.astype(np.float64)

    def levels(self):
        values = self.values
        if sys.modules["pyarrow"].types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        encoded = values.combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return without_missing(codes.astype(np.intp), encoded.dictionary.to_pylist())

    def moments(self):
        import pyarrow.compute  # not a part of what `import pyarrow` brings

        values = self.values
        if getattr(values.type, "tz", None) is not None:
            values = pyarrow.compute.local_timestamp(values)
        return values.cast(pyarrow.timestamp("us"), safe=False).to_numpy().astype(MICROSECONDS)


def _is_from(module, kind, X):
    """Whether X is of a class of a module, which is not imported for that."""
    library = sys.modules.get(module)
    return library is not None and isinstance(X, getattr(library, kind))


def is_frame(X):
    """Whether X is a frame or table with columns of its own types."""
    return any(_is_from(*one, X) for one in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table")))


def columns_of(X):
    """The columns of a table.

    Parameters
    ----------
    X : DataFrame, pyarrow table or ndarray of shape (n_samples, n_features)
        The table.

    Returns
    -------
    list of Column

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.tabular.frames import columns_of
    >>> [column.kind() for column in columns_of(np.array([[1.5, "a"], [None, "b"]], dtype=object))]
    ['numeric', 'string']
    """
    if _is_from("pandas", "DataFrame", X):
        return [PandasColumn(name, X.iloc[:, number]) for number, name in enumerate(X.columns)]
    if _is_from("polars", "DataFrame", X):
        return [PolarsColumn(series.name, series) for series in X.get_columns()]
    if _is_from("pyarrow", "Table", X):
        return [ArrowColumn(name, X.column(number)) for number, name in enumerate(X.column_names)]
    return [ArrayColumn(number, X[:, number]) for number in range(X.shape[1])]
