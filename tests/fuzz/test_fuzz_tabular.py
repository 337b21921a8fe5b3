"""Tables of any columns in any container: the preprocessor's numbers are usable, and so are the networks on them."""

import pickle

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from judge import attempt, names_one_of, parts
from profiles import FAST, MANY
from vocabulary import SCHEDULES, parameters, reals

from fastnet import TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor, features

for library in ("pandas", "polars", "pyarrow"):
    pytest.importorskip(library)

from frames import CONTAINERS, OBJECTS, frames, in_container  # noqa: E402

REFUSALS = (ValueError, TypeError)
OPTIONS = st.fixed_dictionaries({}, optional={
    "max_one_hot": st.integers(2, 9),
    "codes": st.booleans(),
    "max_categories": st.one_of(st.integers(2, 9), st.none()),
    "min_frequency": st.one_of(st.integers(1, 20), reals(0.01, 0.9)),
    "smooth_clip": st.one_of(reals(0.5, 9.0), st.none()),
})  # fmt: skip
# Of the networks inside, and those that a table's estimator has itself.
_SHARED = (
    "activation", "solver", "learning_rate", "rate_factors", "bias_rate_factor", "alpha", "dropout", "decay_schedule",
    "dropout_schedule", "init", "output_init", "bias_init", "input_scale", "class_weight", "max_time",
)  # fmt: skip
OWN = {
    "preset": st.sampled_from(["fast", "default", "best"]),
    "max_one_hot": st.integers(2, 9),
    "min_frequency": st.one_of(st.integers(1, 5), reals(0.01, 0.5)),
    "numeric_embedding": st.sampled_from([False, features.PBLD(4), features.PiecewiseLinear(5), features.Scale()]),
    "embedding": st.sampled_from([False, features.Embedding(2)]),
    "batch_size": st.one_of(st.sampled_from(["auto", "all"]), st.integers(1, 50)),
    "ema_decay": reals(0.0, 0.99),
    "n_iter_no_change": st.one_of(st.integers(1, 5), st.just(np.inf)),
    "validation_fraction": st.one_of(reals(0.0, 0.9), st.sampled_from([0.0, 0.3])),
    "validation_split": st.sampled_from([None, "last"]),
    "learning_rate_init": reals(1e-4, 1.0),
    "n_members": st.integers(1, 3),
    "refit": st.booleans(),
    "dtype": st.sampled_from(["auto", "float32", "float64"]),
    "dropout_schedule": SCHEDULES,
}


def rows_of(X, rows):
    """Some rows of a table, in the container that it has."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X.take(rows) if hasattr(X, "take") and hasattr(X, "column_names") else X[rows]


def assert_same(a, b):
    for x, y in zip(parts(a), parts(b), strict=True):
        assert x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")


def check_preprocessor(frame, options):
    X, table = frame.given(), TabularPreprocessor(**options)
    learnt = attempt(lambda: table.fit_transform(X), table, REFUSALS)
    assert learnt.error is None, learnt.error
    Z, names = learnt.result, table.get_feature_names_out()
    assert Z.shape == (frame.rows, len(names)) and len(set(names)) == len(names) and np.isfinite(Z).all()
    is_code = table.cardinalities_ > 0
    if table.smooth_clip is not None:
        assert (np.abs(Z[:, ~is_code]) <= table.smooth_clip).all()
    assert ((Z[:, is_code] >= -1) & (Z[:, is_code] < table.cardinalities_[is_code])).all()
    assert_same(table.transform(X), Z)
    assert_same(pickle.loads(pickle.dumps(table)).transform(X), Z)
    rows = np.random.default_rng(0).permutation(frame.rows)[:7]
    assert_same(table.transform(rows_of(X, rows)), Z[rows])
    # other values, levels that are new and more that is missing
    later = attempt(lambda: table.transform(frame.given(again=1)), table, REFUSALS)
    was_empty = any(all(v is None for v in one.values(frame.rows)) for one in frame.columns)
    assert later.error is None or (was_empty and str(later.error).startswith("Column ")), later.error
    assert later.error is not None or np.isfinite(later.result).all()


def check_containers(frame, options):
    """What a frame holds is what Python's objects say, whatever holds it."""
    columns = {f"column {i}": one.values(frame.rows) for i, one in enumerate(frame.columns)}
    kinds = [one.kind for one in frame.columns]
    if {"zoned", *OBJECTS} & set(kinds):  # which not all of them have, or show by another clock
        return
    outputs = [TabularPreprocessor(**options).fit_transform(in_container(c, columns, kinds)) for c in CONTAINERS]
    for Z in outputs[1:]:
        assert_same(Z, outputs[0])


@st.composite
def fits(draw):
    """(estimator, frame, y): a table's estimator with some parameters."""
    classifier = draw(st.booleans())
    frame = draw(frames(least_rows=10))
    hidden = draw(st.sampled_from([4, (5, 3), ()]))
    space = parameters(np.size(hidden), classifier, few=True)
    space = {**{name: space[name] for name in _SHARED if name in space}, **OWN}
    chosen = draw(st.lists(st.sampled_from(sorted(set(space))), unique=True, max_size=6))
    values = {"preset": "fast", "n_members": 2} | {name: draw(space[name]) for name in chosen}
    values |= {"hidden_layer_sizes": hidden, "max_iter": 2, "random_state": 0}
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    y = rng.integers(0, draw(st.integers(1, 4)), frame.rows) if classifier else rng.normal(5.0, 2.0, frame.rows)
    return (TabularMLPClassifier if classifier else TabularMLPRegressor)(**values), frame, y


def outputs_of(net, X):
    """What all methods of prediction return."""
    return [getattr(net, name)(X) for name in ("predict", "predict_proba", "predict_log_proba") if hasattr(net, name)]


def check_estimator(case):
    net, frame, y = case
    X = frame.given()
    trained = attempt(lambda: net.fit(X, y), net, REFUSALS)
    event("refused" if trained.error else "trained")
    if trained.error is not None:
        names = {*net.get_params(deep=False), "X", "y", "n_samples", "Column"}
        assert names_one_of(trained.error, names), f"names nothing: {trained.error}"
        return
    first = attempt(lambda: outputs_of(net, X)).result
    for values in first[:2]:
        assert len(values) == frame.rows
        assert values.dtype.kind != "f" or np.isfinite(values).all() or trained.said("Numbers in training")
    for a, b in zip(first, outputs_of(pickle.loads(pickle.dumps(net)), X), strict=True):
        assert_same(a, b)
    if net.max_time is None:
        again = type(net)(**{**net.get_params(deep=False), "n_jobs": 2})
        attempt(lambda: again.fit(X, y))
        for a, b in zip(first, outputs_of(again, X), strict=True):
            assert_same(a, b)


@FAST
@given(frames(), OPTIONS)
def test_columns_of_a_table_become_usable_numbers(frame, options):
    check_preprocessor(frame, options)


@pytest.mark.exhaustive
@MANY
@given(frames(), OPTIONS)
def test_columns_of_every_table_become_usable_numbers(frame, options):
    check_preprocessor(frame, options)


@FAST
@given(frames(), OPTIONS)
def test_the_container_of_a_table_does_not_matter(frame, options):
    check_containers(frame, options)


@pytest.mark.exhaustive
@MANY
@given(frames(), OPTIONS)
def test_no_container_of_a_table_matters(frame, options):
    check_containers(frame, options)


@FAST
@given(fits())
def test_a_table_trains_warns_or_is_refused_by_name(case):
    check_estimator(case)


@pytest.mark.exhaustive
@MANY
@given(fits())
def test_every_table_trains_warns_or_is_refused_by_name(case):
    check_estimator(case)
