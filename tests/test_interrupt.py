"""Ctrl-C in full-batch training, in the middle of a batch of many chunks and within L-BFGS, and in predictions."""

import subprocess
import sys

import pytest
from marks import exhaustive

SCRIPT = """
import os, signal, threading, time, warnings
import numpy as np
import fastnet
from fastnet.engine.team import Team
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored if the tests run in the background

rng = np.random.default_rng(0)
X = rng.normal(size=(50_000, 20)).astype(np.float32)
y = (X[:, 0] * X[:, 1] > 0).astype(int)
params = dict(hidden_layer_sizes={sizes}, random_state=0, n_jobs={n_jobs}, {params})
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    fastnet.MLPClassifier(**params | dict(max_iter=1, batch_size=300)).fit(X[:300], y[:300])  # compile
    initial = fastnet.MLPClassifier(**params | dict(
        solver="sgd", learning_rate_init=1e-30, max_iter=1, batch_size=300)).fit(X[:300], y[:300])
model = fastnet.MLPClassifier(max_iter=10**9, **params)
before = set(threading.enumerate())
sent, begun, run = [], threading.Event(), Team.run

def training(*arguments):
    begun.set()
    return run(*arguments)

def interrupt():
    begun.wait()  # on a busy machine that may take a while
    time.sleep({delay})
    sent.append(time.process_time())
    os.kill(os.getpid(), signal.SIGINT)

Team.run = training
timer = threading.Thread(target=interrupt)
timer.start()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.fit(X, y)
print(time.process_time() - sent[0])
timer.join()
print([str(w.message) for w in caught])
print(all(np.isfinite(p).all() for p in model.coefs_ + model.intercepts_))
moved = any((a != b).any() for a, b in zip(model.coefs_, initial.coefs_))
curve = getattr(model, "loss_curve_", None)
print(moved or model.n_iter_ == 0, curve is None or len(curve) == model.n_iter_)
print(set(threading.enumerate()) == before)
print(model.predict(X[:5]).shape, model.predict_proba(X[:5]).dtype)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    model.set_params(max_iter=2, batch_size=300)
    if model.solver == "adam":
        model.partial_fit(X[:300], y[:300])
    print(model.fit(X[:300], y[:300]).n_iter_)
    again = fastnet.MLPClassifier(**model.get_params()).fit(X[:300], y[:300])
    print(all((a == b).all() for a, b in zip(model.coefs_, again.coefs_)))
"""


# 0.2 s is within the first pass over the data, 2.5 s after it on most machines
@pytest.mark.parametrize("delay", [0.2, *exhaustive([2.5])])
@pytest.mark.parametrize(
    ("params", "sizes", "n_jobs"),
    [
        ("solver='adam', batch_size=50_000, n_iter_no_change=np.inf", (600, 600), 2),
        *exhaustive([
            ("solver='lbfgs', tol=0.0, max_fun=10**9", (600, 600), 1),
            # SciPy's own code, which takes its time over so many bounds, sees no signal: fewer weights
            ("solver='lbfgs', tol=0.0, max_fun=10**9, alpha=1.0, l1_ratio=0.5", (200, 200), 2),
            ("solver='adam', batch_size=50_000, n_iter_no_change=np.inf", (600, 600), 1),
        ]),
    ],
    ids=["adam-two-threads", "lbfgs", "lbfgs-l1-two-threads", "adam"],
)
def test_control_c_stops_a_full_batch_and_leaves_a_model(params, sizes, n_jobs, delay):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(params=params, sizes=sizes, n_jobs=n_jobs, delay=delay)],
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seconds, messages, finite, consistent, no_threads, usable, again, same = done.stdout.splitlines()
    # Of the processor's time, which a busy machine does not stretch as it does the clock's.
    assert float(seconds) < 3 * n_jobs
    assert messages == "['Training interrupted by user.']"
    assert (finite, consistent, no_threads, same) == ("True", "True True", "True", "True")
    assert usable == "(5,) float32" and int(again) in (1, 2)


PREDICTION = """
import os, signal, threading, time
import numpy as np
import scipy.sparse as sp
import fastnet
signal.signal(signal.SIGINT, signal.default_int_handler)

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 20)).astype(np.float32)
model = fastnet.MLPClassifier((600, 600), n_jobs={n_jobs})
model.partial_fit(X, np.arange(300) % 3, classes=range(3))

def rows(n):  # one row again and again
    if {is_sparse}:
        parts = np.ones(n, np.float32), np.zeros(n, np.int32), np.arange(n + 1, dtype=np.int32)
        return sp.csr_array(parts, shape=(n, 20))
    return np.broadcast_to(X[0], (n, 20))

few = model.predict_proba(rows(10_000))
begin = time.process_time()
model.predict_proba(rows(10_000))
many = rows(int(10_000 * 20 / (time.process_time() - begin) * {n_jobs}))  # 20 s of each thread
sent = []

def interrupt():
    time.sleep(0.7)
    sent.append(time.process_time())
    os.kill(os.getpid(), signal.SIGINT)

before = set(threading.enumerate())
timer = threading.Thread(target=interrupt)
timer.start()
try:
    model.predict_proba(many)
except KeyboardInterrupt:
    print(time.process_time() - sent[0])
timer.join()
print(set(threading.enumerate()) == before, (model.predict_proba(rows(10_000)) == few).all())
"""


@pytest.mark.exhaustive  # a process that predicts for seconds
@pytest.mark.parametrize(("n_jobs", "is_sparse"), [(2, False), *exhaustive([(1, True)])])
def test_control_c_ends_a_long_prediction(n_jobs, is_sparse):
    done = subprocess.run(
        [sys.executable, "-c", PREDICTION.format(n_jobs=n_jobs, is_sparse=is_sparse)],
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seconds, no_threads, same = done.stdout.split()
    assert float(seconds) < 5 * n_jobs  # of the processor's time; all rows take 20 s of each thread
    assert (no_threads, same) == ("True", "True")
