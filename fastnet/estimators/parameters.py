"""What parameters may be: each on its own, and together."""

from itertools import pairwise
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions

from ..network.initializers import INITIALIZERS, Initializer
from ..ops.activations import ACTIVATIONS, Activation, Identity
from ..ops.losses import LOSSES, Loss
from ..ops.optimizers import OPTIMIZERS, SGD, Optimizer
from ..ops.registry import resolve
from ..ops.schedules import SCHEDULES, Constant, Custom, ReduceOnPlateau, Schedule

_NON_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_COUNT = Interval(Integral, 1, None, closed="left")
_BELOW_ONE = Interval(Real, 0, 1, closed="left")
_UP_TO_ONE = Interval(Real, 0, 1, closed="both")

# Of every parameter that both estimators have, for scikit-learn's validation.
PARAMETER_CONSTRAINTS = {
    "hidden_layer_sizes": ["array-like", _COUNT],
    "activation": [StrOptions(set(ACTIVATIONS)), Activation, list, tuple],
    "solver": [StrOptions({"lbfgs", *OPTIMIZERS}), Optimizer],
    "alpha": [_NON_NEGATIVE, "array-like"],
    "batch_size": [StrOptions({"auto"}), _COUNT, None],
    "learning_rate": [StrOptions(set(SCHEDULES)), Schedule, callable],
    "warmup": [_NON_NEGATIVE],
    "learning_rate_init": [_POSITIVE],
    "power_t": [_NON_NEGATIVE],
    "max_iter": [_COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_NON_NEGATIVE],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [_UP_TO_ONE],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_BELOW_ONE],
    "validation_split": [None, StrOptions({"last"}), HasMethods(["split", "get_n_splits"])],
    "scoring": [None, StrOptions({"loss", *get_scorer_names()}), callable],
    "restore_best_weights": ["boolean"],
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
    "drop_connect": [_BELOW_ONE, "array-like"],
    "input_noise": [_NON_NEGATIVE],
    "init": [StrOptions(set(INITIALIZERS)), Initializer, BaseEstimator],
    "use_bias": ["boolean"],
    "freeze": [Interval(Integral, 0, None, closed="left")],
    "residual": ["boolean", StrOptions({"projection"})],
    "normalization": [None, StrOptions({"batch", "layer", "rms"})],
    "bias_init": [None, Interval(Real, None, None, closed="neither")],
    "dtype": [StrOptions({"auto", "input", "float32", "float64"})],
    "n_jobs": [None, _COUNT, Interval(Integral, None, -1, closed="right")],
}

# Parameters that make the loss random.
NOISE = ("dropout", "input_dropout", "drop_connect", "input_noise")

CLASSIFICATION_LOSSES = {name for name, loss in LOSSES.items() if loss.is_classification and not loss.is_form}
REGRESSION_LOSSES = {name for name, loss in LOSSES.items() if not loss.is_classification}


def is_stochastic(estimator):
    """Whether the solver takes mini-batches."""
    return not (isinstance(estimator.solver, str) and estimator.solver == "lbfgs")


def optimizer(estimator):
    """The optimizer that ``solver`` names, with the estimator's own parameters, or is."""
    return resolve("solver", estimator.solver, OPTIMIZERS, Optimizer, estimator)


def schedule(estimator):
    """The schedule that ``learning_rate`` names, with the estimator's own parameters, or is."""
    if callable(estimator.learning_rate):
        return Custom(estimator.learning_rate)
    # As scikit-learn documents it; with objects the user has chosen.
    if estimator.solver == "adam" and estimator.learning_rate in ("invscaling", "adaptive"):
        return SCHEDULES["constant"]
    return resolve("learning_rate", estimator.learning_rate, SCHEDULES, Schedule, estimator)


def warmup_epochs(estimator):
    """``warmup`` in epochs."""
    return estimator.warmup * (estimator.max_iter if estimator.warmup < 1 else 1)


def needs_all_samples(estimator):
    """Whether the solver is an optimizer that mini-batches would mislead."""
    rule = OPTIMIZERS.get(estimator.solver) if isinstance(estimator.solver, str) else estimator.solver
    return isinstance(rule, Optimizer) and rule.full_batch


def batch_rows(estimator, n_samples):
    """Samples in a mini-batch, as asked for: it may be more than there are."""
    if estimator.batch_size is None or (estimator.batch_size == "auto" and needs_all_samples(estimator)):
        return n_samples
    return min(200, n_samples) if estimator.batch_size == "auto" else estimator.batch_size


def initializer(estimator):
    """The initialiser that ``init`` names or is; None if it is an estimator."""
    if isinstance(estimator.init, BaseEstimator):
        return None
    return resolve("init", estimator.init, INITIALIZERS, Initializer)


def classification_loss(estimator):
    """The loss that a classifier's ``loss`` names or is; raises ValueError if it is one of numbers."""
    loss = resolve("loss", estimator.loss, LOSSES, Loss)
    if not loss.is_classification:
        raise ValueError(
            f"loss={estimator.loss!r} is a loss of numbers: use one of {sorted(CLASSIFICATION_LOSSES)}, or "
            "MLPRegressor."
        )
    return loss


def regression_loss(estimator):
    """The loss that a regressor's ``loss`` names or is; raises ValueError if it is one of classes."""
    loss = resolve("loss", estimator.loss, LOSSES, Loss)
    if loss.is_classification:
        raise ValueError(
            f"loss={estimator.loss!r} is a loss of classes: use one of {sorted(REGRESSION_LOSSES)}, or MLPClassifier."
        )
    return loss


def layer_activations(activation, n_hidden):
    """The activation of each layer of weights: of the hidden layers, and what the output layer is initialised for.

    Parameters
    ----------
    activation : str, Activation, or list or tuple of these
        The estimators' parameter.
    n_hidden : int
        Number of hidden layers.

    Returns
    -------
    tuple of Activation
        ``n_hidden + 1`` of them. The last one is never applied.

    Raises
    ------
    ValueError
        If an entry is no activation, or there is not one for each hidden layer.
    """
    if not isinstance(activation, (list, tuple)):
        return (resolve("activation", activation, ACTIVATIONS, Activation),) * (n_hidden + 1)
    if len(activation) != n_hidden:
        raise ValueError(
            f"activation must be one for all, or hold one for each hidden layer: got {len(activation)} for "
            f"{n_hidden} hidden layer(s)."
        )
    each = [resolve(f"activation[{i}]", a, ACTIVATIONS, Activation) for i, a in enumerate(activation)]
    return (*each, each[-1] if each else Identity())


def hidden_units(hidden_layer_sizes):
    """``hidden_layer_sizes`` as a tuple of int; raises ValueError if it is not one."""
    sizes = list(hidden_layer_sizes) if hasattr(hidden_layer_sizes, "__iter__") else [hidden_layer_sizes]
    if not all(isinstance(size, Integral) for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be integers, one for each hidden layer, got {sizes}.")
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return tuple(int(size) for size in sizes)


def drop_rates(name, given, n_layers, layer):
    """A parameter as a tuple of one probability a layer, () if all are 0; raises ValueError."""
    rates = [given] * n_layers if isinstance(given, Real) else list(given)
    if len(rates) != n_layers:
        raise ValueError(
            f"{name} must be one number, or hold one for each {layer}: got {len(rates)} for {n_layers} {layer}(s)."
        )
    if not all(isinstance(rate, Real) and 0 <= rate < 1 for rate in rates):
        raise ValueError(f"Every {name} must be a number in the range [0.0, 1.0), got {given}.")
    return tuple(float(rate) for rate in rates) if any(rates) else ()


def penalties(estimator):
    """The L1 and L2 penalties, each an array with one number a layer of weights; raises ValueError."""
    n_layers = len(hidden_units(estimator.hidden_layer_sizes)) + 1
    alpha = [estimator.alpha] * n_layers if isinstance(estimator.alpha, Real) else [*np.atleast_1d(estimator.alpha)]
    if len(alpha) != n_layers:
        raise ValueError(
            f"alpha must be one number, or hold one for each layer of weights, the output's included: got {len(alpha)} "
            f"for {n_layers} layer(s)."
        )
    if not all(isinstance(a, Real) and 0 <= a < np.inf for a in alpha):
        raise ValueError(f"Every alpha must be a number in the range [0.0, inf), got {estimator.alpha}.")
    alpha = np.array(alpha, np.float64)
    return {"l1": alpha * estimator.l1_ratio, "l2": alpha * (1 - estimator.l1_ratio)}


def check_together(estimator, incremental):
    """Raise ValueError where parameters that are valid one by one contradict each other."""
    if estimator.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    # Sums of ever growing steps have no length to shrink weights by.
    rule = optimizer(estimator) if is_stochastic(estimator) else None
    if estimator.l1_ratio > 0 and isinstance(rule, SGD) and rule.momentum == 1:
        raise ValueError("l1_ratio > 0 needs momentum < 1 with solver='sgd', got momentum=1.")
    if rule is not None and not rule.takes_l1 and estimator.l1_ratio > 0:
        raise ValueError(
            f"l1_ratio > 0 has no meaning with solver={estimator.solver!r}, whose steps do not follow the size of "
            "gradients: set l1_ratio=0, or choose another solver, such as 'adamw'."
        )
    penalties(estimator)
    _check_steps(estimator, rule)
    _check_rates(estimator, rule)
    noise = [name for name in NOISE if np.any(getattr(estimator, name))]
    if rule is None and noise:
        raise ValueError(
            f"{' and '.join(noise)} above 0 needs a stochastic solver, such as 'adam': solver='lbfgs' minimises a "
            "loss that must not be random."
        )
    if noise and needs_all_samples(estimator):
        raise ValueError(
            f"{' and '.join(noise)} above 0 changes signs of gradients by chance, which solver={estimator.solver!r} "
            f"compares: set {' and '.join(noise)} to 0, or choose another solver, such as 'adam'."
        )
    if not estimator.use_bias and estimator.bias_init:
        raise ValueError(
            f"use_bias=False makes a network without biases, got bias_init={estimator.bias_init}: leave it out."
        )
    hidden = hidden_units(estimator.hidden_layer_sizes)
    _check_layers(estimator, hidden)
    n_layers = len(hidden) + 1
    if estimator.freeze >= n_layers:
        raise ValueError(
            f"freeze must leave a layer to train: got freeze={estimator.freeze} for a network of {n_layers} layer(s) "
            f"of weights, the output's included. It can be {n_layers - 1} at most."
        )


def _check_layers(estimator, hidden):
    """The part of `check_together` on what hidden layers have."""
    if estimator.residual == "projection" and len(hidden) < 2:
        raise ValueError(
            "residual='projection' connects a hidden layer to the next one, got "
            f"hidden_layer_sizes={estimator.hidden_layer_sizes}: give two or more, such as (100, 100), or set "
            "residual=False."
        )
    if estimator.residual is True and all(a != b for a, b in pairwise(hidden)):
        projection = "set residual='projection', " if len(hidden) > 1 else ""
        raise ValueError(
            "residual=True connects a hidden layer to the next one if that has as many units, got "
            f"hidden_layer_sizes={estimator.hidden_layer_sizes}: give successive layers the same size, such as "
            f"(100, 100), {projection}or set residual=False."
        )
    if np.any(estimator.dropout) and not hidden:
        raise ValueError(
            f"dropout={estimator.dropout} is for hidden layers, got hidden_layer_sizes={estimator.hidden_layer_sizes}: "
            "add one, or set dropout=0. Features are dropped by input_dropout."
        )
    if estimator.normalization is not None and not hidden:
        raise ValueError(
            f"normalization={estimator.normalization!r} is for hidden layers, got hidden_layer_sizes="
            f"{estimator.hidden_layer_sizes}: add one, or set normalization=None."
        )
    if estimator.normalization in ("layer", "rms") and min(hidden) == 1:
        raise ValueError(
            f"normalization={estimator.normalization!r} compares the units of a layer with each other, got "
            f"hidden_layer_sizes={estimator.hidden_layer_sizes} with a layer of one: make it larger, or set "
            "normalization='batch' or None."
        )


def _check_steps(estimator, rule):
    """The part of `check_together` on what is done to gradients and weights in a step."""
    asked = ("clip_value", "clip_norm", "max_norm", "ema_decay")
    given = [name for name in asked if getattr(estimator, name) is not None]
    if rule is None and given:
        raise ValueError(
            f"{given[0]} acts on the steps of mini-batches, solver='lbfgs' has none: set {given[0]}=None, or choose a "
            "stochastic solver, such as 'adam'."
        )
    if "clip_value" in given and "clip_norm" in given:
        raise ValueError("clip_value and clip_norm are two ways to clip the same gradient: set one of them to None.")
    if needs_all_samples(estimator) and {"clip_value", "clip_norm"} & set(given):
        raise ValueError(
            f"solver={estimator.solver!r} takes only the signs of gradients, which {given[0]} does not change: set "
            f"{given[0]}=None, or choose another solver."
        )
    for name in ("max_norm", "ema_decay"):
        if name in given and type(rule).evaluated is not Optimizer.evaluated:
            raise ValueError(
                f"solver={estimator.solver!r} predicts with an average of its own, which {name} does not go with: set "
                f"{name}=None, or choose another solver, such as 'adamw'."
            )


def _check_rates(estimator, rule):
    """The part of `check_together` on learning rates."""
    given = estimator.learning_rate
    if isinstance(given, type):  # callable, too
        raise ValueError(f"learning_rate must be an object, not its class: write {given.__name__}().")
    if rule is None:
        # scikit-learn's names are without effect, as there.
        is_theirs = isinstance(given, str) and given in ("constant", "invscaling", "adaptive")
        if not is_theirs or estimator.warmup:
            raise ValueError(
                f"solver='lbfgs' searches along a line and has no learning rate, got learning_rate={given!r} and "
                f"warmup={estimator.warmup}: leave them out, or choose a stochastic solver."
            )
        return
    rates = schedule(estimator)
    if not rule.has_schedule and (rates != Constant() or estimator.warmup):
        raise ValueError(
            f"solver={estimator.solver!r} finds its step sizes by itself, got learning_rate={given!r} and "
            f"warmup={estimator.warmup}: leave them out."
        )
    if estimator.warmup and rates.starts_low:
        raise ValueError(f"learning_rate={given!r} begins with a low rate by itself: set warmup=0.")
    if warmup_epochs(estimator) >= estimator.max_iter:
        raise ValueError(
            f"warmup={estimator.warmup} epochs must be fewer than max_iter={estimator.max_iter}; below 1 it is a "
            "fraction of max_iter."
        )
    patience = estimator.n_iter_no_change
    if isinstance(rates, ReduceOnPlateau) and patience is not None and rates.patience >= patience:
        raise ValueError(
            f"learning_rate={given!r} would never reduce the rate: training stops after "
            f"n_iter_no_change={patience} epochs without improvement. Take a smaller patience or "
            "a larger n_iter_no_change."
        )
