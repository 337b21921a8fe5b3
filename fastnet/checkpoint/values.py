"""Values of parameters as plain data and back: numbers, names, and objects of fastnet's own vocabulary.

An object is written as its public name and its fields. Only such names are looked up again, so that a file can make no
other object.
"""

from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path

import numpy as np

from ..training.trainer import generator_from

_VOCABULARY = ("activations", "callbacks", "initializers", "losses", "optimizers", "schedules")


class Missing:
    """What a file cannot hold: an object of the user's own.

    Parameters
    ----------
    kind : str
        Where its class, or the function, is from.
    """

    def __init__(self, kind):
        self.kind = kind


@cache
def _classes():
    """The objects that a file can name, by their public names."""
    modules = [import_module(f"fastnet.{name}") for name in _VOCABULARY]
    public = [getattr(module, name) for module in modules for name in module.__all__]
    public.append(import_module("fastnet").Checkpoint)
    return {_name_of(cls): cls for cls in public if is_dataclass(cls)}


def _name_of(thing):
    return f"{thing.__module__}.{getattr(thing, '__qualname__', type(thing).__qualname__)}"


def encode(value):
    """A value as plain data: numbers, strings, None and arrays, all else as a dict of its kind and contents."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufU":
        return value
    if type(value) in (list, tuple):
        return {"kind": type(value).__name__, "items": [encode(item) for item in value]}
    if type(value) is dict:
        return {"kind": "dict", "items": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, PathLike) and isinstance(fspath(value), str):
        return {"kind": "path", "items": fspath(value)}
    if isinstance(value, np.random.RandomState):
        return {"kind": "random state", "items": encode(value.get_state(legacy=False))}
    if _classes().get(_name_of(type(value))) is type(value):
        given = {field.name: encode(getattr(value, field.name)) for field in fields(value) if field.init}
        return {"kind": _name_of(type(value)), "items": given}
    named = value if callable(value) and hasattr(value, "__name__") else type(value)
    return {"kind": "missing", "items": _name_of(named)}


def decode(plain):
    """The value again; a `Missing` for what could not be held, also within others."""
    if not isinstance(plain, dict):
        return plain
    kind, items = plain["kind"], plain["items"]
    if kind in ("list", "tuple"):
        return {"list": list, "tuple": tuple}[kind](map(decode, items))
    if kind == "dict":
        return {decode(key): decode(item) for key, item in items}
    if kind == "path":
        return Path(items)
    if kind == "random state":
        return generator_from(decode(items))
    if kind == "missing":
        return Missing(items)
    if kind not in _classes():
        raise ValueError(
            f"the checkpoint has a {kind}, which this version of fastnet does not know: resume with the version that "
            "wrote it."
        )
    return _classes()[kind](**{name: decode(item) for name, item in items.items()})


def missing_in(plain):
    """Names of what could not be held, wherever it is in encoded data."""
    if not isinstance(plain, dict):
        return []
    items = plain["items"]
    if plain["kind"] == "missing":
        return [items]
    parts = sum(items, []) if plain["kind"] == "dict" else items.values() if isinstance(items, dict) else items
    return [] if isinstance(parts, str) else [name for part in parts for name in missing_in(part)]


def are_same(one, other):
    """Whether two encoded values ask for the same: lists are as good as tuples, generators as each other."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return type(one) is type(other) and np.array_equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        kinds = {one.get("kind"), other.get("kind")} if "kind" in one else None
        if kinds == {"random state"}:  # it has gone on since
            return True
        if kinds is not None and len(kinds - {"list"} | ({"tuple"} if "list" in kinds else set())) > 1:
            return False
        if kinds is not None:
            return are_same(one["items"], other["items"])
        return one.keys() == other.keys() and all(are_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(are_same, one, other))
    return one == other or (one != one and other != other)


def shown(plain):
    """An encoded value as a message shows it."""
    value = decode(plain)
    return f"an object of {value.kind}" if isinstance(value, Missing) else repr(value)
