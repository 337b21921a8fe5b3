"""One result: a method trained and tested on one split of a table."""

import gc
import hashlib
import importlib.metadata
import platform
import time
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import fastnet
from fastnet.environment import cpu_name

from .data import few_rows
from .results import digest

# Probabilities nearer to 0 cost no more: float32 holds nothing nearer to 1.
LEAST_PROBABILITY = float(np.finfo(np.float32).eps)


def log_loss(y, probabilities):
    """Mean negative logarithm of the probability of what is true; the same rules for float32 and float64.

    Parameters
    ----------
    y : ndarray of int of shape (n_samples,)
        Columns of the probabilities.
    probabilities : ndarray of shape (n_samples, n_classes)
        Divided by their sum and held above 1.2e-7.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    p = p[np.arange(len(y)), y] / p.sum(axis=1)
    return float(-np.log(np.maximum(p, LEAST_PROBABILITY)).mean())


class Clock:
    """Seconds of the wall and of all threads of this process together, of the code within ``with``."""

    def __enter__(self):
        gc.collect()
        self._begun = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error):
        self.wall, self.cpu = time.perf_counter() - self._begun[0], time.process_time() - self._begun[1]


def warm_up(method, table, part, threads):
    """Fit and predict once on few rows, so that nothing is imported or compiled when it counts."""
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X, y = few_rows(part)
        model = method.make(table, part.number, threads).fit(X, y)
        predict(model, X, table.is_classification)


def predict(model, X, is_classification):
    """Probabilities of classes, or numbers."""
    return model.predict_proba(X) if is_classification else model.predict(X)


def fitted(method, table, part, threads):
    """The model, with the clock of its fit."""
    model = method.make(table, part.number, threads)
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: settings are what they are
        with Clock() as clock:
            model.fit(part.X_train, part.y_train)
    return model, clock


def heading(name, method, table_name, number, train_rows, threads):
    """What a result is of: its key and what else is known before it is there."""
    return {
        "kind": "quality", "table": table_name, "split": number, "train_rows": train_rows, "threads": threads,
        "method": name, "settings": digest(method.settings), "versions": versions(method.packages),
    }  # fmt: skip


def quality(heading, method, table, part, threads):
    """A result: the heading, errors, seconds and the machine.

    Errors are the share of wrong classes and the log loss, or the root of the mean squared error.
    """
    model, fit = fitted(method, table, part, threads)
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Clock() as clock:
            predicted = predict(model, part.X_test, table.is_classification)
    y, predicted = part.y_test, np.asarray(predicted)
    if table.is_classification:
        # The labels are 0, 1, …, and a stratified split trains with all of them.
        scores = {"error": float(np.mean(predicted.argmax(axis=1) != y)), "log_loss": log_loss(y, predicted)}
    else:
        scores = {"rmse": float(np.sqrt(np.mean((predicted.ravel().astype(np.float64) - y) ** 2)))}
    if not all(np.isfinite(score) for score in scores.values()):
        raise ValueError(f"predictions of {heading['method']} on {table.name} are not finite")
    return heading | scores | {
        "n_train": len(part.y_train), "n_test": len(y), "fit_cpu": fit.cpu, "fit_wall": fit.wall,
        "predict_cpu": clock.cpu, "predict_wall": clock.wall, "machine": machine(),
        "source": source_digest() if "fastnet" in method.packages else None,
    }  # fmt: skip


def versions(packages):
    """Versions of packages, a dict."""
    return {name: fastnet.__version__ if name == "fastnet" else importlib.metadata.version(name) for name in packages}


@cache
def machine():
    """The machine that a time was measured on."""
    return f"{cpu_name()}, {platform.system()}, Python {platform.python_version()}"


@cache
def source_digest():
    """Stands for the Python files of fastnet, which change between versions."""
    folder, total = Path(fastnet.__file__).parent, hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]
