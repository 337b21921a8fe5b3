"""Handwritten digits: look into a network, with all pictures of it in one file.

Run it from anywhere: ``python examples/pictures.py``. It takes a few seconds, needs matplotlib, and writes
``pictures.png`` and ``network.png`` into the folder where it is started.
"""

import matplotlib

matplotlib.use("agg")  # files only: no window is opened

import matplotlib.pyplot as plt  # noqa: E402
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastnet
from fastnet.inspection import (
    ActivationsDisplay,
    GradientFlowDisplay,
    LearningCurvesDisplay,
    NetworkDisplay,
    WeightsDisplay,
)


def main():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)
    net = fastnet.MLPClassifier((64, 32), early_stopping=True, learning_rate_init=0.003, random_state=0)
    net.fit(X_train, y_train)
    print(f"accuracy on new digits: {net.score(X_test, y_test):.3f}\n")
    print(net.summary(), end="\n\n")
    print(fastnet.inspect(net, X_test, y_test))

    # Each display takes axes of yours, and divides them where it has several panels.
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    LearningCurvesDisplay.from_estimator(net, ax=axes[0, 0])
    WeightsDisplay.from_estimator(net, ax=axes[0, 1])
    GradientFlowDisplay.from_estimator(net, X_test, y_test, ax=axes[1, 0])
    ActivationsDisplay.from_estimator(net, X_test, y_test, ax=axes[1, 1])
    figure.savefig("pictures.png")

    # The computation graph has a figure of its own, as large as the network is deep.
    NetworkDisplay.from_estimator(net, X_test, y_test).figure_.savefig("network.png", dpi=150)
    print("\nThe pictures are in pictures.png and network.png.")


if __name__ == "__main__":
    main()
