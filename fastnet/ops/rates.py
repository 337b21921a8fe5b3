"""The learning rates of an epoch's mini-batches, from a schedule and the warm-up before it; factors of other things."""

import numpy as np

from .numbers import Number, shown
from .schedules import Schedule


def rates_of_epoch(schedule, rate, epoch, n_batches, n_epochs, warmup=0.0):
    """The rate of each mini-batch of an epoch.

    A warm-up comes before the schedule: its rate grows in equal steps from mini-batch to mini-batch up to the
    schedule's first one; then the schedule has the epochs that are left.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    rate : float
        The epoch's rate without factors: ``learning_rate_init``, or what ``after_epoch`` made of it.
    epoch : int
        Epochs done before.
    n_batches : int
        Mini-batches in the epoch.
    n_epochs : int
        Epochs of the whole training.
    warmup : float, default=0.0
        Length of the warm-up in epochs, below ``n_epochs``.

    Returns
    -------
    ndarray of shape (n_batches,)

    Raises
    ------
    ValueError
        If the schedule gives something else than finite rates of at least 0.

    Examples
    --------
    >>> from fastnet.ops.rates import rates_of_epoch
    >>> from fastnet.schedules import Cosine
    >>> rates_of_epoch(Cosine(), 1.0, epoch=1, n_batches=2, n_epochs=2).round(3)
    array([0.5  , 0.146])
    >>> rates_of_epoch(Cosine(), 1.0, epoch=0, n_batches=4, n_epochs=2, warmup=1)
    array([0.25, 0.5 , 0.75, 1.  ])
    """
    plain_rate = Number(0.0).plain(rate)
    if plain_rate is None:
        raise ValueError(
            f"after_epoch and on_plateau of learning_rate={schedule!r} must give a finite rate of at least 0, got "
            f"{shown(rate)}."
        )
    if epoch >= warmup and type(schedule).factors is Schedule.factors:
        return np.full(n_batches, plain_rate)
    batches = epoch * n_batches + np.arange(n_batches)
    epochs = np.maximum(batches / n_batches - warmup, 0.0)
    factors = schedule.factors(epochs, float(n_epochs - warmup))
    rates = _checked("learning_rate", schedule, plain_rate, factors, n_batches)
    if epoch < warmup:
        whole = warmup * n_batches
        rates *= np.minimum(batches + 1, whole) / whole
    return rates


def factors_of_epoch(parameter, schedule, epoch, n_batches, n_epochs):
    """The factor of each mini-batch of an epoch, of something else than the learning rate.

    Parameters
    ----------
    parameter : str
        The estimators' parameter that has the schedule, for messages.
    schedule : Schedule or None
        The schedule; None stands for factors of 1.
    epoch : int
        Epochs done before.
    n_batches : int
        Mini-batches in the epoch.
    n_epochs : int
        Epochs of the whole training.

    Returns
    -------
    ndarray of shape (n_batches,)

    Raises
    ------
    ValueError
        If the schedule gives something else than finite factors of at least 0.

    Examples
    --------
    >>> from fastnet.ops.rates import factors_of_epoch
    >>> from fastnet.schedules import FlatCosine
    >>> factors_of_epoch("decay_schedule", FlatCosine(), epoch=3, n_batches=2, n_epochs=4).round(3)
    array([0.5  , 0.146])
    """
    if schedule is None:
        return np.ones(n_batches)
    epochs = (epoch * n_batches + np.arange(n_batches)) / n_batches
    return _checked(parameter, schedule, 1.0, schedule.factors(epochs, float(n_epochs)), n_batches)


def _checked(parameter, schedule, rate, factors, n_batches):
    """The rate times what a schedule's ``factors`` gave, which may be a user's."""
    wanted = f"factors of {parameter}={schedule!r} must give an array of {n_batches} finite factors of at least 0"
    try:
        array = np.asarray(factors).astype(np.float64, casting="same_kind", copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{wanted}, as many as it gets epochs. Got {shown(factors)} instead.") from error
    if array.shape != (n_batches,):
        raise ValueError(f"{wanted}, as many as it gets epochs. Got an array of shape {array.shape}.")
    with np.errstate(over="ignore"):
        rates = rate * array
    if not (np.isfinite(rates) & (array >= 0)).all():
        bad = array[~(np.isfinite(rates) & (array >= 0))][0]
        raise ValueError(f"{wanted}. Got {bad} for a rate of {rate}.")
    return rates
