"""The estimators' parameters: from what users give to the plain, checked settings of one fit."""

from .constraints import CALIBRATED_LOG_LOSS, CLASSIFICATION_SCORING, PARAMETER_CONSTRAINTS
from .features import feature_layer
from .limits import check_memory, check_type, training_bytes
from .named import (
    CLASSIFICATION_LOSSES,
    REGRESSION_LOSSES,
    classification_loss,
    is_stochastic,
    needs_all_samples,
    optimizer,
    regression_loss,
    schedule,
)
from .plain import check_each, plain_parameters
from .sequences import hidden_units, layer_activations, penalties
from .settings import settings_of
from .together import NOISE, warn_of_the_ignored

__all__ = [
    "CALIBRATED_LOG_LOSS",
    "CLASSIFICATION_LOSSES",
    "CLASSIFICATION_SCORING",
    "NOISE",
    "PARAMETER_CONSTRAINTS",
    "REGRESSION_LOSSES",
    "check_each",
    "check_memory",
    "check_type",
    "classification_loss",
    "feature_layer",
    "hidden_units",
    "is_stochastic",
    "layer_activations",
    "needs_all_samples",
    "optimizer",
    "penalties",
    "plain_parameters",
    "regression_loss",
    "schedule",
    "settings_of",
    "training_bytes",
    "warn_of_the_ignored",
]
