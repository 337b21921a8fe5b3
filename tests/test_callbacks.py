"""Callbacks: when they are called, what they can do, and that they change no number of the training."""

import csv
import sys
import traceback

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import MLPClassifier, MLPRegressor, inspect
from fastnet.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LayerStatistics,
    LearningRateMonitor,
    Snapshots,
    TensorBoard,
)
from fastnet.training.callbacks import check_callbacks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": (7,), "max_iter": 5, "n_iter_no_change": None, "random_state": 0, "dtype": "float64"}


class Recorder(Callback):
    def __init__(self):
        self.calls = []

    def on_fit_begin(self, trainer):
        self.calls.append("begin")

    def on_epoch_end(self, trainer):
        self.calls.append(trainer.history.n_iter)

    def on_fit_end(self, trainer):
        self.calls.append(("end", trainer.history.stop_reason, type(trainer.error).__name__))


class Fails(Callback):
    def __init__(self, hook, keeps_training=False):
        self.hook, self.keeps_training = hook, keeps_training

    def on_fit_begin(self, trainer):
        self.fail("on_fit_begin")

    def on_epoch_end(self, trainer):
        if trainer.history.n_iter == 2:
            self.fail("on_epoch_end")

    def on_fit_end(self, trainer):
        self.fail("on_fit_end")

    def fail(self, hook):
        if hook == self.hook:
            raise RuntimeError("here")


def bits(net):
    return [a.tobytes() for a in (*net.coefs_, *net.intercepts_)]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_hooks_are_called_in_order_and_once(digits, solver):
    recorder = Recorder()
    net = MLPClassifier(**SMALL, solver=solver, callbacks=[recorder]).fit(*digits)
    assert recorder.calls == ["begin", 1, 2, 3, 4, 5, ("end", "max_iter", "NoneType")]
    if solver == "adam":
        net.partial_fit(*digits)
        assert recorder.calls[7:] == ["begin", 1, ("end", None, "NoneType")]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_function_that_returns_true_ends_the_training(digits, solver):
    net = MLPClassifier(**SMALL, solver=solver, callbacks=lambda trainer: trainer.history.n_iter == 3).fit(*digits)
    assert net.n_iter_ == len(net.history_) == 3
    assert net.stop_reason_ == "callback"
    assert bits(net) == bits(MLPClassifier(**{**SMALL, "max_iter": 3}, solver=solver).fit(*digits))


def test_a_callback_changes_the_rate(digits):
    def slow_down(trainer):
        trainer.rate = 0.01 / trainer.history.n_iter

    net = MLPClassifier(**SMALL, callbacks=slow_down, batch_size=100).fit(*digits)
    assert_allclose(net.history_["learning_rate"], [0.001, 0.01, 0.01 / 2, 0.01 / 3, 0.01 / 4])


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("params", [{}, {"solver": "lbfgs"}, {"early_stopping": True, "dropout": 0.2}], ids=str)
def test_watching_changes_no_bit(digits, kind, params):
    X, y = digits
    watchers = [LayerStatistics(), Snapshots(2), LearningRateMonitor(), EarlyStopping("loss", 100, restore_best=False)]
    watched = kind(**SMALL, **params, callbacks=watchers).fit(X, y)
    alone = kind(**SMALL, **params).fit(X, y)
    assert bits(watched) == bits(alone)
    draws = [net._random_state.randint(2**31) for net in (watched, alone)]
    assert draws[0] == draws[1]


def test_early_stopping_keeps_the_best_epoch_of_a_column(digits):
    X, y = digits
    own = {"X_val": X[200:], "y_val": y[200:]}
    asked = {**SMALL, "max_iter": 60, "learning_rate_init": 0.05}
    stop = EarlyStopping("validation_loss", patience=4, restore_best=True)
    net = MLPClassifier(**asked, callbacks=[stop, Snapshots()]).fit(X[:200], y[:200], **own)
    losses = net.history_["validation_loss"]
    best = int(np.argmin(losses))
    assert net.stop_reason_ == "callback" and best + 4 == len(losses) - 1
    assert_array_equal(net.coefs_[0], net._snapshots[best][1][0])
    scores = EarlyStopping("validation_score", patience=4)
    net = MLPClassifier(**asked, callbacks=scores).fit(X[:200], y[:200], **own)
    assert int(np.argmax(net.history_["validation_score"])) + 4 == net.n_iter_ - 1


def test_early_stopping_needs_what_it_monitors(digits):
    recorder = Recorder()
    net = MLPClassifier(**SMALL, callbacks=[recorder, EarlyStopping("validation_loss")])
    with pytest.raises(ValueError, match="monitor='validation_loss' .* give X_val and y_val to fit"):
        net.fit(*digits)
    assert recorder.calls == ["begin", ("end", None, "ValueError")] and not hasattr(net, "coefs_")
    with pytest.raises(ValueError, match="patience of EarlyStopping must be at least 1, got 0"):
        EarlyStopping(patience=0)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("hook", ["on_fit_begin", "on_epoch_end", "on_fit_end"])
def test_one_that_fails_ends_the_fit_and_leaves_the_estimator(digits, solver, hook):
    recorder = Recorder()
    net = MLPClassifier(**SMALL, solver=solver, callbacks=[recorder, Fails(hook)])
    before = dict(vars(net))
    with pytest.raises(RuntimeError, match="here") as caught:
        net.fit(*digits)
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "fail"
    assert vars(net) == before
    assert recorder.calls[0] == "begin" and recorder.calls[-1][0] == "end"
    assert recorder.calls[1:-1] == {"on_fit_begin": [], "on_epoch_end": [1, 2], "on_fit_end": [1, 2, 3, 4, 5]}[hook]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_training_done_is_kept_if_asked(digits, solver):
    net = MLPClassifier(**SMALL, solver=solver, callbacks=Fails("on_epoch_end", keeps_training=True))
    with pytest.raises(RuntimeError, match="here") as caught:
        net.fit(*digits)
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "fail"
    assert (net.n_iter_, net.stop_reason_) == (2, "error")
    two = MLPClassifier(**{**SMALL, "max_iter": 2}, solver=solver).fit(*digits)
    assert bits(net) == bits(two)
    assert {name for name in vars(net)} == {name for name in vars(two)}
    net.set_params(callbacks=None, warm_start=True).fit(*digits)


def test_values_that_are_no_callbacks_are_refused():
    assert check_callbacks(None) == ()
    with pytest.raises(ValueError, match="write EarlyStopping"):
        check_callbacks([EarlyStopping])
    with pytest.raises(ValueError, match="callbacks must hold .* got one of type int"):
        check_callbacks([print, 3])


def test_searches_and_clones_take_them(digits):
    recorder = Recorder()
    net = MLPClassifier(**SMALL, callbacks=[recorder])
    search = GridSearchCV(make_pipeline(StandardScaler(), net), {"mlpclassifier__alpha": [0.1, 1.0]}, cv=2).fit(*digits)
    assert recorder.calls == []  # each fit has a copy
    assert search.best_estimator_[-1].callbacks[0].calls[-1] == ("end", "max_iter", "NoneType")
    assert len(cross_val_score(clone(net), *digits, cv=2)) == 2


def test_csv_logger_writes_what_the_history_has(digits, tmp_path):
    path = tmp_path / "log.csv"
    net = MLPClassifier(**SMALL, early_stopping=True, callbacks=CSVLogger(path), warm_start=True).fit(*digits)
    net.set_params(callbacks=CSVLogger(path, append=True)).fit(*digits)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 11))
    for name, values in net.history_.epochs.items():
        assert [float(row[name]) for row in rows] == values, name


def test_the_monitor_of_rates_has_every_mini_batch(digits):
    monitor = LearningRateMonitor()
    MLPClassifier(**SMALL, batch_size=100, learning_rate="cosine", callbacks=monitor).fit(*digits)
    t = np.arange(15) / 3
    assert_allclose(monitor.rates.ravel(), 0.001 * (1 + np.cos(np.pi * t / 5)) / 2)


def test_tensorboard_gets_every_scalar(digits, tmp_path, monkeypatch):
    written = []

    class Writer:
        def __init__(self, folder):
            written.append(folder)

        def add_scalar(self, *scalar):
            written.append(scalar)

        def close(self):
            written.append("closed")

    monkeypatch.setitem(sys.modules, "tensorboardX", type(sys)("tensorboardX"))
    sys.modules["tensorboardX"].SummaryWriter = Writer
    net = MLPClassifier(**SMALL, callbacks=TensorBoard(tmp_path)).fit(*digits)
    assert written[0] == str(tmp_path) and written[-1] == "closed"
    assert [value for name, value, _ in written[1:-1] if name == "loss"] == net.loss_curve_
    assert {name for name, _, _ in written[1:-1]} == set(net.history_.epochs)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match="pip install tensorboardX"):
        clone(net).fit(*digits)


@pytest.mark.parametrize("activation", ["relu", "logistic", "prelu", "gelu", "tanh"])
def test_layer_statistics_are_those_of_the_network(digits, activation):
    X, y = digits
    net = MLPClassifier((9, 6), activation=activation, max_iter=2, n_iter_no_change=None, random_state=0,
                        dtype="float64", callbacks=LayerStatistics(n_rows=300), learning_rate_init=3.0)  # fmt: skip
    last = {name: values[-1] for name, values in net.fit(X, y).history_.epochs.items()}
    for i, layer in enumerate(inspect(net, X, y).layers):
        assert_allclose(last[f"gradient_norm_{i}"], np.linalg.norm(layer.coef_gradient), rtol=1e-9)
        assert_allclose(last[f"weight_norm_{i}"], np.linalg.norm(net.coefs_[i]), rtol=1e-12)
        if i == 2:
            assert "dead_2" not in last
            continue
        z, a = layer.z, layer.activation
        # by differences
        slope = {
            "relu": lambda z: z > 0, "logistic": lambda z: 1 / (1 + np.exp(-z)) / (1 + np.exp(z)),
            "tanh": lambda z: 1 / np.cosh(z) ** 2,
        }.get(activation)  # fmt: skip
        if slope is None:
            assert 0 <= last[f"dead_{i}"] <= 1 and 0 <= last[f"saturated_{i}"] <= 1
            continue
        with np.errstate(over="ignore"):
            slopes = slope(z)
        is_dead = (slopes == 0).all(axis=0)
        largest = {"relu": 1.0, "logistic": 0.25, "tanh": 1.0}[activation]
        is_flat = ((slopes < 0.01 * largest) & (a != 0)).mean(axis=0) > 0.5
        assert last[f"dead_{i}"] == pytest.approx(is_dead.mean())
        assert last[f"saturated_{i}"] == pytest.approx((is_flat & ~is_dead).mean(), abs=1e-9)
    if activation == "relu":
        assert last["dead_1"] > 0
    if activation == "tanh":
        assert last["saturated_0"] > 0


def test_layer_statistics_are_taken_every_so_often_from_few_rows(digits):
    statistics = LayerStatistics(every=2, n_rows=10)
    net = MLPClassifier(**SMALL, callbacks=statistics).fit(*digits)
    assert np.isnan(net.history_["dead_0"]).tolist() == [False, True, False, True, False]
    rows = np.linspace(0, 299, 10).astype(int)
    expected = inspect(net, digits[0][rows], digits[1][rows]).layers[0].coef_gradient
    assert_allclose(net.history_["gradient_norm_0"][-1], np.linalg.norm(expected), rtol=1e-9)
    weight = np.zeros(300)
    weight[1] = 1
    with pytest.raises(ValueError, match="sample_weight are all zero"):
        clone(net).fit(*digits, weight)


def test_snapshots_predict_as_the_network_did_then(digits):
    X, y = digits
    net = MLPClassifier(**SMALL, early_stopping=True, callbacks=Snapshots(2)).fit(X, y)
    assert [epoch for epoch, _, _ in net._snapshots] == [2, 4]
    for n_epochs, (labels, probabilities) in zip(
        (2, 4), zip(net.staged_predict(X), net.staged_predict_proba(X), strict=True), strict=True
    ):
        then = MLPClassifier(**{**SMALL, "max_iter": n_epochs}, early_stopping=True, restore_best_weights=False)
        assert_array_equal(then.fit(X, y).predict(X), labels)
        assert_array_equal(then.predict_proba(X), probabilities)
    net.set_params(warm_start=True).fit(X, y)
    assert [epoch for epoch, _, _ in net._snapshots] == [2, 4, 6, 8, 10]
    net.set_params(warm_start=False, callbacks=None).fit(X, y)
    with pytest.raises(AttributeError, match="callbacks=Snapshots"):
        net.staged_predict(X)


@pytest.mark.parametrize("residual", [True, "projection"])
def test_statistics_leave_the_skip_out_of_what_a_unit_gives(digits, residual):
    X, y = digits
    net = MLPClassifier((12, 12, 6), "tanh", residual=residual, max_iter=1, learning_rate_init=0.3, dtype="float64",
                        random_state=0, callbacks=LayerStatistics(n_rows=300)).fit(X[:300], y[:300])  # fmt: skip
    for number, layer in enumerate(inspect(net, X[:300], y[:300]).layers[:-1]):
        flat = (1 - np.tanh(layer.z) ** 2 < 0.01).mean(axis=0) > 0.5
        assert net.history_[f"saturated_{number}"] == [flat.mean()]
