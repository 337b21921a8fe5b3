"""What one process compiles, another loads from the cache on disk: the bits are the same."""

import os
import subprocess
import sys

import pytest

FITS = """
import sys, warnings
warnings.simplefilter("ignore")
import numpy as np
import fastnet
rng = np.random.default_rng(0)
X = rng.normal(size=(150, 10))
y = rng.integers(0, 3, 150)
for case in sys.argv[1:]:
    dtype, activation = case.split("-")
    model = fastnet.MLPClassifier(20, activation, dtype=dtype, max_iter=5, random_state=0).fit(X, y)
    print(case, np.concatenate([p.ravel() for p in model.coefs_ + model.intercepts_]).tobytes().hex())
"""

ACTIVATIONS = """
import sys
import numpy as np
from fastnet.ops.compiled import rows
from fastnet.ops.compiled.signatures import ACTIVATE
from fastnet.ops.activations import ACTIVATIONS
for case in sys.argv[1:]:
    dtype, activation = case.split("-")
    op, a = ACTIVATIONS[activation], np.linspace(-2, 2, 37).astype(dtype)
    kernel = ACTIVATE.function(rows.activate(op, a.dtype), a.dtype)
    kernel(a.ctypes.data, a.ctypes.data, a.size, rows.parameter_array(op, a.dtype).ctypes.data, 0)
    print(case, a.tobytes().hex())
"""


def run(script, cache, *cases):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONHASHSEED": "0"}
    done = subprocess.run([sys.executable, "-c", script, *cases], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.exhaustive  # in a plain run the two processes of test_cache.py share what each has compiled
@pytest.mark.parametrize(
    ("script", "cases"),
    [(ACTIVATIONS, ["float64-tanh", "float64-logistic"]),
     (FITS, ["float32-tanh", "float64-tanh", "float64-logistic"])],
    ids=["activations", "fits"],
)  # fmt: skip
def test_what_several_processes_compiled_works_together_with_the_same_bits(script, cases, tmp_path):
    # Numba numbers functions anew in each process: names of machine code made in different processes can
    # be the same, and then one function would be taken for another
    compiled = {}
    for case in cases:
        compiled |= run(script, tmp_path, case)
    assert run(script, tmp_path, *reversed(cases)) == compiled
