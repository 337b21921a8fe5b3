"""What small fits of every option learn is bit for bit what was stored, on the paths that every x86 machine can run."""

import numba
import pytest
from digests import COMMAND, STORED, learnt, stored
from instruction_sets import PATHS, x86


@x86
@pytest.mark.exhaustive
@pytest.mark.parametrize("path", PATHS)
def test_fits_learn_the_bits_that_were_stored(path):
    expected = stored()[path].get(numba.__version__)
    if expected is None:
        pytest.fail(f"{STORED} knows no Numba {numba.__version__}: `{COMMAND}` adds it. Compare it with the others.")
    found = learnt(path)
    changed = [name for name in expected if found.get(name) != expected[name]]
    assert not changed, f"if that is meant: `{COMMAND}`"
    assert set(found) == set(expected), f"`{COMMAND}` stores new configurations"
