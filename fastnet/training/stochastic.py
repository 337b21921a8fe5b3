"""Mini-batch training: the loop over the epochs.

Order of the draws from ``random_state``, as scikit-learn's: initial weights, the split for validation, then
one shuffle an epoch. The key of the noise's random bits is drawn between the split and the first shuffle, and
only when there is noise (dropout, DropConnect, Gaussian).
"""

import warnings
from dataclasses import replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..ops.schedules import rates_of_epoch


def train_epochs(
    session,
    order,
    state,
    history,
    *,
    max_iter,
    warmup=0.0,
    shuffle,
    random_state,
    tol,
    n_iter_no_change,
    score=None,
    verbose=False,
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
        Continued in place.
    max_iter : int
        Number of epochs at most; what schedules take for the whole.
    warmup : float, default=0.0
        Epochs over which the learning rate grows, before its schedule begins.
    shuffle : bool
        Whether to shuffle each epoch.
    random_state : numpy.random.RandomState
        Source of the shuffles.
    tol : float
        Least improvement that counts.
    n_iter_no_change : int or inf
        Epochs without improvement to bear.
    score : callable, default=None
        ``score(session) -> float`` on held-out data. Turns early stopping on: the score decides and the
        parameters of the best epoch are returned.
    verbose : bool, default=False
        Whether to print a line an epoch.
    single_epoch : bool, default=False
        Whether this is one epoch of an incremental fit: no epoch follows it in this call.

    Returns
    -------
    coefs, intercepts : list of ndarray
        Trained parameters.
    state : OptimizerState
        The optimizer at the end.

    Warns
    -----
    ConvergenceWarning
        If ``max_iter`` epochs were not enough.
    UserWarning
        If training was interrupted.
    """
    if state.moments is not None:
        session.set_state(state.moments)
    session.step = state.step
    average_start = state.step if state.offsets is None else state.average_start
    session.set_offsets(state.offsets, average_start)
    schedule, rate, epoch = state.schedule, state.rate, state.epoch
    n_batches = -(-len(order) // session.batch_size)
    best = session.get_parameters() if score is not None else None
    history.n_iter = 0

    try:
        for _ in range(max_iter):
            if shuffle:
                # The draws of sklearn.utils.shuffle, in place and without its checks, which cost more than an
                # epoch of a small net.
                random_state.shuffle(order)
            rates = rates_of_epoch(schedule, rate, epoch, n_batches, max_iter, warmup)
            history.add_epoch(session.run_epoch(order, rates), len(order))
            epoch += 1
            if session.measures_gradients:
                history.add_gradient_norms(*session.gradient_norms())
            if verbose:
                print(f"Iteration {history.n_iter}, loss = {history.loss:.8f}")

            if score is None:
                history.watch_loss(tol)
                # Parameters that are NaN never recover: the epochs left would be wasted.
                if not np.isfinite(history.loss) and not _all_finite(session):
                    break
            else:
                if history.watch_score(score(session), tol):
                    best = None  # the old best goes before the new one comes
                    best = session.get_parameters()
                if verbose:
                    print(f"Validation score: {history.validation_scores[-1]:f}")

            rate = schedule.after_epoch(
                rate, state.initial_rate, history.samples_seen, history.epochs_without_improvement
            )
            if history.epochs_without_improvement > n_iter_no_change:
                new_rate, remark = schedule.on_plateau(rate)
                if verbose:
                    watched = "Training loss" if score is None else "Validation score"
                    print(
                        f"{watched} did not improve more than tol={tol:f} for {n_iter_no_change} "
                        f"consecutive epochs. {remark}"
                    )
                if new_rate is None:
                    break
                rate = new_rate
                history.epochs_without_improvement = 0

            if single_epoch:
                break
            if history.n_iter == max_iter:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the optimization "
                    "hasn't converged yet.",
                    ConvergenceWarning,
                    stacklevel=2,
                )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)

    offsets = session.get_offsets()
    parameters, moments = session.take_results(with_parameters=best is None)
    coefs, intercepts = best or parameters
    progress = {"rate": rate, "epoch": epoch, "step": session.step, "moments": moments}
    return coefs, intercepts, replace(state, **progress, offsets=offsets, average_start=average_start)


def _all_finite(session):
    coefs, intercepts = session.get_parameters()
    return all(np.isfinite(p).all() for p in coefs + intercepts)
