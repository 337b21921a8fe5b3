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
def _found():
    """The shared library for this process, or None, and what there is to say about it."""
    chosen = target()
    if os.environ.get("FASTNET_PREBUILT") == "0":
        return None, "left aside, as FASTNET_PREBUILT=0 says"
    try:
        given = json.loads((FOLDER / TABLE).read_text())
        different = [f"{name} {given.get(name)}" for name, value in made_from().items() if given.get(name) != value]
        if different:
            return None, f"not used: made from other {', '.join(different)}"
        if chosen.level is None:
            return None, f"not used: {chosen.cpu} is none of the levels of instruction sets that there is code for"
        return ctypes.CDLL(str(FOLDER / f"{chosen.level}.so")), f"used, for {chosen.level}"
    except FileNotFoundError:
        return None, "none in this installation"
    except (OSError, ValueError, PackageNotFoundError) as error:  # such as a file system that runs nothing
        return None, f"not used: {error}"


def status():
    """Whether prebuilt machine code is used, and why not, in words."""
    return _found()[1]


def address(key):
    """Address of a function, or None if it is not prebuilt."""
    library, _ = _found()
    if library is None:
        return None
    try:
        function = getattr(library, symbol(key))
    except AttributeError:  # an op of a user's own
        return None
    _used.add(key)
    return ctypes.cast(function, ctypes.c_void_p).value


def used_keys():
    """Keys of the prebuilt functions that this process has asked for, a frozenset."""
    return frozenset(_used)
