"""The preprocessor for tables: kinds of columns, encodings, scales and refusals, by hand-worked values and NumPy."""

import pickle
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnet import TabularPreprocessor
from fastnet.tabular.encoding import PARTS, date_parts
from fastnet.tabular.scaling import weighted_quantiles


@parametrize_with_checks([TabularPreprocessor(), TabularPreprocessor(codes=True, dtype="float32")])
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


def column(*values):
    """A table of one column of Python objects."""
    table = np.empty((len(values), 1), dtype=object)
    table[:, 0] = values
    return table


def plain(**params):
    """Without the smooth clip, so that values can be worked out by hand."""
    return TabularPreprocessor(**{"smooth_clip": None, **params})


def clip(x):
    return x / np.sqrt(1 + (x / 3) ** 2)


def test_numbers_are_centred_by_the_median_scaled_by_the_quartiles_and_clipped():
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 100])[:, np.newaxis]
    # quartiles between the second and the third number from either end
    expected = clip((x - 4.5) / (6.5 - 2.5))
    assert_allclose(TabularPreprocessor().fit_transform(x), expected, rtol=1e-15)
    assert_allclose(TabularPreprocessor().fit(x).transform(x), expected, rtol=1e-15)
    assert_allclose(plain().fit_transform(x), (x - 4.5) / 4, rtol=1e-15)


def test_numbers_of_which_most_are_equal_are_scaled_by_the_others_and_constants_are_zero():
    # of the second column three are not 1: their distances are 1, 4 and 999, of which 4 is the median
    X = np.column_stack([[0.0] * 9 + [5.0], [1.0] * 7 + [0.0, 5.0, 1000.0], [7.0] * 10])
    expected = np.column_stack([[0.0] * 9 + [2.0], [0.0] * 7 + [-0.5, 2.0, 499.5], [0.0] * 10])
    assert_allclose(plain().fit_transform(X), expected)
    assert_array_equal(plain().fit(X).scales_, [0.4, 0.5, 0.0])
    twice = np.vstack([X, X[-1]])
    weight = np.array([1.0] * 9 + [2.0])
    assert_array_equal(plain().fit(X, sample_weight=weight).scales_, plain().fit(twice).scales_)


def test_missing_numbers_become_the_median_and_get_an_indicator_if_training_had_them():
    X = np.array([[1.0, 1], [2, 2], [np.nan, 3], [3, 4]])
    table = plain().fit(X)
    assert table.get_feature_names_out().tolist() == ["x0", "x0_missing", "x1"]
    # the indicator's quartiles are 0 and 1/2, since a quarter of it is 1
    assert_allclose(table.transform(X), np.column_stack([[-0.5, 0, 0, 0.5], [0, 0, 2, 0], [-0.75, -0.25, 0.25, 0.75]]))
    assert_allclose(table.transform([[2, np.nan]]), [[0, 0, 0]])


def test_very_large_and_very_close_numbers_stay_finite():
    rng = np.random.default_rng(0)
    x = np.concatenate([[1.7e308, -1.7e308], rng.normal(size=98), [5e-324, 0.0]])
    for values in (x, x * 1e-300, np.where(np.arange(100) < 50, -1.7e308, 1.7e308)):
        for transform in (plain(), TabularPreprocessor()):
            assert np.isfinite(transform.fit_transform(values[:, np.newaxis])).all()


@pytest.mark.parametrize("low", [0.25, 0.5, 0.3])
def test_weighted_quantiles_are_those_of_repeated_values(low):
    rng = np.random.default_rng(0)
    values, weight = rng.normal(size=60).round(1), rng.integers(1, 5, 60)
    expected = np.quantile(np.repeat(values, weight), [low, 0.9], method="averaged_inverted_cdf")
    assert_allclose(weighted_quantiles(values, weight.astype(float), [low, 0.9]), expected, rtol=1e-12)
    assert_allclose(weighted_quantiles(values, weight / 1000, [low, 0.9]), expected, rtol=1e-12)
    assert_allclose(weighted_quantiles(values, None, [0.5]), np.median(values))


def test_a_weight_is_a_repetition_also_of_levels_and_missing_values():
    rng = np.random.default_rng(1)
    X = np.empty((80, 3), dtype=object)
    X[:, 0] = np.where(rng.random(80) < 0.2, None, rng.normal(size=80))
    X[:, 1] = rng.choice(["a", "b", "c", None, "seldom"], 80, p=[0.3, 0.3, 0.2, 0.17, 0.03])
    X[:, 2] = [datetime(2020, 1 + i % 12, 1 + i % 28, i % 24) for i in range(80)]
    weight = rng.integers(0, 4, 80)
    weighted = TabularPreprocessor(min_frequency=8).fit(X, sample_weight=weight)
    repeated = TabularPreprocessor(min_frequency=8).fit(np.repeat(X, weight, axis=0))
    assert "x1_rare" in weighted.get_feature_names_out()
    assert_array_equal(weighted.get_feature_names_out(), repeated.get_feature_names_out())
    assert_allclose(weighted.transform(X), repeated.transform(X), rtol=1e-12)


def test_two_levels_become_one_column_with_the_middle_for_what_is_missing_or_new():
    table = plain().fit(column("no", "yes", "no", None))
    assert table.get_feature_names_out().tolist() == ["x0_yes"]
    # -1, 1, -1, 0: median -1/2, quartiles -1 and 1/2
    assert_allclose(table.transform(column("no", "yes", None, "perhaps"))[:, 0], np.array([-0.5, 1.5, 0.5, 0.5]) / 1.5)


def test_several_levels_become_one_hot_with_zeros_for_new_ones():
    table = plain().fit(column("a", "b", "c", "a", "b", "c", "d", None))
    assert table.categories_ == [["a", "b", "c", "d"]]
    assert table.get_feature_names_out().tolist() == ["x0_a", "x0_b", "x0_c", "x0_d", "x0_missing"]
    # of eight, two are 1: q75 is 1/2, the scale 2; one is 1: q75 is 0, the scale 2 / 1
    expected = 2.0 * np.vstack([np.eye(5), np.zeros(5)])
    assert_allclose(table.transform(column("a", "b", "c", "d", None, "new")), expected)


def test_a_missing_value_that_training_had_not_is_like_a_new_level():
    table = plain().fit(column("a", "b", "c"))
    assert_array_equal(table.transform(column(None)), table.transform(column("new")))


def test_rare_levels_share_one_column():
    values = ["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["d", "e", "e"]
    table = TabularPreprocessor(min_frequency=3).fit(column(*values))
    assert table.get_feature_names_out().tolist() == ["x0_a", "x0_b", "x0_c", "x0_rare"]
    d, e, new = table.transform(column("d", "e", "new"))
    assert (d == e).all() and (d != new).any()
    share = TabularPreprocessor(min_frequency=0.3).fit(column(*values))
    assert share.categories_ == [["a"]]  # 4 of 15 are less than 0.3
    most = TabularPreprocessor(max_categories=3).fit(column(*values))
    assert most.get_feature_names_out().tolist() == ["x0_a", "x0_b", "x0_rare"]


def test_codes_of_many_levels_with_places_for_rare_missing_and_new_ones():
    values = [f"{i:02}" for i in range(12)] * 2 + ["rare", None]
    table = TabularPreprocessor(codes=True, min_frequency=2).fit(column(*values))
    assert_array_equal(table.cardinalities_, [14])
    assert table.get_feature_names_out().tolist() == ["x0"]
    assert_array_equal(table.transform(column("00", "11", "rare", None, "new"))[:, 0], [0, 11, 12, 13, -1])
    few = TabularPreprocessor(codes=True).fit(column(*"abcdefgh"))
    assert_array_equal(few.cardinalities_, [0] * 8)
    many = TabularPreprocessor(codes=True, max_one_hot=7).fit(column(*"abcdefgh"))
    assert_array_equal(many.cardinalities_, [8])


def test_names_of_outputs_are_unique():
    table = TabularPreprocessor().fit(column("missing", "rare", "c", "c", "rare", "rare", None))
    names = table.get_feature_names_out().tolist()
    assert names == ["x0_c", "x0_missing", "x0_rare", "x0_missing_"]


def test_parts_of_dates_are_those_of_the_calendar():
    moments = np.array(["1969-12-31T23:59:59.5", "2000-02-29T00:00:00", "2024-11-26T13:05:07", "NaT"], "M8[us]")
    parts = dict(zip(PARTS, date_parts(moments, PARTS), strict=True))
    for number, moment in enumerate(moments[:3].tolist()):
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        assert parts["year"][number] == moment.year and parts["month"][number] == moment.month
        assert parts["day"][number] == moment.day and parts["weekday"][number] == moment.weekday()
        assert parts["hour"][number] == moment.hour
        assert parts["second"][number] == (moment - midnight).total_seconds()
    assert all(np.isnan(part[3]) for part in parts.values())


def test_parts_of_dates_that_never_change_are_left_out():
    table = plain().fit(column(date(2020, 3, 2), date(2020, 4, 6), None, date(2020, 5, 4)))  # all Mondays
    assert table.get_feature_names_out().tolist() == ["x0_month", "x0_day", "x0_missing"]
    assert_array_equal(table.transform(column(None))[0, :2], [0, 0])
    constant = plain().fit(column(date(2020, 3, 2), date(2020, 3, 2)))
    assert_array_equal(constant.transform(column(date(2021, 1, 1))), [[0]])


@pytest.mark.parametrize("own", [[0], [True, False], np.array([0])])
def test_numbers_that_are_named_become_categories(own):
    X = np.column_stack([[3.0, 1, 2, 3, np.nan], np.arange(5.0)])
    table = TabularPreprocessor(own).fit(X)
    assert table.kinds_ == ["categorical", "numeric"]
    assert table.get_feature_names_out().tolist() == ["x0_1.0", "x0_2.0", "x0_3.0", "x0_missing", "x1"]


def test_lists_and_arrays_of_objects_and_strings():
    rows = [[1.5, "a", True], [2.5, "b", False], [0.5, "a", True]]
    table = TabularPreprocessor().fit(rows)
    assert table.kinds_ == ["numeric", "string", "boolean"]
    assert_array_equal(table.transform(rows), table.transform(np.array(rows, dtype=object)))
    assert TabularPreprocessor().fit(np.array([["a"], ["b"]])).kinds_ == ["string"]


@pytest.mark.parametrize("missing", [None, float("nan"), np.timedelta64("NaT")], ids=repr)
def test_durations_in_arrays_of_objects_are_seconds(missing):
    durations = column(timedelta(minutes=1), np.timedelta64(3, "s"), missing, timedelta(milliseconds=500))
    numbers = column(60.0, 3.0, None, 0.5)
    expected = TabularPreprocessor().fit(numbers)
    table = TabularPreprocessor().fit(durations)
    assert table.kinds_ == ["numeric"]
    assert_array_equal(table.transform(durations), expected.transform(numbers))


REFUSED = {
    "infinity": (column(1.0, np.inf), ValueError, "Column 0 of X contains infinity, such as inf in row 1"),
    "mixed": (column("a", 1.0), ValueError, "Column 0 of X holds values of several kinds, numeric and string"),
    "durations and numbers": (column(timedelta(1), 1.0), ValueError, "several kinds, duration and numeric"),
    "objects": (column("a", [1]), TypeError, "Column 0 of X holds an entry of type list"),
    "complex": (column(1.0, 2j), ValueError, "Complex data not supported: column 0"),
    "text": (
        column(*(f"This is the review number {i} of a film" for i in range(60))), ValueError,
        "(?s)Column 0 of X holds free text.*ColumnTransformer",
    ),
    "bytes": (np.array([[b"a"], [b"b"]]), ValueError, "Column 0 of X holds bytes"),
    "masked": (np.ma.masked_array([[1.0], [2.0]], [[True], [False]]), ValueError, "masked entries are missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_by_its_column_and_leaves_the_preprocessor_as_it_was(case):
    X, error, message = REFUSED[case]
    table = TabularPreprocessor().fit([[1.0, 2.0], [3.0, 4.0]])
    before = dict(vars(table))
    with pytest.raises(error, match=message):
        table.fit(X)
    assert vars(table) == before


def test_free_text_that_is_named_as_a_category_is_one():
    X = column(*(f"This is the review number {i} of a film" for i in range(60)))
    assert TabularPreprocessor([0], max_categories=None).fit_transform(X).shape == (60, 60)


@pytest.mark.parametrize(
    ("trained", "now"), [((1.0, 2.0), ("a",)), ((1.0, 2.0), (date(2020, 1, 1),)), ((date(2020, 1, 1),), ("a",))]
)
def test_a_column_of_another_kind_than_in_training_is_refused(trained, now):
    table = TabularPreprocessor().fit(column(*trained))
    with pytest.raises(ValueError, match="Column 0 of X was .* in training, now it is"):
        table.transform(column(*now))


@pytest.mark.parametrize(
    ("own", "message"),
    [([3], "at least 0 and below 1"), ([True, False], "one entry for each of the 1 columns"),
     (["a"], "there is no 'a' in X, which is no frame"), ([1.5], "a mask, or numbers or names")],
)  # fmt: skip
def test_columns_that_are_not_there_are_refused(own, message):
    with pytest.raises(ValueError, match=message):
        TabularPreprocessor(own).fit([[1.0], [2.0]])


def test_pickles_clones_and_pipelines():
    X = column(*"abcab")
    table = TabularPreprocessor(codes=True).fit(X)
    assert_array_equal(pickle.loads(pickle.dumps(table)).transform(X), table.transform(X))
    assert b"fastnet.tabular" not in pickle.dumps(table)  # plain data under the public name outlives moves
    assert not hasattr(clone(table), "kinds_")
    both = ColumnTransformer([("table", TabularPreprocessor(), [0])]).fit(X)
    assert both.get_feature_names_out().tolist() == ["table__x0_a", "table__x0_b", "table__x0_c"]
