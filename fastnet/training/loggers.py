"""Callbacks that write what was measured to files."""

import csv
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .callbacks import Callback


@dataclass
class CSVLogger(Callback):
    """Writes what was measured to a CSV file: a row for each epoch, which is on the disk before the next one begins.

    Parameters
    ----------
    path : str or path-like
        The file. Its columns are 'epoch' and those of ``history_`` after the first epoch.
    append : bool, default=False
        Whether to add to a file that exists, instead of writing a new one in its place.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.callbacks import CSVLogger
    >>> net = MLPRegressor(hidden_layer_sizes=5, callbacks=CSVLogger("training.csv"))
    """

    path: str | PathLike
    append: bool = False

    def __post_init__(self):
        self._file = self._writer = None

    def on_fit_begin(self, trainer: Any) -> None:
        """Open the file; a resumed training goes on with the one it has.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        self._file = Path(self.path).open("a" if self.append or trainer.history.n_iter else "w", newline="")
        self._writer = None

    def on_epoch_end(self, trainer: Any) -> None:
        """Write a row.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        history = trainer.history
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, ["epoch", *history.epochs], extrasaction="ignore")
            if self._file.tell() == 0:
                self._writer.writeheader()
        row = {name: values[-1] for name, values in history.epochs.items()}
        self._writer.writerow({"epoch": len(history), **row})
        self._file.flush()

    def on_fit_end(self, trainer: Any) -> None:
        """Close the file.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        if self._file is not None:
            self._file.close()
        self._file = self._writer = None


@dataclass
class TensorBoard(Callback):
    """Writes what was measured as scalars for TensorBoard. Needs tensorboardX: ``pip install "fastnet[tensorboard]"``.

    Parameters
    ----------
    log_dir : str or path-like
        The folder, to which each fit adds a file: look at it by ``tensorboard --logdir``.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.callbacks import TensorBoard
    >>> net = MLPRegressor(hidden_layer_sizes=5, callbacks=TensorBoard("runs/first"))
    """

    log_dir: str | PathLike

    def __post_init__(self):
        self._writer = None

    def on_fit_begin(self, trainer: Any) -> None:
        """Open the file.

        Parameters
        ----------
        trainer : Trainer
            The training.

        Raises
        ------
        ImportError
            If tensorboardX is not installed.
        """
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise ImportError(
                "The callback TensorBoard needs tensorboardX, which is not installed: install it by `pip install "
                "tensorboardX`, or take CSVLogger."
            ) from error
        self._writer = SummaryWriter(str(self.log_dir))

    def on_epoch_end(self, trainer: Any) -> None:
        """Write the scalars of an epoch.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        history = trainer.history
        for name, values in history.epochs.items():
            if not np.isnan(values[-1]):
                self._writer.add_scalar(name, values[-1], len(history))

    def on_fit_end(self, trainer: Any) -> None:
        """Close the file.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        if self._writer is not None:
            self._writer.close()
        self._writer = None
