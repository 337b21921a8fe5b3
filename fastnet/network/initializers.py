"""Initial weights and biases of a layer: one entry each.

An initialiser is a frozen value; ``draw(fan_in, fan_out, activation, random_state)`` gives a layer's weights and
biases in float64. It draws the weights first, row by row, then the biases; layers are drawn from the input to the
output. ``activation`` is the layer's own; an output layer's is that of the hidden layer below it.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..ops.activations import Logistic
from ..ops.registry import Value, register

INITIALIZERS = {}


@dataclass(frozen=True)
class Initializer(Value):
    """An initialiser; subclasses give ``draw``."""

    def draw(self, fan_in, fan_out, activation, random_state):
        """Weights of shape (fan_in, fan_out) and biases of shape (fan_out,)."""
        raise NotImplementedError


@register(INITIALIZERS, "glorot_uniform")
@dataclass(frozen=True)
class GlorotUniform(Initializer):
    r"""Uniform weights and biases within :math:`\pm\sqrt{6 / (n_{in} + n_{out})}`.

    The 6 is a 2 for the logistic activation. Bounds, and biases drawn within them, are scikit-learn's.

    Glorot, Bengio: "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, equation 16.
    """

    def draw(self, fan_in, fan_out, activation, random_state):
        bound = np.sqrt((2.0 if isinstance(activation, Logistic) else 6.0) / (fan_in + fan_out))
        weights = random_state.uniform(-bound, bound, (fan_in, fan_out))
        return weights, random_state.uniform(-bound, bound, fan_out)


@register(INITIALIZERS, "glorot_normal")
@dataclass(frozen=True)
class GlorotNormal(Initializer):
    r"""Normal weights of standard deviation :math:`\sqrt{2 / (n_{in} + n_{out})}`, zero biases.

    Glorot, Bengio: "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, equation 12.
    """

    def draw(self, fan_in, fan_out, activation, random_state):
        deviation = np.sqrt(2.0 / (fan_in + fan_out))
        return random_state.normal(0.0, deviation, (fan_in, fan_out)), np.zeros(fan_out)


def initialize(layer_units, activations, init, bias_init, random_state, dtype):
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

    Returns
    -------
    coefs : list of ndarray of shape (fan_in, fan_out)
    intercepts : list of ndarray of shape (fan_out,)

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
    coefs, intercepts = [], []
    for (fan_in, fan_out), activation in zip(pairwise(layer_units), activations, strict=True):
        weights, biases = init.draw(fan_in, fan_out, activation, random_state)
        if bias_init is not None:
            biases = np.full(fan_out, bias_init)
        coefs.append(weights.astype(dtype, copy=False))
        intercepts.append(biases.astype(dtype, copy=False))
    return coefs, intercepts
