"""Machine code that came with the package: one shared library for each level of instruction sets.

It is used where all that it was made from is at hand: these sources, this release of Numba, which would compile them,
and a machine of the level. So it has the bits that a compilation would give, and only the time tells them apart.
Anything else is compiled, and nothing is said: the library saves time, nothing is wrong without it.

The environment variable ``FASTNET_PREBUILT=0`` leaves it aside.
"""

import ctypes
import hashlib
import json
import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from ..host import target
from .sources import PACKAGE, source_digest

FOLDER = PACKAGE / "prebuilt"
TABLE = "table.json"

_used = set()


def made_from():
    """What machine code depends on besides the level, a dict.

    Python counts because Numba compiles its byte code.
    """
    numba = version("numba")
    return {"sources": source_digest(), "numba": numba, "python": ".".join(platform.python_version_tuple()[:2])}


def file_digest(path):
    """Digest of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_table(folder):
    """Write down what the libraries in a folder were just made from."""
    libraries = {path.stem: file_digest(path) for path in sorted(folder.glob("*.so"))}
    table = {"made_from": made_from(), "libraries": libraries}
    (folder / TABLE).write_text(json.dumps(table, indent=1) + "\n")


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
        table = json.loads((FOLDER / TABLE).read_text())
        given = table["made_from"]
        different = [f"{name} {given.get(name)}" for name, value in made_from().items() if given.get(name) != value]
        if different:
            return None, f"not used: made from other {', '.join(different)}"
        if chosen.level not in table["libraries"]:
            return None, f"not used: {chosen.cpu} is none of the levels of instruction sets that there is code for"
        path = FOLDER / f"{chosen.level}.so"
        if file_digest(path) != table["libraries"][chosen.level]:  # what a disk has damaged would end the process
            return None, f"not used: {path.name} is damaged"
        return ctypes.CDLL(str(path)), f"used, for {chosen.level}"
    except FileNotFoundError:
        return None, "none in this installation"
    except (OSError, KeyError, TypeError, ValueError, PackageNotFoundError) as error:
        # A damaged table, or a file system from which nothing may be run.
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
