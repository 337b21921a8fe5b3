"""The network with everything that a hidden layer can have, in plain NumPy: normalisation, learnt slopes, projections.

As short as ``naive.py``, which it is checked against; its gradients are central differences.
"""

import naive
import numpy as np

from fastnet.engine import Session
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS, PReLU
from fastnet.ops.losses import LOSSES

EPSILON = 1e-5


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
        return sum(kind not in ("mean", "variance") for kind, _ in self.architecture.vectors())

    def session(self, n_vectors=None, X=None, **kw):
        weight = None if self.weight is None else self.weight.astype(self.dtype)
        X = self.X.astype(self.dtype) if X is None else X
        y = np.ascontiguousarray(self.y, self.dtype)
        session = Session(self.architecture, X, y, weight, dtype=self.dtype, **kw)
        session.set_parameters(self.matrices, self.vectors)
        return session

    def cast(self):
        """Parameters in the dtype."""
        return [[p.astype(self.dtype) for p in arrays] for arrays in (self.matrices, self.vectors)]

    def forward(self, matrices, vectors, X, weight=None, training=True):
        """Raw outputs, and the z of each hidden layer before it is normalised."""
        architecture = self.architecture
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
                running = architecture.normalization == "batch" and not training
                statistics = (named["mean", i], named["variance", i]) if running else None
                z = normalized(z, architecture.normalization, weight, statistics) * named["gain", i] + named["bias", i]
            if isinstance(architecture.activations[i], PReLU):
                output = np.where(z > 0, z, named["slope", i] * z)
            else:
                output = naive.ACTIVATIONS[self.names[i]][0](z)
            if i in projections:
                output = output + a @ projections[i]
            elif architecture.residual and i and matrices[i].shape[0] == matrices[i].shape[1]:
                output = output + a
            a = output
        return a @ matrices[n - 1] + named["bias", n - 1], zs

    def objective(self, matrices, vectors, rows=slice(None), l2=0.0):
        weight = np.ones(len(self.X)) if self.weight is None else self.weight
        weight = weight[rows]
        logits, _ = self.forward(matrices, vectors, self.X[rows], weight)
        penalty = l2 / 2 * sum((w**2).sum() for w in matrices)
        return (weight @ naive.LOSSES[self.loss][0](logits, self.y[rows]) + penalty) / weight.sum()

    def gradients(self, matrices=None, vectors=None, rows=slice(None), l2=0.0, step=1e-5):
        """By central differences: of all matrices, and of all vectors that can be trained."""
        matrices, vectors = (
            [np.array(p) for p in given]
            for given in (
                self.matrices if matrices is None else matrices,
                self.vectors if vectors is None else vectors,
            )
        )
        result = []
        for parameter in matrices + vectors[: self.n_trained]:
            gradient = np.empty_like(parameter)
            for at in np.ndindex(parameter.shape):
                before = parameter[at]
                values = []
                for there in (before + step, before - step):
                    parameter[at] = there
                    values.append(self.objective(matrices, vectors, rows, l2))
                parameter[at] = before
                gradient[at] = (values[0] - values[1]) / (2 * step)
            result.append(gradient)
        return result[: len(matrices)], result[len(matrices) :]
