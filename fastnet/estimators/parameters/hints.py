"""What to write instead of a value that a parameter does not take."""

from numbers import Real

from ...ops.losses import LOSSES
from ...ops.numbers import shown
from ...ops.suggestions import ALIASES, close_name, suggested_name
from .constraints import Names

# Where a number is given, what it probably is.
_NUMBERS = {
    "learning_rate": "learning_rate is the schedule, the rate itself is learning_rate_init: say learning_rate_init={}.",
    "validation_split": "The share of samples to hold out is validation_fraction: say validation_fraction={}.",
    "early_stopping": "The epochs without improvement to bear are n_iter_no_change: say early_stopping=True, "
    "n_iter_no_change={}.",
    "normalization": "Say normalization='batch', or another of these names.",
}


def hint(name, value, allowed):
    """A sentence that begins with a space, or ''.

    Parameters
    ----------
    name : str
        Of the parameter.
    value : object
        What was given.
    allowed : list
        The parameter's constraints.
    """
    if name == "loss" and isinstance(value, (Real, list, tuple)):
        return f" The first parameter of MLPRegressor is loss: say hidden_layer_sizes={shown(value)}."
    if isinstance(value, Real) and name in _NUMBERS and (name == "normalization" or not isinstance(value, bool)):
        return f" {_NUMBERS[name].format(shown(value))}"
    names = {option for one in allowed if isinstance(one, Names) for option in one.options}
    if name == "loss" and isinstance(value, str):
        other = close_name(value, {one for one in LOSSES if not LOSSES[one].is_form} - names, ALIASES["loss"], False)
        if other is not None and close_name(value, names, ALIASES["loss"], False) is None:
            of_classes = LOSSES[other].is_classification
            kind, estimator = ("classes", "MLPClassifier") if of_classes else ("numbers", "MLPRegressor")
            return f" {other!r} is a loss of {kind}: use {estimator}."
    bases = [one for one in allowed if isinstance(one, type) and isinstance(value, type) and issubclass(value, one)]
    return suggested_name(name, value, names, bases[0] if bases else None)
