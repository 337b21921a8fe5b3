"""Batch normalisation of a trained network: running statistics are constants, and go into the weights."""

from dataclasses import replace

import numpy as np

# Added to variances and mean squares.
EPSILON = 1e-5
# Least share of a mini-batch in the running mean and variance.
LEAST_SHARE = 0.1


def fold(architecture, matrices, vectors):
    """The network without batch normalisation that predicts the same.

    Parameters
    ----------
    architecture : Architecture
        With batch normalisation.
    matrices, vectors : list of ndarray
        Its parameters, in its order.

    Returns
    -------
    architecture : Architecture
    matrices, vectors : list of ndarray
        New lists; what did not change is the given array.
    """
    matrices, named = list(matrices), dict(zip(architecture.vectors(), vectors, strict=True))
    for i in range(architecture.n_layers - 1):
        gain, mean, variance = (named.pop((kind, i)) for kind in ("gain", "mean", "variance"))
        factor = gain / np.sqrt(variance + EPSILON, dtype=np.float64)
        matrices[i] = (matrices[i] * factor).astype(gain.dtype)
        named["bias", i] = (named["bias", i] - mean * factor).astype(gain.dtype)
    plain = replace(architecture, normalization=None)
    return plain, matrices, [named[key] for key in plain.vectors()]
