"""Compile once: configuration is data, other processes only load, and a bad cache never breaks a fit."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numba
import numpy as np
import pytest
from numba import types

import fastnet
from fastnet import MLPClassifier, MLPRegressor
from fastnet.kernels.compiling import cache, filelock, jit

SCRIPT = """
import json, os, sys, time
from pathlib import Path
import numpy as np
from fastnet import MLPClassifier
from fastnet.kernels.compiling import cache, jit
rng = np.random.RandomState(0)
X, y = rng.standard_normal((60, 5)), rng.randint(3, size=60)
if together := os.environ.get("START_TOGETHER"):  # a directory, and how many are to meet there
    meeting, count = together.rsplit(":", 1)
    Path(meeting, str(os.getpid())).touch()
    while len(os.listdir(meeting)) < int(count):
        time.sleep(0.001)
start = time.perf_counter()
model = MLPClassifier((7,), max_iter=2, random_state=0, tol=0, batch_size=20)
model.n_iter_no_change = 100
import warnings; warnings.simplefilter("ignore")
model.fit(X, y)
print(json.dumps({
    "compiled": ["-".join(key) for key, loaded in jit.compiled_keys().items() if not loaded],
    "loaded": [loaded for loaded in jit.compiled_keys().values()],
    "seconds": time.perf_counter() - start,
    "compile_seconds": jit.compile_seconds(),
    "bits": [c.tobytes().hex() for c in model.coefs_],
    "directory": cache.cache_directory(),
}))
"""

# The same with five small functions: what happens to the files does not depend on their size.
SMALL = """
import json, os, time
from pathlib import Path
import numpy as np
from fastnet.activations import ELU, HardTanh, Identity, LeakyReLU, ReLU
from fastnet.kernels.compiling import cache, jit
from fastnet.ops.compiled import rows
from fastnet.ops.compiled.signatures import ACTIVATE
if together := os.environ.get("START_TOGETHER"):
    meeting, count = together.rsplit(":", 1)
    Path(meeting, str(os.getpid())).touch()
    while len(os.listdir(meeting)) < int(count):
        time.sleep(0.001)
import warnings; warnings.simplefilter("ignore")
start = time.perf_counter()
dtype, bits = np.dtype("float64"), []
for op in (ELU(), HardTanh(), Identity(), LeakyReLU(), ReLU()):
    a, parameters = np.linspace(-2.0, 2.0, 16), rows.parameter_array(op, dtype)
    kernel = ACTIVATE.function(rows.activate(op, dtype), dtype)
    kernel(a.ctypes.data, a.ctypes.data, a.size, parameters.ctypes.data, 0)
    bits.append(a.tobytes().hex())
print(json.dumps({
    "compiled": ["-".join(key) for key, loaded in jit.compiled_keys().items() if not loaded],
    "loaded": [loaded for loaded in jit.compiled_keys().values()],
    "seconds": time.perf_counter() - start,
    "compile_seconds": jit.compile_seconds(),
    "bits": bits,
    "directory": cache.cache_directory(),
}))
"""
SCRIPTS = [pytest.param(SMALL, id="small functions"), pytest.param(SCRIPT, id="a fit", marks=pytest.mark.exhaustive)]


def run_script(cache, script=SCRIPT, processes=1, ok=True, **environment):
    """What the script prints; with ``ok=False`` it must fail, and its traceback is returned."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), **environment}
    running = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True,
                         stderr=None if ok else subprocess.STDOUT)
        for _ in range(processes)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in running]
    if not ok:
        assert all(process.returncode for process in running)
        return outputs[0]
    assert not any(process.returncode for process in running)
    results = [json.loads(output.splitlines()[-1]) for output in outputs]
    return results if processes > 1 else results[0]


@pytest.fixture(scope="module", params=SCRIPTS)
def first_two(request, tmp_path_factory):
    """A script, a directory, and the results of two processes that ran it and found it empty at the same moment."""
    directory, meeting = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("meeting")
    results = run_script(directory, request.param, processes=2, START_TOGETHER=f"{meeting}:2")
    return request.param, directory, results


@pytest.fixture(scope="module")
def warm_cache(first_two):
    script, directory, results = first_two
    return script, directory, results[0]


def test_two_processes_that_start_at_once_compile_everything_once_in_total(first_two):
    _, directory, results = first_two
    compiled = [name for result in results for name in result["compiled"]]
    assert len(compiled) == len(set(compiled)) == len(results[0]["loaded"])
    assert results[0]["bits"] == results[1]["bits"]
    # Who waited says so: a user who subtracts this from the time of a fit wants to know what a fit takes.
    assert all(result["compile_seconds"] > 0.5 * result["seconds"] for result in results)
    assert not list(directory.rglob("*.lock"))


@pytest.mark.exhaustive  # each of the two processes above loads what the other has compiled
def test_a_second_process_loads_everything_from_the_cache(warm_cache):
    script, directory, first = warm_cache
    second = run_script(directory, script)
    assert second["loaded"] and all(second["loaded"])
    assert second["bits"] == first["bits"]


VERSION = pickle.dumps(numba.__version__, -1)
DAMAGES = {
    "truncated": lambda content: content[: len(content) // 2],
    "garbage": lambda content: b"no pickle",
    "empty": lambda content: b"",
    # a page that never reached the disk, a bit that did not hold: unnoticed they would crash the process
    "zeros": lambda content: content[:-3000] + bytes(1000) + content[-2000:],
    "flipped bit": lambda content: content[:-1500] + bytes([content[-1500] ^ 4]) + content[-1499:],
    "another Numba's": lambda content: pickle.dumps("0.1.0", -1) + content[len(VERSION) :],
}


@pytest.mark.parametrize(
    ("ending", "damages"),
    [("nbc", ["truncated", "garbage", "empty", "zeros", "flipped bit"]),
     ("nbi", ["truncated", "garbage", "empty", "another Numba's"])],
    ids=["data", "index"],
)  # fmt: skip
@pytest.mark.exhaustive
def test_damaged_cache_files_are_compiled_again(warm_cache, ending, damages):
    script, directory, first = warm_cache
    # one kind of damage for each function, but the engine, which would take seconds
    small = sorted(p for p in Path(directory).rglob(f"*.{ending}") if "engine" not in p.name)
    assert len(small) >= len(damages)
    for path, damage in zip(small, damages, strict=False):
        content = path.read_bytes()
        assert content[: len(VERSION)] == VERSION or ending == "nbc"
        path.write_bytes(DAMAGES[damage](content))
        assert path.read_bytes() != content
    repaired = run_script(directory, script)
    assert repaired["bits"] == first["bits"]
    assert len(repaired["compiled"]) == len(damages)
    assert all(run_script(directory, script)["loaded"])


@pytest.mark.exhaustive
def test_a_full_disk_warns_and_does_not_break_a_fit(warm_cache, tmp_path):
    pytest.importorskip("resource")  # limits the size of files, as a full disk does
    script, given, first = warm_cache
    directory = shutil.copytree(given, tmp_path / "cache")
    lost = len(list(directory.rglob("*activate*.nbi")))
    for path in directory.rglob("*activate*"):
        path.unlink()
    files = {path.name for path in directory.rglob("*")}
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50, resource.RLIM_INFINITY))\n"
    result = run_script(directory, limit + script.replace('simplefilter("ignore")', 'simplefilter("error")'), ok=False)
    assert "RuntimeWarning: fastnet could not save its machine code ([Errno 27] File too large" in result
    assert "every new process compiles it again" in result and "NUMBA_CACHE_DIR" in result
    assert {path.name for path in directory.rglob("*")} == files  # nothing half written, no lock
    result = run_script(directory, limit + script)
    assert result["bits"] == first["bits"]
    assert len(result["compiled"]) == lost > 0
    assert {path.name for path in directory.rglob("*")} == files
    assert len(run_script(directory, script)["compiled"]) == lost  # there is room again
    assert all(run_script(directory, script)["loaded"])


@pytest.mark.exhaustive
def test_an_unwritable_cache_directory_does_not_break_a_fit(warm_cache, tmp_path):
    script, _, first = warm_cache
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    result = run_script(blocked / "cache", script, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "user"))
    assert result["bits"] == first["bits"]
    assert result["directory"] != str(blocked / "cache")


PACKAGE = Path(fastnet.__file__).parent


@pytest.fixture
def package(tmp_path):
    """A copy of the package's sources, to edit."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "fastnet", ignore=shutil.ignore_patterns("__pycache__")))


def test_an_edit_of_any_source_that_can_be_compiled_in_makes_the_cache_stale(package):
    before = cache.source_digest(package)
    assert before == cache.source_digest()
    for path in sorted(package.rglob("*.py")):
        given = path.read_bytes()
        path.write_bytes(given + b"#")
        is_stale = cache.source_digest.__wrapped__(package) != before
        path.write_bytes(given)
        # test_architecture_rules.py makes sure that these floors read nothing of the others
        assert is_stale == (path.relative_to(package).parts[0] in ("kernels", "ops", "network", "engine")), path


def test_a_moved_source_file_makes_the_cache_stale(package):
    before = cache.source_digest(package)
    (package / "ops" / "compiled" / "digest.py").rename(package / "ops" / "activations" / "digest.py")
    assert cache.source_digest.__wrapped__(package) != before


FORMULAS = """
import json
import numpy as np
from fastnet.activations import ELU
from fastnet.kernels.compiling.jit import compiled_keys
from fastnet.ops.compiled import rows
from fastnet.ops.compiled.signatures import ACTIVATE, UPDATE
from fastnet.optimizers import AdaGrad

dtype = np.dtype(np.float64)
a, parameters = np.full(8, -1.0), np.array([1.0, 0, 0, 0])
ACTIVATE.function(rows.activate(ELU(), dtype), dtype)(a.ctypes.data, a.ctypes.data, 8, parameters.ctypes.data, 0)
w, g, states, numbers = np.zeros(8), np.ones(8), np.zeros((4, 8)), np.ones(8)
update = UPDATE.function(rows.update(AdaGrad(), dtype), dtype)
update(w.ctypes.data, g.ctypes.data, *[s.ctypes.data for s in states], 8, numbers.ctypes.data, 0.0)
print(json.dumps({"values": [a[0], w[0]], "loaded": list(compiled_keys().values())}))
"""


@pytest.mark.exhaustive  # that an edit makes the cache stale is shown above
def test_an_edited_formula_runs_as_edited_with_a_warm_cache(package, tmp_path):
    def run():
        return run_script(tmp_path / "cache", FORMULAS, PYTHONPATH=str(tmp_path), PYTHONSAFEPATH="1")

    first, second = run(), run()
    assert first["values"] == second["values"] and not any(first["loaded"]) and all(second["loaded"])
    for name, formula, edited in (
        ("activations/piecewise.py", "parameters[0] * expm1(z)", "2.0 * parameters[0] * expm1(z)"),
        ("optimizers/adaptive.py", "return -own_rate * g", "return -2.0 * own_rate * g"),
    ):
        path = package / "ops" / name
        source = path.read_text()
        assert formula in source
        path.write_text(source.replace(formula, edited))
    assert run()["values"] == pytest.approx([2 * value for value in first["values"]], rel=1e-12)


PATIENCE = 250.0  # seconds: who waits for nothing is told apart from a busy machine


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """An empty cache for this process alone, which has compiled nothing yet and is patient."""
    monkeypatch.setattr(jit, "cache_directory", lambda: str(tmp_path))
    monkeypatch.setattr(jit, "_compiled", {})
    monkeypatch.setattr(jit, "_told", False)
    monkeypatch.setattr(filelock.FileLock, "patience", PATIENCE)
    return tmp_path


def compile_small(name="small"):
    """Return whether a small function came from the cache, and the seconds that took."""

    def make():
        def small(x):
            return x + 1

        return small

    key = (name, "int64")
    start = time.perf_counter()
    jit.c_function(make, types.int64, (types.int64,), key)
    return jit._compiled.pop(key).cache_hits > 0, time.perf_counter() - start


@pytest.mark.parametrize(
    ("ending", "damage"),
    [("nbc", "truncated"), ("nbc", "garbage"), ("nbc", "empty"), ("nbc", "flipped bit"),
     ("nbi", "truncated"), ("nbi", "garbage"), ("nbi", "empty"), ("nbi", "another Numba's")],
)  # fmt: skip
def test_a_damaged_file_is_compiled_again_and_replaced(directory, ending, damage):
    assert not compile_small()[0]
    (path,) = directory.glob(f"*.{ending}")
    content = path.read_bytes()
    path.write_bytes(DAMAGES[damage](content))
    assert path.read_bytes() != content
    assert not compile_small()[0]
    assert compile_small()[0]


# The lock's file alone: the package behind it takes a second to import.
HOLD = f"""
import sys, time
sys.path.insert(0, {str(Path(filelock.__file__).parent)!r})
from filelock import FileLock
assert FileLock(sys.argv[1]).acquire()
print("held", flush=True)
time.sleep(1000)
"""


@pytest.fixture
def holder(directory):
    """A process that holds the lock of the small function."""
    path = directory / f"fastnet-small-int64-{cache.source_digest()[:12]}.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        process.lock = path
        yield process
        process.kill()


def test_a_process_that_dies_while_it_compiles_frees_those_that_wait(directory, holder):
    timer = threading.Timer(0.5, holder.kill)
    timer.start()
    loaded, seconds = compile_small()
    timer.join()
    assert not loaded and 0.3 < seconds < PATIENCE
    assert compile_small()[0]
    assert not holder.lock.exists()


def test_the_lock_file_of_a_dead_process_does_not_delay(directory, holder):
    holder.kill()
    holder.wait()
    assert holder.lock.exists()
    loaded, seconds = compile_small()
    assert not loaded and seconds < PATIENCE
    assert not holder.lock.exists()


def test_waiting_is_bounded_and_not_repeated(directory, holder, monkeypatch):
    monkeypatch.setattr(filelock.FileLock, "patience", 0.3)
    loaded, seconds = compile_small()
    assert not loaded and 0.3 < seconds < PATIENCE
    assert compile_small()[0]  # it was saved without the lock
    assert filelock.FileLock.patience == 0
    assert holder.lock.exists()  # another's


def test_a_process_that_hangs_delays_nobody_who_comes_later(directory, holder):
    os.utime(holder.lock, (0, time.time() - PATIENCE - 50))
    loaded, seconds = compile_small()
    assert not loaded and seconds < PATIENCE


def test_file_systems_without_locks(directory, monkeypatch):
    def fail(descriptor):
        raise OSError("no locks available")

    monkeypatch.setattr(filelock, "_try_to_lock", fail)
    assert not compile_small()[0]
    assert compile_small()[0]


def test_a_directory_that_has_become_unwritable(directory, monkeypatch):
    blocked = directory / "file"
    blocked.write_text("not a directory")
    monkeypatch.setattr(jit, "cache_directory", lambda: str(blocked / "cache"))
    with pytest.warns(RuntimeWarning, match="could not save its machine code .*Not a directory.*NUMBA_CACHE_DIR"):
        assert not compile_small()[0]
    assert not compile_small("second")[0]  # without another warning


def test_no_directory_at_all(directory, monkeypatch):
    monkeypatch.setattr(jit, "cache_directory", lambda: None)
    with pytest.warns(RuntimeWarning, match="no directory can be written.*NUMBA_CACHE_DIR"):
        assert not compile_small()[0]
    assert not compile_small("second")[0]


def test_nowhere_to_write(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    monkeypatch.setattr(cache, "PACKAGE", blocked)
    monkeypatch.setattr(cache.config, "CACHE_DIR", str(blocked / "numba"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked / "user"))
    assert cache.cache_directory.__wrapped__() is None


def test_saving_removes_what_old_sources_left_of_the_same_function(directory):
    digest, other = cache.source_digest()[:12], "0123456789ab"
    old = [f"fastnet-small-int64-{other}.{end}" for end in ("nbi", "1.nbc", "2.nbc.tmp.0123456789abcdef", "lock")]
    old.append(f"fastnet-small-int64-{digest}.1.nbc.tmp.0123456789abcdef")
    kept = [
        f"fastnet-small-int64-more-{other}.nbi",  # other functions
        f"fastnet-smaller-int64-{other}.nbi",
        f"fastnet-small-int64-{other}.nbi.txt",  # not ours
        f"small-int64-{other}.nbi",
        "jit.cpython-311.pyc",
    ]
    recent = [f"fastnet-small-int64-fedcba987654.{end}" for end in ("nbi", "1.nbc")]
    for name in old + kept + recent:
        (directory / name).touch()
        if name not in recent:
            os.utime(directory / name, (time.time() - 8 * 24 * 3600,) * 2)
    (directory / f"fastnet-small-int64-{'0' * 12}.nbi").mkdir()  # cannot be unlinked
    os.utime(directory / f"fastnet-small-int64-{'0' * 12}.nbi", (0, 0))
    assert not compile_small()[0]
    assert compile_small()[0]
    names = {path.name for path in directory.iterdir()}
    assert not names & set(old)
    assert names >= set(kept + recent)


def test_a_failed_compilation_gives_the_lock_back(directory):
    with pytest.raises(Exception, match="nowhere"):
        jit.c_function(lambda: lambda x: nowhere(x), types.int64, (types.int64,), ("small", "int64"))  # noqa: F821
    assert not list(directory.iterdir())


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning")
def test_no_configuration_compiles_the_engine_again():
    others = set(jit.compiled_keys())  # what tests before this one have compiled
    rng = np.random.RandomState(0)
    X = rng.standard_normal((50, 6))
    y, target = rng.randint(3, size=50), rng.standard_normal((50, 2))
    common = dict(max_iter=2, random_state=0)
    for dtype in ("float32", "float64"):
        MLPClassifier((4,), dtype=dtype, early_stopping=True, **common).fit(X, y).predict(X[:1])
    names = {"engine", "predictor", "few_rows"}
    engines = {key for key in jit.compiled_keys() if key[0] in names}
    assert engines == {(name, dtype) for name in names for dtype in ("float32", "float64")}
    for parameters in (
        dict(hidden_layer_sizes=()),
        dict(hidden_layer_sizes=(3, 5, 7), activation="tanh"),
        dict(hidden_layer_sizes=(40, 2), solver="sgd", activation="logistic", momentum=0.3),
        dict(dropout=0.3, input_dropout=0.1, l1_ratio=0.5, alpha=0.1),
        dict(batch_size=7, n_jobs=2, dtype="float64"),
        dict(solver="lbfgs", activation="identity"),
        dict(early_stopping=True, learning_rate="adaptive", solver="sgd"),
    ):
        MLPClassifier(**parameters, **common).fit(X, y).predict(X)
        MLPRegressor(**parameters, **common).fit(X[:, ::-1].astype(np.float32), target).predict(X)
    assert {key for key in jit.compiled_keys() if key[0] in names} == engines
    # What was compiled besides is the ops that were used and dropout, once a dtype each.
    ops = {key[0] for key in jit.compiled_keys() if key not in engines | others}
    losses = {"softmax_loss", "elementwise_loss"}
    assert ops <= {"activate", "derive", "link", "prepare", "update", "drop_panel"} | losses
    before = len(jit.compiled_keys())
    MLPClassifier((9, 8), activation="tanh", solver="sgd", alpha=0.5, batch_size=11, **common).fit(X[:40], y[:40])
    assert len(jit.compiled_keys()) == before


def test_numba_still_has_the_private_parts_that_the_cache_uses():
    from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
    from numba.core.ccallback import CFunc

    assert {"load_overload", "save_overload", "_index_key", "flush", "enable", "disable"} <= set(dir(FunctionCache))
    assert {"reduce", "rebuild", "check_cachable"} <= set(dir(CompileResultCacheImpl))
    used = {"save", "load", "_load_index", "_data_path", "_dump", "_open_for_write", "_save_data", "_load_data"}
    assert used <= set(dir(IndexDataCacheFile))
    assert {"compile", "cache_hits", "address"} <= set(dir(CFunc))
