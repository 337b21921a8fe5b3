"""Does `fastnet.find_learning_rate` find a good rate? Its suggestion beside the best of 13 rates.

    python -m benchmarks.learning_rates --data FOLDER           # measure what is not yet measured, then report
    python -m benchmarks.learning_rates --data FOLDER --report  # report only

How it is measured
------------------
- digits, breast cancer and diabetes come with scikit-learn, adult from the folder (see `benchmarks.tabular.data`).
  Three quarters of the rows are to train with, at most 8,000; the others give the validation score, accuracy or R².
- Networks are at their defaults, on standardised columns and targets; categories are one-hot.
- The 13 rates are spaced evenly on a logarithmic scale from 1e-5 to 10. A split's number is its seed, and the seed of
  the networks and of the range test, which sees the rows to train with only.
- Each result is a line of JSON in ``--results``. What is there is not measured again.

The criterion: for each table, the median over five seeds of the validation score with the suggestion is at most 0.01
below the best median of the 13 rates.
"""

import argparse
import json
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import fastnet

from .tabular.data import VARIABLE, sources, split
from .tabular.methods import encoded

TABLES = ("digits", "breast_cancer", "diabetes", "adult")
RATES = tuple(float(f"{rate:.3g}") for rate in np.logspace(-5, 1, 13))
SEEDS = range(5)
TRAIN_ROWS = 8000


def problem(table, seed):
    """X and y to train with, X and y to validate with, all as the network takes them, and the network."""
    part = split(table, seed, TRAIN_ROWS)
    kind = fastnet.MLPClassifier if table.is_classification else fastnet.MLPRegressor
    net = kind(random_state=seed, n_jobs=1, verbose=False)
    prepared = encoded(table, net)
    steps = getattr(prepared, "regressor", prepared)[:-1]
    X, X_val = steps.fit_transform(part.X_train), steps.transform(part.X_test)
    y, y_val = part.y_train, part.y_test
    if not table.is_classification:
        mean, scale = y.mean(), y.std()
        y, y_val = (y - mean) / scale, (y_val - mean) / scale
    return X, y, X_val, y_val, net


def score(X, y, X_val, y_val, net, rate):
    """The validation score after training with a rate; nan where the training diverged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return net.set_params(learning_rate_init=rate).fit(X, y).score(X_val, y_val)
        except ValueError:  # weights, or predictions, that are not finite
            return float("nan")


def read(path):
    """Results by table, seed and rate; that of the suggestion has the rate None."""
    lines = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    return {(line["table"], line["seed"], line["rate"]): line for line in lines}


def measure(path, folder):
    """Measure what is missing."""
    loaders = {**sources(), **sources(folder)}
    for name in TABLES:
        table = loaders[name]()
        for seed in SEEDS:
            missing = [rate for rate in (*RATES, None) if (name, seed, rate) not in read(path)]
            if not missing:
                continue
            data = problem(table, seed)
            for rate in missing:
                begun, found = perf_counter(), rate
                line = {"table": name, "seed": seed, "rate": rate}
                if rate is None:
                    found = fastnet.find_learning_rate(data[-1], *data[:2]).suggestion
                    line |= {"suggestion": found, "seconds_to_find": perf_counter() - begun}
                    begun = perf_counter()
                line |= {"score": score(*data, found), "seconds": perf_counter() - begun}
                with path.open("a") as file:
                    file.write(json.dumps(line) + "\n")


def report(path):
    """Print a row for each table."""
    results = read(path)
    print("table          best rate   its score  suggestion  its score  difference  seconds to find, to train")
    for name in TABLES:
        median = {
            rate: float(np.median([np.nan_to_num(results[name, seed, rate]["score"], nan=-np.inf) for seed in SEEDS]))
            for rate in (*RATES, None)
        }
        best = max(RATES, key=median.get)
        lines = [results[name, seed, None] for seed in SEEDS]
        middle = {key: np.median([line[key] for line in lines]) for key in ("suggestion", "seconds_to_find", "seconds")}
        print(
            f"{name:14} {best:9g} {median[best]:11.4f} {middle['suggestion']:11.3g} {median[None]:10.4f} "
            f"{median[None] - median[best]:+11.4f} {middle['seconds_to_find']:15.2f}, {middle['seconds']:.2f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", help=f"folder of the table adult; else what {VARIABLE} names")
    parser.add_argument("--results", type=Path, default=Path("learning_rates.jsonl"))
    parser.add_argument("--report", action="store_true", help="measure nothing")
    arguments = parser.parse_args()
    if not arguments.report:
        measure(arguments.results, arguments.data)
    report(arguments.results)


if __name__ == "__main__":
    main()
