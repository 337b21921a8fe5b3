"""Activations and losses in plain NumPy: values and derivatives, written as their papers state them."""

import numpy as np
from scipy.special import expit, logsumexp, ndtr, softmax, xlogy


def normal_density(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def sech(z):
    return 1 / np.cosh(np.minimum(np.abs(z), 700))


def gelu_tanh(z):
    """(g, g') of z (1 + tanh u) / 2, with 1 + tanh u = 2 expit(2 u), which is exact in the tail."""
    u, du = np.sqrt(2 / np.pi) * (z + 0.044715 * z**3), np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2)
    return z * expit(2 * u), expit(2 * u) + z * sech(u) ** 2 / 2 * du


def mish(z):
    t, s = np.tanh(np.logaddexp(0, z)), sech(np.logaddexp(0, z))
    return z * t, t + z * s**2 * expit(z)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

# name -> (g(z), g'(z))
ACTIVATIONS = {
    "identity": (lambda z: z, lambda z: np.ones_like(z)),
    "logistic": (expit, lambda z: expit(z) * (1 - expit(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
    "leaky_relu": (lambda z: np.maximum(z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "prelu": (lambda z: np.maximum(z, 0.25 * z), lambda z: np.where(z > 0, 1, 0.25)),  # as it begins
    "elu": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), lambda z: np.exp(np.minimum(z, 0))),
    "selu": (
        lambda z: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0))),
        lambda z: SELU_SCALE * np.where(z > 0, 1, SELU_ALPHA * np.exp(np.minimum(z, 0))),
    ),
    "gelu": (lambda z: z * ndtr(z), lambda z: ndtr(z) + z * normal_density(z)),
    "parametric": (lambda z: ACTIVATIONS["selu"][0](z), lambda z: ACTIVATIONS["selu"][1](z)),  # as it begins
    "silu": (lambda z: z * expit(z), lambda z: expit(z) + z * expit(z) * expit(-z)),
    "mish": (lambda z: mish(z)[0], lambda z: mish(z)[1]),
    "softplus": (lambda z: np.logaddexp(0, z), expit),
    "hard_sigmoid": (lambda z: np.clip(z / 6 + 0.5, 0, 1), lambda z: (np.abs(z) < 3) / 6),
    "hard_tanh": (lambda z: np.clip(z, -1, 1), lambda z: (np.abs(z) < 1).astype(z.dtype)),
    "sine": (np.sin, np.cos),
}


def mixed(value, slope):
    """An activation mixed with the identity in a share s, as in `LEARNT`."""
    return (
        lambda z, s: z + s * (value(z) - z),
        lambda z, s: 1 + s * (slope(z) - 1),
        lambda z, s: value(z) - z,
    )


# name of an activation whose units learn a number s -> (g(z, s), its derivative by z, its derivative by s)
LEARNT = {
    "prelu": (
        lambda z, s: np.where(z > 0, z, s * z),
        lambda z, s: np.where(z > 0, 1, s),
        lambda z, s: np.where(z > 0, 0, z),
    ),
    "parametric": mixed(*ACTIVATIONS["selu"]),
}

# name -> where its derivative jumps: within the step of a difference, or the rounding of a float32, it is not known
KINKS = {
    **dict.fromkeys(["relu", "leaky_relu", "prelu", "selu", "parametric"], (0,)),
    "hard_sigmoid": (-3, 3),
    "hard_tanh": (-1, 1),
}


def one_hot(y, n_classes):
    return (y == np.arange(n_classes)).astype(float)


# name -> (loss of each sample summed over the outputs, its gradient in the logits)
LOSSES = {
    "log_loss": (
        lambda z, y: logsumexp(z, axis=1) - np.take_along_axis(z, y.astype(int), axis=1)[:, 0],
        lambda z, y: softmax(z, axis=1) - one_hot(y, z.shape[1]),
    ),
    # -y log p - (1-y) log(1-p) with p = expit(z) is log(1 + exp(z)) - y z
    "binary_log_loss": (
        lambda z, y: np.sum(np.logaddexp(0, z) - y * z, axis=1),
        lambda z, y: expit(z) - y,
    ),
    # with gamma = 2: the cross-entropy times (1 - p)^2, p the probability of what is right
    "binary_focal": (
        lambda z, y: np.sum(expit(-sign(y) * z) ** 2 * np.logaddexp(0, -sign(y) * z), axis=1),
        lambda z, y: -sign(y) * focal_pull(sign(y) * z),
    ),
    "hinge": (
        lambda z, y: np.sum(np.maximum(1 - sign(y) * z, 0), axis=1),
        lambda z, y: -sign(y) * (sign(y) * z < 1),
    ),
    "squared_hinge": (
        lambda z, y: np.sum(np.maximum(1 - sign(y) * z, 0) ** 2, axis=1),
        lambda z, y: -2 * sign(y) * np.maximum(1 - sign(y) * z, 0),
    ),
    "perceptron": (
        lambda z, y: np.sum(np.maximum(-sign(y) * z, 0), axis=1),
        lambda z, y: -sign(y) * (sign(y) * z <= 0),
    ),
    # how far each other class is above the true one, less a margin
    "multiclass_hinge": (
        lambda z, y: np.sum(np.maximum(1 + rivals(z, y), 0), axis=1),
        lambda z, y: from_rivals(1 + rivals(z, y) > 0, y),
    ),
    "multiclass_squared_hinge": (
        lambda z, y: np.sum(np.maximum(1 + rivals(z, y), 0) ** 2, axis=1),
        lambda z, y: from_rivals(2 * np.maximum(1 + rivals(z, y), 0), y),
    ),
    "multiclass_perceptron": (
        lambda z, y: np.maximum(rivals(z, y).max(axis=1), 0),
        lambda z, y: from_rivals(
            one_hot(rivals(z, y).argmax(axis=1)[:, None], z.shape[1]) * (rivals(z, y) >= 0), y
        ),
    ),
    "squared_error": (lambda z, y: np.sum((z - y) ** 2, axis=1) / 2, lambda z, y: z - y),
    "absolute_error": (lambda z, y: np.sum(np.abs(z - y), axis=1), lambda z, y: np.sign(z - y)),
    # delta = 1
    "huber": (
        lambda z, y: np.sum(np.where(np.abs(z - y) > 1, np.abs(z - y) - 0.5, (z - y) ** 2 / 2), axis=1),
        lambda z, y: np.clip(z - y, -1, 1),
    ),
    # q = 1/2
    "quantile": (lambda z, y: np.sum(np.abs(z - y), axis=1) / 2, lambda z, y: np.sign(z - y) / 2),
    "log_cosh": (
        lambda z, y: np.sum(np.logaddexp(z - y, y - z) - np.log(2), axis=1),
        lambda z, y: np.tanh(z - y),
    ),
    # half deviance, y log(y/mu) - y + mu with mu = exp(z)
    "poisson": (
        lambda z, y: np.sum(xlogy(y, y) - y * z - y + np.exp(z), axis=1),
        lambda z, y: np.exp(z) - y,
    ),
    # half deviance, log(mu/y) + y/mu - 1
    "gamma": (
        lambda z, y: np.sum(z - np.log(y) + y / np.exp(z) - 1, axis=1),
        lambda z, y: 1 - y / np.exp(z),
    ),
    # half deviance of power 3/2, 2 (sqrt(y) - sqrt(mu))^2 / sqrt(mu)
    "tweedie": (
        lambda z, y: np.sum(2 * (np.sqrt(y) - np.exp(z / 2)) ** 2 / np.exp(z / 2), axis=1),
        lambda z, y: np.exp(z / 2) - y * np.exp(-z / 2),
    ),
    # of 0.05, 0.5 and 0.95: three outputs a target
    "quantiles": (
        lambda z, y: pinball(three_quantiles(z), y).sum(axis=(1, 2)) / 3,
        lambda z, y: through_steps(z, (three_quantiles(z) > y[:, :, None]) - LEVELS) / 3,
    ),
    # two outputs a target, mean and logarithm of the variance above 1e-6
    "gaussian_nll": (
        lambda z, y: np.sum(np.log(variance(z)) + (y - z[:, ::2]) ** 2 / variance(z), axis=1) / 2,
        lambda z, y: side_by_side(
            (z[:, ::2] - y) / variance(z),
            np.exp(z[:, 1::2]) / variance(z) * (1 - (y - z[:, ::2]) ** 2 / variance(z)) / 2,
        ),
    ),
}
LEVELS = np.array([0.05, 0.5, 0.95])


def three_quantiles(z):
    """(n, targets, 3): the median, and a step down and up from it."""
    low, median, high = np.moveaxis(z.reshape(len(z), -1, 3), 2, 0)
    return np.stack([median - np.logaddexp(0, low), median, median + np.logaddexp(0, high)], axis=2)


def pinball(predicted, y):
    r = y[:, :, None] - predicted
    return np.maximum(LEVELS * r, (LEVELS - 1) * r)


def through_steps(z, slopes):
    """Gradient in z from that in the three quantiles."""
    low, _, high = np.moveaxis(z.reshape(len(z), -1, 3), 2, 0)
    return side_by_side(-expit(low) * slopes[:, :, 0], slopes.sum(axis=2), expit(high) * slopes[:, :, 2])


def variance(z):
    return 1e-6 + np.exp(z[:, 1::2])


def side_by_side(*of_targets):
    """(n, targets) each, as columns that lie side by side for each target."""
    return np.stack(of_targets, axis=2).reshape(len(of_targets[0]), -1)


def sign(y):
    return 2 * y - 1


def focal_pull(m):
    """-d/dm of (1 - p)^2 (-log p) with p = expit(m)"""
    p, log_p = expit(m), -np.logaddexp(0, -m)
    return (1 - p) ** 3 - 2 * p * (1 - p) ** 2 * log_p


def rivals(z, y):
    """z_j - z_y, and -inf for the true class itself."""
    difference = z - np.take_along_axis(z, y.astype(int), axis=1)
    return np.where(one_hot(y, z.shape[1]) == 1, -np.inf, difference)


def from_rivals(slopes, y):
    """Gradient in z from that in z_j - z_y."""
    slopes = slopes.astype(float)
    return slopes - one_hot(y, slopes.shape[1]) * slopes.sum(axis=1, keepdims=True)


# name -> predictions from the logits
OUTPUTS = {
    **dict.fromkeys(LOSSES, lambda z: z),
    "log_loss": lambda z: softmax(z, axis=1),
    **dict.fromkeys(["binary_log_loss", "binary_focal"], expit),
    **dict.fromkeys(["poisson", "gamma", "tweedie"], np.exp),
    "quantiles": lambda z: three_quantiles(z).reshape(z.shape),
    "gaussian_nll": lambda z: side_by_side(z[:, ::2], np.sqrt(variance(z))),
}
