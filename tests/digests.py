"""Stores what the configurations learn on the forced paths: ``python tests/digests.py`` adds the Numba in use.

Bits change with the code, or with the compiler: of a change that is meant, run it again and look at what has changed.
"""

import json
import sys
from pathlib import Path

import numba
from configurations import configurations, uses_blas
from instruction_sets import PATHS, run_on

STORED = Path(__file__).parent / "data" / "digests.json"
COMMAND = "python tests/digests.py"


def learnt(path):
    """Digests of what is learnt on a path, but for what BLAS or LAPACK, which the machine chooses, has a part in."""
    found = json.loads(run_on(path, ["tests/configurations.py"], PYTHONPATH="."))
    return {name: found[name] for name, (net, *_) in configurations().items() if not uses_blas(net)}


def stored():
    """Of each path and release of Numba the digests of each configuration."""
    return json.loads(STORED.read_text())


def main():
    found = stored() if STORED.exists() else {path: {} for path in PATHS}
    for path in PATHS:
        found[path][numba.__version__] = learnt(path)
    STORED.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
