"""Time of an epoch in the engine: every shape of `problems.SHAPES`, and what an epoch can be made of."""

import numpy as np
import scipy.sparse

from fastnet.engine import Session
from fastnet.engine.peak import make_peak
from fastnet.kernels.threads.team import allowed_threads
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import OPTIMIZERS

from .problems import SHAPES, Problem, glorot
from .roofline import measure

THREADS = [1, 2]


def short(name):
    """A shape's units, its batch, and few rows: two mini-batches at least, so that the suite stays quick."""
    sizes, batch, _ = SHAPES[name]
    return sizes, batch, max(1_000, 2 * batch)


class _Epoch:
    """What the classes below share: a session that is ready to run epochs."""

    def begin(self, sizes, batch, rows, *, X=None, activation="relu", solver="adam", dtype="float32", threads=1,
              dropout=0.0, **layers):  # fmt: skip
        if threads > allowed_threads():
            raise NotImplementedError(f"needs {threads} processors")
        dtype, rng = np.dtype(dtype), np.random.RandomState(0)
        if X is None:
            X = Problem(sizes, batch, rows).X.astype(dtype, copy=False)
        targets = rng.randint(sizes[-1], size=(rows, 1)).astype(dtype)
        dropout = (dropout,) * (len(sizes) - 2) if dropout else ()
        architecture = Architecture(sizes, ACTIVATIONS[activation], LOSSES["log_loss"], dropout, **layers)
        self.session = Session(
            architecture, X, targets, dtype=dtype, optimizer=OPTIMIZERS[solver], batch_size=batch,
            l2=1e-4, n_jobs=threads,
        )  # fmt: skip
        matrices, vectors = glorot(sizes, rng, dtype, activation)
        matrices += [np.zeros(shape, dtype) for shape in architecture.matrix_shapes()[len(matrices) :]]
        vectors += [np.ones(sizes[layer + 1], dtype) for _, layer in architecture.vectors()[len(vectors) :]]
        self.session.set_parameters(matrices, vectors)
        self.order = rng.permutation(rows)
        self.session.run_epoch(self.order, 1e-3)

    def teardown(self, *parameters):
        if hasattr(self, "session"):
            self.session.close()

    def time_epoch(self, *parameters):
        self.session.run_epoch(self.order, 1e-3)


class Shapes(_Epoch):
    params = (list(SHAPES), THREADS)
    param_names = ["network, batch", "threads"]

    def setup(self, name, threads):
        self.begin(*short(name), threads=threads)


class Double(_Epoch):
    params = [name for name in SHAPES if "4096" not in name]
    param_names = ["network, batch"]

    def setup(self, name):
        self.begin(*short(name), dtype="float64")


class Activations(_Epoch):
    """Every activation, at 64-256-256-10."""

    params = list(ACTIVATIONS)
    param_names = ["activation"]

    def setup(self, activation):
        self.begin(*short("64-256-256-10, 256"), activation=activation)


class Optimizers(_Epoch):
    """Every optimizer, at 64-256-256-10."""

    params = list(OPTIMIZERS)
    param_names = ["solver"]

    def setup(self, solver):
        self.begin(*short("64-256-256-10, 256"), solver=solver)


class Dropout(_Epoch):
    """Half of the hidden units dropped, at 64-256-256-10."""

    params = [0.0, 0.5]
    param_names = ["dropout"]

    def setup(self, rate):
        self.begin(*short("64-256-256-10, 256"), dropout=rate)


class HiddenLayers(_Epoch):
    """What hidden layers can have besides: normalisation and skip connections."""

    params = ["nothing", "batch", "layer", "rms", "skips", "projection"]
    param_names = ["hidden layers have"]

    def setup(self, what):
        layers = {"skips": {"residual": True}, "projection": {"residual": "projection"}, "nothing": {}}
        sizes, batch, rows = short("64-256-256-10, 256")
        sizes = (64, 256, 128, 10) if what == "projection" else sizes
        self.begin(sizes, batch, rows, **layers.get(what, {"normalization": what}))


class Sparse(_Epoch):
    """CSR input of 10,000 x 5,000, 1 % dense, one hidden layer of 100."""

    def setup(self):
        X = scipy.sparse.random_array((10_000, 5_000), density=0.01, format="csr", dtype=np.float32, rng=0)
        self.begin((5_000, 100, 10), 200, 10_000, X=X)


class Roofline:
    """Share of the FMA peak of the same process, one thread."""

    params = ([name for name in SHAPES if "4096" not in name], ["float32", "float64"])
    param_names = ["network, batch", "dtype"]
    unit = "share of the FMA peak"

    def setup(self, name, dtype):
        self.peak = make_peak(np.dtype(dtype))

    def track_share_of_peak(self, name, dtype):
        sizes, batch, rows = short(name)
        rate, top, _ = measure(sizes, batch, np.dtype(dtype), 1, 3, rows, self.peak)
        return rate / top
