"""The networks that are measured, their data and their initial weights."""

import numpy as np

# units of the layers, batch, rows
SHAPES = {
    "20-64-10, 32": ((20, 64, 10), 32, 10_000),
    "64-100-10, 200": ((64, 100, 10), 200, 10_000),
    "64-256-256-10, 256": ((64, 256, 256, 10), 256, 10_000),
    "784-256-128-10, 256": ((784, 256, 128, 10), 256, 10_000),
    "784-1024-1024-10, 256": ((784, 1024, 1024, 10), 256, 10_000),
    "54-512-512-512-7, 1024": ((54, 512, 512, 512, 7), 1024, 10_000),
    "300-4096-4096-7, 512": ((300, 4096, 4096, 7), 512, 2_048),
}


def glorot(sizes, random_state, dtype, activation="relu"):
    """The estimators' own initial weights and biases."""
    from fastnet.network.draws import initialize
    from fastnet.network.initializers import INITIALIZERS
    from fastnet.ops.activations import ACTIVATIONS

    activations = [ACTIVATIONS[activation]] * (len(sizes) - 1)
    return initialize(sizes, activations, INITIALIZERS["glorot_uniform"], None, random_state, dtype)


class Problem:
    """Random inputs, and the classes that a random linear map gives them.

    Parameters
    ----------
    sizes : tuple of int
        Units of the layers.
    batch : int
        Rows of a mini-batch.
    rows : int
        Rows in all.
    """

    def __init__(self, sizes, batch, rows):
        rng = np.random.default_rng(0)
        self.sizes, self.batch, self.rows = sizes, batch, rows
        self.X = rng.standard_normal((rows, sizes[0]), dtype=np.float32)
        self.y = np.argmax(self.X @ rng.standard_normal((sizes[0], sizes[-1]), dtype=np.float32), axis=1)

    def weights(self):
        """The estimators' own initial weights and biases."""
        return glorot(self.sizes, np.random.RandomState(0), np.float32)
