"""The pictures of the page on pictures, drawn by the displays themselves when the documentation is built."""

import warnings

import numpy as np
from sklearn.datasets import load_digits, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.preprocessing import StandardScaler

from fastnet import MLPClassifier
from fastnet.inspection import (
    ActivationsDisplay,
    GradientFlowDisplay,
    LearningCurvesDisplay,
    NetworkDisplay,
    WeightsDisplay,
)


def draw_displays(folder):
    """Draw each picture into a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Is created if it is missing.
    """
    import matplotlib

    matplotlib.use("agg")
    folder.mkdir(parents=True, exist_ok=True)
    X, y = load_digits(return_X_y=True)
    X = X / 16
    net = MLPClassifier((64, 32), early_stopping=True, learning_rate_init=0.003, random_state=0).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        deep = MLPClassifier((32,) * 8, activation="logistic", max_iter=20, random_state=0).fit(X, y)
        unscaled = MLPClassifier((64, 32, 16), activation="tanh", max_iter=10, random_state=0).fit(500 * X, y)
    pictures = {
        "learning_curves": LearningCurvesDisplay.from_estimator(net),
        "network": NetworkDisplay.from_estimator(net, X, y),
        "weights": WeightsDisplay.from_estimator(net),
        "weights_histograms": WeightsDisplay.from_estimator(net, kind="histograms"),
        "gradient_flow": GradientFlowDisplay.from_estimator(net, X, y),
        "gradient_flow_vanishing": GradientFlowDisplay.from_estimator(deep, X, y),
        "activations": ActivationsDisplay.from_estimator(net, X, y),
        "activations_saturated": ActivationsDisplay.from_estimator(unscaled, 500 * X, y),
        "decision_boundary": boundary(),
    }
    for name, display in pictures.items():
        display.figure_.savefig(folder / f"{name}.svg")
        matplotlib.pyplot.close(display.figure_)


def boundary():
    """scikit-learn's picture of the classes that a network predicts, with the samples on it."""
    X, y = make_moons(200, noise=0.2, random_state=0)
    X = StandardScaler().fit_transform(X)
    net = MLPClassifier((32, 32), alpha=2.0, learning_rate_init=0.01, max_iter=500, random_state=0).fit(X, y)
    colours = {"cmap": "PuOr_r", "vmin": 0, "vmax": 1}
    display = DecisionBoundaryDisplay.from_estimator(
        net, X, response_method="predict_proba", xlabel="first feature", ylabel="second feature", alpha=0.6,
        levels=np.linspace(0, 1, 11), **colours,
    )  # fmt: skip
    display.ax_.scatter(*X.T, c=y, edgecolor="black", linewidth=0.6, s=22, **colours)
    display.figure_.set_size_inches(5.4, 3.8)
    return display
