"""What each parameter may be on its own."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions

from ...network.initializers import INITIALIZERS, Initializer
from ...ops.activations import ACTIVATIONS, Activation
from ...ops.features import Feature, Scale
from ...ops.optimizers import OPTIMIZERS, Optimizer
from ...ops.schedules import SCHEDULES, Schedule
from ...training.callbacks import Callback
from ...training.progress import PROGRESS


class Names(StrOptions):
    """scikit-learn's constraint of names, told in the order of the alphabet."""

    def __str__(self):
        return f"a str among {{{', '.join(map(repr, sorted(self.options)))}}}"


_NON_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_COUNT = Interval(Integral, 1, None, closed="left")
_BELOW_ONE = Interval(Real, 0, 1, closed="left")
_UP_TO_ONE = Interval(Real, 0, 1, closed="both")

# The scoring of early stopping that looks at probabilities after temperature scaling.
CALIBRATED_LOG_LOSS = "calibrated_log_loss"

# Of every parameter that both estimators have, for scikit-learn's validation.
PARAMETER_CONSTRAINTS = {
    "hidden_layer_sizes": ["array-like", _COUNT],
    "activation": [Names(set(ACTIVATIONS)), Activation, list, tuple],
    "solver": [Names({"lbfgs", *OPTIMIZERS}), Optimizer],
    "alpha": [_NON_NEGATIVE, "array-like"],
    "batch_size": [Names({"auto"}), _COUNT, None],
    "learning_rate": [Names(set(SCHEDULES)), Schedule, callable],
    "warmup": [_NON_NEGATIVE],
    "rate_factors": [Names({"fan_in"}), _NON_NEGATIVE, "array-like"],
    "bias_rate_factor": [_NON_NEGATIVE],
    "learning_rate_init": [_POSITIVE],
    "power_t": [_NON_NEGATIVE],
    "max_iter": [_COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_NON_NEGATIVE],
    "verbose": ["verbose", StrOptions(set(PROGRESS))],
    "callbacks": [None, Callback, callable, list, tuple],
    "warm_start": ["boolean"],
    "momentum": [_UP_TO_ONE],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_BELOW_ONE],
    "validation_split": [None, Names({"last"}), HasMethods(["split", "get_n_splits"])],
    "scoring": [None, Names({"loss", *get_scorer_names()}), callable, list, tuple, dict],
    "restore_best_weights": ["boolean", Names({"latest"})],
    "beta_1": [_BELOW_ONE],
    "beta_2": [_BELOW_ONE],
    "epsilon": [_POSITIVE],
    "n_iter_no_change": [_COUNT, Options(Real, {np.inf}), None],
    "max_fun": [_COUNT],
    "max_time": [None, _POSITIVE],
    "l1_ratio": [_UP_TO_ONE],
    "clip_value": [None, _POSITIVE],
    "clip_norm": [None, _POSITIVE],
    "max_norm": [None, _POSITIVE],
    "ema_decay": [None, Interval(Real, 0, 1, closed="neither")],
    "dropout": [_BELOW_ONE, "array-like"],
    "input_dropout": [_BELOW_ONE],
    "dropout_schedule": [None, Names(set(SCHEDULES)), Schedule, callable],
    "decay_schedule": [None, Names(set(SCHEDULES)), Schedule, callable],
    "drop_connect": [_BELOW_ONE, "array-like"],
    "input_noise": [_NON_NEGATIVE],
    "features": [None, Feature, list, tuple],
    "input_scale": ["boolean", Scale],
    "init": [Names(set(INITIALIZERS)), Initializer, BaseEstimator],
    "output_init": [None, Names(set(INITIALIZERS)), Initializer],
    "use_bias": ["boolean"],
    "freeze": [Interval(Integral, 0, None, closed="left")],
    "residual": ["boolean", Names({"projection"})],
    "normalization": [None, Names({"batch", "layer", "rms"})],
    "bias_init": [None, Names({"normal", "data"}), Interval(Real, None, None, closed="neither")],
    "dtype": [Names({"auto", "input", "float32", "float64"})],
    "n_jobs": [None, _COUNT, Interval(Integral, None, -1, closed="right")],
}

# Of a classifier's ``scoring``.
CLASSIFICATION_SCORING = [
    None, Names({"loss", CALIBRATED_LOG_LOSS, *get_scorer_names()}), callable, list, tuple, dict,
]  # fmt: skip
