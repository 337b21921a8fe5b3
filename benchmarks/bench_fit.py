"""Time and memory of ``fit`` and ``predict_proba``, and the ratio to scikit-learn's own classifier."""

import statistics
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from threadpoolctl import threadpool_limits

from fastnet import MLPClassifier

EPOCHS = 10
# name: (samples, features, hidden layers, classes, batch size)
SHAPES = {
    "20-64-10 batch 32": (2_000, 20, (64,), 10, 32),
    "64-100-10 batch 200": (2_000, 64, (100,), 10, 200),
    "784-256-128-10 batch 256": (2_000, 784, (256, 128), 10, 256),
}


def problem(shape):
    """Return float32 data of that shape and the parameters both libraries get."""
    n_samples, n_features, hidden, n_classes, batch_size = SHAPES[shape]
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    y = np.argmax(X @ rng.standard_normal((n_features, n_classes), dtype=np.float32), axis=1)
    parameters = {
        "hidden_layer_sizes": hidden,
        "batch_size": batch_size,
        "max_iter": EPOCHS,
        "n_iter_no_change": EPOCHS,
        "random_state": 0,
    }
    return X, y, parameters


def fit(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed
        return estimator.fit(X, y)


class Fit:
    params = list(SHAPES)
    param_names = ["shape"]

    def setup(self, shape):
        self.X, self.y, parameters = problem(shape)
        self.classifier = MLPClassifier(**parameters)
        self.reference = SklearnMLPClassifier(**parameters)
        fit(self.classifier, self.X, self.y)  # compiles, or loads the compiled code

    def time_fit(self, shape):
        fit(self.classifier, self.X, self.y)

    def time_predict(self, shape):
        self.classifier.predict_proba(self.X)

    def track_speedup_over_sklearn(self, shape):
        """Median, over rounds that alternate, of scikit-learn's training time divided by ours; one thread each."""
        self.classifier.set_params(n_jobs=1)
        ratios = []
        with threadpool_limits(1):  # of the BLAS that scikit-learn calls
            for _ in range(5):
                start = time.perf_counter()
                fit(self.reference, self.X, self.y)
                middle = time.perf_counter()
                fit(self.classifier, self.X, self.y)
                ratios.append((middle - start) / (time.perf_counter() - middle))
        return statistics.median(ratios)

    track_speedup_over_sklearn.unit = "times as fast"


class FitMemory:
    """Peak memory of the process, without scikit-learn's own training in it."""

    params = Fit.params
    param_names = Fit.param_names

    def setup(self, shape):
        self.X, self.y, parameters = problem(shape)
        self.classifier = MLPClassifier(**parameters)

    def peakmem_fit(self, shape):
        fit(self.classifier, self.X, self.y)
