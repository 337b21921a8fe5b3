"""Transfer learning: a network that knows the ten digits helps another one to tell odd from even.

The first network learns the digits from half of the images. The second one sees the labels odd and even of a few images
of the other half: it begins with the hidden layer of the first one and leaves it as it is (``freeze=1``), so that
only its output layer has to be learned. Run it from anywhere: ``python examples/transfer_learning.py``. It takes a few
seconds.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, ShuffleSplit, train_test_split

from fastnet import MLPClassifier

HIDDEN = (40,)
REPEATS = 8


def main():
    X, digit = load_digits(return_X_y=True)
    X_old, X, digit_old, digit = train_test_split(X / 16, digit, test_size=0.5, stratify=digit, random_state=0)
    odd = digit % 2

    teacher = MLPClassifier(HIDDEN, max_iter=500, learning_rate_init=0.005, random_state=0)
    teacher.fit(X_old, digit_old)
    print(f"A network of {HIDDEN[0]} hidden units knows the digits: accuracy {teacher.score(X, digit):.3f}.")

    # Grid search clones what it is given, and a clone is not fitted: FrozenEstimator keeps the weights.
    source = FrozenEstimator(teacher)
    models = {
        "from scratch": {},
        "begins with its layer": {"init": source},
        "freezes it": {"init": source, "freeze": 1},
    }
    print(f"Odd or even, learned from a few images; mean accuracy on the others, {REPEATS} times:")
    print(f"  {'':24}" + "".join(f"{n:>8}" for n in (20, 40, 100)) + "  images")
    for name, params in models.items():
        means = []
        for n in (20, 40, 100):
            scores = []
            for few, others in ShuffleSplit(REPEATS, train_size=n, random_state=0).split(X):
                net = MLPClassifier(HIDDEN, solver="lbfgs", alpha=0.3, max_iter=2000, random_state=0, **params)
                scores.append(net.fit(X[few], odd[few]).score(X[others], odd[others]))
            means.append(np.mean(scores))
        print(f"  {name:24}" + "".join(f"{mean:8.3f}" for mean in means))

    few = np.arange(40)
    net = MLPClassifier(HIDDEN, solver="lbfgs", alpha=0.3, max_iter=2000, random_state=0, init=source)
    found = GridSearchCV(net, {"freeze": [0, 1], "alpha": [0.01, 0.1, 1.0]}, cv=4).fit(X[few], odd[few])
    best = found.best_estimator_
    kept = np.array_equal(best.coefs_[0], teacher.coefs_[0].astype(best.coefs_[0].dtype))
    print(f"A grid search on 40 images chooses {found.best_params_}.")
    print(f"Layers taken: {best.n_transferred_layers_}; weights of the first one as they were: {kept}.")


if __name__ == "__main__":
    main()
