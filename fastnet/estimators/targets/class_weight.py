"""Weights of classes, as weights of samples."""

import numpy as np

from ...ops.numbers import Number, shown


def weigh_classes(class_weight, codes, labels, sample_weight=None, counted=None):
    """Weights of the samples, each times the weights of its classes.

    Parameters
    ----------
    class_weight : dict, 'balanced' or list of dict
        Class label to weight; a class that is missing weighs 1. 'balanced' gives each class of a column the same
        total weight, ``n_samples / (n_classes * count)`` a sample, all counted in ``sample_weight``. King, Zeng:
        "Logistic Regression in Rare Events Data", Political Analysis 9, 2001. With several columns the dicts
        come in a list.
    codes : ndarray of int of shape (n_samples, n_columns)
        For each sample the position of its class in the column's labels.
    labels : list of ndarray
        Class labels of each column.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights to multiply; None is 1.
    counted : tuple of codes and sample_weight, default=None
        The samples whose classes 'balanced' counts; None is those that are weighed.

    Returns
    -------
    ndarray of float64 of shape (n_samples,)
        The product over the columns.

    Raises
    ------
    ValueError
        If ``class_weight`` does not go with the columns, has a label that is not a class or a weight that is
        negative or not finite, or if no weight is left.
    """
    result = np.ones(len(codes))
    for column, (weights, classes) in enumerate(zip(_columns(class_weight, len(labels)), labels, strict=True)):
        if isinstance(weights, dict):
            result *= _given(weights, classes)[codes[:, column]]
        else:
            of, of_weight = (codes, sample_weight) if counted is None else counted
            result *= _balanced(of[:, column], of_weight, len(classes))[codes[:, column]]
    if sample_weight is not None:
        result *= sample_weight
    if not result.any():
        raise ValueError("class_weight leaves no sample a weight above 0: raise the weight of a class that is in y.")
    return result


def _columns(class_weight, n_columns):
    """One dict or 'balanced' a column."""
    if isinstance(class_weight, str):
        return [class_weight] * n_columns
    if isinstance(class_weight, list) != (n_columns > 1):
        raise ValueError(
            "class_weight must be a dict or 'balanced' for one label a sample, and a list of one dict for each label, "
            "or 'balanced', for several labels at once."
        )
    dicts = class_weight if isinstance(class_weight, list) else [class_weight]
    if len(dicts) != n_columns or not all(isinstance(d, dict) for d in dicts):
        raise ValueError(
            f"class_weight must hold one dict for each of the {n_columns} labels, got {shown(class_weight)}."
        )
    return dicts


def _given(weights, classes):
    classes = classes.tolist()
    unknown = [label for label in weights if label not in classes]
    # A part of the data need not hold every class: only a class that goes without a weight makes this a slip.
    if unknown and len(unknown) > len(weights) - len(classes):
        raise ValueError(f"class_weight has labels that are not classes of y, {unknown}: the classes are {classes}.")
    plain = {label: Number(0.0).plain(weight) for label, weight in weights.items()}
    for label, weight in plain.items():
        if weight is None:
            raise ValueError(
                f"class_weight must be finite and at least 0, a number for each class, got {shown(weights[label])} for "
                f"class {shown(label)}."
            )
    return np.array([plain.get(label, 1.0) for label in classes])


def _balanced(codes, sample_weight, n_labels):
    counts = np.bincount(codes, weights=sample_weight, minlength=n_labels)
    # A class whose samples all weigh 0 counts as absent.
    n_classes = np.count_nonzero(counts)
    return counts.sum() / (n_classes * np.where(counts > 0, counts, 1))
