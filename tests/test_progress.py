"""What is shown while a training goes on: tables, bars, records, closing lines, and word of the compiler."""

import logging
import sys
import threading

import pytest
from sklearn.callback import ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import MLPClassifier, TabularMLPClassifier
from fastnet.callbacks import EarlyStopping
from fastnet.kernels.compiling import notice

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": (7,), "max_iter": 5, "random_state": 0, "dtype": "float64"}


def test_the_table_has_a_row_for_each_epoch_and_a_star_at_the_best(digits, capsys):
    net = MLPClassifier(**SMALL, verbose="table", early_stopping=True, learning_rate_init=0.1).fit(*digits)
    head, *rows, end = capsys.readouterr().out.splitlines()
    assert head.split() == ["epoch", "loss", "rate", "validation_score", "validation_loss", "seconds"]
    assert [row.split()[0] for row in rows] == [f"{n}/5" for n in range(1, 6)]
    scores = net.validation_scores_
    assert ["*" in row for row in rows] == [score > max([-1, *scores[:n]]) for n, score in enumerate(scores)]
    numbers = [row.replace("*", "").split() for row in rows]
    assert [row[1] for row in numbers] == [f"{loss:.5f}" for loss in net.loss_curve_]
    assert end.startswith("Ended after 5 of 5 epochs in ") and "s: max_iter=5 is reached." in end
    best = 1 + scores.index(max(scores))
    assert end.endswith(f"The weights of epoch {best} are kept.")


ENDINGS = {
    "no improvement by tol=10 for 1 epochs.": {"tol": 10.0, "n_iter_no_change": 1},
    "max_time=1e-09 seconds are over.": {"max_time": 1e-9},
    "a callback ended it.": {"callbacks": lambda trainer: True},
    "converged to tol=1e+06.": {"solver": "lbfgs", "tol": 1e6},
    "max_iter=5 is reached.": {"solver": "lbfgs"},
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_closing_line_says_why(digits, capsys, ending):
    MLPClassifier(**{**SMALL, "verbose": "table", **ENDINGS[ending]}).fit(*digits)
    assert capsys.readouterr().out.splitlines()[-1].endswith(ending)


def test_a_fit_that_fails_says_so(digits, capsys):
    def fail(trainer):
        raise KeyError("x")

    with pytest.raises(KeyError):
        MLPClassifier(**SMALL, verbose="table", callbacks=fail).fit(*digits)
    assert capsys.readouterr().out.splitlines()[-1].endswith("s: KeyError.")


def test_partial_fits_make_one_table(digits, capsys):
    net = MLPClassifier(**SMALL, verbose="table")
    for _ in range(3):
        net.partial_fit(*digits, classes=range(10))
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["epoch", "1", "2", "3"]


def test_a_bar_is_tqdms(digits, capsys):
    pytest.importorskip("tqdm")
    MLPClassifier(**SMALL, verbose="bar").fit(*digits)
    shown = capsys.readouterr()
    assert "5/5" in shown.err and "loss=" in shown.err
    assert shown.out.startswith("Ended after 5 of 5 epochs")


def test_without_tqdm_the_error_says_what_to_do(digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install tqdm.*verbose='table'"):
        MLPClassifier(**SMALL, verbose="bar").fit(*digits)


def test_records_go_to_the_logger(digits, caplog):
    with caplog.at_level(logging.INFO, "fastnet"):
        net = MLPClassifier(**SMALL, verbose="log").fit(*digits)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 6
    assert messages[1].startswith(f"epoch 2: loss={net.loss_curve_[1]:.6g}, penalty=")
    assert messages[5].startswith("Ended after 5 of 5 epochs")


@pytest.mark.parametrize("verbose", ["table", "bar"])
def test_among_other_threads_it_is_the_closing_line_alone(digits, capsys, verbose):
    net = MLPClassifier(**SMALL, verbose=verbose)
    thread = threading.Thread(target=net.fit, args=digits)
    thread.start()
    thread.join()
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 1 and shown.err == ""


def test_networks_for_tables_are_shown_and_watched_one_by_one(digits, capsys):
    seen = []
    net = TabularMLPClassifier(
        preset="fast", max_iter=2, hidden_layer_sizes=4, n_members=2, random_state=0, verbose="table",
        callbacks=lambda trainer: seen.append((trainer.history.n_iter, trainer.history.loss)),
    ).fit(*digits)  # fmt: skip
    shown = capsys.readouterr().out
    assert shown.count("1/2") == shown.count("2/2") == 2 and "Member 2 of 2" in shown
    assert seen == [(n, loss) for member in net.estimators_ for n, loss in enumerate(member.loss_curve_, 1)]
    stop = EarlyStopping("validation_loss", 1, min_delta=1e9)
    net.set_params(callbacks=stop, refit=True, max_iter=4, verbose="log").fit(*digits)
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="callbacks must hold"):
        net.set_params(callbacks=["table"]).fit(*digits)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scikit_learns_callbacks_see_every_epoch(digits, solver):
    monitor = ScoringMonitor(scoring="accuracy")
    net = MLPClassifier(**SMALL, solver=solver).set_callbacks(monitor).fit(*digits)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    for n_epochs, row in enumerate(rows, 1):
        then = MLPClassifier(**{**SMALL, "max_iter": n_epochs}, solver=solver).fit(*digits)
        assert row["accuracy"] == then.score(*digits)
    assert len(rows) == 5
    assert [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "fit"] == [net.score(*digits)]


def test_scikit_learns_callbacks_in_a_pipeline_in_a_search(digits):
    monitor = ScoringMonitor(scoring="accuracy")
    net = MLPClassifier(**{**SMALL, "max_iter": 2}).set_callbacks(monitor)
    pipeline = make_pipeline(StandardScaler(), net)
    GridSearchCV(pipeline, {"mlpclassifier__alpha": [0.1, 1.0]}, cv=2).fit(*digits)
    assert sum(row["task_name"] == "epoch" for row in monitor.get_logs().data) == 2 * 5


class Watcher:
    """scikit-learn's protocol, with a hook that ends the training after two epochs."""

    def __init__(self, fails=False):
        self.fails, self.calls = fails, []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.calls.append((context.task_name, X.shape, len(y), metadata))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if self.fails:
            raise RuntimeError("here")
        return context.task_name == "epoch" and context.task_id == 1


def test_scikit_learns_callbacks_can_stop_and_are_torn_down(digits):
    X, y = digits
    watcher, weight = Watcher(), [1.0] * 300
    net = MLPClassifier(**SMALL).set_callbacks(watcher).fit(X, y, weight)
    assert (net.n_iter_, net.stop_reason_) == (2, "callback")
    about = X.shape, 300, {"sample_weight": weight}
    assert watcher.calls == ["setup", ("fit", *about), ("epoch", *about), ("epoch", *about), "teardown"]
    watcher = Watcher(fails=True)
    net = MLPClassifier(**SMALL).set_callbacks(watcher)
    with pytest.raises(RuntimeError, match="here"):
        net.fit(X, y)
    assert watcher.calls[-1] == "teardown"
    assert not hasattr(net, "coefs_") and not hasattr(net, "_callback_fit_ctx")


def test_the_first_compilation_says_so_once(monkeypatch, capsys):
    monkeypatch.setattr(notice, "_was_told", False)
    monkeypatch.setattr(notice, "_seconds", 0.0)
    monkeypatch.setattr(notice, "PATIENCE_SECONDS", 3600.0)
    with notice.Notice("a folder") as short:
        short.begin()
    short._timer.join()  # cancelled
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(notice, "PATIENCE_SECONDS", 0.0)
    with notice.Notice("a folder"):
        pass  # loaded: nothing begins
    for _ in range(2):
        with notice.Notice("a folder") as long:
            long.begin()
            if long._timer is not None:
                long._timer.join()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("fastnet compiles its kernels") and "saved in a folder, and later runs load it" in line
