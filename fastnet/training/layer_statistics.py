"""What each layer of a network in training is like, on a few fixed rows: norms, and units that do not learn."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .callbacks import Callback
from .problem import Problem
from .unit_states import learnt_by_units, unit_states


def rows_to_look_at(rows, n_rows):
    """At most so many of some row numbers, evenly spread over them in ascending order; nothing is drawn."""
    rows = np.sort(rows)
    if len(rows) <= n_rows:
        return rows
    return rows[np.linspace(0, len(rows) - 1, n_rows).astype(np.intp)]


@dataclass
class LayerStatistics(Callback):
    """Enters norms, and shares of dead and saturated units, of each layer into the history.

    They come from a forward and a backward pass, without noise, over at most ``n_rows`` fixed rows that are trained on.
    Nothing is drawn, and the training has the same bits as without. A look takes about a millisecond for a small
    network, and for a large one as long as a step on as many rows: where epochs are short, take one every few epochs.

    The columns are numbered as ``coefs_``: 'weight_norm_0' is the Euclidean norm of ``coefs_[0]``, 'gradient_norm_0' is
    that of the loss's gradient by it, on these rows and with the L2 penalty. Of hidden layers 'dead_0' is the share of
    units whose activation has the derivative 0 for every row, so that nothing is learnt through them. 'saturated_0' is
    the share of other units whose derivative is, for more than half of the rows, below 1 % of the largest that the
    activation has, though they are not off, at 0.

    Parameters
    ----------
    every : int, default=1
        Epochs from one look to the next; the first is at the first epoch.
    n_rows : int, default=256
        Rows at most.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.callbacks import LayerStatistics
    >>> net = MLPRegressor(hidden_layer_sizes=5, max_iter=2, n_iter_no_change=None, callbacks=LayerStatistics())
    >>> net.fit([[0.0], [1.0]], [0.0, 1.0]).history_.to_frame().filter(like="_norm_").shape
    (2, 4)
    """

    every: int = 1
    n_rows: int = 256
    _session: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self):
        for name in ("every", "n_rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} of LayerStatistics must be at least 1, got {getattr(self, name)}.")

    def on_fit_begin(self, trainer: Any) -> None:
        """Choose the rows.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        problem, settings = trainer.problem, trainer.settings
        rows = rows_to_look_at(np.arange(len(problem.targets)) if problem.rows is None else problem.rows, self.n_rows)
        weight = problem.sample_weight
        if weight is not None and not weight[rows].any():
            raise ValueError(
                f"LayerStatistics looks at {len(rows)} rows, whose sample_weight are all zero: leave out samples of "
                "weight zero, or make n_rows larger."
            )
        few = Problem(
            problem.architecture.noiseless, problem.X[rows], np.ascontiguousarray(problem.targets[rows]),
            None if weight is None else weight[rows], *trainer.current_parameters(),
        )  # fmt: skip
        self._session = few.session(settings.l1, settings.l2, 1, keep_z=True)

    def on_epoch_end(self, trainer: Any) -> None:
        """Look at the layers, if it is time.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        if (trainer.history.n_iter - 1) % self.every:
            return
        session = self._session
        matrices, vectors = trainer.current_parameters()
        session.set_parameters(matrices, vectors)
        _, gradients, _ = session.loss_and_gradient()
        trainer.history.enter(**statistics_of(session.architecture, matrices, vectors, gradients, session.arrays()))

    def on_fit_end(self, trainer: Any) -> None:
        """Let the rows go.

        Parameters
        ----------
        trainer : Trainer
            The training.
        """
        if self._session is not None:
            self._session.close()
        self._session = None


def statistics_of(architecture, matrices, vectors, gradients, arrays):
    """Numbers of each layer by the names of the history's columns: see `LayerStatistics`.

    Parameters
    ----------
    architecture : Architecture
        The net.
    matrices, vectors : list of ndarray
        Its parameters.
    gradients : list of ndarray
        Of the matrices.
    arrays : list of dict of ndarray
        What a session gives for its rows.

    Returns
    -------
    dict of float
    """
    learnt = learnt_by_units(architecture, vectors)
    found = {}
    for i, layer in enumerate(architecture.layers):
        found[f"gradient_norm_{i}"] = np.linalg.norm(gradients[i])
        found[f"weight_norm_{i}"] = np.linalg.norm(np.asarray(matrices[i], np.float64))
        if layer.activation is None:
            continue
        states = unit_states(layer.activation, arrays[i]["z"], learnt.get(i))
        found[f"dead_{i}"], found[f"saturated_{i}"] = states.dead.mean(), states.saturated.mean()
    return found
