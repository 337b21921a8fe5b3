"""A training that has not worked says so, once and to the user; what is healthy, or cannot be learnt, is left alone."""

import inspect
import warnings

import numpy as np
import pytest
from ill_networks import ILLNESSES, healthy, ill, noise, samples
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastnet
from fastnet import TrainingWarning
from fastnet.diagnosis import warning as the_warning
from fastnet.diagnosis.findings import find
from fastnet.diagnosis.illnesses import NAMES
from fastnet.diagnosis.signal import predictable_share
from fastnet.training.problem import Problem

PLAIN, ALL = range(2), range(2, 30)
EACH = [pytest.param(i, marks=[] if i in PLAIN else pytest.mark.exhaustive) for i in range(30)]

# SciPy's L-BFGS may end at a limit.
lbfgs = pytest.mark.filterwarnings("ignore:lbfgs failed:sklearn.exceptions.ConvergenceWarning")


def warned(call):
    """TrainingWarnings of a call, and what it gives; None where it is refused because weights are not finite."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except ValueError as error:
            assert str(error).startswith("Solver produced non-finite")
            result = None
    return [w for w in caught if issubclass(w.category, TrainingWarning)], result


@pytest.mark.parametrize("i", EACH)
@pytest.mark.parametrize("illness", ILLNESSES)
def test_an_illness_is_told_and_the_remedy_helps(illness, i):
    net, X, y, cured, *data = ill(illness, i)
    told, fitted = warned(lambda: net.fit(X, y))
    if fitted is None:
        assert illness in ("rate too large", "unscaled inputs")
        return
    report = fastnet.diagnose(net, X, y)
    # Starting values that are too large come before the units that they have killed.
    assert illness in [one.name for one in report.illnesses[:2]], repr(report)
    (one,) = told
    assert report.illnesses[0].remedy in str(one.message)
    assert one.filename == __file__
    told, _ = warned(lambda: cured.fit(*data))
    assert not told
    assert cured.score(*data) > net.score(X, y)


@lbfgs
@pytest.mark.parametrize("i", EACH)
def test_what_is_healthy_is_left_alone(i):
    net, X, y = healthy(i)
    told, _ = warned(lambda: net.fit(X, y))
    assert not told
    assert fastnet.diagnose(net, X, y).is_healthy


@lbfgs
@pytest.mark.parametrize("i", EACH)
def test_samples_without_any_signal_are_no_illness(i):
    X, y, of_classes = noise(i)
    kind = fastnet.MLPClassifier if of_classes else fastnet.MLPRegressor
    options = ({}, {"early_stopping": True}, {"solver": "lbfgs", "max_iter": 50}, {"alpha": 1.0}, {"max_iter": 12})[
        i % 5
    ]
    net = kind(hidden_layer_sizes=20, **{"max_iter": 60, "random_state": i, **options})
    told, _ = warned(lambda: net.fit(X, y))
    assert not told
    assert fastnet.diagnose(net, X, y).is_healthy


DEAD = {"hidden_layer_sizes": 10, "bias_init": -40.0, "max_iter": 12, "n_iter_no_change": None, "random_state": 0}
CAUSE_AND_EFFECT = ["starting values too large", "dead units"]


def test_the_warning_comes_once_and_names_the_users_line_right_through():
    X, y = samples("cancer")
    for model in (
        fastnet.MLPClassifier(**DEAD),
        make_pipeline(StandardScaler(), fastnet.MLPClassifier(**DEAD)),
        GridSearchCV(fastnet.MLPClassifier(**DEAD), {"alpha": [0.1]}, cv=2, refit=False),
    ):
        line = inspect.currentframe().f_lineno + 1
        told, _ = warned(lambda: model.fit(X, y))  # noqa: B023
        assert len(told) == (2 if isinstance(model, GridSearchCV) else 1)
        assert {(w.filename, w.lineno) for w in told} == {(__file__, line)}
    assert issubclass(TrainingWarning, ConvergenceWarning)
    assert TrainingWarning.__module__ == "fastnet"


def test_few_epochs_are_silent_unless_training_diverged():
    X, y = samples("cancer")
    told, _ = warned(lambda: fastnet.MLPClassifier(**{**DEAD, "max_iter": 9}).fit(X, y))
    assert not told
    diverging = {"learning_rate_init": 30.0, "max_iter": 6, "n_iter_no_change": None, "random_state": 0}
    told, _ = warned(lambda: fastnet.MLPRegressor(**diverging).fit(*samples("diabetes")))
    assert len(told) == 1 and "lower learning_rate_init, which was 30" in str(told[0].message)


def test_a_fit_that_its_time_ended_is_silent():
    # a schedule that begins at 0 and has a million epochs ahead has moved nothing yet
    X, y = samples("cancer")
    long = {"learning_rate": "multi_cosine", "max_iter": 10**6, "n_iter_no_change": None, "random_state": 0}
    told, net = warned(lambda: fastnet.MLPClassifier(**long, max_time=0.2).fit(X, y))
    assert net.stop_reason_ == "max_time" and not told


def test_partial_fits_are_silent():
    X, y = samples("cancer")
    net = fastnet.MLPClassifier(**DEAD)
    for _ in range(12):
        told, _ = warned(lambda: net.partial_fit(X, y, classes=[0, 1]))
        assert not told


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_look_changes_no_bit_and_draws_nothing(solver, monkeypatch):
    X, y = samples("digits")
    noise_of_training = {"dropout": 0.1, "early_stopping": True} if solver == "adam" else {}
    nets, looks = [], []
    monkeypatch.setattr(the_warning, "_is_good", lambda *given: False)
    real = the_warning.find
    for is_on in (True, False):
        monkeypatch.setattr(the_warning, "find", lambda *given, **more: looks.append(1) or real(*given, **more))
        if not is_on:
            monkeypatch.setattr("fastnet.estimators.base.warn_of_training", lambda *arguments: None)
        state, before = np.random.RandomState(0), np.random.get_state()[1].copy()
        params = {**DEAD, "bias_init": None, "max_iter": 20, "solver": solver, "loss": "hinge", "random_state": state}
        net = fastnet.MLPClassifier(**params, **noise_of_training)
        warned(lambda: net.fit(X, y))  # noqa: B023
        assert_array_equal(np.random.get_state()[1], before)
        nets.append((net, state.get_state()[1]))
    assert looks == [1]
    (one, state), (other, other_state) = nets
    assert_array_equal(state, other_state)
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        assert a.tobytes() == b.tobytes()


def test_lbfgs_is_not_advised_on_a_learning_rate():
    X, y = samples("digits")
    net = fastnet.MLPClassifier(**{**DEAD, "solver": "lbfgs"})
    warned(lambda: net.fit(X, y))
    report = repr(fastnet.diagnose(net, X, y))
    assert "dead units                 yes" in report and "learning_rate" not in report


def test_constants_are_the_best_ones():
    rng = np.random.default_rng(0)
    X, labels, numbers = rng.normal(size=(200, 3)), rng.integers(0, 3, 200), rng.exponential(size=200)
    shares = np.bincount(labels) / 200
    expected = {
        "log_loss": -shares @ np.log(shares), "squared_error": numbers.var() / 2,
        "absolute_error": np.abs(numbers - np.median(numbers)).mean(),
        "poisson": None,
    }  # fmt: skip
    for loss, constant in expected.items():
        kind, y = (fastnet.MLPClassifier, labels) if loss == "log_loss" else (fastnet.MLPRegressor, numbers)
        net = kind(
            hidden_layer_sizes=5, loss=loss, max_iter=2, n_iter_no_change=None, random_state=0, dtype="float64"
        ).fit(X, y)
        found = fastnet.diagnose(net, X, y).findings
        if constant is not None:
            assert_allclose(found.constant_loss, constant, rtol=2e-3, err_msg=loss)
        assert found.constant_loss <= found.start_loss + 1e-9


def test_dead_and_saturated_units_are_counted():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 2)), rng.normal(size=100)
    for activation, what in [("relu", "dead"), ("tanh", "saturated"), ("logistic", "saturated"), ("gelu", "dead")]:
        net = fastnet.MLPRegressor(
            hidden_layer_sizes=8, activation=activation, max_iter=1, n_iter_no_change=None, random_state=0
        ).fit(X, y)
        for offset in (-50.0, 50.0) if what == "saturated" else (-50.0,):
            net.intercepts_[0][:3] = offset
            layer = fastnet.diagnose(net, X, y).findings.layers[0]
            assert getattr(layer, what) == 3 / 8, activation
    net = fastnet.MLPRegressor(hidden_layer_sizes=8, max_iter=1, n_iter_no_change=None, random_state=0).fit(X, y)
    net.intercepts_[0][:3] = 50.0  # a rectifier that is always on is linear, and learns
    layer = fastnet.diagnose(net, X, y).findings.layers[0]
    assert (layer.dead, layer.saturated) == (0, 0)


def test_signal_is_found_where_there_is_some():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(256, 4))
    assert predictable_share(X * [1, 1e6, 1e-6, 1], X[:, :1]) > 0.95
    assert predictable_share(X[:, :2], np.sign(X[:, :1] * X[:, 1:2])) > 0.4  # no line tells them apart
    assert [predictable_share(rng.normal(size=(n, 5)), rng.normal(size=(n, 2))) for n in (10, 30, 100, 256) * 10] == [
        0
    ] * 40
    assert predictable_share(np.ones((50, 2)), X[:50, :1]) == 0 == predictable_share(X, np.ones((256, 1)))


def test_overfitting_and_underfitting_are_seen():
    X, y = samples("diabetes")
    net = fastnet.MLPRegressor(
        hidden_layer_sizes=(200, 200), max_iter=300, n_iter_no_change=None, learning_rate_init=0.01, random_state=0
    )
    net.fit(X[:100], y[:100])
    assert fastnet.diagnose(net, X[:100], y[:100]).is_healthy
    assert [one.name for one in fastnet.diagnose(net, X[100:], y[100:]).illnesses] == ["overfitting"]
    X, y = samples("digits")
    net = fastnet.MLPClassifier(1, learning_rate_init=0.02, max_iter=300, n_iter_no_change=None, random_state=0).fit(
        X, y
    )
    assert [one.name for one in fastnet.diagnose(net, X, y).illnesses] == ["underfitting"]


def test_the_report_has_a_row_for_each_illness():
    X, y = samples("cancer")
    net = fastnet.MLPClassifier(**DEAD)
    warned(lambda: net.fit(X, y))
    report = fastnet.diagnose(net, X, y)
    table = report.to_frame()
    assert list(table.index) == list(NAMES) and list(table.index[table["found"]]) == CAUSE_AND_EFFECT
    assert "dead units                 yes" in repr(report) and report.illnesses[0].remedy in repr(report)


def test_a_pipeline_is_diagnosed_by_its_network():
    X, y = samples("cancer")
    model = make_pipeline(StandardScaler(), fastnet.MLPClassifier(**DEAD))
    warned(lambda: model.fit(X * 5 + 3, y))
    assert [one.name for one in fastnet.diagnose(model, X * 5 + 3, y).illnesses] == CAUSE_AND_EFFECT


def test_what_cannot_be_diagnosed_is_refused():
    X, y = samples("cancer")
    with pytest.raises(NotFittedError):
        fastnet.diagnose(fastnet.MLPClassifier(), X, y)
    with pytest.raises(TypeError, match="estimator must be one of fastnet's networks"):
        fastnet.diagnose(StandardScaler(), X, y)


def test_a_look_without_weights_is_none():
    net = fastnet.MLPRegressor(hidden_layer_sizes=2, max_iter=1, n_iter_no_change=None).fit([[0.0], [1.0]], [0.0, 1.0])
    architecture, matrices, vectors = net._network()
    X = np.zeros((2, 1))
    weight = np.zeros(2, matrices[0].dtype)
    targets = np.zeros((2, 1), matrices[0].dtype)
    assert find(Problem(architecture, X, targets, weight, matrices, vectors), matrices, vectors) is None


def test_where_the_loss_has_grown_nobody_advises_larger_steps():
    X, y = samples("diabetes")
    net = fastnet.MLPRegressor(solver="sgd", learning_rate_init=0.3, clip_norm=1e3, max_iter=5, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Increase max_iter") as caught:
        net.fit(X, y * 30)
    assert net.loss_curve_[-1] > net.loss_curve_[0]
    assert not any("or learning_rate_init" in str(w.message) for w in caught)
