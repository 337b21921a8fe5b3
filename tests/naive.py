"""The whole network in plain NumPy: slow, short, obviously right.

Everything compiled is compared with this module; this module is compared with nothing but
hand-worked numbers and central differences (``test_naive.py``).

Conventions, as scikit-learn's: ``coefs[l]`` has shape (fan_in, fan_out), a row of ``X`` is a sample,
targets are 2-D. The target of ``log_loss`` is the class index, one column. Penalties are divided by the
sum of the (mini-)batch's weights and never touch the biases.
"""

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
    "silu": (lambda z: z * expit(z), lambda z: expit(z) + z * expit(z) * expit(-z)),
    "mish": (lambda z: mish(z)[0], lambda z: mish(z)[1]),
    "softplus": (lambda z: np.logaddexp(0, z), expit),
    "hard_sigmoid": (lambda z: np.clip(z / 6 + 0.5, 0, 1), lambda z: (np.abs(z) < 3) / 6),
    "hard_tanh": (lambda z: np.clip(z, -1, 1), lambda z: (np.abs(z) < 1).astype(z.dtype)),
    "sine": (np.sin, np.cos),
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
}


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
}


def skips(coefs, residual):
    """Whether each layer of weights has a skip connection: hidden layers that read as many hidden units."""
    inside = range(1, len(coefs) - 1)
    return [residual and layer in inside and W.shape[0] == W.shape[1] for layer, W in enumerate(coefs)]


def forward(coefs, intercepts, X, activation, masks=None, residual=False):
    """Pre-activations z of every layer after the input, and the values that enter every layer.

    ``masks``: one array (or None) for the input and for each hidden layer, already scaled: 0 where a unit
    is dropped, 1/(1-p) where it is kept. The last z holds the logits.
    """
    g = ACTIVATIONS[activation][0]
    masks = [1.0 if mask is None else mask for mask in masks or [None] * len(coefs)]
    zs, inputs = [], []
    a = X * masks[0]
    for W, b, mask, skip in zip(coefs, intercepts, [*masks[1:], 1.0], skips(coefs, residual), strict=True):
        inputs.append(a)
        zs.append(a @ W + b)
        a = g(zs[-1]) * mask + (a if skip else 0.0)
    return zs, inputs


def predict(coefs, intercepts, X, activation, loss, residual=False):
    return OUTPUTS[loss](forward(coefs, intercepts, X, activation, residual=residual)[0][-1])


def l1_norm(coefs):
    return sum(np.abs(W).sum() for W in coefs)


def penalty(coefs, l1, l2):
    """Of one strength each, or of one a layer."""
    l1, l2 = (np.broadcast_to(strength, len(coefs)) for strength in (l1, l2))
    return sum(a * np.abs(W).sum() + b / 2 * (W**2).sum() for W, a, b in zip(coefs, l1, l2, strict=True))


def objective(coefs, intercepts, X, y, activation, loss, l2=0.0, sample_weight=None, masks=None, residual=False):
    """Weighted mean of the losses summed over the outputs, plus l2/2 |W|^2 / (sum of the weights)."""
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    logits = forward(coefs, intercepts, X, activation, masks, residual)[0][-1]
    return (weight @ LOSSES[loss][0](logits, y) + penalty(coefs, 0.0, l2)) / weight.sum()


def deltas(coefs, intercepts, X, y, activation, loss, sample_weight=None, masks=None, residual=False):
    """Gradient in z of every layer, of the weighted SUM of the samples' losses."""
    zs, _ = forward(coefs, intercepts, X, activation, masks, residual)
    slope = ACTIVATIONS[activation][1]
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    result = [LOSSES[loss][1](zs[-1], y) * weight[:, None]]
    error = 0.0  # gradient in the layer's output
    for layer in range(len(coefs) - 1, 0, -1):
        error = result[0] @ coefs[layer].T + (error if skips(coefs, residual)[layer] else 0.0)
        delta = error
        if masks and masks[layer] is not None:
            delta = delta * masks[layer]
        result.insert(0, delta * slope(zs[layer - 1]))
    return result


def gradient(coefs, intercepts, X, y, activation, loss, l2=0.0, sample_weight=None, masks=None, residual=False):
    """Gradient of `objective`: (list for the coefs, list for the intercepts)."""
    _, inputs = forward(coefs, intercepts, X, activation, masks, residual)
    ds = deltas(coefs, intercepts, X, y, activation, loss, sample_weight, masks, residual)
    total = len(X) if sample_weight is None else sample_weight.sum()
    l2 = np.broadcast_to(l2, len(coefs))
    coef_grads = [(a.T @ d + c * W) / total for a, d, W, c in zip(inputs, ds, coefs, l2, strict=True)]
    return coef_grads, [d.sum(axis=0) / total for d in ds]


def soft(w, threshold):
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0)


class SGD:
    """v <- momentum v - rate g, then w += v; Nesterov as in scikit-learn: w += momentum v - rate g."""

    def __init__(self, params, momentum=0.9, nesterov=True):
        self.momentum, self.nesterov, self.t = momentum, nesterov, 0
        self.states = [[np.zeros_like(p) for p in params]]

    def step(self, params, grads, rate):
        """New params, and for each the length of step that L1's shrinkage has to use."""
        self.t += 1
        v = [self.momentum * v - rate * g for v, g in zip(self.states[0], grads, strict=True)]
        self.states = [v]
        if self.nesterov:
            v = [self.momentum * v - rate * g for v, g in zip(v, grads, strict=True)]
        # where the gradient stands still, momentum adds up to rate / (1 - momentum)
        shrink = [np.full_like(p, rate / (1 - self.momentum)) for p in params]
        return [p + d for p, d in zip(params, v, strict=True)], shrink


class Adam:
    """Kingma & Ba (2014), with the bias corrections moved into the rate, as in scikit-learn."""

    def __init__(self, params, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1, self.beta_2, self.epsilon, self.t = beta_1, beta_2, epsilon, 0
        self.states = [[np.zeros_like(p) for p in params] for _ in range(2)]

    def step(self, params, grads, rate):
        self.t += 1
        b1, b2 = self.beta_1, self.beta_2
        m = [b1 * m + (1 - b1) * g for m, g in zip(self.states[0], grads, strict=True)]
        v = [b2 * v + (1 - b2) * g**2 for v, g in zip(self.states[1], grads, strict=True)]
        self.states = [m, v]
        rate_t = rate * np.sqrt(1 - b2**self.t) / (1 - b1**self.t)
        steps = [rate_t / (np.sqrt(v) + self.epsilon) for v in v]
        return [p - s * m for p, s, m in zip(params, steps, m, strict=True)], steps


def train_epoch(
    coefs,
    intercepts,
    X,
    y,
    order,
    *,
    activation,
    loss,
    optimizer,
    rate,
    batch_size,
    l1=0.0,
    l2=0.0,
    sample_weight=None,
    masks=None,
    input_noise=None,
    weight_masks=None,
    residual=False,
):
    """One epoch over ``X[order]``; returns new (coefs, intercepts, epoch loss).

    The epoch's loss is the mean of the mini-batches' objectives before their steps, each weighted by its
    number of samples (the last may be smaller), with squared_error averaged over the outputs, as in
    scikit-learn. A mini-batch whose weights are all zero is skipped and counts nowhere. ``masks(step, rows)``
    may give the dropout masks of a mini-batch, ``input_noise(step, rows)`` what is added to its rows of X,
    ``weight_masks(step)`` the scaled masks of its weights, one array for each layer.
    """
    depth, n_outputs = len(coefs), intercepts[-1].shape[0]
    total, counted = 0.0, 0
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        weight = np.ones(len(rows)) if sample_weight is None else sample_weight[rows]
        if not weight.any():
            continue
        kw = {
            "activation": activation,
            "loss": loss,
            "sample_weight": weight,
            "masks": masks and masks(optimizer.t, rows),
            "residual": residual,
        }
        x = X[rows] + input_noise(optimizer.t, rows) if input_noise else X[rows]
        kept = weight_masks(optimizer.t) if weight_masks else [np.ones_like(W) for W in coefs]
        masked = [m * W for m, W in zip(kept, coefs, strict=True)]
        value = objective(masked, intercepts, x, y[rows], **kw)
        if loss == "squared_error":
            value /= n_outputs
        value += penalty(coefs, l1, l2) / weight.sum()
        total += value * len(rows)
        counted += len(rows)

        grads = gradient(masked, intercepts, x, y[rows], **kw)
        each = np.broadcast_to(l2, depth) / weight.sum()
        penalised = [m * g + c * W for m, g, W, c in zip(kept, grads[0], coefs, each, strict=True)]
        grads = penalised, grads[1]
        params, steps = optimizer.step(coefs + intercepts, grads[0] + grads[1], rate)
        coefs, intercepts = params[:depth], params[depth:]
        if np.any(l1):
            each = np.broadcast_to(l1, depth) / weight.sum()
            coefs = [soft(W, s * c) for W, s, c in zip(coefs, steps[:depth], each, strict=True)]
    return coefs, intercepts, total / max(counted, 1)
