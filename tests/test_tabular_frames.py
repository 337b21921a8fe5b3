"""Frames of pandas and polars and tables of pyarrow give the preprocessor the same numbers."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import TabularPreprocessor

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")

N = 40
BERLIN = ZoneInfo("Europe/Berlin")


def holes(values, step):
    """The values with None at each step."""
    return [None if i % step == 1 else value for i, value in enumerate(values)]


VALUES = {
    "float": holes([0.5 * i for i in range(N)], 7),
    "integer": [i * i for i in range(N)],
    "nullable": holes(range(N), 5),
    "boolean": holes([i % 3 == 0 for i in range(N)], 11),
    "string": holes([["red", "green", "blue"][i % 3] for i in range(N)], 9),
    "category": holes([["low", "high", "middle", "none"][i % 4] for i in range(N)], 9),
    "time": holes([datetime(2024, 3, 30, 22) + timedelta(minutes=37 * i) for i in range(N)], 8),
    "zone": holes([datetime(2024, 1, 1, 12, tzinfo=UTC) + timedelta(days=9 * i) for i in range(N)], 8),
    "day": holes([date(2024, 1, 1) + timedelta(days=13 * i) for i in range(N)], 6),
    "duration": holes([timedelta(seconds=i + 0.25) for i in range(N)], 6),
    "empty": [None] * N,
}
KINDS = {
    "float": "numeric", "integer": "numeric", "nullable": "numeric", "boolean": "boolean", "string": "string",
    "category": "categorical", "time": "datetime", "zone": "datetime", "day": "datetime", "duration": "numeric",
    "empty": "numeric",
}  # fmt: skip


def arrow_table():
    table = pyarrow.table({**VALUES, "duration": pyarrow.array(VALUES["duration"], pyarrow.duration("us"))})
    local = table["zone"].cast(pyarrow.timestamp("us", "Europe/Berlin"))
    table = table.set_column(table.column_names.index("zone"), "zone", local)
    category = table["category"].dictionary_encode()
    return table.set_column(table.column_names.index("category"), "category", category)


def polars_frame():
    return polars.DataFrame(VALUES).with_columns(
        polars.col("category").cast(polars.Categorical),
        polars.col("zone").dt.convert_time_zone("Europe/Berlin"),
    )


def polars_enum_frame():
    return polars_frame().with_columns(polars.col("category").cast(polars.Enum(["none", "low", "middle", "high"])))


def pandas_frame():
    frame = pandas.DataFrame(VALUES)
    frame["category"] = frame["category"].astype("category")
    frame["zone"] = pandas.to_datetime(frame["zone"]).dt.tz_convert("Europe/Berlin")
    return frame


def nullable_pandas_frame():
    return pandas_frame().convert_dtypes().assign(empty=pandas.array([pandas.NA] * N, dtype="Float64"))


def arrow_pandas_frame():
    return arrow_table().to_pandas(types_mapper=pandas.ArrowDtype).assign(category=pandas_frame()["category"])


def objects_of_pandas():
    frame = pandas.DataFrame({name: pandas.Series(values, dtype=object) for name, values in VALUES.items()})
    frame["zone"] = [None if v is None else v.astimezone(BERLIN) for v in VALUES["zone"]]
    return frame.assign(category=pandas_frame()["category"], duration=pandas_frame()["duration"])


FRAMES = [pandas_frame, nullable_pandas_frame, arrow_pandas_frame, objects_of_pandas, polars_frame, polars_enum_frame,
          arrow_table]  # fmt: skip


@pytest.fixture(scope="module")
def expected():
    """Outputs for the values as NumPy's arrays and Python's objects, one column after the other."""
    X = np.empty((N, len(VALUES)), dtype=object)
    for number, (name, values) in enumerate(VALUES.items()):
        X[:, number] = values
        if name == "zone":
            X[:, number] = [None if v is None else v.astimezone(BERLIN) for v in values]
        if name == "duration":
            X[:, number] = [np.nan if v is None else v.total_seconds() for v in values]
    return TabularPreprocessor().fit_transform(X)


@pytest.mark.parametrize("make", FRAMES, ids=lambda make: make.__name__)
def test_every_kind_of_frame_gives_the_same_numbers(make, expected):
    frame = make()
    table = TabularPreprocessor().fit(frame)
    assert dict(zip(VALUES, table.kinds_, strict=True)) == KINDS
    assert_allclose(table.transform(frame), expected, rtol=1e-12, atol=1e-12)
    assert list(table.feature_names_in_) == list(VALUES)


@pytest.mark.parametrize("make", FRAMES, ids=lambda make: make.__name__)
def test_what_was_learnt_from_one_frame_reads_the_others(make, expected):
    table = TabularPreprocessor().fit(pandas_frame())
    assert_allclose(table.transform(make()), expected, rtol=1e-12, atol=1e-12)


def test_columns_in_another_order_or_missing_get_scikit_learns_error():
    frame = pandas_frame()
    table = TabularPreprocessor().fit(frame)
    for other in (frame[list(VALUES)[::-1]], frame.drop(columns="float"), polars_frame()[list(VALUES)[::-1]]):
        with pytest.raises(ValueError, match="The feature names should match those that were passed during fit"):
            table.transform(other)


def test_columns_named_as_categories():
    table = TabularPreprocessor(["integer"]).fit(polars_frame()[["float", "integer"]])
    assert table.kinds_ == ["numeric", "categorical"] and len(table.categories_[1]) == N
    with pytest.raises(ValueError, match="there is no 'colour' in X, whose columns are"):
        TabularPreprocessor(["colour"]).fit(pandas_frame())


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_output_as_a_frame(library):
    frame = pandas_frame()
    table = TabularPreprocessor().set_output(transform=library)
    result = table.fit_transform(frame)
    assert list(result.columns) == table.get_feature_names_out().tolist()
    assert_array_equal(np.asarray(result), TabularPreprocessor().fit_transform(frame))


def test_a_column_of_dates_may_be_missing_throughout_when_predicting():
    table = TabularPreprocessor().fit(pandas.DataFrame({"day": pandas.to_datetime(["2024-01-01", None, "2024-02-05"])}))
    first = table.transform(pandas.DataFrame({"day": [None]}))
    assert_array_equal(first, table.transform(pandas.DataFrame({"day": [np.nan]})))
    assert_array_equal(first, table.transform(pandas.DataFrame({"day": pandas.to_datetime([None])})))


def test_exact_numbers_of_databases_are_numbers():
    values = [Decimal("1.5"), None, Decimal("2.25"), Decimal("7")]
    expected = TabularPreprocessor().fit_transform([[1.5], [np.nan], [2.25], [7]])
    for frame in (pandas.DataFrame({"price": values}), polars.DataFrame({"price": values}),
                  pyarrow.table({"price": values})):  # fmt: skip
        assert_array_equal(TabularPreprocessor().fit_transform(frame), expected)


UNUSABLE = {
    "sparse": (lambda: pandas.DataFrame({"x": pandas.arrays.SparseArray([0.0, 1.0])}), "is sparse.*to_dense"),
    "period": (lambda: pandas.DataFrame({"x": pandas.period_range("2020", periods=2, freq="Y")}), "holds period"),
    "time of day": (lambda: polars.DataFrame({"x": [datetime(2020, 1, 1, 5).time()] * 2}), "holds Time"),
    "list": (lambda: pyarrow.table({"x": [[1], [2]]}), "holds list<"),
    "struct": (lambda: polars.DataFrame({"x": [{"a": 1}, {"a": 2}]}), "holds Struct"),
    "infinity": (lambda: pyarrow.table({"x": [1.0, np.inf]}), "contains infinity"),
    "empty": (lambda: pandas.DataFrame({"x": []}), None),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_what_cannot_be_used_is_refused_by_the_name_of_its_column(case):
    make, reason = UNUSABLE[case]
    with pytest.raises(ValueError, match=f"(?s)Column 'x' of X {reason}" if reason else "0 sample"):
        TabularPreprocessor().fit(make())


@pytest.mark.exhaustive  # a process of its own
def test_it_works_where_no_library_of_frames_is_installed():
    code = "import sys; sys.modules.update(dict.fromkeys(['pandas', 'polars', 'pyarrow'])); import fastnet; "
    code += "print(fastnet.TabularPreprocessor().fit([[1.0, 'a'], [2.0, 'b']]).kinds_)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['numeric', 'string']"
