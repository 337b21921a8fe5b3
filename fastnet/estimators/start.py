"""Where training starts: with draws, with the first layers of a fitted network, or where it ended."""

import numpy as np

from ..network.initializers import GlorotUniform, initialize
from .data import check_fits
from .parameters import initializer


def initial_parameters(estimator, layer_units, activations, random_state, dtype):
    """Weights and biases of a new network, as ``init``, ``bias_init`` and ``use_bias`` ask for.

    Parameters
    ----------
    estimator : estimator
        Its parameters are read.
    layer_units : sequence of int
        Units of each layer, from the input to the output.
    activations : sequence of Activation
        One for each layer of weights.
    random_state : numpy.random.RandomState
        Source of the draws. All layers are drawn, also those that then come from a fitted network, so that the
        others do not depend on it.
    dtype : numpy.dtype
        Type of the result.

    Returns
    -------
    coefs : list of ndarray of shape (fan_in, fan_out)
    intercepts : list of ndarray of shape (fan_out,)
    n_transferred : int or None
        Number of layers that come from a fitted network; None if ``init`` is none.

    Raises
    ------
    ValueError
        If ``init`` is an estimator that cannot give its first layer.
    """
    init = initializer(estimator)
    bias_init = estimator.bias_init if estimator.use_bias else 0.0
    coefs, intercepts = initialize(layer_units, activations, init or GlorotUniform(), bias_init, random_state, dtype)
    if init is not None:
        return coefs, intercepts, None
    taken = take_layers(estimator.init, coefs, intercepts, estimator.use_bias)
    if estimator.verbose:
        units = "-".join(map(str, layer_units[: taken + 1]))
        print(f"{taken} of {len(coefs)} layers begin with the weights of init's network: {units}.")
    return coefs, intercepts, taken


def source_parameters(init):
    """Weights and biases of the fitted network that ``init`` is.

    Parameters
    ----------
    init : estimator
        With ``coefs_`` and ``intercepts_``, such as a fitted perceptron of fastnet or scikit-learn, or a
        ``FrozenEstimator`` around one.

    Returns
    -------
    coefs : list of ndarray of shape (fan_in, fan_out)
    intercepts : list of ndarray of shape (fan_out,)

    Raises
    ------
    ValueError
        If it is not fitted or no such network, or has numbers that are not finite.
    """
    try:
        coefs, intercepts = list(init.coefs_), list(init.intercepts_)
    except AttributeError:
        raise ValueError(
            f"init must be a fitted multilayer perceptron, whose weights to begin with: {init!r} has no coefs_ and "
            "intercepts_. Fit it first. If it was fitted, then clone, which cross-validation and grid search call, "
            "has taken its weights away: give init=FrozenEstimator(estimator), from sklearn.frozen."
        ) from None
    parameters = [np.asarray(p) for p in coefs + intercepts]
    if not all(p.dtype.kind == "f" and np.isfinite(p).all() for p in parameters):
        raise ValueError(f"init must have finite weights, {init!r} has not.")
    return parameters[: len(coefs)], parameters[len(coefs) :]


def take_layers(init, coefs, intercepts, use_bias):
    """Replace the first of freshly drawn layers, as long as shapes match, by those of a fitted network.

    Parameters
    ----------
    init : estimator
        The fitted network.
    coefs, intercepts : list of ndarray
        All layers of the new network, changed in place. They keep their dtype.
    use_bias : bool
        Whether the new network has biases.

    Returns
    -------
    int
        Number of layers taken, at least 1.

    Raises
    ------
    ValueError
        If not even the first layer matches, biases cannot be taken over, or a number is too large for the dtype.
    """
    taken = 0
    given = zip(*source_parameters(init), strict=True)
    for layer, (weights, biases) in enumerate(given):
        if layer == len(coefs) or weights.shape != coefs[layer].shape or biases.shape != intercepts[layer].shape:
            break
        if not use_bias and biases.any():
            raise ValueError("use_bias=False cannot take over the biases of init's network: set use_bias=True.")
        check_fits("init", weights, coefs[layer].dtype)
        check_fits("init", biases, coefs[layer].dtype)
        coefs[layer], intercepts[layer] = (np.array(p, dtype=coefs[layer].dtype, order="C") for p in (weights, biases))
        taken += 1
    if not taken:
        raise ValueError(
            f"init's network does not match: its first layer has weights of shape {init.coefs_[0].shape}, that of "
            f"this network {coefs[0].shape}. Set hidden_layer_sizes to begin as there, and fit on as many features."
        )
    return taken


def check_same_network(estimator, coefs, intercepts, layer_units, loss):
    """Raise ValueError unless training can go on: with the layers and the kind of output it began with."""
    fitted_units = (coefs[0].shape[0], *(w.shape[1] for w in coefs))
    if fitted_units != layer_units:
        raise ValueError(
            "warm_start and partial_fit go on with the fitted network, whose layers have "
            f"{fitted_units} units, but hidden_layer_sizes, X and y now ask for {layer_units}. Restore "
            "hidden_layer_sizes, or train a new network: fit with warm_start=False."
        )
    if estimator.out_activation_ != loss.out_activation:
        raise ValueError(
            "warm_start and partial_fit go on with the fitted network, whose output activation is "
            f"{estimator.out_activation_!r}, but y and the loss now ask for {loss.out_activation!r}. Train a "
            "new network: fit with warm_start=False."
        )
    if not estimator.use_bias and any(b.any() for b in intercepts):
        raise ValueError(
            "use_bias=False cannot go on with a network whose intercepts_ are not zero: set them to zero, set "
            "use_bias=True, or train a new network: fit with warm_start=False."
        )
