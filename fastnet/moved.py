"""Where modules that pickles of earlier versions name are now: one table instead of stub modules.

Public classes are pickled under their public module, and private state as plain data, so that nothing new need be
entered when sources move.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

MOVED = {
    "fastnet.estimators.columns": "fastnet.estimators.targets.columns",
    "fastnet.ops.loss": "fastnet.ops.losses.base",
    "fastnet.ops.losses_classification": "fastnet.ops.losses.classification",
    "fastnet.ops.losses_columns": "fastnet.ops.losses.columns",
    "fastnet.ops.losses_regression": "fastnet.ops.losses.regression",
    "fastnet.training.state": "fastnet.training.optimizer_state",
}


class _Alias(Loader):
    """Lets an old name stand for the module of the new one."""

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = import_module(MOVED[module.__name__])


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, _Alias()) if fullname in MOVED else None


def find_moved_modules() -> None:
    """From now on imports of modules by their old names find them; what is there is found first."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
