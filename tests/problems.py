"""Random networks and data that several test modules share."""

import re
from dataclasses import fields

import naive
import numpy as np
from naive_ops import KINKS

from fastnet.engine import Session
from fastnet.network.architecture import Architecture
from fastnet.network.layers import UNIT_VECTORS
from fastnet.ops.activations import ACTIVATIONS, Parametric
from fastnet.ops.losses import LOSSES

FIELDS = {field.name for field in fields(Architecture)}
KINDS, RESIDUALS = [None, "batch", "layer", "rms"], [False, True, "projection"]
# What hidden layers can have, alone and together: (normalization, residual, activation).
SOME = [
    ("batch", False, "tanh"), ("layer", False, "relu"), ("rms", False, "silu"), (None, False, "prelu"),
    (None, "projection", "tanh"), ("batch", "projection", "prelu"), ("layer", True, "prelu"),
    ("rms", "projection", "tanh"), ("batch", True, "gelu"),
]  # fmt: skip
# Where the vectors of random networks lie.
RANGES = {"slope": (-0.2, 0.6), "gain": (0.5, 1.5), "mean": (-0.4, 0.4), "variance": (0.5, 2)}

# The plain network has one rate for all parameters.
PLAIN = {"parametric": Parametric(rate=1.0)}


class Problem:
    """A random network with data: everything in float64, exactly representable in ``dtype``.

    ``options`` are those of an `Architecture`. ``matrices`` and ``vectors`` are all parameters.
    """

    def __init__(self, seed, units, activation="relu", loss="squared_error", n_samples=23, weights=False,
                 dtype=np.float64, **options):  # fmt: skip
        rng = np.random.default_rng(seed)
        per_target = LOSSES[loss].outputs_per_target
        units = (*units[:-1], -(-units[-1] // per_target) * per_target)
        self.units, self.activation, self.loss, self.dtype, self.options = units, activation, loss, dtype, options
        shapes = list(zip(units[:-1], units[1:], strict=True))
        self.matrices = [self.rounded(rng.normal(size=s) / np.sqrt(s[0])) for s in shapes]
        self.vectors = [self.rounded(0.3 * rng.normal(size=s[1])) for s in shapes]
        self.X = self.rounded(rng.normal(size=(n_samples, units[0])))
        self.y = self.rounded(random_targets(rng, loss, n_samples, units[-1]))
        self.sample_weight = self.rounded(rng.uniform(0.2, 3, n_samples)) if weights else None
        architecture = self.architecture()
        for shape in architecture.matrix_shapes()[len(shapes) :]:
            self.matrices.append(self.rounded(rng.normal(size=shape) / np.sqrt(shape[0])))
        for kind, layer in architecture.vectors()[len(shapes) :]:
            self.vectors.append(self.rounded(rng.uniform(*RANGES[kind], units[layer + 1])))

    def rounded(self, a):
        return a.astype(self.dtype).astype(np.float64)

    @property
    def coefs(self):
        """The weights of the layers, without projections."""
        return self.matrices[: len(self.units) - 1]

    @property
    def intercepts(self):
        """The biases."""
        return self.vectors[: len(self.units) - 1]

    @property
    def trained(self):
        """All parameters but the running statistics."""
        n_measured = sum(UNIT_VECTORS[kind].is_measured for kind, _ in self.architecture().vectors())
        return self.matrices + self.vectors[: len(self.vectors) - n_measured]

    def architecture(self, **kw):
        n_hidden = len(self.units) - 2
        names = [self.activation] * n_hidden if isinstance(self.activation, str) else self.activation
        activations = tuple({**ACTIVATIONS, **PLAIN}[name] for name in names)
        return Architecture(tuple(self.units), activations, LOSSES[self.loss], **{**self.options, **kw})

    def session(self, X=None, **kw):
        """A session with these parameters; ``kw`` are the options of an `Architecture` and of a `Session`."""
        weight = None if self.sample_weight is None else self.sample_weight.astype(self.dtype)
        session = Session(
            self.architecture(**{name: kw.pop(name) for name in FIELDS & set(kw)}),
            self.X.astype(self.dtype) if X is None else X,
            np.ascontiguousarray(self.y, dtype=self.dtype),
            sample_weight=weight,
            dtype=self.dtype,
            **kw,
        )
        session.set_parameters(self.matrices, self.vectors)
        return session

    def cast(self):
        """Matrices and vectors in the dtype."""
        return [[p.astype(self.dtype) for p in arrays] for arrays in (self.matrices, self.vectors)]

    # ---- the same in plain NumPy ----

    def plain(self, *names):
        """What the functions of `naive` are to know: the activation, and the options of these names that are set."""
        names = {"residual", "normalization", *names} & set(self.options)
        return {"activation": self.activation, **{name: self.options[name] for name in names}}

    def forward(self, **kw):
        return naive.forward(self.matrices, self.vectors, self.X, **self.plain(), **kw)

    def objective(self, matrices, vectors, **kw):
        return naive.objective(
            matrices, vectors, self.X, self.y, loss=self.loss, sample_weight=self.sample_weight,
            **self.plain("n_frozen"), **kw,
        )  # fmt: skip

    def gradient(self, **kw):
        return naive.gradient(
            self.matrices, self.vectors, self.X, self.y, loss=self.loss, sample_weight=self.sample_weight,
            **self.plain("n_frozen"), **kw,
        )  # fmt: skip

    def train_epoch(self, matrices, vectors, order, **kw):
        return naive.train_epoch(
            matrices, vectors, self.X, self.y, order, loss=self.loss, sample_weight=self.sample_weight,
            **{**self.plain("n_frozen", "use_bias"), **kw},
        )  # fmt: skip


def described(architecture):
    """What the functions of `naive` are to know of an architecture."""
    names = [
        next(name for name, op in ACTIVATIONS.items() if (type(op) is type(own) if own.per_unit else op == own))
        for own in architecture.activations
    ]
    return {"activation": names, "residual": architecture.residual, "normalization": architecture.normalization}


def away_from_kinks(seed, *args, distance=1e-4, **kw):
    """A random problem in which no z is so near to a kink of its activation that a small change crosses it."""
    for attempt in range(200):
        problem = Problem(1000 * attempt + seed, *args, **kw)
        layers = naive.walk(problem.matrices, problem.vectors, problem.X, sample_weight=problem.sample_weight,
                            **problem.plain())  # fmt: skip
        names = [naive.name_of(problem.activation, i) for i in range(len(layers) - 1)]
        if all(np.abs(layer.z - kink).min() > distance for layer, name in zip(layers[:-1], names, strict=True)
               for kink in KINKS.get(name, ())):  # fmt: skip
            return problem
    raise AssertionError("no data without a kink found")


def activations_in_turn(seed, most):
    """Names for ``seed`` modulo ``most + 1`` hidden layers: from seed to seed all of the registry come in turn."""
    before, names = sum(i % (most + 1) for i in range(seed)), list(ACTIVATIONS)
    return [names[(before + i) % len(names)] for i in range(seed % (most + 1))]


def random_targets(rng, loss, n_samples, n_outputs):
    """Targets as `Session` takes them: one column of class indices for a softmax."""
    if LOSSES[loss].class_index_target:
        return rng.integers(0, n_outputs, (n_samples, 1)).astype(float)
    if LOSSES[loss].is_classification:
        return rng.integers(0, 2, (n_samples, n_outputs)).astype(float)
    if LOSSES[loss].out_activation == "exp":
        return rng.poisson(1.0, (n_samples, n_outputs)) + (0.5 if loss == "gamma" else 0.0)
    return rng.normal(size=(n_samples, n_outputs // LOSSES[loss].outputs_per_target))


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
