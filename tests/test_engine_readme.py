"""The README of the engine says which file is which step: it names all files and records there are, and no others."""

import re
from pathlib import Path

from fastnet.engine.memory import records

PACKAGE = Path(__file__).parents[1] / "fastnet"
TEXT = (PACKAGE / "engine" / "README.md").read_text(encoding="utf-8")


def test_it_names_the_files_that_there_are():
    engine = PACKAGE / "engine"
    files = {path.relative_to(engine).as_posix() for path in engine.rglob("*.py") if path.name != "__init__.py"}
    named = set(re.findall(r"[a-z_/]+\.py", TEXT))
    assert files <= named
    assert all((engine / name).exists() or (PACKAGE / name).exists() for name in named)


def test_it_names_the_records_and_their_writers():
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|.*\| (.*) \|$", TEXT, re.MULTILINE))
    assert set(rows) == {name for name, kind in vars(records).items() if hasattr(kind, "fields") and kind.fields}
