"""Handwritten digits: a training whose process is killed goes on in another one, to the same weights.

Run it from anywhere: ``python examples/checkpoints.py``. It takes a few seconds.
"""

import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from fastnet import Checkpoint, MLPClassifier, resume


def make_network(path):
    return MLPClassifier(
        hidden_layer_sizes=(128, 128), max_iter=300, n_iter_no_change=None, learning_rate="cosine", dropout=0.2,
        random_state=0, callbacks=Checkpoint(path, every=5),
    )  # fmt: skip


def train(path):
    X, y = load_digits(return_X_y=True)
    make_network(path).fit(X / 16, y)


def main():
    X, y = load_digits(return_X_y=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "training.npz")
        process = multiprocessing.get_context("spawn").Process(target=train, args=[path])
        process.start()
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
        process.join()
        print(f"The process was killed. It left {path.name}, of {path.stat().st_size / 2**20:.1f} MiB.")

        net = resume(path, X / 16, y)
        print(f"Another one went on to epoch {net.n_iter_}: accuracy {net.score(X / 16, y):.4f}.")
        whole = make_network(Path(folder, "whole.npz")).fit(X / 16, y)
        same = all(np.array_equal(a, b) for a, b in zip(net.coefs_, whole.coefs_, strict=True))
        print(f"The weights are those of a training without interruption, bit for bit: {same}.")


if __name__ == "__main__":
    main()
