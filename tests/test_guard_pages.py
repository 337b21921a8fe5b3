"""Nothing is read or written outside of an array: random networks whose memory lies beside guard pages."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="protects pages as Linux does")

SCRIPT = Path(__file__).with_name("guarded_networks.py")


def check(first, last, solvers, **environment):
    done = subprocess.run(
        [sys.executable, SCRIPT, str(first), str(last), solvers],
        env={**os.environ, **environment},
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (done.returncode, lines[-1:], done.stderr)
    assert int(lines[-1].split()[1]) >= (last - first) * 3 // 4, lines[-1]


@pytest.mark.exhaustive  # takes seconds, with each activation compiled
def test_random_networks_of_every_activation_stay_within_their_arrays():
    check(0, 20, "common_solvers")


@pytest.mark.exhaustive
def test_networks_of_every_solver_stay_within_their_arrays():
    check(1000, 1200, "every_solver")


@pytest.mark.exhaustive
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 CPUs")
@pytest.mark.parametrize(("name", "features"), [("x86-64-v3", ""), ("generic", "")])
def test_networks_stay_within_their_arrays_on_every_path(name, features):
    check(2000, 2200, "common_solvers", NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES=features)
