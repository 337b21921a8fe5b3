"""Which units of a hidden layer are dead or saturated, told from what they read."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..network.layers import SLOPE

# A derivative below this share of the largest one is as good as none.
_FLAT = 0.01
# Where the largest derivative of an activation is looked for.
_Z = np.linspace(-4.0, 4.0, 64)


class UnitStates(NamedTuple):
    """What the units of a layer are like, each an array of bool of shape (n_units,).

    Attributes
    ----------
    dead : ndarray
        Whether the activation has the derivative 0 for every row, so that nothing is learnt through the unit.
    saturated : ndarray
        Whether, of a unit that is not dead, the derivative is for more than half of the rows below 1 % of the largest
        that the activation has, though the unit is not off, at 0.
    off : ndarray
        Whether the activation gives 0 for every row.
    """

    dead: np.ndarray
    saturated: np.ndarray
    off: np.ndarray


def learnt_by_units(architecture, vectors):
    """What the units of each layer that has such a parameter have learnt, a dict by the layer's number."""
    places = zip(architecture.vectors(), vectors, strict=True)
    return {layer: vector for (name, layer), vector in places if name == SLOPE.name}


def unit_states(activation, z, learnt=None):
    """Tell which units are dead, saturated or off.

    Parameters
    ----------
    activation : Activation
        Of the layer.
    z : ndarray of shape (n_rows, n_units)
        What it reads, float32 or float64.
    learnt : ndarray of shape (n_units,), default=None
        What each unit has learnt, of an activation with a parameter of each unit; of the same dtype.

    Returns
    -------
    UnitStates
    """
    from ..engine import activations_and_derivatives  # only here: the engine brings Numba along

    values, derivatives = activations_and_derivatives(activation, z, learnt)
    slopes, is_off = np.abs(derivatives), values == 0
    largest = _largest_derivatives(activation, z.dtype, None if learnt is None else tuple(learnt.tolist()))
    dead = (slopes == 0).all(axis=0)
    is_flat = ((slopes < _FLAT * largest) & ~is_off).mean(axis=0) > 0.5
    return UnitStates(dead, is_flat & ~dead, is_off.all(axis=0))


@lru_cache(64)
def _largest_derivatives(activation, dtype, learnt):
    """The largest size of an activation's derivative: one number, or one of each unit that has learnt a parameter."""
    from ..engine import activations_and_derivatives

    grid = np.repeat(_Z[:, None], 1 if learnt is None else len(learnt), axis=1).astype(dtype)
    learnt = None if learnt is None else np.array(learnt, dtype)
    return np.abs(activations_and_derivatives(activation, grid, learnt)[1]).max(axis=0)
