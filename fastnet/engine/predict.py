"""Prediction: the forward pass over rows of X."""

import numpy as np
from scipy.sparse import issparse

from ..kernels.host import tile
from ..kernels.memory import aligned_zeros, empty
from ..network.layout import Layout
from ..network.normalization import fold
from .few_rows import are_few, forward_few
from .functions import from_python
from .memory import plan
from .outputs import is_wider, narrowed, output_links, space_size
from .slices import predict_in_slices
from .tables import Tables
from .team import Team


class Prediction:
    """The forward pass of a net over rows of X, with parameters that stand in panels.

    Parameters
    ----------
    architecture : Architecture
        The net, without batch normalisation.
    layout : Layout
        Where its parameters stand.
    flat : ndarray
        The parameters; its dtype is that of the computation.
    X : ndarray or CSR array of shape (n_samples, n_features)
        float32 or float64, any strides; never copied.
    n_rows : int
        Rows to predict at a time.
    team : Team
        Threads.
    """

    def __init__(self, architecture, layout, flat, X, n_rows, team):
        self._architecture, self.layout, self._dtype, self._team = architecture, layout, flat.dtype, team
        self._tables = Tables(architecture, layout, flat, None, X, n_rows, team.size)
        self._tables.record["state"]["flat"] = flat.ctypes.data

    def run(self, n_rows, rows=None, link=True, output_dtype=None, check=None):
        """Predict; many rows go in slices, between which Python sees Ctrl-C.

        Parameters
        ----------
        n_rows : int
            Their number.
        rows : ndarray of int, optional
            Row numbers; the first `n_rows` by default.
        link : bool, default=True
            Whether to apply the output activation.
        output_dtype : dtype, optional
            Of the outputs; that of the computation by default.
        check : callable, optional
            ``check()`` is called where dense X turns out to have numbers that are not finite in the dtype of the
            computation, while it is read.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
        """
        architecture, samples, head = self._architecture, self._tables.samples, self._tables.record["head"]
        n_outputs = architecture.layer_units[-1]
        is_wide = is_wider(output_dtype, self._dtype)
        outputs = empty((n_rows, n_outputs), np.float64 if is_wide else self._dtype)
        none = 0, 0, np.empty(0)
        before, after, parameters = output_links(architecture.loss, self._dtype, is_wide) if link else none
        head["link"], head["wide_link"], head["wide_parameters"] = before, after, parameters.ctypes.data
        size = space_size(n_outputs)
        space = aligned_zeros(size * self._team.size if is_wide else 0, np.float64)
        head["wide"], head["wide_size"] = space.ctypes.data if is_wide else 0, size
        head["outputs"] = outputs.ctypes.data
        if rows is not None:
            samples.set_order(np.ascontiguousarray(rows, np.int64))
        moving = {("samples", name): n_bytes for name, n_bytes in samples.moving().items()}
        moving["head", "outputs"] = outputs.strides[0]

        def slow_seconds(n):
            return plan.slow_seconds(architecture, n)

        predictor = from_python("predictor", self._dtype)
        predict_in_slices(self._team, self._tables, predictor, n_rows, slow_seconds, moving, check)
        return narrowed(outputs, output_dtype)


def forward(architecture, matrices, vectors, X, n_jobs=None, rows=None, link=True, output_dtype=None, check=None):
    """Predict.

    Parameters
    ----------
    architecture : Architecture
        The net; its noise is off, batch normalisation takes the running statistics.
    matrices, vectors : list of ndarray
        Parameters, in the architecture's order; their dtype is that of the computation.
    X : ndarray or CSR array of shape (n_samples, n_features)
        float32 or float64.
    n_jobs : int, optional
        Threads; None for as many as pay off.
    rows : ndarray of int, optional
        Rows of X to predict; all by default.
    link : bool, default=True
        Whether to apply the output activation; False gives raw outputs (logits).
    output_dtype : dtype, optional
        Of the outputs; that of the computation by default.
    check : callable, optional
        ``check()`` raises if X has numbers that are not finite in the dtype of the computation. A pass over X takes up
        to 5 % of predicting with a small net. So where dense X of many rows goes to the first layer as it is, numbers
        are looked at while they are read, and ``check`` is only called if one is not finite. Else it is called first.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
    """
    few = rows is None and are_few(architecture, X)
    if check is not None and (few or issparse(X) or architecture.features is not None):
        check()
        check = None
    if architecture.normalization == "batch":
        architecture, matrices, vectors = fold(architecture, matrices, vectors)
    if few:
        return forward_few(architecture, matrices, vectors, X, link, output_dtype)
    return forward_many(architecture, matrices, vectors, X, n_jobs, rows, link, output_dtype, check)


def forward_many(architecture, matrices, vectors, X, n_jobs=None, rows=None, link=True, output_dtype=None, check=None):
    """The same through panels, which pays for more than a few rows; without batch normalisation."""
    n_rows, dtype = X.shape[0] if rows is None else len(rows), matrices[0].dtype
    layout = Layout(architecture, tile(dtype))
    # Threads are started for each prediction: none for cores that other fits have now.
    with Team(plan.choose_threads(architecture, n_rows, n_jobs, training=False), keeps_all=False) as team:
        flat = aligned_zeros(layout.size, dtype)
        layout.pack(flat, matrices, vectors)
        return Prediction(architecture, layout, flat, X, n_rows, team).run(n_rows, rows, link, output_dtype, check)
