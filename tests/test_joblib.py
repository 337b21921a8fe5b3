"""joblib: processes, threads, both nested; threads in all never more than cores; limits of threadpoolctl and others."""

import os
import threading
import time
import warnings
from contextlib import contextmanager

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from marks import exhaustive
from problems import parameters, same_bits
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from threadpoolctl import threadpool_info, threadpool_limits

import fastnet
from fastnet.kernels.threads.limits import VARIABLES, allowed_threads, count_cores
from fastnet.kernels.threads.team import Workers

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CORES = allowed_threads()
_log = threading.local()


@contextmanager
def logged():
    """(start, end, threads) of every call of the engine that this thread makes in the block."""
    _log.calls = []
    run = Workers.run
    if not hasattr(run, "logs"):

        def logging(self, n_threads, *arguments):
            start = time.monotonic()  # one clock for all processes
            try:
                return run(self, n_threads, *arguments)
            finally:
                if getattr(_log, "calls", None) is not None:
                    _log.calls.append((start, time.monotonic(), n_threads))

        logging.logs = run
        Workers.run = logging
    try:
        yield _log.calls
    finally:
        _log.calls = None


@pytest.fixture(autouse=True)
def not_logged_elsewhere():
    yield
    Workers.run = getattr(Workers.run, "logs", Workers.run)


class Logged(fastnet.MLPClassifier):
    """A classifier that notes the engine's calls and what its process compiled; module level, for pickles."""

    def fit(self, X, y):
        from fastnet.kernels.compiling import jit

        with warnings.catch_warnings(), logged() as calls:
            warnings.simplefilter("ignore")
            super().fit(X, y)
        self.calls_ = calls
        self.process_, self.allowed_ = os.getpid(), allowed_threads()
        self.compiled_ = [key for key, loaded in jit.compiled_keys().items() if not loaded]
        self.input_ = type(X).__name__, X.flags.writeable
        return self


def logged_model(**params):
    # large enough for several threads to be asked for
    params = {"hidden_layer_sizes": (300, 300), "max_iter": 3, "random_state": 0, "batch_size": 100, **params}
    return Logged(**params)


def busy_threads(calls):
    """The largest number of threads that ran at once."""
    changes = sorted([(start, n) for start, _, n in calls] + [(end, -n) for _, end, n in calls])
    return int(np.cumsum([n for _, n in changes]).max())


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 40))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def test_alone_a_fit_uses_all_cores(data):
    assert busy_threads(logged_model().fit(*data).calls_) == CORES
    assert busy_threads(logged_model(n_jobs=1).fit(*data).calls_) == 1


# The workers of one number of processes serve the next test, too: start them once.
@pytest.mark.parametrize(
    ("n_jobs", "own"),
    [(1, -1),
     *exhaustive([(1, None), (1, 1), (2, None), (2, -1), (2, 1), *((max(3, CORES), own) for own in (None, -1, 1))])],
)  # fmt: skip
def test_processes_times_threads_are_no_more_than_the_cores(data, n_jobs, own):
    done = cross_validate(logged_model(n_jobs=own), *data, cv=4, n_jobs=n_jobs, return_estimator=True)
    models = done["estimator"]
    calls = [call for model in models for call in model.calls_]
    assert busy_threads(calls) <= max(CORES, n_jobs)
    if n_jobs > 1:
        assert os.getpid() not in {model.process_ for model in models}
        assert {model.allowed_ for model in models} == {max(1, CORES // n_jobs)}


@pytest.mark.parametrize("n_jobs", [2, *exhaustive([3])])
def test_fits_in_threads_share_the_cores(data, n_jobs):
    logged_model().fit(*data)  # compiles here, not in a race

    def fit(seed):
        barrier.wait()
        return logged_model(random_state=seed, max_iter=20).fit(*data)

    barrier = threading.Barrier(n_jobs)
    with parallel_config("threading", n_jobs=n_jobs):
        models = Parallel()(delayed(fit)(seed) for seed in range(n_jobs))
    # a slice that began when there was no other fit may run on for its fifth of a second
    begun = max(model.calls_[0][0] for model in models)
    ended = min(model.calls_[-1][1] for model in models)
    side_by_side = [call for model in models for call in model.calls_ if begun <= call[0] and call[1] <= ended]
    assert side_by_side
    assert busy_threads(side_by_side) <= max(CORES, n_jobs)
    for seed, model in enumerate(models):
        assert same_bits(parameters(model), parameters(logged_model(random_state=seed, max_iter=20).fit(*data)))


@pytest.mark.parametrize("outer", ["threading", *exhaustive(["loky"])])
def test_nested_parallelism_ends_and_stays_within_the_cores(data, outer):
    X, y = data[0][:300], data[1][:300]
    inner = BaggingClassifier(logged_model(max_iter=2), 2, n_jobs=2, random_state=0)
    with parallel_config(outer, n_jobs=2):
        done = cross_validate(inner, X, y, cv=2, return_estimator=True, error_score="raise")
    models = [model for bagged in done["estimator"] for model in bagged.estimators_]
    assert len(models) == 4
    if outer == "loky":  # two processes, each with two threads of joblib's own: four fits at once
        assert busy_threads([call for model in models for call in model.calls_]) <= max(CORES, 4)
    again = BaggingClassifier(logged_model(max_iter=2), 2, random_state=0)
    expected = cross_validate(again, X, y, cv=2, return_estimator=True)["estimator"]
    for ours, theirs in zip(models, [model for bagged in expected for model in bagged.estimators_], strict=True):
        assert same_bits(parameters(ours), parameters(theirs))


@pytest.mark.exhaustive  # processes that load everything anew
def test_workers_compile_nothing_and_take_read_only_memory_maps(data):
    logged_model(solver="sgd", activation="tanh").fit(*data)  # compiles, unless the cache on disk has it
    grid = [{"solver": ["adam", "sgd"], "activation": ["relu", "tanh"], "hidden_layer_sizes": [(7,), (20, 5)]}]
    serial = GridSearchCV(logged_model(max_iter=2), grid, cv=2, error_score="raise").fit(*data)

    def fit(model, X, y):
        return model.fit(X, y)

    # arrays above a megabyte reach the workers, which the tests before this one have started, as memory maps
    models = [logged_model(max_iter=2, **params) for params in serial.cv_results_["params"]]
    data = [np.concatenate([array] * 3) for array in data]
    fitted = Parallel(n_jobs=2)(delayed(fit)(model, *data) for model in models)
    assert {model.input_ for model in fitted} == {("memmap", False)}
    assert not [key for model in fitted for key in model.compiled_]
    for model, params in zip(fitted, serial.cv_results_["params"], strict=True):
        assert same_bits(parameters(model), parameters(logged_model(max_iter=2, **params).fit(*data)))


@pytest.mark.exhaustive
def test_a_grid_search_in_processes_equals_one_in_turn(data):
    X, y = data[0][:400], data[1][:400]
    grid = {"alpha": [1e-4, 1.0], "hidden_layer_sizes": [(5,), (30,)]}
    searches = [
        GridSearchCV(fastnet.MLPClassifier(max_iter=5, random_state=0), grid, cv=2, n_jobs=n_jobs).fit(X, y)
        for n_jobs in (1, 2)
    ]
    for key in ("mean_test_score", "std_test_score"):
        assert (searches[0].cv_results_[key] == searches[1].cv_results_[key]).all()
    assert same_bits(*(parameters(search.best_estimator_) for search in searches))


def _allowed():
    return allowed_threads()


@pytest.mark.exhaustive
@pytest.mark.parametrize("limit", [1, 2])
def test_inner_max_num_threads_is_obeyed(data, limit):
    with parallel_config("loky", n_jobs=2, inner_max_num_threads=limit):
        assert set(Parallel()(delayed(_allowed)() for _ in range(4))) == {min(limit, CORES)}
        done = cross_validate(logged_model(n_jobs=-1), *data, cv=2, return_estimator=True)
    assert max(busy_threads(model.calls_) for model in done["estimator"]) == min(limit, CORES)


@pytest.mark.parametrize("variable", [*VARIABLES, "LOKY_MAX_CPU_COUNT"])
@pytest.mark.parametrize("value", ["1", "2", "1000"])
def test_the_environment_is_obeyed(monkeypatch, data, variable, value):
    monkeypatch.setenv(variable, value)
    assert allowed_threads() == min(int(value), CORES)
    if value == "1":
        assert busy_threads(logged_model(n_jobs=-1).fit(*data).calls_) == 1


@pytest.mark.parametrize("value", ["", "0", "-3", "many"])
def test_senseless_limits_are_none(monkeypatch, value):
    for variable in VARIABLES:
        monkeypatch.setenv(variable, value)
    assert allowed_threads() == CORES


def test_the_smallest_limit_counts(allow_threads, monkeypatch):
    allow_threads(64)
    monkeypatch.setenv("OMP_NUM_THREADS", "12,2")  # of nested levels the outermost
    monkeypatch.setenv("NUMBA_NUM_THREADS", "20")
    assert allowed_threads() == 12
    monkeypatch.setenv("NUMBA_NUM_THREADS", "7")
    assert allowed_threads() == 7
    with threadpool_limits(3):
        assert allowed_threads() == 3
    assert allowed_threads() == 7


def test_the_share_of_a_container_counts(monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 1)  # which reads control groups
    assert allowed_threads() == CORES  # counted before
    count_cores.cache_clear()
    try:
        assert allowed_threads() == 1
    finally:
        count_cores.cache_clear()


def test_limits_of_threadpoolctl_are_obeyed(data):
    def threads_shown():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "fastnet"}

    assert threads_shown() == {CORES}
    with threadpool_limits(limits=1):
        assert threads_shown() == {1}
        assert busy_threads(logged_model(n_jobs=-1).fit(*data).calls_) == 1
        with threadpool_limits(limits={"fastnet": 1000}):
            assert allowed_threads() == CORES
        assert allowed_threads() == 1
    with threadpool_limits(limits=1, user_api="fastnet"):
        assert allowed_threads() == 1
    with threadpool_limits(limits=1, user_api="blas"):  # of others
        assert allowed_threads() == CORES
    assert threads_shown() == {CORES}
    assert busy_threads(logged_model().fit(*data).calls_) == CORES


def test_a_limit_changes_no_bit(data):
    expected = parameters(logged_model().fit(*data))
    with threadpool_limits(limits=1):
        assert same_bits(parameters(logged_model().fit(*data)), expected)
