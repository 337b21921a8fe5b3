"""Each parameter on its own: numbers and flags as plain Python values, and refused if it is nothing it may be."""

import math
from numbers import Integral, Real
from types import SimpleNamespace

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError, validate_parameter_constraints

from ...ops.numbers import Number, shown
from .constraints import PARAMETER_CONSTRAINTS
from .hints import hint


def _names(is_kind):
    return {name for name, allowed in PARAMETER_CONSTRAINTS.items() if any(map(is_kind, allowed))}


FLAGS = _names(lambda one: isinstance(one, str) and one in ("boolean", "verbose"))
REAL_NAMES = _names(lambda one: isinstance(one, Interval) and one.type is Real)
INTEGER_NAMES = _names(lambda one: isinstance(one, Interval) and one.type is Integral)
REAL_NAMES -= INTEGER_NAMES

# Whatever is counted is counted in 64 bits.
INTEGER = Number(-(2**63), 2**63 - 1, integral=True)
REAL = Number()


class Shown:
    """Stands for a value that nothing allows, with a repr that never fails."""

    def __init__(self, value):
        self._value = value

    def __repr__(self):
        return shown(self._value)


def _refuse(estimator, name, value, why="", cause=None):
    """Raise scikit-learn's error for a parameter."""
    allowed = estimator._parameter_constraints
    try:
        validate_parameter_constraints(allowed, {name: Shown(value)}, caller_name=type(estimator).__name__)
    except InvalidParameterError as error:
        raise InvalidParameterError(f"{error}{why}") from cause


def _plain(estimator, name, value):
    """A parameter's value; a number or flag as a plain Python one."""
    if isinstance(value, np.bool_):
        value = bool(value)
    is_number = name in REAL_NAMES or name in INTEGER_NAMES
    if isinstance(value, bool):
        if is_number and name not in FLAGS:
            _refuse(estimator, name, value, " It must be a number, which True and False are not.")
        return value
    if not isinstance(value, Real):
        return value
    is_integer = isinstance(value, Integral) and name not in REAL_NAMES
    number = (INTEGER if is_integer else REAL).plain(value)
    if number is None and value in (math.inf, -math.inf):
        number = float(value)
    if number is None:
        _refuse(estimator, name, value, " A number must be one that 64 bits can hold.")
    return value if number is None else number


def plain_parameters(estimator):
    """The estimator's parameters as attributes, with numbers and flags as plain Python values; never rewritten on it.

    Raises
    ------
    ValueError
        If a number is too large for any use, with the parameter's name.
    """
    parameters = estimator.get_params(deep=False)
    return SimpleNamespace(**{name: _plain(estimator, name, value) for name, value in parameters.items()})


def check_each(estimator):
    """Raise ValueError if a parameter is nothing it may be: scikit-learn's validation, whatever the value is."""
    constraints, caller = estimator._parameter_constraints, type(estimator).__name__
    for name, value in vars(plain_parameters(estimator)).items():
        try:
            validate_parameter_constraints(constraints, {name: value}, caller_name=caller)
        except InvalidParameterError as error:
            raise InvalidParameterError(f"{error}{hint(name, value, constraints[name])}") from None
        except Exception as error:  # of a value that cannot be compared, or printed
            _refuse(estimator, name, value, cause=error)
            raise
