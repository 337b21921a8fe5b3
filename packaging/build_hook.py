"""Puts machine code into the wheel, when asked to: a hook of hatchling, which is off unless it is enabled.

``HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 pip wheel . --no-deps`` builds a wheel for this platform and Python. It needs Linux
and a C compiler as the linker, and takes minutes.
"""

import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DTYPES = ("float32", "float64")
# Nothing else may be asked of the system: what Numba itself would bring is not there.
LIBRARIES = {"libc.so.6", "libm.so.6"}
# No tag of manylinux is older, and none newer is needed for what has no versioned symbols.
OLDEST_GLIBC = (2, 17)


def run(*command, **options):
    """Output of a command that must not fail."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def compile_level(root, level, dtype, folder):
    """Object files of a level and dtype into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {
            "PYTHONPATH": str(root), "NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": cache,
            "FASTNET_PREBUILT": "0",
        }  # fmt: skip
        script = Path(__file__).with_name("compile_objects.py")
        run(sys.executable, str(script), dtype, str(folder), env=environment)


def link(objects, library):
    """One shared library of object files, which exports their functions and nothing else."""
    names = "".join(f"  {path.stem};\n" for path in objects)
    exports = library.with_suffix(".map")
    exports.write_text(f"{{ global:\n{names}local: *; }};\n")
    listed = library.with_suffix(".rsp")
    listed.write_text("\n".join(f'"{path}"' for path in objects))
    compiler = os.environ.get("CC", "cc")
    run(
        compiler, "-shared", "-nostartfiles", "-o", library, f"@{listed}", f"-Wl,--version-script={exports}",
        "-Wl,-z,defs", "-Wl,-z,noexecstack", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,--strip-all", "-lm",
        "-lc",
    )  # fmt: skip
    needed = set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", library)))
    if needed - LIBRARIES:
        raise RuntimeError(f"{library.name} needs {sorted(needed - LIBRARIES)}")


def glibc_of(library):
    """The least version of the C library that has what a library asks for."""
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", run("objdump", "-T", library))
    return max([OLDEST_GLIBC, *((int(major), int(minor)) for major, minor in versions)])


class PrebuiltHook(BuildHookInterface):
    """Compiles, links and adds ``fastnet/prebuilt/`` to the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version, build_data):
        if version == "editable":
            return
        if not sys.platform.startswith("linux") or platform.libc_ver()[0] != "glibc":
            raise RuntimeError("machine code is put into wheels on Linux with glibc only; elsewhere it is compiled")
        root = Path(self.root)
        sys.path.insert(0, str(root))
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
        table = folder / prebuilt.TABLE
        table.write_text(json.dumps(prebuilt.made_from(), indent=1) + "\n")
        build_data["force_include"][str(table)] = f"fastnet/prebuilt/{table.name}"
        build_data["pure_python"] = False
        machine = sysconfig.get_platform().split("-")[-1]
        python = "cp{}{}".format(*sys.version_info)
        build_data["tag"] = f"{python}-none-manylinux_{glibc[0]}_{glibc[1]}_{machine}"

    def finalize(self, version, build_data, artifact_path):
        if version != "editable":
            self._folder.cleanup()
