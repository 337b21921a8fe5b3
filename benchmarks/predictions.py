"""Predictions of a fitted classifier: share of the machine's limit, and time beside scikit-learn's.

X and the network have the same type in both libraries; the checks of ``predict_proba`` and ``predict`` are part of the
time. A row costs two floating-point operations for each weight. The peak is the rate of independent fused
multiply-adds in the registers of one core, measured in the same run; the share is of as many of them as there are
threads. scikit-learn has as many threads, through BLAS.

Run ``python -m benchmarks.predictions``; ``--quick`` is a smoke run, ``--dtype float64`` the other type,
``--threads 2`` takes two threads, ``--json PATH`` writes the figures.
"""

import argparse
import statistics
import time
import warnings
from itertools import pairwise

import numpy as np
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from threadpoolctl import threadpool_limits

from fastnet import MLPClassifier
from fastnet.engine.peak import make_peak, peak_flops

from .machine import facts, print_facts, print_head, print_row, write_json
from .problems import SHAPES, Problem

NETWORKS, ROWS, FITTED_ROWS = ["64-100-10, 200", "64-256-256-10, 256"], [1, 10_000, 100_000], 1_000
METHODS = ["predict_proba", "predict"]
COLUMNS = ["network", "rows", "method", "time", "share of peak", "scikit-learn, times as long"]
# Of several threads those of BLAS spin for a while after each product, on the cores that the next one wants.
PAUSE = 0.25
# A single row takes less than a millisecond: each round is the median of so many calls.
CALLS_OF_ONE_ROW = 200


def seconds(method, X):
    """Time of a prediction."""
    times = []
    for _ in range(CALLS_OF_ONE_ROW if len(X) == 1 else 1):
        start = time.perf_counter()
        method(X)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def fitted(sizes, X, y, threads):
    """The same network in both libraries; its weights do not matter."""
    estimators = {
        "fastnet": MLPClassifier(sizes[1:-1], max_iter=1, n_jobs=threads, dtype=X.dtype.name),
        "scikit-learn": SklearnMLPClassifier(sizes[1:-1], max_iter=1),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one epoch does not converge
        return {name: estimator.fit(X, y) for name, estimator in estimators.items()}


def compare(name, n_rows, dtype, threads, rounds, peak):
    """Both methods of both libraries and the peak, taken in turn.

    Returns
    -------
    list of dict
        One for each method: medians over the rounds, ``ratio`` of the ratios in a round.
    """
    sizes, batch, _ = SHAPES[name]
    problem = Problem(sizes, batch, max(n_rows, FITTED_ROWS))
    X = problem.X.astype(dtype, copy=False)
    estimators = fitted(sizes, X[:FITTED_ROWS], problem.y[:FITTED_ROWS], threads)
    X, peaks, times = X[:n_rows], [], {(library, method): [] for method in METHODS for library in estimators}
    for library, method in times:  # at first caches are cold
        seconds(getattr(estimators[library], method), X)
    for _ in range(rounds):
        peaks.append(peak_flops(*peak))
        for library, method in times:
            time.sleep(PAUSE if threads > 1 else 0.0)
            times[library, method].append(seconds(getattr(estimators[library], method), X))
    limit, flops, results = statistics.median(peaks) * threads, 2 * n_rows * sum(a * b for a, b in pairwise(sizes)), []
    for method in METHODS:
        own, other = times["fastnet", method], times["scikit-learn", method]
        ratio = statistics.median(b / a for a, b in zip(own, other, strict=True))
        median = statistics.median(own)
        results.append(
            {
                "network": name.split(",")[0], "rows": n_rows, "method": method, "seconds": median,
                "share": flops / median / limit, "ratio": ratio,
            }
        )  # fmt: skip
    return results


def cells(result):
    """A row of the table; one row's time is that of checks, not of arithmetic."""
    taken = f"{result['seconds'] * 1e6:.0f} µs" if result["seconds"] < 1e-3 else f"{result['seconds'] * 1e3:.1f} ms"
    share = f"{result['share']:.0%}" if result["rows"] > 1 else "–"
    return [result["network"], f"{result['rows']:,}", result["method"], taken, share, f"{result['ratio']:.2f}"]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small network, one round")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", metavar="PATH", help="write the figures")
    arguments = parser.parse_args()
    names, rounds = (NETWORKS[:1], 1) if arguments.quick else (NETWORKS, arguments.rounds)
    dtype = np.dtype(arguments.dtype)
    machine, peak, results = facts(dtype), make_peak(dtype), []
    print_facts(machine)
    print(f"{arguments.threads} thread(s), medians of {rounds} round(s).\n")
    print_head(COLUMNS)
    with threadpool_limits(arguments.threads):
        for name in names:
            for n_rows in ROWS[:2] if arguments.quick else ROWS:
                for result in compare(name, n_rows, dtype, arguments.threads, rounds, peak):
                    results.append(result)
                    print_row(cells(result))
    write_json(arguments.json, {"machine": machine, "rounds": rounds, "results": results})


if __name__ == "__main__":
    main()
