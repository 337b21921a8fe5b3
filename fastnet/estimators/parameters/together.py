"""What parameters may be together: what is asked for, compared with what the solver and the layers offer."""

import warnings
from itertools import pairwise
from numbers import Real

import numpy as np

from ...ops.numbers import shown
from ...ops.optimizers import SGD
from ...ops.schedules import Constant, InverseScaling, ReduceOnPlateau
from ...training.user_line import stacklevel_of_user

# Parameters that make the loss random.
NOISE = ("dropout", "input_dropout", "drop_connect", "input_noise")

# Random bits come 32 at a time.
_LARGEST_RATE = 1.0 - 2.0**-32
# (2**63)**16 is still a float.
_LARGEST_POWER = 16

_STEPS = ("clip_value", "clip_norm", "max_norm", "ema_decay")


def check_together(estimator, settings, incremental):
    """Raise ValueError where parameters that are valid one by one contradict each other.

    Parameters
    ----------
    estimator : estimator
        Whose parameters the messages show as they were given.
    settings : Settings
        What they mean.
    incremental : bool
        Whether this is ``partial_fit``.
    """
    if settings.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    rule = settings.optimizer
    # Sums of ever growing steps have no length to shrink weights by.
    if estimator.l1_ratio > 0 and isinstance(rule, SGD) and rule.momentum == 1:
        raise ValueError("l1_ratio > 0 needs momentum < 1 with solver='sgd', got momentum=1.")
    if settings.target_scaling and not settings.loss.takes_scaled_targets:
        raise ValueError(
            f"target_scaling=True shifts and scales targets, but loss={estimator.loss!r} needs them as they are: set "
            "target_scaling=False, or choose another loss, such as 'squared_error'."
        )
    _check_solver(estimator, settings)
    _check_rates(estimator, settings)
    _check_factors(estimator, settings)
    _check_start(estimator, settings)
    if not settings.use_bias and settings.bias_init:
        raise ValueError(
            f"use_bias=False makes a network without biases, got bias_init={estimator.bias_init!r}: leave it out."
        )
    _check_layers(estimator, settings)
    _check_features(estimator, settings)
    n_layers = len(settings.hidden_units) + 1
    if settings.n_frozen >= n_layers:
        raise ValueError(
            f"freeze must leave a layer to train: got freeze={estimator.freeze} for a network of {n_layers} layer(s) "
            f"of weights, the output's included. It can be {n_layers - 1} at most."
        )


def warn_of_the_ignored(settings):
    """Warn of what scikit-learn accepts beside a solver that has no use for it.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    """
    if settings.early_stopping and not settings.is_stochastic:
        warnings.warn(
            "early_stopping=True has no effect with solver='lbfgs', which holds out no samples and trains to the end: "
            "set early_stopping=False, or choose a stochastic solver, such as 'adam'.",
            UserWarning,
            stacklevel=stacklevel_of_user(),
        )


def _refusals(settings):
    """What solvers do not offer, in the order of the check: the parameters, whether the solver refuses, and why."""
    rule = settings.optimizer
    is_lbfgs, is_full = rule is None, settings.needs_all_samples
    averages, takes_l1 = not is_lbfgs and rule.averages_itself, is_lbfgs or rule.takes_l1
    return (
        (("l1_ratio",), not takes_l1,
         "{names} > 0 has no meaning with {solver}, whose steps do not follow the size of gradients: set "
         "l1_ratio=0, or choose another solver, such as 'adamw'."),
        (_STEPS, is_lbfgs,
         "{first} acts on the steps of mini-batches, solver='lbfgs' has none: set {first}=None, or choose a "
         "stochastic solver, such as 'adam'."),
        (("clip_value", "clip_norm"), is_full,
         "{solver} takes only the signs of gradients, which {first} does not change: set {first}=None, or choose "
         "another solver."),
        (("max_norm", "ema_decay"), averages,
         "{solver} predicts with an average of its own, which {first} does not go with: set {first}=None, or choose "
         "another solver, such as 'adamw'."),
        (NOISE, is_lbfgs,
         "{names} above 0 needs a stochastic solver, such as 'adam': solver='lbfgs' minimises a loss that must not be "
         "random."),
        (NOISE, is_full,
         "{names} above 0 changes signs of gradients by chance, which {solver} compares: set {names} to 0, or "
         "choose another solver, such as 'adam'."),
    )  # fmt: skip


def _is_asked_for(estimator, settings, name):
    """Whether a parameter of `_refusals` is given: above 0, or not None."""
    value = getattr(settings, name, getattr(estimator, name))
    return any(value) if isinstance(value, tuple) else value is not None and value > 0


def _check_solver(estimator, settings):
    """The part of `check_together` on what a solver offers."""
    if settings.clip_value is not None and settings.clip_norm is not None and settings.is_stochastic:
        raise ValueError("clip_value and clip_norm are two ways to clip the same gradient: set one of them to None.")
    for names, is_refused, message in _refusals(settings):
        given = [name for name in names if is_refused and _is_asked_for(estimator, settings, name)]
        if given:
            solver = f"solver={estimator.solver!r}"
            raise ValueError(message.format(names=" and ".join(given), first=given[0], solver=solver))


def _check_layers(estimator, settings):
    """The part of `check_together` on what hidden layers have."""
    hidden = settings.hidden_units
    is_dropped = any(settings.dropout) or isinstance(estimator.dropout, Real) and estimator.dropout > 0
    for name in ("dropout", "input_dropout", "drop_connect"):
        if np.any(np.array(getattr(settings, name)) > _LARGEST_RATE):
            raise ValueError(
                f"{name}={shown(getattr(estimator, name))} leaves less than one in 2**32, fewer than random bits can "
                "tell: give a smaller one, such as 0.5."
            )
    if settings.residual == "projection" and len(hidden) < 2:
        raise ValueError(
            "residual='projection' connects a hidden layer to the next one, got "
            f"hidden_layer_sizes={estimator.hidden_layer_sizes}: give two or more, such as (100, 100), or set "
            "residual=False."
        )
    if settings.residual is True and all(a != b for a, b in pairwise(hidden)):
        projection = "set residual='projection', " if len(hidden) > 1 else ""
        raise ValueError(
            "residual=True connects a hidden layer to the next one if that has as many units, got "
            f"hidden_layer_sizes={estimator.hidden_layer_sizes}: give successive layers the same size, such as "
            f"(100, 100), {projection}or set residual=False."
        )
    if is_dropped and not hidden:
        raise ValueError(
            f"dropout={estimator.dropout} is for hidden layers, got hidden_layer_sizes={estimator.hidden_layer_sizes}: "
            "add one, or set dropout=0. Features are dropped by input_dropout."
        )
    if settings.normalization is not None and not hidden:
        raise ValueError(
            f"normalization={estimator.normalization!r} is for hidden layers, got hidden_layer_sizes="
            f"{estimator.hidden_layer_sizes}: add one, or set normalization=None."
        )
    if settings.normalization in ("layer", "rms") and min(hidden) == 1:
        raise ValueError(
            f"normalization={estimator.normalization!r} compares the units of a layer with each other, got "
            f"hidden_layer_sizes={estimator.hidden_layer_sizes} with a layer of one: make it larger, or set "
            "normalization='batch' or None."
        )


def _check_factors(estimator, settings):
    """The part of `check_together` on factors of the rate, and on schedules of other things than the rate."""
    rule, solver = settings.optimizer, f"solver={estimator.solver!r}"
    given = {"rate_factors": settings.rate_factors, "bias_rate_factor": (settings.bias_rate_factor,)}
    changed = [name for name, factors in given.items() if factors == "fan_in" or any(f != 1 for f in factors)]
    if changed and (rule is None or not rule.has_schedule):
        raise ValueError(
            f"{changed[0]} multiplies a learning rate, {solver} finds its step sizes by itself: leave {changed[0]} "
            "out, or choose another solver, such as 'adam'."
        )
    if settings.dropout_schedule is not None and rule is None:
        raise ValueError(
            "dropout_schedule changes dropout over the epochs of mini-batches, solver='lbfgs' has none: set "
            "dropout_schedule=None, or choose a stochastic solver, such as 'adam'."
        )
    if settings.decay_schedule is not None and not getattr(rule, "weight_decay", 0.0):
        raise ValueError(
            f"decay_schedule changes a decoupled weight decay, {solver} has none: give it one, such as "
            "solver=AdamW(weight_decay=0.02) of fastnet.optimizers, or set decay_schedule=None."
        )


def _check_start(estimator, settings):
    """The part of `check_together` on starting values that are taken from the data."""
    given = [
        f"{name}={getattr(estimator, name)!r}"
        for name, start in (("init", settings.initializer), ("output_init", settings.output_initializer))
        if start is not None and start.scales_to_data
    ]
    given += ["bias_init='data'"] if settings.bias_init == "data" else []
    if given and settings.normalization is not None:
        raise ValueError(
            f"{given[0]} fits the units' z to the data, which normalization={settings.normalization!r} does in every "
            "mini-batch: set normalization=None, or choose other starting values."
        )
    if settings.bias_init == "data" and not settings.hidden_units:
        raise ValueError(
            "bias_init='data' is for hidden layers, got hidden_layer_sizes="
            f"{estimator.hidden_layer_sizes}: add one, or leave bias_init out."
        )


def _check_features(estimator, settings):
    """The part of `check_together` on feature layers."""
    ops = [op for op, _ in settings.features]
    lazy, codes = (next((op for op in ops if getattr(op, name)), None) for name in ("is_lazy", "takes_codes"))
    for name in ("clip_norm", "ema_decay"):
        if lazy is not None and getattr(settings, name) is not None:
            raise ValueError(
                f"{name}={getattr(estimator, name)} needs all parameters in each step, {lazy!r} of features moves only "
                f"the rows of levels that a mini-batch has: set {name}=None, or leave out the embedding."
            )
    if lazy is not None and settings.optimizer is not None and settings.optimizer.averages_itself:
        raise ValueError(
            f"solver={estimator.solver!r} averages all parameters in each step, {lazy!r} of features moves only the "
            "rows of levels that a mini-batch has: choose another solver, such as 'adamw', or leave out the embedding."
        )
    for name in ("input_dropout", "input_noise"):
        if codes is not None and getattr(settings, name):
            raise ValueError(
                f"{name}={getattr(estimator, name)} changes numbers in X, which for {codes!r} of features are codes of "
                f"levels: set {name}=0, or drop units of hidden layers by dropout."
            )


def _check_rates(estimator, settings):
    """The part of `check_together` on learning rates."""
    given, rule, rates = estimator.learning_rate, settings.optimizer, settings.schedule
    if isinstance(given, type):  # callable, too
        raise ValueError(f"learning_rate must be an object, not its class: write {given.__name__}().")
    if rule is None:
        # scikit-learn's names are without effect, as there.
        is_theirs = isinstance(given, str) and given in ("constant", "invscaling", "adaptive")
        if not is_theirs or settings.warmup:
            raise ValueError(
                f"solver='lbfgs' searches along a line and has no learning rate, got learning_rate={given!r} and "
                f"warmup={estimator.warmup}: leave them out, or choose a stochastic solver."
            )
        return
    if not rule.has_schedule and (rates != Constant() or settings.warmup):
        raise ValueError(
            f"solver={estimator.solver!r} finds its step sizes by itself, got learning_rate={given!r} and "
            f"warmup={estimator.warmup}: leave them out."
        )
    if settings.warmup and rates.starts_low:
        raise ValueError(f"learning_rate={given!r} begins with a low rate by itself: set warmup=0.")
    if settings.warmup >= settings.max_iter:
        raise ValueError(
            f"warmup={estimator.warmup} epochs must be fewer than max_iter={estimator.max_iter}; below 1 it is a "
            "fraction of max_iter."
        )
    if isinstance(rates, InverseScaling) and rates.power_t > _LARGEST_POWER:
        raise ValueError(
            f"power_t={rates.power_t} divides the rate by more than any number can be: give at most "
            f"{_LARGEST_POWER}, such as 0.5."
        )
    patience = settings.n_iter_no_change
    if isinstance(rates, ReduceOnPlateau) and patience is not None and rates.patience >= patience:
        raise ValueError(
            f"learning_rate={given!r} would never reduce the rate: training stops after "
            f"n_iter_no_change={patience} epochs without improvement. Take a smaller patience or "
            "a larger n_iter_no_change."
        )
