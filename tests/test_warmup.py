"""``python -m fastnet``: what it compiles is there for later processes, what it prints helps with a bug report."""

import os
import re
import subprocess
import sys

import numba
import numpy as np
import pytest
from numba import types

import fastnet
import fastnet.engine.ahead as engine_ahead
from fastnet import environment
from fastnet.__main__ import main
from fastnet.kernels.caches import described
from fastnet.kernels.compiling import jit


def run(*arguments, **variables):
    """Standard output of ``python`` with these arguments."""
    done = subprocess.run(
        [sys.executable, *arguments], env=os.environ | variables, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FIT = """
import numpy as np, warnings
from fastnet import MLPClassifier, MLPRegressor
from fastnet.kernels.compiling.jit import compiled_keys
warnings.simplefilter("ignore")
X, y = np.random.RandomState(0).standard_normal((60, 5)), np.arange(60)
for net, target in ((MLPClassifier(), y % 3), (MLPClassifier(), y % 2), (MLPRegressor(), y)):
    net.set_params(max_iter=2, hidden_layer_sizes=7, dtype="float32").fit(X, target).predict(X)
    net.predict(X[:1]), net.predict(np.tile(X, (5000, 1)))
print(all(compiled_keys().values()))
print(*map("-".join, compiled_keys()))
"""
# As `python -m fastnet warmup --dtype float32`, and the names of all that it has compiled or loaded.
WARM_UP = """
import runpy, sys
sys.argv[1:] = ["warmup", "--dtype", "float32"]
runpy.run_module("fastnet", run_name="__main__")
from fastnet.kernels.compiling.jit import compiled_keys
print(*map("-".join, compiled_keys()))
"""


def counts(said):
    """Numbers of functions that were shipped, loaded and compiled."""
    return [int(n) for n in re.findall(r"(\d+) (?:functions|were)", said)]


@pytest.mark.exhaustive  # it compiles all that a first fit needs, to keep nothing of it
def test_fits_with_default_parameters_need_nothing_but_what_a_warm_up_compiles():
    # With the cache of the other tests: what they have compiled need not be compiled again.
    said = run("-c", WARM_UP + FIT, FASTNET_PREBUILT="0")
    *_, warm, _, used = said.splitlines()
    assert used.split() == warm.split()
    shipped, loaded, compiled = counts(said)
    assert shipped == 0 and loaded + compiled == len(warm.split()) > 10


@pytest.mark.exhaustive
def test_fits_with_default_parameters_find_all_that_a_warm_up_compiled(tmp_path):
    variables = {"NUMBA_CACHE_DIR": str(tmp_path), "FASTNET_PREBUILT": "0"}
    said = run("-m", "fastnet", "warmup", "--dtype", "float32", **variables)
    shipped, loaded, compiled = counts(said)
    assert shipped == loaded == 0 and compiled > 10
    assert str(tmp_path) in said
    assert run("-c", FIT, **variables).startswith("True\n")
    again = run("-m", "fastnet", "warmup", "--dtype", "float32", **variables)
    assert f"{compiled} were in the cache, 0 were compiled" in again


def test_a_warm_up_that_cannot_save_fails_and_says_why(monkeypatch):
    def compile_one(dtype, everything):  # the first that a warm-up compiles takes seconds
        return [("multiply", lambda: jit.c_function(lambda: lambda x: 2 * x, types.int64, (types.int64,), ("double",)))]

    monkeypatch.setattr(engine_ahead, "ahead", compile_one)
    monkeypatch.setattr(jit, "cache_directory", lambda: None)
    monkeypatch.setattr(jit, "_compiled", {})
    monkeypatch.setattr(jit, "_told", False)
    with pytest.raises(SystemExit, match="no directory can be written"):
        main(["warmup", "--dtype", "float32"])


def test_an_unknown_dtype_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["warmup", "--dtype", "float16"])
    assert "invalid choice: 'float16'" in capsys.readouterr().err


def test_versions_name_packages_cpu_threads_and_cache(capsys):
    main(["versions"])
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "System:"
    assert f"fastnet: {fastnet.__version__}" in said
    assert f"numba: {numba.__version__}" in said and f"numpy: {np.__version__}" in said
    for name in ("python", "CPU", "caches", "threads of a fit", "compiled for", "vectors", "prebuilt", "cache"):
        assert re.search(rf"^    {name}: \S", said, re.M), name


def test_caches_are_those_that_the_system_lists(tmp_path):
    for number, facts in enumerate((("Data", 1, "32K"), ("Instruction", 1, "64K"), ("Unified", 2, "512K"))):
        folder = tmp_path / f"index{number}"
        folder.mkdir()
        for name, fact in zip(("type", "level", "size"), facts, strict=True):
            (folder / name).write_text(f"{fact}\n")
    assert environment._in_words(described(tmp_path)) == "L1 32K, L2 512K"
    assert environment._in_words(described(tmp_path / "none")) == ""


@pytest.mark.parametrize("has_tqdm", [False, True])
def test_the_steps_of_a_warm_up_all_run_with_a_bar_or_without(monkeypatch, capsys, has_tqdm):
    from types import ModuleType

    from fastnet.warmup import _shown

    class Bar(list):
        def __init__(self, steps, unit):
            super().__init__(steps)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def set_postfix_str(self, name):
            print(name, file=sys.stderr)

    module = ModuleType("tqdm")
    module.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm", module if has_tqdm else None)
    done = []
    for step in _shown([(f"step {i}", lambda i=i: done.append(i)) for i in range(20)]):
        step()
    assert done == list(range(20))
    assert len(capsys.readouterr().err.splitlines()) == (20 if has_tqdm else 10)
