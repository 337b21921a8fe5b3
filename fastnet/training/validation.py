"""The samples held out for early stopping."""

import math

import numpy as np
from sklearn.model_selection import train_test_split


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
        If either part is too small, or has only zero weights.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.training.validation import split_rows
    >>> train, validation = split_rows(20, 0.1, np.random.RandomState(0))
    >>> len(train), len(validation)
    (18, 2)
    """
    if stratify is not None and optional_strata:
        counts = np.unique(stratify, return_counts=True)[1]
        n_validation = math.ceil(fraction * n_samples)
        if counts.min() < 2 or min(n_validation, n_samples - n_validation) < len(counts):
            stratify = None
    train, validation = train_test_split(
        np.arange(n_samples), test_size=fraction, random_state=random_state, stratify=stratify
    )
    if len(validation) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    if sample_weight is not None:
        for part, rows in (("training", train), ("validation", validation)):
            if not sample_weight[rows].any():
                raise ValueError(
                    f"All sample_weight of the {part} part of the early-stopping split are zero. Leave out "
                    "samples of weight zero, or set early_stopping=False."
                )
    return train, validation
