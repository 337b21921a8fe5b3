"""Handwritten digits: networks of more and more hidden layers, plain, with skip connections and normalised.

Prints the accuracy on held-out images, and the size of the first layer's delta beside that of the last hidden layer
before training. Plain logistic networks that are deep do not learn, because it vanishes; tanh bears more, as its slope
is up to 1. Skips give deltas a way on which nothing multiplies them. Batch normalisation brings z of each unit into the
range where slopes are largest; that of layers leaves the units of a layer as different as they were, and does not save
deep logistic networks. Run it from anywhere: ``python examples/deep_networks.py``. It takes well under a minute.
"""

import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnet import MLPClassifier, inspect

WIDTH = 32
REMEDIES = {
    "none": {},
    "skips": {"residual": True},
    "batch": {"normalization": "batch"},
    "layer": {"normalization": "layer"},
    "skips, batch": {"residual": True, "normalization": "batch"},
}


def network(depth, **params):
    return MLPClassifier((WIDTH,) * depth, batch_size=50, learning_rate_init=0.01, random_state=0, **params)


def growth(depth, X, y, **params):
    """Size of the first layer's delta, divided by the last hidden layer's, in a network that is not trained yet."""
    net = network(depth, solver="sgd", **params).set_params(learning_rate_init=1e-12)
    first, *_, last, _ = inspect(net.partial_fit(X, y, classes=np.unique(y)), X, y).layers
    return np.linalg.norm(first.delta) / np.linalg.norm(last.delta)


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)  # all are trained for 40 epochs
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.3, stratify=y, random_state=0)
    print(f"Digits, hidden layers of {WIDTH} units, 40 epochs of momentum.")
    print(f"{'activation':12}{'hidden layers':>14}{'remedy':>14}{'first delta / last':>20}{'accuracy':>10}")
    for activation in ("logistic", "tanh"):
        for depth in (2, 10, 20):
            for name, remedy in REMEDIES.items():
                params = {"activation": activation, **remedy}
                net = network(depth, solver="sgd", max_iter=40, n_iter_no_change=np.inf, tol=0, **params).fit(X, y)
                ratio, score = growth(depth, X, y, **params), net.score(X_test, y_test)
                print(f"{activation:12}{depth:14}{name:>14}{ratio:20.1e}{score:10.3f}")


if __name__ == "__main__":
    main()
