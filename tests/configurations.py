"""About sixty small fits that between them use every option of the trainer, and digests of what they learn.

``python configurations.py`` prints a digest of each as JSON: two checkouts, or two paths of one, compare by it.
"""

import hashlib
import json
import sys
import warnings

import numpy as np
from scipy.sparse import csr_array

from fastnet import MLPClassifier, MLPRegressor
from fastnet.activations import HardSigmoid, PReLU
from fastnet.losses import Huber, LogLoss, Quantile
from fastnet.optimizers import SGD, AdamW
from fastnet.schedules import ReduceOnPlateau

N_SAMPLES, N_FEATURES = 97, 13
_COMMON = {"hidden_layer_sizes": (21, 21), "max_iter": 5, "batch_size": 20, "random_state": 0, "tol": 0.0}


def _regressions():
    """Parameters of regressors, by name."""
    for solver in (
        "sgd", "adam", "adamw", "amsgrad", "adamax", "nadam", "adagrad", "adadelta", "rmsprop", "lion",
        "schedule_free_adamw",
    ):  # fmt: skip
        yield f"solver {solver}", {"solver": solver}
    yield "solver rprop", {"solver": "rprop", "batch_size": None}
    yield "momentum averaged", {"solver": SGD(averaged=True)}
    yield "decoupled decay", {"solver": AdamW(weight_decay=0.1)}
    for activation in (
        "identity", "logistic", "tanh", "sine", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus",
    ):  # fmt: skip
        yield f"activation {activation}", {"activation": activation}
    yield "activations of layers", {"activation": [PReLU(), HardSigmoid(0.25)]}
    for normalization in ("batch", "layer", "rms"):
        for residual in (False, True, "projection"):
            yield (
                f"{normalization} residual {residual}",
                {"normalization": normalization, "residual": residual, "hidden_layer_sizes": (21, 21, 9)},
            )
    yield "batch, early stopping", {"normalization": "batch", "early_stopping": True}
    yield "dropout", {"dropout": [0.2, 0.4], "input_dropout": 0.1}
    yield "drop-connect", {"drop_connect": 0.3, "n_jobs": 2}
    yield "input noise", {"input_noise": 0.3}
    yield "all noise", {"dropout": 0.2, "input_dropout": 0.1, "drop_connect": 0.3, "input_noise": 0.1}
    yield "clipped values", {"clip_value": 0.01}
    yield "clipped norm", {"clip_norm": 0.1, "alpha": 0.5, "l1_ratio": 0.3}
    yield "bounded norms", {"max_norm": 0.5, "residual": "projection", "hidden_layer_sizes": (21, 9)}
    yield "average", {"ema_decay": 0.9, "clip_norm": 1.0, "normalization": "batch"}
    yield "L1 and L2", {"alpha": [0.1, 0.0, 2.0], "l1_ratio": 0.5}
    yield "frozen", {"freeze": 1, "use_bias": False}
    yield "early stopping", {"early_stopping": True, "n_iter_no_change": 2}
    yield "early stopping by loss", {"early_stopping": True, "scoring": "loss", "validation_split": "last"}
    yield "plateau", {"learning_rate": ReduceOnPlateau(patience=0), "solver": "sgd"}
    yield "one cycle", {"learning_rate": "one_cycle"}
    yield "warm-up, cosine", {"learning_rate": "cosine", "warmup": 2}
    yield "inverse scaling", {"learning_rate": "invscaling", "solver": "sgd"}
    yield "no hidden layer", {"hidden_layer_sizes": ()}
    yield "wide batch", {"batch_size": 97, "n_jobs": 2}
    yield "full batch, unshuffled", {"batch_size": None, "shuffle": False}
    yield "Huber", {"loss": Huber(0.5)}
    yield "quantile", {"loss": Quantile(0.9)}
    yield "orthogonal", {"init": "orthogonal"}
    yield "lbfgs", {"solver": "lbfgs"}
    yield "lbfgs L1", {"solver": "lbfgs", "alpha": 0.5, "l1_ratio": 0.5, "normalization": "layer"}


def _classifications():
    """Parameters of classifiers and the number of their classes, by name; 0 for several labels."""
    yield "two classes", {}, 2
    yield "seven classes", {"loss": LogLoss(label_smoothing=0.1)}, 7
    yield "twelve classes", {}, 12
    yield "twenty classes, projections", {"residual": "projection", "hidden_layer_sizes": (21, 9)}, 20
    yield "hinge", {"loss": "hinge"}, 5
    yield "several labels", {"loss": LogLoss(focal_gamma=2.0)}, 0
    yield "balanced", {"class_weight": "balanced", "early_stopping": True}, 3


def _data(dtype, sparse):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((N_SAMPLES, N_FEATURES))
    numbers = X[:, :1] + 0.5 * np.abs(X[:, 1:4]) + 0.1 * rng.standard_normal((N_SAMPLES, 3))
    weight = rng.uniform(0.5, 2.0, N_SAMPLES)
    if sparse:
        X = csr_array(np.where(rng.uniform(size=X.shape) < 0.1, X, 0.0))
    return X.astype(dtype), numbers, weight


SPARSE = (
    ("sparse", {}),
    ("sparse, input dropout", {"input_dropout": 0.2, "n_jobs": 2}),
    ("sparse, batch", {"normalization": "batch", "residual": "projection", "hidden_layer_sizes": (21, 9)}),
    ("sparse, layer", {"normalization": "layer", "early_stopping": True}),
)


def configurations():
    """All of them.

    Returns
    -------
    dict
        Of each name an estimator, X, y and the sample weights or None.
    """
    found = {}
    for number, (name, changed) in enumerate(_regressions()):
        dtype = ("float32", "float64")[number % 2]
        X, y, weight = _data(dtype, sparse=False)
        net = MLPRegressor(**{**_COMMON, "dtype": dtype, **changed})
        found[name] = net, X, y if number % 3 else y[:, 0], weight if number % 4 == 0 else None
    for name, changed, n_classes in _classifications():
        X, numbers, _ = _data("float32", sparse=False)
        y = (numbers > 0.5).astype(int) if n_classes == 0 else np.arange(N_SAMPLES) % n_classes
        found[name] = MLPClassifier(**{**_COMMON, **changed}), X, y, None
    for dtype in ("float32", "float64"):
        for name, changed in SPARSE:
            X, y, weight = _data(dtype, sparse=True)
            found[f"{name}, {dtype}"] = MLPRegressor(**{**_COMMON, "dtype": dtype, **changed}), X, y, weight
    return found


def uses_blas(estimator):
    """Whether BLAS or LAPACK, whose bits differ from machine to machine, have a part in what is learnt."""
    return estimator.solver == "lbfgs" or estimator.init == "orthogonal"


def digest(estimator):
    """Digest of the fitted parameters."""
    result = hashlib.sha256()
    for name in ("coefs_", "intercepts_", "projections_", "slopes_", "gains_", "means_", "variances_"):
        for array in getattr(estimator, name, ()):
            if array is not None:
                result.update(array.tobytes())
    return result.hexdigest()[:16]


def digests():
    """Of each configuration: the digest of a fit, of a partial fit after it, and of a warm start after it."""
    found = {}
    for name, (net, X, y, weight) in configurations().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found[name] = [digest(net.fit(X, y, weight))]
            found[name].append(digest(net.set_params(warm_start=True).fit(X, y, weight)))
            if net.solver not in ("lbfgs", "rprop") and not net.early_stopping:
                found[name].append(digest(net.partial_fit(X, y, weight)))
    return found


if __name__ == "__main__":
    json.dump(digests(), sys.stdout, indent=1)
