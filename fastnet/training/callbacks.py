"""What watches a training, and may stop it or change its learning rate, between two epochs.

A trainer calls the hooks; an epoch is an iteration of L-BFGS, too. Weights are copied only for callbacks that ask for
them, by ``trainer.parameters()``, ``trainer.keep_parameters()`` or ``trainer.state()``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Callback:
    """Base class of callbacks: each hook gets the trainer, and does nothing until a subclass says what.

    ``trainer.history`` has what was measured, as ``history_`` of the estimator will; ``trainer.settings`` is what was
    asked for. ``trainer.rate`` is the learning rate of the next epoch, without the schedule's factors, and can be set;
    'invscaling' sets it anew after each epoch. ``trainer.stop()`` ends the training after this epoch, and
    ``trainer.parameters()`` copies the weights and the biases, as two lists. An exception that a hook raises ends the
    fit, and the estimator stays as it was.

    Attributes
    ----------
    keeps_training : bool
        Whether the estimator keeps the training done so far where a hook raises, instead of staying as it was. The
        exception is raised all the same.
    comes_last : bool
        Whether it is called after those that are not so, wherever it stands: what takes a state of the training needs
        what the others have changed.

    See Also
    --------
    EarlyStopping : Ends the training when something has not improved for a while.
    CSVLogger : Writes what was measured to a file.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.callbacks import Callback
    >>> class HalveTheRate(Callback):
    ...     def on_epoch_end(self, trainer):
    ...         trainer.rate /= 2
    >>> net = MLPRegressor(hidden_layer_sizes=5, max_iter=3, n_iter_no_change=None, callbacks=[HalveTheRate()])
    >>> net.fit([[0.0], [1.0]], [0.0, 1.0]).history_["learning_rate"]
    [0.001, 0.0005, 0.00025]
    """

    keeps_training = False
    comes_last = False

    def on_fit_begin(self, trainer: Any) -> None:
        """Before the first epoch.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """

    def on_epoch_end(self, trainer: Any) -> None:
        """After each epoch, when it has been measured.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """

    def on_fit_end(self, trainer: Any) -> None:
        """After the last epoch, also where an exception or Ctrl-C ended the training.

        Parameters
        ----------
        trainer : Trainer
            The training; ``trainer.error`` is the exception, or None.
        """


@dataclass
class FunctionCallback(Callback):
    """A function of the trainer, called after each epoch, that may return True to end the training."""

    function: Callable[[Any], Any]

    def on_epoch_end(self, trainer):
        if self.function(trainer) is True:
            trainer.stop()


def check_callbacks(given):
    """The value of the parameter ``callbacks`` as a tuple of callbacks; raises ValueError."""
    several = given if isinstance(given, (list, tuple)) else () if given is None else (given,)
    callbacks = []
    for one in several:
        if isinstance(one, type):
            raise ValueError(f"callbacks must hold objects, not their class: write {one.__name__}(...).")
        if not isinstance(one, Callback) and not callable(one):
            raise ValueError(
                f"callbacks must hold objects of classes derived from fastnet.callbacks.Callback, or functions of the "
                f"trainer, got one of type {type(one).__name__}."
            )
        callbacks.append(one if isinstance(one, Callback) else FunctionCallback(one))
    return tuple(callbacks)


def is_score(column):
    """Whether more of a column of the history is better: validation scores are made so, all else is not."""
    return column.startswith("validation_") and column != "validation_loss"


@dataclass
class EarlyStopping(Callback):
    """Ends the training when something that is measured has not improved for a while.

    ``early_stopping=True`` of the estimator holds out samples and watches a score on them; this watches any column of
    ``history_``.

    Parameters
    ----------
    monitor : str, default='validation_loss'
        The column. Of scores on validation samples more is better, of all others less.
    patience : int, default=10
        Epochs without improvement to bear.
    min_delta : float, default=0.0
        Least improvement that counts, at least 0.
    restore_best : bool, default=False
        Whether the estimator gets the weights of the best epoch, which are then copied at each improvement.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.callbacks import EarlyStopping
    >>> stop = EarlyStopping("loss", patience=2, min_delta=1e9)
    >>> net = MLPRegressor(hidden_layer_sizes=5, callbacks=stop).fit([[0.0], [1.0]], [0.0, 1.0])
    >>> net.n_iter_, net.stop_reason_
    (3, 'callback')
    """

    monitor: str = "validation_loss"
    patience: int = 10
    min_delta: float = 0.0
    restore_best: bool = False
    _best: float = field(default=np.inf, init=False, repr=False, compare=False)
    _stalled: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self):
        if self.patience < 1:
            raise ValueError(f"patience of EarlyStopping must be at least 1, got {self.patience}.")
        if not self.min_delta >= 0:
            raise ValueError(f"min_delta of EarlyStopping must be at least 0, got {self.min_delta}.")

    def on_fit_begin(self, trainer: Any) -> None:
        """Begin anew, or where a resumed training was.

        Parameters
        ----------
        trainer : Trainer
            The training.

        Raises
        ------
        ValueError
            If there are no validation samples for what is to be watched.
        """
        self._best, self._stalled = np.inf, 0
        if self.monitor.startswith("validation_") and self.monitor not in trainer.columns:
            raise ValueError(
                f"monitor={self.monitor!r} of EarlyStopping is not measured in this training, which measures "
                f"{', '.join(trainer.columns)}: give X_val and y_val to fit, or set early_stopping=True, and name the "
                "scores by scoring; or monitor another column."
            )
        if trainer.history.n_iter:
            for value in trainer.history[self.monitor][-trainer.history.n_iter :]:
                self._is_best(value)

    def on_epoch_end(self, trainer: Any) -> None:
        """Compare the epoch with the best one.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        if self._is_best(trainer.history[self.monitor][-1]):
            if self.restore_best:
                trainer.keep_parameters()
        elif self._stalled >= self.patience:
            trainer.stop()

    def _is_best(self, value):
        """Whether a value is better than all before; counts those that are not."""
        value = -value if is_score(self.monitor) else value
        if value < self._best - self.min_delta:
            self._best, self._stalled = value, 0
            return True
        self._stalled += 1
        return False


@dataclass
class LearningRateMonitor(Callback):
    """Keeps the learning rate of every mini-batch; ``history_["learning_rate"]`` has the first of each epoch.

    Attributes
    ----------
    rates : ndarray of shape (n_epochs, n_batches)
        Those of the last fit. Empty for 'lbfgs', which has none.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.callbacks import LearningRateMonitor
    >>> monitor = LearningRateMonitor()
    >>> net = MLPRegressor(hidden_layer_sizes=5, max_iter=2, n_iter_no_change=None, batch_size=1)
    >>> _ = net.set_params(learning_rate="cosine", callbacks=monitor).fit([[0.0], [1.0]], [0.0, 1.0])
    >>> monitor.rates.round(5)
    array([[0.001  , 0.00085],
           [0.0005 , 0.00015]])
    """

    _rates: list = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def rates(self) -> np.ndarray:
        """Learning rates of the last fit."""
        return np.array(self._rates)

    def on_fit_begin(self, trainer: Any) -> None:
        """Forget the fit before.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        self._rates = []

    def on_epoch_end(self, trainer: Any) -> None:
        """Keep the epoch's rates.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        if trainer.rates is not None:
            self._rates.append(trainer.rates)


@dataclass
class Snapshots(Callback):
    """Keeps a copy of the weights every few epochs, for ``staged_predict`` and ``staged_predict_proba``.

    Parameters
    ----------
    every : int, default=1
        Epochs from one copy to the next.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.callbacks import Snapshots
    >>> net = MLPRegressor(hidden_layer_sizes=5, max_iter=6, n_iter_no_change=None, callbacks=Snapshots(every=2))
    >>> len(list(net.fit([[0.0], [1.0]], [0.0, 1.0]).staged_predict([[0.5]])))
    3
    """

    every: int = 1

    def __post_init__(self):
        if self.every < 1:
            raise ValueError(f"every of Snapshots must be at least 1, got {self.every}.")

    def on_epoch_end(self, trainer: Any) -> None:
        """Keep a copy, if it is time.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        epoch = len(trainer.history)
        if epoch % self.every == 0:
            trainer.snapshots.append((epoch, *trainer.current_parameters()))
