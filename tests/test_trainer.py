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
from marks import exhaustive
from numpy.testing import assert_array_equal

import fastnet
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


@pytest.mark.parametrize(
    "part", [slice(2, None, 6), *exhaustive([slice(5, None, 6), slice(0, None, 3), slice(1, None, 3)])], ids=str
)
def test_a_new_process_goes_on_to_the_same_bits(part, tmp_path):
    begun, expected = {}, {}
    for number, (name, (net, X, y, weight)) in enumerate(list(configurations().items())[part]):
        if net.solver == "lbfgs":
            continue
        for stage in ("fit", "warm start") if number % 3 == 0 else ("fit",):
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


def problem(seed=0, n_samples=60):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_samples, 5))
    return X, np.abs(X[:, :2]) + 0.1 * rng.standard_normal((n_samples, 2))


def net_of(**parameters):
    common = {"hidden_layer_sizes": (7, 7), "batch_size": 16, "max_iter": 6, "n_iter_no_change": None}
    return fastnet.MLPRegressor(**{"random_state": 0, **common, **parameters})


STOPPED = {
    "plain": {},
    "early stopping": {"early_stopping": True, "learning_rate_init": 0.05},
    "the last weights": {"early_stopping": True, "restore_best_weights": False, "learning_rate_init": 0.05},
    "average": {"ema_decay": 0.9, "normalization": "batch"},
    "schedule-free": {"solver": "schedule_free_adamw", "normalization": "batch"},
    "noise": {"dropout": 0.2, "drop_connect": 0.2, "input_noise": 0.1},
}


@pytest.mark.parametrize("parameters", STOPPED.values(), ids=STOPPED)
def test_stopped_after_any_step_it_is_a_fit_of_so_many_epochs(parameters):
    data = problem()
    with task_of(net_of(**parameters), *data).trainer() as trainer:
        for n_epochs in range(1, 7):
            assert trainer.step() == (n_epochs < 6)
            fit = net_of(**parameters, max_iter=n_epochs).fit(*data)
            matrices, vectors = trainer.parameters()
            for ours, theirs in zip(matrices + vectors[:3], fit.coefs_ + fit.intercepts_, strict=True):
                assert_array_equal(ours, theirs)
            assert (trainer.history.loss_curve, trainer.history.n_iter) == (fit.loss_curve_, n_epochs)
        last = trainer.state()
        assert not trainer.step() and not trainer.step()  # nothing more is trained
        assert bits(trainer.state() | {"seconds": 0}) == bits(last | {"seconds": 0})
        matrices, vectors, optimizer = trainer.finish()
        assert_array_equal(matrices[0], fit.coefs_[0])
        assert bits(optimizer) == bits(fit._optimizer)


def test_what_is_read_between_steps_is_the_readers_own():
    data = problem()
    with task_of(net_of(early_stopping=True), *data).trainer() as trainer:
        trainer.step()
        for arrays in (*trainer.parameters(), *trainer.state()["best"], *trainer.state()["parameters"]["trained"]):
            for array in arrays:
                array[...] = np.nan
        trainer.run()
        matrices, _, _ = trainer.finish()
    assert_array_equal(matrices[0], net_of(early_stopping=True).fit(*data).coefs_[0])


@pytest.mark.parametrize("early_stopping", [False, True])
def test_control_c_between_two_epochs_keeps_the_weights_and_can_be_resumed(early_stopping):
    data, parameters = problem(), {"early_stopping": early_stopping}
    with task_of(net_of(**parameters), *data).trainer() as trainer:
        trainer.step(), trainer.step()
        state, step = trainer.state(), trainer.step
        trainer.step = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
        with pytest.warns(UserWarning, match="Training interrupted by user"):
            trainer.run()
        trainer.step = step
        assert (trainer.history.stop_reason, trainer.goes_on, trainer.step()) == ("interrupt", False, False)
        matrices, _, optimizer = trainer.finish()
    assert_array_equal(matrices[0], net_of(**parameters, max_iter=2).fit(*data).coefs_[0])
    assert optimizer.epoch == 2
    with task_of(net_of(**parameters), *data).trainer(state) as trainer:
        trainer.run()
        matrices, _, optimizer = trainer.finish()
    assert_array_equal(matrices[0], net_of(**parameters).fit(*data).coefs_[0])


def test_ended_trainings_stay_ended():
    data = problem()
    for parameters in ({}, {"solver": "lbfgs", "alpha": 0.1, "l1_ratio": 0.5, "normalization": "batch"}):
        with task_of(net_of(**parameters), *data).trainer() as trainer:
            trainer.run()
            state = trainer.state()
            assert is_plain(state) and not state["goes_on"]
            ended = trainer.parameters()
        with task_of(net_of(**parameters), *data).trainer(state) as resumed:
            assert not resumed.step()
            assert resumed.history == trainer.history
            resumed_parameters = resumed.finish()[:2]
        assert bits(resumed_parameters) == bits(ended)


def test_lbfgs_is_one_step():
    data, net = problem(), net_of(solver="lbfgs", max_iter=9, tol=0.0)
    with task_of(net, *data).trainer() as trainer:
        state = trainer.state()
        assert state["goes_on"] and not trainer.step() and not trainer.goes_on
        assert (trainer.history.n_iter, trainer.history.stop_reason) == (9, "max_iter")
        matrices, _, optimizer = trainer.finish()
    fit = net_of(**net.get_params()).fit(*data)
    assert optimizer is None and trainer.history.loss == fit.loss_
    assert_array_equal(matrices[0], fit.coefs_[0])
    with task_of(net, *data).trainer(state) as resumed:  # from before it
        resumed.run()
        assert_array_equal(resumed.finish()[0][0], fit.coefs_[0])


def test_any_generator_goes_on_and_the_users_own_is_left_alone():
    data, ends = problem(), []
    for is_resumed in (False, True):
        draws = np.random.RandomState(np.random.PCG64(3))
        with task_of(net_of(random_state=draws), *data).trainer() as trainer:
            trainer.step(), trainer.step()
            if is_resumed:
                state, draws = trainer.state(), np.random.RandomState(7)
                trainer.close()
                trainer = task_of(net_of(random_state=draws), *data).trainer(state)
                before = bits(draws.get_state(legacy=False))
            with trainer:
                trainer.run()
                ends.append(trainer.finish()[0])
    assert bits(draws.get_state(legacy=False)) == before
    assert bits(ends[0]) == bits(ends[1])


def test_the_time_before_a_state_counts():
    data = problem()
    with task_of(net_of(max_time=1000.0), *data).trainer() as trainer:
        trainer.step()
        state = trainer.state()
    with task_of(net_of(max_time=1000.0), *data).trainer(state | {"seconds": 1001.0}) as resumed:
        assert not resumed.step()
        assert resumed.history.stop_reason == "max_time"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"solver": "lbfgs"}, "its trainer is StochasticTrainer, the problem and the settings ask for LbfgsTrainer"),
        ({"hidden_layer_sizes": (7, 8)}, r"its list of shapes is \[\(5, 7\), \(7, 7\)"),
        ({"solver": "sgd"}, "number of the optimizer's arrays is 2, the problem and the settings ask for 1"),
        ({"ema_decay": 0.9}, "number of averages is 0, the problem and the settings ask for 1"),
        ({"early_stopping": True}, "number of rows to train on is 60, the problem and the settings ask for 54"),
    ],
    ids=["trainer", "shapes", "optimizer", "average", "rows"],
)
def test_a_state_of_another_training_is_refused(changed, message):
    data = problem()
    with task_of(net_of(), *data).trainer() as trainer:
        state = trainer.state()
    with pytest.raises(ValueError, match=f"state is of another training.*{message}.*Give the problem"):
        task_of(net_of(**changed), *data).trainer(state)
