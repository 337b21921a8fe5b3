"""How far off may it be? Quantiles and a normal distribution of diabetes progression, each from one network.

A network trained on the squared error says what to expect, not how far off it may be. `Quantiles` predicts several
quantiles at once, which never cross; `GaussianNLL` predicts a mean and a standard deviation. Both should give intervals
that hold 90 % of new patients, wide where the progression is hard to foretell.

Run it from anywhere: ``python examples/predicted_distributions.py``. It takes a few seconds, plus compiling once.
"""

import os
import warnings

import numpy as np
from scipy.stats import norm
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import MLPRegressor
from fastnet.losses import GaussianNLL, Quantiles

PICTURE = "predicted_distributions.png"
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def network(loss):
    # Few epochs and a strong penalty: who fits the training samples too well is too sure of the others.
    net = MLPRegressor(
        loss=loss, hidden_layer_sizes=(10,), activation="tanh", target_scaling=True, alpha=1.0, batch_size=64,
        learning_rate_init=0.01, max_iter=40, n_iter_no_change=None, random_state=0,
    )  # fmt: skip
    return make_pipeline(StandardScaler(), net)


def out_of_fold(X, y):
    """Quantiles of both networks for each patient, by networks that were trained without the patient."""
    quantiles, normal = np.empty((2, len(y), len(LEVELS)))
    for train, test in KFold(10, shuffle=True, random_state=0).split(X):
        quantiles[test] = network(Quantiles(LEVELS)).fit(X[train], y[train]).predict(X[test])
        mean, std = network(GaussianNLL()).fit(X[train], y[train]).predict(X[test], return_std=True)
        normal[test] = mean[:, None] + std[:, None] * norm.ppf(LEVELS)
    return {"Quantiles": quantiles, "GaussianNLL": normal}


def report(name, bands, y):
    low, high = bands[:, 0], bands[:, -1]
    inside, width = (low <= y) & (y <= high), high - low
    narrow, middle, wide = (part for part in np.array_split(np.argsort(width), 3))
    held = "".join(f"{100 * inside[part].mean():7.0f} %" for part in (slice(None), narrow, middle, wide))
    print(f"  {name:14}{held}{width.mean():9.0f}{width[narrow].mean():9.0f}{width[wide].mean():7.0f}")


def plot(predicted, y):
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("No picture: matplotlib is not installed (pip install matplotlib).")
        return
    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, (name, bands) in zip(figure.subplots(1, 2, sharey=True), predicted.items(), strict=True):
        order, place = np.argsort(bands[:, 2]), np.arange(len(y))
        sorted_bands = bands[order]
        axes.fill_between(place, sorted_bands[:, 0], sorted_bands[:, 4], alpha=0.2, color="C0", label="90 %")
        axes.fill_between(place, sorted_bands[:, 1], sorted_bands[:, 3], alpha=0.4, color="C0", label="50 %")
        axes.plot(place, sorted_bands[:, 2], color="C0", label="median")
        axes.plot(place, y[order], ".", ms=3, color="black", label="held-out patients")
        axes.set(xlabel="patients, by predicted median", title=name)
        axes.legend()
    figure.axes[0].set_ylabel("disease progression")
    figure.savefig(PICTURE, dpi=150)
    print(f"Picture saved in {os.path.abspath(PICTURE)}")


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = load_diabetes(return_X_y=True)
    predicted = out_of_fold(X, y)
    print("442 patients, each predicted by networks that were trained without them (10 folds).")
    print("Patients within the interval for 90 %: of all, and of each third by the width of their interval; mean width")
    print(f"  {'':14}{'all':>9}{'narrow':>9}{'middle':>9}{'wide':>9}{'all':>9}{'narrow':>9}{'wide':>7}")
    for name, bands in predicted.items():
        report(name, bands, y)
    ranks = np.column_stack([(y[:, None] < bands).mean(axis=0) for bands in predicted.values()])
    print("Patients below each quantile:")
    print(f"  {'':6}" + "".join(f"{name:>14}" for name in predicted))
    for level, shares in zip(LEVELS, ranks, strict=True):
        print(f"  {level:<6}" + "".join(f"{100 * share:12.0f} %" for share in shares))
    crossed = (np.diff(predicted["Quantiles"], axis=1) < 0).any(axis=1).sum()
    print(f"Patients whose quantiles cross: {crossed}.")
    plot(predicted, y)


if __name__ == "__main__":
    main()
