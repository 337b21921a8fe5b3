"""The AVX2 and the plain path, chosen by Numba's own variables, agree with plain NumPy as the host's path does."""

import json
import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import json
import numpy as np
from fastnet.engine import Session, forward
from fastnet.kernels.host import tile
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import Adam

rng = np.random.RandomState(0)
worst = {}
for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
    errors = []
    for units, n in (((5, 7, 3), 9), ((33, 18, 40, 4), 30), ((20, 9), 13)):
        X, y = rng.standard_normal((n, units[0])).astype(dtype), rng.standard_normal((n, units[-1])).astype(dtype)
        coefs = [rng.standard_normal(s) * 0.3 for s in zip(units, units[1:])]
        intercepts = [rng.standard_normal(k) * 0.3 for k in units[1:]]
        architecture = Architecture(units, ACTIVATIONS["tanh"], LOSSES["squared_error"])
        a = [X.astype(float)]
        for W, b in zip(coefs, intercepts):
            z = a[-1] @ W + b
            a.append(np.tanh(z) if len(a) < len(coefs) else z)
        cast = [w.astype(dtype) for w in coefs], [b.astype(dtype) for b in intercepts]
        errors.append(abs(forward(architecture, *cast, X) - a[-1]).max())
        delta = (a[-1] - y) / n
        expected = []
        for i in range(len(coefs) - 1, -1, -1):
            expected[:0] = [a[i].T @ delta]
            delta = delta @ coefs[i].T * (1 - a[i] ** 2)
        with Session(architecture, X, y, dtype=dtype, n_jobs=2) as session:
            session.set_parameters(*cast)
            _, gradients, _ = session.loss_and_gradient()
        errors += [abs(g - e).max() for g, e in zip(gradients, expected)]
        with Session(architecture, X, y, dtype=dtype, optimizer=Adam(), batch_size=4, n_jobs=2) as session:
            session.set_parameters(*cast)
            first = session.run_epoch(np.arange(n), 0.01)
            losses = [session.run_epoch(np.arange(n), 0.01) for _ in range(20)]
            assert losses[-1] < first, (first, losses)
    worst[dtype.name] = float(max(errors))
print(json.dumps({"worst": worst, "tile": [tile(np.dtype(np.float32)).lanes, tile(np.dtype(np.float32)).rows]}))
"""

x86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 CPUs")


@x86
@pytest.mark.parametrize(
    "name, features, tile",
    [
        ("haswell", "+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+avx,+avx2,+fma,+bmi,+bmi2", [8, 4]),
        ("generic", "", [4, 4]),
    ],
    ids=["avx2", "plain"],
)
def test_path_agrees_with_numpy(name, features, tile, tmp_path_factory):
    cache = tmp_path_factory.getbasetemp() / f"cache-{name}"
    environment = {
        **os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(cache)
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=300, check=True
    )
    result = json.loads(done.stdout)
    assert result["tile"] == tile
    assert result["worst"]["float32"] < 2e-5
    assert result["worst"]["float64"] < 1e-13
