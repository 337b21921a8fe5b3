"""The losses and scores of a training."""

from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np


@dataclass
class History:
    """Losses and scores so far, with the names and meanings of scikit-learn's fitted attributes.

    ``n_iter`` counts the epochs of the current fit, the rest goes on over warm starts and partial fits.
    ``validation_scores`` is None without early stopping, ``best_loss`` with it, ``gradient_norms`` without clipping.
    ``stop_reason`` is one of 'no_improvement', 'max_iter', 'max_time' and 'interrupt'; None while training may go on.
    """

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

    def add_epoch(self, loss, n_samples):
        """Enter the loss of an epoch over ``n_samples``."""
        self.n_iter += 1
        self.samples_seen += n_samples
        self.loss = loss
        self.loss_curve.append(loss)

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
