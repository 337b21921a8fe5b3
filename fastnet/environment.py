"""What a bug report needs to know of the installation and the machine."""

import platform
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from .version import __version__

PACKAGES = ("numpy", "scipy", "scikit-learn", "numba", "llvmlite", "joblib", "threadpoolctl")


def show_versions() -> None:
    """Print what a bug report needs: versions, the CPU, how code is compiled for it, threads and the cache.

    Examples
    --------
    >>> import fastnet
    >>> fastnet.show_versions()  # doctest: +ELLIPSIS
    System:
        python: 3...
    """
    for heading, facts in (
        ("System", _system()),
        ("Packages", {"fastnet": __version__} | {name: _version(name) for name in PACKAGES}),
        ("Machine code", _machine_code()),
    ):
        print(f"{heading}:")
        for name, fact in facts.items():
            print(f"    {name}: {fact}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _system() -> dict[str, str]:
    from .kernels.caches import described
    from .kernels.threads.limits import allowed_threads

    return {
        "python": sys.version.replace("\n", " "),
        "platform": platform.platform(),
        "CPU": cpu_name(),
        "caches": _in_words(described()) or "unknown",
        "threads of a fit": f"at most {allowed_threads()}",
    }


def cpu_name() -> str:
    """The CPU's name as the system gives it."""
    with suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _in_words(caches: dict[int, int]) -> str:
    return ", ".join(f"L{level} {size >> 10}K" for level, size in caches.items())


def _machine_code() -> dict[str, str]:
    import numpy as np

    from .kernels.compiling import prebuilt
    from .kernels.compiling.cache import cache_directory
    from .kernels.host import target, tile

    chosen = target()
    shape = tile(np.dtype(np.float32))
    return {
        "compiled for": chosen.cpu if chosen.level else f"{chosen.cpu}, features {chosen.features or 'none'}",
        "vectors": f"{shape.lanes * 32} bits, {'with' if shape.fma else 'without'} fused multiply-add",
        "prebuilt": prebuilt.status(),
        "cache": cache_directory() or "no directory can be written: every process compiles",
    }
