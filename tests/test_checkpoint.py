"""Checkpoints: killed at any moment, a training goes on to the bits of the uninterrupted fit."""

import os
import random
import signal
import subprocess
import sys
import time
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from configurations import configurations
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_trainer import bits

from fastnet import Checkpoint, MLPClassifier, MLPRegressor, resume
from fastnet.callbacks import Callback, EarlyStopping, Snapshots
from fastnet.checkpoint import files, values
from fastnet.losses import Huber
from fastnet.schedules import ReduceOnPlateau

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": (7,), "batch_size": 16, "max_iter": 6, "n_iter_no_change": None, "random_state": 0}


def data(seed=0, n_samples=60):
    X = np.random.RandomState(seed).standard_normal((n_samples, 5))
    return X, np.abs(X[:, 0]) + X[:, 1]


def learnt(net):
    """Digests of all that a fit leaves, but for what the clock says."""
    left = {name: value for name, value in vars(net).items() if name not in net.get_params() and name != "_cost"}
    left["_random_state"] = left["_random_state"].get_state(legacy=False)
    left["history_"] = {name: values for name, values in left["history_"].epochs.items() if name != "seconds"}
    return {name: bits(value) for name, value in left.items() if name != "_label_binarizer"}


def die_before_the_end(monkeypatch):
    """Let the file be that of the last epoch that `every` counts, as if the process had been killed after it."""
    monkeypatch.setattr(Checkpoint, "on_fit_end", lambda checkpoint, trainer: None)


def written_epoch(path):
    return values.decode(files.read(path)["state"])["history"]["n_iter"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "training.npz"


def check_resumed(monkeypatch, path, net, X, y, weight=None, **own):
    every = 3
    net = clone(net).set_params(callbacks=[Checkpoint(path, every=every)])
    with monkeypatch.context() as patch:
        die_before_the_end(patch)
        whole = clone(net).fit(X, y, weight, **own)
    assert written_epoch(path) == every
    resumed = resume(path, X, y, weight, **own)
    assert learnt(resumed) == learnt(whole)
    assert resumed.n_iter_ == whole.n_iter_ > every


FEW = ("solver adam", "average", "all noise", "batch, early stopping", "plateau", "seven classes", "sparse, float32")


@pytest.mark.parametrize("name", FEW)
def test_it_goes_on_to_the_same_bits(name, path, monkeypatch):
    check_resumed(monkeypatch, path, *configurations()[name])


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_all_configurations_go_on_to_the_same_bits(path, monkeypatch):
    for net, X, y, weight in configurations().values():
        if net.solver != "lbfgs":
            check_resumed(monkeypatch, path, net.set_params(n_iter_no_change=None), X, y, weight)


def test_with_validation_samples_and_an_unnamed_random_state(path, monkeypatch):
    (X, y), (X_val, y_val) = data(), data(1, 20)
    net = MLPRegressor(**SMALL | {"random_state": None}, early_stopping=True, loss=Huber(0.5), target_scaling=True)
    check_resumed(monkeypatch, path, net, X, y, X_val=X_val, y_val=y_val)
    # the rows held out are drawn, and must be the same ones
    check_resumed(monkeypatch, path, net.set_params(learning_rate=ReduceOnPlateau(patience=1)), X, y)
    generator = np.random.RandomState(np.random.PCG64(3))
    net = MLPClassifier(**SMALL | {"random_state": generator}, early_stopping=True, calibration="temperature")
    check_resumed(monkeypatch, path, net, X, np.random.RandomState(0).permutation(y > 0.5))


KILLED = """
import sys, warnings, fastnet
sys.path.insert(0, {tests!r})
from test_checkpoint import long_fit
warnings.simplefilter("ignore")
if sys.argv[2] == "begin":
    net, X, y = long_fit(sys.argv[1])
    net.fit(X, y)
else:
    fastnet.resume(sys.argv[1], *long_fit(sys.argv[1])[1:])
"""


N_EPOCHS = 150


def long_fit(path):
    X, y = data(n_samples=400)
    net = MLPRegressor(
        hidden_layer_sizes=(50, 50), max_iter=N_EPOCHS, n_iter_no_change=None, early_stopping=True, dropout=0.1,
        random_state=0, learning_rate="cosine", ema_decay=0.99, callbacks=Checkpoint(path, every=1),
    )  # fmt: skip
    return net, X, y


def kill_and_resume(path, n_kills, seed):
    """Kill a training again and again at random moments; returns the epoch of the file after each."""
    root, draws, epochs = Path(__file__).parent.parent, random.Random(seed), []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    for _ in range(n_kills):
        before = path.stat().st_mtime_ns if path.exists() else 0
        script = KILLED.format(tests=str(root / "tests"))
        command = [sys.executable, "-c", script, str(path), "resume" if path.exists() else "begin"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
            while process.poll() is None and (not path.exists() or path.stat().st_mtime_ns == before):
                time.sleep(0.001)
            time.sleep(draws.uniform(0.0, 0.3 / n_kills))
            process.send_signal(signal.SIGKILL)
            assert process.wait() in (-signal.SIGKILL, 0), process.stderr.read().decode()
        epochs.append(written_epoch(path))
    return epochs


def check_killed(tmp_path, n_kills, seed):
    path = tmp_path / f"killed{seed}.npz"
    epochs = kill_and_resume(path, n_kills, seed)
    assert epochs == sorted(epochs) and 0 < epochs[0] < N_EPOCHS
    net, X, y = long_fit(path)
    net.set_params(callbacks=None)
    assert learnt(resume(path, X, y, estimator=clone(net))) == learnt(net.fit(X, y))


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a signal")
def test_killed_at_random_moments_it_goes_on_to_the_same_bits(tmp_path):
    check_killed(tmp_path, 1, 0)


@pytest.mark.exhaustive
@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a signal")
def test_killed_at_fifty_random_moments(tmp_path):
    for seed in range(1, 11):
        check_killed(tmp_path, 5, seed)


def test_a_write_that_fails_leaves_the_last_file(path, monkeypatch):
    files.write(path, {"numbers": np.arange(3)})
    monkeypatch.setattr(files.os, "replace", lambda *paths: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        files.write(path, {"numbers": np.arange(4)})
    assert_array_equal(files.read(path)["numbers"], np.arange(3))
    assert os.listdir(path.parent) == [path.name]


class HalveTheRate(Callback):
    def on_epoch_end(self, trainer):
        trainer.rate /= 2


class RaiseAfter(Callback):
    comes_last = True

    def __init__(self, epoch, error):
        self.epoch, self.error = epoch, error

    def on_epoch_end(self, trainer):
        if trainer.history.n_iter == self.epoch:
            raise self.error


@pytest.mark.filterwarnings("ignore:Training interrupted")
@pytest.mark.parametrize("error", [RuntimeError(), KeyboardInterrupt()], ids=["an error", "Ctrl-C"])
def test_after_an_error_or_ctrl_c_the_last_file_goes_on(error, path):
    X, y = data()
    common = [HalveTheRate(), Snapshots(2), EarlyStopping("loss", 100)]
    net = MLPRegressor(**SMALL)
    whole = clone(net).set_params(callbacks=common).fit(X, y)
    # the checkpoint is called after what stands behind it
    failing = clone(net).set_params(callbacks=[Checkpoint(path, every=2), *common, RaiseAfter(5, error)])
    if isinstance(error, RuntimeError):
        with pytest.raises(RuntimeError):
            failing.fit(X, y)
    else:
        assert failing.fit(X, y).stop_reason_ == "interrupt"
    assert written_epoch(path) == 4
    with pytest.raises(ValueError, match=r"cannot hold callbacks \(test_checkpoint.HalveTheRate\), callbacks .*Raise"):
        resume(path, X, y)
    fresh = clone(net).set_params(callbacks=common)
    resumed = resume(path, X, y, estimator=fresh)
    assert resumed is fresh
    assert learnt(resumed) == learnt(whole)


def test_a_training_at_its_end_is_read_only(path):
    X, y = data()
    net = MLPRegressor(**SMALL, callbacks=Checkpoint(path, every=4)).fit(X, y)
    assert learnt(resume(path, X, y)) == learnt(net)


def score(net, X, y):
    return net.score(X, y)


def test_what_a_file_cannot_hold_comes_with_the_estimator(path, monkeypatch):
    X, y = data()
    own = {"scoring": score, "validation_split": ShuffleSplit(1, test_size=0.3, random_state=0)}
    net = MLPRegressor(**SMALL, early_stopping=True, **own, callbacks=Checkpoint(path, every=3))
    die_before_the_end(monkeypatch)
    whole = clone(net).fit(X, y)
    with pytest.raises(ValueError, match=r"scoring \(test_checkpoint.score\).*_split \(.*ShuffleSplit\).*estimator="):
        resume(path, X, y)
    assert learnt(resume(path, X, y, estimator=net)) == learnt(whole)
    other = clone(net).set_params(validation_split=ShuffleSplit(1, test_size=0.3, random_state=1))
    with pytest.raises(ValueError, match="the split into samples to train on and to validate with differs"):
        resume(path, X, y, estimator=other)


def test_an_estimator_in_a_pipeline(path, monkeypatch):
    X, y = data()
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(**SMALL, callbacks=Checkpoint(path, every=4)))
    die_before_the_end(monkeypatch)
    whole = clone(pipeline).fit(X, y)
    resume(path, pipeline[:-1].fit_transform(X, y), y, estimator=pipeline[-1])
    assert_array_equal(pipeline.predict(X), whole.predict(X))


def test_a_warm_start_goes_on_with_the_estimator_as_it_was(path, monkeypatch):
    X, y = data()
    net = MLPRegressor(**SMALL, warm_start=True, target_scaling=True).fit(X, y)
    net.set_params(callbacks=Checkpoint(path, every=4))
    before = deepcopy(net)
    die_before_the_end(monkeypatch)
    net.fit(X, y)
    with pytest.raises(ValueError, match="cannot hold the fitted estimator that the warm start went on with"):
        resume(path, X, y)
    with pytest.raises(ValueError, match="is a warm start, but estimator is not and has warm_start=True"):
        resume(path, X, y, estimator=clone(net))
    assert learnt(resume(path, X, y, estimator=before)) == learnt(net)


def test_lbfgs_goes_on_from_the_iterate(path, monkeypatch):
    X, y = data()
    common = SMALL | {"solver": "lbfgs", "max_iter": 20, "tol": 0.0}
    with monkeypatch.context() as patch:
        die_before_the_end(patch)
        whole = MLPRegressor(**common, callbacks=Checkpoint(path, every=12)).fit(X, y)
    resumed = resume(path, X, y)
    assert (resumed.n_iter_, len(resumed.history_), resumed.stop_reason_) == (20, 20, "max_iter")
    assert resumed.history_["loss"][:12] == whole.history_["loss"][:12]
    assert resumed.loss_ < whole.history_["loss"][11]
    with monkeypatch.context() as patch:
        die_before_the_end(patch)
        whole = MLPRegressor(**common, callbacks=Checkpoint(path, every=20)).fit(X, y)
    resumed = resume(path, X, y)  # killed between the last iteration and the end
    assert (resumed.n_iter_, resumed.loss_, resumed.stop_reason_) == (20, whole.loss_, "max_iter")
    assert_array_equal(resumed.coefs_[0], whole.coefs_[0])
