"""What every entry of the vocabulary is: a frozen value with a name, checked parameters and plain functions.

Activations, losses, optimizers, schedules and initialisers are such values. Their parameters are fields of a frozen
dataclass; `number`, `flag`, `choice`, `increasing` and `one_of` declare a field together with what it may be, and
construction checks it.
`resolve` turns what a user gives for a parameter, a name or an object, into the object.
"""

import inspect
import math
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np

from .allowed import Choice, Increasing, OneOf
from .numbers import Number, shown
from .suggestions import suggested_name


def number(default, low=-math.inf, high=math.inf, *, closed="both", integral=False):
    """A field that holds a finite number from ``low`` to ``high``.

    Parameters
    ----------
    default : float
        Its default.
    low, high : float, default=-inf, inf
        Ends of the interval.
    closed : {'both', 'left', 'right', 'neither'}, default='both'
        The ends that belong to it.
    integral : bool, default=False
        Whether only integers will do.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from fastnet.activations import LeakyReLU
    >>> from fastnet.formulas import number
    >>> @dataclass(frozen=True)
    ... class Leaky(LeakyReLU):
    ...     slope: float = number(0.1, 0.0)
    >>> Leaky(0.2)
    Leaky(slope=0.2)
    >>> Leaky(-1)
    Traceback (most recent call last):
    ValueError: The 'slope' parameter of Leaky must be a number in the range [0.0, inf). Got -1 instead.
    """
    return field(default=default, metadata={"allowed": Number(low, high, closed, integral)})


def flag(default):
    """A field that holds True or False."""
    return choice(default, True, False)


def choice(default, *options):
    """A field that holds one of ``options``."""
    return field(default=default, metadata={"allowed": Choice(options)})


def increasing(default, low=-math.inf, high=math.inf, *, closed="both"):
    """A field that holds a tuple of numbers from ``low`` to ``high``, each above the one before; see `number`."""
    return field(default=default, metadata={"allowed": Increasing(Number(low, high, closed))})


def one_of(default, registry, base, fits, description):
    """A field that holds another object of the vocabulary, given by its name or as an object.

    Parameters
    ----------
    default : object
        Its default.
    registry : dict
        Names to objects.
    base : type
        Base class of the family.
    fits : callable
        ``fits(op)``: whether one of the family will do.
    description : str
        Which ones do, for the message.
    """
    return field(default=default, metadata={"allowed": OneOf(registry, base, fits, description)})


@dataclass(frozen=True)
class Value:
    """Base of everything that has a name: values that compare, hash, pickle and print as written.

    Numbers that are given become plain Python ones, so that all that is computed from them is in double precision.
    Subclasses are decorated with ``@dataclass(frozen=True)``, and every parameter has a default.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__repr__" not in vars(cls):
            cls.__repr__ = Value.__repr__  # in the class itself, where `dataclass` leaves it alone

    def __post_init__(self):
        cls = type(self)
        declared = {f.name: f for f in fields(self)}
        for name, annotation in inspect.get_annotations(cls).items():
            if name not in declared and "ClassVar" not in str(annotation):
                raise TypeError(
                    f"{name!r} is no parameter of {cls.__name__} yet: decorate it with @dataclass(frozen=True)."
                )
        for name, f in declared.items():
            value, allowed = getattr(self, name), f.metadata.get("allowed")
            if allowed is None:
                continue
            if not allowed.allows(value):
                raise ValueError(
                    f"The {name!r} parameter of {cls.__name__} must be {allowed}. Got {shown(value)} instead."
                )
            object.__setattr__(self, name, allowed.plain(value))

    def __repr__(self):
        changed = []
        for f in fields(self):
            value = getattr(self, f.name)
            if type(value) is not type(f.default) or value != f.default:
                changed.append(f"{f.name}={value!r}")
        return f"{type(self).__name__}({', '.join(changed)})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters of the object.

        Parameters
        ----------
        deep : bool, default=True
            Without effect: parameters of these objects have none themselves.

        Returns
        -------
        dict
            Name to value.
        """
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def check_dtype(self, dtype: np.dtype) -> None:
        """Raise ValueError if a parameter is lost in the type that formulas read it in.

        Parameters
        ----------
        dtype : numpy.dtype
            That type.
        """
        for name, value, allowed in self._numbers():
            lost = too_large_or_small(value, dtype)
            if lost is None and not allowed.allows(float(dtype.type(value))):
                lost = "too near to an end of its range"
            if lost is not None:
                raise ValueError(lost_number(f"{name}={value!r} of {type(self).__name__}", lost, dtype))

    def _numbers(self):
        """(name, value, allowed) of all parameters that are numbers."""
        for f in fields(self):
            value, allowed = getattr(self, f.name), f.metadata.get("allowed", Number())
            if isinstance(allowed, Increasing):
                yield from ((f.name, one, allowed.each) for one in value)
            elif isinstance(value, Real) and not isinstance(value, bool):
                yield f.name, float(value), allowed

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """The object that a name stands for: default parameters, but for those that the estimator has itself."""
        return cls()


@dataclass(frozen=True)
class Op(Value):
    """Base of activations, losses and optimizers: values with plain scalar functions.

    An op never holds an address: machine code is found again from the op's formulas and the dtype.

    Attributes
    ----------
    formulas : tuple of str
        Names of the functions that the op must have.
    """

    formulas: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self):
        super().__post_init__()
        missing = [name for name in self.formulas if not callable(getattr(self, name, None))]
        if missing:
            raise TypeError(f"{type(self).__name__} has no {' and no '.join(missing)}: write it as a static method.")
        try:
            n_values = len(self.values)
        except (OverflowError, TypeError, ValueError) as error:
            raise ValueError(
                f"Parameters of {type(self).__name__} must be numbers, which its formulas get: declare each with "
                f"number or flag of fastnet.formulas. One cannot become a float: {error}."
            ) from error
        if n_values > 4:
            raise TypeError(f"{type(self).__name__} has {n_values} parameters: at most 4 reach its formulas.")

    @property
    def values(self) -> tuple[float, ...]:
        """The parameters as a tuple of floats, in the order of the fields."""
        return tuple(float(v) for v in self.get_params().values())


def too_large_or_small(value, dtype, margin=1.0):
    """Why ``dtype`` cannot hold a number, or None; ``margin`` is what a small one must leave to the least of all."""
    info = np.finfo(dtype)
    if abs(value) > float(info.max):
        return "too large"
    # Below the normal numbers digits are lost, then all of it.
    return "too small" if 0 < abs(value) < margin * float(info.tiny) else None


def lost_number(what, lost, dtype):
    """The message of a number that the type of the computation cannot hold."""
    other = {"too large": "a smaller", "too small": "a larger"}.get(lost, "another")
    larger = ", or set dtype='float64'" if dtype == np.float32 else ""
    return f"{what} is {lost} for {dtype}, the type of the computation: give {other} number{larger}."


@contextmanager
def held_by(parameter):
    """Around checks of an object: a refusal begins with the estimator's parameter that holds it."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{parameter}: {error}") from None


def register(registry, name):
    """Class decorator: enter an instance with default parameters into ``registry`` under ``name``."""

    def enter(cls):
        registry[name] = cls()
        return cls

    return enter


def publish(module: str, registry: dict[str, Any], *others: type) -> dict[str, type]:
    """Let the classes of a registry, and others, belong to their public module: pickles outlive moves of the sources.

    Parameters
    ----------
    module : str
        Name of the module, such as 'fastnet.activations'.
    registry : dict
        Names to objects of the classes.
    *others : type
        Base class, and classes that no name stands for.

    Returns
    -------
    dict
        The classes by their names.
    """
    classes = {cls.__name__: cls for cls in (*others, *map(type, registry.values()))}
    for cls in classes.values():
        cls.__module__ = module
    return classes


def resolve(parameter, value, registry, base, estimator=None):
    """The object that a parameter's value names or is.

    Parameters
    ----------
    parameter : str
        The parameter's name, for the message.
    value : str or object
        A key of ``registry``, or an instance of ``base``.
    registry : dict
        Names to objects with default parameters.
    base : type
        Base class of the family.
    estimator : object, default=None
        Whose own parameters a name takes (`Value.of`). An object carries its own.

    Returns
    -------
    object
        An instance of ``base``.

    Raises
    ------
    ValueError
        If it is neither, with the names there are.

    Examples
    --------
    >>> from fastnet.ops.activations import ACTIVATIONS, Activation, Tanh
    >>> resolve("activation", "relu", ACTIVATIONS, Activation), resolve("activation", Tanh(), ACTIVATIONS, Activation)
    (ReLU(), Tanh())
    """
    if isinstance(value, base):
        return value
    if isinstance(value, str) and value in registry:
        return registry[value] if estimator is None else type(registry[value]).of(estimator)
    names = ", ".join(map(repr, sorted(registry)))
    raise ValueError(
        f"The {parameter!r} parameter must be one of {names}, or an instance of {base.__name__}. "
        f"Got {shown(value)} instead.{suggested_name(parameter, value, registry, base)}"
    )
