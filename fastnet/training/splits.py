"""The samples held out for early stopping."""

import math

import numpy as np
from sklearn.model_selection import train_test_split

from ..ops.numbers import shown


def split_rows(n_samples, fraction, random_state, stratify=None, sample_weight=None, optional_strata=False):
    """Split row numbers into training and validation rows; the data itself is not touched.

    Draws from ``random_state`` exactly as scikit-learn does when it splits the data.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    fraction : float
        Share of the rows to hold out.
    random_state : numpy.random.RandomState
        Source of the draws.
    stratify : ndarray of shape (n_samples,), default=None
        Classes whose shares both parts keep.
    optional_strata : bool, default=False
        Whether to split without strata where some class has too few samples for them, instead of raising.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights; each part needs one that is not zero.

    Returns
    -------
    train, validation : ndarray of intp
        Row numbers.

    Raises
    ------
    ValueError
        If either part is too small, has only zero weights, or lacks classes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.training.splits import split_rows
    >>> train, validation = split_rows(20, 0.1, np.random.RandomState(0))
    >>> len(train), len(validation)
    (18, 2)
    """
    if stratify is not None and optional_strata:
        counts = np.unique(stratify, return_counts=True)[1]
        n_validation = math.ceil(fraction * n_samples)
        if counts.min() < 2 or min(n_validation, n_samples - n_validation) < len(counts):
            stratify = None
    try:
        train, validation = train_test_split(
            np.arange(n_samples), test_size=fraction, random_state=random_state, stratify=stratify
        )
    except ValueError as error:
        raise ValueError(
            f"validation_fraction={fraction:g} of n_samples={n_samples} cannot be held out: {error} Raise "
            "validation_fraction, give X_val and y_val, or set early_stopping=False."
        ) from error
    check_parts(train, validation, sample_weight)
    return train, validation


def split_last(n_samples, fraction, sample_weight=None):
    """Split off the last rows, for samples in the order of time.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    fraction : float
        Share of the rows to hold out, rounded up.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights; each part needs one that is not zero.

    Returns
    -------
    train, validation : ndarray of intp
        Row numbers.

    Raises
    ------
    ValueError
        If either part is too small, or has only zero weights.

    Examples
    --------
    >>> from fastnet.training.splits import split_last
    >>> split_last(8, 0.2)
    (array([0, 1, 2, 3, 4, 5]), array([6, 7]))
    """
    train, validation = np.split(np.arange(n_samples), [n_samples - math.ceil(fraction * n_samples)])
    check_parts(train, validation, sample_weight)
    return train, validation


def split_by(splitter, X, y, groups=None, sample_weight=None):
    """Split row numbers by the last split of a splitter, which of a ``TimeSeriesSplit`` has most training samples.

    Parameters
    ----------
    splitter : object
        With scikit-learn's ``split(X, y, groups)``.
    X : {ndarray, sparse array} of shape (n_samples, n_features)
        Samples.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    groups : ndarray of shape (n_samples,), default=None
        Groups of the samples.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights; each part needs one that is not zero.

    Returns
    -------
    train, validation : ndarray of intp
        Row numbers. Rows may be in neither.

    Raises
    ------
    ValueError
        If the splitter raises anything, gives no split or row numbers that are none, or its parts overlap, are too
        small or have only zero weights.
    """
    name, n_samples = f"validation_split={shown(splitter)}", X.shape[0]
    last = _last_split(name, splitter, X, y, groups)
    try:
        train, validation = last
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must give pairs of rows to train on and rows to hold out, got {shown(last)}."
        ) from error
    train, validation = (_rows(name, part, n_samples) for part in (train, validation))
    if len(np.unique(train)) + len(np.unique(validation)) > len(np.union1d(train, validation)):
        raise ValueError(
            f"{name} holds out rows that it also trains on: early stopping would see what it must not. Give a splitter "
            "whose parts do not overlap."
        )
    if len(validation) < 2 or not len(train):
        raise ValueError(
            f"{name} gives {len(train)} row(s) to train on and {len(validation)} to hold out: give a splitter that "
            "leaves at least one to train on and holds out at least two."
        )
    check_parts(train, validation, sample_weight)
    return train, validation


def _last_split(name, splitter, X, y, groups):
    """What a splitter gives last; whatever it raises is told by its name."""
    try:
        splits = list(splitter.split(X, y, groups))
    except Exception as error:
        if groups is not None and not _can_be_sorted(groups):
            raise ValueError(
                "groups must hold labels that can be sorted, all numbers or all strings and none missing: "
                f"{name} cannot split by them."
            ) from error
        raise ValueError(
            f"{name} cannot split the samples: {error} Groups are an argument of fit: fit(X, y, groups=groups)."
        ) from error
    if not splits:
        raise ValueError(f"{name} gives no split: give a splitter that gives at least one.")
    return splits[-1]


def _can_be_sorted(groups):
    try:
        np.unique(groups)
    except TypeError:
        return False
    return True


def _rows(name, part, n_samples):
    """A part of a split, row numbers or a mask, as row numbers of its own: training shuffles them in place."""
    try:
        part = np.asarray(part)
    except ValueError:  # parts of different lengths
        part = np.array(None)
    if part.dtype == bool and part.shape == (n_samples,):
        part = np.flatnonzero(part)
    # an empty list has no type of numbers
    is_rows = part.ndim == 1 and (part.dtype.kind in "iu" or part.size == 0)
    if not is_rows or (part.size and not 0 <= part.min() <= part.max() < n_samples):
        raise ValueError(f"{name} must give numbers of the {n_samples} rows of X.")
    return np.array(part, np.intp)


def check_parts(train, validation, sample_weight):
    """Raise ValueError if a part of a split cannot serve."""
    if len(validation) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    if not len(train):
        raise ValueError("No sample is left to train on. Decrease 'validation_fraction'.")
    if sample_weight is not None:
        for part, rows in (("training", train), ("validation", validation)):
            if not sample_weight[rows].any():
                raise ValueError(
                    f"All sample_weight of the {part} part of the early-stopping split are zero. Leave out "
                    "samples of weight zero, or set early_stopping=False."
                )
