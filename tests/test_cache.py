"""Compile once: configuration is data, a second process only loads, and a bad cache never breaks a fit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastnet import MLPClassifier, MLPRegressor
from fastnet.kernels import cache, jit

SCRIPT = """
import json, sys, time
import numpy as np
from fastnet import MLPClassifier
from fastnet.kernels import cache, jit
rng = np.random.RandomState(0)
X, y = rng.standard_normal((60, 5)), rng.randint(3, size=60)
start = time.perf_counter()
model = MLPClassifier((7,), max_iter=2, random_state=0, tol=0, batch_size=20)
model.n_iter_no_change = 100
import warnings; warnings.simplefilter("ignore")
model.fit(X, y)
print(json.dumps({
    "loaded": [loaded for loaded in jit.compiled_keys().values()],
    "seconds": time.perf_counter() - start,
    "bits": [c.tobytes().hex() for c in model.coefs_],
    "directory": cache.cache_directory(),
}))
"""


def run_script(cache, script=SCRIPT, **environment):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), **environment}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=300, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def warm_cache(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cache")
    first = run_script(directory)
    assert not any(first["loaded"])
    return directory, first


def test_a_second_process_loads_everything_from_the_cache(warm_cache):
    directory, first = warm_cache
    second = run_script(directory)
    assert second["loaded"] and all(second["loaded"])
    assert second["bits"] == first["bits"]


@pytest.mark.parametrize("damage", ["truncate", "garbage", "empty"])
def test_damaged_cache_files_are_compiled_again(warm_cache, damage):
    directory, first = warm_cache
    small = [p for p in Path(directory).rglob("*.nb[ci]") if "engine" not in p.name]
    assert small
    for path in small:
        content = path.read_bytes()
        path.write_bytes({"truncate": content[: len(content) // 2], "garbage": b"no pickle", "empty": b""}[damage])
    repaired = run_script(directory)
    assert repaired["bits"] == first["bits"]
    assert not all(repaired["loaded"])
    assert all(run_script(directory)["loaded"])


def test_an_unwritable_cache_directory_does_not_break_a_fit(warm_cache, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    result = run_script(blocked / "cache", HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "user"))
    assert result["bits"] == warm_cache[1]["bits"]
    assert result["directory"] != str(blocked / "cache")


def test_an_edited_source_file_makes_the_cache_stale(tmp_path, monkeypatch):
    package = tmp_path / "fastnet"
    for folder in ("kernels", "ops", "engine"):
        (package / folder).mkdir(parents=True)
        (package / folder / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(cache, "__file__", str(package / "kernels" / "cache.py"))
    before = cache.source_digest.__wrapped__()
    assert cache.source_digest.__wrapped__() == before
    for folder in ("kernels", "ops", "engine"):
        (package / folder / "a.py").write_text("x = 2\n")
        after = cache.source_digest.__wrapped__()
        assert after != before
        before = after


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning")
def test_no_configuration_compiles_the_engine_again():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((50, 6))
    y, target = rng.randint(3, size=50), rng.standard_normal((50, 2))
    common = dict(max_iter=2, random_state=0)
    for dtype in ("float32", "float64"):
        MLPClassifier((4,), dtype=dtype, **common).fit(X, y)
    engines = {key for key in jit.compiled_keys() if key[0] == "engine"}
    assert engines == {("engine", "float32"), ("engine", "float64")}
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
    ops = {key[:3] for key in jit.compiled_keys() if key[0] != "engine"}
    assert {key for key in jit.compiled_keys() if key[0] == "engine"} == engines
    # What was compiled besides is the ops that were used, once a dtype each.
    assert {name for name, *_ in ops} == {"activate", "derive", "loss", "link", "prepare", "update"}
    before = len(jit.compiled_keys())
    MLPClassifier((9, 8), activation="tanh", solver="sgd", alpha=0.5, batch_size=11, **common).fit(X[:40], y[:40])
    assert len(jit.compiled_keys()) == before


def test_numba_still_has_the_private_parts_that_the_cache_uses():
    from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
    from numba.core.ccallback import CFunc

    assert {"load_overload", "save_overload", "_index_key", "flush", "enable", "disable"} <= set(dir(FunctionCache))
    assert {"reduce", "rebuild", "check_cachable"} <= set(dir(CompileResultCacheImpl))
    assert {"save", "load"} <= set(dir(IndexDataCacheFile))
    assert {"compile", "cache_hits", "address"} <= set(dir(CFunc))
