"""What names and objects stand for. ``asked`` is an estimator, or its parameters as plain values."""

from sklearn.base import BaseEstimator

from ...network.initializers import INITIALIZERS, Initializer
from ...ops.losses import LOSSES, Loss
from ...ops.optimizers import OPTIMIZERS, Optimizer
from ...ops.registry import resolve
from ...ops.schedules import SCHEDULES, Constant, Custom, Schedule

CLASSIFICATION_LOSSES = {name for name, loss in LOSSES.items() if loss.is_classification and not loss.is_form}
REGRESSION_LOSSES = {name for name, loss in LOSSES.items() if not loss.is_classification}


def is_stochastic(asked):
    """Whether the solver takes mini-batches."""
    return not (isinstance(asked.solver, str) and asked.solver == "lbfgs")


def needs_all_samples(asked):
    """Whether the solver is an optimizer that mini-batches would mislead."""
    rule = OPTIMIZERS.get(asked.solver) if isinstance(asked.solver, str) else asked.solver
    return isinstance(rule, Optimizer) and rule.full_batch


def optimizer(asked):
    """The optimizer that ``solver`` names, with the estimator's own parameters, or is; None for 'lbfgs'."""
    return resolve("solver", asked.solver, OPTIMIZERS, Optimizer, asked) if is_stochastic(asked) else None


def schedule(asked):
    """The schedule that ``learning_rate`` names, with the estimator's own parameters, or is."""
    if callable(asked.learning_rate):
        return Custom(asked.learning_rate)
    # As scikit-learn documents it; with objects the user has chosen.
    if asked.solver == "adam" and asked.learning_rate in ("invscaling", "adaptive"):
        return SCHEDULES["constant"]
    return resolve("learning_rate", asked.learning_rate, SCHEDULES, Schedule, asked)


def factor_schedule(asked, parameter):
    """The schedule of a factor that ``dropout_schedule`` or ``decay_schedule`` names or is; None for none.

    Raises ValueError if its factors are not known beforehand.
    """
    given = getattr(asked, parameter)
    if given is None:
        return None
    if isinstance(given, type):  # callable, too
        raise ValueError(f"{parameter} must be an object, not its class: write {given.__name__}().")
    found = Custom(given, parameter) if callable(given) else resolve(parameter, given, SCHEDULES, Schedule, asked)
    if not found.is_function_of_time:
        raise ValueError(
            f"{parameter}={given!r} follows the course of training, and has no factors that are known beforehand: "
            "choose another schedule, such as 'flat_cosine'."
        )
    return None if found == Constant() else found  # a factor of 1 is none


def initializer(asked):
    """The initialiser that ``init`` names or is; None if it is an estimator."""
    if isinstance(asked.init, BaseEstimator):
        return None
    return resolve("init", asked.init, INITIALIZERS, Initializer)


def output_initializer(asked):
    """The initialiser that ``output_init`` names or is; None if the output layer has that of the others."""
    if asked.output_init is None:
        return None
    return resolve("output_init", asked.output_init, INITIALIZERS, Initializer)


def classification_loss(asked):
    """The loss that a classifier's ``loss`` names or is; raises ValueError if it is one of numbers."""
    loss = resolve("loss", asked.loss, LOSSES, Loss)
    if not loss.is_classification:
        raise ValueError(
            f"loss={asked.loss!r} is a loss of numbers: use one of {sorted(CLASSIFICATION_LOSSES)}, or MLPRegressor."
        )
    return loss


def regression_loss(asked):
    """The loss that a regressor's ``loss`` names or is; raises ValueError if it is one of classes."""
    loss = resolve("loss", asked.loss, LOSSES, Loss)
    if loss.is_classification:
        raise ValueError(
            f"loss={asked.loss!r} is a loss of classes: use one of {sorted(REGRESSION_LOSSES)}, or MLPClassifier."
        )
    return loss
