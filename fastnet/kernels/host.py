"""The host CPU as Numba sees it, and the tile shape that suits it.

``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` (Numba's own variables) select another target, so that
every path can be tested on one machine::

    NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES=+sse2,+sse4.1,+avx,+avx2,+fma   # the AVX2 path
    NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES=                                # the plain path
"""

from dataclasses import dataclass
from functools import cache

import numpy as np


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
def target_features():
    """The CPU features that Numba compiles for, as a frozenset of names."""
    from numba.core.registry import cpu_target

    features = cpu_target.target_context.codegen().magic_tuple()[2]
    return frozenset(f[1:] for f in features.split(",") if f.startswith("+"))


@cache
def is_arm():
    """Whether the target is 64-bit ARM, whose NEON has 32 registers of 128 bits and always an FMA."""
    from numba.core.registry import cpu_target

    return cpu_target.target_context.codegen().magic_tuple()[0].startswith(("aarch64", "arm64"))


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
