"""The presets: what a parameter that is None stands for, in one table, with the source of each value."""

import numpy as np

from ..ops.losses import LogLoss
from ..ops.optimizers import Adam
from ..ops.schedules import MultiCosine, OneCycle

# RealMLP: Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
# Data", NeurIPS 2024, arXiv:2407.04491, table A.1. "measured": by `python -m benchmarks.tables`.
_OF_ALL = {
    "max_one_hot": 8,  # RealMLP-TD
    "min_frequency": 1,  # RealMLP: every level counts
    "numeric_embedding": False,
    "embedding": False,
    "input_scale": False,
    "hidden_layer_sizes": (256, 256, 256),  # RealMLP
    "solver": Adam(beta_2=0.95),  # RealMLP
    "learning_rate_init": 0.01,  # measured; RealMLP has 0.04 and 0.07, which its rate factors make smaller
    "rate_factors": 1.0,
    "bias_rate_factor": 1.0,
    "alpha": 0.0,  # RealMLP-TD-S
    "dropout_schedule": "constant",
    "decay_schedule": "constant",
    "output_init": "lecun_normal",
    "bias_init": 0.0,
    "batch_size": "auto",  # RealMLP's 256, less for few rows
    "init": "lecun_normal",  # RealMLP: variance 1 / fan_in
    "n_iter_no_change": np.inf,  # RealMLP: the schedule runs to its end, and the best epoch is kept
    "validation_fraction": 0.2,  # RealMLP
}
_OF_CLASSES = {
    "activation": "selu",  # RealMLP
    "loss": LogLoss(label_smoothing=0.1),  # RealMLP
    "scoring": "loss",  # measured: better than RealMLP's accuracy, also by accuracy
    "calibration": "temperature",  # measured: takes back what label smoothing does to probabilities
}
_OF_NUMBERS = {
    "activation": "mish",  # RealMLP
    "loss": "squared_error",  # RealMLP
    "scoring": None,  # RealMLP: squared error, so R²
    "clip_predictions": True,  # RealMLP-TD
}
_PRESETS = {
    "fast": {
        "learning_rate": OneCycle(),  # measured
        "ema_decay": 0.99,  # measured
        "max_iter": 32,  # measured
        "dropout": 0.0,  # RealMLP-TD-S
        "n_members": 1,
    },
    "default": {
        "learning_rate": MultiCosine(),  # RealMLP
        "ema_decay": 0.0,  # RealMLP
        "max_iter": 64,  # measured; RealMLP has 256
        "dropout": 0.15,  # RealMLP-TD
        "n_members": 1,
    },
    "best": {
        "learning_rate": MultiCosine(),  # RealMLP
        "ema_decay": 0.0,  # RealMLP
        "max_iter": 64,  # measured
        "dropout": 0.15,  # RealMLP-TD
        "n_members": 4,  # measured
    },
}
NAMES = tuple(_PRESETS)

# By task and name.
PRESETS = {
    "classification": {name: {**_OF_ALL, **_OF_CLASSES, **own} for name, own in _PRESETS.items()},
    "regression": {name: {**_OF_ALL, **_OF_NUMBERS, **own} for name, own in _PRESETS.items()},
}


def resolved(asked, task):
    """Parameters with the preset's values where they are None.

    Parameters
    ----------
    asked : SimpleNamespace
        Parameters of the estimator, plain.
    task : {'classification', 'regression'}
        What it does.

    Returns
    -------
    dict
        Every parameter of the preset.
    """
    given = {name: getattr(asked, name) for name in PRESETS[task][asked.preset]}
    return {name: PRESETS[task][asked.preset][name] if value is None else value for name, value in given.items()}
