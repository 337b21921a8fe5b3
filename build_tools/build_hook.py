"""Puts machine code into the wheel, when asked to: a hook of hatchling, which is off unless it is enabled.

``HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 pip wheel . --no-deps`` builds a wheel for this platform and Python. It needs Linux
and a C compiler as the linker, and takes minutes.
"""

import os
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DTYPES = ("float32", "float64")


def compile_level(root, level, dtype, folder):
    """Object files of a level and dtype into a folder."""
    from linking import run

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {
            "PYTHONPATH": str(root), "NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": cache,
            "FASTNET_PREBUILT": "0",
        }  # fmt: skip
        run(sys.executable, Path(__file__).with_name("compile_objects.py"), dtype, folder, env=environment)


class PrebuiltHook(BuildHookInterface):
    """Compiles, links and adds ``fastnet/prebuilt/`` to the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version, build_data):
        if version == "editable":
            return
        if "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", ()):
            raise RuntimeError("machine code is put into wheels on Linux with glibc only; elsewhere it is compiled")
        root = Path(self.root)
        sys.path[:0] = [str(root), str(Path(__file__).parent)]
        from linking import OLDEST_GLIBC, glibc_of, link

        from fastnet.kernels.compiling import prebuilt
        from fastnet.kernels.host import LEVELS, is_arm

        levels = [level for level in LEVELS if level.startswith("x86") != is_arm()]
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            jobs = [
                pool.submit(compile_level, root, level, dtype, folder / level) for level in levels for dtype in DTYPES
            ]
            for job in jobs:
                job.result()
        glibc = OLDEST_GLIBC
        for level in levels:
            library = folder / f"{level}.so"
            link(sorted((folder / level).glob("*.o")), library)
            glibc = max(glibc, glibc_of(library))
            build_data["force_include"][str(library)] = f"fastnet/prebuilt/{library.name}"
        prebuilt.write_table(folder)
        build_data["force_include"][str(folder / prebuilt.TABLE)] = f"fastnet/prebuilt/{prebuilt.TABLE}"
        build_data["pure_python"] = False
        python = f"cp{sys.version_info.major}{sys.version_info.minor}"
        machine = sysconfig.get_platform().split("-")[-1]
        build_data["tag"] = f"{python}-none-manylinux_{glibc[0]}_{glibc[1]}_{machine}"

    def finalize(self, version, build_data, artifact_path):
        if version != "editable":
            self._folder.cleanup()
