"""The whole network in plain NumPy: slow, short, obviously right.

Everything compiled is compared with this module; this module is compared with nothing but
hand-worked numbers and central differences (``test_naive.py``).

Conventions, as scikit-learn's: a layer's weights have shape (fan_in, fan_out), a row of ``X`` is a sample,
targets are 2-D. The target of ``log_loss`` is the class index, one column. Penalties are divided by the
sum of the (mini-)batch's weights and never touch the vectors.

``matrices`` are the weights of all layers, then the projections; ``vectors`` are the biases of all layers, then the
learnt slopes, the gains, the running means and the running variances of the hidden layers that have them.
``activation`` is one name, or one for each hidden layer. The options of a network, with which all functions agree:

- ``residual``: True adds what a hidden layer reads, if it is as wide and not the first, to its activation;
  'projection' does so in the other hidden layers times a matrix.
- ``normalization``: None, 'batch', 'layer' or 'rms', before the activation of each hidden layer.
- ``masks``: of dropout, one array (or None) for the input and for each hidden layer, already scaled: 0 where a unit
  is dropped, 1/(1-p) where it is kept.
- ``weight_masks``: of drop-connect, scaled as well, one array for each layer of weights.
"""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from naive_ops import ACTIVATIONS, LEARNT, LOSSES, OUTPUTS

EPSILON = 1e-5  # added to variances and mean squares


# ---- layers -------------------------------------------------------------------------------------------


def skips(matrices, residual):
    """The skip connection of each of these layers of weights: None, 'identity' or 'projection'."""
    kinds = []
    for layer, W in enumerate(matrices):
        is_inside = 0 < layer < len(matrices) - 1
        as_wide = "identity" if residual else None
        other = "projection" if residual == "projection" else None
        kinds.append((as_wide if W.shape[0] == W.shape[1] else other) if is_inside else None)
    return kinds


def n_layers(matrices, residual):
    """How many of the matrices are layers; a projection follows for each of them that has one."""
    counts = range(1, len(matrices) + 1)
    return next(n for n in counts if n + skips(matrices[:n], residual).count("projection") == len(matrices))


def places(matrices, activation, residual=False, normalization=None):
    """What each matrix and each vector is: two lists of (kind, number of the layer)."""
    n = n_layers(matrices, residual)
    every, hidden = range(n), range(n - 1)
    projected = [i for i, skip in enumerate(skips(matrices[:n], residual)) if skip == "projection"]
    kinds = {
        "bias": every,
        "slope": [i for i in hidden if name_of(activation, i) in LEARNT],
        "gain": hidden if normalization else (),
        "mean": hidden if normalization == "batch" else (),
        "variance": hidden if normalization == "batch" else (),
    }
    of_matrices = [("weights", i) for i in every] + [("projection", i) for i in projected]
    return of_matrices, [(kind, i) for kind, numbers in kinds.items() for i in numbers]


def name_of(activation, layer):
    return activation if isinstance(activation, str) else activation[layer]


def standardized(z, kind, weight, statistics=None):
    """z without location and scale, and that scale; ``statistics`` are a mean and a variance that are given."""
    if statistics is not None:
        mean, square = statistics
    elif kind == "batch":
        mean = np.average(z, axis=0, weights=weight)
        square = np.average((z - mean) ** 2, axis=0, weights=weight)
    elif kind == "layer":
        mean, square = z.mean(axis=1, keepdims=True), z.var(axis=1, keepdims=True)
    else:
        mean, square = 0.0, (z**2).mean(axis=1, keepdims=True)
    scale = np.sqrt(square + EPSILON)
    return (z - mean) / scale, scale


def through_standardized(delta, u, scale, kind, weight, is_given):
    """Gradient in z from ``delta``, the gradient in u = (z - mean) / scale.

    A z moves the mean by its share and the variance by its share times 2 (z - mean), which is 2 u scale.
    """
    if is_given:
        return delta / scale
    if kind == "batch":
        share = weight[:, None] / weight.sum()
        return (delta - share * delta.sum(axis=0) - share * u * (delta * u).sum(axis=0)) / scale
    by_mean = delta.mean(axis=1, keepdims=True) if kind == "layer" else 0.0
    return (delta - by_mean - u * (delta * u).mean(axis=1, keepdims=True)) / scale


# ---- forward ------------------------------------------------------------------------------------------


def walk(matrices, vectors, X, activation, *, residual=False, normalization=None, masks=None, weight_masks=None,
         sample_weight=None, n_running=0):  # fmt: skip
    """A record for each layer: its parameters, what it reads (``input``), and what becomes of that.

    ``product`` is the input times the weights, ``z`` what enters the activation. Batch normalisation takes the mean and
    variance of the rows, by their weights; in the first ``n_running`` layers the running ones.
    """
    of_matrices, of_vectors = places(matrices, activation, residual, normalization)
    arrays = {**dict(zip(of_matrices, matrices, strict=True)), **dict(zip(of_vectors, vectors, strict=True))}
    n = sum(kind == "weights" for kind, _ in of_matrices)
    masks = [1.0 if mask is None else mask for mask in masks or [None] * n]
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    layers, a = [], X * masks[0]
    for i, skip in enumerate(skips(matrices[:n], residual)):
        layer = SimpleNamespace(skip=skip, input=a, weight_mask=1.0 if weight_masks is None else weight_masks[i])
        layers.append(layer)
        for kind in ("projection", "bias", "slope", "gain", "mean", "variance"):
            setattr(layer, kind, arrays.get((kind, i)))
        layer.weights = arrays["weights", i] * layer.weight_mask
        layer.product = a @ layer.weights
        if layer.gain is None:
            layer.z = layer.product + layer.bias
        else:
            layer.is_given = normalization == "batch" and i < n_running
            statistics = (layer.mean, layer.variance) if layer.is_given else None
            layer.u, layer.scale = standardized(layer.product, normalization, weight, statistics)
            layer.z = layer.u * layer.gain + layer.bias
        if i < n - 1:
            layer.mask, name = masks[i + 1], name_of(activation, i)
            if layer.slope is None:
                value, layer.by_z = (f(layer.z) for f in ACTIVATIONS[name])
            else:
                value, layer.by_z, layer.by_slope = (f(layer.z, layer.slope) for f in LEARNT[name])
            skipped = {None: 0.0, "identity": a, "projection": a @ layer.projection if skip == "projection" else None}
            a = value * layer.mask + skipped[skip]
    return layers


def forward(matrices, vectors, X, activation, **options):
    """Pre-activations z of every layer, and the values that enter every layer.

    The last z holds the logits. The z of a normalised layer is that before it is normalised.
    """
    layers = walk(matrices, vectors, X, activation, **options)
    return [layer.z if layer.gain is None else layer.product for layer in layers], [layer.input for layer in layers]


def predict(matrices, vectors, X, activation, loss, **options):
    """Predictions, for which batch normalisation takes its running statistics."""
    return OUTPUTS[loss](forward(matrices, vectors, X, activation, n_running=len(matrices), **options)[0][-1])


def penalty(matrices, l1, l2):
    """Of one strength each, or of one a matrix."""
    l1, l2 = (np.broadcast_to(strength, len(matrices)) for strength in (l1, l2))
    return sum(a * np.abs(W).sum() + b / 2 * (W**2).sum() for W, a, b in zip(matrices, l1, l2, strict=True))


def strengths(strength, matrices, residual=False, n_frozen=0):
    """Of each matrix, from one strength or one a layer: frozen layers are not penalised, projections as their layer."""
    n = n_layers(matrices, residual)
    each = np.broadcast_to(strength, n) * (np.arange(n) >= n_frozen)
    projected = [i for i, skip in enumerate(skips(matrices[:n], residual)) if skip == "projection"]
    return each[[*range(n), *projected]]


def n_running(sample_weight, n_frozen, matrices):
    """In how many layers training takes running statistics: a batch of one row that counts has no variance."""
    return n_frozen if np.count_nonzero(sample_weight) > 1 else len(matrices)


# ---- backward -----------------------------------------------------------------------------------------


def objective(matrices, vectors, X, y, activation, loss, l2=0.0, sample_weight=None, n_frozen=0, **options):
    """Weighted mean of the losses summed over the outputs, plus l2/2 |W|^2 / (sum of the weights)."""
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    running = n_running(weight, n_frozen, matrices)
    zs, _ = forward(matrices, vectors, X, activation, sample_weight=weight, n_running=running, **options)
    of_weights = penalty(matrices, 0.0, strengths(l2, matrices, options.get("residual", False), n_frozen))
    return (weight @ LOSSES[loss][0](zs[-1], y) + of_weights) / weight.sum()


def backward(matrices, vectors, X, y, activation, loss, sample_weight=None, n_frozen=0, **options):
    """Gradients of the weighted SUM of the samples' losses, {(kind, layer): array}; 'delta' is that in z."""
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    running, kind = n_running(weight, n_frozen, matrices), options.get("normalization")
    layers = walk(matrices, vectors, X, activation, sample_weight=weight, n_running=running, **options)
    grads, error = {}, None  # error: gradient in the layer's output
    for i, layer in reversed(list(enumerate(layers))):
        if error is None:
            delta = LOSSES[loss][1](layer.z, y) * weight[:, None]
        else:
            delta = error * layer.mask
            if layer.slope is not None:
                grads["slope", i] = (delta * layer.by_slope).sum(axis=0)
            delta = delta * layer.by_z
        grads["bias", i] = delta.sum(axis=0)
        if layer.gain is not None:
            grads["gain", i] = (delta * layer.u).sum(axis=0)
            delta = through_standardized(delta * layer.gain, layer.u, layer.scale, kind, weight, layer.is_given)
        grads["delta", i] = delta
        grads["weights", i] = layer.weight_mask * (layer.input.T @ delta)
        below = delta @ layer.weights.T
        if layer.skip == "identity":
            below = below + error
        elif layer.skip == "projection":
            grads["projection", i] = layer.input.T @ error
            below = below + error @ layer.projection.T
        error = below
    return grads


def deltas(matrices, vectors, X, y, activation, loss, **options):
    """Gradient in the z of every layer, as `forward` gives them, of the weighted SUM of the samples' losses."""
    grads = backward(matrices, vectors, X, y, activation, loss, **options)
    return [grads["delta", i] for i in range(n_layers(matrices, options.get("residual", False)))]


def gradient(matrices, vectors, X, y, activation, loss, l2=0.0, **options):
    """Gradient of `objective`: (list for the matrices, list for the vectors but the running statistics)."""
    grads = backward(matrices, vectors, X, y, activation, loss, **options)
    weight, residual = options.get("sample_weight"), options.get("residual", False)
    total = len(X) if weight is None else weight.sum()
    of_matrices, of_vectors = places(matrices, activation, residual, options.get("normalization"))
    each = strengths(l2, matrices, residual, options.get("n_frozen", 0))
    matrix_grads = [(grads[at] + c * W) / total for at, c, W in zip(of_matrices, each, matrices, strict=True)]
    return matrix_grads, [grads[at] / total for at in of_vectors if at in grads]


# ---- training -----------------------------------------------------------------------------------------


def soft(w, threshold):
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0)


def bounded(W, max_norm):
    """The units of W, its columns, whose norm is larger, shortened to that."""
    return W * np.minimum(1, max_norm / np.linalg.norm(W, axis=0))


class Step(NamedTuple):
    """What a step of `train_epoch` leaves: the norm of the gradient before it is clipped, and all parameters."""

    norm: float
    params: list


def average(steps, decay):
    """Average of the parameters after each step, with weights in proportion to decay**(steps since then)."""
    shares = decay ** np.arange(len(steps))[::-1]
    arrays = zip(*(step.params for step in steps), strict=True)
    return [sum(c * p for c, p in zip(shares, each, strict=True)) / shares.sum() for each in arrays]


def running_after(mean, variance, z, weight, step):
    """Running mean and variance after the optimizer's step number ``step``, from 1 on."""
    share = max(0.1, 1 / (step + 1))
    batch_mean = np.average(z, axis=0, weights=weight)
    batch_variance = np.average((z - batch_mean) ** 2, axis=0, weights=weight)
    # of a mixture of the two
    mixed = (1 - share) * variance + share * batch_variance + share * (1 - share) * (batch_mean - mean) ** 2
    return (1 - share) * mean + share * batch_mean, mixed


def train_epoch(matrices, vectors, X, y, order, *, activation, loss, optimizer, rate, batch_size, l1=0.0, l2=0.0,
                sample_weight=None, masks=None, input_noise=None, weight_masks=None, residual=False, normalization=None,
                n_frozen=0, use_bias=True, clip_value=None, clip_norm=None, max_norm=None, steps=None):  # fmt: skip
    """One epoch over ``X[order]``; returns new (matrices, vectors, epoch loss).

    The epoch's loss is the mean of the mini-batches' objectives before their steps, each weighted by its
    number of samples (the last may be smaller), with squared_error averaged over the outputs, as in
    scikit-learn. A mini-batch whose weights are all zero is skipped and counts nowhere. ``masks(step, rows)``
    may give the dropout masks of a mini-batch, ``input_noise(step, rows)`` what is added to its rows of X,
    ``weight_masks(step)`` the masks of its weights. The first ``n_frozen`` layers stand still, and without ``use_bias``
    the biases. A gradient is clipped with its penalty. Each step is appended to the list ``steps`` as a `Step`.
    """
    of_matrices, of_vectors = places(matrices, activation, residual, normalization)
    n, n_outputs, total, counted = len(matrices), y.shape[1], 0.0, 0
    net = {"activation": activation, "loss": loss, "residual": residual, "normalization": normalization,
           "n_frozen": n_frozen}  # fmt: skip
    each_l1, each_l2 = (strengths(strength, matrices, residual, n_frozen) for strength in (l1, l2))
    trained = [at for at in of_matrices + of_vectors if at[0] not in ("mean", "variance")]
    moves = [layer >= n_frozen and (use_bias or kind != "bias") for kind, layer in trained]
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        weight = np.ones(len(rows)) if sample_weight is None else sample_weight[rows]
        if not weight.any():
            continue
        t = optimizer.t
        x = X[rows] + input_noise(t, rows) if input_noise else X[rows]
        noise = {"masks": masks and masks(t, rows), "weight_masks": weight_masks and weight_masks(t)}
        value = objective(matrices, vectors, x, y[rows], sample_weight=weight, **net, **noise)
        if loss == "squared_error":
            value /= n_outputs
        total += (value + penalty(matrices, each_l1, each_l2) / weight.sum()) * len(rows)
        counted += len(rows)

        grads = sum(gradient(matrices, vectors, x, y[rows], l2=l2, sample_weight=weight, **net, **noise), [])
        norm = np.sqrt(sum((g**2).sum() for g, is_moved in zip(grads, moves, strict=True) if is_moved))
        if clip_value is not None:
            grads = [np.clip(g, -clip_value, clip_value) for g in grads]
        if clip_norm is not None:
            grads = [g * min(1, clip_norm / norm) for g in grads]

        before, measured = matrices + vectors[: len(trained) - n], vectors[len(trained) - n :]
        if normalization == "batch":
            layers = walk(matrices, vectors, x, activation, residual=residual, normalization=normalization,
                          sample_weight=weight, n_running=n_running(weight, n_frozen, matrices), **noise)  # fmt: skip
            after = [
                running_after(layer.mean, layer.variance, layer.product, weight, t + 1)
                if i >= n_frozen else (layer.mean, layer.variance) for i, layer in enumerate(layers[:-1])
            ]  # fmt: skip
            measured = [mean for mean, _ in after] + [variance for _, variance in after]
        new, lengths = optimizer.step(before, grads, rate)
        for i in range(n):
            new[i] = soft(new[i], lengths[i] * each_l1[i] / weight.sum())
            new[i] = new[i] if max_norm is None else bounded(new[i], max_norm)
        new = [a if is_moved else b for a, b, is_moved in zip(new, before, moves, strict=True)]
        matrices, vectors = new[:n], new[n:] + measured
        if steps is not None:
            steps.append(Step(norm, new))
    return matrices, vectors, total / max(counted, 1)
