"""What a fit leaves, and what of it a warm start or a partial fit goes on with."""

from dataclasses import dataclass, field, replace

from .history import History
from .optimizer_state import OptimizerState


@dataclass(frozen=True)
class Continuation:
    """What the last fit has left.

    Parameters
    ----------
    history : History
        Its losses and scores; by default empty, as if there was none.
    optimizer : OptimizerState, default=None
        Its optimizer, if it had one.
    scoring : str or callable, default=None
        What its early stopping watched.
    """

    history: History = field(default_factory=History)
    optimizer: OptimizerState | None = None
    scoring: object = None

    def next_history(self, settings, has_own_validation):
        """A history that goes on with a copy of the last one, as far as settings watch the same.

        Parameters
        ----------
        settings : Settings
            What is asked for now.
        has_own_validation : bool
            Whether the validation samples may be others than before.

        Returns
        -------
        History
            Where its ``best_validation_score`` is None, that of the parameters to begin with counts.
        """
        last, history = self.history, History.begin(settings.early_stopping)
        history.samples_seen, history.loss = last.samples_seen, last.loss
        history.loss_curve, history.epochs = list(last.loss_curve), last.copy_of_epochs()
        if last.gradient_norms is not None:
            history.gradient_norms = {name: list(values) for name, values in last.gradient_norms.items()}
        history.epochs_without_improvement = last.epochs_without_improvement
        # Early stopping may have been switched on or off since, or may watch another score: then its half begins anew.
        if settings.early_stopping and last.validation_scores is not None and settings.scoring == self.scoring:
            history.validation_scores = list(last.validation_scores)
            best = None if has_own_validation and history.validation_scores else last.best_validation_score
            history.best_validation_score = best
        elif not settings.early_stopping and last.best_loss is not None:
            history.best_loss = last.best_loss
        return history

    def next_optimizer(self, settings, problem, single_epoch):
        """A new optimizer, or the last one: whole in a partial fit, its moments in a warm start.

        Parameters
        ----------
        settings : Settings
            What is asked for now.
        problem : Problem
            With the parameters to begin with.
        single_epoch : bool
            Whether this is a partial fit.

        Returns
        -------
        OptimizerState
        """
        architecture, shapes = problem.architecture, problem.trainable_shapes
        new, old = OptimizerState.begin(settings, architecture), self.optimizer
        # Without an average to go on with, the fitted parameters are those to train.
        if old is not None and (settings.ema_decay is None or not _have_shapes(old.offsets, shapes)):
            old = replace(old, offsets=None)
        if old is None or not old.fits(new.rule, shapes, architecture):
            return new
        if single_epoch:
            return replace(old, n_frozen=new.n_frozen, use_bias=new.use_bias)
        kept = ("step", "moments", "offsets", "average_start")
        return replace(new, **{name: getattr(old, name) for name in kept})


def _have_shapes(arrays, shapes):
    return arrays is not None and [a.shape for a in arrays] == shapes
