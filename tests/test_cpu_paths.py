"""The AVX2 and the plain path pass the tests marked `paths`, which a plain run makes on the host's own path."""

import json
import re

import pytest
from instruction_sets import PATHS, run_on, x86

TILE = """
import json, numpy
from fastnet.kernels.host import tile
print(json.dumps([tile(numpy.dtype("float32")).lanes, tile(numpy.dtype("float32")).rows]))
"""


@x86
@pytest.mark.exhaustive
@pytest.mark.parametrize("path", PATHS)
def test_the_variables_choose_the_path(path):
    assert json.loads(run_on(path, ["-c", TILE])) == PATHS[path][1]


@x86
@pytest.mark.exhaustive
@pytest.mark.parametrize("path", PATHS)
def test_path_passes_the_tests_marked_so(path):
    marked = "paths and not oracle and not wheel"
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-m", marked, "tests"]
    output = run_on(path, ["-m", "pytest", *options])
    assert int(re.search(r"(\d+) passed", output)[1]) > 100, output
