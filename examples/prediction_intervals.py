"""Prediction intervals for diabetes: two networks, each trained on the pinball loss of one quantile.

A network trained on the squared error says what to expect, not how far off it may be. Networks of the 0.05 and
0.95 quantile make an interval that should hold 90 % of new patients, wide where they differ much from one another.

Run it from anywhere: ``python examples/prediction_intervals.py``. It takes a few seconds, plus compiling once.
"""

import os
import warnings

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import d2_pinball_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import MLPRegressor
from fastnet.losses import Quantile

PICTURE = "prediction_intervals.png"
FOLDS = KFold(10, shuffle=True, random_state=0)


def network(quantile):
    net = MLPRegressor(
        loss=Quantile(quantile), hidden_layer_sizes=(10,), activation="tanh", alpha=1.0, batch_size=64,
        learning_rate_init=0.01, max_iter=40, random_state=0,
    )  # fmt: skip
    # The penalty and the rate are meant for a target of about unit size.
    return make_pipeline(StandardScaler(), TransformedTargetRegressor(net, transformer=StandardScaler()))


def report(name, low, high, y, thirds):
    inside = (low <= y) & (y <= high)
    held = "".join(f"{100 * part.mean():6.0f} %" for part in (inside, *(inside[third] for third in thirds)))
    print(f"  {name:34}{held}{(high - low).mean():8.0f}")


def plot(y, predicted):
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("No picture: matplotlib is not installed (pip install matplotlib).")
        return
    order = np.argsort(predicted[0.5])
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    place = np.arange(len(y))
    axes.fill_between(place, predicted[0.05][order], predicted[0.95][order], alpha=0.3, label="0.05 to 0.95 quantile")
    axes.plot(place, predicted[0.5][order], label="median")
    axes.plot(place, y[order], ".", ms=3, color="black", label="held-out patients")
    axes.set(xlabel="patients, by predicted median", ylabel="disease progression", title="Diabetes")
    axes.legend()
    figure.savefig(PICTURE, dpi=150)
    print(f"Picture saved in {os.path.abspath(PICTURE)}")


def main():
    # Few epochs are a choice here: longer training would fit the noise.
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = load_diabetes(return_X_y=True)
    predicted = {q: cross_val_predict(network(q), X, y, cv=FOLDS) for q in (0.05, 0.5, 0.95)}

    print("442 patients, each predicted by networks that were trained without them (10 folds):")
    print("  quantile   patients below   pinball loss less than the best constant's")
    for q, values in predicted.items():
        print(f"  {q:<11}{100 * (y < values).mean():12.1f} %{100 * d2_pinball_score(y, values, alpha=q):14.0f} %")

    print("Intervals for 90 % of the patients, and how many they held: of all, and of each third by predicted median:")
    print(f"  {'':34}     all     low  middle    high   width")
    thirds = np.array_split(np.argsort(predicted[0.5]), 3)
    report("two networks", predicted[0.05], predicted[0.95], y, thirds)
    spread = 1.645 * (y - predicted[0.5]).std()
    report("median, same width for everyone", predicted[0.5] - spread, predicted[0.5] + spread, y, thirds)
    low, high = (np.full(len(y), value) for value in np.quantile(y, [0.05, 0.95]))
    report("quantiles of all patients", low, high, y, thirds)

    # The quantile is a parameter of the loss, and can be reached like any other.
    name = "transformedtargetregressor__regressor__loss__quantile"
    search = GridSearchCV(network(0.5), {name: [0.3, 0.4, 0.5, 0.6]}, scoring="neg_mean_squared_error", cv=FOLDS)
    print(f"As a guess of the mean the best quantile is {search.fit(X, y).best_params_[name]}.")
    plot(y, predicted)


if __name__ == "__main__":
    main()
