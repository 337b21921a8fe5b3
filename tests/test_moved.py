"""Pickles outlive moves: those of earlier versions load, and those of this one name public modules only."""

import pickle
import pickletools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from problems import parameters

import fastnet
from fastnet.moved import MOVED

OLD = sorted((Path(__file__).parent / "data").glob("*.pickle"))


def test_there_are_old_pickles():
    assert [path.name for path in OLD] == [
        "classifier-0.1.0.pickle", "columns-0.1.0.pickle", "labels-0.1.0.pickle", "regressor-0.1.0.pickle",
    ]  # fmt: skip


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_a_pickle_of_an_earlier_version_predicts_and_trains_on(path):
    old = pickle.loads(path.read_bytes())
    net, X = old["net"], old["X"]
    np.testing.assert_allclose(net.predict(X), old["prediction"], rtol=1e-6)
    again = pickle.loads(pickle.dumps(net))
    assert [p.tobytes() for p in parameters(net)] == [p.tobytes() for p in parameters(again)]
    X = np.vstack([X, X, X, X])
    y = net.predict(X)
    if net.solver != "lbfgs" and not net.early_stopping:
        assert np.isfinite(net.partial_fit(X, y).loss_)
    assert repr(net.fit(X, y)) and np.isfinite(net.loss_)


@pytest.mark.exhaustive  # in a plain run a process of test_persistence.py loads one of them
@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_an_old_pickle_loads_where_fastnet_was_not_imported(path):
    code = "import pickle, sys, warnings; warnings.simplefilter('ignore'); print(pickle.load(open(sys.argv[1], 'rb')))"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr


def test_old_names_are_the_modules_of_the_new_ones():
    for old, new in MOVED.items():
        assert __import__(old, fromlist=["x"]) is __import__(new, fromlist=["x"])


def named_in(data):
    """Modules of fastnet that a pickle names."""
    strings = [argument for _, argument, _ in pickletools.genops(data) if isinstance(argument, str)]
    return {s.split(" ")[0] for s in strings if s.startswith("fastnet")}


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_a_pickle_names_public_modules_only(path):
    net = pickle.loads(path.read_bytes())["net"]
    public = {"fastnet", *(f"fastnet.{name}" for name in fastnet.__all__)}
    assert named_in(pickle.dumps(net)) <= public


def test_public_classes_belong_to_their_public_module():
    for module in (fastnet.activations, fastnet.losses, fastnet.optimizers, fastnet.schedules, fastnet.initializers):
        for name in module.__all__:
            assert getattr(module, name).__module__ == module.__name__
    assert fastnet.MLPClassifier.__module__ == fastnet.MLPRegressor.__module__ == "fastnet"
