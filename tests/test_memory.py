"""Peak memory of a fit: the data as given, the parameters, and 64 MiB."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from marks import exhaustive

import fastnet


def peak(call):
    """The most memory that a call has at once, of what Python and NumPy allocate, in bytes."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SCRIPT = """
import sys, warnings
warnings.simplefilter("ignore")
import numpy as np
import scipy.sparse as sp
import fastnet

def status(key):
    line = next(l for l in open("/proc/self/status") if l.startswith(key))
    return int(line.split()[1]) / 1024

solver, batch_size, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
params = dict(hidden_layer_sizes=(64, 32), solver=solver, max_iter=2, random_state=0, n_jobs=2)
rng = np.random.default_rng(0)
n = 60000
X = rng.random((n, 256), dtype=np.float32) if kind == "float32" else rng.random((n, 256))
if kind == "fortran":
    X = np.asfortranarray(X)
if kind == "csr":
    X[X < 0.5] = 0
    X = sp.csr_matrix(X)
y = rng.integers(0, 2, n)
# load and compile everything first, for the same type of computation
fastnet.MLPClassifier(**params, batch_size=min(batch_size, 300)).fit(X[:300], y[:300]).predict(X[:300])
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
model = fastnet.MLPClassifier(**params, batch_size=batch_size).fit(X, y)
print(status("VmHWM") - before)
"""


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("solver", "batch_size"), [("adam", 200), ("lbfgs", 40_000)])
def test_a_fit_makes_no_copy_of_the_data(solver, batch_size):
    rng = np.random.default_rng(0)
    X, y = rng.random((40_000, 256)), rng.integers(0, 2, 40_000)
    model = fastnet.MLPClassifier((64, 32), solver=solver, batch_size=batch_size, max_iter=1, random_state=0)
    assert peak(lambda: model.fit(X, y)) < 30 << 20  # a copy of X would take 39 or 78 MiB


# What libraries and threads take besides is seen from outside only.
@pytest.mark.exhaustive
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak memory")
@pytest.mark.parametrize(
    ("solver", "batch_size", "kind"),
    [("adam", 200, "float64"), ("lbfgs", 60000, "fortran"), ("adam", 60000, "fortran"), ("lbfgs", 60000, "float64"),
     ("adam", 200, "csr"), ("sgd", 60000, "float32"), ("adam", 60000, "float64")],
)  # fmt: skip
def test_a_fit_takes_no_more_memory_than_promised(solver, batch_size, kind):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, solver, str(batch_size), kind],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # the 18,000 parameters take less than 2 MiB; a copy of X would take 59 or 117
    assert float(done.stdout) < 66


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("solver", "early_stopping", "batch_size", "copies"),
    [
        ("adam", True, 100, 7),
        *exhaustive([("sgd", False, 2000, 5), ("adam", False, 100, 6), ("sgd", False, 100, 5), ("sgd", True, 100, 6),
                     ("adam", False, 2000, 6)]),
    ],
)
def test_a_large_net_stands_in_memory_no_more_often_than_promised(solver, early_stopping, batch_size, copies):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2000, 500), dtype=np.float32), rng.standard_normal(2000)
    model = fastnet.MLPRegressor(
        hidden_layer_sizes=(2000, 2000), solver=solver, early_stopping=early_stopping, batch_size=batch_size,
        max_iter=1, random_state=0, dtype="float32",
    )  # fmt: skip
    parameters = 4 * (500 * 2000 + 2000 * 2000 + 2000)
    # 64 MiB are allowed, but would hide three copies of these 20 MB
    assert peak(lambda: model.fit(X, y)) < copies * parameters + (16 << 20 if batch_size == 100 else 48 << 20)


MEMMAP_SCRIPT = """
import resource, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
import fastnet

path, dtype, budget = sys.argv[1], sys.argv[2], int(sys.argv[3])
n, width = 100_000, 256
X = np.memmap(path, dtype, "w+", shape=(n, width))
rng = np.random.default_rng(0)
for i in range(0, n, 10_000):
    X[i : i + 10_000] = rng.random((10_000, width))
X.flush()
del X
X = np.memmap(path, dtype, "r", shape=(n, width))
y = (X[:, 0] > 0.5).astype(int)
net = fastnet.MLPClassifier((32,), max_iter=1, random_state=0, n_jobs=2)
net.fit(X[:500], y[:500]).predict(X[:500])  # loads and compiles everything
# The kernel refuses private memory beyond this; pages of the file are not private.
used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, ((used << 10) + (budget << 20),) * 2)
try:
    np.ones(X.size)  # the limit holds
except MemoryError:
    print(net.fit(X, y).score(X, y))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's limit of private memory")
@pytest.mark.exhaustive
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_memmap_larger_than_the_budget_is_trained_where_it_lies(tmp_path, dtype):
    budget = 96  # MiB; the file has 98 in float32, 195 in float64
    done = subprocess.run(
        [sys.executable, "-c", MEMMAP_SCRIPT, str(tmp_path / "X"), dtype, str(budget)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0.9
