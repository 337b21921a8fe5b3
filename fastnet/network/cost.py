"""What a network costs: numbers of parameters, and floating-point operations."""

from .layers import UNIT_VECTORS


def layer_parameters(architecture):
    """Numbers of parameters of each layer of weights, what is merely measured included, a list of int."""
    counts = [0] * architecture.n_layers
    for layer, (rows, columns) in zip(architecture.matrix_layers(), architecture.matrix_shapes(), strict=True):
        counts[layer] += rows * columns
    for name, layer in architecture.vectors():
        counts[layer] += UNIT_VECTORS[name].size(architecture.layers[layer])
    return counts


def layer_operations(architecture, inputs=None):
    """Floating-point operations that each layer's products take for a sample.

    A multiplication and an addition are two. Biases, activations, feature layers and the optimizer are not counted:
    there is one of these for many products.

    Parameters
    ----------
    architecture : Architecture
        The net.
    inputs : float, default=None
        Numbers of a sample that the first layer multiplies, where X is sparse; None for all features.

    Returns
    -------
    predicting, training : list of float
        Of the forward pass; and of both passes, where the gradient of the weights takes as many operations again, and
        the way back through the weights as many once more. Nothing leads back to X, but to feature layers that are
        trained, and nothing through layers that are frozen.
    """
    predicting, training = [0.0] * architecture.n_layers, [0.0] * architecture.n_layers
    first_trained = next(i for i, layer in enumerate(architecture.layers) if layer.is_trained)
    for layer, (rows, columns) in zip(architecture.matrix_layers(), architecture.matrix_shapes(), strict=True):
        read = rows if inputs is None or layer > 0 else inputs
        once = 2.0 * read * columns
        predicting[layer] += once
        leads_back = layer > first_trained or (layer == 0 and architecture.trains_features)
        training[layer] += once * (1 + architecture.layers[layer].is_trained + leads_back)
    return predicting, training
