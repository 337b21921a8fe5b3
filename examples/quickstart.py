"""Handwritten digits: a pipeline, a grid search, and scikit-learn's own network on the same split and seed.

Run it from anywhere: ``python examples/quickstart.py``. It takes well under a minute.
"""

import os
import statistics
import time

import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import fastnet
from fastnet import MLPClassifier

PICTURE = "learning_curve.png"


def pipeline(classifier):
    return Pipeline([("scale", StandardScaler()), ("net", classifier)])


def prepare():
    """Fit a tiny network, so that compiling is not counted as training below."""
    print("First fit, which compiles the engine or loads it from the cache ... ", end="", flush=True)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((300, 4)), rng.integers(3, size=300)
    start = time.perf_counter()
    MLPClassifier((5,)).partial_fit(X, y, classes=[0, 1, 2]).predict(X)
    print(f"{time.perf_counter() - start:.2f} s.")


def search(X, y):
    grid = {"net__hidden_layer_sizes": [(50,), (100,), (100, 50)], "net__alpha": [1e-4, 1e-1]}
    print("Grid search: 6 networks, 3 folds, then the best one on all the data ... ", end="", flush=True)
    net = MLPClassifier(learning_rate_init=0.005, random_state=0)
    start = time.perf_counter()
    found = GridSearchCV(pipeline(net), grid, cv=3).fit(X, y)
    print(f"{time.perf_counter() - start:.1f} s.")
    best = ", ".join(f"{name.removeprefix('net__')}={value}" for name, value in found.best_params_.items())
    print(f"Best: {best}; cross-validated accuracy {found.best_score_:.3f}.")
    return found


def compare(models, X_train, y_train, X_test, y_test, rounds=3):
    """Train the models in turn, several rounds; print test accuracy and median training time, and return the latter.

    One thread each: more hardly pay off for a network this small, and on a machine with other work threads that
    wait for each other measure that work.
    """
    print(f"The same network, split and seed, trained by both, {rounds} times in turn, on one thread each")
    print("(fastnet computes in float32, its default for mini-batches; scikit-learn in float64, the type of X):")
    seconds = {name: [] for name in models}
    for _ in range(rounds):
        for name, model in models.items():
            start = time.perf_counter()
            with threadpool_limits(1):  # of the BLAS that scikit-learn calls
                model.fit(X_train, y_train)
            seconds[name].append(time.perf_counter() - start)
    print(f"  {'':14}test accuracy   training time (median)   epochs")
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    for name, model in models.items():
        accuracy = model.score(X_test, y_test)
        print(f"  {name:14}{accuracy:13.4f}   {medians[name]:20.3f} s   {model['net'].n_iter_:6}")
    return medians


def plot(models, medians):
    """Draw the loss over the seconds of training: over the epochs the two curves would lie on each other."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("No learning curve: matplotlib is not installed (pip install matplotlib).")
        return
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for (name, model), color in zip(models.items(), ["#0072b2", "#d55e00"], strict=True):
        curve = model["net"].loss_curve_
        seconds = np.linspace(0, medians[name], len(curve) + 1)[1:]  # an epoch takes as long as any other
        axes.semilogy(seconds, curve, color=color, linewidth=2)
        label = f"{name}: {len(curve)} epochs in {medians[name]:.2f} s"
        axes.plot(seconds[-1], curve[-1], "o", color=color, label=label)
    axes.set(
        xlabel="seconds of training, shared out evenly among epochs",
        ylabel="training loss",
        title="Digits: loss and time of the same network",
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=150)
    print(f"Learning curve saved in {os.path.abspath(PICTURE)}")


def main():
    print(f"fastnet {fastnet.__version__} and scikit-learn {sklearn.__version__}.")
    prepare()
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    print(f"Digits: {len(X_train)} images to train on, {len(X_test)} to test on, {X.shape[1]} pixels each.")

    found = search(X_train, y_train)
    ours = clone(found.best_estimator_).set_params(net__n_jobs=1)
    net = ours["net"]
    theirs = pipeline(
        SklearnMLPClassifier(
            net.hidden_layer_sizes,
            alpha=net.alpha,
            learning_rate_init=net.learning_rate_init,
            random_state=net.random_state,
        )
    )
    models = {"fastnet": ours, "scikit-learn": theirs}
    plot(models, compare(models, X_train, y_train, X_test, y_test))


if __name__ == "__main__":
    main()
