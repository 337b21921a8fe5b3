"""Noise in training: what a net has of it, entered into its records. `passes/noise.py` makes the functions."""

from scipy.sparse import issparse

from ..kernels.memory import aligned_zeros
from .functions import address


def set_up(architecture, X, flat, passes, layers):
    """Enter an architecture's noise into the records of a training run.

    Parameters
    ----------
    architecture : Architecture
        The net.
    X : ndarray or CSR array of shape (n_samples, n_features)
        The input.
    flat : ndarray
        Parameter vector.
    passes, layers : records of PASSES and LAYER
        Changed in place.

    Returns
    -------
    ndarray or None
        Masked copies of the weights, if some are dropped: memory that the records point to.
    """
    if architecture.input_noise:
        if issparse(X):
            raise ValueError("input_noise is for dense X")
        passes["input_noise"], passes["noise_deviation"] = address("input_noise", flat.dtype), architecture.input_noise
    # By the largest probabilities: schedules only lower them, also to 0 at the start.
    if any(layer.dropout for layer in architecture.layers):
        passes["drop_panel"] = address("drop_panel", flat.dtype)
    rates = [layer.drop_connect for layer in architecture.layers]
    if not any(rates):
        return None
    for name in ("drop_connect", "mask_weights"):
        passes[name] = address(name, flat.dtype)
    copies = aligned_zeros(flat.size, flat.dtype)
    for layer, rate in zip(layers[: architecture.n_layers], rates, strict=True):
        layer["connect_threshold"] = min(round(rate * 2**32), 2**32 - 1)
        layer["connect_scale"] = 1.0 / (1.0 - rate)
        if layer["connect_threshold"]:
            layer["all_weights"] = layer["weights"]
            layer["weights"] += copies.ctypes.data - flat.ctypes.data
    return copies
