"""Trainers: stepped by hand, stopped anywhere, and resumed in another process from plain data to the same bits."""

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from configurations import configurations

from fastnet.estimators.fitted import parameter_attributes
from fastnet.training.optimizer_state import OptimizerState

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Resumes what another process has begun: see `test_a_new_process_goes_on_to_the_same_bits`.
SCRIPT = """
import pickle, sys, warnings
sys.path.insert(0, {tests!r})
from test_trainer import configurations, ending, task_of
warnings.simplefilter("ignore")
with open({given!r}, "rb") as file:
    begun = pickle.load(file)
given, found = configurations(), {{}}
for (name, stage), (net, state) in begun.items():
    task = task_of(net, *given[name][1:])
    found[name, stage] = ending(task, task.trainer(state))
with open({given!r}, "wb") as file:
    pickle.dump(found, file)
"""


def task_of(net, X, y, weight=None):
    """What a fit does before it trains."""
    return net._task(X, net._plain_targets(y), weight)


def bits(value):
    """A digest of a value, whatever is in it."""
    if isinstance(value, np.ndarray):
        value = hashlib.sha256(value.tobytes()).hexdigest()
    elif isinstance(value, OptimizerState):
        value = bits(vars(value))
    elif isinstance(value, dict):
        value = {name: bits(part) for name, part in value.items()}
    elif isinstance(value, list | tuple):
        value = [bits(part) for part in value]
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def ending(task, trainer):
    """Digests of all that a training leaves behind, by the names of the fitted attributes."""
    architecture = task.problem.architecture
    with trainer:
        trainer.run()
        matrices, vectors, optimizer = trainer.finish()
    attributes = task.fitted_attributes(trainer.history, optimizer) | {"_random_state": trainer.random_state}
    return digests_of(attributes | parameter_attributes(architecture, matrices, vectors))


def digests_of(attributes):
    random_state = attributes.pop("_random_state").get_state(legacy=False)
    return {name: bits(value) for name, value in attributes.items()} | {"random_state": bits(random_state)}


def is_plain(value):
    """Whether a value is made of arrays, numbers and strings alone."""
    if type(value) is dict:
        return all(type(name) is str and is_plain(part) for name, part in value.items())
    if type(value) in (list, tuple):
        return all(map(is_plain, value))
    return value is None or type(value) in (bool, int, float, str) or (
        type(value) is np.ndarray and value.dtype.kind in "fiu"
    )  # fmt: skip


def run_script(script):
    root = Path(__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr


def test_a_new_process_goes_on_to_the_same_bits(tmp_path):
    begun, expected = {}, {}
    for name, (net, X, y, weight) in configurations().items():
        if net.solver == "lbfgs":
            continue
        for stage in ("fit", "warm start"):
            net.set_params(warm_start=stage == "warm start")
            before = pickle.dumps(net)
            with task_of(net, X, y, weight).trainer() as trainer:
                assert trainer.step() and trainer.step() and trainer.step()
                state = trainer.state()
                kept = pickle.dumps(state)
                trainer.step()
            assert is_plain(state), name
            assert pickle.dumps(state) == kept, name  # the training has gone on without it
            begun[name, stage] = pickle.loads(before), state
            net = pickle.loads(before).fit(X, y, weight)
            expected[name, stage] = net
    path = tmp_path / "begun.pickle"
    path.write_bytes(pickle.dumps(begun))
    run_script(SCRIPT.format(tests=str(Path(__file__).parent), given=str(path)))
    found = pickle.loads(path.read_bytes())
    assert found.keys() == expected.keys()
    for (name, stage), net in expected.items():
        names = found[name, stage].keys() - {"random_state"}
        uninterrupted = {attribute: vars(net)[attribute] for attribute in {*names, "_random_state"}}
        assert found[name, stage] == digests_of(uninterrupted), (name, stage)
        assert {"coefs_", "intercepts_", "loss_curve_", "_optimizer", "stop_reason_"} <= names
