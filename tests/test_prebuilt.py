"""Machine code ahead of time: what is in it, that it has the bits of a compilation, and when it is left aside."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from llvmlite.binding import get_host_cpu_name
from numba import types
from numba.core.registry import cpu_target

from fastnet.activations import Tanh
from fastnet.engine.ahead import ahead
from fastnet.engine.functions import FUNCTIONS
from fastnet.kernels import host
from fastnet.kernels.compiling import jit, prebuilt
from fastnet.kernels.compiling.objects import object_code
from fastnet.ops.activations.base import Activation
from fastnet.ops.compiled import rows
from fastnet.ops.compiled.signatures import ACTIVATE
from fastnet.ops.losses.base import Loss
from fastnet.ops.optimizers import Optimizer

sys.path.insert(0, str(Path(__file__).parent.parent / "build_tools"))
from linking import glibc_of, link  # noqa: E402

FLOAT = np.dtype(np.float32)
needs_linker = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None or shutil.which("objdump") is None,
    reason="links shared libraries as Linux does",
)


def concrete(base):
    """Classes of ops that have a public module and so may be trained with."""
    for cls in base.__subclasses__():
        yield from concrete(cls)
        if not cls.__name__.startswith("_") and cls.__module__.startswith("fastnet."):
            yield cls


def test_everything_that_fits_can_need_is_compiled_ahead():
    names = [name for name, _ in ahead(FLOAT)]
    assert set(FUNCTIONS) <= set(names)
    for base, kernels in (
        (Activation, ("activate", "derive")),
        (Loss, ("loss", "link")),
        (Optimizer, ("prepare", "update")),
    ):
        classes = list(concrete(base))
        assert len(classes) > 10
        for cls in classes:
            for kernel in kernels:
                assert any(name.startswith(f"{kernel} of {cls.__name__}(") for name in names), (cls, kernel)
    few = [name for name, _ in ahead(FLOAT, everything=False)]
    assert set(few) < set(names)


@pytest.fixture
def fresh(monkeypatch):
    """Nothing is compiled yet, and nothing comes from a cache: object code is made from what is compiled here."""
    monkeypatch.setattr(jit, "_compiled", {})
    monkeypatch.setattr(jit, "cache_directory", lambda: None)
    monkeypatch.setattr(jit, "_told", True)
    rows.activate.cache_clear()
    yield
    rows.activate.cache_clear()


@pytest.fixture
def installed(fresh, tmp_path, monkeypatch):
    """A library with tanh alone, as if it had come with the package, and that compiles to this."""
    address = rows.activate(Tanh(), FLOAT)
    (key,) = jit.compiled_keys()
    objects = tmp_path / f"{prebuilt.symbol(key)}.o"
    objects.write_bytes(object_code(key))
    link([objects], tmp_path / f"{host.target().level}.so")
    prebuilt.write_table(tmp_path)
    monkeypatch.setattr(prebuilt, "FOLDER", tmp_path)
    monkeypatch.setattr(prebuilt, "_used", set())
    prebuilt._found.cache_clear()
    yield key, address
    prebuilt._found.cache_clear()


def run(address):
    a = np.linspace(-3, 3, 101, dtype=FLOAT)
    ACTIVATE.function(address, FLOAT)(a.ctypes.data, a.ctypes.data, a.size, np.zeros(4, FLOAT).ctypes.data, 0)
    return a


@needs_linker
@pytest.mark.skipif(host.target().level is None, reason="code for one CPU is not shipped")
def test_a_prebuilt_function_is_used_and_has_the_bits_of_the_compiled_one(installed):
    key, compiled = installed
    assert prebuilt.status() == f"used, for {host.target().level}"
    rows.activate.cache_clear()
    found = rows.activate(Tanh(), FLOAT)
    assert found != compiled and prebuilt.used_keys() == {key}
    np.testing.assert_array_equal(run(found), run(compiled))
    np.testing.assert_allclose(run(found), np.tanh(np.linspace(-3, 3, 101)), rtol=1e-6)
    assert prebuilt.address(("activate", "a user's own", "float32")) is None


@needs_linker
@pytest.mark.skipif(host.target().level is None, reason="code for one CPU is not shipped")
def test_only_what_is_meant_is_exported_and_the_c_library_is_all_it_needs(installed, tmp_path):
    library = ctypes.CDLL(str(next(tmp_path.glob("*.so"))))
    assert hasattr(library, prebuilt.symbol(installed[0]))
    with pytest.raises(AttributeError):
        getattr(library, jit.compiled_function(installed[0]).native_name)
    assert glibc_of(next(tmp_path.glob("*.so"))) == (2, 17)


@needs_linker
@pytest.mark.skipif(host.target().level is None, reason="code for one CPU is not shipped")
@pytest.mark.parametrize("name", ["sources", "numba", "python"])
def test_code_made_from_anything_else_is_left_aside(installed, tmp_path, name):
    table = json.loads((tmp_path / prebuilt.TABLE).read_text())
    table["made_from"][name] = "other"
    (tmp_path / prebuilt.TABLE).write_text(json.dumps(table))
    prebuilt._found.cache_clear()
    assert prebuilt.address(installed[0]) is None
    assert prebuilt.status() == f"not used: made from other {name} other"


@needs_linker
@pytest.mark.skipif(host.target().level is None, reason="code for one CPU is not shipped")
def test_a_damaged_library_or_table_is_left_aside(installed, tmp_path, monkeypatch):
    key, table = installed[0], tmp_path / prebuilt.TABLE
    given = table.read_text()
    for damaged in ("{", "[]", "{}"):
        table.write_text(damaged)
        prebuilt._found.cache_clear()
        assert prebuilt.address(key) is None and prebuilt.status().startswith("not used: ")
    table.write_text(given)
    (library,) = tmp_path.glob("*.so")
    whole = library.read_bytes()
    for damaged in (whole[:1000], whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]):
        library.write_bytes(damaged)
        prebuilt._found.cache_clear()
        assert prebuilt.address(key) is None and prebuilt.status() == f"not used: {library.name} is damaged"
    library.unlink()
    prebuilt._found.cache_clear()
    assert prebuilt.address(key) is None
    monkeypatch.setenv("FASTNET_PREBUILT", "0")
    prebuilt._found.cache_clear()
    assert prebuilt.status() == "left aside, as FASTNET_PREBUILT=0 says"


def test_a_plain_installation_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(prebuilt, "FOLDER", tmp_path)
    monkeypatch.delenv("FASTNET_PREBUILT", raising=False)
    prebuilt._found.cache_clear()
    try:
        assert prebuilt.status() == "none in this installation"
    finally:
        prebuilt._found.cache_clear()


def test_a_function_that_may_raise_is_refused(fresh):
    def make():
        def steps(n, step):
            total = 0
            for i in range(0, n, step):
                total += i
            return total

        return steps

    jit.c_function(make, types.intp, (types.intp, types.intp), ("steps", "float32"))
    with pytest.raises(ValueError, match="steps-float32 may raise an error"):
        object_code(("steps", "float32"))


LINUX_FLAGS = (
    "fpu sse sse2 ssse3 cx16 sse4_1 sse4_2 movbe popcnt avx f16c lahf_lm abm bmi1 avx2 bmi2 fma "
    "avx512f avx512dq avx512cd avx512bw avx512vl"
)


@pytest.mark.parametrize(
    ("lacks", "level"),
    [("", "x86-64-v4"), ("avx512vl", "x86-64-v3"), ("avx512f", "x86-64-v3"), ("avx2", None), ("movbe", None)],
)
def test_the_level_is_the_highest_that_the_cpu_has_all_of(monkeypatch, lacks, level):
    monkeypatch.setattr(host, "is_arm", lambda: False)
    monkeypatch.setattr(host, "_flags", lambda: frozenset(LINUX_FLAGS.split()) - {lacks})
    assert host._level_of_host() == level


@pytest.mark.parametrize(
    ("name", "features", "expected"),
    [
        ("x86-64-v3", "", host.Target("x86-64-v3", "", "x86-64-v3")),
        ("x86-64-v3", None, host.Target("x86-64-v3", "", "x86-64-v3")),
        ("haswell", "+avx2,+fma", host.Target("haswell", "+avx2,+fma")),
        ("generic", "", host.Target("generic", "")),
    ],
)
def test_variables_choose_the_target(monkeypatch, name, features, expected):
    monkeypatch.setenv("NUMBA_CPU_NAME", name)
    monkeypatch.delenv("NUMBA_CPU_FEATURES", raising=False)
    if features is not None:
        monkeypatch.setenv("NUMBA_CPU_FEATURES", features)
    assert host.target.__wrapped__() == expected


BESIDE_USERS_CODE = """
import llvmlite.binding as llvm, numba, numpy as np
from numba.core.registry import cpu_target
from fastnet.activations import Tanh
from fastnet.ops.compiled import rows
from fastnet.ops.compiled.signatures import ACTIVATE

def users(n):
    a = np.zeros(n)
    b = a + 1.0
    return b.sum() + np.tanh(a).sum()

dtype = np.dtype("float32")
{first}
context = cpu_target.target_context
before = context.codegen()
a, p = np.ones(8, dtype), np.zeros(4, dtype)
ACTIVATE.function(rows.activate(Tanh(), dtype), dtype)(a.ctypes.data, a.ctypes.data, 8, p.ctypes.data, 0)
assert context.codegen() is before
assert before.magic_tuple()[1] == (numba.config.CPU_NAME or llvm.get_host_cpu_name())
assert numba.njit(users)(5) == 5 and abs(a[0] - np.tanh(1)) < 1e-6
"""


def test_a_compilation_leaves_numbas_target_as_it_was(fresh):
    before = cpu_target.target_context.codegen()
    rows.activate(Tanh(), FLOAT)
    assert cpu_target.target_context.codegen() is before
    assert before.magic_tuple()[1] == (numba.config.CPU_NAME or get_host_cpu_name())


# Who comes first is what a process decides once.
@pytest.mark.exhaustive
@pytest.mark.parametrize("first", ["", "assert numba.njit(users)(3) == 3"], ids=["ours first", "theirs first"])
def test_numba_compiles_users_code_for_their_cpu_as_before(first, tmp_path):
    for _ in ("compiled", "loaded"):
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "FASTNET_PREBUILT": "0"}
        subprocess.run([sys.executable, "-c", BESIDE_USERS_CODE.format(first=first)], env=environment, check=True)
