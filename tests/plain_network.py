"""The network with everything that a hidden layer can have, in plain NumPy: normalisation, learnt slopes, projections.

As short as ``naive.py``, which it is checked against; its gradients are central differences.
"""

import naive
import numpy as np

from fastnet.engine import Session
from fastnet.network.architecture import Architecture
from fastnet.network.layers import UNIT_VECTORS
from fastnet.ops.activations import ACTIVATIONS, PReLU
from fastnet.ops.losses import LOSSES

EPSILON = 1e-5
NAMES = {op: name for name, op in ACTIVATIONS.items()}

KINDS, RESIDUALS = [None, "batch", "layer", "rms"], [False, True, "projection"]
# What hidden layers can have, alone and together: (normalization, residual, activation).
SOME = [
    ("batch", False, "tanh"), ("layer", False, "relu"), ("rms", False, "silu"), (None, False, "prelu"),
    (None, "projection", "tanh"), ("batch", "projection", "prelu"), ("layer", True, "prelu"),
    ("rms", "projection", "tanh"), ("batch", True, "gelu"),
]  # fmt: skip


def normalized(z, kind, weight, statistics=None):
    """z without location and scale, over rows or units; ``statistics``: given mean and variance of the units."""
    if statistics is not None:
        return (z - statistics[0]) / np.sqrt(statistics[1] + EPSILON)
    if kind == "batch":
        mean = np.average(z, axis=0, weights=weight)
        return (z - mean) / np.sqrt(np.average((z - mean) ** 2, axis=0, weights=weight) + EPSILON)
    if kind == "layer":
        return (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + EPSILON)
    return z / np.sqrt((z**2).mean(axis=1, keepdims=True) + EPSILON)


def forward(architecture, matrices, vectors, X, weight=None, n_running=0):
    """Raw outputs, and the z of each hidden layer before it is normalised.

    Batch normalisation of the first ``n_running`` layers takes the running statistics.
    """
    n, named = architecture.n_layers, dict(zip(architecture.vectors(), vectors, strict=True))
    projections = dict(zip(architecture.projections(), matrices[n:], strict=True))
    a, zs = X, []
    for i in range(n - 1):
        z = a @ matrices[i]
        if architecture.normalization is None:
            z = z + named["bias", i]
            zs.append(z)
        else:
            zs.append(z)
            is_running = architecture.normalization == "batch" and i < n_running
            statistics = (named["mean", i], named["variance", i]) if is_running else None
            z = normalized(z, architecture.normalization, weight, statistics) * named["gain", i] + named["bias", i]
        if isinstance(architecture.activations[i], PReLU):
            output = np.where(z > 0, z, named["slope", i] * z)
        else:
            output = naive.ACTIVATIONS[NAMES[architecture.activations[i]]][0](z)
        if i in projections:
            output = output + a @ projections[i]
        elif architecture.residual and i and matrices[i].shape[0] == matrices[i].shape[1]:
            output = output + a
        a = output
    return a @ matrices[n - 1] + named["bias", n - 1], zs


def running_after(architecture, vectors, zs, weight, step):
    """The vectors with the running statistics after optimizer step ``step``, the first of which is number 1."""
    named, share = dict(zip(architecture.vectors(), vectors, strict=True)), max(0.1, 1 / (step + 1))
    for i in range(architecture.n_frozen, architecture.n_layers - 1):
        mean, variance = named["mean", i], named["variance", i]
        batch_mean = np.average(zs[i], axis=0, weights=weight)
        batch_variance = np.average((zs[i] - batch_mean) ** 2, axis=0, weights=weight)
        named["mean", i] = (1 - share) * mean + share * batch_mean
        spread = variance + share * (batch_mean - mean) ** 2
        named["variance", i] = (1 - share) * spread + share * batch_variance
    return list(named.values())


class Network:
    """A random network of a given architecture with data, exactly representable in ``dtype``."""

    def __init__(self, seed, units, activation="tanh", loss="squared_error", n_samples=23, dtype=np.float64,
                 weights=False, **kw):  # fmt: skip
        rng = np.random.default_rng(seed)
        activations = [activation] * (len(units) - 2) if isinstance(activation, str) else activation
        self.names, self.loss, self.dtype = activations, loss, dtype
        self.architecture = Architecture(tuple(units), tuple(ACTIVATIONS[a] for a in activations), LOSSES[loss], **kw)
        self.matrices = [self.rounded(rng.normal(size=s) / np.sqrt(s[0])) for s in self.architecture.matrix_shapes()]
        self.vectors = []
        for kind, layer in self.architecture.vectors():
            n = units[layer + 1]
            low, high = {"gain": (0.5, 1.5), "slope": (-0.2, 0.6), "variance": (0.5, 2)}.get(kind, (-0.4, 0.4))
            self.vectors.append(self.rounded(rng.uniform(low, high, n)))
        self.X = self.rounded(rng.normal(size=(n_samples, units[0])))
        if LOSSES[loss].class_index_target:
            self.y = rng.integers(0, units[-1], (n_samples, 1)).astype(float)
        else:
            self.y = self.rounded(rng.normal(size=(n_samples, units[-1])))
        self.weight = self.rounded(rng.uniform(0.2, 3, n_samples)) if weights else None

    def rounded(self, a):
        return a.astype(self.dtype).astype(np.float64)

    @property
    def n_trained(self):
        return sum(not UNIT_VECTORS[kind].is_measured for kind, _ in self.architecture.vectors())

    def session(self, X=None, **kw):
        weight = None if self.weight is None else self.weight.astype(self.dtype)
        X = self.X.astype(self.dtype) if X is None else X
        y = np.ascontiguousarray(self.y, self.dtype)
        session = Session(self.architecture, X, y, weight, dtype=self.dtype, **kw)
        session.set_parameters(self.matrices, self.vectors)
        return session

    def cast(self):
        """Parameters in the dtype."""
        return [[p.astype(self.dtype) for p in arrays] for arrays in (self.matrices, self.vectors)]

    def batch(self, rows):
        """Weights of some rows, and how many layers batch normalisation takes running statistics for."""
        weight = np.ones(len(self.X)) if self.weight is None else self.weight
        weight = weight[rows]
        several = np.count_nonzero(weight) > 1
        return weight, self.architecture.n_frozen if several else self.architecture.n_layers

    def objective(self, matrices, vectors, rows=slice(None), l2=0.0):
        """The loss of training, with its penalty."""
        weight, n_running = self.batch(rows)
        logits, _ = forward(self.architecture, matrices, vectors, self.X[rows], weight, n_running)
        is_trained = self.architecture.trained()[0]
        penalty = l2 / 2 * sum((w**2).sum() for w, trained in zip(matrices, is_trained, strict=True) if trained)
        return (weight @ naive.LOSSES[self.loss][0](logits, self.y[rows]) + penalty) / weight.sum()

    def slope(self, matrices, vectors, direction, rows=slice(None), l2=0.0):
        """Derivative of the objective along a direction, the lists of both kinds of arrays, by a central difference."""
        step, values = 1e-7 if {"relu", "prelu"} & set(self.names) else 1e-5, []  # a kink in between would count
        for s in (step, -step):
            moved = ([p + s * d for p, d in zip(ps, ds, strict=False)]
                     for ps, ds in zip((matrices, vectors), direction, strict=True))  # fmt: skip
            moved_matrices, moved_vectors = moved
            values.append(self.objective(moved_matrices, moved_vectors + vectors[len(moved_vectors) :], rows, l2))
        return (values[0] - values[1]) / (2 * step)

    def gradients(self, matrices, vectors, rows=slice(None), l2=0.0):
        """By central differences: of all matrices, and of all vectors that can be trained."""
        trained = [*matrices, *vectors[: self.n_trained]]
        result = [np.empty(p.shape) for p in trained]
        for number, gradient in enumerate(result):
            for at in np.ndindex(gradient.shape):
                direction = [np.zeros(p.shape) for p in trained]
                direction[number][at] = 1
                split = direction[: len(matrices)], direction[len(matrices) :]
                gradient[at] = self.slope(matrices, vectors, split, rows, l2)
        return result[: len(matrices)], result[len(matrices) :]

    def train(self, twin, rate, order, batch_size, epochs, l2=0.0):
        """Parameters and losses after epochs of mini-batches; ``twin`` is an optimizer of ``naive.py``."""
        matrices, vectors, losses, step = self.matrices, self.vectors, [], 0
        is_trained = sum(self.architecture.trained(), [])
        for _ in range(epochs):
            total = 0.0
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                weight, n_running = self.batch(rows)
                step += 1
                total += self.objective(matrices, vectors, rows, l2) * len(rows)
                params = matrices + vectors[: self.n_trained]
                grads = sum(self.gradients(matrices, vectors, rows, l2), [])
                _, zs = forward(self.architecture, matrices, vectors, self.X[rows], weight, n_running)
                if self.architecture.normalization == "batch":
                    vectors = running_after(self.architecture, vectors, zs, weight, step)
                new, _ = twin.step(params, grads, rate)
                new = [n if trained else p for p, n, trained in zip(params, new, is_trained, strict=True)]
                matrices, vectors = new[: len(matrices)], new[len(matrices) :] + vectors[self.n_trained :]
            losses.append(total / len(order))
        return matrices, vectors, losses
