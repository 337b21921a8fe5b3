"""Checkpoints: killed at any moment, a training goes on to the bits of the uninterrupted fit, or is refused by name."""

import json
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
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_trainer import bits

import fastnet
from fastnet import Checkpoint, MLPClassifier, MLPRegressor, resume
from fastnet.callbacks import Callback, EarlyStopping, Snapshots
from fastnet.checkpoint import callback, files, values
from fastnet.losses import Huber
from fastnet.schedules import ReduceOnPlateau

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": (7,), "batch_size": 16, "max_iter": 6, "n_iter_no_change": None, "random_state": 0}


def data(seed=0, n_samples=60):
    X = np.random.RandomState(seed).standard_normal((n_samples, 5))
    return X, np.abs(X[:, 0]) + X[:, 1]


def learnt(net):
    """Digests of all that a fit leaves, but for what the clock says."""
    left = {name: value for name, value in vars(net).items() if name not in net.get_params()}
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
import sys, warnings
sys.path.insert(0, {tests!r})
from test_checkpoint import fastnet, long_fit
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
    check_killed(tmp_path, 2, 0)


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


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A checkpoint in the middle of a classifier's training, and what ``fit`` was given."""
    path, (X, numbers) = tmp_path_factory.mktemp("written") / "training.npz", data()
    y, weight = np.where(numbers > 0.5, "a", "b"), np.ones(60)
    with pytest.MonkeyPatch.context() as patch:
        die_before_the_end(patch)
        given = {"X": X, "y": y, "sample_weight": weight, "X_val": X[:9], "y_val": y[:9]}
        MLPClassifier(**SMALL, early_stopping=True, callbacks=Checkpoint(path, every=3)).fit(**given)
    return path, given


def changed(array, row=7):
    array = array.copy()
    array[row] = array[row - 1] if array.dtype.kind == "U" else array[row] + 1
    return array


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("X", changed, "X differs"),
        ("X", lambda X: X[::-1], "X differs"),
        ("X", csr_array, "X differs"),
        ("y", lambda y: y[::-1], "y or the offset differs"),
        ("y", lambda y: np.where(y == "a", "c", "d"), "labels|the classes in y differs"),
        ("sample_weight", changed, "sample_weight differs"),
        ("sample_weight", lambda weight: None, "sample_weight differs"),
        ("X_val", changed, "X_val differs"),
        ("y_val", lambda y: y[::-1], "y_val or its offset differs"),
    ],
)
def test_other_data_is_refused_by_name(name, change, message, written):
    path, given = written
    estimator = MLPClassifier(**SMALL, early_stopping=True)
    before = dict(vars(estimator))
    with pytest.raises(ValueError, match=message):
        resume(path, **given | {name: change(given[name])}, estimator=estimator)
    assert vars(estimator) == before


def test_classes_and_features_of_other_names_are_refused(written):
    path, given = written
    renamed = {name: np.where(given[name] == "a", "c", "d") for name in ("y", "y_val")}
    with pytest.raises(ValueError, match="the classes in y differs"):
        resume(path, **given | renamed)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="the names of X's features differs"):
        frames = {name: pandas.DataFrame(given[name], columns=list("abcde")) for name in ("X", "X_val")}
        resume(path, **given | frames)


def test_the_same_data_in_another_container_is_the_same(written, tmp_path):
    path, given = written
    copy = tmp_path / "copy.npz"
    copy.write_bytes(path.read_bytes())
    net = resume(copy, **given, estimator=MLPClassifier(**SMALL, early_stopping=True))
    others = {"X": np.asfortranarray(given["X"]), "y": given["y"].tolist(), "X_val": given["X_val"].tolist()}
    again = resume(copy, **given | others, estimator=MLPClassifier(**SMALL, early_stopping=True, n_jobs=1))
    assert learnt(again) == learnt(net)


def test_sparse_data_is_compared(path):
    X, y = data()
    X[X < 0] = 0
    MLPRegressor(**SMALL, callbacks=Checkpoint(path)).fit(csr_array(X), y)
    resume(path, csr_array(X), y)
    for other in (csr_array(changed(X)), csr_array(X[:, ::-1]), X):
        with pytest.raises(ValueError, match="X differs"):
            resume(path, other, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha": 0.5}, "alpha of estimator is 0.5, the training in .* has 0.0001: give"),
        ({"hidden_layer_sizes": (7, 7)}, r"hidden_layer_sizes of estimator is \(7, 7\), .* has \(7,\)"),
        ({"activation": fastnet.activations.ELU(0.5)}, r"activation of estimator is ELU\(alpha=0.5\), .* has 'relu'"),
        ({"scoring": score}, "scoring of estimator is an object of test_checkpoint.score, .* has None"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_changed_parameter_is_refused_by_name(parameters, message, written):
    path, given = written
    with pytest.raises(ValueError, match=message):
        resume(path, **given, estimator=MLPClassifier(**SMALL | {"early_stopping": True} | parameters))
    with pytest.raises(ValueError, match="estimator is a fastnet.MLPRegressor, .* of a fastnet.MLPClassifier"):
        resume(path, **given, estimator=MLPRegressor())
    with pytest.raises(ValueError, match="offset and offset_val are for MLPRegressor"):
        resume(path, **given, offset=np.ones(60))


def test_another_version_or_instruction_set_warns(written, tmp_path, monkeypatch):
    path, given = written
    copy = tmp_path / "copy.npz"
    copy.write_bytes(path.read_bytes())
    tree = files.read(copy)
    tree["versions"] = callback.versions() | {"fastnet": "0.0.1"}
    files.write(copy, tree)
    with pytest.warns(UserWarning, match="with fastnet 0.0.1 instead of .*bits may differ") as found:
        resume(copy, **given)
    assert found[0].filename == __file__


@pytest.mark.parametrize("name", ["checkpoint", "text", "pickle", "array", "other archive"])
def test_a_file_that_is_no_whole_checkpoint_is_refused(name, written, path):
    whole = written[0].read_bytes()
    if name == "checkpoint":
        contents = [whole[: len(whole) // 2], whole[:-1], whole.replace(b'"state"', b'"stale"'), b""]
    elif name == "text":
        contents = [b"weights"]
    elif name == "pickle":
        np.savez(path, tree=np.array([print], dtype=object))
        contents = [path.read_bytes()]
    elif name == "array":
        with path.open("wb") as file:
            np.save(file, np.arange(3))
        contents = [path.read_bytes()]
    else:
        np.savez(path, tree=np.frombuffer(json.dumps([1, 2]).encode(), np.uint8))
        contents = [path.read_bytes()]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is no checkpoint, or it is damaged.*give the path"):
            resume(path, **written[1])


def test_a_damaged_byte_is_noticed_or_harmless(written, path):
    whole, tree, n_refused = written[0].read_bytes(), files.read(written[0]), 0
    for place in range(0, len(whole), 61):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert bits(files.read(path)) == bits(tree), place
        except ValueError as error:
            assert "is no checkpoint, or it is damaged" in str(error)
            n_refused += 1
    assert n_refused > 0.8 * len(range(0, len(whole), 61))


def test_other_formats_and_names_outside_the_vocabulary_are_refused(path, monkeypatch):
    files.write(path, {"format": 99, "versions": {"fastnet": "9.0"}})
    with pytest.raises(ValueError, match="checkpoint of format 99, .* reads format 1: resume with .* 9.0"):
        resume(path, *data())
    for kind in ("os.system", "subprocess.Popen", "fastnet.losses.np"):
        with pytest.raises(ValueError, match=f"a {kind}, which this version of fastnet does not know"):
            values.decode({"kind": kind, "items": {"command": "true"}})
    with pytest.raises(FileNotFoundError):
        resume(path.with_name("nothing.npz"), *data())


def test_the_vocabulary_is_held_whole():
    modules = fastnet.activations, fastnet.losses, fastnet.optimizers, fastnet.schedules, fastnet.initializers
    held = 0
    for module in modules:
        for name in module.__all__:
            try:
                value = getattr(module, name)()
            except TypeError:  # a base class, or one with parameters that must be given
                continue
            if values.encode(value)["kind"] == "missing":
                assert name in ("Activation", "Loss", "Optimizer", "Schedule", "Initializer"), name
                continue
            plain = json.loads(json.dumps(values.encode(value)))
            assert values.decode(plain) == value, name
            assert values.are_same(plain, values.encode(value))
            held += 1
    assert held > 50
    nested = [Huber(0.25), (1, 2.5, None, True, "text", np.inf), {3: 0.5, "a": [np.float32(0.5)]}, Path("a/b")]
    assert values.decode(json.loads(json.dumps(values.encode(nested)))) == nested
    assert not values.are_same(values.encode(Huber(0.25)), values.encode(Huber(0.5)))
    assert not values.are_same(values.encode([1, 2]), values.encode({1: 2}))
    assert values.are_same(values.encode([1, 2]), values.encode((1, 2)))
    assert values.are_same(values.encode({"a": np.nan}), values.encode({"a": np.nan}))


def test_a_checkpoint_that_cannot_work_is_refused(tmp_path):
    for bad in ({"path": 3}, {"path": "a", "every": 0}, {"path": "a", "every": 1.5}, {"path": "a", "every": True}):
        with pytest.raises(ValueError, match="of Checkpoint must be"):
            Checkpoint(**bad)
    for bad in (tmp_path, tmp_path / "no folder" / "a.npz"):
        net = MLPRegressor(**SMALL, callbacks=Checkpoint(bad))
        with pytest.raises(ValueError, match="path of Checkpoint must be a file in a folder that exists"):
            net.fit(*data())
    with pytest.raises(ValueError, match="Checkpoint, which is for fit: partial_fit ends after one epoch"):
        MLPRegressor(**SMALL, callbacks=Checkpoint(tmp_path / "a.npz")).partial_fit(*data())
    net = fastnet.TabularMLPClassifier(callbacks=[Checkpoint(tmp_path / "a.npz")])
    with pytest.raises(ValueError, match="callbacks of TabularMLPClassifier must not hold a Checkpoint.*MLPClassifier"):
        net.fit(data()[0], data()[1] > 0)
    assert os.listdir(tmp_path) == []
