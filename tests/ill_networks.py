"""Networks with a known illness, each with what cures it, and healthy ones: as many of a kind as are asked for."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_classification,
    make_friedman1,
    make_moons,
)
from sklearn.preprocessing import StandardScaler

import fastnet
from fastnet.initializers import Initializer, Normal

CLASSES = ("digits", "cancer", "wine", "moons", "made")
NUMBERS = ("diabetes", "friedman", "waves")


@dataclass(frozen=True)
class Chaotic(Initializer):
    """So large that tanh is bounded and derivatives are not: Poole et al., "Exponential Expressivity in Deep Neural
    Networks through Transient Chaos", NeurIPS 2016."""

    gain: float = 3.0

    def weights(self, fan_in, fan_out, random_state):
        return random_state.normal(0.0, self.gain / np.sqrt(fan_in), (fan_in, fan_out))


def samples(name, seed=0):
    """Standardised X, and y: class numbers, or standardised numbers."""
    rng = np.random.default_rng(seed)
    if name == "waves":
        X = rng.uniform(-2, 2, (300, 2))
        y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
    elif name == "friedman":
        X, y = make_friedman1(300, 8, random_state=seed)
    elif name == "moons":
        X, y = make_moons(300, noise=0.15, random_state=seed)
    elif name == "made":
        X, y = make_classification(300, 15, n_informative=6, n_classes=3, random_state=seed)
    else:
        load = {"digits": load_digits, "cancer": load_breast_cancer, "wine": load_wine, "diabetes": load_diabetes}
        X, y = load[name](return_X_y=True)
        kept = rng.permutation(len(X))[:400]
        X, y = X[kept], y[kept]
    if name in NUMBERS:
        y = (y - y.mean()) / y.std()
    return StandardScaler().fit_transform(X), y


def noise(number):
    """X and y without any signal, and whether y are classes."""
    rng = np.random.default_rng(number)
    X = rng.normal(size=(60 + 20 * number, 1 + number))
    is_of_classes = number % 2 == 0
    return X, rng.integers(0, 2 + number % 4, len(X)) if is_of_classes else rng.normal(size=len(X)), is_of_classes


def network(name, seed, **parameters):
    """A network for samples of that name, with few epochs that need not end in convergence."""
    kind = fastnet.MLPClassifier if name in CLASSES else fastnet.MLPRegressor
    return kind(
        **{"hidden_layer_sizes": 40, "max_iter": 40, "n_iter_no_change": None, "random_state": seed, **parameters}
    )


def _case(illness, i):
    """Parameters of the i-th network with an illness, and cured ones."""
    even = i % 2 == 0
    slow = {"solver": "sgd" if even else "adam", "learning_rate_init": 1e-7 * 2.0 ** (i % 4)}
    chaotic = {"activation": "tanh", "hidden_layer_sizes": (30,) * (30 + i % 6), "init": Chaotic(),
               "output_init": "lecun_normal"}  # fmt: skip
    deep = {"hidden_layer_sizes": (40, 40, 40), "activation": "tanh" if i % 6 < 3 else "relu"}
    return {
        "rate too large": ({**deep, "learning_rate_init": 20.0 + 5 * i}, {**deep, "learning_rate_init": 3e-3}),
        "dead units": ({"bias_init": -20.0 - i}, {"bias_init": None}),
        "saturated units": (
            {"activation": "tanh" if even else "logistic", "init": Normal(20.0 + i), "hidden_layer_sizes": (30, 30)},
            {"activation": "tanh" if even else "logistic", "learning_rate_init": 0.01, "hidden_layer_sizes": (30, 30)},
        ),
        "vanishing gradients": (
            {"activation": "logistic", "hidden_layer_sizes": (20,) * (8 + i % 6)},
            {"activation": "relu", "normalization": "layer", "hidden_layer_sizes": (20,) * (8 + i % 6)},
        ),
        "exploding gradients": (chaotic, {**chaotic, "normalization": "layer"}),
        "penalty too large": ({"alpha": 3e3 * (1 + i)}, {"alpha": 1e-4}),
        "rate too small": (slow, {**slow, "learning_rate_init": 1e-2 if even else 1e-3}),
    }[illness]


ILLNESSES = (
    "rate too large", "dead units", "saturated units", "vanishing gradients", "exploding gradients",
    "penalty too large", "rate too small", "unscaled inputs", "unscaled targets",
)  # fmt: skip


# Samples on which it shows: two moons are told apart by a line, too, and wine and cancer by next to anything.
_SAMPLES = {
    "rate too large": ("digits", "moons", "made", *NUMBERS),
    "saturated units": (*CLASSES, "diabetes", "friedman"),
    "exploding gradients": ("digits", "made", "diabetes", "friedman"),
    "penalty too large": ("digits", "cancer", "made", "diabetes", "waves"),
    "rate too small": ("digits", "cancer", "wine", "made", "diabetes", "waves"),
    "unscaled inputs": ("digits", *NUMBERS),
    "unscaled targets": NUMBERS,
}


def ill(illness, i):
    """The i-th network with an illness, X and y to fit it on; a cured one, with X and y of its own."""
    names = _SAMPLES.get(illness, CLASSES + NUMBERS)
    name, seed = names[i % len(names)], i // len(names)
    X, y = samples(name, seed)
    if illness == "unscaled inputs":
        sizes = 10 ** np.random.default_rng(i).permutation(np.linspace(0, 6, X.shape[1]))
        net = network(name, seed, max_iter=30)
        return net, X * sizes, y, network(name, seed, max_iter=100), X, y
    if illness == "unscaled targets":
        far = y * 10.0 ** (2 + i % 3) + (0, 1000, 1e5)[i % 3]
        return network(name, seed), X, far, network(name, seed, target_scaling=True, max_iter=100), X, far
    wrong, right = _case(illness, i)
    return network(name, seed, **wrong), X, y, network(name, seed, **{"max_iter": 100, **right}), X, y


def healthy(i):
    """The i-th healthy network, X and y."""
    name, seed = (CLASSES + NUMBERS)[i % 8], i // 8
    choices = (
        {}, {"activation": "tanh"}, {"solver": "sgd", "learning_rate_init": 0.05}, {"hidden_layer_sizes": (50, 50)},
        {"activation": "gelu"}, {"hidden_layer_sizes": (30, 30, 30), "normalization": "layer"}, {"dropout": 0.2},
        {"solver": "lbfgs", "max_iter": 100}, {"activation": "logistic", "learning_rate_init": 0.01},
    )  # fmt: skip
    if name == "waves" and i % 9 == 5:
        choices = choices[:1] * 9  # two features are too few to normalise
    parameters = {"max_iter": 300 if name == "waves" else 100, **choices[i % 9]}
    if parameters.get("solver") != "lbfgs":
        parameters.setdefault("learning_rate_init", 0.003)
    return network(name, seed, **parameters), *samples(name, seed)
