"""The wheel with machine code, installed in an environment of its own: it compiles nothing and changes no bit.

``FASTNET_WHEEL`` names the wheel, which takes minutes to build; the environment is made anew.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from instruction_sets import PATHS, x86

from fastnet.kernels.host import target

pytestmark = [
    pytest.mark.wheel,
    pytest.mark.skipif(sys.platform != "linux", reason="machine code is put into wheels on Linux"),
    pytest.mark.skipif(target().level is None, reason="this machine reaches no level"),
]
ROOT = Path(__file__).parent.parent
# Root may write everywhere, but not without these.
WITHOUT_POWER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
VARIABLES = ("PYTHONPATH", "NUMBA_CACHE_DIR", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "FASTNET_PREBUILT")

# In front of a script: from here on nothing can be compiled.
NO_COMPILER = "import sys; sys.modules['numba'] = sys.modules['llvmlite'] = None\n"
FIT = """
import json, sys, time, warnings
import numpy as np
import fastnet
from fastnet import MLPClassifier, MLPRegressor
warnings.simplefilter("ignore")
rng = np.random.RandomState(0)
X, y = rng.standard_normal((1000, 20)), rng.randint(3, size=1000)
start = time.perf_counter()
net = MLPClassifier(max_iter=3, random_state=0).fit(X, y)
seconds = time.perf_counter() - start
net.predict(X), net.predict(X[:1])
MLPRegressor(solver="lbfgs", max_iter=3, dtype="float64").fit(X, y).predict(X)
print(json.dumps({"seconds": seconds, "bits": [c.tobytes().hex()[:64] for c in net.coefs_], "from": fastnet.__file__,
                  "numba": "numba" in sys.modules and sys.modules["numba"] is not None}))
"""


@pytest.fixture(scope="module")
def wheel():
    """The wheel."""
    if "FASTNET_WHEEL" not in os.environ:
        pytest.fail("HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 pip wheel . --no-deps builds a wheel: FASTNET_WHEEL must name it")
    return Path(os.environ["FASTNET_WHEEL"]).resolve()


@pytest.fixture(scope="module")
def installation(wheel, tmp_path_factory):
    """An environment with the wheel and what it needs: its Python and its site-packages."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    # The release of Numba that the wheel was built with: another one would compile.
    with zipfile.ZipFile(wheel) as file:
        numba = json.loads(file.read("fastnet/prebuilt/table.json"))["made_from"]["numba"]
    run(python, "-m", "pip", "install", "-q", wheel, f"numba=={numba}")
    (packages,) = (folder / "lib").glob("python*/site-packages")
    return python, packages


def run(*command, ok=True, **variables):
    """Standard output of a command in a clean environment, away from the sources."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES} | variables
    done = subprocess.run(
        [str(part) for part in command], env={k: v for k, v in environment.items() if v is not None}, cwd="/",
        capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    assert (done.returncode == 0) == ok, done.stdout[-3000:] + done.stderr[-5000:]
    return done.stdout


def learnt(python, code, **variables):
    """What a script prints last, as JSON."""
    return json.loads(run(python, "-c", code, **variables).splitlines()[-1])


def test_the_tag_of_the_wheel_says_what_is_in_it(wheel):
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    assert re.fullmatch(rf"fastnet-.*-{python}-none-manylinux_2_\d+_\w+\.whl", wheel.name)
    assert wheel.stat().st_size < 10_000_000


def test_a_first_fit_compiles_nothing_and_imports_no_compiler(installation):
    python, packages = installation
    result = learnt(python, NO_COMPILER + FIT)
    print(f"first fit: {result['seconds']:.3f} s")
    assert Path(result["from"]).parent == packages / "fastnet"
    assert not result["numba"]
    assert result["bits"] == learnt(python, FIT, FASTNET_PREBUILT="0", NUMBA_CACHE_DIR=None)["bits"]


@pytest.fixture
def read_only(installation):
    """The installed package, for nobody to write."""
    package = installation[1] / "fastnet"
    folders = [package, *(path for path in package.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield
    for folder in folders:
        folder.chmod(0o755)


def test_a_fit_needs_no_home_and_nothing_that_can_be_written(installation, read_only):
    python, _ = installation
    command = [*WITHOUT_POWER, python, "-B", "-c"]
    where = "from fastnet.kernels.compiling.cache import cache_directory; print(cache_directory())"
    nowhere = {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": None}
    assert run(*command, where, **nowhere) == "None\n"  # a cache would find no place
    for home in (nowhere, {"HOME": None, "XDG_CACHE_HOME": None}):
        assert not json.loads(run(*command, NO_COMPILER + FIT, **home))["numba"]


LEVELS = [{}, *([PATHS["avx2"][0]] if target().level == "x86-64-v4" else [])]


@pytest.mark.parametrize("variables", LEVELS, ids=["own level", "x86-64-v3"][: len(LEVELS)])
def test_every_option_of_the_trainer_has_the_bits_of_compiled_code(installation, tmp_path, variables):
    python, _ = installation
    script = f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
    code = "import json\nfrom configurations import digests\nprint(json.dumps(digests()))"
    # `configurations` imports nothing that compiles, but Numba is there to be asked for: its absence would be noticed.
    prebuilt = learnt(python, NO_COMPILER + script + code, **variables)
    compiled = learnt(python, script + code, FASTNET_PREBUILT="0", NUMBA_CACHE_DIR=str(tmp_path), **variables)
    assert len(prebuilt) > 50
    assert {name for name in compiled if compiled[name] != prebuilt[name]} == set()


def test_a_users_own_op_is_compiled_beside_what_is_there(installation, tmp_path):
    python, _ = installation
    (tmp_path / "own.py").write_text(
        "from fastnet.activations import Activation\n"
        "class Own(Activation):\n"
        "    derivative_of = 'output'\n"
        "    @staticmethod\n"
        "    def function(z, parameters):\n        return 0.5 * z if z < 0.0 else z\n"
        "    @staticmethod\n"
        "    def derivative(a, parameters):\n        return 0.5 if a < 0.0 else 1.0\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import json, own, numpy as np, warnings; warnings.simplefilter('ignore')\n"
        "from fastnet import MLPRegressor\nfrom fastnet.activations import LeakyReLU\n"
        "X = np.random.RandomState(0).standard_normal((50, 3))\n"
        "nets = [MLPRegressor(hidden_layer_sizes=(9,), activation=op, max_iter=3, random_state=0).fit(X, X[:, 0])\n"
        "        for op in (own.Own(), LeakyReLU(0.5))]\n"
        "from fastnet.kernels.compiling.jit import compiled_keys\n"
        "print(json.dumps([sorted(key[0] for key in compiled_keys()),\n"
        "                  float(abs(nets[0].coefs_[0] - nets[1].coefs_[0]).max())]))"
    )
    compiled, distance = learnt(python, code, NUMBA_CACHE_DIR=str(tmp_path))
    assert compiled == ["activate", "derive"]
    assert distance < 1e-5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("sources", "not used: made from other sources"),
        ("numba", "not used: made from other numba 0.1.0"),
        ("cpu", "not used: generic is none of the levels"),
        ("library", f"not used: {target().level}.so is damaged"),
    ],
)
def test_what_does_not_fit_is_compiled_without_a_word(installation, tmp_path, change, said):
    python, packages = installation
    package = shutil.copytree(packages / "fastnet", tmp_path / "fastnet")
    variables = PATHS["plain"][0] if change == "cpu" else {}
    if change == "sources":
        with (package / "ops" / "activations" / "classic.py").open("a") as file:
            file.write("# edited\n")
    elif change == "numba":
        table = package / "prebuilt" / "table.json"
        content = json.loads(table.read_text())
        content["made_from"]["numba"] = "0.1.0"
        table.write_text(json.dumps(content))
    elif change == "library":
        for library in (package / "prebuilt").glob("*.so"):
            library.write_bytes(library.read_bytes()[:1000])
    code = (
        "import warnings; warnings.simplefilter('error'); import numpy as np\n"
        "from fastnet.activations import Tanh\nfrom fastnet.ops.compiled import rows\n"
        "from fastnet.kernels.compiling import jit, prebuilt\n"
        "rows.activate(Tanh(), np.dtype('float32'))\n"
        "print(prebuilt.status()); print(len(jit.compiled_keys()), prebuilt.used_keys())"
    )
    output = run(python, "-c", code, PYTHONPATH=str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path / "cache"), **variables)
    assert output.startswith(said)
    assert output.splitlines()[-1] == "1 frozenset()"


@x86
def test_both_levels_are_there(installation):
    _, packages = installation
    names = {path.name for path in (packages / "fastnet" / "prebuilt").iterdir()}
    assert names == {"x86-64-v3.so", "x86-64-v4.so", "table.json"}
