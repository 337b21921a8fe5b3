"""Legal values of every parameter of the estimators, as the documentation gives them."""

import numpy as np
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold, ShuffleSplit, TimeSeriesSplit
from sklearn.neural_network import MLPRegressor as TheirRegressor

from fastnet import MLPClassifier, activations, features, initializers, losses, optimizers, schedules
from fastnet.callbacks import LayerStatistics, Snapshots


def reals(low, high, *ends):
    """Floats in [low, high] or one of the ends, some as scalars of NumPy."""
    plain = st.one_of(st.floats(low, high, allow_subnormal=False), st.sampled_from([low, high, *ends]))
    return st.one_of(plain, plain.map(np.float64))


BELOW_ONE = reals(0.0, 0.99)
INNER = reals(0.01, 0.99)  # between 0 and 1, ends excluded
EPSILON = reals(1e-12, 0.1)

ACTIVATIONS = st.one_of(
    st.sampled_from(sorted(activations.ACTIVATIONS)),
    st.builds(activations.ELU, alpha=reals(0.1, 3.0)),
    st.builds(activations.GELU, approximate=st.sampled_from(["none", "tanh"])),
    st.builds(activations.HardSigmoid, slope=reals(0.01, 2.0)),
    st.builds(activations.LeakyReLU, slope=reals(0.001, 2.0)),
    st.builds(
        activations.Parametric,
        activation=st.sampled_from(["relu", "mish", activations.ELU(0.5)]), alpha=reals(-1.0, 2.0),
        rate=reals(0.0, 2.0),
    ),  # fmt: skip
    st.builds(activations.PReLU, slope=reals(-1.0, 2.0)),
    st.builds(activations.Sine, frequency=reals(0.1, 30.0)),
)
CLASSIFIER_LOSSES = st.one_of(
    st.sampled_from(["log_loss", "hinge", "squared_hinge", "perceptron"]),
    st.builds(losses.LogLoss, label_smoothing=BELOW_ONE, focal_gamma=reals(0.0, 5.0)),
)
REGRESSOR_LOSSES = st.one_of(
    st.sampled_from(["squared_error", "absolute_error", "huber", "log_cosh", "quantile"]),
    st.sampled_from(["poisson", "gamma", "tweedie"]),
    st.builds(losses.Huber, delta=reals(0.01, 10.0)),
    st.builds(losses.Quantile, quantile=INNER),
    st.builds(losses.Tweedie, power=reals(1.01, 1.99)),
    st.sampled_from(["quantiles", losses.Quantiles((0.5,)), losses.Quantiles((0.1, 0.2, 0.7, 0.9))]),
    st.builds(losses.GaussianNLL, min_variance=reals(1e-9, 10.0)),
)
POSITIVE_LOSSES = ("poisson", "gamma", "tweedie", losses.Poisson(), losses.Gamma())
_MOMENTS = {"beta_1": BELOW_ONE, "beta_2": BELOW_ONE, "epsilon": EPSILON}
OPTIMIZERS = st.one_of(
    st.sampled_from(sorted(optimizers.OPTIMIZERS)),
    st.builds(optimizers.Adam, **_MOMENTS),
    st.builds(optimizers.AMSGrad, **_MOMENTS),
    st.builds(optimizers.AdaMax, **_MOMENTS),
    st.builds(optimizers.NAdam, **_MOMENTS, momentum_decay=reals(0.0, 1.0)),
    st.builds(optimizers.AdamW, **_MOMENTS, weight_decay=reals(0.0, 1.0)),
    st.builds(optimizers.ScheduleFreeAdamW, **{**_MOMENTS, "beta_1": INNER}, weight_decay=reals(0.0, 1.0)),
    st.builds(optimizers.Lion, beta_1=BELOW_ONE, beta_2=BELOW_ONE, weight_decay=reals(0.0, 1.0)),
    st.builds(optimizers.AdaGrad, epsilon=EPSILON),
    st.builds(optimizers.Adadelta, rho=BELOW_ONE, epsilon=EPSILON),
    st.builds(optimizers.RMSProp, rho=BELOW_ONE, epsilon=EPSILON, momentum=BELOW_ONE, centred=st.booleans()),
    st.builds(optimizers.SGD, momentum=BELOW_ONE, nesterov=st.booleans(), averaged=st.booleans()),
    st.builds(optimizers.Rprop, shrink=INNER, grow=reals(1.1, 3.0), smallest=reals(1e-9, 1e-3), largest=reals(1, 99)),
)


def _square(progress):
    return (1.0 - progress) ** 2


SCHEDULES = st.one_of(
    st.sampled_from([*sorted(schedules.SCHEDULES), _square]),
    st.builds(schedules.InverseScaling, power_t=reals(0.0, 3.0)),
    st.builds(schedules.ReduceOnPlateau, factor=INNER, patience=st.integers(0, 5), smallest=reals(0.0, 0.1)),
    st.builds(schedules.Step, epochs=st.integers(1, 5), factor=INNER),
    st.builds(schedules.Exponential, decay=reals(0.01, 1.0)),
    st.builds(schedules.Cosine, end=reals(0.0, 1.0), cycles=st.integers(1, 9), lengthening=reals(0.1, 5.0)),
    st.builds(schedules.FlatCosine, flat=BELOW_ONE, end=reals(0.0, 1.0)),
    st.builds(schedules.OneCycle, peak_at=INNER, start=reals(0.0, 1.0), end=reals(0.0, 1.0)),
    st.builds(schedules.MultiCosine, cycles=st.integers(1, 9)),
)
_fitted = {}


def fitted_network(which):
    """One of the fitted networks that ``init`` may be; each is fitted once."""
    if not _fitted:
        X, y = make_classification(40, 4, n_informative=3, n_redundant=0, random_state=0)
        plain = {"max_iter": 2, "random_state": 0, "n_iter_no_change": None}
        net = MLPClassifier((5, 5), **plain).fit(X, y)
        theirs = TheirRegressor(hidden_layer_sizes=(5,), solver="lbfgs", tol=1e9, random_state=0).fit(X, y)
        rich = MLPClassifier((5, 3), "prelu", normalization="batch", residual="projection", **plain).fit(X, y)
        _fitted.update(net=net, theirs=theirs, rich=rich, frozen=FrozenEstimator(net))
    return _fitted[which]


INITIALIZERS = st.one_of(
    st.sampled_from(sorted(initializers.INITIALIZERS)),
    st.builds(initializers.Constant, value=reals(-1.0, 1.0)),
    st.builds(initializers.HeNormal, slope=reals(-1.0, 1.0)),
    st.builds(initializers.HeUniform, slope=reals(-1.0, 1.0)),
    st.builds(initializers.Normal, scale=reals(0.001, 1.0)),
    st.builds(initializers.TruncatedNormal, scale=reals(0.001, 1.0), cut=reals(0.01, 5.0)),
    st.builds(initializers.DataDependent, initializer=st.sampled_from(["he_normal", initializers.Normal(0.5)])),
    st.builds(initializers.Uniform, bound=reals(0.001, 1.0)),
    st.builds(initializers.Orthogonal, gain=reals(0.1, 3.0)),
    st.sampled_from(["net", "theirs", "rich", "frozen"]).map(fitted_network),
)
_NUMERIC = st.one_of(
    st.builds(features.Scale, rate_factor=reals(0.1, 10.0)),
    st.builds(features.PBLD, n_frequencies=st.integers(1, 20), n_outputs=st.integers(2, 9), sigma=reals(0.01, 10.0)),
    st.builds(features.Cosine, n_outputs=st.integers(2, 20), scale=reals(0.01, 10.0)),
    st.builds(features.PiecewiseLinear, n_bins=st.integers(1, 20)),
)
_OF_CODES = st.one_of(
    st.builds(features.Embedding, n_outputs=st.integers(1, 9), n_levels=st.integers(1, 20), scale=reals(0.01, 1.0)),
    st.builds(features.OneHot, n_levels=st.integers(0, 20)),
)
# Every table has a first and a last column; they may be one.
_PAIR = st.tuples(_NUMERIC | _OF_CODES, st.sampled_from([0, -1, [0]]))
FEATURES = st.one_of(st.just(None), _NUMERIC, st.lists(_PAIR, min_size=1, max_size=3))
HIDDEN = st.one_of(
    st.integers(1, 40),
    st.just(()),
    st.lists(st.integers(1, 40), min_size=1, max_size=3),
    st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple),
    st.lists(st.integers(1, 40), min_size=1, max_size=3).map(np.array),
    st.builds(lambda width, depth: (width,) * depth, st.integers(1, 20), st.integers(1, 4)),
)


def n_hidden(hidden_layer_sizes):
    """The number of hidden layers."""
    return np.size(hidden_layer_sizes)


def _first_feature(estimator, X, y, sample_weight=None):
    return float(np.mean(estimator.predict(X) == y))


def each(one, n):
    """One for all, or a sequence with one for each of n."""
    many = st.lists(one, min_size=n, max_size=n)
    return st.one_of(one, many, many.map(tuple))


def parameters(depth, classifier, few=False):
    """A strategy for each parameter of an estimator with so many hidden layers.

    ``few`` leaves out most activations, losses and the like: each compiles a kernel when it is first used.
    """
    activation = st.sampled_from(["relu", "tanh", "prelu", activations.LeakyReLU(0.2)]) if few else ACTIVATIONS
    scorers = ["loss", "calibrated_log_loss", "accuracy", "neg_log_loss"] if classifier else ["loss", "r2", "max_error"]
    if few:
        solvers = st.sampled_from(["adam", "sgd", "rprop", "schedule_free_adamw", optimizers.AdamW(weight_decay=0.1)])
    else:
        solvers = OPTIMIZERS
    if classifier:
        loss = st.sampled_from(["log_loss", "hinge"]) if few else CLASSIFIER_LOSSES
    else:
        loss = st.sampled_from(["squared_error", "poisson", losses.Quantile(0.2)]) if few else REGRESSOR_LOSSES
    space = {
        "activation": each(activation, depth) if depth else activation,
        "loss": loss,
        "solver": st.one_of(st.just("lbfgs"), *[solvers] * 4),
        "alpha": each(reals(0.0, 10.0, 1e-4, 1e6), depth + 1),
        "batch_size": st.one_of(st.sampled_from(["auto", None, 1]), st.integers(1, 50)),
        "learning_rate": SCHEDULES,
        "warmup": st.one_of(reals(0.0, 0.99), st.sampled_from([1, 2])),
        "rate_factors": st.one_of(each(reals(0.0, 10.0), depth + 1), st.just("fan_in")),
        "bias_rate_factor": reals(0.0, 10.0),
        "learning_rate_init": reals(1e-6, 1.0, 1e-30, 100.0),
        "power_t": reals(0.0, 3.0),
        "max_iter": st.integers(1, 3),
        "shuffle": st.booleans(),
        "random_state": st.one_of(st.integers(0, 2**32 - 1), st.just(None), st.builds(np.random.RandomState)),
        "tol": reals(0.0, 1.0, 1e9),
        "verbose": st.one_of(st.booleans(), st.integers(0, 2), st.sampled_from(["table", "log"])),
        "callbacks": st.sampled_from([None, (), [LayerStatistics(2), Snapshots(2)]]),
        "warm_start": st.booleans(),
        "momentum": reals(0.0, 1.0),
        "nesterovs_momentum": st.booleans(),
        "early_stopping": st.booleans(),
        "validation_fraction": reals(0.0, 0.99),
        "validation_split": st.sampled_from(
            [None, "last", KFold(2), ShuffleSplit(1, random_state=0), TimeSeriesSplit(2)]
        ),
        "scoring": st.sampled_from([None, _first_feature, *scorers, ["loss"], {"first": _first_feature}]),
        "restore_best_weights": st.sampled_from([True, False, "latest"]),
        "beta_1": BELOW_ONE,
        "beta_2": BELOW_ONE,
        "epsilon": EPSILON,
        "n_iter_no_change": st.one_of(st.integers(1, 20), st.sampled_from([None, np.inf])),
        "max_fun": st.integers(1, 20),
        "max_time": st.one_of(st.just(None), reals(1e-9, 10.0)),
        "l1_ratio": reals(0.0, 1.0),
        "clip_value": st.one_of(st.just(None), reals(1e-6, 10.0)),
        "clip_norm": st.one_of(st.just(None), reals(1e-6, 10.0, 1e9)),
        "max_norm": st.one_of(st.just(None), reals(1e-3, 10.0)),
        "ema_decay": st.one_of(st.just(None), reals(0.01, 0.999)),
        "dropout": each(BELOW_ONE, depth) if depth else st.just(0.0),
        "input_dropout": BELOW_ONE,
        "dropout_schedule": st.one_of(st.just(None), SCHEDULES),
        "decay_schedule": st.one_of(*[st.just(None)] * 3, SCHEDULES),
        "drop_connect": each(BELOW_ONE, depth + 1),
        "input_noise": reals(0.0, 10.0),
        "features": FEATURES,
        "input_scale": st.one_of(st.booleans(), st.builds(features.Scale, rate_factor=reals(0.1, 10.0))),
        "init": st.sampled_from(["glorot_uniform", "he_normal", "zeros"]) if few else INITIALIZERS,
        "output_init": st.sampled_from([None, "zeros", "lecun_normal"]),
        "bias_init": st.one_of(st.just(None), reals(-3.0, 3.0), st.sampled_from(["normal", "data"])),
        "use_bias": st.booleans(),
        "freeze": st.integers(0, max(depth, 1)),
        "residual": st.sampled_from([False, True, "projection"]),
        "normalization": st.sampled_from([None, "batch", "layer", "rms"]),
        "dtype": st.sampled_from(["auto", "input", "float32", "float64"]),
        "n_jobs": st.sampled_from([None, 1, 2, -1]),
    }
    if classifier:
        space["class_weight"] = st.sampled_from([None, "balanced", {0: 2.0}, {0: 1, 1: 0.5}, [{0: 1, 1: 3}]])
        space["calibration"] = st.sampled_from([None, "temperature"])
    else:
        space["target_scaling"] = st.booleans()
    return space
