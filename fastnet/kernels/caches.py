"""Sizes of the host's caches, as the system tells them."""

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_CPU = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1 << 10, "M": 1 << 20}


@dataclass(frozen=True)
class Caches:
    """Caches of one core, in bytes.

    Attributes
    ----------
    level_1 : int
        Data cache. The default is the least that today's CPUs have, or near it.
    level_2 : int
        As for `level_1`.
    """

    level_1: int = 32 << 10
    level_2: int = 256 << 10


_assumed = None


@contextmanager
def assumed(caches):
    """Within the block cut work for other caches.

    Parameters
    ----------
    caches : Caches
        Their sizes.
    """
    global _assumed
    before, _assumed = _assumed, caches
    try:
        yield
    finally:
        _assumed = before


def host_caches():
    """The caches of this machine, a `Caches`; of what the system does not tell, the default."""
    return _assumed or read_caches(_CPU)


@cache
def read_caches(folder):
    """The caches of a core as a folder describes them; the default for what it does not, as on other systems."""
    told = {f"level_{level}": size for level, size in described(folder).items() if level in (1, 2) and size > 0}
    return Caches(**told)


def described(folder=_CPU):
    """Sizes of data caches as Linux describes them.

    Parameters
    ----------
    folder : Path
        Has a folder ``index…`` for each cache.

    Returns
    -------
    dict
        Level to bytes; empty on other systems.
    """
    sizes = {}
    for index in sorted(folder.glob("index[0-9]*")):
        try:
            level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
            if kind != "Instruction":
                sizes[int(level)] = int(size[:-1]) * _UNITS[size[-1]]
        except (OSError, ValueError, KeyError, IndexError):
            continue
    return sizes
