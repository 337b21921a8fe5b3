"""The parameters that a network begins with, drawn layer by layer by an initialiser."""

import warnings
from itertools import pairwise

import numpy as np

from ..ops.numbers import shown
from ..ops.registry import held_by, lost_number, too_large_or_small


def initialize(layer_units, activations, init, bias_init, random_state, dtype, output_init=None):
    """Draw the parameters of a network.

    Parameters
    ----------
    layer_units : sequence of int
        Units of each layer, from the input to the output.
    activations : sequence of Activation
        One for each layer of weights, the output layer included.
    init : Initializer
        What draws them.
    bias_init : float or None
        Value of all biases. Biases that ``init`` draws are drawn all the same and then replaced, so that
        ``bias_init`` never changes the weights. None keeps them.
    random_state : numpy.random.RandomState
        Source of the draws, always made in float64.
    dtype : numpy.dtype
        Type of the result.
    output_init : Initializer, default=None
        What draws weights and biases of the output layer instead, whatever ``bias_init`` is.

    Returns
    -------
    coefs : list of ndarray of shape (fan_in, fan_out)
    intercepts : list of ndarray of shape (fan_out,)

    Warns
    -----
    UserWarning
        If the units of a hidden layer begin equal.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.initializers import GlorotNormal
    >>> from fastnet.activations import ReLU
    >>> draws = np.random.RandomState(0)
    >>> coefs, intercepts = initialize((4, 3, 2), [ReLU()] * 2, GlorotNormal(), 0.5, draws, float)
    >>> [w.shape for w in coefs], intercepts[1]
    ([(4, 3), (3, 2)], array([0.5, 0.5]))
    """
    if len(layer_units) > 2 and not init.breaks_symmetry:
        warnings.warn(
            f"init={init!r} makes all units of a hidden layer begin equal. Their gradients are equal too, so that they "
            "stay equal unless dropout parts them: choose random weights, such as init='glorot_uniform'.",
            stacklevel=2,
        )
    coefs, intercepts = [], []
    for i, ((fan_in, fan_out), activation) in enumerate(zip(pairwise(layer_units), activations, strict=True)):
        is_other = output_init is not None and i == len(layer_units) - 2
        drawn_by, parameter = (output_init, "output_init") if is_other else (init, "init")
        weights, biases = draw_layer(fan_in, fan_out, activation, drawn_by, random_state, dtype, parameter)
        if bias_init is not None and not is_other:
            biases = np.full(fan_out, bias_init, dtype)
        coefs.append(weights)
        intercepts.append(biases)
    return coefs, intercepts


def draw_layer(fan_in, fan_out, activation, init, random_state, dtype, parameter="init"):
    """Draw the parameters of one layer.

    Parameters
    ----------
    fan_in, fan_out : int
        Units below the layer, and of it.
    activation : Activation
        The layer's.
    init : Initializer
        What draws them.
    random_state : numpy.random.RandomState
        Source of the draws.
    dtype : numpy.dtype
        Type of the result.
    parameter : str, default='init'
        Of the estimator, that holds ``init``; for messages.

    Returns
    -------
    weights : ndarray of shape (fan_in, fan_out)
    biases : ndarray of shape (fan_out,)

    Raises
    ------
    ValueError
        If ``init`` gives something else, or numbers that are not finite or that ``dtype`` cannot hold.
    """
    dtype = np.dtype(dtype)
    with held_by(parameter):
        init.check_dtype(np.dtype(np.float64))  # which draws are made in
    drawn = init.draw(fan_in, fan_out, activation, random_state)
    wanted = f"{parameter}={init!r} must give weights of shape {(fan_in, fan_out)} and biases of shape {(fan_out,)}"
    try:
        weights, biases = (np.asarray(part).astype(np.float64, casting="same_kind", copy=False) for part in drawn)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{wanted}, two arrays of numbers. Got {shown(drawn)} instead.") from error
    if weights.shape != (fan_in, fan_out) or biases.shape != (fan_out,):
        raise ValueError(f"{wanted}, got {weights.shape} and {biases.shape}.")
    for part in (weights, biases):
        if np.isnan(part).any():
            raise ValueError(f"{wanted}, got nan among them.")
        largest = float(np.abs(part).max())
        lost = too_large_or_small(largest, dtype)
        if lost is not None:
            what = f"What {parameter}={init!r} draws, of a size up to {largest:.3g},"
            raise ValueError(lost_number(what, lost, dtype))
    return weights.astype(dtype, copy=False), biases.astype(dtype, copy=False)
