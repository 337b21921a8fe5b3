"""What multilayer perceptrons of both libraries have, under one name."""

from copy import deepcopy

import numpy as np

# Fitted attributes with the same meaning on both sides.
_SHARED_ATTRIBUTES = (
    "classes_", "n_features_in_", "feature_names_in_", "n_outputs_", "n_layers_", "out_activation_", "n_iter_", "t_",
    "loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_",
    "_label_binarizer", "_no_improvement_count", "_random_state",
)  # fmt: skip


def copy_attributes(source, target):
    for name in _SHARED_ATTRIBUTES:
        if hasattr(source, name):
            setattr(target, name, deepcopy(getattr(source, name)))
    for name in ("coefs_", "intercepts_"):
        setattr(target, name, [np.array(p, order="C") for p in getattr(source, name)])


def copy_requests(source, target):
    """What metadata ``set_fit_request`` and the like ask for, as far as the target's methods take it."""
    if not hasattr(source, "_metadata_request"):
        return
    asked, target._metadata_request = source.get_metadata_routing(), target.get_metadata_routing()
    for method in ("fit", "partial_fit", "score"):
        known = getattr(target._metadata_request, method)
        for name, alias in getattr(asked, method).requests.items():
            if name in known.requests:
                known.add_request(param=name, alias=alias)
