"""What watches the estimators for tables: scikit-learn's callbacks, history, summary, diagnosis, the one warning."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.callback import ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch

from fastnet import TabularMLPClassifier, TabularMLPRegressor, TrainingWarning, diagnose

SMALL = {"preset": "fast", "hidden_layer_sizes": 8, "n_members": 3, "max_iter": 4, "random_state": 0}
ESTIMATORS = [TabularMLPClassifier, TabularMLPRegressor]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    X[::7, 1] = np.nan
    return X, (X[:, 0] > 0).astype(int)


class Watcher:
    """scikit-learn's protocol, with a hook that ends the fit, or fails, after a task of a name."""

    def __init__(self, ends=None, fails=None):
        self.ends, self.fails, self.calls = ends, fails, []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append((type(estimator).__name__, context.task_name))

    def on_fit_task_end(self, estimator, context):
        if context.task_name == self.fails:
            raise RuntimeError("here")
        return context.task_name == self.ends


class PassedOn(Watcher):
    """A watcher that scikit-learn passes on to estimators inside."""

    max_propagation_depth = None


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_scikit_learns_monitor_scores_the_networks_so_far(cls, data):
    X, y = data
    monitor = ScoringMonitor(scoring="neg_mean_squared_error")
    model = cls(**SMALL).set_callbacks(monitor).fit(X, y)
    whole, *rows = monitor.get_logs().data  # in the order of the tree of tasks
    assert [row["task_name"] for row in (whole, *rows)] == ["fit"] + ["network"] * 3
    rows.append(whole)
    outputs = np.array([network.predict(Z) for network, Z in model._networks_with_inputs(X)])
    if cls is TabularMLPRegressor:
        expected = [-np.mean((outputs[:n].mean(axis=0).clip(0, 1) - y) ** 2) for n in (1, 2, 3, 3)]
        assert_allclose([row["neg_mean_squared_error"] for row in rows], expected, rtol=1e-6)
    else:
        assert rows[0]["neg_mean_squared_error"] == -np.mean(outputs[0] != y)
        assert rows[-1]["neg_mean_squared_error"] == -np.mean(model.predict(X) != y)
    assert_array_equal(cls(**SMALL).fit(X, y).predict(X), model.predict(X))  # no bit changes
    assert not any({"_skl_callbacks", "_parent_callback_ctx"} & set(vars(network)) for network in model.estimators_)


def test_what_is_passed_on_sees_networks_and_their_epochs(data):
    watcher = PassedOn()
    TabularMLPRegressor(**{**SMALL, "n_members": 2, "max_iter": 2}, refit=True).set_callbacks(watcher).fit(*data)
    begun = [call for call in watcher.calls if isinstance(call, tuple)]
    assert begun[0] == ("TabularMLPRegressor", "fit") and len(begun) == len(watcher.calls) - 2
    assert begun.count(("TabularMLPRegressor", "network")) == 4  # two, and again on all rows
    assert 6 <= begun.count(("MLPRegressor", "epoch")) <= 8  # as many of these as were best


@pytest.mark.parametrize(
    ("watcher", "n_networks", "n_epochs"), [(Watcher("network"), 1, 4), (PassedOn("epoch"), 3, 1)]
)
def test_scikit_learns_callbacks_can_stop(watcher, n_networks, n_epochs, data):
    model = TabularMLPClassifier(**SMALL).set_callbacks(watcher).fit(*data)
    assert (len(model.estimators_), model.n_iter_) == (n_networks, n_epochs)
    assert watcher.calls[0] == "setup" and watcher.calls[-1] == "teardown"


def test_a_callback_that_fails_leaves_the_estimator_as_it_was(data):
    watcher = Watcher(fails="network")
    model = TabularMLPClassifier(**SMALL).set_callbacks(watcher)
    before = dict(vars(model))
    with pytest.raises(RuntimeError, match="here"):
        model.fit(*data)
    assert watcher.calls[-1] == "teardown" and vars(model) == before


def test_scikit_learns_callbacks_in_a_pipeline_in_a_search(data):
    monitor = ScoringMonitor(scoring="accuracy")
    model = TabularMLPClassifier(**{**SMALL, "n_members": 2, "max_iter": 1}).set_callbacks(monitor)
    pipeline = make_pipeline(FunctionTransformer(), model)
    GridSearchCV(pipeline, {"tabularmlpclassifier__dropout": [0.0, 0.1]}, cv=2).fit(*data)
    assert sum(row["task_name"] == "network" for row in monitor.get_logs().data) == 2 * 5


def test_the_history_has_means_and_each_networks_own(data):
    X, y = data
    model = TabularMLPRegressor(**SMALL).fit(X, y)
    own = [network.history_ for network in model.estimators_]
    assert model.history_.members == own and len(model.history_) == 4
    assert_allclose(model.history_["validation_loss"], np.mean([one["validation_loss"] for one in own], axis=0))
    assert model.history_["loss"] == model.loss_curve_ == model.history_.epochs["loss"]
    frame = model.history_.to_frame()
    assert frame.index.names == ["member", "epoch"] and frame.shape[0] == 12
    assert frame.loc[(1, 3), "loss"] == own[1]["loss"][2]
    assert "3 networks, up to 4 epochs: loss, penalty" in repr(model.history_)
    assert pickle.loads(pickle.dumps(model)).history_["loss"] == model.loss_curve_
    with pytest.raises(KeyError, match="'accuracy' was not measured"):
        model.history_["accuracy"]


def test_the_summary_is_of_one_network_and_the_training_of_all(data):
    model = TabularMLPRegressor(**SMALL).fit(*data)
    summary, first = model.summary(), model.estimators_[0].summary()
    assert (summary.name, summary.n_networks, first.n_networks) == ("TabularMLPRegressor", 3, 1)
    assert (summary.chain, summary.n_parameters, summary.fit_flops) == (
        first.chain, first.n_parameters, first.fit_flops
    )  # fmt: skip
    assert_allclose(summary.seconds, sum(network.summary().seconds for network in model.estimators_))
    assert "the first of 3 networks" in repr(summary) and "networks" not in repr(first)


def test_the_networks_are_diagnosed_and_training_warns_once(data):
    X, y = data
    healthy = TabularMLPClassifier(**{**SMALL, "max_iter": 32}).fit(X, y)
    assert not [one.name for one in diagnose(healthy, X, y).illnesses if one.name != "overfitting"]
    assert diagnose(make_pipeline(FunctionTransformer(), healthy).fit(X, y), X, y).findings is not None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ill = TabularMLPClassifier(**{**SMALL, "max_iter": 12, "learning_rate_init": 1e-9}).fit(X, y)
    told = [one for one in caught if issubclass(one.category, TrainingWarning)]
    assert len(told) == 1 and told[0].filename == __file__ and "raise learning_rate_init" in str(told[0].message)
    assert not [one for one in caught if "Maximum iterations" in str(one.message)]
    assert "rate too small" in [one.name for one in diagnose(ill, X, y).illnesses]
    with warnings.catch_warnings(action="error"), pytest.raises(TrainingWarning):
        ill.fit(X, y)
    with pytest.raises(TypeError, match="one of fastnet's networks.*type Bunch"):
        diagnose(Bunch(), X, y)


def test_learning_curves_are_drawn(data):
    pytest.importorskip("matplotlib").use("Agg")
    from fastnet.inspection import LearningCurvesDisplay

    model = TabularMLPRegressor(**SMALL).fit(*data)
    display = LearningCurvesDisplay.from_estimator(model)
    assert display.best_epoch is None and display.estimator_name == "TabularMLPRegressor"
    assert_array_equal(display.ax_.lines[0].get_ydata(), model.loss_curve_)
