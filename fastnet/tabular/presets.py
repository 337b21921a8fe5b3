"""The presets: what a parameter that is None stands for, in one table, with the source of each value."""

import numpy as np

from ..ops.activations import SELU, Mish, Parametric
from ..ops.features import PBLD, Embedding, Scale
from ..ops.losses import LogLoss
from ..ops.optimizers import Adam, AdamW
from ..ops.schedules import FlatCosine, MultiCosine, OneCycle

# RealMLP: Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
# Data", NeurIPS 2024, arXiv:2407.04491, table A.1. "measured": by `python -m benchmarks.tables`.
_OF_ALL = {
    "max_one_hot": 8,  # RealMLP-TD
    "min_frequency": 1,  # RealMLP: every level counts
    "hidden_layer_sizes": (256, 256, 256),  # RealMLP
    "alpha": 0.0,  # RealMLP: decay, if any, is decoupled
    "batch_size": "auto",  # RealMLP's 256, less for few rows
    "init": "lecun_normal",  # RealMLP: variance 1 / fan_in
    "n_iter_no_change": np.inf,  # RealMLP: the schedule runs to its end, and the best epoch is kept
    "validation_fraction": 0.2,  # RealMLP
}
_OF_CLASSES = {
    "loss": LogLoss(label_smoothing=0.1),  # RealMLP
    "scoring": "loss",  # measured: better than RealMLP's accuracy, also by accuracy
    "calibration": "temperature",  # measured: takes back what label smoothing does to probabilities
}
_OF_NUMBERS = {
    "loss": "squared_error",  # RealMLP
    "scoring": None,  # RealMLP: squared error, so R²
    "clip_predictions": True,  # RealMLP-TD
}
# Little work: no feature layers, and averaged weights in place of rates by layer.
_FAST = {
    "numeric_embedding": False,
    "embedding": False,  # averaged weights are of all numbers
    "input_scale": False,
    "solver": Adam(beta_2=0.95),  # RealMLP
    "learning_rate_init": 0.01,  # measured
    "learning_rate": OneCycle(),  # measured
    "rate_factors": 1.0,
    "bias_rate_factor": 1.0,
    "ema_decay": 0.99,  # measured
    "max_iter": 32,  # measured
    "dropout": 0.0,  # RealMLP-TD-S
    "dropout_schedule": "constant",
    "decay_schedule": "constant",
    "output_init": "lecun_normal",
    "bias_init": 0.0,
    "n_members": 1,
}
# RealMLP-TD, but for what is measured.
_WHOLE = {
    "numeric_embedding": PBLD(),
    "embedding": Embedding(8),
    "input_scale": Scale(),
    "solver": AdamW(beta_2=0.95, weight_decay=0.02),
    "learning_rate": MultiCosine(),
    "rate_factors": "fan_in",
    "bias_rate_factor": 0.1,
    "ema_decay": 0.0,
    "max_iter": 32,  # measured: several networks of 32 epochs are better than one of 256
    "dropout": 0.15,
    "dropout_schedule": FlatCosine(),
    "decay_schedule": FlatCosine(),
    "output_init": "zeros",  # RealMLP-TD-S
    "bias_init": "normal",  # RealMLP-TD-S
}
_PRESETS = {
    "fast": _FAST,
    "default": {**_WHOLE, "n_members": 4},  # measured
    "best": {**_WHOLE, "n_members": 6},  # measured
}
# What depends on the task and the preset.
_BY_TASK = {
    "classification": {
        "fast": {"activation": "selu"},  # RealMLP-TD-S
        "default": {"activation": Parametric(SELU()), "learning_rate_init": 0.04},  # RealMLP-TD
    },
    "regression": {
        "fast": {"activation": "mish"},  # RealMLP-TD-S
        "default": {"activation": Parametric(Mish()), "learning_rate_init": 0.2},  # RealMLP-TD
    },
}

NAMES = tuple(_PRESETS)

# By task and name.
PRESETS = {
    task: {
        name: {**_OF_ALL, **of_task, **preset, **_BY_TASK[task].get(name, _BY_TASK[task]["default"])}
        for name, preset in _PRESETS.items()
    }
    for task, of_task in (("classification", _OF_CLASSES), ("regression", _OF_NUMBERS))
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
