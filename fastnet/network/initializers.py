"""Initial weights and biases of a layer: one entry each.

An initialiser is a function ``(fan_in, fan_out, activation, random_state) -> (weights, biases)`` in float64.
It draws a layer's weights first, row by row, then its biases; layers are drawn from the input to the output.
"""

from itertools import pairwise

import numpy as np

INITIALIZERS = {}


def register(name):
    """Function decorator: enter an initialiser under ``name``."""

    def enter(function):
        INITIALIZERS[name] = function
        return function

    return enter


@register("glorot_uniform")
def glorot_uniform(fan_in, fan_out, activation, random_state):
    r"""Uniform weights and biases within :math:`\pm\sqrt{6 / (n_{in} + n_{out})}`.

    The 6 is a 2 for the logistic activation. Bounds, and biases drawn within them, are scikit-learn's.

    Glorot, Bengio: "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, equation 16.
    """
    bound = np.sqrt((2.0 if activation == "logistic" else 6.0) / (fan_in + fan_out))
    weights = random_state.uniform(-bound, bound, (fan_in, fan_out))
    return weights, random_state.uniform(-bound, bound, fan_out)


@register("glorot_normal")
def glorot_normal(fan_in, fan_out, activation, random_state):
    r"""Normal weights of standard deviation :math:`\sqrt{2 / (n_{in} + n_{out})}`, zero biases.

    Glorot, Bengio: "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, equation 12.
    """
    deviation = np.sqrt(2.0 / (fan_in + fan_out))
    return random_state.normal(0.0, deviation, (fan_in, fan_out)), np.zeros(fan_out)


def initialize(layer_units, activation_name, init, bias_init, random_state, dtype):
    """Draw the parameters of a network.

    Parameters
    ----------
    layer_units : sequence of int
        Units of each layer, from the input to the output.
    activation_name : str
        Activation of the hidden layers.
    init : str
        A key of ``INITIALIZERS``.
    bias_init : float or None
        Value of all biases. Biases that ``init`` draws are drawn all the same and then replaced, so that
        ``bias_init`` never changes the weights. None keeps them.
    random_state : numpy.random.RandomState
        Source of the draws, always made in float64.
    dtype : numpy.dtype
        Type of the result.

    Returns
    -------
    coefs : list of ndarray of shape (fan_in, fan_out)
    intercepts : list of ndarray of shape (fan_out,)

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.network.initializers import initialize
    >>> draws = np.random.RandomState(0)
    >>> coefs, intercepts = initialize((4, 3, 2), "relu", "glorot_normal", 0.5, draws, float)
    >>> [w.shape for w in coefs], intercepts[1]
    ([(4, 3), (3, 2)], array([0.5, 0.5]))
    """
    coefs, intercepts = [], []
    for fan_in, fan_out in pairwise(layer_units):
        weights, biases = INITIALIZERS[init](fan_in, fan_out, activation_name, random_state)
        if bias_init is not None:
            biases = np.full(fan_out, bias_init)
        coefs.append(weights.astype(dtype, copy=False))
        intercepts.append(biases.astype(dtype, copy=False))
    return coefs, intercepts
