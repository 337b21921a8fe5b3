"""A preset of fastnet's network for tables, and the preset without one of its parts at a time."""

import sys
from dataclasses import replace

import fastnet
from fastnet.optimizers import Adam, AdamW

from .methods import BOTH, tabular_method

# By part: what stands in for it when it is left out, and the tasks that have it.
PARTS = {
    "label smoothing": ({"loss": "log_loss"}, ("classification",)),
    "calibration": ({"calibration": False}, ("classification",)),
    "schedule of the rate": ({"learning_rate": "constant"}, BOTH),
    "beta_2": ({"solver": AdamW(weight_decay=0.02)}, BOTH),
    "activation": ({"activation": "relu"}, BOTH),
    "numeric embedding": ({"numeric_embedding": False}, BOTH),
    "embedding": ({"embedding": False}, BOTH),
    "input scale": ({"input_scale": False}, BOTH),
    "bias rate": ({"bias_rate_factor": 1.0}, BOTH),
    "rates by layer": ({"rate_factors": 1.0, "learning_rate_init": 0.01}, BOTH),
    "dropout": ({"dropout": 0.0}, BOTH),
    "course of dropout and decay": ({"dropout_schedule": "constant", "decay_schedule": "constant"}, BOTH),
    "weight decay": ({"solver": Adam(beta_2=0.95)}, BOTH),
    "starting values": ({"output_init": "lecun_normal", "bias_init": 0.0}, BOTH),
    "small mini-batches": ({"batch_size": 256}, BOTH),
    "members": ({"n_members": 1}, BOTH),
}


def methods(preset, parameters=None):
    """Methods by name: the preset as it is, and without each of its parts.

    Parameters
    ----------
    preset : str
    parameters : collection of str, default=None
        What the network has. Parts of other parameters are left out, with a message. None asks the network.
    """
    if parameters is None:
        if "TabularMLPClassifier" not in fastnet.__all__:
            sys.exit("--ablation needs fastnet.TabularMLPClassifier, which this version has not.")
        parameters = fastnet.TabularMLPClassifier().get_params()
    made = {f"tabular_{preset}": tabular_method(f"TabularMLP, {preset}", {"preset": preset})}
    for part, (changes, tasks) in PARTS.items():
        if not changes.keys() <= set(parameters):
            print(f"{part} is left out: there is no parameter {', '.join(changes)}.", file=sys.stderr)
            continue
        title = f"{preset} without {part}"
        made[title] = replace(tabular_method(title, {"preset": preset} | changes), tasks=tasks)
    return made
