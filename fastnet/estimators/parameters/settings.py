"""From an estimator's parameters to the settings of one fit."""

from dataclasses import fields

from sklearn.base import is_classifier

from ...training.callbacks import check_callbacks
from ...training.settings import Settings
from .features import feature_pairs, feature_scale
from .named import (
    classification_loss,
    factor_schedule,
    initializer,
    optimizer,
    output_initializer,
    regression_loss,
    schedule,
)
from .plain import plain_parameters
from .scorings import check_scorings
from .sequences import drop_rates, hidden_units, layer_activations, penalties, rate_factors
from .together import check_together


def settings_of(estimator, incremental=False):
    """The settings of a fit, checked one by one and together.

    Parameters
    ----------
    estimator : estimator
        Its parameters are read, and not changed.
    incremental : bool, default=False
        Whether this is ``partial_fit``.

    Returns
    -------
    Settings

    Raises
    ------
    ValueError
        If a parameter is invalid, or contradicts another one.
    """
    asked = plain_parameters(estimator)
    check_scorings(asked, estimator._parameter_constraints)
    hidden = hidden_units(asked.hidden_layer_sizes)
    n_layers = len(hidden) + 1
    activations = layer_activations(asked.activation, len(hidden))
    dropout = drop_rates("dropout", asked.dropout, len(hidden), "hidden layer")
    drop_connect = drop_rates("drop_connect", asked.drop_connect, n_layers, "layer of weights")
    l1, l2 = penalties(asked, n_layers)
    rule, start = optimizer(asked), initializer(asked)
    resolved = {
        "hidden_units": hidden,
        "activations": activations,
        "loss": classification_loss(asked) if is_classifier(estimator) else regression_loss(asked),
        "features": feature_pairs(asked.features),
        "input_scale": feature_scale(asked.input_scale),
        "dropout": dropout,
        "drop_connect": drop_connect,
        "n_frozen": asked.freeze,
        "initializer": start,
        "source": asked.init if start is None else None,
        "output_initializer": output_initializer(asked),
        "optimizer": rule,
        "schedule": None if rule is None else schedule(asked),
        "learning_rate": asked.learning_rate_init,
        "warmup": asked.warmup * (asked.max_iter if asked.warmup < 1 else 1),
        "rate_factors": rate_factors(asked.rate_factors, n_layers),
        "dropout_schedule": factor_schedule(asked, "dropout_schedule"),
        "decay_schedule": factor_schedule(asked, "decay_schedule"),
        "l1": l1,
        "l2": l2,
        "calibration": getattr(asked, "calibration", None),
        "target_scaling": getattr(asked, "target_scaling", False),
        "callbacks": check_callbacks(asked.callbacks),
    }
    # All others have a parameter's name and its plain value.
    as_given = {field.name: getattr(asked, field.name) for field in fields(Settings) if field.name not in resolved}
    settings = Settings(**resolved, **as_given)
    check_together(estimator, settings, incremental)
    return settings
