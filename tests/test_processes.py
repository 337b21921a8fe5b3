"""What one process compiles, another loads from the cache on disk: the bits are the same."""

import os
import subprocess
import sys

SCRIPT = """
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


def fit(cache, *cases):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *cases], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


def test_what_several_processes_compiled_works_together_with_the_same_bits(tmp_path):
    # Numba numbers functions anew in each process: names of machine code made in different processes can
    # be the same, and then one function would be taken for another
    cases = ["float32-tanh", "float64-tanh", "float64-logistic"]
    compiled = {}
    for case in cases:
        compiled |= fit(tmp_path, case)
    assert fit(tmp_path, *cases) == compiled
    assert fit(tmp_path, *reversed(cases)) == compiled
