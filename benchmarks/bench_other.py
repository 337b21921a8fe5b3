"""Prediction, L-BFGS, grid search, and the first seconds of a process."""

import statistics
import time
import warnings

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import validate_data

from fastnet import MLPClassifier
from fastnet.engine import Session
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES

from .bench_epoch import short
from .bench_fit import classifier, fit
from .problems import SHAPES, Problem


class Predict:
    params = ["64-100-10, 200", "64-256-256-10, 256", "784-256-128-10, 256"]
    param_names = ["network"]

    def setup(self, name):
        self.problem = Problem(*SHAPES[name])
        self.net = classifier(self.problem, max_iter=1)
        fit(self.net, self.problem.X[:1_000], self.problem.y[:1_000])
        self.row = self.problem.X[:1]
        self.net.predict_proba(self.row)

    def time_predict_one_row(self, name):
        self.net.predict_proba(self.row)

    def time_predict(self, name):
        self.net.predict_proba(self.problem.X)

    def peakmem_predict(self, name):
        self.net.predict_proba(self.problem.X)

    def track_one_row_beyond_validation(self, name):
        """Time of one row's prediction less that of scikit-learn's validation of the row."""
        ours, validation = [], []
        for _ in range(50):
            start = time.perf_counter()
            validate_data(self.net, self.row, accept_sparse=("csr", "csc"), dtype=(np.float64, np.float32), reset=False)
            middle = time.perf_counter()
            self.net.predict_proba(self.row)
            ours.append(time.perf_counter() - middle)
            validation.append(middle - start)
        return 1e6 * (statistics.median(ours) - statistics.median(validation))

    track_one_row_beyond_validation.unit = "microseconds"


class LBFGS:
    """One evaluation of loss and gradient in float64, as L-BFGS calls it."""

    params = ["64-100-10, 200", "784-256-128-10, 256"]
    param_names = ["network"]

    def setup(self, name):
        problem = Problem(*short(name))
        architecture = Architecture(problem.sizes, ACTIVATIONS["relu"], LOSSES["log_loss"])
        targets = problem.y.astype(np.float64)[:, None]
        self.session = Session(architecture, problem.X, targets, dtype=np.float64, l2=1e-4)
        self.weights = [[p.astype(np.float64) for p in parameters] for parameters in problem.weights()]
        self.time_evaluation(name)

    def teardown(self, name):
        self.session.close()

    def time_evaluation(self, name):
        self.session.set_parameters(*self.weights)
        self.session.loss_and_gradient()


class GridSearch:
    """Twelve fits on the digits with two jobs."""

    params = ["one job", "two threads", "two processes"]
    param_names = ["jobs"]

    def setup(self, jobs):
        X, y = load_digits(return_X_y=True)
        self.X, self.y = StandardScaler().fit_transform(X), y
        self.n_jobs = 1 if jobs == "one job" else 2
        self.backend = "threading" if jobs == "two threads" else "loky"
        self.grid = {"hidden_layer_sizes": [(32,), (64,)], "alpha": [1e-4, 1e-2]}
        fit(MLPClassifier(max_iter=1), self.X, self.y)

    def time_search(self, jobs):
        search = GridSearchCV(MLPClassifier(max_iter=5, random_state=0), self.grid, cv=3, n_jobs=self.n_jobs)
        with joblib.parallel_config(self.backend), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            search.fit(self.X, self.y)


BEFORE_FIT = """
import warnings
import numpy as np
from fastnet import MLPClassifier
warnings.simplefilter("ignore")
X, y = np.random.default_rng(0).standard_normal((400, 10)), np.arange(400) % 3
net = MLPClassifier(max_iter=1)
"""


class Start:
    """A fresh process: imports, and the first fit when the compiled code is on disk."""

    def setup(self):
        rng = np.random.default_rng(0)
        fit(MLPClassifier(max_iter=1), rng.standard_normal((400, 10)), np.arange(400) % 3)  # fills the cache

    def timeraw_import_fastnet(self):
        return "import fastnet"

    def timeraw_import_sklearn_neural_network(self):
        return "import sklearn.neural_network"

    def timeraw_first_fit(self):
        return "net.fit(X, y)", BEFORE_FIT

    def timeraw_second_fit(self):
        return "net.fit(X, y)", BEFORE_FIT + "net.fit(X, y)"


class EmptyCache:
    """The first fit of all: everything is compiled."""

    number, repeat, timeout = 1, 1, 300

    def timeraw_first_fit(self):
        directory = "import os, tempfile; directory = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)\n"
        return "net.fit(X, y)", directory + 'os.environ["NUMBA_CACHE_DIR"] = directory.name\n' + BEFORE_FIT
