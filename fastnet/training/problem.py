"""What there is to train: the data in the form that the engine takes, and where training starts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass
class Problem:
    """What there is to train.

    A session takes over the starting point: large nets should not stand in memory twice.

    Parameters
    ----------
    architecture : Architecture
        The net.
    X : ndarray or CSR array of shape (n_samples, n_features)
        As the engine takes it.
    targets : ndarray of shape (n_samples, target_width)
        Of the dtype of the computation.
    sample_weight : ndarray of shape (n_samples,) or None
        Likewise.
    matrices, vectors : list of ndarray
        The parameters to begin with, in the architecture's order; their dtype is that of the computation.
    random_state : numpy.random.RandomState, default=None
        Source of the noise's key and of the shuffles.
    rows : ndarray of intp, default=None
        Rows to train on, which a trainer shuffles in place.
    measures : Measures, default=None
        What is measured on validation samples, if there are any: ``measures(session)`` gives numbers by the names in
        ``measures.columns``, and ``measures.last_score`` is the one that decides when to stop, where that is asked for;
        more is better. ``measures.score(session)`` gives it alone.
    has_own_validation : bool, default=False
        Whether they are no rows of X, and so may be others than those of the fit before.
    """

    architecture: object
    X: object
    targets: np.ndarray
    sample_weight: np.ndarray | None
    matrices: list
    vectors: list
    random_state: np.random.RandomState | None = None
    rows: np.ndarray | None = None
    measures: Callable | None = None
    has_own_validation: bool = False

    def __post_init__(self):
        self.dtype = self.matrices[0].dtype

    @property
    def trainable_shapes(self):
        """Shapes of all parameters that can be trained: matrices, then vectors that are not merely measured."""
        return [p.shape for p in self.matrices + self.vectors[: len(self.architecture.trained()[1])]]

    @property
    def total_weight(self):
        """Sum of the samples' weights."""
        weight = self.sample_weight
        return float(len(self.targets) if weight is None else weight.sum(dtype=np.float64))

    def session(self, l1, l2, n_jobs, **options):
        """An engine session with the data and the starting point set."""
        from ..engine import Session  # only here: the engine brings Numba along

        session = Session(
            self.architecture,
            self.X,
            self.targets,
            sample_weight=self.sample_weight,
            dtype=self.dtype,
            l1=l1,
            l2=l2,
            n_jobs=n_jobs,
            adaptive=True,
            **options,
        )
        try:
            session.set_parameters(self.matrices, self.vectors)
        except BaseException:
            session.close()
            raise
        self.matrices = self.vectors = None
        return session
