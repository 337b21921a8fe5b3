"""The presets: what a parameter that is None stands for, in one table, with the source of each value."""

import numpy as np

from ..ops.activations import SELU, Mish, Parametric
from ..ops.features import PBLD, Embedding, Scale
from ..ops.losses import LogLoss
from ..ops.optimizers import AdamW
from ..ops.schedules import FlatCosine, MultiCosine

# RealMLP: Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
# Data", NeurIPS 2024, arXiv:2407.04491, table A.1. "measured": by `python -m benchmarks.tables`.
_OF_ALL = {
    "max_one_hot": 8,  # RealMLP-TD
    "min_frequency": 1,  # RealMLP: every level counts
    "numeric_embedding": PBLD(),  # RealMLP-TD
    "embedding": Embedding(8),  # RealMLP-TD
    "input_scale": Scale(),  # RealMLP
    "solver": AdamW(beta_2=0.95, weight_decay=0.02),  # RealMLP-TD
    "learning_rate": MultiCosine(),  # RealMLP
    "rate_factors": "fan_in",  # RealMLP
    "bias_rate_factor": 0.1,  # RealMLP
    "alpha": 0.0,  # RealMLP: decay is decoupled
    "ema_decay": 0.0,  # RealMLP
    "batch_size": "auto",  # measured: less than RealMLP's 256 for few rows
    "dropout": 0.15,  # RealMLP-TD
    "dropout_schedule": FlatCosine(),  # RealMLP-TD
    "decay_schedule": FlatCosine(),  # RealMLP-TD
    "init": "lecun_normal",  # RealMLP: variance 1 / fan_in
    "output_init": "zeros",  # RealMLP-TD-S
    "bias_init": "normal",  # RealMLP-TD-S
    "n_iter_no_change": np.inf,  # RealMLP: the schedule runs to its end, and the best epoch is kept
    "validation_fraction": 0.2,  # RealMLP
}
_OF_TASK = {
    "classification": {
        "activation": Parametric(SELU()),  # RealMLP-TD
        "learning_rate_init": 0.04,  # RealMLP-TD
        "loss": LogLoss(label_smoothing=0.1),  # RealMLP
        "scoring": "loss",  # measured: better than RealMLP's accuracy, also by accuracy
        "calibration": "temperature",  # measured: takes back what label smoothing does to probabilities
    },
    "regression": {
        "activation": Parametric(Mish()),  # RealMLP-TD
        "learning_rate_init": 0.2,  # RealMLP-TD
        "loss": "squared_error",  # RealMLP
        "scoring": None,  # RealMLP: squared error, so R²
        "clip_predictions": True,  # RealMLP-TD
    },
}
# measured: several small networks are better than RealMLP's one, of three layers of 256 and 256 epochs, in less time
_SIZES = {
    "fast": {"hidden_layer_sizes": (128, 128), "n_members": 3, "max_iter": 40},
    "default": {"hidden_layer_sizes": (256, 256), "n_members": 5, "max_iter": 32},
    "best": {"hidden_layer_sizes": (256, 256), "n_members": 8, "max_iter": 32},
}

NAMES = tuple(_SIZES)

# By task and name.
PRESETS = {
    task: {name: {**_OF_ALL, **of_task, **size} for name, size in _SIZES.items()} for task, of_task in _OF_TASK.items()
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
