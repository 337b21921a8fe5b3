"""Threads: the same bits for any number, side by side, after a fork; and Ctrl-C."""

import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from marks import exhaustive
from problems import Problem, parameters, same_bits

import fastnet
from fastnet.kernels.threads import team as threads
from fastnet.ops.optimizers import SGD, Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SHAPES = {
    "small": ((20, 64, 10), 32),
    "one hidden unit": ((20, 1, 2), 50),
    "odd widths": ((13, 37, 5, 70, 3), 41),
    "wide": ((64, 300, 280, 10), 128),
    "linear": ((64, 10), 100),
    "batches of one": ((8, 20, 2), 1),
    "few rows, wide layers": ((200, 500, 3), 5),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_epoch_has_the_same_bits_with_any_number_of_threads(shape, dtype):
    units, batch_size = SHAPES[shape]
    problem = Problem(0, units, "tanh", "log_loss", n_samples=203, weights=True, dtype=dtype)
    results = []
    for n_jobs in [1, 2, 4]:
        with problem.session(
            optimizer=Adam(),
            batch_size=batch_size,
            l1=1e-3,
            l2=0.1,
            n_jobs=n_jobs,
            dropout=(0.2,) * (len(units) - 2),
        ) as session:
            losses = [session.run_epoch(np.arange(203), 0.01) for _ in range(2)]
            coefs, intercepts = session.get_parameters()
        results.append([*coefs, *intercepts, np.array(losses)])
    assert same_bits(results[0], results[1])
    assert same_bits(results[0], results[2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_full_batches_in_chunks_have_the_same_bits_with_any_number_of_threads(dtype):
    problem = Problem(1, (9, 33, 4), "relu", "squared_error", n_samples=2777, weights=True, dtype=dtype)
    results = []
    for n_jobs in [1, 2, 4]:
        with problem.session(l2=0.1, n_jobs=n_jobs) as session:
            loss, coef_grads, intercept_grads = session.loss_and_gradient()
        with problem.session(optimizer=SGD(), batch_size=2777, l2=0.1, n_jobs=n_jobs) as session:
            session.run_epoch(np.arange(2777), 0.01)
            coefs, intercepts = session.get_parameters()
        results.append([np.array(loss), *coef_grads, *intercept_grads, *coefs, *intercepts])
    assert same_bits(results[0], results[1])
    assert same_bits(results[0], results[2])


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "adam", "batch_size": 50},
        {"solver": "sgd", "batch_size": 300},
        {"solver": "lbfgs"},
        {"solver": "lbfgs", "alpha": 1.0, "l1_ratio": 0.5},
        {"solver": "adam", "early_stopping": True},
    ],
    ids=str,
)
def test_a_fit_has_the_same_bits_with_any_number_of_threads(digits, params):
    X, y = digits
    fits = [
        fastnet.MLPClassifier((40, 30), n_jobs=n_jobs, max_iter=8, random_state=0, **params).fit(X, y)
        for n_jobs in [1, 2, 4, -1, None]
    ]
    for other in fits[1:]:
        assert same_bits(parameters(fits[0]), parameters(other))
        assert fits[0].loss_ == other.loss_
        assert same_bits([fits[0].predict_proba(X)], [other.predict_proba(X)])


def test_never_more_threads_than_the_machine_gives():
    problem = Problem(2, (5, 6, 2))
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for n_jobs in [1, 2, 1000, -1, None]:
        with problem.session(optimizer=SGD(), n_jobs=n_jobs) as session:
            assert 1 <= session.n_threads <= affinity
    with problem.session(optimizer=SGD(), n_jobs=1) as session:
        assert session.n_threads == 1


def test_four_fits_at_once_equal_the_same_fits_in_turn(digits, diabetes):
    jobs = [
        (fastnet.MLPClassifier(50, random_state=0, max_iter=15, n_jobs=2), digits),
        (fastnet.MLPClassifier((9, 9), random_state=1, max_iter=30, dropout=0.2, batch_size=20), digits),
        (fastnet.MLPRegressor(hidden_layer_sizes=30, random_state=2, max_iter=40, solver="lbfgs"), diabetes),
        (fastnet.MLPRegressor(hidden_layer_sizes=(70, 8), random_state=3, max_iter=30, n_jobs=-1), diabetes),
    ]
    in_turn = [parameters(model.fit(*data)) for model, data in jobs]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(2):
            at_once = list(pool.map(lambda job: parameters(job[0].fit(*job[1])), jobs))
            for a, b in zip(in_turn, at_once, strict=True):
                assert same_bits(a, b)


def test_predictions_at_once_equal_predictions_in_turn(digits):
    X, y = digits
    model = fastnet.MLPClassifier(60, random_state=0, max_iter=5).fit(X, y)
    expected = model.predict_proba(X)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: model.predict_proba(X), range(20)):
            assert same_bits([result], [expected])


def run(script, timeout=280):
    """Run a script in a new process; its standard output."""
    header = "import warnings\nwarnings.simplefilter('ignore')\n"
    done = subprocess.run(
        [sys.executable, "-c", header + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


DATA = """
import numpy as np
import fastnet
rng = np.random.default_rng(0)
X = rng.normal(size=(400, 30))
y = (X[:, 0] * X[:, 1] > 0).astype(int)
"""


@pytest.mark.exhaustive  # processes that load everything anew
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_fits_after_a_fork_and_a_fork_during_a_fit():
    out = run(
        DATA
        + textwrap.dedent("""
        import multiprocessing, os, threading, time

        def fit(n_jobs=2):
            model = fastnet.MLPClassifier(50, random_state=0, max_iter=10, n_jobs=n_jobs).fit(X, y)
            return [p.tobytes() for p in model.coefs_ + model.intercepts_]

        expected = fit()
        with multiprocessing.get_context("fork").Pool(2) as pool:
            forked = pool.map_async(fit, [1, 2, None]).get(timeout=280)
        print(all(f == expected for f in forked), fit() == expected)
        long = fastnet.MLPClassifier(50, max_iter=300, n_iter_no_change=np.inf, n_jobs=2)
        thread = threading.Thread(target=long.fit, args=(X, y))
        thread.start()
        time.sleep(0.05)
        child = os.fork()
        if child == 0:
            os._exit(0 if fit() == expected else 1)
        _, status = os.waitpid(child, 0)
        thread.join()
        print(os.waitstatus_to_exitcode(status), fit() == expected)
        """)
    )
    assert out.split() == ["True", "True", "0", "True"]


@pytest.mark.exhaustive  # in a plain run test_joblib.py compares what its processes trained
def test_joblib_processes_fit_side_by_side(digits):
    from joblib import Parallel, delayed

    X, y = digits

    def model(seed):
        return fastnet.MLPClassifier(20, random_state=seed, max_iter=5)

    serial = [parameters(model(seed).fit(X, y)) for seed in range(3)]
    with Parallel(n_jobs=2) as parallel:
        fitted = parallel(delayed(_quiet_fit)(model(seed), X, y) for seed in range(3))
    for a, b in zip(serial, fitted, strict=True):
        assert same_bits(a, b)


def _quiet_fit(model, X, y):
    import warnings

    warnings.simplefilter("ignore")
    return [*model.fit(X, y).coefs_, *model.intercepts_]


# the second shape takes several seconds an epoch: an interrupt must not wait for its end
@pytest.mark.parametrize(
    ("n_samples", "sizes", "n_jobs"),
    exhaustive([(40000, (700, 700), 2), (2000, (50,), 1), (2000, (50,), 2)]),
    ids=["long epochs", "short epochs, one thread", "short epochs"],
)
def test_control_c_stops_a_fit_and_keeps_the_weights(n_samples, sizes, n_jobs):
    out = run(
        f"""
        import os, signal, threading, time, warnings
        import numpy as np
        import fastnet
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored if the tests run in the background
        rng = np.random.default_rng(0)
        X = rng.normal(size=({n_samples}, 20)).astype(np.float32)
        y = (X[:, 0] * X[:, 1] > 0).astype(int)
        params = dict(hidden_layer_sizes={sizes}, random_state=0, n_jobs={n_jobs})
        # compile first
        initial = fastnet.MLPClassifier(**params, solver="sgd", learning_rate_init=1e-30, max_iter=1)
        initial.fit(X[:300], y[:300])
        model = fastnet.MLPClassifier(**params, max_iter=10**9, n_iter_no_change=np.inf)
        sent = []

        def interrupt():
            time.sleep(1.5)
            sent.append(time.process_time())
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y)
        print(time.process_time() - sent[0])
        print([str(w.message) for w in caught])
        print(all(np.isfinite(p).all() for p in model.coefs_ + model.intercepts_))
        print(any((a != b).any() for a, b in zip(model.coefs_, initial.coefs_)))
        print(model.predict(X[:5]).shape, model.n_iter_ == len(model.loss_curve_))
        model.set_params(max_iter=1)
        model.partial_fit(X[:300], y[:300])
        print(model.fit(X[:300], y[:300]).n_iter_)
        """
    )
    seconds, messages, finite, changed, usable, again = out.splitlines()
    # Of the processor's time, which a busy machine does not stretch as it does the clock's.
    assert float(seconds) < 3 * n_jobs
    assert messages == "['Training interrupted by user.']"
    assert (finite, changed, usable, again) == ("True", "True", "(5,) True", "1")


@pytest.mark.exhaustive  # in a plain run test_trainer.py interrupts between two epochs
def test_control_c_during_early_stopping_keeps_the_best_weights():
    out = run(
        DATA
        + textwrap.dedent("""
        import os, signal, threading, time
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored if the tests run in the background
        params = dict(hidden_layer_sizes=20, random_state=0, early_stopping=True, n_iter_no_change=np.inf)
        fastnet.MLPClassifier(**params, max_iter=1).fit(X, y)
        model = fastnet.MLPClassifier(**params, max_iter=10**9)
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        model.fit(X, y)
        # as in scikit-learn, the last score is missing if it was just being computed
        print(model.n_iter_ - len(model.validation_scores_) in (0, 1), model.n_iter_ > 1)
        best = 1 + int(np.argmax(model.validation_scores_))
        again = fastnet.MLPClassifier(**params, max_iter=best).fit(X, y)
        print(all((a == b).all() for a, b in zip(model.coefs_, again.coefs_)))
        """)
    )
    assert out.split() == ["True"] * 3


def test_an_error_in_the_middle_leaves_no_thread_behind(diabetes):
    X, y = diabetes
    before = set(threading.enumerate())
    for _ in range(5):
        with pytest.raises(ValueError, match="non-finite"):
            fastnet.MLPRegressor(
                hidden_layer_sizes=20, activation="identity", solver="sgd", learning_rate_init=1e5, n_jobs=2,
                max_iter=100,
            ).fit(X, y)  # fmt: skip
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=60)
        assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system places no threads")
@pytest.mark.parametrize("cpus", [1, 2, 3, 8])
def test_each_thread_begins_on_cpus_of_its_own_and_may_then_go_anywhere(cpus, monkeypatch):
    everywhere, placed = set(range(cpus)), {}
    monkeypatch.setattr(os, "sched_getaffinity", lambda thread: everywhere)
    monkeypatch.setattr(os, "sched_setaffinity", lambda thread, at: placed.setdefault(thread, []).append(set(at)))
    monkeypatch.setattr(threads, "_current_cpu", lambda: lambda: cpus - 1)
    workers = threads.Workers(4)
    try:
        ran = set()
        workers.run(3, ran.add, (), lambda: None)
    finally:
        workers.close()
    assert ran == {0, 1, 2}
    begun = [at[0] for at in placed.values()]
    assert len(begun) == min(2, cpus - 1)  # where there are fewer CPUs than threads, some stay where they are
    assert set().union(*begun) == everywhere - {cpus - 1}
    assert sum(map(len, begun)) == cpus - 1
    assert all(at[1:] == [everywhere] for at in placed.values())


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system places no threads")
def test_threads_keep_the_cpus_of_the_process_and_run_where_they_cannot_be_placed(monkeypatch):
    everywhere, found = os.sched_getaffinity(0), {}
    workers = threads.Workers(2)

    def note(thread):
        found[thread] = threading.get_native_id()

    try:
        workers.run(2, note, (), lambda: None)
        assert os.sched_getaffinity(found[1]) == everywhere

        def refuse(thread, cpus):
            raise PermissionError("not here")

        monkeypatch.setattr(os, "sched_setaffinity", refuse)
        found.clear()
        workers.run(2, note, (), lambda: None)
        assert set(found) == {0, 1}
    finally:
        workers.close()
