"""The samples that early stopping and calibration look at: rows held out of X, or samples of their own."""

import math
from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils import _safe_indexing, check_array
from sklearn.utils.validation import _check_feature_names

from ...ops.numbers import shown
from ...training.splits import split_by, split_last, split_rows
from ..inputs.arrays import DTYPES, cast, cast_weights, check_fits, check_offset, check_weights, engine_input, named


@dataclass(frozen=True)
class OwnData:
    """What ``fit`` was given to validate with, as given, and the groups of the training samples."""

    X: object = None
    y: object = None
    sample_weight: object = None
    groups: object = None
    offset: object = None


NO_DATA = OwnData()


@dataclass(frozen=True)
class ValidationSet:
    """Samples to validate with, in the form that the engine takes.

    ``rows`` are row numbers of ``X``, ``targets`` and ``sample_weight`` (or None) are those of the rows. ``given`` is X
    as the user gave it and plain y, for scorers; of rows that were held out they are cut out of it when needed.
    """

    X: object
    rows: np.ndarray
    targets: np.ndarray
    sample_weight: np.ndarray | None
    given: tuple
    is_held_out: bool

    def as_given(self):
        """X of the samples, a frame if the user gave one, and plain y."""
        if not self.is_held_out:
            return self.given
        X, y = self.given
        return _safe_indexing(X if hasattr(X, "columns") else self.X, self.rows), y[self.rows]

    @property
    def own_X(self):
        """X if it is another than that of the training, else None."""
        return None if self.is_held_out else self.X

    def prepared(self, encode, dtype):
        """The same with targets as the network learns them, and weights, in the computation dtype."""
        weight = self.sample_weight
        targets = cast("y_val", encode(self.targets), dtype)
        return replace(self, targets=targets, sample_weight=None if weight is None else cast_weights(weight, dtype))


def uses_splitter(settings):
    """Whether ``validation_split`` is an object that splits."""
    return settings.validation_split is not None and not isinstance(settings.validation_split, str)


def check_validation(settings, own, incremental=False):
    """Raise ValueError where parameters and arguments on validation contradict each other."""
    early = settings.stops_early
    switch_on = (
        "partial_fit has none" if incremental
        else "set early_stopping=True" if settings.is_stochastic
        else "solver='lbfgs' does not stop early: choose a stochastic solver, such as 'adam'"
    )  # fmt: skip
    for name, needs in (("scoring", own.X is None), ("validation_split", True)):
        value = getattr(settings, name)
        if value is not None and not early and needs:
            give = ", give X_val and y_val" if name == "scoring" and not incremental else ""
            raise ValueError(f"{name}={shown(value)} is for early stopping: {switch_on}{give}, or leave it out.")
    if isinstance(settings.validation_split, type):
        name = settings.validation_split.__name__
        raise ValueError(f"validation_split must be an object, not its class: write {name}().")
    if own.groups is not None and not uses_splitter(settings):
        raise ValueError(
            "groups are for a splitter: set validation_split to one that uses them, such as "
            f"GroupShuffleSplit(n_splits=1), got validation_split={shown(settings.validation_split)}; or leave out "
            "groups."
        )
    if (own.X is None) != (own.y is None):
        given, missing = ("X_val", "y_val") if own.y is None else ("y_val", "X_val")
        raise ValueError(f"{given} is given without {missing}: give both, or none.")
    if own.X is None:
        if own.offset is not None:
            raise ValueError("offset_val is given without X_val and y_val: give all of them.")
        if own.sample_weight is not None:
            raise ValueError("sample_weight_val is given without X_val and y_val: give all of them.")
        if early and not uses_splitter(settings) and settings.validation_fraction == 0:
            raise ValueError(
                "validation_fraction=0 holds out no sample for early stopping to watch: make it larger, give X_val and "
                "y_val, or set early_stopping=False."
            )
    elif settings.validation_split is not None:
        raise ValueError(
            "X_val and y_val take the place of rows held out, got "
            f"validation_split={shown(settings.validation_split)}: give one of them."
        )


def own_samples(estimator, own, X, targets, loss, weigh):
    """Validated samples that the user gave.

    Parameters
    ----------
    estimator : estimator
        With the features, and the classes, that ``X`` and ``y`` have.
    own : OwnData
        The samples.
    X, targets : ndarray
        The training data, validated.
    loss : Loss
        What is minimised.
    weigh : callable
        ``weigh(sample_weight, targets)``, validated weights with those of the classes.

    Returns
    -------
    ValidationSet

    Raises
    ------
    ValueError
        If they do not go with the training data.
    """
    with named(X_val=own.X):
        X_val = check_array(
            own.X, accept_sparse=("csr", "csc"), dtype=DTYPES, ensure_min_samples=0, estimator=estimator,
            input_name="X_val",
        )  # fmt: skip
    if X_val.shape[0] < 2:
        raise ValueError(f"X_val has {X_val.shape[0]} sample(s): give at least 2.")
    if X_val.shape[1] != X.shape[1]:
        raise ValueError(f"X_val has {X_val.shape[1]} features, X has {X.shape[1]}: both must have the same.")
    _check_feature_names(estimator, own.X, reset=False)
    y = estimator._plain_targets(own.y, "y_val")
    if y.ndim not in (1, 2):
        raise ValueError(f"y_val must be like y, got an array of shape {y.shape}.")
    if X_val.shape[0] != y.shape[0]:
        raise ValueError(f"X_val has {X_val.shape[0]} samples, y_val has {y.shape[0]}: both must have as many.")
    targets_val = estimator._validation_targets(y, targets, loss)
    weight = weigh(check_weights(own.sample_weight, X_val, "sample_weight_val"), targets_val)
    offset = check_offset(own.offset, X_val, "offset_val")
    if offset is not None:
        targets_val = np.column_stack([targets_val, offset])
    X_val = engine_input(X_val)
    return ValidationSet(X_val, np.arange(X_val.shape[0]), targets_val, weight, (own.X, y), False)


def split_as_asked(settings, X, targets, sample_weight, groups):
    """Rows to train on and rows to hold out, where ``validation_split`` says which; draws nothing."""
    n_samples = X.shape[0]
    if not uses_splitter(settings):
        return split_last(n_samples, settings.validation_fraction, sample_weight)
    if groups is not None:
        try:
            groups = np.asarray(groups)
        except ValueError:  # labels that are sequences
            groups = np.array(None)
        if groups.shape != (n_samples,):
            raise ValueError(f"groups must hold one label for each of the {n_samples} samples, got {groups.shape}.")
    y = targets[:, 0] if targets.shape[1] == 1 else targets
    return split_by(settings.validation_split, X, y, groups, sample_weight)


def split_at_random(settings, targets, sample_weight, loss, random_state):
    """Rows to train on and rows to hold out, drawn and stratified as in scikit-learn."""
    # Several labels at once have no classes to stratify by.
    one_label = loss.is_classification and targets.shape[1] == 1
    strata = None
    if one_label:
        # One column of bools, as scikit-learn gives two classes: then its messages are the same, too.
        strata = targets[:, 0] if loss.class_index_target else targets > 0.5
    return split_rows(
        len(targets),
        settings.validation_fraction,
        random_state,
        stratify=strata,
        sample_weight=sample_weight,
        # scikit-learn stratifies two classes only: where it can split more than two, so do we.
        optional_strata=loss.class_index_target,
    )


class Holdout:
    """The samples to validate with, and those that are left to train on.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    own : ValidationSet or None
        Samples that the user gave.
    X, targets, sample_weight : ndarray
        The training data, validated.
    given : tuple
        X and y as the user gave them.
    groups : array-like or None
        For a splitter.

    Attributes
    ----------
    n_train : int
        Number of samples to train on.
    """

    def __init__(self, settings, own, X, targets, sample_weight, given, groups):
        self._settings, self._own, self._given, self._X = settings, own, given, X
        self._splits, self._parts = own is None and settings.stops_early, None
        self.n_train = n_samples = X.shape[0]
        if self._splits and settings.validation_split is not None:
            self._parts = split_as_asked(settings, X, targets, sample_weight, groups)
            self.n_train = len(self._parts[0])
        elif self._splits:
            self.n_train -= math.ceil(settings.validation_fraction * n_samples)

    def take(self, targets, sample_weight, loss, random_state, dtype):
        """Rows to train on, and the samples to validate with or None, whose targets are not yet prepared."""
        n_samples = len(targets)
        if self._own is not None:
            check_fits("X_val", self._own.X, dtype)
            return np.arange(n_samples), self._own
        if not self._splits:
            return np.arange(n_samples), None
        parts = self._parts
        if parts is None:
            parts = split_at_random(self._settings, targets, sample_weight, loss, random_state)
        train, rows = parts
        weight = None if sample_weight is None else sample_weight[rows]
        return train, ValidationSet(self._X, rows, targets[rows], weight, self._given, True)
