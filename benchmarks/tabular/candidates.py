"""Methods that are made up: settings of fastnet's network for tables, a file of them, and presets without a part."""

import hashlib
import json
from pathlib import Path

from .methods import Method, tabular_method


def from_text(text):
    """A method from NAME={"parameter": value, …}, the braces being JSON.

    Returns
    -------
    name : str
    method : Method
    """
    name, separator, settings = text.partition("=")
    try:
        settings = json.loads(settings)
    except json.JSONDecodeError:
        settings = None
    if not name or not separator or not isinstance(settings, dict):
        raise ValueError(f'--settings must be NAME={{"parameter": value}} with JSON in the braces, got {text!r}.')
    return name, tabular_method(name, settings)


def from_file(path):
    """Methods of a Python file that has a dict CANDIDATES.

    Its values are dicts of settings of fastnet's network for tables, or functions of a table, a seed and a number of
    threads that give any estimator; an edit of the file makes the functions' results new ones.
    """
    path = Path(path)
    names = {"__file__": str(path), "__name__": "candidates"}
    exec(compile(path.read_text(), path, "exec"), names)  # not imported: stored bytecode may be older than the file
    candidates = names.get("CANDIDATES")
    if not isinstance(candidates, dict) or not candidates:
        raise ValueError(f"--candidates must name a Python file with a dict CANDIDATES that is not empty: {path}.")
    content = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    methods = {}
    for name, value in candidates.items():
        if isinstance(value, dict):
            methods[name] = tabular_method(name, value)
        elif callable(value):
            settings = {"file": content, "name": name}
            methods[name] = Method(name, value, settings, ("fastnet", "scikit-learn"), "fastnet")
        else:
            raise ValueError(f"CANDIDATES[{name!r}] in {path} must be a dict of settings or a function, got {value!r}.")
    return methods
