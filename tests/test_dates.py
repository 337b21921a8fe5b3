"""Dates, times and whatever else is no number are refused by the name of the column, not read as numbers."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0]
DAYS = pd.date_range("2020-01-01", periods=60)
DATES = [day.date() for day in DAYS]


def regressor(**params):
    return fastnet.MLPRegressor(**{"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0} | params)


def frame(column, library=pd):
    return library.DataFrame({"a": X[:, 0], "when": column, "b": X[:, 1]})


OF_PANDAS = {
    "datetimes": (DAYS, "datetime64"),
    "datetimes of a time zone": (DAYS.tz_localize("UTC"), "datetime64"),
    "durations": (DAYS - DAYS[0], "timedelta64"),
    "periods": (DAYS.to_period("D"), "period"),
    "dates": (DATES, "date"),
    "timestamps as objects": (pd.Series(list(DAYS), dtype=object), "Timestamp"),
    "dates of NumPy as objects": (pd.Series([np.datetime64("2020-01-01", "ns")] * 60, dtype=object), "datetime64"),
    "durations as objects": (pd.Series([datetime.timedelta(1)] * 60, dtype=object), "timedelta"),
    "categories of dates": (pd.Categorical(DAYS), "datetime64"),
    "no times": ([pd.NaT] * 60, "datetime64"),
}
OF_POLARS = {
    "dates": (pl.Series(DATES), "Date"),
    "datetimes": (pl.Series(list(DAYS)), "Datetime"),
    "durations": (pl.Series([datetime.timedelta(1)] * 60), "Duration"),
    "times": (pl.Series([datetime.time(1)] * 60), "Time"),
    "objects": (pl.Series(DATES, dtype=pl.Object), "date"),
}
FRAMES = [(frame(column), dtype) for column, dtype in OF_PANDAS.values()]
FRAMES += [(frame(column, pl), dtype) for column, dtype in OF_POLARS.values()]
FRAME_NAMES = [f"{name}, pandas" for name in OF_PANDAS] + [f"{name}, polars" for name in OF_POLARS]


@pytest.mark.parametrize(("data", "dtype"), FRAMES, ids=FRAME_NAMES)
def test_columns_of_dates_are_refused_by_name(data, dtype):
    message = f"X must hold numbers, got {dtype}.* in column 'when': convert it, such as to days since a date"
    library = pd if isinstance(data, pd.DataFrame) else pl
    numbers = frame(X[:, 2], library)
    fitted = regressor().fit(numbers, Y)
    for call in (regressor().fit, regressor().partial_fit, fitted.score):
        with pytest.raises(ValueError, match="^" + message):
            call(data, Y)
    with pytest.raises(ValueError, match="^" + message):
        fitted.predict(data)
    with pytest.raises(ValueError, match="^" + message):
        fastnet.MLPClassifier(max_iter=1).fit(data, Y > 0)
    with pytest.raises(ValueError, match="^" + message.replace("X", "X_val", 1)):
        regressor(early_stopping=True).fit(numbers, Y, X_val=data, y_val=Y)
    with pytest.raises(ValueError, match="^" + message.replace("X", "y", 1)):
        regressor().fit(X, data)


SERIES = [(pd.Series(column), dtype) for column, dtype in OF_PANDAS.values()] + list(OF_POLARS.values())
OTHERS = [(DAYS, "datetime64"), (list(DAYS), "Timestamp"), (DAYS.to_numpy(), "datetime64"), (DATES, "date")]
OTHERS += [([np.datetime64("2020-01-01")] * 60, "datetime64")]


@pytest.mark.parametrize(("y", "dtype"), SERIES + OTHERS)
def test_targets_that_are_dates_are_refused(y, dtype):
    for call in (regressor().fit, regressor().partial_fit, regressor().fit(X, Y).score):
        with pytest.raises(ValueError, match=f"^y must hold numbers, got {dtype}"):
            call(X, y)
    with pytest.raises(ValueError, match=f"^y_val must hold numbers, got {dtype}"):
        regressor(early_stopping=True).fit(X, Y, X_val=X, y_val=y)


def test_lists_and_objects_with_dates_are_refused():
    mixed = [[DATES[0], 1, 2]] * 60
    for rows in (mixed, np.array(mixed, object), [[np.datetime64("2020")] * 3] * 60):
        with pytest.raises(ValueError, match="^X must hold numbers, got date"):
            regressor().fit(rows, Y)


NO_NUMBERS = {
    "text": (["high"] * 60, ValueError, "could not convert string to float: 'high' in column 'when'.*OneHotEncoder"),
    "categories": (pd.Categorical(["a", "b"] * 30), ValueError, "string to float: 'a' in column 'when'"),
    "complex": (X[:, 0] * 1j, ValueError, "X must hold real numbers in column 'when'"),
    "lists": ([[1, 2]] * 60, ValueError, r"got \[1, 2\] in column 'when'"),
    "intervals": (pd.interval_range(0, 60), TypeError, "got Interval.* in column 'when'"),
    "large integers": ([10**400] * 60, ValueError, "X has a value too large for float64, .* in column 'when'"),
    "missing": (pd.Series([pd.NA] + [1.0] * 59, dtype=object), ValueError, "Input X contains NaN in column 'when'"),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_other_columns_that_are_no_numbers_are_named(kind):
    column, error, message = NO_NUMBERS[kind]
    with pytest.raises(error, match=message):
        regressor().fit(frame(column), Y)


def test_nested_columns_of_polars_are_named():
    for column in (pl.Series([[1, 2]] * 60), pl.Series([{"a": 1, "b": 2}] * 60)):
        with pytest.raises((TypeError, ValueError), match="^X must hold .* in column 'when'"):
            regressor().fit(frame(column, pl), Y)


NUMBERS = {
    "categories": pd.Categorical([1, 2] * 30),
    "nullable": pd.array([1, 2] * 30, dtype="Int64"),
    "digits": ["1", "2"] * 30,
    "objects": pd.Series([1, 2.0] * 30, dtype=object),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_columns_that_hold_numbers_are_taken_as_numbers(kind):
    expected = regressor().fit(frame([1.0, 2.0] * 30), Y)
    np.testing.assert_array_equal(regressor().fit(frame(NUMBERS[kind]), Y).coefs_[0], expected.coefs_[0])
