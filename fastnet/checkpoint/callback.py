"""The callback that writes a training to a file."""

import os
from dataclasses import dataclass
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..kernels.host import target
from ..training.callbacks import Callback
from ..version import __version__
from .digests import digests_of
from .files import write
from .values import encode


def versions():
    """What the bits of a training depend on besides its data and parameters, by name."""
    chosen = target()
    code = chosen.level or f"{chosen.cpu} {chosen.features}"
    return {"fastnet": __version__, "numpy": np.__version__, "instruction set": code}


def class_name(estimator):
    """The public name of an estimator's class."""
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"


@dataclass
class Checkpoint(Callback):
    """Writes the training to a file every few epochs, for :func:`fastnet.resume` to go on with.

    The file holds all of the training: weights, the optimizer's moments, the order of the samples, the random state,
    the best weights so far, the learning rate and the history; and the estimator's parameters, but not the data. It is
    replaced in one piece, so that a process that dies at any moment leaves the last whole one. It is an npz archive
    of arrays and JSON: reading it executes no code.

    A Checkpoint is called after all other callbacks, and writes once more at the end of the training. Ctrl-C and errors
    leave the last file as it is.

    Parameters
    ----------
    path : str or path-like
        The file, usually with the ending '.npz'. Each fit writes its own in its place: two fits at once need two
        paths. While a new file is written it has the same name with '.tmp' behind it.
    every : int, default=10
        Epochs from one file to the next, at least 1; of 'lbfgs', iterations. A small file takes some 10 ms, since it
        waits for the disk.

    See Also
    --------
    resume : Goes on with a training that was written.
    fastnet.callbacks.Snapshots : Keeps weights in memory to predict with.

    Examples
    --------
    >>> import numpy as np
    >>> import os, tempfile
    >>> import fastnet
    >>> X, y = np.linspace(-1, 1, 20).reshape(-1, 1), np.linspace(0, 1, 20)
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "training.npz")
    >>> net = fastnet.MLPRegressor(max_iter=6, n_iter_no_change=None, callbacks=fastnet.Checkpoint(path, every=2))
    >>> net = net.fit(X, y)
    >>> resumed = fastnet.resume(path, X, y)
    >>> bool(np.array_equal(resumed.coefs_[0], net.coefs_[0]))
    True
    >>> folder.cleanup()
    """

    path: str | PathLike
    every: int = 10

    comes_last = True

    def __post_init__(self):
        if not isinstance(self.path, (str, PathLike)):
            raise ValueError(f"path of Checkpoint must be a string or path-like, got {self.path!r}.")
        if isinstance(self.every, bool) or not isinstance(self.every, Integral) or self.every < 1:
            raise ValueError(f"every of Checkpoint must be a whole number of epochs, at least 1, got {self.every!r}.")
        self._origin = None

    def on_fit_begin(self, trainer: Any) -> None:
        """Check that the file can be written, and note what the training was made from.

        Parameters
        ----------
        trainer : Trainer
            The training.

        Raises
        ------
        ValueError
            If the file cannot be written there, or this is ``partial_fit``.
        """
        if trainer.single_epoch:
            raise ValueError(
                "callbacks has a Checkpoint, which is for fit: partial_fit ends after one epoch. Leave it out, and "
                "pickle the estimator between two calls."
            )
        path = Path(self.path)
        if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise ValueError(
                f"path of Checkpoint must be a file in a folder that exists and can be written to, got {str(path)!r}: "
                "make the folder first, or give another path."
            )
        estimator, task = trainer.origin
        parameters = estimator.get_params(deep=False)
        self._origin = {
            "versions": versions(),
            "estimator": class_name(estimator),
            "parameters": {name: encode(value) for name, value in parameters.items()},
            "is_first_fit": task.continuation is None,
            "data": digests_of(estimator, task),
            "first_draws": encode(task.first_draws),
        }

    def on_epoch_end(self, trainer: Any) -> None:
        """Write the file, if it is time.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        if trainer.history.n_iter % self.every == 0 and trainer.goes_on:
            self._write(trainer)

    def on_fit_end(self, trainer: Any) -> None:
        """Write the end of the training, unless Ctrl-C or an error ended it.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        ended = not trainer.goes_on and trainer.error is None and trainer.history.stop_reason != "interrupt"
        if ended and self._origin is not None:
            self._write(trainer)
        self._origin = None

    def _write(self, trainer):
        write(self.path, {**self._origin, "state": encode(trainer.state())})
