"""What code is compiled for, and the register tile that suits it.

Not this very CPU but the level of instruction sets that it reaches: so machine code is the same, to the bit, on all
machines of a level, and can be made before. ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` (Numba's own variables)
select another target, so that every path can be tested on one machine::

    NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES=   # the AVX2 path
    NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES=     # the plain path
"""

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import numpy as np

# What a CPU of each level must have, by Linux's names, and how its code is tuned.
_V3 = frozenset("avx avx2 bmi1 bmi2 f16c fma abm movbe ssse3 sse4_1 sse4_2 popcnt cx16 lahf_lm".split())
_X86_LEVELS = {
    # LLVM takes 256 bits for this level by default, for the clock of its first CPUs.
    "x86-64-v4": (_V3 | set("avx512f avx512bw avx512cd avx512dq avx512vl".split()), "-prefer-256-bit"),
    "x86-64-v3": (_V3, ""),
}
ARM_LEVEL = "aarch64"
LEVELS = (*_X86_LEVELS, ARM_LEVEL)


@dataclass(frozen=True)
class Target:
    """What LLVM compiles for.

    Attributes
    ----------
    cpu : str
        LLVM's name of a CPU.
    features : str
        Features beside that CPU's own, as LLVM writes them.
    level : str or None
        The level of instruction sets; None for code that is for one CPU.
    """

    cpu: str
    features: str
    level: str | None = None


@cache
def target():
    """What is compiled for, a Target."""
    name, features = (os.environ.get(f"NUMBA_CPU_{which}") for which in ("NAME", "FEATURES"))
    if name is None and features is None:
        level = _level_of_host()
        if level is not None:
            return target_of(level)
    elif name in LEVELS and not features:
        return target_of(name)
    import llvmlite.binding as llvm

    if features is None:
        features = llvm.get_host_cpu_features().flatten()
    return Target(name or llvm.get_host_cpu_name(), features)


def target_of(level):
    """What is compiled for machines of a level."""
    return Target("generic", "", level) if level == ARM_LEVEL else Target(level, _X86_LEVELS[level][1], level)


def is_arm():
    """Whether this is 64-bit ARM, whose NEON has 32 registers of 128 bits and always an FMA."""
    return platform.machine().lower() in ("aarch64", "arm64")


def _level_of_host():
    """The highest level that this machine reaches, or None."""
    if is_arm():
        return ARM_LEVEL
    has = _flags()
    return next((level for level, (needed, _) in _X86_LEVELS.items() if needed <= has), None)


def _flags():
    """The host's CPU features by Linux's names."""
    with suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:  # of the first CPU: they are all alike
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    import llvmlite.binding as llvm

    names = {"bmi": "bmi1", "lzcnt": "abm", "sse4.1": "sse4_1", "sse4.2": "sse4_2", "sahf": "lahf_lm"}
    return frozenset(names.get(name, name) for name, has in llvm.get_host_cpu_features().items() if has)


@cache
def target_features():
    """Names of the vector features that the tiles depend on and the target has, a frozenset."""
    chosen = target()
    if chosen.level == "x86-64-v4":
        return frozenset({"avx512f", "avx2", "fma"})
    if chosen.level == "x86-64-v3":
        return frozenset({"avx2", "fma"})
    return frozenset(f[1:] for f in chosen.features.split(",") if f.startswith("+"))


@dataclass(frozen=True)
class Tile:
    """The register tile of one dtype on one host.

    Attributes
    ----------
    lanes : int
        Elements in one vector register.
    rows : int
        Rows of a register tile: numbers of rows are rounded up to whole ones.
    large_rows : int
        Rows of the larger register tile, which does most of the work where it is faster.
    panel : int
        Columns of a panel of weights or activations: two vectors.
    block : int
        Rows of weights that are updated together.
    fma : bool
        Whether a fused multiply-add is one instruction.
    """

    lanes: int
    rows: int
    large_rows: int
    panel: int
    block: int
    fma: bool


@cache
def tile(dtype):
    """Choose the register tile for ``dtype`` on this host.

    A tile of ``rows`` x 2 vectors keeps at least eight independent accumulators, the latency of an FMA
    times two ports, and leaves registers for one row of weights. Of 16 registers, 12 accumulators take fewer loads a
    multiplication than 8. A row has the same bits in a tile of any height.

    Parameters
    ----------
    dtype : numpy.dtype
        float32 or float64.

    Returns
    -------
    Tile
    """
    features = target_features()
    if "avx512f" in features:
        vector_bytes, rows, fma = 64, 8, True
    elif "avx2" in features and "fma" in features:
        vector_bytes, rows, fma = 32, 4, True
    elif is_arm():
        vector_bytes, rows, fma = 16, 8, True
    else:
        vector_bytes, rows, fma = 16, 4, "fma" in features
    lanes = vector_bytes // np.dtype(dtype).itemsize
    panel = 2 * lanes
    rows = min(rows, panel)  # a tile of a weight gradient reads as many columns of one panel
    large_rows = 6 if vector_bytes == 32 else rows
    return Tile(lanes=lanes, rows=rows, large_rows=large_rows, panel=panel, block=min(2 * rows, panel), fma=fma)
