"""The losses and scores of a training, epoch by epoch."""

from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np


def best_epoch(scores, restores):
    """Which epoch's weights early stopping keeps, by the scores.

    Parameters
    ----------
    scores : array-like of shape (n_epochs,)
        At least one is not nan.
    restores : True or 'latest'
        Whether it is the first or the last of the best ones.

    Returns
    -------
    int
        Counted from 1.

    Examples
    --------
    >>> from fastnet.training.history import best_epoch
    >>> best_epoch([0.5, 0.75, 0.75], True), best_epoch([0.5, 0.75, 0.75], "latest")
    (2, 3)
    """
    best = np.flatnonzero(np.equal(scores, np.nanmax(scores)))
    return int(best[-1 if restores == "latest" else 0]) + 1


@dataclass(repr=False)
class History:
    """Losses and scores of a training, epoch by epoch: the fitted attribute ``history_``.

    ``history["loss"]`` is a list with a number for each epoch, of L-BFGS for each iteration; so are the other columns.
    It goes on over warm starts and partial fits, as ``loss_curve_`` does. What was not measured in an epoch is nan.

    Attributes
    ----------
    epochs : dict of list of float
        The columns by name. 'loss' is the mean loss of the mini-batches, penalties included, of which 'penalty' are the
        penalties; 'validation_loss' is the loss on the validation samples, without penalties, 'validation_score' what
        ``scoring`` says of them, or 'validation_accuracy' and the like where that is several; 'learning_rate' is that
        of the epoch's first mini-batch; 'seconds' is how long the epoch took, validation included. Callbacks may add
        others.
    n_iter : int
        Epochs or iterations of the last fit.
    samples_seen : int
        Training samples, counted once an epoch.
    loss : float or None
        That of the last epoch.
    loss_curve : list of float
        That of all epochs of mini-batches.
    best_loss : float or None
        The least; None with early stopping.
    validation_scores : list of float or None
        What early stopping watched; None without it.
    best_validation_score : float or None
        The largest.
    epochs_without_improvement : int
        At the end.
    gradient_norms : dict of list of float or None
        Before clipping; None without.
    stop_reason : str or None
        As ``stop_reason_``; None while training may go on.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> net = MLPRegressor(hidden_layer_sizes=5, max_iter=2, n_iter_no_change=None).fit([[0.0], [1.0]], [0.0, 1.0])
    >>> net.history_
    History of 2 epochs: loss, penalty, learning_rate, seconds
    >>> net.history_["loss"] == net.loss_curve_
    True
    """

    epochs: dict = field(default_factory=dict)

    n_iter: int = 0
    samples_seen: int = 0
    loss: float | None = None
    loss_curve: list = field(default_factory=list)
    best_loss: float | None = np.inf
    validation_scores: list | None = None
    best_validation_score: float | None = None
    epochs_without_improvement: int = 0
    gradient_norms: dict | None = None
    stop_reason: str | None = None

    @classmethod
    def begin(cls, early_stopping):
        """An empty history."""
        if early_stopping:
            return cls(best_loss=None, validation_scores=[], best_validation_score=-np.inf)
        return cls()

    @classmethod
    def from_dict(cls, fields):
        """The history whose fields, as ``dataclasses.asdict`` gives them, are in a dict; it shares no list with it."""
        return cls(**deepcopy(fields))

    def __len__(self):
        return max(map(len, self.epochs.values()), default=0)

    def __bool__(self):
        return True

    def __getitem__(self, column):
        try:
            return self.epochs[column]
        except KeyError:
            raise KeyError(f"{column!r} was not measured: there are {list(self.epochs)}.") from None

    def __repr__(self):
        return f"History of {len(self)} epochs: {', '.join(self.epochs) or 'nothing measured'}"

    def to_frame(self):
        """The columns as a frame, with a row for each epoch.

        Returns
        -------
        pandas.DataFrame
            Its index, 'epoch', counts from 1.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "history_.to_frame() makes a frame of pandas, which is not installed: install it by `pip install "
                "pandas`, or take the columns as lists, such as history_['loss']."
            ) from error
        return pd.DataFrame(self.epochs, index=pd.RangeIndex(1, len(self) + 1, name="epoch"))

    def copy_of_epochs(self):
        """The columns, for another history to go on with."""
        return {name: list(values) for name, values in self.epochs.items()}

    def begin_row(self):
        """Let an epoch begin, in which nothing is measured yet."""
        for values in self.epochs.values():
            values.append(np.nan)

    def enter(self, **measured):
        """Enter what was measured in the last epoch that began, by the names of the columns."""
        for name, value in measured.items():
            if name not in self.epochs:
                self.epochs[name] = [np.nan] * max(len(self), 1)
            self.epochs[name][-1] = float(value)

    def add_epoch(self, loss, n_samples, **measured):
        """Enter the loss of an epoch over ``n_samples``, and what else was measured."""
        self.n_iter += 1
        self.samples_seen += n_samples
        self.loss = loss
        self.loss_curve.append(loss)
        self.begin_row()
        self.enter(loss=loss, **measured)

    def add_gradient_norms(self, mean, largest, clipped):
        """Enter what an epoch's gradients were before clipping."""
        norms = self.gradient_norms or {"mean": [], "largest": [], "clipped": []}
        self.gradient_norms = norms
        for name, value in (("mean", mean), ("largest", largest), ("clipped", clipped)):
            norms[name].append(value)

    def watch_loss(self, tol):
        """Compare the last loss with the best one."""
        # A NaN counts as an improvement here and in watch_score, as in scikit-learn.
        stalled = self.loss > self.best_loss - tol
        self.epochs_without_improvement = self.epochs_without_improvement + 1 if stalled else 0
        if self.loss < self.best_loss:
            self.best_loss = self.loss

    def watch_score(self, score, tol):
        """Enter a validation score; returns whether it is the best so far."""
        self.validation_scores.append(score)
        stalled = score < self.best_validation_score + tol
        self.epochs_without_improvement = self.epochs_without_improvement + 1 if stalled else 0
        if score > self.best_validation_score:
            self.best_validation_score = score
            return True
        return False
