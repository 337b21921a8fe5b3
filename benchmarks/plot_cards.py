"""Pictures of the four cards on the home page and in the README: ``python -m benchmarks.plot_cards``.

Trains small networks on the spot, takes times from ``docs/_static/peers_avx2.csv`` and writes
``docs/_static/card_*.png``; ``--folder`` names another folder for these.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.preprocessing import scale

from benchmarks.plot_peers import BLUE, FOLDER, GREY, read
from fastnet import MLPClassifier, TabularMLPRegressor

ORANGE, GREEN, PURPLE = "#e69f00", "#009e73", "#cc79a7"


def new_card():
    """A small figure and its axes."""
    figure = Figure(figsize=(4, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def drop_in():
    """Loss curves of both libraries from the same seed, and how far they are apart."""
    X, y = load_digits(return_X_y=True)
    settings = dict(max_iter=60, n_iter_no_change=60, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # sixty epochs are meant
        ours = MLPClassifier(**settings, dtype="float64").fit(scale(X), y).loss_curve_
        theirs = SklearnMLPClassifier(**settings).fit(scale(X), y).loss_curve_
    apart = np.max(np.abs(np.divide(ours, theirs) - 1))
    figure, axes = new_card()
    axes.semilogy(theirs, color=ORANGE, linewidth=8, alpha=0.5, label="scikit-learn")
    axes.semilogy(ours, color=BLUE, linewidth=1.8, label="fastnet, float64")
    axes.set(xlabel="epoch", ylabel="training loss", title=f"Largest relative difference: {apart:.0e}")
    axes.legend(frameon=False)
    return figure


def tables():
    """A frame as it is, and what the estimator takes each column for."""
    frame = pd.DataFrame(
        {
            "area": [52.0, 71.5, None, 104.0] * 50,
            "district": ["north", "centre", None, "south"] * 50,
            "balcony": [True, False, True, True] * 50,
            "since": pd.to_datetime(["2019-03-01", "2021-07-15", "2020-01-01", None] * 50),
        }
    )
    kinds = TabularMLPRegressor(preset="fast", random_state=0).fit(frame, np.arange(200.0)).preprocessor_.kinds_
    figure, axes = new_card()
    axes.axis("off")
    shown = frame.head(4).astype(object).where(frame.head(4).notna(), "–")
    cells = [[str(cell)[:10] for cell in row] for row in shown.to_numpy()]
    table = axes.table([*cells, list(kinds)], colLabels=list(frame.columns), cellLoc="center", bbox=[0, 0, 1, 1])
    table.auto_set_font_size(False)
    table.set_fontsize(9.5)
    colors = {"numeric": BLUE, "categorical": ORANGE, "string": ORANGE, "boolean": GREEN, "datetime": PURPLE}
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("0.85")
        if row == 0:
            cell.set_text_props(weight="bold")
        if row == len(cells) + 1:
            cell.set_facecolor((colors[kinds[column]], 0.35))
    return figure


def see():
    """Loss on training and accuracy on validation samples, and the epoch that is kept."""
    X, y = load_digits(return_X_y=True)
    X, X_val, y, y_val = train_test_split(X, y, stratify=y, random_state=0)
    net = MLPClassifier(early_stopping=True, n_iter_no_change=15, batch_size=64, random_state=0)
    net.fit(X / 16, y, X_val=X_val / 16, y_val=y_val)
    wrong = 1 - np.array(net.validation_scores_)
    best = int(np.argmin(wrong))
    figure, axes = new_card()
    epochs = np.arange(1, len(wrong) + 1)
    axes.semilogy(epochs, net.loss_curve_, color=BLUE, label="training loss")
    axes.semilogy(epochs, wrong, color=ORANGE, linestyle="--", label="validation errors")
    axes.plot(best + 1, wrong[best], "*", color="black", markersize=12, label=f"best epoch: {best + 1}")
    axes.set(xlabel="epoch", title=f"Validation accuracy {1 - wrong[best]:.3f}")
    axes.legend(frameon=False)
    return figure


def fast(times):
    """How many times as long an epoch takes in scikit-learn, beside fastnet, by network."""
    figure, axes = new_card()
    ratios = [bars["scikit-learn"] / bars["fastnet"] for bars in times.values()]
    names = [network.split(", ")[0] for network in times]
    bars = axes.barh(names, ratios, color=BLUE)
    axes.bar_label(bars, [f"{ratio:.2g} ×" for ratio in ratios], padding=4)
    axes.axvline(1, color=GREY, linestyle="--")  # as fast as scikit-learn
    axes.set(xlim=(0, 1.25 * max(ratios)), xticks=[])
    figure.suptitle("scikit-learn's time over fastnet's, float32", fontsize="medium")
    axes.invert_yaxis()
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go")
    folder = parser.parse_args().folder
    cards = {"drop_in": drop_in(), "tables": tables(), "see": see(), "fast": fast(read(FOLDER / "peers_avx2.csv"))}
    for name, figure in cards.items():
        figure.savefig(folder / f"card_{name}.png", dpi=120)


if __name__ == "__main__":
    main()
