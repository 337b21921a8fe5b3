"""Training that is stepped: the face that all trainers have, and the only loop over their steps.

A trainer holds an engine session, and what a fit carries from step to step. A step is an epoch of mini-batches, or all
of L-BFGS. Whoever drives the training, such as ``fit``, calls `Trainer.run`, or `Trainer.step` as often as it likes;
then `Trainer.finish`. Between two steps the weights are usable, and `Trainer.state` gives all of it as plain data, from
which ``resume`` goes on, also in another process, to the same bits.
"""

import time
import warnings
from abc import ABC, abstractmethod
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import asdict

import numpy as np

from .progress import progress_of
from .user_line import stacklevel_of_user


def generator_from(state):
    """A new ``RandomState`` of what ``get_state(legacy=False)`` of one gave."""
    generator = np.random.RandomState(getattr(np.random, state["bit_generator"])())
    generator.set_state(state)
    return generator


class Trainer(ABC):
    """A training that is stepped.

    Use it as a context manager, or call `close`: it holds threads.

    Parameters
    ----------
    problem : Problem
        What there is to train.
    settings : Settings
        What was asked for.
    history : History
        Losses and scores so far; continued in place.
    session : Session
        The engine, with data and parameters set.

    Attributes
    ----------
    goes_on : bool
        Whether there is another step.
    callbacks : tuple of Callback
        Those of the settings, and what shows the progress.
    rates : ndarray or None
        Learning rates of the last epoch's mini-batches.
    kept_epoch : int or None
        The epoch of this fit whose parameters are predicted with; None is the last one.
    snapshots : list of tuple
        Copies of the parameters that callbacks have taken: the epoch, matrices and vectors of each.
    error : BaseException or None
        What a callback, or the training, raised.
    origin : object
        What the training was made from, for callbacks that write it down.
    """

    rates = kept_epoch = error = origin = None
    single_epoch = False

    def __init__(self, problem, settings, history, session):
        self.problem, self.settings, self.history, self.session = problem, settings, history, session
        self.random_state = problem.random_state
        self.goes_on = True
        callbacks = sorted(settings.callbacks, key=lambda callback: callback.comes_last)
        self.callbacks = (*callbacks, *progress_of(settings.verbose))
        self.snapshots = []
        self._n_told = history.n_iter
        self._began = self._epoch_began = time.perf_counter()

    @property
    def columns(self):
        """Names of the history's columns that are measured without callbacks."""
        rate = ("learning_rate",) if self.settings.is_stochastic else ()
        measured = self.problem.measures.columns if self.problem.measures is not None else ()
        return "loss", "penalty", *measured, *rate, "seconds"

    @property
    def seconds(self):
        """How long the training has taken."""
        return time.perf_counter() - self._began

    @abstractmethod
    def step(self):
        """Train for one step.

        Ctrl-C within it raises KeyboardInterrupt and leaves the weights usable.

        Returns
        -------
        bool
            Whether there is another step. After the last one nothing more is trained, and the answer stays False.
        """

    @abstractmethod
    def parameters(self):
        """Parameters to predict with, as they are now.

        Returns
        -------
        matrices, vectors : list of ndarray
            Fresh arrays, in the architecture's order.
        """

    @abstractmethod
    def current_parameters(self):
        """Parameters to predict with after the last epoch, whichever is kept: fresh arrays, as of `parameters`."""

    @abstractmethod
    def keep_parameters(self):
        """Let the parameters as they are now be those to predict with in the end, wherever the training goes."""

    @abstractmethod
    def finish(self):
        """End the training and read what was trained; only `close` may follow.

        Returns
        -------
        matrices, vectors : list of ndarray
            Parameters to predict with, in the dtype of the computation.
        optimizer : OptimizerState or None
            The optimizer in the middle of its work, for a later fit to go on with; None from L-BFGS.
        """

    def run(self):
        """Train to the end, and call the callbacks.

        Ctrl-C ends the training and keeps the current weights.

        Warns
        -----
        ConvergenceWarning
            If the training has not converged within its limits, unless just so many epochs were asked for.
        UserWarning
            If training was interrupted.
        """
        with ExitStack() as ends:
            try:
                for callback in self.callbacks:
                    ends.callback(self._call, callback, "on_fit_end")
                    self._call(callback, "on_fit_begin")
                while self.goes_on:
                    self.step()
                    if self.history.n_iter > self._n_told:
                        self.tell_epoch()
            except KeyboardInterrupt:
                warnings.warn("Training interrupted by user.", stacklevel=stacklevel_of_user())
                self.stop("interrupt")
            except BaseException as error:
                self.error = error
                raise

    def begin_epoch(self):
        """Let the time of an epoch begin."""
        self._epoch_began = time.perf_counter()

    def measure(self):
        """Enter what is measured on the validation samples, if there are any."""
        measures = self.problem.measures
        if measures is not None:
            self.history.enter(**measures(self.session))

    def end_epoch(self):
        """Enter how long the epoch took."""
        self.history.enter(seconds=time.perf_counter() - self._epoch_began)

    def tell_epoch(self):
        """Call the callbacks after an epoch."""
        self._n_told = self.history.n_iter
        for callback in self.callbacks:
            self._call(callback, "on_epoch_end")

    def _call(self, callback, hook):
        try:
            getattr(callback, hook)(self)
        except Exception as error:
            if not callback.keeps_training:
                raise
            self.error = self.error or error
            self.stop("error")

    def stop(self, reason="callback"):
        """End the training for a reason, one of those of ``stop_reason_`` or None; the first reason counts.

        Returns False, which `step` then says.
        """
        if self.goes_on:
            self.history.stop_reason = reason
            self.goes_on = False
        return False

    def state(self):
        """All that the training carries between two steps.

        Returns
        -------
        dict
            Arrays, numbers, strings and None, in dicts and lists: nothing of it is an object of this package, or
            changes with the training. ``resume`` takes it.
        """
        return {
            "trainer": type(self).__name__,
            "history": asdict(self.history),
            "goes_on": self.goes_on,
            "seconds": time.perf_counter() - self._began,
            "random_state": self.random_state.get_state(legacy=False),
            "kept_epoch": self.kept_epoch,
            "snapshots": [[epoch, [*matrices], [*vectors]] for epoch, matrices, vectors in self.snapshots],
        }

    def _take_up(self, state):
        """Take what `state` gave, but for the history: that is given to the constructor."""
        # A generator of its own: the problem's may be one that others draw from.
        self.random_state = generator_from(state["random_state"])
        self.goes_on = state["goes_on"]
        self._began = time.perf_counter() - state["seconds"]
        self.kept_epoch = state["kept_epoch"]
        self.snapshots = [tuple(snapshot) for snapshot in deepcopy(state["snapshots"])]

    @classmethod
    def _check_state(cls, problem, state, *compared):
        """Raise ValueError unless a state is of the training that it shall go on with.

        Each of `compared` is what to call something, what the state has of it, and what problem and settings ask for.
        """
        trained, start = state["parameters"]["trained"], (problem.matrices, problem.vectors)
        shapes = ([p.shape for arrays in lists for p in arrays] for lists in (trained, start))
        for what, theirs, ours in (
            ("trainer", state["trainer"], cls.__name__), ("list of shapes", *shapes), *compared
        ):  # fmt: skip
            if theirs != ours:
                raise ValueError(
                    f"state is of another training: its {what} is {theirs}, the problem and the settings ask for "
                    f"{ours}. Give the problem, the settings and the state of one training."
                )

    def _limit_time(self):
        """Let ``max_time`` end the training, also in the middle of a step."""
        if self.settings.max_time is not None:
            self.session.deadline = self._began + self.settings.max_time

    @contextmanager
    def closed_on_failure(self):
        """Close the trainer if the block raises: nobody has it yet who could."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def close(self):
        """End the threads and hand their cores back."""
        self.session.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
