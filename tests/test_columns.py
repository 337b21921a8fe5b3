"""Several columns of classes at once: the loss, and the classifier."""

import pickle

import naive_ops
import numpy as np
import pandas as pd
import pytest
from kernel_calls import call, loss_and_delta
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier

from fastnet import MLPClassifier, inspect
from fastnet.losses import Hinge, LogLoss
from fastnet.ops.compiled import rows
from fastnet.ops.compiled.signatures import LINK
from fastnet.ops.losses.columns import ColumnsLogLoss, columns_loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SIZES = [(3, 2), (2, 2, 2), (1, 4), (5, 40, 17)]


@pytest.fixture(scope="module")
def columns(digits):
    """Images, and of each: the digit, its remainder by 3, and whether it is above 4."""
    X, y = digits
    return X, np.column_stack([y, y % 3, y > 4]).astype(int)


def net(**params):
    return MLPClassifier(**{"hidden_layer_sizes": (40,), "max_iter": 30, "random_state": 0, **params})


def as_bytes(parameters):
    return [p.tobytes() for p in parameters]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", [LogLoss(), LogLoss(0.1), LogLoss(0.1, 2.0)], ids=repr)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_the_loss_is_the_sum_of_the_columns_losses(sizes, loss, dtype):
    rng, n = np.random.default_rng(0), sum(sizes)
    z = (3 * rng.normal(size=(9, n))).astype(dtype)
    labels = np.column_stack([rng.integers(0, size, 9) for size in sizes])
    y = np.zeros((9, n), dtype)
    y[:, : len(sizes)] = labels
    weight = rng.uniform(0.5, 2, 9).astype(dtype)
    values, delta = loss_and_delta(columns_loss(loss, sizes), z, y, weight, scale=0.25)
    total, begin = np.zeros(9), 0
    for column, size in enumerate(sizes):
        part = slice(begin, begin + size)
        index = labels[:, column : column + 1].astype(dtype)
        value, gradient = loss_and_delta(loss, z[:, part], index, weight, 0.25)
        assert_allclose(delta[:, part], gradient, rtol=2e-5 if dtype == np.float32 else 1e-12, atol=1e-7)
        total, begin = total + value, begin + size
    assert_allclose(values, total, rtol=1e-5 if dtype == np.float32 else 1e-12)


def test_the_loss_by_hand_and_its_gradient_by_differences():
    z = np.array([[0.3, -0.2, 1.1, 0.4, -2.0]])
    y = np.array([[2.0, 0.0, 0, 0, 0]])  # of three classes the third, of two the first

    def value(z):
        of_one = naive_ops.LOSSES["log_loss"][0]
        return of_one(z[:, :3], y[:, :1])[0] + of_one(z[:, 3:], y[:, 1:2])[0]

    values, delta = loss_and_delta(ColumnsLogLoss(sizes=(3, 2)), z, y.copy())
    # log(e^0.3 + e^-0.2 + e^1.1) - 1.1 + log(e^0.4 + e^-2) - 0.4
    by_hand = np.log(1.3498588 + 0.8187308 + 3.0041660) - 1.1 + np.log(1.4918247 + 0.1353353) - 0.4
    assert_allclose(values[0], by_hand, rtol=1e-7)
    for j in range(5):
        step = 1e-6 * (np.arange(5) == j)
        assert_allclose(delta[0, j], (value(z + step) - value(z - step)) / 2e-6, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_the_link_is_a_softmax_of_each_column(sizes, dtype):
    op, n = columns_loss(LogLoss(), sizes), sum(sizes)
    z = np.random.default_rng(1).normal(0, 30, (4, n)).astype(dtype)
    expected = np.hstack([softmax(part, axis=1) for part in np.split(z.astype(float), np.cumsum(sizes)[:-1], axis=1)])
    parameters = rows.parameter_array(op, z.dtype)
    call(LINK, rows.link(op, z.dtype), z.dtype, z, n, 4, n, parameters)
    assert_allclose(z, expected, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=1e-30)


def test_without_hidden_layers_each_column_is_a_logistic_regression(columns):
    X, Y = columns
    ours = net(hidden_layer_sizes=(), solver="lbfgs", alpha=1.0, tol=1e-8, max_iter=5000).fit(X, Y)
    for column, probabilities in enumerate(ours.predict_proba(X)):
        theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=5000).fit(X, Y[:, column])
        if column < 2:  # for two classes scikit-learn has one output, whose penalty is another
            assert_allclose(probabilities, theirs.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize(
    "params",
    [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"class_weight": "balanced"}, {"normalization": "batch"},
     {"loss": LogLoss(label_smoothing=0.1)}, {"dtype": "float64"}],
    ids=str,
)  # fmt: skip
def test_predictions_of_every_column(columns, params):
    X, Y = columns
    model = net(**params).fit(X, Y)
    assert [list(c) for c in model.classes_] == [list(range(10)), [0, 1, 2], [0, 1]]
    probabilities, logs = model.predict_proba(X), model.predict_log_proba(X)
    assert [p.shape for p in probabilities] == [(300, 10), (300, 3), (300, 2)]
    for p, log in zip(probabilities, logs, strict=True):
        assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        assert_allclose(np.exp(log), p, rtol=1e-4, atol=1e-6)
    assert_array_equal(model.predict(X), np.column_stack([p.argmax(axis=1) for p in probabilities]))
    assert model.score(X, Y) == (model.predict(X) == Y).all(axis=1).mean() > 0.5
    weight = np.arange(300.0)
    assert_allclose(model.score(X, Y, weight), np.average((model.predict(X) == Y).all(axis=1), weights=weight))
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.predict(X), model.predict(X))


def test_it_is_as_good_as_a_network_for_each_column(columns):
    X, Y = columns
    together = net(max_iter=100).fit(X[:200], Y[:200])
    apart = MultiOutputClassifier(net(max_iter=100)).fit(X[:200], Y[:200])
    hits = [(model.predict(X[200:]) == Y[200:]).mean() for model in (together, apart)]
    assert hits[0] > hits[1] - 0.06


@pytest.mark.parametrize("kind", [str, object, "frame", float])
def test_columns_of_any_kind_of_label(columns, kind):
    X, Y = columns
    names = np.array(list("abcdefghij"))
    named = names[Y]
    given = {str: named, object: named.astype(object), "frame": pd.DataFrame(named), float: 0.0 + Y}[kind]
    model, expected = net().fit(X, given), net().fit(X, Y)
    classes = expected.predict(X)
    assert (model.predict(X) == (classes if kind is float else names[classes])).all()
    assert model.score(X, given) == expected.score(X, Y)


def test_incremental_training_learns_all_classes_from_the_first_call(columns):
    X, Y = columns
    classes = [np.arange(10), [0, 1, 2], [0, 1]]
    first = Y[:, 0] < 5  # neither the digits above 4 nor the third column's 1
    model = net().partial_fit(X[first], Y[first], classes=classes)
    for _ in range(60):
        model.partial_fit(X, Y)
    assert model.partial_fit(X, Y, classes=classes).score(X, Y) > 0.5
    before = as_bytes(model.coefs_)
    with pytest.raises(ValueError, match="Column 1 of y has classes .*3.*, the network was trained on"):
        model.partial_fit(X, Y + [0, 1, 0])
    with pytest.raises(ValueError, match="y has 2 columns of classes, the network was trained on 3"):
        model.partial_fit(X, Y[:, :2] + 5)
    with pytest.raises(ValueError, match="not the same as on the first call"):
        model.partial_fit(X, Y, classes=np.arange(10))
    with pytest.raises(ValueError, match="trained on several columns of classes for each sample"):
        model.partial_fit(X, Y[:, 0])
    assert as_bytes(model.coefs_) == before


def test_numbers_beside_strings_stay_numbers(columns):
    X, Y = columns
    Y = np.column_stack([Y[:, 0].astype(object), np.array(["low", "high"], object)[Y[:, 2]]])
    model = net(learning_rate_init=0.01)
    for _ in range(20):
        model.partial_fit(X, Y, classes=[range(10), ["low", "high"]])
    predicted = model.predict(X)
    assert {type(row[0]) for row in predicted} == {int} and {type(row[1]) for row in predicted} == {str}
    assert model.score(X, Y) > 0.8


def test_a_warm_start_goes_on_with_the_same_classes_only(columns):
    X, Y = columns
    model = net(warm_start=True, max_iter=5).fit(X, Y)
    loss = model.loss_
    assert model.fit(X, Y).loss_ < loss
    with pytest.raises(ValueError, match="Column 0 of y has classes"):
        model.fit(X[Y[:, 0] < 9], Y[Y[:, 0] < 9])


@pytest.mark.parametrize("scoring", [None, "loss"])
def test_validation_samples_of_ones_own(columns, scoring):
    X, Y = columns
    model = net(early_stopping=True, scoring=scoring, max_iter=5).fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])
    best = model.best_validation_score_
    if scoring is None:
        assert best == model.score(X[200:], Y[200:])
    else:
        logs = model.predict_log_proba(X[200:])
        of_columns = [log[np.arange(100), y] for log, y in zip(logs, Y[200:].T, strict=True)]
        assert_allclose(best, np.mean(np.sum(of_columns, axis=0)), rtol=1e-5)
    with pytest.raises(ValueError, match="Column 2 of y_val has classes"):
        model.fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:] + [0, 0, 7])
    with pytest.raises(ValueError, match="y_val must be like y, which has 3 columns"):
        model.fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:, 0])


def test_class_weights_of_every_column(columns):
    X, Y = columns
    weights = [{0: 2.0}, {1: 0.5}, {1: 3.0}]
    explicit = np.where(Y[:, 0] == 0, 2.0, 1) * np.where(Y[:, 1] == 1, 0.5, 1) * np.where(Y[:, 2] == 1, 3.0, 1)
    ours, theirs = net(class_weight=weights).fit(X, Y), net().fit(X, Y, sample_weight=explicit)
    assert as_bytes(ours.coefs_) == as_bytes(theirs.coefs_)


def test_search_and_inspection(columns):
    X, Y = columns
    search = GridSearchCV(net(max_iter=5), {"alpha": [1e-4, 1e-2]}, cv=2).fit(X, Y)
    assert 0 < search.best_score_ <= 1
    model = net(dtype="float64", max_iter=3).fit(X, Y)
    output = inspect(model, X[:20], Y[:20]).layers[-1]
    assert_allclose(output.activation, np.hstack(model.predict_proba(X[:20])), rtol=1e-12)
    begin = 0
    for column, size in enumerate([10, 3, 2]):
        one_hot = Y[:20, column, None] == np.arange(size)
        part = slice(begin, begin + size)
        assert_allclose(output.delta[:, part], (output.activation[:, part] - one_hot) / 20, rtol=1e-10, atol=1e-15)
        begin += size


def test_what_has_no_form_for_columns_is_refused(columns):
    X, Y = columns
    model = net(loss=Hinge())
    with pytest.raises(ValueError, match="y has 3 columns of classes: use loss='log_loss', or MultiOutputClassifier"):
        model.fit(X, Y)
    assert not hasattr(model, "classes_")
    mixed = Y.astype(object)
    mixed[3, 1] = "a"
    with pytest.raises(ValueError, match="Column 1 of y has classes of types that cannot be compared"):
        net().fit(X, mixed)
    fitted = net(max_iter=1).fit(X, Y)
    with pytest.raises(ValueError, match="y has 2 columns of classes, the network was trained on 3"):
        fitted.score(X, Y[:, :2])
