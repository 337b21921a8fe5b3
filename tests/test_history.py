"""`history_`: what it says of each epoch, compared with plain formulas, and how it goes on."""

import pickle
from dataclasses import asdict

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_squared_error

from fastnet import MLPClassifier, MLPRegressor
from fastnet.callbacks import CSVLogger, EarlyStopping, History, Snapshots
from fastnet.estimators.fitting.validation import OwnData
from fastnet.schedules import Cosine
from fastnet.training.history import History as Internal

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": (7,), "max_iter": 5, "n_iter_no_change": None, "random_state": 0, "dtype": "float64"}


def parts(data):
    X, y = data
    return X[:200], y[:200], {"X_val": X[200:], "y_val": y[200:]}


def bits(net):
    return [a.tobytes() for a in (*net.coefs_, *net.intercepts_)]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_validation_samples_alone_are_measured_and_change_nothing(digits, solver):
    X, y, own = parts(digits)
    net = MLPClassifier(**SMALL, solver=solver, scoring=["accuracy", "f1_macro"], callbacks=Snapshots())
    net.fit(X, y, **own)
    assert bits(net) == bits(MLPClassifier(**SMALL, solver=solver).fit(X, y))
    history = net.history_
    assert len(history) == net.n_iter_ == 5
    for epoch, (probabilities, labels) in enumerate(
        zip(net.staged_predict_proba(own["X_val"]), net.staged_predict(own["X_val"]), strict=True)
    ):
        assert_allclose(history["validation_loss"][epoch], log_loss(own["y_val"], probabilities), rtol=1e-10)
        assert history["validation_accuracy"][epoch] == accuracy_score(own["y_val"], labels)
        assert history["validation_f1_macro"][epoch] == f1_score(own["y_val"], labels, average="macro")
    assert net.validation_loss_ == history["validation_loss"][-1]
    assert net.validation_scores_ is None if solver == "adam" else not hasattr(net, "validation_scores_")


def test_the_penalty_is_that_of_the_weights_before_the_only_step_of_an_epoch(diabetes):
    X, y, own = parts(diabetes)
    net = MLPRegressor(**SMALL, alpha=0.3, l1_ratio=0.25, batch_size=None, callbacks=Snapshots()).fit(X, y, **own)
    for epoch, (_, coefs, _) in enumerate(net._snapshots[:-1], 1):
        penalty = sum(0.3 * 0.25 * np.abs(w).sum() + 0.3 * 0.75 / 2 * (w**2).sum() for w in coefs) / len(y)
        assert_allclose(net.history_["penalty"][epoch], penalty, rtol=1e-12)
    predicted = [mean_squared_error(own["y_val"], p) / 2 for p in net.staged_predict(own["X_val"])]
    assert_allclose(net.history_["validation_loss"], predicted, rtol=1e-10)


@pytest.mark.parametrize("shape", [(200,), (200, 3)], ids=str)
def test_lbfgs_tells_loss_and_penalty_of_every_iterate(diabetes, shape):
    X, y = diabetes[0][:200], np.resize(diabetes[1], shape) + np.arange(shape[-1] if len(shape) > 1 else 1)
    net = MLPRegressor(**SMALL, alpha=2.0, solver="lbfgs", callbacks=Snapshots()).fit(X, y)
    for epoch, ((_, coefs, _), predicted) in enumerate(zip(net._snapshots, net.staged_predict(X), strict=True)):
        penalty = sum((w**2).sum() for w in coefs) / len(X)
        assert_allclose(net.history_["penalty"][epoch], penalty, rtol=1e-10)
        loss = mean_squared_error(y, predicted) / 2 + penalty
        assert_allclose(net.history_["loss"][epoch], loss, rtol=1e-10)
    assert_allclose(net.history_["loss"][-1], net.loss_, rtol=1e-12)
    assert list(net.history_.epochs) == ["loss", "penalty", "seconds"]


def test_the_learning_rate_is_that_of_the_first_mini_batch(digits):
    net = MLPClassifier(**SMALL, batch_size=100, learning_rate=Cosine()).fit(*digits)
    assert_allclose(net.history_["learning_rate"], 0.001 * (1 + np.cos(np.pi * np.arange(5) / 5)) / 2)
    assert all(seconds > 0 for seconds in net.history_["seconds"])


def test_the_attributes_stay_what_they_were(digits):
    net = MLPClassifier(**SMALL, early_stopping=True, scoring="f1_macro").fit(*digits)
    assert net.history_["loss"] == net.loss_curve_
    assert net.history_["validation_score"] == net.validation_scores_
    several = clone(net).set_params(scoring={"first": "f1_macro", "other": "accuracy"}).fit(*digits)
    assert several.history_["validation_first"] == several.validation_scores_ == net.validation_scores_
    assert bits(several) == bits(net)


def test_it_goes_on_over_warm_starts_and_partial_fits(digits):
    X, y, own = parts(digits)
    net = MLPClassifier(**SMALL, warm_start=True).fit(X, y)
    first = [*net.history_["loss"]]
    net.fit(X, y, **own)
    assert net.history_["loss"] == net.loss_curve_ and net.history_["loss"][:5] == first
    assert len(net.history_) == 10 and net.history_.n_iter == 5
    assert np.isnan(net.history_["validation_loss"]).tolist() == [True] * 5 + [False] * 5
    net.partial_fit(X, y)
    assert len(net.history_) == len(net.history_["validation_loss"]) == 11
    assert not hasattr(net.set_params(warm_start=False).fit(X, y), "validation_loss_")
    assert len(net.history_) == 5
    lbfgs = MLPClassifier(**SMALL, warm_start=True, solver="lbfgs").fit(X, y).fit(X, y)
    assert len(lbfgs.history_) == 10 and lbfgs.history_["loss"] == sorted(lbfgs.history_["loss"], reverse=True)


def test_a_resumed_training_has_the_history_of_an_uninterrupted_one(digits):
    X, y, own = parts(digits)
    net = MLPClassifier(**SMALL, early_stopping=True).fit(X, y)
    with net._task(X, y, None).trainer() as trainer:
        trainer.step()
        trainer.step()
        state = pickle.loads(pickle.dumps(trainer.state()))
    with net._task(X, y, None).trainer(state) as trainer:
        trainer.run()
        resumed, kept = asdict(trainer.history)["epochs"], trainer.kept_epoch
    for name, values in net.history_.epochs.items():
        if name != "seconds":
            assert_array_equal(resumed[name], values, err_msg=name)
    assert kept == 1 + int(np.argmax(net.validation_scores_))


def test_callbacks_of_a_resumed_training_know_what_was_before(digits, tmp_path):
    X, y, own = parts(digits)
    asked = {**SMALL, "max_iter": 60, "learning_rate_init": 0.05}
    watchers = [EarlyStopping("validation_loss", 4, restore_best=True), Snapshots(), CSVLogger(tmp_path / "log.csv")]
    net = MLPClassifier(**asked, callbacks=watchers)
    whole = clone(net).fit(X, y, **own)
    rows, own = (tmp_path / "log.csv").read_text().splitlines(), OwnData(own["X_val"], own["y_val"])
    assert 6 < whole.n_iter_ < 60

    def pause(trainer):
        if trainer.history.n_iter == whole.n_iter_ - 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        with clone(net).set_params(callbacks=[*watchers, pause])._task(X, y, None, own).trainer() as trainer:
            trainer.run()
            state = trainer.state()
    state["goes_on"], state["history"]["stop_reason"] = True, None
    task = net._task(X, y, None, own)
    with task.trainer(pickle.loads(pickle.dumps(state))) as trainer:
        trainer.run()
        matrices, vectors, _ = trainer.finish()
    assert trainer.history.n_iter == whole.n_iter_ and trainer.history.stop_reason == "callback"
    assert [a.tobytes() for a in matrices + vectors] == bits(whole)
    assert len(trainer.snapshots) == len(whole._snapshots)
    resumed = (tmp_path / "log.csv").read_text().splitlines()
    assert [row.rpartition(",")[0] for row in resumed] == [row.rpartition(",")[0] for row in rows]  # but for seconds


def test_it_is_part_of_pickles_and_becomes_a_frame(digits):
    pandas = pytest.importorskip("pandas")
    net = pickle.loads(pickle.dumps(MLPClassifier(**SMALL).fit(*digits)))
    assert type(net.history_) is History is Internal
    frame = net.history_.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["loss"].tolist() == net.loss_curve_
    assert frame.index.tolist() == [1, 2, 3, 4, 5] and frame.index.name == "epoch"
    with pytest.raises(KeyError, match="'validation_loss' was not measured: there are .*'loss', 'penalty'"):
        net.history_["validation_loss"]


def test_without_pandas_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas.*history_\\['loss'\\]"):
        History().to_frame()


@pytest.mark.parametrize(
    "wrong",
    [{"score": "no score"}, ["accuracy", "accuracy"], [accuracy_score], {}, {"a": int}],
    ids=["name", "twice", "metric", "none", "class"],
)
def test_what_is_no_score_is_refused(digits, wrong):
    with pytest.raises(ValueError, match="scoring"):
        MLPClassifier(**SMALL, early_stopping=True, scoring=wrong).fit(*digits)
