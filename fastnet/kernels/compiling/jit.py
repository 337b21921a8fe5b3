"""How fastnet compiles: one set of flags, C functions reached by address, one cache on disk.

Everything compiled is a C function of addresses and numbers, made once per computation dtype. What a
configuration changes reaches it as data, or as the address of another such function, so that no
configuration compiles anything twice.

This file, ``helpers.py``, ``cache.py`` and ``objects.py`` are the only ones that touch Numba's private parts.
"""

import os
import time
import warnings
from contextlib import contextmanager
from functools import cache
from threading import RLock
from types import CellType, FunctionType

from numba import njit
from numba.core.ccallback import CFunc, _CFuncCompiler
from numba.core.codegen import JITCPUCodegen
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from ..host import target
from .cache import Cache, cache_directory
from .helpers import HelperCompiler
from .notice import Notice
from .sources import source_digest

# nnan and ninf stay out: a diverging fit must show its NaN.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}

_compiled = {}
_lock = RLock()
_seconds = 0.0
_told = False  # once a process that others will have to compile again

if hasattr(os, "register_at_fork"):  # a child must not inherit the lock of a thread that it does not have
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def kernel(function):
    """Jit a helper that is compiled as part of the C functions that call it.

    Inlined by force: a call would go through a weak symbol, which a process may link to another's helper.
    """
    return njit(
        nogil=True, error_model="numpy", fastmath=FASTMATH, forceinline=True, pipeline_class=HelperCompiler
    )(function)


class _Codegen(JITCPUCodegen):
    """Code for the level of instruction sets instead of this very CPU."""

    def _get_host_cpu_name(self):
        return target().cpu

    def _get_host_cpu_features(self):
        return target().features


@cache
def _codegen():
    return _Codegen("fastnet")


@contextmanager
def _own_target():
    """Within the block Numba compiles for our target; other threads, and what users compile, keep theirs."""
    context = cpu_target.target_context
    with global_compiler_lock:
        rtsys.initialize(context)  # all code needs its symbols, and users' code finds it compiled for their CPU
        given = context._internal_codegen
        context._internal_codegen = _codegen()
        try:
            yield context
        finally:
            context._internal_codegen = given


class _Compiler(_CFuncCompiler):
    """Pointer arguments never overlap: without that promise each call begins with a check of every pair."""

    def _customize_flags(self, flags):
        flags = super()._customize_flags(flags)
        flags.noalias = True
        return flags


def c_function(make, return_type, argument_types, key):
    """Compile a function to a C function, load it from the cache on disk, or find it again.

    Parameters
    ----------
    make : callable
        Returns the function: plain Python, in the subset that Numba compiles. Called only when needed. What its
        pointer arguments point to must not overlap.
    return_type, argument_types : numba types
        The C signature.
    key : tuple of str
        Names what is compiled: equal keys mean equal code in this version of the package.

    Returns
    -------
    int
        The address.
    """
    global _seconds
    with _lock:
        if key not in _compiled:
            start, waited = time.perf_counter(), 0.0
            function = make()
            # Symbols of all objects share one name space in a process, and what Numba adds to this name
            # (a counter, the flags) repeats from process to process.
            name = "_".join(("fastnet", *key, source_digest()[:12]))
            function.__qualname__ = "".join(c if c.isalnum() else "_" for c in name)
            options = dict(nopython=True, error_model="numpy", fastmath=FASTMATH)
            compiled = CFunc(function, (tuple(argument_types), return_type), {}, options)
            compiled._compiler = _Compiler(function, cpu_target, options, {}, Compiler)
            directory = cache_directory()
            failure = None
            with Notice(directory) as notice, _own_target():
                if directory is None:
                    notice.begin()
                    compiled.compile()
                    failure = "no directory can be written"
                else:
                    with Cache(function, key, directory, notice.begin) as compiled._cache:
                        compiled.compile()
                    waited, failure = compiled._cache.seconds_waited, compiled._cache.failure
            _seconds += waited if compiled.cache_hits else time.perf_counter() - start
            _compiled[key] = compiled
            if failure is not None:
                _tell(failure)
        return _compiled[key].address


def _tell(failure):
    """Warn, once, that machine code was not saved."""
    global _told
    if not _told:
        _told = True
        warnings.warn(
            f"fastnet could not save its machine code ({failure}): every new process compiles it again, which takes "
            "seconds. Make room on the disk, or set the environment variable NUMBA_CACHE_DIR to a directory that can "
            "be written.",
            RuntimeWarning,
            stacklevel=3,
        )


def retyped(function, dtype):
    """Copy a plain scalar function with its float literals and named float constants in ``dtype``, and jit it.

    So are floats and functions that it closes over.

    Numba computes ``0.5 * z`` in float64 for a float32 ``z``: half the vector width and a conversion each way.
    Write literals as ``1.0``, not ``1``: integers stay as they are (exponents).
    """
    code = function.__code__
    literals = _in_dtype(code.co_consts, dtype)
    constants = {name: function.__globals__.get(name) for name in code.co_names}
    constants = {name: dtype.type(c) for name, c in constants.items() if isinstance(c, float)}
    # What it is made from, such as another formula, is retyped as well.
    cells = [_retyped_cell(cell, dtype) for cell in function.__closure__ or ()]
    copy = FunctionType(
        code.replace(co_consts=literals),
        function.__globals__ | constants if constants else function.__globals__,
        function.__name__,
        function.__defaults__,
        tuple(cells),
    )
    copy.__module__ = function.__module__
    return kernel(copy)


def _retyped_cell(cell, dtype):
    """A cell of a closure, with the function or the float in it in ``dtype``."""
    content = cell.cell_contents
    if isinstance(content, FunctionType):
        return CellType(retyped(content, dtype))
    return CellType(dtype.type(content)) if type(content) is float else cell


def _in_dtype(constants, dtype):
    """A tuple of literals, and of tuples of them (``a, b = 0.0, 1.0`` has one), with the floats in ``dtype``."""
    kinds = {float: dtype.type, tuple: lambda c: _in_dtype(c, dtype)}
    return tuple(kinds.get(type(c), lambda c: c)(c) for c in constants)


def compile_seconds():
    """Seconds this process has spent compiling, or waiting for another that did; loading counts as nothing."""
    return _seconds


def compiled_function(key):
    """What Numba made of a function, by its key."""
    return _compiled[key]


def compiled_keys():
    """Keys of all C functions this process has compiled or loaded, and whether from the cache."""
    return {key: bool(function.cache_hits) for key, function in _compiled.items()}
