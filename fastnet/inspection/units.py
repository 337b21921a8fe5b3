"""Which units are dead or saturated, told from z and the activation's own formulas."""

from typing import Any, NamedTuple

import numpy as np

from ..ops.activations import Activation

# A unit is flat at a sample where its slope is below this part of the activation's steepest.
FLAT = 0.01
# It is saturated if it is flat, and not off, at more than this share of the samples.
MOSTLY = 0.5
# The formulas are plain Python: they fill a table, which is read between its entries.
_ENTRIES = 4001


class UnitStates(NamedTuple):
    """What a layer's units are, each an array of bool of shape (n_units,).

    ``dead`` units have slope 0 at every sample: no sample moves their weights. ``saturated`` ones are flat at most
    samples, with an output that is not 0.
    """

    dead: np.ndarray
    saturated: np.ndarray


def unit_states(
    activation: Activation, z: np.ndarray, slopes: np.ndarray | None = None, outputs: np.ndarray | None = None
) -> UnitStates:
    """Tell which units are dead or saturated.

    Parameters
    ----------
    activation : Activation
        Of the layer.
    z : ndarray of shape (n_samples, n_units)
        What it reads.
    slopes : ndarray of shape (n_units,), default=None
        The parameter that each unit has learnt, of an activation with one.
    outputs : ndarray of shape (n_samples, n_units), default=None
        What the activation gives, in the precision of the computation, in which small numbers may be 0. None computes
        it.

    Returns
    -------
    UnitStates
    """
    z = np.asarray(z, dtype=float)
    reach = np.abs(z[np.isfinite(z)]).max(initial=10.0)
    # Dense around 0, where activations bend.
    grid = np.sign(np.linspace(-1, 1, _ENTRIES)) * np.linspace(-1, 1, _ENTRIES) ** 2 * reach
    if slopes is None:
        still, flat, computed = _at_each(activation, activation.values, grid, z)
    else:
        columns = [
            _at_each(activation, (float(slope), *activation.values[1:]), grid, z[:, unit : unit + 1])
            for unit, slope in enumerate(slopes)
        ]
        still, flat, computed = (np.hstack(parts) for parts in zip(*columns, strict=True))
    flat &= (computed if outputs is None else outputs) != 0
    dead = still.all(axis=0)
    return UnitStates(dead, ~dead & (flat.mean(axis=0) > MOSTLY))


def _at_each(activation: Activation, values: tuple, grid: np.ndarray, z: np.ndarray) -> tuple[Any, Any, Any]:
    """At each z, whether the slope is 0, whether it is next to nothing, and the output."""
    outputs = np.array([activation.function(float(x), values) for x in grid])  # type: ignore[attr-defined]
    read = grid if activation.derivative_of == "input" else outputs
    slope = np.abs([activation.derivative(float(x), values) for x in read])  # type: ignore[attr-defined]
    steepest = slope[np.abs(grid) <= 10].max()
    slope = np.interp(z, grid, slope)
    return slope == 0, slope < FLAT * steepest, np.interp(z, grid, outputs)
