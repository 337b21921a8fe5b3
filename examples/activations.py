"""Handwritten digits: one network with each activation, compared by cross-validation.

Run it from anywhere: ``python examples/activations.py``. It takes well under a minute.
"""

import time

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import MLPClassifier
from fastnet.activations import ACTIVATIONS, ELU, GELU, LeakyReLU, Sine

HIDDEN = (64, 64, 64)
# Every name, some objects with other parameters, and one activation for each layer.
CANDIDATES = [
    *ACTIVATIONS,
    LeakyReLU(slope=0.2),
    ELU(alpha=0.5),
    GELU(approximate="tanh"),
    Sine(frequency=0.5),
    ["tanh", "relu", LeakyReLU(0.2)],
]


def evaluate(activation, X, y):
    """Accuracies and epochs over the folds, and the seconds they took."""
    net = MLPClassifier(HIDDEN, activation=activation, learning_rate_init=0.003, early_stopping=True, random_state=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    start = time.perf_counter()
    result = cross_validate(make_pipeline(StandardScaler(), net), X, y, cv=folds, return_estimator=True)
    seconds = time.perf_counter() - start
    epochs = [pipeline[-1].n_iter_ for pipeline in result["estimator"]]
    return result["test_score"], epochs, seconds


def main():
    X, y = load_digits(return_X_y=True)
    print(f"Digits, hidden layers of {HIDDEN}, five folds. The first fit with an activation compiles it.")
    print(f"{'activation':38}{'accuracy':>18}{'epochs':>9}{'seconds':>9}")
    results = [(activation, *evaluate(activation, X, y)) for activation in CANDIDATES]
    for activation, scores, epochs, seconds in sorted(results, key=lambda result: -result[1].mean()):
        mean_epochs = sum(epochs) / len(epochs)
        print(f"{activation!s:38}{scores.mean():10.4f} ± {scores.std():.4f}{mean_epochs:9.0f}{seconds:9.2f}")


if __name__ == "__main__":
    main()
