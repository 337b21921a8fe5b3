"""Random networks and data that several test modules share."""

import re

import naive
import numpy as np

from fastnet.engine import Session
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES

# an activation added to the registry is tested through its plain Python formula
for _name, _op in ACTIVATIONS.items():
    _formula = np.vectorize(lambda z, op=_op: op.function(z, op.values), otypes=[float], excluded=["op"])
    naive.ACTIVATIONS.setdefault(_name, (_formula, None))


class Problem:
    """A random network with data: everything in float64, exactly representable in ``dtype``."""

    def __init__(self, seed, units, activation="relu", loss="squared_error", n_samples=23, weights=False,
                 dtype=np.float64, residual=False):  # fmt: skip
        rng = np.random.default_rng(seed)
        self.units, self.activation, self.loss, self.dtype = units, activation, loss, dtype
        self.residual = residual
        shapes = list(zip(units[:-1], units[1:], strict=True))
        self.coefs = [self.rounded(rng.normal(size=s) / np.sqrt(s[0])) for s in shapes]
        self.intercepts = [self.rounded(0.3 * rng.normal(size=s[1])) for s in shapes]
        self.X = self.rounded(rng.normal(size=(n_samples, units[0])))
        self.y = self.rounded(random_targets(rng, loss, n_samples, units[-1]))
        self.sample_weight = self.rounded(rng.uniform(0.2, 3, n_samples)) if weights else None

    def rounded(self, a):
        return a.astype(self.dtype).astype(np.float64)

    def architecture(self, **kw):
        return Architecture(self.units, ACTIVATIONS[self.activation], LOSSES[self.loss], residual=self.residual, **kw)

    def session(self, dropout=(), input_dropout=0.0, input_noise=0.0, drop_connect=(), **kw):
        weight = None if self.sample_weight is None else self.sample_weight.astype(self.dtype)
        session = Session(
            self.architecture(
                dropout=dropout, input_dropout=input_dropout, input_noise=input_noise, drop_connect=drop_connect
            ),
            self.X.astype(self.dtype),
            np.ascontiguousarray(self.y, dtype=self.dtype),
            sample_weight=weight,
            dtype=self.dtype,
            **kw,
        )
        slopes = [
            np.full(self.units[layer + 1], self.architecture().activations[layer].values[0])
            for kind, layer in session.architecture.vectors() if kind == "slope"
        ]  # fmt: skip
        session.set_parameters(self.coefs, self.intercepts + slopes)
        return session

    def objective(self, coefs, intercepts, **kw):
        return naive.objective(
            coefs, intercepts, self.X, self.y, self.activation, self.loss,
            sample_weight=self.sample_weight, residual=self.residual, **kw,
        )  # fmt: skip

    def gradient(self, **kw):
        return naive.gradient(
            self.coefs, self.intercepts, self.X, self.y, self.activation, self.loss,
            sample_weight=self.sample_weight, residual=self.residual, **kw,
        )  # fmt: skip


def random_targets(rng, loss, n_samples, n_outputs):
    """Targets as `Session` takes them: one column of class indices for a softmax."""
    if LOSSES[loss].class_index_target:
        return rng.integers(0, n_outputs, (n_samples, 1)).astype(float)
    if LOSSES[loss].is_classification:
        return rng.integers(0, 2, (n_samples, n_outputs)).astype(float)
    if LOSSES[loss].out_activation == "exp":
        return rng.poisson(1.0, (n_samples, n_outputs)) + (0.5 if loss == "gamma" else 0.0)
    return rng.normal(size=(n_samples, n_outputs))


def name_of(value):
    """A name of a test's parameter that is the same in every process."""
    return re.sub(" at 0x[0-9a-f]+", "", getattr(value, "__name__", str(value)))


def random_units(rng, n_hidden):
    """(n_features, *hidden, n_outputs), widths 1 to 70, small ones more often."""
    return tuple(int(np.exp(rng.uniform(0, np.log(70.9)))) for _ in range(n_hidden + 1)) + (
        int(rng.integers(2, 13)),
    )


def distance(actual, expected):
    """Relative distance, in the Euclidean norm, of two lists of arrays."""
    actual, expected = (np.concatenate([np.ravel(a) for a in arrays]) for arrays in (actual, expected))
    assert actual.shape == expected.shape
    return np.linalg.norm(actual - expected) / np.linalg.norm(expected)


def same_bits(a, b):
    """Two lists of arrays with the same dtypes and the same bits."""
    assert len(a) == len(b)
    return all(
        x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
        for x, y in zip(a, b, strict=True)
    )


def parameters(estimator):
    return [*estimator.coefs_, *estimator.intercepts_]
