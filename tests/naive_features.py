"""Feature layers in plain NumPy: what they make of the inputs, and the gradients by their numbers.

A layer is a list of (name, columns) and, for each, the dict of its numbers, as ``features_`` has them; columns that no
entry names pass through at the end. `scales`, or None, multiply all outputs.
"""

import numpy as np


def levels(x, n):
    """Rows with a code that is a level, and these codes."""
    rows = np.flatnonzero((x >= 0) & (x < n) & (x == np.floor(x)))
    return rows, x[rows].astype(int)


def of_column(name, x, p):
    """Outputs of a column, shape (n_samples, n_outputs); ``p`` are its numbers, for 'one_hot' the number of levels."""
    if name == "scale":
        return p["scales"] * x[:, None]
    if name == "pbld":
        cosines = np.cos(2 * np.pi * x[:, None] * p["frequencies"] + p["phases"])
        return np.column_stack([x, cosines @ p["weights"] + p["biases"]])
    if name == "cosine":
        cosines = np.cos(2 * np.pi * (x[:, None] * p["frequencies"] + p["phases"]))
        return np.column_stack([x, cosines]) * p["gains"] + p["biases"]
    if name == "piecewise_linear":
        low, high = p["boundaries"][:-1], p["boundaries"][1:]
        wide = np.where(high > low, high - low, 1.0)
        return np.where(high > low, np.clip((x[:, None] - low) / wide, 0, 1), 0.0)
    if name == "embedding":
        rows, codes = levels(x, len(p["tables"]))
        out = np.zeros((len(x), p["tables"].shape[1]))
        out[rows] = p["tables"][codes]
        return out
    return (x[:, None] == np.arange(p)).astype(float)


def gradient_of_column(name, x, p, delta):
    """Gradients by the numbers of a column that are trained, from ``delta``, that by its outputs."""
    if name == "scale":
        return {"scales": (delta[:, 0] * x).sum()}
    if name == "pbld":
        angles = 2 * np.pi * x[:, None] * p["frequencies"] + p["phases"]
        by_angle = -np.sin(angles) * (delta[:, 1:] @ p["weights"].T)
        return {"frequencies": 2 * np.pi * (by_angle * x[:, None]).sum(axis=0), "phases": by_angle.sum(axis=0),
                "weights": np.cos(angles).T @ delta[:, 1:], "biases": delta[:, 1:].sum(axis=0)}  # fmt: skip
    if name == "cosine":
        angles = 2 * np.pi * (x[:, None] * p["frequencies"] + p["phases"])
        by_angle = -np.sin(angles) * delta[:, 1:] * p["gains"][1:] * 2 * np.pi
        return {"frequencies": (by_angle * x[:, None]).sum(axis=0), "phases": by_angle.sum(axis=0),
                "gains": (delta * np.column_stack([x, np.cos(angles)])).sum(axis=0),
                "biases": delta.sum(axis=0)}  # fmt: skip
    if name == "embedding":
        rows, codes = levels(x, len(p["tables"]))
        table = np.zeros_like(p["tables"])
        np.add.at(table, codes, delta[rows])
        return {"tables": table}
    return {}


class Layer:
    """A feature layer: ``pairs`` of (name, columns), ``numbers`` as ``features_``, of 'one_hot' its levels."""

    def __init__(self, n_inputs, pairs, numbers, has_scale=False):
        self.pairs, self.has_scale = pairs, has_scale
        used = {c for _, columns in pairs for c in columns}
        self.rest = [c for c in range(n_inputs) if c not in used]
        self.numbers = numbers

    def _columns(self):
        """(name, column, its numbers, of which pair, the how manieth of it)."""
        for i, (name, columns) in enumerate(self.pairs):
            for k, column in enumerate(columns):
                own = self.numbers[i]
                yield name, column, own if name == "one_hot" else {key: a[k] for key, a in own.items()}, i, k

    def unscaled(self, X):
        outputs = [of_column(name, X[:, column], p) for name, column, p, _, _ in self._columns()]
        return np.column_stack([*outputs, X[:, self.rest]])

    def expand(self, X):
        outputs = self.unscaled(X)
        return outputs * self.numbers[-1]["scales"] if self.has_scale else outputs

    def gradient(self, X, delta):
        """Gradients in the form of the numbers, of those that are trained; {} of others."""
        grads = [{} for _ in self.numbers]
        if self.has_scale:
            grads[-1] = {"scales": (delta * self.unscaled(X)).sum(axis=0)}
            delta = delta * self.numbers[-1]["scales"]
        first = 0
        for name, column, p, i, _ in self._columns():
            n = of_column(name, X[:1, column], p).shape[1]
            for key, g in gradient_of_column(name, X[:, column], p, delta[:, first : first + n]).items():
                grads[i].setdefault(key, []).append(g)
            first += n
        return grads
