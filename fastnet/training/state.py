"""What a fit carries from epoch to epoch, and from one fit to the next."""

from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from ..ops.schedules import Schedule


@dataclass(frozen=True)
class OptimizerState:
    """An optimizer in the middle of its work, in plain data that pickles and holds no address.

    Parameters
    ----------
    rule : Op
        The update rule, such as ``SGD(momentum=0.9)``.
    schedule : Schedule
        The schedule of the learning rate.
    rate : float
        Learning rate of the next epoch.
    initial_rate : float
        Learning rate of the first epoch.
    epoch : int, default=0
        Epochs done under the schedule.
    step : int, default=0
        Mini-batches seen.
    moments : list of list of ndarray, default=None
        One list a state array of the rule: an array for each matrix, then one for each vector that can be
        trained. None means zeros.
    n_frozen : int, default=0
        Number of first layers that were not trained.
    use_bias : bool, default=True
        Whether biases were trained.
    offsets : list of ndarray, default=None
        Where the model's parameters are averages: what the trained ones are away from them, in the same order.
    average_start : int, default=0
        Mini-batches seen before the average began.
    """

    rule: object
    schedule: Schedule
    rate: float
    initial_rate: float
    epoch: int = 0
    step: int = 0
    moments: list | None = None
    n_frozen: int = 0
    use_bias: bool = True
    offsets: list | None = None
    average_start: int = 0

    @classmethod
    def begin(cls, settings, architecture):
        """A new optimizer, as settings ask for."""
        rate = settings.learning_rate
        trained = {"n_frozen": architecture.n_frozen, "use_bias": architecture.use_bias}
        return cls(settings.optimizer, settings.schedule, rate, initial_rate=rate, **trained)

    def fits(self, rule, shapes, architecture):
        """Whether the moments can serve ``rule`` on parameters of ``shapes``, all that can be trained.

        They cannot where the architecture trains parameters that were not trained: these have none yet.
        """
        return (
            rule.can_continue(self.rule)
            and self.moments is not None
            and len(self.moments) == rule.n_states
            and self.n_frozen <= architecture.n_frozen
            and self.use_bias >= architecture.use_bias
            and all([m.shape for m in moment] == shapes for moment in self.moments)
        )


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
