"""Values that no parameter, or no argument, of the estimators may have."""

import math
from dataclasses import fields
from decimal import Decimal

import numpy as np
from hypothesis import strategies as st
from vocabulary import parameters

from fastnet import MLPClassifier, activations, features, initializers, losses, optimizers, schedules

HUGE = (10**400, -(10**400))
NAN = (math.nan, np.float32("nan"), -math.inf)
# None of them is a number, a name, a sequence of numbers, a flag or an object of the vocabulary.
NOTHING = (
    object(), b"relu", "rubbish", "", {}, {"a": 1}, {1, 2}, frozenset(), 1j, range, Ellipsis, slice(1), Decimal("0.5"),
    np.array("adam"), np.array(0.5), np.array([1, None], dtype=object), np.datetime64("2020-01-01"),
    np.timedelta64(3, "D"), [[1, 2], [3]], [[0.1], [0.2]], ["rubbish"], [None], [math.nan], [10**400], [object()],
    (), (0.1,) * 9, iter([1, 2]), memoryview(b"12"),
)  # fmt: skip
NEGATIVE = (-1, -1e-30, np.int8(-3), np.float32(-0.5))
ONE_UP = (1.0, 1, 1.5, 7, 1e300, math.inf)
FRACTIONS = (0.5, 1.5, np.float64(2.5), math.inf)

_FLAG = (2, -1, 0.5, "True", None, *NAN, *HUGE)
_BELOW_ONE = (*NEGATIVE, *ONE_UP, *HUGE, *NAN)
_POSITIVE = (0, 0.0, *NEGATIVE, *NAN, math.inf, *HUGE)
_NOT_NEGATIVE = (*NEGATIVE, *NAN, *HUGE)
_COUNT = (0, *NEGATIVE, *FRACTIONS, *NAN, *HUGE)
_INNER = (0, 1, *NEGATIVE, *ONE_UP, *NAN, *HUGE)
_NAME = (0, 1, 0.5, *NAN, *HUGE)

# Of each parameter what it may not be beside `NOTHING`, and what of that it may be; () is one for each of no layers.
RANGES = {
    "hidden_layer_sizes": ([0, -1, 1.5, [0], [1.5], [3, -1], [True, None], None, *NAN, *HUGE], [()]),
    "activation": (_NAME, [()]),
    "loss": (_NAME, []),
    "solver": (_NAME, []),
    "alpha": ((*_NOT_NEGATIVE, [-1.0, 0.1], [math.inf, 0.1], None), []),
    "batch_size": (_COUNT, []),
    "learning_rate": (_NAME, [range]),
    "warmup": (_NOT_NEGATIVE, []),
    "rate_factors": ((*_NOT_NEGATIVE, [-1.0, 0.1], [math.inf, 0.1], None), []),
    "bias_rate_factor": ((*_NOT_NEGATIVE, math.inf, None), []),
    "learning_rate_init": (_POSITIVE, []),
    "power_t": (_NOT_NEGATIVE, []),
    "max_iter": (_COUNT, []),
    "shuffle": (_FLAG, []),
    "random_state": ((-1, 2**32, 0.5, *NAN, *HUGE), []),
    "tol": (_NOT_NEGATIVE, []),
    "verbose": ((-1, 0.5, "yes", *NAN, *HUGE), []),
    "callbacks": ((0, 1, 0.5, "table", True, ["table"], [0], *NAN, *HUGE), [()]),
    "warm_start": (_FLAG, []),
    "momentum": ((*NEGATIVE, 1.5, math.inf, *NAN, *HUGE), []),
    "nesterovs_momentum": (_FLAG, []),
    "early_stopping": (_FLAG, []),
    "validation_fraction": (_BELOW_ONE, []),
    "validation_split": (_NAME, []),
    "scoring": ((*_NAME, [], ["accuracy", "accuracy"], {"a": None}, {1: "accuracy"}), [range]),
    "restore_best_weights": (_FLAG, []),
    "beta_1": (_BELOW_ONE, []),
    "beta_2": (_BELOW_ONE, []),
    "epsilon": (_POSITIVE, []),
    "n_iter_no_change": ((0, *NEGATIVE, 0.5, *NAN, *HUGE), []),
    "max_fun": (_COUNT, []),
    "max_time": (_POSITIVE, []),
    "l1_ratio": ((*NEGATIVE, 1.5, math.inf, *NAN, *HUGE), []),
    "clip_value": (_POSITIVE, []),
    "clip_norm": (_POSITIVE, []),
    "max_norm": (_POSITIVE, []),
    "ema_decay": (_INNER, []),
    "dropout": ((*_BELOW_ONE, [-0.1], [1.0], None), [()]),
    "input_dropout": ((*_BELOW_ONE, None), []),
    "drop_connect": ((*_BELOW_ONE, [-0.1, 0.1], [1.0, 0.0], None), []),
    "input_noise": ((*_NOT_NEGATIVE, None), []),
    "dropout_schedule": (_NAME, []),
    "decay_schedule": (_NAME, []),
    "features": (_NAME, []),
    "input_scale": (_FLAG, []),
    "init": (_NAME, []),
    "output_init": (_NAME, []),
    "bias_init": ((*NAN, math.inf, *HUGE), []),
    "use_bias": (_FLAG, []),
    "freeze": ((*NEGATIVE, *FRACTIONS, 5, *NAN, *HUGE), []),
    "residual": (_FLAG, []),
    "normalization": (_NAME, []),
    "class_weight": ((0, 0.5, {0: -1.0}, {0: math.nan}, {0: "a"}, {0: None}, {0: 10**400}, *NAN), [{}]),
    "calibration": (_NAME, []),
    "target_scaling": (_FLAG, []),
    "dtype": (("float16", np.float32, "int64", None, *NAN), []),
    "n_jobs": ((0, *FRACTIONS, *NAN, *HUGE), []),
}


# Integers without a largest one: those beyond all use are taken or refused.
UNBOUNDED = ("batch_size", "max_iter", "max_fun", "n_iter_no_change", "n_jobs", "verbose")


def may_be_taken(name, value):
    """Whether a value may have its meaning after all."""
    return name in UNBOUNDED and isinstance(value, int) and value in HUGE


def _same(a, b):
    return type(a) is type(b) and (a is b or (isinstance(a, (tuple, dict)) and a == b))


def values(name):
    """Illegal values of a parameter."""
    wrong, allowed = RANGES[name]
    return [*wrong, *(value for value in NOTHING if not any(_same(value, other) for other in allowed))]


def of_the_other(classifier):
    """Parameters that only the other estimator has."""
    return {"target_scaling"} if classifier else {"class_weight", "calibration"}


@st.composite
def illegal_parameters(draw):
    """(is a classifier, parameter, illegal value, other parameters)."""
    classifier = draw(st.booleans())
    names = sorted(set(RANGES) - of_the_other(classifier))
    name = draw(st.sampled_from(names))
    others = parameters(1, classifier, few=True)
    chosen = draw(st.lists(st.sampled_from(sorted(set(others) - {name})), unique=True, max_size=2))
    rest = {other: draw(others[other]) for other in chosen}
    return classifier, name, draw(st.sampled_from(values(name))), rest


def _public(module, base):
    entries = [getattr(module, name) for name in module.__all__]
    return [entry for entry in entries if issubclass(entry, base)]


VALUES = [
    (entry, field.name)
    for module, base in (
        (activations, activations.Activation),
        (losses, losses.Loss),
        (optimizers, optimizers.Optimizer),
        (schedules, schedules.Schedule),
        (initializers, initializers.Initializer),
        (features, features.Feature),
    )
    for entry in _public(module, base)
    for field in fields(entry)
]
# No field of an object of the vocabulary may be one of these.
NO_FIELD = (*NAN, *HUGE, math.inf, None, *(value for value in NOTHING if not callable(value)))


ROWS = 12
X = np.random.default_rng(0).normal(size=(ROWS, 3))
CLASSES = np.arange(ROWS) % 3
Y = X[:, 0]
NO_TABLE = (
    None, 3.0, "text", b"bytes", object(), {}, [], [[]], [[1.0, 2.0], [3.0]], np.zeros((0, 3)), np.zeros((ROWS, 0)),
    np.zeros(ROWS), np.zeros((ROWS, 3, 2)), np.full((ROWS, 3), np.nan), np.full((ROWS, 3), np.inf), X + 1j,
    np.full((ROWS, 3), "a"), np.full((ROWS, 3), None), np.full((ROWS, 3), 10**400, dtype=object),
    np.full((ROWS, 3), np.datetime64("2020-01-01")), np.zeros((ROWS + 1, 3)), MLPClassifier,
)  # fmt: skip
NO_TARGETS = (
    None, 3.0, "text", object(), {}, [], [[1.0, 2.0], [3.0]], np.zeros(ROWS + 1), np.zeros((ROWS, 2, 2)),
    np.full(ROWS, np.nan), np.full(ROWS, np.inf), Y + 1j, np.full(ROWS, None), [None, *Y[1:]], [math.nan, *Y[1:]],
    np.full(ROWS, np.datetime64("NaT")), np.zeros((ROWS, 0)), np.array([math.nan, *Y[1:]], dtype=object), np.zeros(0),
)  # fmt: skip
NO_WEIGHTS = (
    math.nan, math.inf, "text", object(), {}, [], [[1.0] * ROWS] * 2, np.ones(ROWS - 1), -np.ones(ROWS), np.zeros(ROWS),
    np.full(ROWS, np.nan), np.full(ROWS, np.inf), np.full(ROWS, "a"), [None] * ROWS, np.ones(ROWS) + 1j,
    [10**400] * ROWS, np.full(ROWS, np.datetime64("2020-01-01")), np.ones((ROWS, 1)),
)  # fmt: skip
NO_GROUPS = (3.0, "text", object(), [], np.zeros(ROWS - 1), np.zeros((ROWS, 2)), np.zeros(ROWS))
NO_CLASSES = ([], [0], 3.0, "text", object(), [0, 1, None], [0, 1, 2, math.nan], np.zeros((3, 2)), [5, 6, 7], {})
ARGUMENTS = {
    "X": NO_TABLE,
    "y": NO_TARGETS,
    "sample_weight": NO_WEIGHTS,
    "X_val": NO_TABLE,
    "y_val": NO_TARGETS,
    "sample_weight_val": NO_WEIGHTS,
    "groups": NO_GROUPS,
    "classes": NO_CLASSES,
}


def arguments(name):
    """Illegal values of an argument of fit or partial_fit."""
    return ARGUMENTS[name]


@st.composite
def illegal_arguments(draw):
    """(is a classifier, argument, illegal value, solver)."""
    classifier = draw(st.booleans())
    name = draw(st.sampled_from(sorted(ARGUMENTS) if classifier else sorted(set(ARGUMENTS) - {"classes"})))
    return classifier, name, draw(st.sampled_from(arguments(name))), draw(st.sampled_from(["adam", "lbfgs"]))
