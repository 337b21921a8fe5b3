"""A preset of fastnet's network for tables, and the preset without one of its parts at a time."""

import sys
from dataclasses import replace

import fastnet

from .methods import BOTH, tabular_method

# By part: what stands in for it when it is left out, and the tasks that have it.
PARTS = {
    "label smoothing": ({"loss": "log_loss"}, ("classification",)),
    "calibration": ({"calibration": False}, ("classification",)),
    "schedule of the rate": ({"learning_rate": "constant"}, BOTH),
    "beta_2": ({"solver": "adam"}, BOTH),
    "activation": ({"activation": "relu"}, BOTH),
    "features": ({"features": []}, BOTH),
    "input scale": ({"input_scale": False}, BOTH),
    "bias rate": ({"bias_rate_factor": 1.0}, BOTH),
    "rates by layer": ({"rate_factors": 1.0}, BOTH),
    "dropout": ({"dropout": 0.0}, BOTH),
    "weight decay": ({"alpha": 0.0}, BOTH),
    "averaged weights": ({"ema_decay": 0.0}, BOTH),
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
