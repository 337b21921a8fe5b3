"""The estimators for tables: scikit-learn's checks, what they are made of, and what they refuse."""

import pickle
import warnings
from time import perf_counter

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import d2_pinball_score, log_loss
from sklearn.model_selection import GridSearchCV, GroupShuffleSplit, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnet import MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor
from fastnet.activations import SELU
from fastnet.losses import LogLoss, Quantile, Quantiles
from fastnet.optimizers import Adam
from fastnet.tabular.history import mean_curve
from fastnet.tabular.members import FirstEpochs
from fastnet.tabular.presets import NAMES, PRESETS

ESTIMATORS = [TabularMLPClassifier, TabularMLPRegressor]
QUICK = {"preset": "fast", "hidden_layer_sizes": (24, 16), "n_members": 1, "max_iter": 6, "random_state": 0}


def broken_by_a_holdout(estimator):
    reason = "which rows are held out, and what dropout drops, depends on the number of rows"
    return {"check_sample_weight_equivalence_on_dense_data": reason}


@parametrize_with_checks(
    [cls(preset="fast", hidden_layer_sizes=32, n_members=2, max_iter=15) for cls in ESTIMATORS],
    expected_failed_checks=broken_by_a_holdout,
)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def table():
    """(X, y): 300 rows of numbers, categories and missing values, and a target that all columns make."""
    rng = np.random.default_rng(0)
    X = np.empty((300, 4), dtype=object)
    numbers, colour, shape = rng.normal(size=(300, 2)), rng.choice(["red", "green", "blue"], 300), rng.random(300) < 0.5
    X[:, :2], X[:, 2], X[:, 3] = numbers * [1e6, 1e-6], colour, shape
    y = numbers[:, 0] + 2.0 * (colour == "red") - 1.5 * shape * numbers[:, 1]
    X[rng.random((300, 4)) < 0.05] = None
    return X, 5000.0 + 700.0 * y


def classes_of(y, n_classes=3):
    """Names of classes by the size of a target."""
    return np.array(["few", "more", "most"])[np.searchsorted(np.quantile(y, [1 / 3, 2 / 3]), y)][: len(y)]


def targets_for(cls, y):
    return classes_of(y) if cls is TabularMLPClassifier else y


def outputs(model, X):
    return model.predict_proba(X) if is_classifier(model) else model.predict(X)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_it_learns_from_all_columns(cls, table):
    X, y = table
    model = cls("fast", hidden_layer_sizes=64, random_state=0).fit(X[:220], targets_for(cls, y)[:220])
    assert model.score(X[220:], targets_for(cls, y)[220:]) > 0.7
    for column in (0, 2):
        other = X.copy()
        other[:, column] = None
        assert model.score(other, targets_for(cls, y)) < model.score(X, targets_for(cls, y))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_weights_equal_repetitions_without_noise_holdout_and_mini_batches(cls, table):
    X, y = table
    rng = np.random.default_rng(0)
    weight, y = rng.integers(0, 4, 300), targets_for(cls, y)
    params = {**QUICK, "dropout": 0.0, "validation_fraction": 0, "batch_size": "all", "dtype": "float64",
              "learning_rate": "constant", "max_iter": 30}  # fmt: skip
    weighted = cls(**params).fit(X, y, sample_weight=weight.astype(float))
    repeated = cls(**params).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_allclose(outputs(weighted, X), outputs(repeated, X), rtol=1e-7)
    plain = cls(**params).fit(X, y)
    assert abs(outputs(weighted, X) / outputs(plain, X) - 1).max() > 1e-3


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("preset", NAMES)
def test_a_preset_stands_for_the_parameters_that_are_none(cls, preset, table):
    X, y = table
    task = "classification" if cls is TabularMLPClassifier else "regression"
    model = cls(preset, max_iter=2, hidden_layer_sizes=(8,), n_members=1, random_state=0)
    before = model.get_params()
    model.fit(X, targets_for(cls, y))
    assert model.get_params() == before
    assert model.parameters_ == {**PRESETS[task][preset], "max_iter": 2, "hidden_layer_sizes": (8,), "n_members": 1}
    # and a network inside is trained with them
    net = model.estimators_[0]
    alike = ("solver", "dropout", "learning_rate", "learning_rate_init", "activation", "rate_factors", "init", "loss",
             "bias_rate_factor", "input_scale", "output_init", "bias_init")  # fmt: skip
    assert {name: getattr(net, name) for name in alike} == {name: PRESETS[task][preset][name] for name in alike}
    assert net.max_iter == 2
    assert set(PRESETS[task][preset]) <= set(before)


def test_what_is_set_takes_the_place_of_the_presets_value(table):
    X, y = table
    own = {"loss": "log_loss", "solver": Adam(), "activation": SELU(), "alpha": 0.01, "batch_size": 50, "dropout": 0.3,
           "ema_decay": 0.9, "init": "he_normal", "learning_rate": "constant", "learning_rate_init": 0.002,
           "n_iter_no_change": 3, "scoring": "balanced_accuracy", "max_one_hot": 2, "min_frequency": 0.1,
           "calibration": False, "n_members": 2, "validation_fraction": 0.3}  # fmt: skip
    model = TabularMLPClassifier(**{**QUICK, **own}).fit(X, classes_of(y))
    assert {name: model.parameters_[name] for name in own} == own
    net = model.estimators_[1].get_params()
    alike = own.keys() - {"calibration", "n_members", "max_one_hot", "min_frequency", "validation_fraction"}
    assert {name: net[name] for name in alike} == {name: own[name] for name in alike}
    assert net["calibration"] is None and not hasattr(model.estimators_[0], "temperature_")
    assert len(model.estimators_) == 2
    assert model.set_params(loss=LogLoss()).set_params(loss__label_smoothing=0.2).loss == LogLoss(label_smoothing=0.2)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_it_is_the_preprocessor_and_a_network_by_hand(cls, table):
    """With rows to validate with, and no target to scale, there is nothing else in it."""
    X, y = table
    is_class = cls is TabularMLPClassifier
    y = classes_of(y) if is_class else (y - y[:200].mean()) / y[:200].std()
    own = {"calibration": False} if is_class else {"clip_predictions": False}
    model = cls(**QUICK, **own).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    columns = TabularPreprocessor().fit(X[:200])
    assert_array_equal(columns.transform(X), model.preprocessor_.transform(X))
    params = clone(model.estimators_[0]).get_params(deep=False)
    assert params["validation_split"] is None and params["max_time"] is None
    net = (MLPClassifier if is_class else MLPRegressor)(**params)
    as_trained = columns.transform(X[:200]).astype(np.float32)
    net.fit(as_trained, y[:200], X_val=columns.transform(X[200:]), y_val=y[200:])
    assert_allclose(outputs(model, X), outputs(net, columns.transform(X)), rtol=1e-5, atol=1e-5)
    assert_allclose(model.validation_scores_, net.validation_scores_, rtol=1e-4)
    assert len(model.loss_curve_) == model.n_iter_ == 6


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_nothing_is_learnt_from_rows_held_out(cls, table):
    """Columns, levels and the target's scale are those of the other rows."""
    X, y = table
    X, y = X.copy(), y.copy()
    X[250:, 0], X[250:, 2] = 1e9, "held out"
    if cls is TabularMLPRegressor:
        y[250:] += 1e6
    model = cls(**QUICK, validation_split="last", validation_fraction=50 / 300).fit(X, targets_for(cls, y))
    alone = TabularPreprocessor().fit(X[:250])
    assert_array_equal(model.preprocessor_.centers_, alone.centers_)
    assert model.preprocessor_.categories_ == alone.categories_
    if cls is TabularMLPRegressor:
        net = model.estimators_[0]
        assert_allclose([*net.target_mean_, *net.target_scale_], [y[:250].mean(), y[:250].std()])
        assert model.predict(X).max() <= y[:250].max()  # clip_predictions


def test_members_are_averaged(table):
    X, y = table
    model = TabularMLPRegressor(**{**QUICK, "n_members": 3}, clip_predictions=False).fit(X, y)
    pairs = zip(model.preprocessors_, model.estimators_, strict=True)
    single = [net.predict(columns.transform(X)) for columns, net in pairs]
    assert_allclose(model.predict(X), np.mean(single, axis=0))
    assert np.ptp(single, axis=0).min() > 0
    assert model.preprocessor_ is model.preprocessors_[0]


def test_each_member_holds_out_rows_of_its_own(table):
    """Those that a splitter names, or the last, are held out by all."""
    X, y = table
    model = TabularMLPRegressor(**{**QUICK, "n_members": 3}).fit(X, y)
    means = [net.target_mean_[0] for net in model.estimators_]
    assert len(set(means)) == 3
    medians = [columns.centers_[0] for columns in model.preprocessors_]
    assert len(set(medians)) == 3
    model = TabularMLPRegressor(**{**QUICK, "n_members": 2}, validation_split="last").fit(X, y)
    assert model.preprocessors_[0] is model.preprocessors_[1]
    assert model.estimators_[0].target_mean_ == model.estimators_[1].target_mean_


def test_a_mean_of_curves_has_the_epochs_of_the_longest():
    assert mean_curve([[1.0, 3.0], [2.0]]) == [1.5, 3.0] and mean_curve([None]) is None


def test_probabilities_of_members_are_averaged(table):
    X, y = table
    model = TabularMLPClassifier(**{**QUICK, "n_members": 3}).fit(X, classes_of(y))
    pairs = zip(model.preprocessors_, model.estimators_, strict=True)
    mean = np.mean([net.predict_proba(columns.transform(X)) for columns, net in pairs], axis=0)
    assert_allclose(model.predict_proba(X), mean)
    assert_allclose(model.predict_log_proba(X), np.log(mean), rtol=1e-6)
    assert_array_equal(model.predict(X), model.classes_[mean.argmax(axis=1)])
    assert all(net.temperature_ != 1 for net in model.estimators_)


def test_several_targets_labels_and_columns_of_classes(table):
    X, y = table
    labels = np.column_stack([y > 5000, y > 6000, y < 4500]).astype(int)
    columns = np.column_stack([classes_of(y), np.where(y > 5000, "high", "low")])
    for many in (1, 2):
        model = TabularMLPClassifier(**{**QUICK, "n_members": many}).fit(X, labels)
        assert model.predict(X).shape == model.predict_proba(X).shape == (300, 3)
        assert model.score(X, labels) == np.mean((model.predict(X) == labels).all(axis=1)) > 0.2
        model = TabularMLPClassifier(**{**QUICK, "n_members": many}).fit(X, columns)
        assert [p.shape for p in model.predict_proba(X)] == [(300, 3), (300, 2)]
        assert model.score(X, columns) == np.mean((model.predict(X) == columns).all(axis=1)) > 0.2
    both = np.column_stack([y, 1e-3 * y**2])
    model = TabularMLPRegressor(**{**QUICK, "max_iter": 30}).fit(X, both)
    assert model.predict(X).shape == (300, 2) and model.estimators_[0].target_scale_.shape == (2,)
    assert model.score(X, both) > 0.7


def test_targets_of_any_unit_are_learnt_alike(table):
    X, y = table
    model = TabularMLPRegressor(**QUICK).fit(X, y)
    other = TabularMLPRegressor(**QUICK).fit(X, 1e-9 * (y - 5000))
    assert_allclose(other.predict(X), 1e-9 * (model.predict(X) - 5000), rtol=1e-3, atol=1e-8)
    constant = TabularMLPRegressor(**QUICK).fit(X, np.full(300, 0.1))
    assert_allclose(constant.predict(X), 0.1)


def test_a_loss_with_a_log_link_sees_the_target_as_it_is(table):
    X, y = table
    counts = np.random.default_rng(0).poisson(np.exp((y - 5000) / 1000))
    model = TabularMLPRegressor("fast", loss="poisson", hidden_layer_sizes=32, random_state=0).fit(X, counts)
    assert not model.estimators_[0].target_scaling
    assert (model.predict(X) > 0).all() and model.score(X, counts) > 0.2
    with pytest.raises(ValueError, match="y >= 0|negative|y"):
        TabularMLPRegressor(loss="poisson").fit(X, counts - 1.0)
    high = TabularMLPRegressor("fast", loss=Quantile(0.9), hidden_layer_sizes=32, random_state=0).fit(X, y)
    assert 0.8 < np.mean(y < high.predict(X)) < 0.99


def test_calibration_takes_back_what_smoothing_does_to_probabilities(table):
    X, y = table
    y = y > 5000
    losses = [
        log_loss(y[200:], TabularMLPClassifier("fast", random_state=0, calibration=own).fit(X[:200], y[:200])
                 .predict_proba(X[200:]))
        for own in ("temperature", False)
    ]  # fmt: skip
    assert losses[0] < losses[1]


def test_class_weights_reach_the_networks(table):
    X, y = table
    y = (y > 6000).astype(int)
    plain = TabularMLPClassifier(**QUICK).fit(X, y)
    heavy = TabularMLPClassifier(**QUICK, class_weight={1: 20.0}).fit(X, y)
    assert heavy.predict(X).mean() > plain.predict(X).mean() + 0.1


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_splitters_see_groups_and_time(cls, table):
    X, y = table
    y, groups = targets_for(cls, y), np.repeat(np.arange(30), 10)
    seen = []

    class Groups(GroupShuffleSplit):
        def split(self, X, y=None, groups=None):
            for train, held_out in super().split(X, y, groups):
                seen.append((train, held_out))
                yield train, held_out

    model = cls(**QUICK, validation_split=Groups(1, random_state=0)).fit(X, y, groups=groups)
    (train, held_out), *_ = seen
    assert len(seen) == 1 and not set(groups[train]) & set(groups[held_out])
    assert_array_equal(model.preprocessor_.centers_, TabularPreprocessor().fit(X[train]).centers_)
    cls(**QUICK, validation_split=TimeSeriesSplit(3)).fit(X, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_refit_trains_again_on_all_rows_for_the_epochs_found(cls, table):
    X, y = table
    y = targets_for(cls, y)
    found = cls(**{**QUICK, "max_iter": 20}).fit(X, y)
    best = int(np.argmax(found.validation_scores_)) + 1
    model = cls(**{**QUICK, "max_iter": 20}, refit=True).fit(X, y)
    net = model.estimators_[0]
    assert model.n_iter_ == net.n_iter_ == best and net.t_ == 300 * best
    assert model.validation_scores_ == found.validation_scores_
    assert_array_equal(model.preprocessor_.centers_, TabularPreprocessor().fit(X).centers_)
    assert net.get_params() == {**found.estimators_[0].get_params(), "batch_size": net.batch_size}
    if cls is TabularMLPClassifier:
        assert net.temperature_ == found.estimators_[0].temperature_
    whole = PRESETS["regression"]["fast"]["learning_rate"]
    epochs = np.arange(0, best, 0.5)
    assert_array_equal(FirstEpochs(whole, 20).factors(epochs, best), whole.factors(epochs, 20))


def test_of_equally_good_epochs_the_latest_is_kept(table):
    X, y = table
    params = {**QUICK, "max_iter": 30, "scoring": "accuracy"}
    found = TabularMLPClassifier(**params).fit(X, targets_for(TabularMLPClassifier, y))
    best = np.flatnonzero(np.equal(found.validation_scores_, max(found.validation_scores_))) + 1
    assert len(best) > 1  # else this test says nothing
    refitted = TabularMLPClassifier(**params, refit=True).fit(X, targets_for(TabularMLPClassifier, y))
    assert refitted.n_iter_ == best[-1]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_time_is_for_all_members(cls, table):
    X, y = table
    y = targets_for(cls, y)
    cls(**QUICK).fit(X, y)  # compiles
    long = {**QUICK, "max_iter": 10**6, "n_members": 50}
    begun = perf_counter()
    model = cls(**long, max_time=0.2).fit(X, y)
    assert 1 <= len(model.estimators_) < 50
    assert model.estimators_[0].stop_reason_ == "max_time"
    assert perf_counter() - begun < 60  # not 50 times as much, on any machine


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads(cls, table):
    X, y = table
    first, second = (cls(**QUICK, n_jobs=n).fit(X, targets_for(cls, y)) for n in (1, 2))
    assert same_bits(parameters(first.estimators_[0]), parameters(second.estimators_[0]))
    other = cls(**{**QUICK, "random_state": 1}).fit(X, targets_for(cls, y))
    assert not same_bits([outputs(first, X)], [outputs(other, X)])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_preset_is_without_dropout_where_there_is_no_hidden_layer(cls, table):
    X, y = table
    model = cls(**{**QUICK, "hidden_layer_sizes": ()}).fit(X, targets_for(cls, y))
    assert model.parameters_["dropout"] == 0.0 and len(model.estimators_[0].coefs_) == 1
    with pytest.raises(ValueError, match=r"dropout=0.2 is for hidden layers, got hidden_layer_sizes=\(\)"):
        cls(**{**QUICK, "hidden_layer_sizes": (), "dropout": 0.2}).fit(X, targets_for(cls, y))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_fit_that_fails_leaves_the_estimator_as_it_was(cls, table):
    X, y = table
    model = cls(**QUICK).fit(X, targets_for(cls, y))
    before = dict(vars(model))
    bad = X.copy()
    bad[3, 0] = np.inf
    with pytest.raises(ValueError, match="Column 0 of X contains infinity"):
        model.fit(bad, targets_for(cls, y))
    assert vars(model) == before


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_pickles_pipelines_and_searches(cls, table):
    X, y = table
    y = targets_for(cls, y)
    model = cls(**QUICK).fit(X, y)
    sent = pickle.dumps(model)
    assert same_bits([outputs(pickle.loads(sent), X)], [outputs(model, X)])
    assert len(sent) < len(pickle.dumps(cls(**QUICK).fit(np.repeat(X, 20, axis=0), np.repeat(y, 20)))) + 20000
    assert b"fastnet.tabular" not in sent
    pipeline = make_pipeline(FunctionTransformer(), cls(**QUICK)).fit(X, y)
    assert pipeline.predict(X).shape == (300,)
    search = GridSearchCV(cls(**QUICK), {"preset": ["fast", "default"], "dropout": [None, 0.1]}, cv=2).fit(X, y)
    assert search.best_estimator_.parameters_["dropout"] in (0.0, 0.1, 0.15)
    assert "TabularMLP" in model._repr_html_()
    assert not hasattr(model, "partial_fit")


def test_frames_are_taken_as_they_are(table):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    X, y = table
    frame = pandas.DataFrame({"large": X[:, 0].astype(float), "small": X[:, 1].astype(float), "colour": X[:, 2]})
    model = TabularMLPRegressor(**QUICK).fit(frame, pandas.Series(y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_allclose(
            model.predict(
                polars.DataFrame({"large": X[:, 0].tolist(), "small": X[:, 1].tolist(), "colour": X[:, 2].tolist()})
            ),
            model.predict(frame),
        )
    assert list(model.feature_names_in_) == list(model.preprocessor_.feature_names_in_) == ["large", "small", "colour"]
    with pytest.raises(ValueError, match="(?s)feature names should match.*order"):
        model.predict(frame[["small", "large", "colour"]])
    with pytest.warns(UserWarning, match="X does not have valid feature names, but TabularMLPRegressor") as caught:
        model.predict(X[:, :3])
    assert len(caught) == 1


REFUSED = [
    ({"preset": "slow"}, {}, "preset"),
    ({"validation_fraction": 0, "scoring": "accuracy"}, {}, "scoring='accuracy' needs rows that are not trained on"),
    ({"validation_fraction": 0, "calibration": "temperature"}, {}, "calibration='temperature' needs rows"),
    ({"validation_fraction": 0, "refit": True}, {}, "refit=True needs rows that are held out"),
    ({"validation_fraction": 0, "validation_split": "last"}, {}, "holds out no row"),
    ({"validation_split": TimeSeriesSplit}, {}, r"write TimeSeriesSplit\(\)"),
    ({"solver": "lbfgs"}, {}, "solver"),
    ({"loss": "hinge"}, {}, "loss"),
    ({"calibration": True}, {}, "calibration"),
    ({}, {"groups": np.zeros(300)}, "groups are for a splitter"),
    ({}, {"X_val": np.zeros((5, 4))}, "X_val is given without y_val"),
    ({}, {"sample_weight_val": np.ones(5)}, "sample_weight_val is given without"),
    ({"refit": True}, {"X_val": np.zeros((5, 4)), "y_val": ["few"] * 5}, "refit=True trains again with the rows"),
    ({"validation_split": "last"}, {"X_val": np.zeros((5, 4)), "y_val": ["few"] * 5}, "take the place of rows"),
    ({}, {"X_val": np.zeros((5, 3)), "y_val": ["few"] * 5}, "X has 3 features"),
    ({}, {"X_val": np.zeros((5, 4), dtype=object), "y_val": ["none"] * 5}, "labels that are not in y"),
    ({}, {"X_val": np.zeros((4, 4)), "y_val": ["few"] * 5}, "inconsistent numbers of samples"),
    ({}, {"sample_weight": np.zeros(300)}, "zero"),
    ({"max_iter": 0}, {}, "max_iter"),
]


@pytest.mark.parametrize(("params", "own", "message"), REFUSED)
def test_contradictions_are_refused(params, own, message, table):
    X, y = table
    with pytest.raises(ValueError, match=message):
        TabularMLPClassifier(**{**QUICK, **params}).fit(X, classes_of(y), **own)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_losses_of_distributions(n_targets, table):
    X, y = table
    y = y if n_targets == 1 else np.column_stack([y, 1e-3 * y[::-1]])
    model = TabularMLPRegressor(**QUICK, loss=Quantiles((0.1, 0.5, 0.9)), clip_predictions=True).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == (*y.shape, 3) and (np.diff(predicted, axis=-1) >= 0).all()
    of_levels = [d2_pinball_score(y, predicted[..., k], alpha=q) for k, q in enumerate((0.1, 0.5, 0.9))]
    assert_allclose(model.score(X, y), np.mean(of_levels))
    mean = TabularMLPRegressor(**QUICK, loss="gaussian_nll").fit(X, y)
    assert mean.predict(X).shape == y.shape and mean.score(X, y) > -1


def test_members_can_watch_the_calibrated_log_loss(table):
    X, y = table
    model = TabularMLPClassifier(**QUICK, scoring="calibrated_log_loss").fit(X, classes_of(y))
    assert np.isfinite(model.validation_scores_).all() and max(model.validation_scores_) < 0


def test_without_a_holdout_the_last_epoch_is_kept(table):
    X, y = table
    model = TabularMLPRegressor(**QUICK, validation_fraction=0).fit(X, y)
    assert model.validation_scores_ is None and len(model.loss_curve_) == model.n_iter_ == 6
    model = TabularMLPClassifier(**QUICK, validation_fraction=0).fit(X, classes_of(y))
    assert model.parameters_["calibration"] is False and model.parameters_["scoring"] is None


@pytest.mark.exhaustive
@pytest.mark.parametrize("preset", NAMES)
def test_every_preset_beats_linear_models(preset, table):
    X, y = table
    for cls, linear in ((TabularMLPClassifier, LogisticRegression()), (TabularMLPRegressor, Ridge())):
        t = targets_for(cls, y)
        theirs = make_pipeline(TabularPreprocessor(), linear).fit(X[:220], t[:220]).score(X[220:], t[220:])
        assert cls(preset, random_state=0).fit(X[:220], t[:220]).score(X[220:], t[220:]) > theirs


@pytest.mark.parametrize("cls", [*ESTIMATORS, TabularPreprocessor])
def test_the_documented_attributes_are_those_that_fits_set(cls, table):
    docscrape = pytest.importorskip("numpydoc.docscrape")
    pandas = pytest.importorskip("pandas")
    X, y = table
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model = cls().fit(frame) if cls is TabularPreprocessor else cls(**QUICK).fit(frame, targets_for(cls, y))
    fitted = {name for name in vars(model) if name.endswith("_")} | {"history_"} & set(dir(model))
    assert {n for p in docscrape.ClassDoc(cls)["Attributes"] for n in p.name.split(", ")} == fitted


def test_an_interrupt_ends_the_training_of_all_members(table, monkeypatch):
    X, y = table
    fits = []

    def interrupted(self, *data, _fit=MLPRegressor.fit, **own):
        _fit(self, *data, **own).stop_reason_ = "interrupt" if len(fits) == 1 else "max_iter"
        fits.append(self)
        return self

    monkeypatch.setattr(MLPRegressor, "fit", interrupted)
    for refit in (False, True):
        fits.clear()
        model = TabularMLPRegressor(**{**QUICK, "n_members": 5}, refit=refit).fit(X, y)
        assert len(fits) == len(model.estimators_) == 2
