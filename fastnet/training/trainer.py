"""Training that is stepped: the face that all trainers have, and the only loop over their steps.

A trainer holds an engine session, and what a fit carries from step to step. A step is an epoch of mini-batches, or all
of L-BFGS. Whoever drives the training, such as ``fit``, calls `Trainer.run`, or `Trainer.step` as often as it likes;
then `Trainer.finish`. Between two steps the weights are usable, and `Trainer.state` gives all of it as plain data, from
which ``resume`` goes on, also in another process, to the same bits.
"""

import time
import warnings
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np

from .user_line import stacklevel_of_user


class Trainer(ABC):
    """A training that is stepped.

    Use it as a context manager, or call `close`: it holds threads.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    history : History
        Losses and scores so far; continued in place.
    session : Session
        The engine, with data and parameters set.
    random_state : numpy.random.RandomState
        Source of the draws.

    Attributes
    ----------
    goes_on : bool
        Whether there is another step.
    """

    def __init__(self, settings, history, session, random_state):
        self.settings, self.history, self.session, self.random_state = settings, history, session, random_state
        self.goes_on = True
        self._began = time.perf_counter()

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
        """Train to the end.

        Ctrl-C ends the training and keeps the current weights.

        Warns
        -----
        ConvergenceWarning
            If the training has not converged within its limits, unless just so many epochs were asked for.
        UserWarning
            If training was interrupted.
        """
        try:
            while self.step():
                pass
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=stacklevel_of_user())
            self.stop("interrupt")

    def stop(self, reason):
        """End the training for a reason, one of those of `History` or None; returns False, which `step` then says."""
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
        }

    def _take_up(self, state):
        """Take what `state` gave, but for the history: that is given to the constructor."""
        # A generator of its own: the problem's may be one that others draw from.
        kind = getattr(np.random, state["random_state"]["bit_generator"])
        self.random_state = np.random.RandomState(kind())
        self.random_state.set_state(state["random_state"])
        self.goes_on = state["goes_on"]
        self._began = time.perf_counter() - state["seconds"]

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
