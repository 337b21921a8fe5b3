"""Sizes of the host's caches, as the system tells them."""

import os
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


@cache
def host_caches():
    """The caches of this machine; of what the system does not tell, the default."""
    return Caches(**{name: size for name, size in _told().items() if size > 0})


def _told():
    try:
        return dict(_of_linux())
    except (OSError, ValueError, KeyError):
        return {}


def _of_linux():
    for index in _CPU.glob("index[0-9]*"):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        if level in "12" and kind != "Instruction":
            yield f"level_{level}", int(size[:-1]) * _UNITS[size[-1]]
