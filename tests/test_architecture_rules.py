"""The house: ten floors, imports go down only, and the front door loads nothing."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import fastnet

PACKAGE = Path(fastnet.__file__).parent
FLOORS = [
    "kernels", "ops", "network", "engine", "training", "diagnosis", "estimators", "checkpoint", "tabular", "inspection"
]  # fmt: skip
MODULES = sorted(path for floor in FLOORS for path in (PACKAGE / floor).rglob("*.py"))


def imported_modules(path):
    """Absolute names of everything a module imports from this package, at any depth of its code."""
    package = ["fastnet", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *([node.module] if node.module else [])]
            # `from fastnet import engine` imports fastnet.engine
            names = [".".join([*module, alias.name]) for alias in node.names]
        else:
            continue
        yield from (name.split(".") for name in names if name.split(".")[0] == "fastnet")


def test_the_floors_exist():
    for floor in FLOORS:
        assert (PACKAGE / floor / "__init__.py").exists(), floor


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    own = FLOORS.index(path.relative_to(PACKAGE).parts[0])
    for name in imported_modules(path):
        # a floor reaches others by their names: not the front door, not what stands beside the house
        if len(name) > 1 and name[1] == "version":
            continue
        assert len(name) > 1 and name[1] in FLOORS, ".".join(name)
        assert FLOORS.index(name[1]) <= own, f"{'.'.join(name)} is above"


def rooms_of(folder):
    """The folder's files and folders, each with those of its neighbours that it imports."""
    rooms = {}
    prefix = ["fastnet", *folder.relative_to(PACKAGE).parts]
    for path in sorted(folder.rglob("*.py")):
        room = path.relative_to(folder).parts[0].removesuffix(".py")
        for name in imported_modules(path):
            if name[: len(prefix)] == prefix and len(name) > len(prefix) and room != "__init__":
                rooms.setdefault(room, set()).add(name[len(prefix)])
    return rooms


@pytest.mark.parametrize(
    "folder",
    sorted(path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE),
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_no_circle_of_imports(folder):
    rooms = rooms_of(folder)
    for room, neighbours in rooms.items():
        neighbours.discard(room)
    try:
        list(TopologicalSorter(rooms).static_order())
    except CycleError as error:
        pytest.fail(str(error))


@pytest.mark.parametrize("floor", FLOORS[:4])
def test_the_lower_floors_do_not_know_scikit_learn(floor):
    for path in (PACKAGE / floor).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("sklearn") for alias in node.names), path
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("sklearn"), path


NO_COMPILER = """
import sys, fastnet
print("fastnet", *{"numba", "llvmlite"} & set(sys.modules))
import fastnet.activations, fastnet.formulas, fastnet.initializers, fastnet.losses
import fastnet.optimizers, fastnet.schedules
print("vocabulary", *{"numba", "llvmlite"} & set(sys.modules))
fastnet.MLPClassifier(), fastnet.MLPRegressor()
print("constructed", *{"numba", "llvmlite"} & set(sys.modules))
"""


def test_importing_and_constructing_load_no_compiler():
    done = subprocess.run([sys.executable, "-c", NO_COMPILER], capture_output=True, text=True, timeout=280)
    assert done.stdout.splitlines() == ["fastnet", "vocabulary", "constructed"], done.stderr


def test_the_front_door_names_what_it_offers():
    for name in ["MLPClassifier", "MLPRegressor", "TabularMLPClassifier", "inspect"]:
        assert name in fastnet.__all__
        assert name in dir(fastnet)
        assert callable(getattr(fastnet, name))
    assert isinstance(fastnet.__version__, str)
