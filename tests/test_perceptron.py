"""The perceptron criterion with no hidden layer, single samples and a constant rate is Rosenblatt's rule."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Perceptron

from fastnet import MLPClassifier
from fastnet.ops.losses import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rosenblatt(X, y, n_epochs, rate=1.0):
    """A mistake adds the sample, with its sign, to the weights, from zeros; returns them and the mistakes an epoch."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(n_epochs):
        mistakes.append(0)
        for x, sign in zip(X, np.where(y > 0, 1, -1), strict=True):
            if sign * (x @ w + b) <= 0:
                w, b = w + rate * sign * x, b + rate * sign
                mistakes[-1] += 1
    return w, b, mistakes


def perceptron(X, y, n_epochs, rate=1.0, dtype="float64"):
    """The network that follows the rule."""
    return MLPClassifier(
        (),
        loss="perceptron",
        solver="sgd",
        momentum=0.0,
        nesterovs_momentum=False,
        batch_size=1,
        learning_rate_init=rate,
        alpha=0.0,
        init="zeros",
        shuffle=False,
        max_iter=n_epochs,
        tol=0.0,
        n_iter_no_change=np.inf,
        warm_start=True,
        dtype=dtype,
    ).fit(X, y)


@pytest.fixture(params=["separable", "overlapping"])
def data(request):
    """(X, y): multiples of 1/8, whose sums and products are exact in float64, and in float32 too."""
    rng = np.random.default_rng(0)
    X = rng.integers(-40, 41, (120, 5)) / 8
    score = X @ np.array([1.0, -2, 0.5, 0, 1]) + 0.25
    if request.param == "overlapping":
        return X, (score + 4 * rng.normal(size=120) > 0).astype(int)
    keep = np.abs(score) > 1
    return X[keep], (score[keep] > 0).astype(int)


@pytest.mark.parametrize("n_epochs", [1, 2, 7])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_scikit_learns_perceptron_to_the_bit(data, n_epochs, dtype):
    X, y = data
    ours = perceptron(X, y, n_epochs, dtype=dtype)
    theirs = Perceptron(max_iter=n_epochs, tol=None, shuffle=False).fit(X, y)
    assert_array_equal(ours.coefs_[0][:, 0], theirs.coef_[0])
    assert_array_equal(ours.intercepts_[0], theirs.intercept_)
    assert_array_equal(ours.decision_function(X), theirs.decision_function(X))
    assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("rate", [1.0, 0.25])
def test_it_is_rosenblatts_rule(data, rate):
    X, y = data
    ours = perceptron(X, y, 5, rate)
    w, b, _ = rosenblatt(X, y, 5, rate)
    assert_array_equal(ours.coefs_[0][:, 0], w)
    assert_array_equal(ours.intercepts_[0], b)


def test_on_separable_data_it_stops_making_mistakes_within_novikoffs_bound():
    rng = np.random.default_rng(1)
    X = rng.integers(-40, 41, (200, 2)) / 8
    score = X @ np.array([3.0, -4.0]) / 5 - 0.5
    X, y = X[np.abs(score) > 0.5], (score[np.abs(score) > 0.5] > 0).astype(int)
    _, _, mistakes = rosenblatt(X, y, 60)
    # with the bias as a weight of a constant 1: (R / margin)^2
    radius = np.sqrt((X**2).sum(axis=1).max() + 1)
    margin = np.abs(X @ [0.6, -0.8] - 0.5).min() / np.sqrt(1 + 0.5**2)
    assert sum(mistakes) <= (radius / margin) ** 2
    done = mistakes.index(0)
    ours = perceptron(X, y, done + 1)
    assert ours.score(X, y) == 1.0
    # an epoch without a mistake has no loss, the one before had
    assert ours.loss_curve_[-1] == 0.0 and (done == 0 or ours.loss_curve_[-2] > 0.0)
    kept = ours.coefs_[0].copy()
    assert_array_equal(ours.fit(X, y).coefs_[0], kept)


def test_several_classes_follow_keslers_construction():
    rng = np.random.default_rng(2)
    X, true = rng.integers(-40, 41, (150, 3)) / 8, rng.integers(-3, 4, (3, 4))
    y = (X @ true).argmax(axis=1)
    W, b = np.zeros((3, 4)), np.zeros(4)
    for _ in range(3):
        for x, label in zip(X, y, strict=True):
            scores = x @ W + b
            rival = max((j for j in range(4) if j != label), key=lambda j: scores[j])
            if scores[rival] >= scores[label]:
                W[:, label] += x
                W[:, rival] -= x
                b[label] += 1
                b[rival] -= 1
    ours = perceptron(X, y, 3)
    assert_array_equal(ours.coefs_[0], W)
    assert_array_equal(ours.intercepts_[0], b)
    assert ours._loss == LOSSES["multiclass_perceptron"]
