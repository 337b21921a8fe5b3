"""Machine code that came with the package: one shared library for each level of instruction sets.

It is used where all that it was made from is at hand: these sources, this release of Numba, which would compile them,
and a machine of the level. So it has the bits that a compilation would give, and only the time tells them apart.
Anything else is compiled, and nothing is said: the library saves time, nothing is wrong without it.

The environment variable ``FASTNET_PREBUILT=0`` leaves it aside.
"""

import ctypes
import json
import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from ..host import target
from .sources import PACKAGE, source_digest

FOLDER = PACKAGE / "prebuilt"
TABLE = "made_from.json"

_used = set()


def made_from():
    """What machine code depends on besides the level, a dict.

    Python counts because Numba compiles its byte code.
    """
    numba = version("numba")
    return {"sources": source_digest(), "numba": numba, "python": ".".join(platform.python_version_tuple()[:2])}


def symbol(key):
    """Name of a function's symbol in the library."""
    return "fastnet_" + "_".join("".join(c if c.isalnum() else "_" for c in part) for part in key)


@cache
def library():
    """The shared library for this process, or None."""
    level = target().level
    if level is None or os.environ.get("FASTNET_PREBUILT") == "0":
        return None
    try:
        if json.loads((FOLDER / TABLE).read_text()) != made_from():
            return None
        return ctypes.CDLL(str(FOLDER / f"{level}.so"))
    except (OSError, ValueError, PackageNotFoundError):  # there is none, or none that this system loads
        return None


def address(key):
    """Address of a function, or None if it is not prebuilt."""
    found = library()
    if found is None:
        return None
    try:
        function = getattr(found, symbol(key))
    except AttributeError:  # an op of a user's own
        return None
    _used.add(key)
    return ctypes.cast(function, ctypes.c_void_p).value


def used_keys():
    """Keys of the prebuilt functions that this process has asked for, a frozenset."""
    return frozenset(_used)
