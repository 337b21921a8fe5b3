"""What is not refused by name yet. A rule goes when its fault is mended; the aim is an empty file."""

import numpy as np

_SEQUENCES = ("hidden_layer_sizes", "alpha", "dropout", "drop_connect")
# How refusals begin that name no parameter: of validation_fraction=0, and of scoring='neg_log_loss' without some class.
NAMELESS = ("test_size=", "y_true and y_prob contain different number of classes")
_TABLES = ("X", "X_val", "y_val", "sample_weight", "sample_weight_val")


def is_open(name, value):
    """Whether a parameter or argument is known to take the value, or to be silent about its name."""
    if isinstance(value, np.timedelta64):  # an Integral that compares with no number
        return True
    if "0" * 300 in repr(value):  # integers that no float can hold
        return True
    if name in _SEQUENCES:  # no sequences, or none of numbers
        is_0d = isinstance(value, np.ndarray) and value.ndim == 0
        return is_0d or value is range or isinstance(value, (dict, set, frozenset)) or repr(value) == "[[1, 2], [3]]"
    if name in _TABLES and (type(value) in (object, dict) or isinstance(value, type)):  # "float() argument must be"
        return True
    if name == "sample_weight" and isinstance(value, float):  # NaN for all samples
        return True
    if name == "y":  # missing targets
        return any(word in repr(value) for word in ("None", "NaT", "dtype=object"))
    return name == "classes" and "nan" in repr(value) or name == "class_weight" and repr(value) == "{0: 'a'}"
