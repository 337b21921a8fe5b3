"""Checkpoints that are refused: other data, other parameters, damaged files, what a file cannot hold."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from test_checkpoint import SMALL, data, die_before_the_end, learnt, score
from test_trainer import bits

import fastnet
from fastnet import Checkpoint, MLPClassifier, MLPRegressor, resume
from fastnet.checkpoint import callback, files, values
from fastnet.losses import Huber

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "training.npz"


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
