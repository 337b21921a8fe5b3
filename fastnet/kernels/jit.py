"""How fastnet compiles: one set of flags, C functions reached by address, one cache on disk.

Everything compiled is a C function of addresses and numbers, made once per computation dtype. What a
configuration changes reaches it as data, or as the address of another such function, so that no
configuration compiles anything twice.

Numba's own cache key does not see edits in callees of other files, and holds the identity of jitted
functions in closures, which no second process can hit. The key here is the name, the dtype and a digest
of this package's sources. This is the only file that touches Numba's private parts.
"""

import ctypes
import hashlib
import os
import tempfile
import time
from functools import cache
from pathlib import Path
from threading import RLock
from types import FunctionType

from numba import njit
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.core.registry import cpu_target
from numba.misc.appdirs import AppDirs

# nnan and ninf stay out: a diverging fit must show its NaN.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}

_compiled = {}
_lock = RLock()
_seconds = 0.0

if hasattr(os, "register_at_fork"):  # a child must not inherit the lock of a thread that it does not have
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def kernel(function):
    """Jit a helper that is compiled as part of the C functions that call it.

    Inlined by force: a call would go through a weak symbol, which a process may link to another's helper.
    """
    return njit(nogil=True, error_model="numpy", fastmath=FASTMATH, forceinline=True)(function)


def c_function(make, return_type, argument_types, key, ctypes_signature=None):
    """Compile a function to a C function, load it from the cache on disk, or find it again.

    Parameters
    ----------
    make : callable
        Returns the function: plain Python, in the subset that Numba compiles. Called only when needed.
    return_type, argument_types : numba types
        The C signature.
    key : tuple of str
        Names what is compiled: equal keys mean equal code in this version of the package.
    ctypes_signature : tuple, optional
        When given, ``(result, *arguments)``: the function can be called from Python, without the GIL.

    Returns
    -------
    int or ctypes function
        The address, or the callable when `ctypes_signature` is given.
    """
    global _seconds
    with _lock:
        if key not in _compiled:
            start = time.perf_counter()
            function = make()
            # Symbols of all objects share one name space in a process, and what Numba adds to this name
            # (a counter, the flags) repeats from process to process.
            name = "_".join(("fastnet", *key, source_digest()[:12]))
            function.__qualname__ = "".join(c if c.isalnum() else "_" for c in name)
            options = dict(nopython=True, error_model="numpy", fastmath=FASTMATH)
            compiled = CFunc(function, (tuple(argument_types), return_type), {}, options)
            directory = cache_directory()
            if directory is not None:
                compiled._cache = _Cache(function, key, directory)
            compiled.compile()
            if not compiled.cache_hits:
                _seconds += time.perf_counter() - start
            _compiled[key] = compiled
        compiled = _compiled[key]
    if ctypes_signature is None:
        return compiled.address
    return ctypes.CFUNCTYPE(*ctypes_signature)(compiled.address)


def retyped(function, dtype):
    """Copy a plain scalar function with its float literals in ``dtype``, and jit it.

    Numba computes ``0.5 * z`` in float64 for a float32 ``z``: half the vector width and a conversion each way.
    Write literals as ``1.0``, not ``1``: integers stay as they are (exponents).
    """
    code = function.__code__
    literals = tuple(dtype.type(c) if isinstance(c, float) else c for c in code.co_consts)
    copy = FunctionType(
        code.replace(co_consts=literals), function.__globals__, function.__name__, function.__defaults__
    )
    copy.__module__ = function.__module__
    return kernel(copy)


def compile_seconds():
    """Seconds this process has spent compiling; what came from the cache on disk counts as nothing."""
    return _seconds


def compiled_keys():
    """Keys of all C functions this process has compiled or loaded, and whether from the cache."""
    return {key: bool(function.cache_hits) for key, function in _compiled.items()}


@cache
def source_digest():
    """Digest of the sources that machine code is made from: what older sources gave is not loaded."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parent.parent
    for folder in ("kernels", "ops", "engine"):
        for path in sorted((root / folder).glob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def cache_directory():
    """The first writable directory of NUMBA_CACHE_DIR, the package's __pycache__, the user's cache; or None."""
    candidates = [Path(__file__).resolve().parent / "__pycache__", Path(AppDirs("fastnet", False).user_cache_dir)]
    if config.CACHE_DIR:
        candidates.insert(0, Path(config.CACHE_DIR) / "fastnet")
    for directory in candidates:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=directory).close()
        except OSError:
            continue
        return str(directory)
    return None


class _Locator:
    """Where the cache files of one C function are and what makes them stale."""

    def __init__(self, directory):
        self.directory = directory

    def get_cache_path(self):
        return self.directory

    def get_source_stamp(self):
        return source_digest()

    def ensure_cache_path(self):
        os.makedirs(self.directory, exist_ok=True)


class _Implementation(CompileResultCacheImpl):
    def __init__(self, locator):  # the parent's would search a directory by the function's file
        self._locator = locator
        self._lineno = 0


class _Cache(FunctionCache):
    """Numba's function cache with a key of our own, and no way to fail."""

    def __init__(self, function, key, directory):
        self._name = "-".join("".join(c if c.isalnum() or c in "._" else "_" for c in part) for part in key)
        self._py_func = function
        self._key = key
        self._impl = _Implementation(_Locator(directory))
        self._cache_path = directory
        # The digest is in the name too: an index is written before its data, and a process that reads in
        # between must not find the machine code of older sources under the same name.
        base = f"fastnet-{self._name}-{source_digest()[:12]}"
        self._cache_file = IndexDataCacheFile(directory, base, source_digest())
        self.enable()

    def _index_key(self, signature, codegen):
        return str(signature), codegen.magic_tuple(), self._key

    def load_overload(self, signature, target_context):
        try:
            return super().load_overload(signature, target_context)
        except Exception:  # a truncated or foreign file: forget it and compile again
            self._forget()
            return None

    def save_overload(self, signature, data):
        try:
            super().save_overload(signature, data)
        except Exception:  # a corrupt index, a full disk: the function works, the next process compiles again
            self._forget()

    def _forget(self):
        try:
            self.flush()
        except OSError:
            self.disable()


def target_name():
    """Name of the CPU that is compiled for."""
    return cpu_target.target_context.codegen().magic_tuple()[1]
