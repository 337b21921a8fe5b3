"""From an estimator to a training run, and from its result to fitted attributes.

Nothing here sets anything on the estimator: a run that fails leaves no trace. The estimator is read, and then the
training knows plain values only.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from ...network.cost import layer_operations
from ...ops.numbers import shown
from ...training.continuation import Continuation
from ...training.health import DIVERGED
from ...training.history import History
from ...training.lbfgs import LbfgsTrainer
from ...training.problem import Problem
from ...training.settings import Settings
from ...training.stochastic import StochasticTrainer
from ...training.user_line import stacklevel_of_user
from ..parameters import CALIBRATED_LOG_LOSS
from .validation import ValidationSet


@dataclass(frozen=True)
class Task:
    """A fit that has been checked and prepared, and is to be trained.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    problem : Problem
        What there is to train.
    validation : ValidationSet or None
        Samples that are not trained on.
    continuation : Continuation or None
        What the last fit has left; None in a first one.
    is_partial : bool
        Whether this is a partial fit, of one epoch.
    n_transferred : int or None
        Layers that begin with the weights of another network.
    attributes : dict
        Fitted attributes that are known before the training.
    first_draws : dict
        State of the generator before all draws of the fit.
    """

    settings: Settings
    problem: Problem
    validation: ValidationSet | None
    continuation: Continuation | None
    is_partial: bool
    n_transferred: int | None
    attributes: dict
    first_draws: dict

    def trainer(self, state=None):
        """The trainer, at the beginning of the fit or where it had a state.

        Only once: it takes over the problem's parameters.
        """
        kind = StochasticTrainer if self.settings.is_stochastic else LbfgsTrainer
        if state is not None:
            return kind.resume(self.problem, self.settings, state)
        return kind.begin(self.problem, self.settings, self.continuation, self.is_partial)

    def cost(self, architecture, samples_passed, seconds):
        """What a training took.

        Parameters
        ----------
        architecture : Architecture
            The net.
        samples_passed : int
            Samples that went through it and back.
        seconds : float
            Of the training, validation included.

        Returns
        -------
        dict
            'seconds', and 'operations' in floating point.
        """
        X = self.problem.X
        inputs = X.nnz / X.shape[0] if issparse(X) else None
        return {"seconds": seconds, "operations": samples_passed * sum(layer_operations(architecture, inputs)[1])}

    def fitted_attributes(self, history, optimizer):
        """What a training tells, by the names of the estimators' attributes.

        Parameters
        ----------
        history : History
            Losses and scores.
        optimizer : OptimizerState or None
            The optimizer at the end; None from L-BFGS.

        Returns
        -------
        dict

        Raises
        ------
        ValueError
            If a scorer told no epoch from another.
        """
        fitted = {"n_iter_": history.n_iter, "t_": history.samples_seen, "stop_reason_": history.stop_reason}
        fitted["history_"] = history
        fitted |= self.attributes
        # Missing only if the very first epoch or evaluation was interrupted or had no time.
        if history.loss is not None:
            fitted["loss_"] = history.loss
        if "validation_loss" in history.epochs and self.problem.measures is not None:
            fitted["validation_loss_"] = history["validation_loss"][-1]
        if optimizer is None:
            return fitted
        _check_scores(self.settings, history, self.problem.measures)
        if history.gradient_norms is not None:
            fitted["gradient_norms_"] = history.gradient_norms
        return fitted | {
            "loss_curve_": history.loss_curve,
            "best_loss_": history.best_loss,
            "validation_scores_": history.validation_scores,
            "best_validation_score_": history.best_validation_score,
            "_no_improvement_count": history.epochs_without_improvement,
            "_optimizer": optimizer,
            "_scoring": self.settings.scoring,
        }


def continuation_of(estimator):
    """What a fitted estimator has for the next fit to go on with: the counterpart of `Task.fitted_attributes`."""
    history = History(samples_seen=estimator.t_, loss=getattr(estimator, "loss_", None))
    if hasattr(estimator, "history_"):  # not there in a pickle of an earlier version
        history.epochs = estimator.history_.epochs
    optimizer = getattr(estimator, "_optimizer", None)
    if not hasattr(estimator, "loss_curve_"):
        return Continuation(history, optimizer)
    history.loss_curve = estimator.loss_curve_
    history.best_loss = estimator.best_loss_
    history.validation_scores = estimator.validation_scores_
    history.best_validation_score = estimator.best_validation_score_
    history.epochs_without_improvement = estimator._no_improvement_count
    history.gradient_norms = getattr(estimator, "gradient_norms_", None)
    return Continuation(history, optimizer, getattr(estimator, "_scoring", None))


def check_batch_size(solver, settings, n_samples):
    """Raise ValueError, or warn, where a mini-batch is smaller or larger than the solver or the data allow.

    Parameters
    ----------
    solver : str or Optimizer
        As it was asked for.
    settings : Settings
        What was asked for.
    n_samples : int
        Number of samples to train on.
    """
    if not settings.is_stochastic:
        return
    size = settings.batch_rows(n_samples)
    if size < n_samples and settings.needs_all_samples:
        raise ValueError(
            f"solver={solver!r} compares the signs of gradients over all {n_samples} training samples, got "
            f"batch_size={size}: set batch_size=None, or choose another solver."
        )
    if size > n_samples:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=stacklevel_of_user(),
        )


def _check_scores(settings, history, measures):
    """Raise ValueError if a scorer told no epoch of this fit from another: none of them would be kept."""
    scores = (history.validation_scores or [])[-history.n_iter :] if history.n_iter else []
    if scores and np.isnan(scores).all() and np.isfinite(history.loss):  # of another loss `check_training` tells
        if measures.watched in (None, "loss", CALIBRATED_LOG_LOSS) or measures.has_diverged:
            raise ValueError(DIVERGED)
        raise ValueError(
            f"scoring={shown(measures.watched)} was nan after every epoch, so that none is the best: validate with "
            "samples that it is defined for, such as of every class, or choose another scoring."
        )
