"""Peer's time divided by fastnet's, in turns, one thread each. Peers that are not installed are skipped.

Few rows and rounds: `peers.py` is the script for numbers to quote.
"""

import statistics
import time
import warnings

import numpy as np
import scipy.sparse
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from fastnet import MLPClassifier

from .bench_epoch import short
from .libraries import LIBRARIES, installed
from .peers import compare
from .problems import SHAPES, Problem


def best_ratio(run, rounds=3):
    """Median over rounds of ``run(SklearnMLPClassifier)`` divided by ``run(MLPClassifier)``, in seconds each."""
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        run(MLPClassifier)  # compiles, or loads the compiled code
        return statistics.median([run(SklearnMLPClassifier) / run(MLPClassifier) for _ in range(rounds)])


def own(cls):
    """Parameters that make fastnet's estimator use one thread."""
    return {"n_jobs": 1} if cls is MLPClassifier else {}


class Epoch:
    params = ([name for name in SHAPES if "4096" not in name], [name for name in LIBRARIES if name != "fastnet"])
    param_names = ["network, batch", "peer"]
    unit = "times as fast"

    def setup(self, name, peer):
        if not installed(peer):
            raise NotImplementedError(f"{peer} is not installed")

    def track_ratio(self, name, peer):
        with threadpool_limits(1):
            seconds, _, _, failures = compare(Problem(*short(name)), ["fastnet", peer], 1, rounds=1)
        if failures:
            raise RuntimeError(failures[peer])
        return statistics.median(seconds[peer]) / statistics.median(seconds["fastnet"])


class Sparse:
    """CSR input of 10,000 x 5,000, 1 % dense, against scikit-learn."""

    unit = "times as fast"

    def track_ratio(self):
        problem = Problem((5, 100, 10), 200, 10_000)
        problem.X = scipy.sparse.random_array((10_000, 5_000), density=0.01, format="csr", dtype=np.float32, rng=0)
        with threadpool_limits(1):
            seconds, _, _, _ = compare(problem, ["fastnet", "sklearn32"], 1, rounds=1)
        return seconds["sklearn32"][0] / seconds["fastnet"][0]


class LBFGS:
    """Against scikit-learn, for an evaluation of loss and gradient in float64.

    From the same start both libraries take the same steps, so the same number of iterations is the same number of
    evaluations. One iteration's time is taken off, with all that happens once a fit.
    """

    params = ["64-100-10, 200", "784-256-128-10, 256"]
    param_names = ["network"]
    unit = "times as fast"

    def track_ratio(self, name):
        sizes, batch, rows = short(name)
        problem = Problem(sizes, batch, rows)
        X = problem.X.astype(np.float64)

        def run(cls):
            times = []
            for iterations in (1, 11):
                net = cls(sizes[1:-1], solver="lbfgs", max_iter=iterations, random_state=0, **own(cls))
                start = time.perf_counter()
                net.fit(X, problem.y)
                times.append(time.perf_counter() - start)
            return times[1] - times[0]

        return best_ratio(run, rounds=1)


class Prediction:
    """``predict_proba`` of 10,000 rows against scikit-learn with float64 input."""

    params = ["64-100-10, 200", "64-256-256-10, 256"]
    param_names = ["network"]
    unit = "times as fast"

    def track_ratio(self, name):
        sizes, batch, rows = SHAPES[name]
        problem = Problem(sizes, batch, rows)
        X = {MLPClassifier: problem.X, SklearnMLPClassifier: problem.X.astype(np.float64)}
        nets = {}

        def run(cls):
            if cls not in nets:
                nets[cls] = cls(sizes[1:-1], max_iter=1, **own(cls)).fit(X[cls][:200], problem.y[:200])
            start = time.perf_counter()
            nets[cls].predict_proba(X[cls])
            return time.perf_counter() - start

        return best_ratio(run)


class GridSearch:
    """Twelve fits on the digits, in one process, against scikit-learn."""

    unit = "times as fast"

    def track_ratio(self):
        X, y = load_digits(return_X_y=True)
        X = StandardScaler().fit_transform(X)
        grid = {"hidden_layer_sizes": [(32,), (64,)], "alpha": [1e-4, 1e-2]}

        def run(cls):
            search = GridSearchCV(cls(max_iter=5, random_state=0, **own(cls)), grid, cv=3)
            start = time.perf_counter()
            search.fit(X, y)
            return time.perf_counter() - start

        return best_ratio(run, rounds=1)
