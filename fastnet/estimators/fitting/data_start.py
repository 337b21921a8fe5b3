"""Starting values that are taken from the training data, layer by layer: the scale of weights, and biases."""

import numpy as np

from ...network.architecture import Architecture
from ...ops.losses import LOSSES
from ...ops.numbers import shown

# Samples that are looked at.
N_SAMPLES = 512
# A bias is that of a point among so many samples.
N_POINTS = 5
# Variation of a unit's z, in relation to its size, that is rounding.
ROUNDING = 1e-6


def fit_to_data(settings, problem, n_transferred):
    """Scale weights and set biases as ``init``, ``output_init`` and ``bias_init`` ask for, where they take the data.

    Layer by layer, from the first on: with what that makes of the layers before it, the z of a unit without its bias is
    known for each sample. Its weights are divided by the standard deviation of z; its bias becomes -z of a point among
    ``N_POINTS`` samples, at which the unit then is 0.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    problem : Problem
        With the drawn parameters, which are replaced, and the rows to train on. ``random_state`` draws which samples
        are looked at, if they are many, then the points, layer by layer.
    n_transferred : int or None
        First layers that come from another network, and stay.

    Raises
    ------
    ValueError
        If a z is too large for the dtype of the computation.
    """
    architecture, last = problem.architecture, problem.architecture.n_layers - 1
    inits = [settings.initializer] * last + [settings.output_initializer or settings.initializer]
    first = n_transferred or 0
    scaled = [i for i in range(first, last + 1) if inits[i] is not None and inits[i].scales_to_data]
    moved = range(first, last) if settings.bias_init == "data" else ()
    if not scaled and not moved:
        return
    random_state = problem.random_state
    rows, weight = _samples(problem)
    X, matrices, vectors = problem.X[rows], problem.matrices, problem.vectors
    for i in sorted({*scaled, *moved}):
        z = _z(architecture, matrices, vectors, X, i)
        if not np.isfinite(z).all():
            raise ValueError(
                f"init={shown(settings.initializer)} and bias_init={shown(settings.bias_init)} begin with values that "
                f"are too large for {problem.dtype}, the type of the computation: rescale X, such as by StandardScaler."
            )
        if i in scaled:
            mean = weight @ z
            deviation = np.sqrt(weight @ (z - mean) ** 2)
            divisor = np.where(deviation > ROUNDING * np.abs(z).max(axis=0), deviation, 1.0)
            matrices[i] = (matrices[i] / divisor).astype(problem.dtype)
            z = z / divisor
        if i in moved:
            vectors[i] = -_points(z, weight, random_state).astype(problem.dtype)


def _samples(problem):
    """Rows to look at, in their order, and their weights, of sum 1."""
    rows, weight = np.sort(problem.rows), problem.sample_weight
    if weight is not None:
        rows = rows[weight[rows] > 0]
    if len(rows) > N_SAMPLES:
        rows = np.sort(problem.random_state.choice(rows, N_SAMPLES, replace=False))
    share = np.ones(len(rows)) if weight is None else weight[rows].astype(np.float64)
    return rows, share / share.sum()


def _z(architecture, matrices, vectors, X, layer):
    """z of a layer for all rows of X, without its biases, in float64."""
    from ...engine import forward  # only here: the engine brings Numba along

    units, activations = architecture.layer_units[: layer + 2], architecture.activations[:layer]
    below = Architecture(
        units, activations, LOSSES["squared_error"], residual=architecture.residual, features=architecture.features
    )
    named = dict(zip(architecture.vectors(), vectors, strict=True))
    named["bias", layer] = np.zeros_like(vectors[layer])
    of_projections = dict(zip(architecture.projections(), matrices[architecture.n_layers :], strict=True))
    projections = [of_projections[i] for i in below.projections()]
    parameters = [*matrices[: layer + 1], *projections], [named[key] for key in below.vectors()]
    return forward(below, *parameters, X, n_jobs=1, link=False, output_dtype=np.float64)


def _points(z, weight, random_state):
    """z of each unit at a point of its own: a mixture, in random shares, of a few samples drawn by their weights."""
    n_units = z.shape[1]
    drawn = np.searchsorted(np.cumsum(weight), random_state.uniform(size=(N_POINTS, n_units)), side="right")
    shares = random_state.exponential(size=(N_POINTS, n_units))
    shares /= shares.sum(axis=0)
    return (shares * z[np.minimum(drawn, len(z) - 1), np.arange(n_units)]).sum(axis=0)
