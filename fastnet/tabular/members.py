"""Training the networks of an ensemble, one after the other, within the time there is."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

from sklearn.base import clone

from ..ops.schedules import Constant, Schedule
from ..training.history import best_epoch


@dataclass(frozen=True)
class FirstEpochs(Schedule):
    """The first epochs of a schedule that is made for more of them.

    Parameters
    ----------
    schedule : Schedule
        The whole one.
    n_epochs : int
        Its epochs.
    """

    schedule: Any = Constant()
    n_epochs: Any = 1

    @property
    def is_function_of_time(self):
        return self.schedule.is_function_of_time

    def factors(self, epochs, n_epochs):
        return self.schedule.factors(epochs, self.n_epochs)

    def after_epoch(self, rate, initial_rate, samples_seen, stalled):
        return self.schedule.after_epoch(rate, initial_rate, samples_seen, stalled)

    def on_plateau(self, rate):
        return self.schedule.on_plateau(rate)


def is_interrupted(member):
    """Whether Ctrl-C ended the training of a member, and so that of all."""
    return member.network.stop_reason_ == "interrupt"


def fit_members(fit_one, given, max_time, verbose, ends):
    """Fit members of an ensemble one after the other.

    Parameters
    ----------
    fit_one : callable
        ``fit_one(one, deadline)`` makes and fits a member until a time of ``perf_counter``, or None.
    given : list
        What each member is made from, such as its seed.
    max_time : float or None
        Seconds for all of them. The first has them all; another begins only if there is as much left as the
        longest has taken.
    verbose : bool, int or str
        How the progress is shown: all but 'log' print which network is trained.
    ends : callable of (list of Member)
        Called after each, and returns whether it was the last.

    Returns
    -------
    list of Member
        At least one.
    """
    begun, longest, members = perf_counter(), 0.0, []
    deadline = None if max_time is None else begun + max_time
    prints = verbose and verbose != "log"
    for number, one in enumerate(given):
        member_begun = perf_counter()
        if members and deadline is not None and deadline - member_begun <= longest:
            if prints:
                print(f"{len(given) - number} of {len(given)} members are left out: max_time is up.")
            break
        if prints and len(given) > 1:
            print(f"Member {number + 1} of {len(given)}")
        members.append(fit_one(one, deadline))
        longest = max(longest, perf_counter() - member_begun)
        if ends(members) or is_interrupted(members[-1]):
            break
    return members


def refit_network(train, network, settings, max_time, *data):
    """A network trained again, on all data, for the epochs after which it was the best.

    Parameters
    ----------
    train : callable of (network, *data)
        Fits a network, which has the parameters of this one but for what holds out rows.
    network : MLPClassifier or MLPRegressor
        Fitted with early stopping.
    settings : Settings
        Its own, with the schedules of the learning rate, dropout and decay over all its ``max_iter`` epochs.
    max_time : float or None
        Seconds at most.
    *data : arrays
        X, y and sample_weight of all samples.

    Returns
    -------
    MLPClassifier or MLPRegressor
        With the parameters, the validation scores and the temperature of the first one.
    """
    parameters = network.get_params(deep=False)
    # training that found no finite score at all has failed before
    n_epochs = best_epoch(network.validation_scores_, network.restore_best_weights)
    given = {"learning_rate": settings.schedule, "dropout_schedule": settings.dropout_schedule,
             "decay_schedule": settings.decay_schedule}  # fmt: skip
    schedules = {name: schedule and FirstEpochs(schedule, network.max_iter) for name, schedule in given.items()}
    again = clone(network).set_params(
        max_iter=n_epochs,
        **schedules,
        early_stopping=False,
        validation_split=None,
        scoring=None,
        n_iter_no_change=None,
        max_time=max_time,
        callbacks=None,  # they may watch what is not validated here
    )
    if "calibration" in parameters:
        again.set_params(calibration=None)
    train(again, *data)
    again.set_params(**parameters)
    again.validation_scores_, again.best_validation_score_ = network.validation_scores_, network.best_validation_score_
    if hasattr(network, "temperature_"):
        again.temperature_ = network.temperature_
    return again
