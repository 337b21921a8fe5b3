"""Mini-batch training: the loop over the epochs.

Order of the draws from ``random_state``, as scikit-learn's: initial weights, the split for validation, then
one shuffle an epoch. The key of the noise's random bits is drawn between the split and the first shuffle, and
only when there is noise (dropout, DropConnect, Gaussian).
"""

import time
import warnings
from dataclasses import replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..ops.rates import rates_of_epoch


def train_epochs(
    session,
    order,
    state,
    history,
    settings,
    *,
    random_state,
    score=None,
    single_epoch=False,
):
    """Train until the loss (or the validation score) stalls, or for ``max_iter`` epochs.

    Ctrl-C ends the training with a warning and keeps the current weights.

    Parameters
    ----------
    session : Session
        The engine, with data and parameters set.
    order : ndarray of intp
        Rows to train on, shuffled in place: each epoch shuffles the order of the one before it.
    state : OptimizerState
        Optimizer to begin with; not changed.
    history : History
        Continued in place. Where its ``best_validation_score`` is None, that of the parameters to begin with counts.
    settings : Settings
        What was asked for. ``max_iter`` is the number of epochs at most, and what schedules take for the whole. Of the
        two values of ``n_iter_no_change`` that end no training, inf warns if it has not converged by ``max_iter``, and
        None asks for just so many epochs. ``max_time`` may end in the middle of an epoch, which then counts as one,
        with the mean loss of its mini-batches done. ``restore_best_weights`` returns the parameters of the epoch with
        the best score, not those of the last one.
    random_state : numpy.random.RandomState
        Source of the shuffles.
    score : callable, default=None
        ``score(session) -> float`` on held-out data. Turns early stopping on: the score decides.
    single_epoch : bool, default=False
        Whether this is one epoch of an incremental fit: no epoch follows it in this call.

    Returns
    -------
    matrices, vectors : list of ndarray
        Trained parameters.
    state : OptimizerState
        The optimizer at the end.

    Warns
    -----
    ConvergenceWarning
        If ``max_iter`` epochs were not enough, unless all of them were asked for.
    UserWarning
        If training was interrupted.
    """
    if state.moments is not None:
        session.state.set_moments(state.moments)
    session.step = state.step
    average_start = state.step if state.offsets is None else state.average_start
    session.state.set_offsets(state.offsets, average_start)
    schedule, rate, epoch = state.schedule, state.rate, state.epoch
    n_batches = -(-len(order) // session.batch_size)
    restore_best = settings.restore_best_weights and score is not None
    best = session.get_parameters() if restore_best else None
    if score is not None and history.best_validation_score is None:
        start = score(session)
        history.best_validation_score = -np.inf if np.isnan(start) else start
    history.n_iter, history.stop_reason = 0, None
    max_iter, tol, verbose = settings.max_iter, settings.tol, settings.verbose
    patience = np.inf if settings.n_iter_no_change is None else settings.n_iter_no_change
    if settings.max_time is not None:
        session.deadline = time.perf_counter() + settings.max_time

    try:
        for _ in range(max_iter):
            if settings.shuffle:
                # The draws of sklearn.utils.shuffle, in place and without its checks, which cost more than an
                # epoch of a small net.
                random_state.shuffle(order)
            rates = rates_of_epoch(schedule, rate, epoch, n_batches, max_iter, settings.warmup)
            loss = session.run_epoch(order, rates)
            if session.samples_done == 0:  # time ran out within the first mini-batch
                history.stop_reason = "max_time"
                break
            history.add_epoch(loss, session.samples_done)
            epoch += 1
            if session.steps.measures_gradients:
                history.add_gradient_norms(*session.steps.gradient_norms())
            if verbose:
                print(f"Iteration {history.n_iter}, loss = {history.loss:.8f}")

            if score is None:
                history.watch_loss(tol)
                # Parameters that are NaN never recover: the epochs left would be wasted.
                if not np.isfinite(history.loss) and not _all_finite(session):
                    break
            else:
                if history.watch_score(score(session), tol) and restore_best:
                    best = None  # the old best goes before the new one comes
                    best = session.get_parameters()
                if verbose:
                    print(f"Validation score: {history.validation_scores[-1]:f}")

            rate = schedule.after_epoch(
                rate, state.initial_rate, history.samples_seen, history.epochs_without_improvement
            )
            if history.epochs_without_improvement > patience:
                new_rate, remark = schedule.on_plateau(rate)
                if verbose:
                    watched = "Training loss" if score is None else "Validation score"
                    print(
                        f"{watched} did not improve more than tol={tol:f} for {patience} "
                        f"consecutive epochs. {remark}"
                    )
                if new_rate is None:
                    history.stop_reason = None if single_epoch else "no_improvement"
                    break
                rate = new_rate
                history.epochs_without_improvement = 0

            if session.is_out_of_time:
                history.stop_reason = "max_time"
                if verbose:
                    print(f"max_time={settings.max_time:g} seconds are over. Stopping.")
                break
            if single_epoch:
                break
            if history.n_iter == max_iter:
                history.stop_reason = "max_iter"
                if settings.n_iter_no_change is not None:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the optimization "
                        "hasn't converged yet. Increase max_iter or learning_rate_init. If exactly so many epochs are "
                        "wanted, set n_iter_no_change=None, which does not warn.",
                        ConvergenceWarning,
                        stacklevel=2,
                    )
    except KeyboardInterrupt:
        history.stop_reason = "interrupt"
        warnings.warn("Training interrupted by user.", stacklevel=2)

    offsets = session.state.get_offsets()
    parameters, moments = session.take_results(with_parameters=best is None)
    matrices, vectors = best or parameters
    progress = {"rate": rate, "epoch": epoch, "step": session.step, "moments": moments}
    return matrices, vectors, replace(state, **progress, offsets=offsets, average_start=average_start)


def _all_finite(session):
    matrices, vectors = session.get_parameters()
    return all(np.isfinite(p).all() for p in matrices + vectors)
