"""What of a table reaches the networks inside: embeddings of its columns, and the parameters of their training."""

import pickle
from datetime import datetime, timedelta

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from problems import same_bits
from sklearn.base import clone

from fastnet import TabularMLPClassifier, TabularMLPRegressor
from fastnet.features import PBLD, Cosine, Embedding, Scale
from fastnet.initializers import DataDependent
from fastnet.optimizers import Adam, AdamW
from fastnet.tabular.presets import PRESETS

ESTIMATORS = [TabularMLPClassifier, TabularMLPRegressor]
QUICK = {"preset": "fast", "hidden_layer_sizes": (24, 16), "n_members": 1, "max_iter": 6, "random_state": 0,
         "numeric_embedding": False, "embedding": False, "input_scale": False}  # fmt: skip
EMBEDDED = {**QUICK, "numeric_embedding": PBLD(), "embedding": Embedding(3), "input_scale": True}


@pytest.fixture(scope="module")
def table():
    """(X, y): numbers, of which some are missing, two levels, few, 40 levels, dates; a target that the levels make."""
    rng = np.random.default_rng(0)
    X, street = np.empty((400, 6), dtype=object), rng.integers(0, 40, 400)
    area = rng.normal(size=400)
    X[:, 0] = [None if missing else float(a) for a, missing in zip(area, rng.random(400) < 0.1, strict=True)]
    X[:, 1], X[:, 2] = rng.normal(size=400), rng.random(400) < 0.5
    X[:, 3] = rng.choice(["north", "south", "east"], 400)
    X[:, 4] = [f"street {i}" if i else None for i in street]
    X[:, 5] = [datetime(2020, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 900, 400)]
    return X, rng.normal(size=40)[street] + 0.3 * np.sin(3 * X[:, 1].astype(float))


def targets_for(cls, y):
    return np.array(["low", "high"])[(y > 0).astype(int)] if cls is TabularMLPClassifier else y


def names_of(model):
    return model.preprocessor_.get_feature_names_out().tolist()


def outputs(model, X):
    return model.predict_proba(X) if isinstance(model, TabularMLPClassifier) else model.predict(X)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_parameter_of_the_training_reaches_the_networks(cls, table):
    X, y = table
    own = {"input_scale": Scale(2.0), "rate_factors": [1.0, 0.5, 0.25], "bias_rate_factor": 0.1,
           "dropout_schedule": "flat_cosine", "decay_schedule": "cosine", "solver": AdamW(weight_decay=0.1),
           "init": DataDependent(), "output_init": "zeros", "bias_init": "data", "dropout": 0.2}  # fmt: skip
    model = cls(**{**EMBEDDED, **own, "n_members": 2}).fit(X, targets_for(cls, y))
    assert {name: model.parameters_[name] for name in own} == own
    for net in model.estimators_:
        params = net.get_params()
        assert {name: params[name] for name in own} == own and params["ema_decay"] is None
        assert [op for op, _ in net.features] == [PBLD(), Embedding(3)] and len(net.features_) == 3
        assert np.ptp(net.intercepts_[0]) > 0.1  # of the data
    plain = cls(**QUICK).fit(X, targets_for(cls, y)).estimators_[0]
    preset, left = PRESETS["regression"]["fast"], own.keys() - {"input_scale"}
    assert {name: getattr(plain, name) for name in left} == {name: preset[name] for name in left}


def test_numbers_and_dates_are_embedded_and_levels_as_many_as_they_are(table):
    X, y = table
    model = TabularMLPRegressor(**EMBEDDED).fit(X, y)
    names, net = names_of(model), model.estimators_[0]
    (numeric, of_numbers), (embedding, of_levels) = net.features
    assert [names[i] for i in of_numbers] == ["x0", "x1", "x5_year", "x5_month", "x5_day", "x5_weekday"]
    assert [names[i] for i in of_levels] == ["x4"]
    assert len(names) == 6 + 1 + 1 + 1 + 3  # an indicator, one of two levels, and three of a few pass through
    assert net.features_[1]["tables"][0].shape == (40, 3)  # 39 levels and one for what is missing
    assert net.coefs_[0].shape[0] == 6 * 4 + 3 + 5
    assert not (model.preprocessor_.cardinalities_[of_numbers]).any()
    # up to max_one_hot levels have columns of their own
    few = TabularMLPRegressor(**EMBEDDED, max_one_hot=2).fit(X, y)
    assert [names_of(few)[i] for i in few.estimators_[0].features[1][1]] == ["x3", "x4"]
    many = TabularMLPRegressor(**EMBEDDED, max_one_hot=40).fit(X, y).estimators_[0]
    assert [op for op, _ in many.features] == [PBLD()]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_an_embedding_learns_levels_and_knows_none_it_has_not_seen(cls, table):
    X, y = table
    t = targets_for(cls, y)
    model = cls(**{**EMBEDDED, "max_iter": 60}).fit(X[:320], t[:320])
    assert model.score(X[320:], t[320:]) > 0.75
    unseen, other = X[:40].copy(), X[:40].copy()
    unseen[:, 4], other[:, 4] = "unseen", "another"
    assert same_bits([outputs(model, unseen)], [outputs(model, other)])
    # an unseen level is code -1, and so zeros; a missing one has a row of its own
    net, table_ = model.estimators_[0], model.preprocessor_
    at = net.features[1][1][0]
    assert (table_.transform(unseen)[:, at] == -1).all()
    other[:, 4] = None
    assert (table_.transform(other)[:, at] == len(net.features_[1]["tables"][0]) - 1).all()
    assert np.abs(outputs(model, other) - outputs(model, unseen)).max() > 1e-3
    net.features_[1]["tables"][0][:] = 0.0
    assert same_bits([outputs(model, other)], [outputs(model, unseen)])


def test_levels_that_only_the_rows_held_out_have_are_unseen(table):
    X, y = table
    X = X.copy()
    X[350:, 4] = "held out"
    model = TabularMLPRegressor(**EMBEDDED).fit(X[:350], y[:350], X_val=X[350:], y_val=y[350:])
    assert model.estimators_[0].features_[1]["tables"][0].shape == (40, 3)
    last = TabularMLPRegressor(**EMBEDDED, validation_split="last", validation_fraction=50 / 400).fit(X, y)
    assert_array_equal(last.estimators_[0].features_[1]["tables"][0].any(axis=1), np.ones(40, bool))
    assert np.isfinite(last.validation_scores_).all()


def test_each_member_embeds_the_levels_of_its_own_rows(table):
    X, y = table
    X = X.copy()
    X[:100, 4] = [f"rare {i // 2}" for i in range(100)]
    model = TabularMLPRegressor(**{**EMBEDDED, "n_members": 2}, clip_predictions=False).fit(X, y)
    levels = [columns.categories_[4] for columns in model.preprocessors_]
    assert levels[0] != levels[1]
    alone = []
    for columns, net, own in zip(model.preprocessors_, model.estimators_, levels, strict=True):
        assert len(net.features_[1]["tables"][0]) == len(own) + 1  # and what is missing
        alone.append(net.predict(columns.transform(X)))
    assert same_bits([model.predict(X)], [np.mean(alone, axis=0)])
    # nothing is encoded twice where all learn from the same rows
    for params in ({"validation_fraction": 0}, {"refit": True}):
        model = TabularMLPRegressor(**{**EMBEDDED, "n_members": 2}, **params).fit(X, y)
        assert model.preprocessors_[0] is model.preprocessors_[1]


def test_rare_levels_share_a_row(table):
    X, y = table
    X = X.copy()
    X[:3, 4] = ["once", "just once", "one time"]
    model = TabularMLPRegressor(**EMBEDDED, min_frequency=2, validation_fraction=0).fit(X, y)
    codes = model.preprocessor_.transform(X[:3])[:, model.estimators_[0].features[1][1][0]]
    assert len(set(codes)) == 1 and codes[0] >= 0


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    ("columns", "kinds"), [([0, 1], [PBLD]), ([3, 4], [Embedding]), ([2, 3], []), ([4], [Embedding]), ([5], [Cosine])]
)
def test_tables_without_some_kinds_of_columns(columns, kinds, cls, table):
    X, y = table
    model = cls(**{**EMBEDDED, "numeric_embedding": Cosine(5) if len(columns) == 1 else PBLD()})
    model.fit(X[:, columns], targets_for(cls, y))
    net = model.estimators_[0]
    assert [type(op) for op, _ in net.features or []] == kinds
    assert np.isfinite(outputs(model, X[:, columns])).all() and "scales" in net.features_[-1]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_refit_learns_levels_again_and_follows_all_schedules(cls, table):
    X, y = table
    X, y, seen = X.copy(), targets_for(cls, y), []
    X[-60:, 4] = [f"late {i // 2}" for i in range(60)]

    def schedule(progress):
        seen.append(progress)
        return 1.0 - 0.5 * progress

    model = cls(**{**EMBEDDED, "max_iter": 10}, solver=AdamW(weight_decay=0.1), dropout=0.1, dropout_schedule=schedule,
                decay_schedule=schedule, validation_split="last", validation_fraction=0.15, refit=True)  # fmt: skip
    model.fit(X, y)
    net, best = model.estimators_[0], model.n_iter_
    assert net.features_[1]["tables"][0].shape[0] > 60  # also those that were held out before
    assert net.dropout_schedule is net.decay_schedule is schedule and best < 10
    # of ten epochs, also where fewer are trained
    again = seen[len(seen) - 1 - seen[::-1].index(0.0) :]
    assert (best - 1) / 10 <= max(again) < best / 10
    assert np.isfinite(outputs(model, X)).all()


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_embedded_tables_are_pickled_cloned_and_the_same_for_any_threads(cls, table):
    X, y = table
    y = targets_for(cls, y)
    model = cls(**EMBEDDED, n_jobs=1).fit(X, y)
    sent = pickle.dumps(model)
    assert same_bits([outputs(pickle.loads(sent), X)], [outputs(model, X)]) and b"fastnet.tabular" not in sent
    again = clone(model).set_params(n_jobs=2, embedding__n_outputs=3).fit(X, y)
    assert same_bits([outputs(again, X)], [outputs(model, X)])
    assert again.get_params() == {**model.get_params(), "n_jobs": 2}
    assert same_bits([outputs(model, X[:1])], [outputs(model, X)[:1]])


def preset_with(monkeypatch, **values):
    for name, value in values.items():
        monkeypatch.setitem(PRESETS["regression"]["fast"], name, value)


def test_a_presets_parts_are_left_out_beside_a_solver_that_cannot_have_them(table, monkeypatch):
    X, y = table
    preset_with(monkeypatch, solver=AdamW(), decay_schedule="flat_cosine", rate_factors="fan_in", bias_rate_factor=0.1,
                embedding=Embedding(), learning_rate="one_cycle", dropout=0.1)  # fmt: skip
    params = {name: value for name, value in QUICK.items() if name != "embedding"}
    net = TabularMLPRegressor(**params).fit(X, y).estimators_[0]
    assert (net.decay_schedule, net.rate_factors, net.bias_rate_factor) == ("flat_cosine", "fan_in", 0.1)
    assert net.features[0][0] == Embedding()

    model = TabularMLPRegressor(**params, solver=Adam()).fit(X, y)
    assert model.parameters_["decay_schedule"] == "constant" and model.parameters_["rate_factors"] == "fan_in"
    model = TabularMLPRegressor(**params, solver="rprop").fit(X, y)
    left = {"rate_factors": 1.0, "bias_rate_factor": 1.0, "learning_rate": "constant", "batch_size": "all",
            "dropout": 0.0}  # fmt: skip
    assert {name: model.parameters_[name] for name in left} == left
    for own in ({"solver": "schedule_free_adamw"}, {"ema_decay": 0.9}):
        model = TabularMLPRegressor(**params, **own).fit(X, y)
        assert model.parameters_["embedding"] is False and model.estimators_[0].features is None
        assert not model.preprocessor_.codes and len(names_of(model)) > 40  # a column for each level


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"embedding": Embedding(), "ema_decay": 0.9}, "embedding=Embedding.* ema_decay=0.9 averages.*set ema_decay=0"),
        ({"embedding": Embedding(), "solver": "schedule_free_adamw"}, "embedding=.*'schedule_free_adamw' averages"),
        ({"decay_schedule": "cosine", "solver": Adam()}, "decay_schedule changes a decoupled weight decay"),
        ({"rate_factors": 0.5, "solver": "rprop"}, "rate_factors"),
        ({"dropout": 0.5, "solver": "rprop"}, "dropout above 0"),
        ({"rate_factors": [1.0, 0.5]}, "rate_factors must be one number, or hold one for each layer"),
        ({"numeric_embedding": True}, "numeric_embedding"),
        ({"numeric_embedding": Embedding()}, "numeric_embedding=Embedding.*PBLD"),
        ({"embedding": PBLD()}, "embedding"),
        ({"embedding": "embedding"}, "embedding"),
        ({"input_scale": 2.0}, "input_scale"),
        ({"dropout_schedule": "reduce_on_plateau"}, "dropout_schedule"),
        ({"bias_init": "ones"}, "bias_init"),
    ],
)
def test_contradictions_are_refused_by_name(own, message, table):
    X, y = table
    model = TabularMLPRegressor(**{**QUICK, **own})
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert vars(model) == before
