"""Time and memory of a whole ``fit``, validation and results included."""

import tempfile
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning

from fastnet import MLPClassifier

from .problems import SHAPES, Problem

EPOCHS = 10
NAMES = ["20-64-10, 32", "64-100-10, 200", "784-256-128-10, 256"]


def classifier(problem, **parameters):
    """A classifier of a problem's shape that trains for a fixed number of epochs."""
    parameters = {"max_iter": EPOCHS, "n_iter_no_change": EPOCHS, "random_state": 0} | parameters
    return MLPClassifier(problem.sizes[1:-1], batch_size=problem.batch, **parameters)


def fit(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


class Fit:
    params = NAMES
    param_names = ["network"]

    def setup(self, name):
        sizes, batch, _ = SHAPES[name]
        self.problem = Problem(sizes, batch, 2_000)
        self.classifier = classifier(self.problem)
        fit(self.classifier, self.problem.X, self.problem.y)  # compiles, or loads the compiled code

    def time_fit(self, name):
        fit(self.classifier, self.problem.X, self.problem.y)


class FitMemory:
    """Peak memory of the process. A type of X other than the computation's must not add a copy of X."""

    params = (NAMES, ["float32", "float64"])
    param_names = ["network", "type of X"]

    def setup(self, name, dtype):
        sizes, batch, _ = SHAPES[name]
        self.problem = Problem(sizes, batch, 2_000)
        self.X = self.problem.X.astype(dtype, copy=False)

    def peakmem_fit(self, name, dtype):
        fit(classifier(self.problem, dtype="float32", max_iter=1), self.X, self.problem.y)


class Memmap:
    """Memory that a fit allocates when X lies in a file: none of it may be read into memory as a whole."""

    unit = "MiB"

    def setup(self):
        self.directory = tempfile.TemporaryDirectory()
        X = np.memmap(Path(self.directory.name) / "X", np.float64, "w+", shape=(100_000, 256))
        rng = np.random.default_rng(0)
        for start in range(0, len(X), 10_000):
            X[start : start + 10_000] = rng.random((10_000, 256))
        self.X, self.y = X, np.arange(len(X)) % 2
        fit(MLPClassifier((32,), max_iter=1), X[:500], self.y[:500])  # compiles, or loads the compiled code

    def teardown(self):
        del self.X
        self.directory.cleanup()

    def track_allocated(self):
        tracemalloc.start()
        try:
            fit(MLPClassifier((32,), max_iter=1), self.X, self.y)
            return tracemalloc.get_traced_memory()[1] / 2**20
        finally:
            tracemalloc.stop()


class SparseMemory:
    """Peak memory with sparse input, of which no dense copy may be made: that would be 200 MB."""

    def setup(self):
        self.X = scipy.sparse.random_array((10_000, 5_000), density=0.01, format="csr", dtype=np.float32, rng=0)
        self.y = np.arange(10_000) % 10

    def peakmem_fit(self):
        fit(MLPClassifier(max_iter=1), self.X, self.y)
