"""What the computation's type and the machine's memory can hold of what is asked for."""

import math
import os
from contextlib import nullcontext
from numbers import Real

import numpy as np

from ...ops.numbers import shown
from ...ops.registry import held_by

# Vectors of all parameters that L-BFGS keeps beside them, in float64: pairs of its history, gradients, a line search.
_LBFGS_VECTORS = 25


def check_type(estimator, settings, loss, dtype):
    """Raise ValueError if a number means nothing in the computation dtype.

    Parameters
    ----------
    estimator : estimator
        Whose parameters the messages show as they were given.
    settings : Settings
        What they mean.
    loss : Loss
        What is minimised.
    dtype : numpy.dtype
        Of the computation.
    """
    objects = {
        "loss": [loss], "activation": settings.activations, "solver": [settings.optimizer],
        "features": [op for op, _ in settings.features], "input_scale": [settings.input_scale],
    }  # fmt: skip
    for parameter, ops in objects.items():
        # What a name stands for is made of the estimator's own numbers.
        with nullcontext() if isinstance(getattr(estimator, parameter), str) else held_by(parameter):
            for op in ops:
                if op is not None:
                    op.check_dtype(dtype)
    limits, remedy = np.finfo(dtype), ", or set dtype='float64'" if dtype == np.float32 else ""
    for what, value, smallest, is_bound in _numbers(estimator, settings, float(limits.tiny)):
        # Its square must be finite, too; a bound may be larger than all numbers, then it binds none.
        if not is_bound and value > math.sqrt(limits.max):
            size, other = "large", "smaller"
        elif 0 < value < smallest:
            size, other = "small", "larger"
        else:
            continue
        raise ValueError(
            f"{what} is too {size} for {dtype}, the type of the computation: give a {other} number{remedy}."
        )


def _numbers(estimator, settings, tiny):
    """What reaches the engine: for messages, as a number of at least 0, the smallest of use, whether it is a bound.

    Penalties and noise that vanish do nothing, as they should; a step or a bound that becomes 0 leaves nothing.
    """
    yield f"alpha={shown(estimator.alpha)}", max(*settings.l1, *settings.l2), 0.0, False
    yield f"input_noise={estimator.input_noise}", settings.input_noise, 0.0, False
    if isinstance(settings.bias_init, Real):
        yield f"bias_init={estimator.bias_init}", abs(settings.bias_init), 0.0, False
    if settings.optimizer is None:
        return
    yield f"learning_rate_init={estimator.learning_rate_init}", settings.learning_rate, tiny, False
    factors = () if isinstance(settings.rate_factors, str) else settings.rate_factors
    largest = settings.learning_rate * max((*factors, settings.bias_rate_factor))
    yield "learning_rate_init times the largest of rate_factors and bias_rate_factor", largest, 0.0, False
    for name in ("clip_value", "clip_norm", "max_norm"):
        if getattr(settings, name) is not None:
            yield f"{name}={getattr(estimator, name)}", getattr(settings, name), tiny, True


def _count(architecture):
    """Number of weights, biases and numbers of the feature layer."""
    of_features = 0 if architecture.features is None else architecture.features.size
    return architecture.n_weights + sum(architecture.layer_units[1:]) + of_features


def training_bytes(settings, architecture, dtype):
    """Bytes that the network alone takes in training, without samples and activations.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    architecture : Architecture
        The network.
    dtype : numpy.dtype
        Of the computation.

    Returns
    -------
    int
    """
    n_parameters = _count(architecture)
    # As they are given, as the engine reads them, and once more for the backward pass.
    n_bytes = 3 * dtype.itemsize * n_parameters
    if settings.is_stochastic:
        return n_bytes + settings.optimizer.n_states * dtype.itemsize * n_parameters
    return n_bytes + _LBFGS_VECTORS * 8 * n_parameters


def check_memory(settings, architecture, dtype):
    """Raise MemoryError, or ValueError, if the network alone takes more memory than there is.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    architecture : Architecture
        The network.
    dtype : numpy.dtype
        Of the computation.
    """
    n_parameters = _count(architecture)
    n_bytes = training_bytes(settings, architecture, dtype)
    if n_bytes > _memory() or not _can_allocate(n_bytes):
        error = ValueError if n_bytes >= 2**63 else MemoryError  # what no machine, and what this one cannot hold
        raise error(
            f"hidden_layer_sizes={shown(settings.hidden_units)} makes a network of {n_parameters} parameters, which "
            f"takes about {n_bytes} bytes ({n_bytes / 2**30:.3g} GiB) to train, more than this machine gives: set "
            "hidden_layer_sizes to fewer units, or reduce the features of X."
        )


def _memory():
    """Bytes of memory of the machine; infinite where it does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # no such function, or no such name
        return np.inf


def _can_allocate(n_bytes):
    """Whether the process is given so many bytes, which are not touched."""
    try:
        np.empty(n_bytes, np.uint8)
    except (MemoryError, ValueError):
        return False
    return True
