"""Handwritten digits: a training that is watched, epoch by epoch and layer by layer.

Run it from anywhere: ``python examples/watch.py``. It takes a few seconds.
"""

import tempfile
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastnet import MLPClassifier
from fastnet.callbacks import Callback, CSVLogger, EarlyStopping, LayerStatistics, Snapshots


class SlowDown(Callback):
    """Halves the learning rate where the loss on the validation samples has grown: a callback of one's own."""

    def on_epoch_end(self, trainer):
        losses = trainer.history["validation_loss"]
        if len(losses) > 1 and losses[-1] > losses[-2]:
            trainer.rate /= 2


def main():
    X, y = load_digits(return_X_y=True)
    X, X_val, y, y_val = train_test_split(X / 16, y, test_size=0.3, stratify=y, random_state=0)
    own = {"X_val": X_val, "y_val": y_val}
    common = {"hidden_layer_sizes": (64, 64), "learning_rate_init": 0.01, "max_iter": 40, "random_state": 0}

    print("A table of the epochs; training stops when the loss on the validation samples does.\n")
    stop = EarlyStopping("validation_loss", patience=5, restore_best=True)
    net = MLPClassifier(**common, verbose="table", callbacks=[SlowDown(), stop], scoring=["accuracy", "neg_log_loss"])
    net.fit(X, y, **own)
    print(f"\nAccuracy on the validation samples: {net.score(X_val, y_val):.4f}")

    print("\nNetworks of ten hidden layers: how long the gradient is in the first and in the last layer of weights,")
    print("and how many units of the first hidden layer are dead or saturated. The logistic one does not")
    print("learn, because its gradients vanish, and fastnet warns of it.\n")
    print(f"{'activation':>10}{'epoch':>7}{'first':>11}{'last':>11}{'dead':>8}{'saturated':>11}")
    deep = common | {"hidden_layer_sizes": (32,) * 10, "max_iter": 10, "n_iter_no_change": None}
    for activation in ("logistic", "relu"):
        net = MLPClassifier(**deep, activation=activation, callbacks=LayerStatistics(every=9)).fit(X, y)
        for epoch, row in net.history_.to_frame().dropna().iterrows():
            shares = f"{row['dead_0']:8.2f}{row['saturated_0']:11.2f}"
            print(f"{activation:>10}{epoch:7}{row['gradient_norm_0']:11.1e}{row['gradient_norm_10']:11.1e}{shares}")

    print("\nAccuracy on the validation samples, on the way:\n")
    net = MLPClassifier(**common, n_iter_no_change=None, callbacks=Snapshots(every=10)).fit(X, y)
    for n_epochs, labels in zip(range(10, 41, 10), net.staged_predict(X_val), strict=True):
        print(f"{n_epochs:4} epochs {(labels == y_val).mean():.4f}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "training.csv")
        MLPClassifier(**common, early_stopping=True, callbacks=CSVLogger(path)).fit(X, y)
        print("\nThe first rows of a file that CSVLogger wrote:\n")
        print("".join(path.open().readlines()[:3]))


if __name__ == "__main__":
    main()
