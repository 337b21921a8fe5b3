"""Handwritten digits: dropout and weight decay that are held and then fall, and activations with a learnt mix.

Run it from anywhere: ``python examples/held_dropout.py``. It takes well under a minute.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import MLPClassifier
from fastnet.activations import Parametric
from fastnet.optimizers import AdamW

EPOCHS = 32
PLAIN = {"solver": AdamW(weight_decay=0.0), "activation": "selu"}
HELD = {**PLAIN, "solver": AdamW(weight_decay=0.1), "dropout": 0.3}
FALLING = {**HELD, "dropout_schedule": "flat_cosine", "decay_schedule": "flat_cosine"}
CANDIDATES = {
    "neither dropout nor decay": PLAIN,
    "both, all the time": HELD,
    "both, held for half of it, then falling": FALLING,
    "the same, with learnt activations": {**FALLING, "activation": Parametric("selu")},
}


def evaluate(parameters, X, y):
    """Accuracy and log loss, means over two times five folds, with the standard error of the second."""
    net = MLPClassifier((128, 128), alpha=0.0, learning_rate="one_cycle", learning_rate_init=0.01, batch_size=64,
                        max_iter=EPOCHS, n_iter_no_change=None, random_state=0, **parameters)  # fmt: skip
    scores = {"accuracy": [], "neg_log_loss": []}
    for seed in range(2):
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        pipeline = make_pipeline(StandardScaler(), net)
        result = cross_validate(pipeline, X, y, cv=folds, scoring=tuple(scores))
        for name, values in scores.items():
            values.extend(result[f"test_{name}"])
    losses = -np.array(scores["neg_log_loss"])
    return np.mean(scores["accuracy"]), losses.mean(), losses.std() / np.sqrt(len(losses))


def main():
    X, y = load_digits(return_X_y=True)
    print(f"Digits, two hidden layers of 128, {EPOCHS} epochs, ten held-out parts.")
    print(f"{'dropout and decay':42}{'accuracy':>9}{'log loss':>18}")
    for name, parameters in CANDIDATES.items():
        accuracy, loss, error = evaluate(parameters, X, y)
        print(f"{name:42}{accuracy:9.4f}{loss:10.4f} ± {error:.4f}")


if __name__ == "__main__":
    main()
