"""What early stopping watches: samples held out or of the user's own, scores, and whose weights are kept."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from problems import name_of
from scipy.sparse import coo_matrix, csr_array
from sklearn import config_context
from sklearn.metrics import get_scorer, log_loss, mean_squared_error
from sklearn.model_selection import (
    GridSearchCV,
    GroupShuffleSplit,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

import fastnet
from fastnet.losses import LogLoss, Quantile
from fastnet.training.splits import split_by, split_last, split_rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

COMMON = {"hidden_layer_sizes": (8,), "early_stopping": True, "random_state": 0, "learning_rate_init": 0.01}


def classifier(**params):
    return fastnet.MLPClassifier(**COMMON | {"max_iter": 6} | params)


def regressor(**params):
    return fastnet.MLPRegressor(**COMMON | {"max_iter": 6} | params)


def parameters(model):
    return model.coefs_ + model.intercepts_


def same_bits(a, b):
    return all(np.array_equal(p, q) for p, q in zip(parameters(a), parameters(b), strict=True))


def halves(data, n=200):
    X, y = data
    return X[:n], y[:n], {"X_val": X[n:], "y_val": y[n:]}


# Samples of one's own


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_own_samples_are_watched_as_the_same_ones_held_out(make, weighted, digits, diabetes):
    """The same rows, in the same order, reach training and validation in both ways: the same bits."""
    data = digits if make is classifier else diabetes
    X, y, own = halves(data)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(data[1])) if weighted else None
    held_out = make(validation_split=PredefinedSplit(np.r_[np.full(200, -1), np.zeros(len(data[1]) - 200)]))
    held_out.fit(*data, sample_weight=weight)
    if weighted:
        own |= {"sample_weight_val": weight[200:]}
    given = make().fit(X, y, None if weight is None else weight[:200], **own)
    assert same_bits(held_out, given)
    assert held_out.validation_scores_ == given.validation_scores_
    assert held_out.loss_curve_ == given.loss_curve_
    assert given.t_ == given.n_iter_ * 200


def test_the_score_is_that_of_the_model_that_is_kept(digits):
    X, y, own = halves(digits)
    model = classifier(max_iter=20, learning_rate_init=0.05).fit(X, y, **own)
    assert model.best_validation_score_ == max(model.validation_scores_) == model.score(*own.values())


@pytest.mark.parametrize("kind", ["float64", "float32", "csr", "fortran", "frame"])
@pytest.mark.parametrize("train_kind", ["dense", "csr"])
def test_own_samples_of_any_kind(digits, kind, train_kind):
    X, y, own = halves(digits)
    X, X_val = np.abs(X), np.abs(own["X_val"])
    kinds = {
        "float64": X_val, "float32": X_val.astype(np.float32), "csr": csr_array(X_val),
        "fortran": np.asfortranarray(X_val), "frame": pd.DataFrame(X_val),
    }  # fmt: skip
    expected = classifier(dtype="float32").fit(X, y, X_val=X_val, y_val=own["y_val"])
    X = csr_array(X) if train_kind == "csr" else X
    model = classifier(dtype="float32").fit(X, y, X_val=kinds[kind], y_val=own["y_val"].tolist())
    assert_allclose(model.validation_scores_, expected.validation_scores_, atol=0.011)
    assert_allclose(model.coefs_[0], expected.coefs_[0], atol=1e-4)


def test_own_labels_are_encoded_as_those_of_training(digits):
    X, y, own = halves(digits)
    names = np.array([f"digit {i}" for i in range(10)], dtype=object)
    expected = classifier().fit(X, y, **own)
    named = classifier().fit(X, names[y], X_val=own["X_val"], y_val=pd.Series(names[own["y_val"]], dtype="category"))
    assert named.validation_scores_ == expected.validation_scores_
    # not every class need be among them
    few = own["y_val"] < 3
    classifier(max_iter=1).fit(X, y, X_val=own["X_val"][few], y_val=own["y_val"][few])


def test_own_samples_of_several_labels_and_outputs(digits):
    X, y, own = halves(digits)
    labels = (y[:, None] >> np.arange(3)) & 1
    labels_val = (own["y_val"][:, None] >> np.arange(3)) & 1
    model = classifier(max_iter=20).fit(X, labels, X_val=own["X_val"], y_val=labels_val)
    assert model.score(own["X_val"], labels_val) == model.best_validation_score_
    model = regressor(max_iter=20).fit(X, labels, X_val=own["X_val"], y_val=labels_val)
    assert_allclose(model.score(own["X_val"], labels_val), model.best_validation_score_, rtol=1e-5)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 5}])
def test_class_weights_of_own_samples_are_those_of_training(digits, class_weight):
    X, y, own = halves(digits)
    y, y_val = y % 3, own["y_val"] % 3 * (own["y_val"] > 3)
    by_class = dict(enumerate([compute_sample_weight(class_weight, y)[y == c][0] for c in range(3)]))
    weighed = classifier(class_weight=class_weight).fit(X, y, X_val=own["X_val"], y_val=y_val)
    by_hand = classifier().fit(
        X, y, [by_class[c] for c in y], X_val=own["X_val"], y_val=y_val, sample_weight_val=[by_class[c] for c in y_val]
    )
    assert_allclose(weighed.validation_scores_, by_hand.validation_scores_, rtol=1e-6)
    assert same_bits(weighed, by_hand)


@pytest.mark.parametrize("routing", [False, True])
def test_a_pipeline_transforms_own_samples(digits, routing):
    X, y, own = halves(digits)
    scaler = StandardScaler().fit(X)
    expected = classifier().fit(scaler.transform(X), y, X_val=scaler.transform(own["X_val"]), y_val=own["y_val"])
    if not routing:
        with pytest.raises(ValueError, match="X_val has 5 features, X has 64"):
            classifier().fit(X, y, X_val=own["X_val"][:, :5], y_val=own["y_val"])
        return
    with config_context(enable_metadata_routing=True):
        net = classifier().set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
        pipeline = Pipeline([("scale", StandardScaler()), ("net", net)], transform_input=["X_val"])
        pipeline.fit(X, y, **own)
        assert same_bits(pipeline[-1], expected)
        weight = np.arange(len(own["y_val"]))
        pipeline.fit(X, y, **own, sample_weight_val=weight)
        scaled = {"X_val": scaler.transform(own["X_val"]), "y_val": own["y_val"]}
        assert pipeline[-1].score(*scaled.values(), sample_weight=weight) == pipeline[-1].best_validation_score_
        search = GridSearchCV(net, {"alpha": [0.01, 1.0]}, cv=2).fit(X, y, **own)
        assert len(search.best_estimator_.validation_scores_) == 6


WRONG_DATA = {
    "X_val is given without y_val: give both": {"X_val": np.zeros((4, 64))},
    "y_val is given without X_val: give both": {"y_val": [0, 1]},
    "sample_weight_val is given without X_val": {"sample_weight_val": [1.0]},
    "X_val has 5 features, X has 64: both must": {"X_val": np.zeros((4, 5)), "y_val": [0, 1, 2, 3]},
    r"y_val has labels that are not in y, \[10, 11\]: the classes are \[0, 1, 2": {
        "X_val": np.zeros((4, 64)), "y_val": [0, 10, 11, 10]},
    "y_val must be like y, which has one label for each sample": {"X_val": np.zeros((4, 64)), "y_val": np.eye(4)},
    "X_val has 4 samples, y_val has 3: both must have as many": {"X_val": np.zeros((4, 64)), "y_val": [0, 1, 2]},
    "Input X_val contains NaN": {"X_val": np.full((4, 64), np.nan), "y_val": [0, 1, 2, 3]},
    "Input y_val contains NaN": {"X_val": np.zeros((4, 64)), "y_val": [0, 1, 2, np.nan]},
    "X_val must hold numbers, but could not convert string": {"X_val": [["a"] * 64] * 2, "y_val": [0, 1]},
    r"X_val has 1 sample\(s\): give at least 2": {"X_val": np.zeros((1, 64)), "y_val": [0]},
    "Negative values in data passed to `sample_weight_val`": {
        "X_val": np.zeros((2, 64)), "y_val": [0, 1], "sample_weight_val": [1, -1]},
    "sample_weight_val must contain at least one non-zero number": {
        "X_val": np.zeros((2, 64)), "y_val": [0, 1], "sample_weight_val": [0, 0]},
    "Input y_val contains NaN: leave out samples without a label": {
        "X_val": np.zeros((2, 64)), "y_val": np.array(["a", np.nan], object)},
    r"sample_weight_val.shape == \(3,\), expected \(2,\)": {
        "X_val": np.zeros((2, 64)), "y_val": [0, 1], "sample_weight_val": [1, 1, 1]},
    "X_val has values too large for float32": {"X_val": np.full((2, 64), 1e300), "y_val": [0, 1]},
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG_DATA)
def test_wrong_samples_are_refused(digits, message):
    model = classifier()
    with pytest.raises(ValueError, match=message):
        model.fit(*digits, **WRONG_DATA[message])
    assert not hasattr(model, "coefs_")


def test_other_names_of_features_are_refused(digits):
    X, y, own = halves(digits)
    names = [f"p{i}" for i in range(64)]
    frame = pd.DataFrame(X, columns=names)
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        classifier().fit(frame, y, X_val=pd.DataFrame(own["X_val"], columns=names[::-1]), y_val=own["y_val"])


def test_wrong_samples_of_a_regression_are_refused(diabetes):
    X, y, own = halves(diabetes)
    with pytest.raises(ValueError, match="y_val has 2 outputs, y has 1: both must have the same"):
        regressor().fit(X, y, X_val=X, y_val=np.column_stack([y, y]))
    with pytest.raises(ValueError, match="In y_val: loss='poisson' needs y >= 0, got negative values"):
        regressor(loss="poisson").fit(X, np.abs(y), X_val=X, y_val=-np.abs(y))
    with pytest.raises(ValueError, match="y_val must hold numbers, but could not convert string to float"):
        regressor().fit(X, y, X_val=X, y_val=["a"] * len(y))


WRONG_USE = [
    ({"validation_split": "last"}, "X", "take the place of rows held out, got validation_split='last': give one"),
    ({"early_stopping": False, "scoring": "loss"}, "", "scoring='loss' is for early stopping: set early_stopping"),
    ({"solver": "lbfgs", "scoring": "r2"}, "", "scoring='r2' is for early stopping: solver='lbfgs' does not"),
    ({"early_stopping": False, "validation_split": "last"}, "", "validation_split='last' is for early stopping: set"),
    ({}, "groups", r"groups are for a splitter: set validation_split to one .* got validation_split=None; or leave"),
    ({"validation_split": "last"}, "groups", "groups are for a splitter: .* got validation_split='last'"),
]


@pytest.mark.parametrize(("params", "given", "message"), WRONG_USE, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_what_would_be_ignored_is_refused(digits, make, params, given, message):
    X, y = digits
    arguments = {"X": {"X_val": X, "y_val": y}, "groups": {"groups": y}, "": {}}[given]
    with pytest.raises(ValueError, match=message):
        make(**params).fit(X, y, **arguments)


def test_incremental_training_is_not_told_to_stop_early(digits):
    message = "scoring='loss' is for early stopping: partial_fit has none, or leave it out"
    with pytest.raises(ValueError, match=message):
        classifier(early_stopping=False, scoring="loss").partial_fit(*digits, classes=range(10))


# Rows held out


def test_the_last_samples_are_held_out(diabetes):
    X, y = diabetes
    model = regressor(validation_split="last", validation_fraction=0.3).fit(X, y)
    n_train = 250 - 75
    expected = regressor().fit(X[:n_train], y[:n_train], X_val=X[n_train:], y_val=y[n_train:])
    assert same_bits(model, expected)
    assert split_last(10, 0.25)[1].tolist() == [7, 8, 9]  # rounded up, as by scikit-learn


SPLITTERS = {
    "time": (TimeSeriesSplit(4), lambda n: np.arange(200, 250)),
    "folds": (KFold(5), lambda n: np.arange(200, 250)),
    "drawn": (ShuffleSplit(1, random_state=3), lambda n: next(ShuffleSplit(1, random_state=3).split(np.zeros(n)))[1]),
}


@pytest.mark.parametrize("name", SPLITTERS)
def test_a_splitter_says_what_is_held_out(diabetes, name):
    X, y = diabetes
    splitter, held_out = SPLITTERS[name]
    model = regressor(validation_split=splitter, max_iter=15).fit(X, y)
    rows = held_out(250)
    assert model.t_ == model.n_iter_ * (250 - len(rows))
    assert_allclose(model.score(X[rows], y[rows]), model.best_validation_score_, rtol=1e-5)


def test_groups_are_kept_together(digits):
    X, y = digits
    groups, seen = np.repeat(np.arange(30), 10), {}

    class Recording(GroupShuffleSplit):
        def split(self, X, y=None, groups=None):
            for train, test in super().split(X, y, groups):
                seen.update(y=y, train=set(groups[train]), test=set(groups[test]))
                yield train, test

    classifier(validation_split=Recording(1, random_state=0), max_iter=1).fit(X, y, groups=groups.tolist())
    assert len(seen["test"]) == 6 and not seen["train"] & seen["test"]
    assert np.array_equal(seen["y"], y)
    with config_context(enable_metadata_routing=True):
        net = classifier(validation_split=GroupShuffleSplit(1, random_state=0)).set_fit_request(groups=True)
        pipeline = Pipeline([("scale", StandardScaler()), ("net", net)]).fit(X, y, groups=groups)
    assert pipeline[-1].t_ == 6 * 240


def test_a_splitter_can_stratify(cancer):
    X, y = cancer
    splitter = StratifiedShuffleSplit(1, test_size=0.1, random_state=0)
    model = classifier(validation_split=splitter, max_iter=10).fit(X, np.where(y, "ill", "healthy"))
    rows = next(splitter.split(X, y))[1]
    assert model.score(X[rows], np.where(y, "ill", "healthy")[rows]) == model.best_validation_score_


class Fixed:
    """A splitter that gives one pair of its own."""

    def __init__(self, *parts):
        self.parts = parts

    def __repr__(self):
        return "Fixed()"

    def get_n_splits(self):
        return 1

    def split(self, X, y=None, groups=None):
        yield from self.parts


WRONG_SPLITS = {
    r"validation_split=Fixed\(\) gives no split": (),
    r"validation_split=Fixed\(\) holds out rows that it also trains on": ((np.arange(200), np.arange(199, 250)),),
    r"validation_split=Fixed\(\) must give numbers of the 250 rows of X": ((np.arange(200), np.arange(200, 251)),),
    r"must give numbers of the 250": ((np.arange(200.0), np.arange(200, 250)),),
    r"must give numbers of the 250 rows": ((np.arange(-1, 200), np.arange(200, 250)),),
    r"validation_split=Fixed\(\) gives 2 row\(s\) to train on and 1 to hold out: .* at least two": (([0, 1], [2]),),
    r"validation_split=Fixed\(\) gives 0 row\(s\) to train on .* at least one to train on": (([], [0, 1]),),
    r"validation_split=Fixed\(\) must give pairs of rows .*, got \(\[0\], \[1\], \[2\]\)": (([0], [1], [2]),),
    r"validation_split=Fixed\(\) must give pairs of rows .*, got \(\[0\],\)": (([0],),),
    r"validation_split=Fixed\(\) must give pairs of rows .*, got None": (None,),
    r"validation_split=Fixed\(\) must give pairs of rows .*, got 5": (5,),
    r"must give numbers of the 250 rows of": ((None, None),),
    r"must give numbers of the 250 rows of X": (([[0], [1, 2]], [3]),),
    r"must give numbers of the 250 rows of X\.": ((np.ones(20, bool), [30, 31]),),
    r"validation_split=Fixed\(\) must give numbers": (("ab", "cd"),),
}


@pytest.mark.parametrize("message", WRONG_SPLITS)
def test_wrong_splits_are_refused(diabetes, message):
    with pytest.raises(ValueError, match=message):
        regressor(validation_split=Fixed(*WRONG_SPLITS[message])).fit(*diabetes)


def test_splits_may_leave_rows_out_and_be_masks(diabetes):
    X, y = diabetes
    mask = np.arange(250) < 100
    model = regressor(validation_split=Fixed((mask, np.arange(150, 250))), max_iter=3).fit(X, y)
    assert model.t_ == 300


def test_a_splitter_that_fails_is_named_with_the_remedy(diabetes):
    X, y = diabetes
    message = r"(?s)validation_split=GroupShuffleSplit\(.*cannot split the samples: .* fit\(X, y, groups=groups\)"
    with pytest.raises(ValueError, match=message):
        regressor(validation_split=GroupShuffleSplit(1)).fit(X, y)
    with pytest.raises(ValueError, match=r"groups must hold one label for each of the 250 samples, got \(10,\)"):
        regressor(validation_split=GroupShuffleSplit(1)).fit(X, y, groups=np.arange(10))


@pytest.mark.parametrize("error", [TypeError, KeyError, AttributeError, ZeroDivisionError, StopIteration])
def test_whatever_a_splitter_raises_is_the_cause(diabetes, error):
    class Raising(Fixed):
        def split(self, X, y=None, groups=None):
            raise error("oops")

    with pytest.raises(ValueError, match=r"validation_split=Fixed\(\) cannot split the samples: .*oops") as raised:
        regressor(validation_split=Raising()).fit(*diabetes)
    assert type(raised.value.__cause__) is error


def test_a_splitter_whose_repr_fails_is_named_all_the_same(diabetes):
    class Nameless(Fixed):
        def __repr__(self):
            raise RuntimeError

    with pytest.raises(ValueError, match="validation_split=<Nameless instance .* gives no split"):
        regressor(validation_split=Nameless()).fit(*diabetes)
    with pytest.raises(ValueError, match="validation_split=<Nameless instance .* is for early stopping"):
        regressor(validation_split=Nameless(), early_stopping=False).fit(*diabetes)


@pytest.mark.parametrize("name", ["mixed", "missing", "ragged", "class"])
def test_groups_and_splitters_that_cannot_serve_are_refused_by_name(diabetes, name):
    splitter, groups = GroupShuffleSplit(1), pd.Series(["a", "b"] * 125, dtype=object)
    match = "groups must hold labels that can be sorted, all numbers or all strings .*validation_split=GroupShuffle"
    if name == "class":
        splitter, match = GroupShuffleSplit, r"validation_split must be an object, .* write GroupShuffleSplit\(\)"
    elif name == "ragged":
        groups, match = [[1], [2, 3]] * 125, r"groups must hold one label for each of the 250 samples"
    else:
        groups[7] = 3 if name == "mixed" else pd.NA
    with pytest.raises(ValueError, match=match):
        regressor(validation_split=splitter).fit(*diabetes, groups=groups)


def test_weights_of_both_parts_are_needed(diabetes):
    X, y = diabetes
    weight = np.ones(250)
    weight[200:] = 0
    for split in ("last", KFold(5)):
        with pytest.raises(ValueError, match="All sample_weight of the validation part .* are zero"):
            regressor(validation_split=split, validation_fraction=0.2).fit(X, y, weight)


def test_an_order_of_training_rows_does_not_reach_the_users_splitter(diabetes):
    """Training shuffles its rows in place; the splitter's own arrays stay as they are."""
    train, test = np.arange(200), np.arange(200, 250)
    regressor(validation_split=Fixed((train, test)), max_iter=2).fit(*diabetes)
    assert np.array_equal(train, np.arange(200))
    assert split_by(Fixed((train, test)), diabetes[0], diabetes[1])[0] is not train


# Scores


CLASSIFICATION = ["accuracy", "balanced_accuracy", "neg_log_loss", "f1_macro", "roc_auc_ovr", "top_k_accuracy"]
REGRESSION = ["r2", "neg_mean_absolute_error", "neg_root_mean_squared_error", "explained_variance"]


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("scoring", CLASSIFICATION + REGRESSION)
def test_any_scorer_can_be_watched(digits, diabetes, scoring, held_out):
    make = classifier if scoring in CLASSIFICATION else regressor
    X, y, own = halves(digits if make is classifier else diabetes)
    model = make(scoring=scoring, max_iter=15, n_iter_no_change=None, dtype="float64")
    if held_out:
        all_X, all_y = np.vstack([X, own["X_val"]]), np.concatenate([y, own["y_val"]])
        model.set_params(validation_split="last", validation_fraction=len(own["y_val"]) / len(all_y)).fit(all_X, all_y)
    else:
        model.fit(X, y, **own)
    assert len(model.validation_scores_) == 15
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert_allclose(get_scorer(scoring)(model, *own.values()), model.best_validation_score_, rtol=1e-12)


@pytest.mark.parametrize(("make", "name"), [(classifier, "accuracy"), (regressor, "r2")])
def test_the_default_score_is_scikit_learns(digits, diabetes, make, name):
    data = digits if make is classifier else diabetes
    a, b = make().fit(*data), make(scoring=name).fit(*data)
    assert same_bits(a, b)
    assert_allclose(a.validation_scores_, b.validation_scores_, rtol=1e-5)


LOSSES = [
    (classifier, {}, 10), (classifier, {}, 2), (classifier, {}, "labels"), (classifier, {"loss": "hinge"}, 10),
    (classifier, {"loss": LogLoss(0.1, 2.0)}, 10), (classifier, {"loss": "squared_hinge"}, 2),
    (regressor, {}, 1), (regressor, {}, 3), (regressor, {"loss": "poisson"}, 1),
    (regressor, {"loss": Quantile(0.9)}, 3),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("make", "params", "kind"), LOSSES, ids=name_of)
def test_the_validation_loss_is_the_loss_without_penalties(make, params, kind, weighted, dtype):
    """On the training samples themselves, without steps: the loss that training reports."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 7))
    if kind == "labels":
        y = rng.integers(0, 2, (1500, 19))
    elif make is classifier:
        y = rng.integers(0, kind, 1500)
    else:
        y = np.abs(rng.normal(size=(1500, kind)).squeeze())
    weight = rng.integers(0, 4, 1500) if weighted else None
    model = make(
        scoring="loss", max_iter=1, learning_rate_init=1e-30, alpha=0, batch_size=None, dtype=dtype, **params
    ).fit(X, y, weight, X_val=X, y_val=y, sample_weight_val=weight)
    assert_allclose(-model.validation_scores_[0], model.loss_, rtol=1e-5 if dtype == "float32" else 1e-12)


def test_the_validation_loss_is_scikit_learns_log_loss_and_half_the_squared_error(digits, diabetes):
    X, y, own = halves(digits)
    model = classifier(scoring="loss", dtype="float64", alpha=1.0).fit(X, y, **own)
    expected = log_loss(own["y_val"], model.predict_proba(own["X_val"]))
    assert_allclose(-model.best_validation_score_, expected, rtol=1e-10)
    X, y, own = halves(diabetes)
    model = regressor(scoring="loss", dtype="float64", alpha=1.0).fit(X, y, **own)
    expected = mean_squared_error(own["y_val"], model.predict(own["X_val"])) / 2
    assert_allclose(-model.best_validation_score_, expected, rtol=1e-10)


def test_a_function_sees_what_the_user_gave_and_a_fitted_estimator(digits):
    X, y, own = halves(digits)
    names = np.array([f"digit {i}" for i in range(10)])
    frame, frame_val = (pd.DataFrame(part, columns=[f"p{i}" for i in range(64)]) for part in (X, own["X_val"]))
    seen = []

    def scoring(estimator, X, y):
        assert isinstance(X, pd.DataFrame) and list(X.columns) == list(frame.columns)
        assert set(y) <= set(names)
        # all samples, or any others: the session's outputs and those of the parameters are the same
        assert np.array_equal(estimator.predict_proba(X)[:7], estimator.predict_proba(X[:7]))
        assert estimator.n_layers_ == 3 and [w.shape for w in estimator.coefs_] == [(64, 8), (8, 10)]
        assert estimator.feature_names_in_[0] == "p0"
        seen.append(len(X))
        return np.float32(estimator.score(X, y))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        params = {"scoring": scoring, "max_iter": 3, "n_iter_no_change": None}
        model = classifier(**params).fit(frame, names[y], X_val=frame_val, y_val=names[own["y_val"]])
        assert seen == [100] * 3 and type(model.best_validation_score_) is float
        classifier(**params).fit(frame, names[y].tolist())
        assert seen[3:] == [20] * 3
    # what is kept of it is what other scores leave, too
    assert vars(model).keys() == vars(classifier(max_iter=1).fit(X, y)).keys() | {"feature_names_in_"}


@pytest.mark.parametrize("kind", ["list", "csr", "csc", "coo", "bsr", "coo_matrix"])
def test_rows_of_any_kind_are_cut_out_for_a_scorer(digits, kind):
    X, y = np.abs(digits[0]), digits[1]
    given = X.tolist() if kind == "list" else coo_matrix(X) if kind == "coo_matrix" else csr_array(X).asformat(kind)
    model = classifier(scoring="neg_log_loss", dtype="float64").fit(given, y.tolist())
    expected = classifier(scoring="neg_log_loss", dtype="float64").fit(X, y)
    assert_allclose(model.validation_scores_, expected.validation_scores_, rtol=1e-9)


def test_scorers_get_the_weights(digits):
    X, y, own = halves(digits)
    weight = np.random.default_rng(0).uniform(size=100)
    params = {"dtype": "float64", "max_iter": 12}
    model = classifier(scoring="neg_log_loss", **params).fit(X, y, **own, sample_weight_val=weight)
    score = get_scorer("neg_log_loss")(model, *own.values(), sample_weight=weight)
    assert_allclose(model.best_validation_score_, score, rtol=1e-12)
    for scoring in ("neg_max_error", lambda estimator, X, y: 0.0):
        with pytest.raises(ValueError, match=r"scoring=.* does not take sample_weight, .* choose another scoring"):
            regressor(scoring=scoring).fit(X, y, **own, sample_weight_val=weight)
    model = regressor(scoring=lambda estimator, X, y, sample_weight: sample_weight.sum(), max_iter=1)
    assert_allclose(model.fit(X, y, **own, sample_weight_val=weight).validation_scores_, [weight.sum()], rtol=1e-6)


def test_a_score_must_be_a_number(digits):
    with pytest.raises(ValueError, match="scoring=<function .* must give one number, got 'good' of type str"):
        classifier(scoring=lambda estimator, X, y: "good").fit(*digits)
    with pytest.raises(ValueError, match="scoring=<function .* must give one number, got array"):
        classifier(scoring=lambda estimator, X, y: np.zeros(3)).fit(*digits)


def test_a_scorer_that_needs_probabilities_which_are_not_there_says_so(digits):
    message = "scoring='neg_log_loss' needs predict_proba, which a network with loss='hinge' has not: choose another"
    with pytest.raises(ValueError, match=message):
        classifier(loss="hinge", scoring="neg_log_loss").fit(*digits)
    with pytest.raises(ValueError, match="needs decision_function or predict_proba, which a network with"):
        regressor(scoring="roc_auc").fit(digits[0], digits[1] > 4)
    classifier(loss="hinge", scoring="roc_auc", max_iter=1).fit(digits[0], digits[1] > 4)


def test_a_warm_start_does_not_compare_different_scores(digits):
    model = classifier(warm_start=True, scoring="accuracy").fit(*digits)
    assert len(model.fit(*digits).validation_scores_) == 12
    model.set_params(scoring="loss").fit(*digits)  # every loss is below every accuracy
    assert len(model.validation_scores_) == 6
    assert model.best_validation_score_ == max(model.validation_scores_) < 0


# Whose weights are kept


@pytest.mark.parametrize("params", [{}, {"ema_decay": 0.9}, {"solver": "schedule_free_adamw"}], ids=str)
def test_a_warm_start_does_not_compare_scores_on_different_samples(digits, params):
    X, y, own = halves(digits)
    model = classifier(warm_start=True, max_iter=20, **params).fit(X, y, **own)
    first, start = model.best_validation_score_, model.coefs_[0].copy()
    assert model.score(*own.values()) == first > 0.5
    model.set_params(max_iter=1, learning_rate_init=1e-12).fit(X, y, **own)  # the same ones
    assert model.best_validation_score_ >= first
    harder = {**own, "y_val": own["y_val"].copy()}
    harder["y_val"][::2] = (harder["y_val"][::2] + 1) % 10  # nobody can do better than a half
    model.set_params(max_iter=20, learning_rate_init=0.01).fit(X, y, **harder)
    assert model.best_validation_score_ < first
    assert model.score(*harder.values()) == model.best_validation_score_
    assert not np.array_equal(model.coefs_[0], start)


def test_the_last_weights_are_kept_if_asked_for(digits):
    X, y, own = halves(digits)
    params = {"n_iter_no_change": None, "max_iter": 60, "learning_rate_init": 0.05}
    params["scoring"] = "neg_log_loss"
    last = classifier(restore_best_weights=False, **params).fit(X, y, **own)
    plain = classifier(**params | {"early_stopping": False, "scoring": None}).fit(X, y)
    best = classifier(**params).fit(X, y, **own)
    assert same_bits(last, plain)
    assert best.validation_scores_ == last.validation_scores_
    assert last.validation_scores_[-1] < last.best_validation_score_  # else this test says nothing
    scorer = get_scorer("neg_log_loss")
    assert scorer(last, *own.values()) == last.validation_scores_[-1]
    assert scorer(best, *own.values()) == best.best_validation_score_


def test_of_equally_good_epochs_the_first_or_the_latest_is_kept(digits):
    X, y, own = halves(digits)
    params = {"n_iter_no_change": None, "learning_rate_init": 0.05}
    first, latest = (
        classifier(restore_best_weights=which, max_iter=40, **params).fit(X, y, **own) for which in (True, "latest")
    )
    assert latest.validation_scores_ == first.validation_scores_
    best = np.flatnonzero(np.equal(first.validation_scores_, first.best_validation_score_)) + 1
    assert 1 < len(best) and best[-1] < 40  # else this test says nothing
    for net, n_epochs in ((first, best[0]), (latest, best[-1])):
        stopped = classifier(restore_best_weights=False, max_iter=n_epochs, **params).fit(X, y, **own)
        assert same_bits(net, stopped)


def test_the_random_split_is_the_same_as_before(digits):
    """With nothing asked for: scikit-learn's draw, after the initial weights."""
    X, y = digits
    random_state = np.random.RandomState(0)
    initial = [(64, 8), (8,), (8, 10), (10,)]
    for shape in initial:
        random_state.uniform(-1, 1, shape)
    train, held_out = split_rows(300, 0.1, random_state, stratify=y, optional_strata=True)
    model = classifier(max_iter=20).fit(X, y)
    assert model.score(X[held_out], y[held_out]) == model.best_validation_score_


@pytest.mark.parametrize("split", [None, "last"])
def test_no_sample_to_watch_is_refused_by_name(diabetes, split):
    net = fastnet.MLPRegressor(early_stopping=True, validation_fraction=0.0, validation_split=split)
    with pytest.raises(ValueError, match="validation_fraction=0 holds out no sample"):
        net.fit(*diabetes)
