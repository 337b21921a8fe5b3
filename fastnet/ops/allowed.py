"""What a parameter may be, besides a number: each says whether a value is allowed, and gives it as a plain one."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .numbers import Number


@dataclass(frozen=True)
class Choice:
    """One of some values, told apart by type too: True is not 1."""

    options: tuple

    def allows(self, value):
        """Whether the value is one."""
        value = self.plain(value)
        return any(type(value) is type(option) and value == option for option in self.options)

    def plain(self, value):
        """The value as a plain Python one."""
        return value.item() if isinstance(value, np.generic) else value

    def __str__(self):
        return "one of " + ", ".join(map(repr, self.options))


@dataclass(frozen=True)
class Increasing:
    """A tuple of such numbers, each above the one before."""

    each: Number

    def plain(self, value):
        """The values as a tuple of plain numbers; None if they are not allowed."""
        if not isinstance(value, (list, tuple, np.ndarray)) or isinstance(value, np.ndarray) and value.ndim != 1:
            return None
        numbers = tuple(map(self.each.plain, value))
        if not numbers or None in numbers or any(b <= a for a, b in pairwise(numbers)):
            return None
        # What is plain already stays the very same: scikit-learn's `clone` looks.
        return value if type(value) is tuple and all(type(v) is float for v in value) else numbers

    def allows(self, value):
        """Whether they are."""
        return self.plain(value) is not None

    def __str__(self):
        return f"a tuple of increasing numbers, each {self.each}"


@dataclass(frozen=True)
class OneOf:
    """An object of a family, given by its name or as an object, if it fits."""

    registry: dict
    base: type
    fits: Callable
    description: str

    def allows(self, value):
        """Whether the value is one."""
        op = self.plain(value)
        return isinstance(op, self.base) and self.fits(op)

    def plain(self, value):
        """The value as an object."""
        return self.registry.get(value, value) if isinstance(value, str) else value

    def __str__(self):
        names = ", ".join(sorted(repr(name) for name in self.registry if self.allows(name)))
        return f"{self.description}: one of {names}, or such an object"
