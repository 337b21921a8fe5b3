"""Trains random networks beside guard pages: ``python guarded_networks.py FIRST LAST SOLVERS``, a range of seeds."""

import sys
import warnings
from functools import partial
from itertools import pairwise
from unittest.mock import patch

import numpy as np
from guard_pages import beside_a_guard, dies, guarded
from problems import activations_in_turn
from scipy.sparse import csr_array

from fastnet import MLPClassifier, MLPRegressor
from fastnet.activations import ACTIVATIONS
from fastnet.engine.memory import workspace
from fastnet.features import PBLD, Cosine, Embedding, OneHot, PiecewiseLinear, Scale
from fastnet.kernels.memory import allocated_by
from fastnet.optimizers import OPTIMIZERS

SOLVERS = ["lbfgs", "sgd", "adam", "schedule_free_adamw"]
if sys.argv[-1] == "every_solver":
    SOLVERS = ["lbfgs", *OPTIMIZERS]


def maybe(rng, value, default):
    return value if rng.random() < 0.3 else default


def random_configuration(seed):
    rng = np.random.default_rng(seed)
    activation = activations_in_turn(seed, most=3)
    width = int(rng.integers(1, 41))
    hidden = [width if rng.random() < 0.4 else int(rng.integers(1, 41)) for _ in activation]
    rates = rng.uniform(0.1, 0.5, 8).round(2).tolist()
    parameters = dict(
        hidden_layer_sizes=hidden,
        activation=activation,
        solver=str(rng.choice(SOLVERS)),
        use_bias=bool(rng.random() < 0.8),
        alpha=maybe(rng, 0.1, 0.0),
        n_jobs=int(rng.integers(1, 3)),
        dtype=str(rng.choice(["float32", "float64"])),
        max_iter=2,
        tol=0.0,
        random_state=0,
    )
    solver = parameters["solver"]
    if hidden:
        kinds = [None, "batch"] if 1 in hidden else [None, "batch", "layer", "rms"]
        parameters.update(normalization=kinds[rng.integers(len(kinds))], freeze=maybe(rng, 1, 0))
    if len(hidden) > 1:
        parameters["residual"] = "projection" if rng.random() < 0.6 else any(a == b for a, b in pairwise(hidden))
    if solver not in ("lbfgs", "rprop"):
        parameters.update(
            dropout=maybe(rng, rates[0], 0.0) if hidden else 0.0,
            input_dropout=maybe(rng, rates[1], 0.0),
            drop_connect=maybe(rng, rates[2], 0.0),
            batch_size=maybe(rng, None, int(rng.integers(1, 50))),
            early_stopping=bool(maybe(rng, True, False)),
            **maybe(rng, {"clip_value": 0.1}, maybe(rng, {"clip_norm": 0.1}, {})),
        )
        if solver != "schedule_free_adamw":
            parameters.update(max_norm=maybe(rng, 0.5, None), ema_decay=maybe(rng, 0.9, None))
        if solver in ("sgd", "adam", "lbfgs"):
            parameters.update(l1_ratio=maybe(rng, 0.5, 0.0))
    n_samples, n_features, n_outputs = (int(rng.integers(*span)) for span in ((12, 60), (1, 41), (1, 71)))
    X = rng.normal(size=(n_samples, n_features)).astype(rng.choice(["float32", "float64"]))
    kind = str(rng.choice(["numbers", "classes", "labels", "columns"]))
    if kind == "numbers":
        y = rng.normal(size=(n_samples, n_outputs))
    elif kind == "classes":
        y = np.arange(n_samples) % min(n_outputs + 1, n_samples)
    elif kind == "labels":
        y = rng.integers(0, 2, (n_samples, n_outputs))
    else:
        y = rng.integers(0, 3, (n_samples, 1 + n_outputs // 4))
    weight = maybe(rng, rng.uniform(0.5, 2, n_samples), None)
    sparse = rng.random() < 0.3
    if sparse:
        X[rng.random(X.shape) < 0.8] = 0
        X = csr_array(X)
    else:
        if rng.random() < 0.2:
            X = np.asfortranarray(X)
        if solver not in ("lbfgs", "rprop"):
            parameters["input_noise"] = maybe(rng, 0.1, 0.0)
    rows = int(rng.integers(8, 33)) if rng.random() < 0.5 else 1024
    if not sparse and rng.random() < 0.5:
        parameters.update(random_features(rng, X, parameters))
    return (MLPRegressor if kind == "numbers" else MLPClassifier), parameters, X, y, weight, rows


def random_features(rng, X, parameters):
    """Feature layers of some columns; the last one then holds codes, of which some are no level."""
    numeric = [Scale(), PBLD(int(rng.integers(1, 20)), int(rng.integers(2, 9))), Cosine(int(rng.integers(2, 40))),
               PiecewiseLinear(int(rng.integers(1, 40)))]  # fmt: skip
    pairs = [(numeric[rng.integers(4)], sorted({0, X.shape[1] // 2}))]
    whole = ("clip_norm", "ema_decay", "input_dropout", "input_noise")  # change codes, or need all rows of a table
    if parameters["solver"] != "schedule_free_adamw" and not any(parameters.get(name) for name in whole):
        X[:, -1] = rng.integers(-1, 9, len(X))
        pairs.append((Embedding(int(rng.integers(1, 40)), 8) if rng.random() < 0.7 else OneHot(8), -1))
    return {"features": pairs, "input_scale": bool(rng.random() < 0.5)}


def at_guard(a, at_end):
    if not isinstance(a, np.ndarray):
        result = a.copy()
        result.data, result.indices, result.indptr = (
            beside_a_guard(part, at_end) for part in (a.data, a.indices, a.indptr)
        )
        return result
    return beside_a_guard(a, at_end)


def results(estimator, X, y, weight, place=lambda array: array):
    """Bits of what is trained and predicted; for predictions the parameters lie where `place` puts them."""
    estimator.fit(X, y, weight)
    parameters = [*estimator.coefs_, *estimator.intercepts_, *getattr(estimator, "projections_", ())]
    parameters += [a for own in getattr(estimator, "features_", None) or () for many in own.values() for a in many]
    left = [array for array in parameters if array is not None]
    for name in ("coefs_", "intercepts_"):
        setattr(estimator, name, [place(array) for array in getattr(estimator, name)])
    left += [np.asarray(estimator.predict(rows)) for rows in (X, X[:1])]
    if estimator.solver not in ("lbfgs", "rprop") and not estimator.early_stopping:
        left += estimator.partial_fit(X, y, weight).coefs_
    return [array.tobytes() for array in left]


def check_guards():
    """The guards work."""
    array = beside_a_guard(np.arange(3.0))
    assert dies(array.ctypes.data + array.nbytes) and not dies(array.ctypes.data + array.nbytes - 1)
    array = beside_a_guard(np.arange(3.0), at_end=False)
    assert dies(array.ctypes.data - 1) and not dies(array.ctypes.data)


def main(first, last):
    warnings.simplefilter("ignore")
    check_guards()
    trained, activations = 0, set()
    for seed in range(first, last):
        cls, parameters, X, y, weight, rows = random_configuration(seed)
        print(seed, cls.__name__, parameters, X.shape, y.shape, rows, flush=True)
        with patch.object(workspace, "MAX_ROWS", rows):  # so that mini-batches run in chunks
            try:
                expected = results(cls(**parameters), X, y, weight)
            except ValueError as error:
                print("refused:", error)
                continue
            trained += 1
            activations.update(parameters["activation"])
            for at_end in (True, False):
                place = partial(at_guard, at_end=at_end)
                with allocated_by(partial(guarded, at_end=at_end)):
                    given = place(X), place(y), None if weight is None else place(weight)
                    assert results(cls(**parameters), *given, place) == expected, at_end
    assert activations == set(ACTIVATIONS), set(ACTIVATIONS) - activations
    print("trained", trained)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
