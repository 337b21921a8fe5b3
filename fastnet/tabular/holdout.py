"""The rows that are held out of a table before anything is learnt from it."""

from types import SimpleNamespace

import numpy as np

from ..estimators.fitting.validation import split_as_asked, uses_splitter
from ..ops.numbers import shown
from ..training.splits import split_rows


class HeldOut:
    """A splitter for a network inside: rows to train on, and rows to validate with, as they were chosen before."""

    def __init__(self, train, validation):
        self.train, self.validation = train, validation

    def split(self, X, y=None, groups=None):
        """The one split."""
        return [(self.train, self.validation)]

    def get_n_splits(self, X=None, y=None, groups=None):
        """Always 1."""
        return 1


def check_arguments(fraction, splitter, own, refit):
    """Raise ValueError where parameters and arguments of ``fit`` on validation contradict each other.

    Parameters
    ----------
    fraction : float
        Share of the rows to hold out.
    splitter : None, 'last' or splitter
        Which rows to hold out.
    own : OwnData
        Samples of the user, and groups.
    refit : bool
        Whether to train again on all rows.
    """
    asked = SimpleNamespace(validation_split=splitter)
    if isinstance(splitter, type):
        raise ValueError(f"validation_split must be an object, not its class: write {splitter.__name__}().")
    if own.groups is not None and not uses_splitter(asked):
        raise ValueError(
            "groups are for a splitter: set validation_split to one that uses them, such as "
            f"GroupShuffleSplit(n_splits=1), got validation_split={shown(splitter)}; or leave out groups."
        )
    if (own.X is None) != (own.y is None):
        given, missing = ("X_val", "y_val") if own.y is None else ("y_val", "X_val")
        raise ValueError(f"{given} is given without {missing}: give both, or none.")
    if own.X is None and own.sample_weight is not None:
        raise ValueError("sample_weight_val is given without X_val and y_val: give all of them.")
    if own.X is not None and splitter is not None:
        raise ValueError(
            f"X_val and y_val take the place of rows held out, got validation_split={shown(splitter)}: give one of "
            "them."
        )
    if refit and own.X is not None:
        raise ValueError(
            "refit=True trains again with the rows that were held out, but X_val and y_val were given: set "
            "refit=False, or put these rows into X and let validation_split hold them out."
        )
    if not fraction and splitter == "last":
        raise ValueError("validation_fraction=0 holds out no row, but validation_split='last': leave out one of them.")
    if refit and not fraction and not uses_splitter(asked):
        raise ValueError(
            "refit=True needs rows that are held out to find the number of epochs, got validation_fraction=0: make it "
            "larger, or set refit=False."
        )


def split_table(fraction, splitter, X, y, strata, sample_weight, groups, random_state):
    """Rows to train on and rows to hold out.

    Parameters
    ----------
    fraction : float
        Share of the rows to hold out.
    splitter : None, 'last' or splitter
        Which rows to hold out; None draws them.
    X : frame or array
        The table, for a splitter to see.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets, for a splitter to see; classes as numbers.
    strata : ndarray of shape (n_samples,) or None
        Classes whose shares both parts keep.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights; each part needs one that is not 0.
    groups : array-like or None
        For a splitter.
    random_state : numpy.random.RandomState
        Source of the draws.

    Returns
    -------
    train, validation : ndarray of intp
    """
    asked = SimpleNamespace(validation_split=splitter, validation_fraction=fraction)
    try:
        if splitter is not None:
            return split_as_asked(asked, X, y.reshape(len(y), -1), sample_weight, groups)
        return split_rows(len(y), fraction, random_state, strata, sample_weight, optional_strata=True)
    except ValueError as error:
        # what the networks inside would say
        remedy = "set validation_fraction=0"
        raise ValueError(str(error).replace("set early_stopping=False", remedy)) from None


def splits_for_members(n_members, fraction, splitter, *of_rows):
    """For each network of an ensemble the rows to train on and the rows to hold out: see `split_table`.

    Where they are drawn each network holds out others, so that together they learn from all rows. A splitter, or
    'last', gives all of them the same.
    """
    if splitter is None:
        return [split_table(fraction, None, *of_rows) for _ in range(n_members)]
    return [split_table(fraction, splitter, *of_rows)] * n_members


def class_numbers(y):
    """Numbers of the classes of one column of labels; None for several labels or columns."""
    return np.unique(y, return_inverse=True)[1] if y.ndim == 1 else None
