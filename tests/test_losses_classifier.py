"""Every loss of classes through the classifier: what it learns, what it offers, what it refuses."""

import warnings
from dataclasses import dataclass

import naive_ops
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import hinge_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnet import MLPClassifier
from fastnet.estimators.parameters import CLASSIFICATION_LOSSES
from fastnet.formulas import exp
from fastnet.losses import Hinge, Huber, LogLoss, Loss, MulticlassHinge, SigmoidFocal

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSIFICATION = [*sorted(CLASSIFICATION_LOSSES), LogLoss(0.1), LogLoss(0.0, 2.0), LogLoss(0.1, 2.0)]
WITHOUT_PROBABILITIES = ["hinge", "squared_hinge", "perceptron"]
KINDS = ["two classes", "several classes", "several labels"]


@pytest.fixture(scope="module")
def classes():
    """{kind: (X, y)}, standardised."""
    X, y = load_breast_cancer(return_X_y=True)
    D, d = load_digits(return_X_y=True)
    D, d = D[:500], d[:500]
    labels = np.column_stack([d % 2, d > 4, d == 0]).astype(int)
    data = {"two classes": (X[:300], np.array(["bad", "good"])[y[:300]]), "several classes": (D, d),
            "several labels": (D, labels)}  # fmt: skip
    return {kind: (StandardScaler().fit_transform(X), y) for kind, (X, y) in data.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", CLASSIFICATION, ids=str)
def test_every_loss_learns_classes(classes, loss, kind):
    X, y = classes[kind]
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    # each loss in each way, with another kind of target
    ways = {}, {"solver": "lbfgs"}, {"early_stopping": True}
    params = ways[(CLASSIFICATION.index(loss) + KINDS.index(kind)) % 3]
    params = {"max_iter": 60, "learning_rate_init": 0.01, "alpha": 0.01, "random_state": 0, **params}
    model = MLPClassifier((20,), loss=loss, **params).fit(X, y)
    # the commonest class, or set of labels, has at most 62 %
    assert model.score(X_test, y_test) > (0.85 if kind == "two classes" else 0.78)
    assert np.isfinite(model.loss_)
    predicted = model.predict(X_test)
    if loss in WITHOUT_PROBABILITIES:
        scores = model.decision_function(X_test)
        assert scores.dtype == X_test.dtype
        assert not hasattr(model, "predict_proba") and not hasattr(model, "predict_log_proba")
        assert model.out_activation_ == "identity"
    else:
        scores = model.predict_log_proba(X_test)
        assert_allclose(np.exp(scores), model.predict_proba(X_test), rtol=1e-4, atol=1e-6)
        assert not hasattr(model, "decision_function")
        scores = scores[:, 1] - scores[:, 0] if kind == "two classes" else scores
        scores = scores + np.log(2) if kind == "several labels" else scores
    if kind == "several classes":
        assert_array_equal(predicted, model.classes_[scores.argmax(axis=1)])
    elif kind == "two classes":
        assert scores.shape == (len(X_test),)
        assert_array_equal(predicted, model.classes_[(scores > 0).astype(int)])
    else:
        assert_array_equal(predicted, scores > 0)


class Watched(MLPClassifier):
    """Keeps what early stopping scores."""

    seen = []

    def _score_outputs(self, targets, outputs, sample_weight):
        score = super()._score_outputs(targets, outputs, sample_weight)
        self.seen.append((targets.copy(), outputs.copy(), sample_weight, score))
        return score


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["hinge", "perceptron", LogLoss(0.1)], ids=str)
def test_early_stopping_scores_what_predict_would_say(classes, loss, kind):
    X, y = classes[kind]
    Watched.seen.clear()
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    params = {"max_iter": 4, "early_stopping": True, "learning_rate_init": 0.01, "random_state": 0}
    model = Watched((20,), loss=loss, **params).fit(X, y, weight)
    assert model.validation_scores_ == [score for *_, score in Watched.seen]
    threshold = 0 if loss in WITHOUT_PROBABILITIES else 0.5
    for targets, outputs, held_out_weight, score in Watched.seen:
        guess = outputs.argmax(axis=1)[:, None] if kind == "several classes" else outputs > threshold
        right = (guess == targets).all(axis=1)
        assert_allclose(score, np.average(right, weights=held_out_weight), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", WITHOUT_PROBABILITIES)
def test_the_reported_loss_is_the_mean_of_the_formula(classes, loss, kind):
    X, y = classes[kind]
    model = MLPClassifier((6,), loss=loss, solver="lbfgs", max_iter=20, alpha=0.5, random_state=0).fit(X, y)
    scores = model.decision_function(X).reshape(len(X), -1)
    name, targets = loss, model._label_binarizer.transform(y)
    if kind == "several classes":
        name, targets = f"multiclass_{loss}", y[:, None]
    penalty = 0.5 / 2 * sum((w**2).sum() for w in model.coefs_) / len(X)
    assert_allclose(model.loss_, naive_ops.LOSSES[name][0](scores, targets.astype(float)).mean() + penalty, rtol=1e-9)


def test_hinge_without_a_hidden_layer_is_a_linear_support_vector_machine(classes):
    X, y = classes["two classes"]
    for alpha in (5.0, 50.0):
        machine = SVC(kernel="linear", C=1 / alpha, tol=1e-6).fit(X, y)
        w, sign = machine.coef_[0], np.where(y == "good", 1, -1)
        least = (np.maximum(1 - sign * machine.decision_function(X), 0).sum() + alpha / 2 * w @ w) / len(X)
        model = MLPClassifier((), loss="hinge", alpha=alpha, solver="lbfgs", max_iter=400, tol=0, random_state=0)
        model.fit(X, y)
        objective = np.maximum(1 - sign * model.decision_function(X), 0).mean()
        objective += alpha / 2 * (model.coefs_[0] ** 2).sum() / len(X)
        assert least <= objective * (1 + 1e-9) and objective < 1.005 * least
        assert (model.predict(X) == machine.predict(X)).mean() > 0.99


@pytest.mark.parametrize("loss", ["hinge", LogLoss(0.1, 2.0)], ids=str)
def test_sample_weights_partial_fit_and_warm_start_go_on(classes, loss):
    X, y = classes["several classes"]
    copies = np.random.default_rng(0).integers(0, 3, len(X))
    params = {"loss": loss, "solver": "lbfgs", "max_iter": 3, "random_state": 0}
    weighted = MLPClassifier((5,), **params).fit(X, y, copies)
    repeated = MLPClassifier((5,), **params).fit(np.repeat(X, copies, axis=0), np.repeat(y, copies))
    assert_allclose(weighted.loss_, repeated.loss_, rtol=1e-6)
    model = MLPClassifier((20,), loss=loss, learning_rate_init=0.01, random_state=0)
    for _ in range(12):
        model.partial_fit(X, y, classes=np.unique(y))
    assert model.score(X, y) > 0.9 and len(model.loss_curve_) == 12 and model.best_loss_ == min(model.loss_curve_)
    model.set_params(warm_start=True, max_iter=5).fit(X, y)
    assert len(model.loss_curve_) == 17


def test_methods_follow_the_loss():
    for loss, has in [("log_loss", True), ("hinge", False), (Hinge(), False), (LogLoss(0.1), True)]:
        model = MLPClassifier(loss=loss)
        assert hasattr(model, "predict_proba") == hasattr(model, "predict_log_proba") == has
        assert hasattr(model, "decision_function") != has
    for wrong in ("no such loss", "huber"):  # `fit` says what is wrong
        assert not hasattr(MLPClassifier(loss=wrong), "predict_proba")
    X, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2
    # a fitted network goes by what it was fitted with
    model = MLPClassifier((3,), max_iter=2).fit(X, y).set_params(loss="hinge")
    assert model.predict_proba(X).shape == (30, 2) and not hasattr(model, "decision_function")
    with pytest.raises(AttributeError) as caught:
        MLPClassifier(loss="hinge").fit(X, y).predict_proba(X)
    assert "use decision_function, or fit with loss='log_loss'" in str(caught.value.__cause__)
    assert_array_equal(model.predict(X), model.predict_proba(X)[:, 1] > 0.5)


def test_a_warm_start_changes_the_margin_but_not_to_probabilities(classes):
    X, y = classes["two classes"]
    model = MLPClassifier((5,), loss="hinge", warm_start=True, max_iter=3, random_state=0).fit(X, y)
    model.set_params(loss="squared_hinge").fit(X, y)
    with pytest.raises(ValueError, match="output activation is 'identity'.*asks? for 'logistic'"):
        model.set_params(loss="log_loss").fit(X, y)


def test_forms_for_other_targets_are_refused(classes):
    for loss, kind in [(MulticlassHinge(), "two classes"), (MulticlassHinge(), "several labels")]:
        with pytest.raises(ValueError, match="is a loss of more than two classes"):
            MLPClassifier(loss=loss).fit(*classes[kind])
    with pytest.raises(ValueError, match="is a loss of two classes or of several labels"):
        MLPClassifier(loss=SigmoidFocal()).fit(*classes["several classes"])
    with pytest.raises(ValueError, match="is a loss of numbers: use one of"):
        MLPClassifier(loss=Huber()).fit(*classes["two classes"])


@dataclass(frozen=True)
class Boosting(Loss):
    """exp(-s z), a margin loss that only this file knows."""

    is_classification = True

    def for_classes(self, n_classes, several_labels):
        return CrammerSinger() if n_classes > 2 and not several_labels else self

    @staticmethod
    def value(z, y, parameters):
        return exp(-(y + y - 1.0) * z)

    @staticmethod
    def gradient(z, y, parameters):
        s = y + y - 1.0
        return -s * exp(-s * z)

    @staticmethod
    def link(z, parameters):
        return z


@dataclass(frozen=True)
class CrammerSinger(Boosting):
    """max(0, 1 + max z_j - z_y), the hinge of the best rival: a formula of a row."""

    class_index_target = True
    formulas = ("row", "link")

    @staticmethod
    def row(z, label, delta, parameters):
        rival = 1 if label == 0 else 0
        for j in range(len(z)):
            delta[j] = 0.0
            rival = j if j != label and z[j] > z[rival] else rival
        m = 1.0 + z[rival] - z[label]
        delta[rival] = 1.0 if m > 0.0 else 0.0
        delta[label] = -delta[rival]
        return m if m > 0.0 else 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_users_loss_of_classes(classes, kind):
    X, y = classes[kind]
    model = MLPClassifier((6,), loss=Boosting(), solver="lbfgs", max_iter=40, alpha=0.0, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.85 and not hasattr(model, "predict_proba")
    scores = model.decision_function(X)
    if kind == "several classes":
        assert_allclose(model.loss_, hinge_loss(y, scores), rtol=1e-9)
    else:
        sign = 2.0 * model._label_binarizer.transform(y) - 1
        losses = np.exp(-sign * scores.reshape(len(X), -1)).sum(axis=1)
        assert_allclose(model.loss_, losses.mean(), rtol=1e-9)


def test_a_grid_over_losses_and_their_parameters(classes):
    grid = [{"loss": ["log_loss", "hinge"]}, {"loss": [LogLoss()], "loss__label_smoothing": [0.0, 0.2]}]
    model = MLPClassifier((5,), max_iter=5, random_state=0)
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(*classes["two classes"])
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] == scores[2] and len(scores) == 4  # a name is its default


@parametrize_with_checks([MLPClassifier((10,), loss="hinge", max_iter=100, learning_rate_init=0.01)])
def test_scikit_learns_checks_pass(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


@pytest.mark.exhaustive
@parametrize_with_checks(
    [
        MLPClassifier((10,), loss="perceptron", max_iter=100, learning_rate_init=0.01),
        MLPClassifier((10,), loss=LogLoss(0.1, 2.0), max_iter=100, learning_rate_init=0.01),
    ]
)
def test_scikit_learns_checks_pass_with_another_loss(estimator, check):
    test_scikit_learns_checks_pass(estimator, check)
