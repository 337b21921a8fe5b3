"""A table of numbers and codes: the same network with and without feature layers.

Run it from anywhere: ``python examples/feature_layers.py``. It takes well under a minute.
"""

import time

import numpy as np
from sklearn.model_selection import train_test_split

from fastnet import MLPRegressor
from fastnet.features import PBLD, Cosine, Embedding, OneHot, PiecewiseLinear

NUMBERS, KIND, PLACE = [0, 1, 2, 3], 4, 5
CODES = [(OneHot(), KIND), (Embedding(4), PLACE)]
CANDIDATES = {
    "X as it is": (None, False),
    "codes only": (CODES, False),
    "PBLD": ([(PBLD(sigma=0.3), NUMBERS), *CODES], False),
    "PBLD, scaled": ([(PBLD(sigma=0.3), NUMBERS), *CODES], True),
    "Cosine, scaled": ([(Cosine(8, scale=0.3), NUMBERS), *CODES], True),
    "PiecewiseLinear": ([(PiecewiseLinear(16), NUMBERS), *CODES], False),
}


def table(n=6000):
    """Waves and a threshold in four numbers, and effects of 3 kinds and 200 places."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(n, 4)), rng.integers(0, 3, n), rng.integers(0, 200, n)])
    of_kind, of_place = np.array([-1.0, 0.0, 2.0]), rng.normal(size=200)
    y = np.sin(4 * X[:, 0]) * X[:, 1] + (X[:, 2] > 0.5) + of_kind[X[:, KIND].astype(int)]
    return X, y + of_place[X[:, PLACE].astype(int)] + 0.1 * rng.normal(size=n)


def main():
    X_train, X_test, y_train, y_test = train_test_split(*table(), random_state=0)
    print(f"{'features':<17} {'inputs':>6} {'R²':>6} {'seconds':>8}")
    for name, (features, input_scale) in CANDIDATES.items():
        net = MLPRegressor(
            hidden_layer_sizes=(128, 128), features=features, input_scale=input_scale, learning_rate="cosine",
            learning_rate_init=0.005, max_iter=40, n_iter_no_change=None, random_state=0,
        )  # fmt: skip
        start = time.perf_counter()
        net.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        print(f"{name:<17} {net.coefs_[0].shape[0]:>6} {net.score(X_test, y_test):>6.3f} {seconds:>8.2f}")


if __name__ == "__main__":
    main()
