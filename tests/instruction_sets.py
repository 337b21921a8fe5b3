"""The instruction-set paths that Numba's own variables choose on any x86 machine."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

# Of each path: the variables, and lanes and rows of its register tile in float32.
PATHS = {
    "avx2": ({"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""}, [8, 4]),
    "plain": ({"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}, [4, 4]),
}
x86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 CPUs")


def run_on(path, arguments, **variables):
    """Output of ``python`` with these arguments on a path. The cache on disk tells the paths' machine code apart."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**outer, **PATHS[path][0], **variables}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True,
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout
