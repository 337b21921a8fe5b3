"""What training and prediction share: records, memory and threads around the compiled engine."""

import time
from contextlib import ExitStack

import numpy as np
from scipy.sparse import issparse

from ..kernels.host import tile
from ..kernels.threads import ABANDONED, SYNC_WORDS, Workers, reserve, yield_address
from ..network.layout import Layout, aligned_zeros, round_up
from ..network.normalization import fold
from ..ops import rows as op_kernels
from . import plan, sparse, workspace
from .few import are_few, forward_few
from .kernel import engine
from .outputs import NO_LINKS, is_wider, narrowed, output_links, space_size
from .pace import Pace
from .predictor import predictor
from .records import IS_CSR, IS_DOUBLE, NET, VECTORS, WIDE_INDICES


class Run:
    """Records, memory and threads of one fit or one prediction. A context manager.

    Parameters
    ----------
    architecture : Architecture
        The net.
    X : ndarray or CSR array of shape (n_samples, n_features)
        float32 or float64, any strides; never copied.
    dtype : dtype
        Of the computation.
    n_rows : int
        Rows of a batch.
    training : bool
        False for the forward pass only.
    n_jobs : int or None
        Threads; None for as many as pay off.
    keep_z : bool, default=False
        Whether to keep each hidden layer's z.
    share : Run, optional
        Another run, whose parameters and threads are used.
    """

    def __init__(self, architecture, X, dtype, n_rows, training, n_jobs, keep_z=False, share=None):
        self.architecture = architecture
        self.dtype = np.dtype(dtype)
        self.layout = Layout(architecture, tile(self.dtype))
        self._kept = []  # arrays whose addresses the records hold
        self._function = engine(self.dtype) if training else predictor(self.dtype)
        with ExitStack() as stack:  # gives threads and cores back if anything below fails
            if share is None:
                wanted = plan.choose_threads(architecture, n_rows, n_jobs, training)
                self._grant = stack.enter_context(reserve(wanted))
                # Threads are started for each prediction: none for cores that other fits have now.
                self._workers = Workers(self._grant.most if training else self._grant.count)
                stack.callback(self._workers.close)
                self.flat = aligned_zeros(self.layout.size, self.dtype)
            else:
                self._grant, self._workers, self.flat = share._grant, share._workers, share.flat
            self._fill_records(X, n_rows, training, keep_z)
            self._exit = stack.pop_all()

    def _fill_records(self, X, n_rows, training, keep_z):
        architecture, shape = self.architecture, tile(self.dtype)
        self.twins = aligned_zeros(self.layout.twin_size if training else 0, self.dtype)
        parts = 1 if training else self.n_threads
        most = max(workspace.MAX_ROWS, n_rows) if training else workspace.PREDICT_ROWS
        entries = None if keep_z else sparse.largest_entries(X, training, most)
        space = workspace.Workspace(
            architecture, self.layout, shape, self.dtype, n_rows, training, keep_z, parts, entries
        )
        self.workspace = space
        self.layers = space.layer_records(self.flat, self.twins)
        self.panels, cost = plan.panel_records(architecture, self.layout, shape, entries is not None)
        self.net = np.zeros(1, NET)
        self.record = record = self.net[0]
        record["address"], record["first_layer"] = self.net.ctypes.data, self.layers.ctypes.data
        if issparse(X):
            sparse.set_up(record, self.dtype, entries is not None, training)
        record["loss"] = op_kernels.loss(architecture.loss, self.dtype) if training else 0
        record["loss_parameters"] = self._address(op_kernels.parameter_array(architecture.loss, self.dtype))
        record["n_layers"], record["n_panels"] = architecture.n_layers, len(self.panels)
        record["segment_layers"] = 1 if architecture.normalization == "batch" else architecture.n_layers
        trained = {kind for kind, _ in architecture.vectors()} & set(VECTORS)
        record["n_vectors"] = 1 + max(VECTORS.index(kind) for kind in trained)
        record["n_frozen"] = architecture.n_frozen
        record["training"], record["total_cost"] = training, cost
        record["entry_capacity"] = space.entry_capacity
        for name, array in space.entry_arrays.items():
            record[name] = array.ctypes.data
        record["flat"] = self.flat.ctypes.data
        record["zeros"] = self._address(aligned_zeros(shape.panel, self.dtype))
        self._sync = aligned_zeros(SYNC_WORDS, np.int64)
        record["sync"], record["yield_function"] = self._sync.ctypes.data, yield_address()
        record["panel_stride"] = space.panel_stride
        record["errors"] = space.errors.ctypes.data
        record["loss_delta"] = space.loss_delta.ctypes.data if training else 0
        record["chunk_rows"] = record["thread_rows"] = space.rows
        record["block_tiles"] = plan.BLOCK_TILES
        scratch = round_up(plan.GROUP_BLOCKS * shape.block * shape.panel + op_kernels.NUMBERS_SIZE, 64)
        record["group_blocks"] = plan.GROUP_BLOCKS
        record["scratch_size"] = scratch
        record["scratch"] = self._address(aligned_zeros(scratch * self.n_threads, self.dtype))
        self._set_data(X)

    @property
    def n_threads(self):
        """Threads at hand."""
        return self._workers.count

    @property
    def threads_now(self):
        """Threads to use now, when other fits may need some."""
        return min(self.n_threads, self._grant.count)

    def _address(self, array):
        self._kept.append(array)
        return array.ctypes.data

    def _set_data(self, X):
        record = self.record
        if issparse(X):
            indptr = X.indptr.astype(X.indices.dtype, copy=False)
            record["x"], record["x_kind"] = self._address(X.data), IS_CSR
            record["x_indices"], record["x_indptr"] = self._address(X.indices), self._address(indptr)
            if X.indices.dtype.itemsize == 8:
                record["x_kind"] |= WIDE_INDICES
        else:
            record["x"] = self._address(X)
            record["x_row"], record["x_column"] = X.strides
        if X.dtype == np.float64:
            record["x_kind"] |= IS_DOUBLE

    def _train(self, thread, *arguments):
        self._function(self.net.ctypes.data, self.layers.ctypes.data, self.panels.ctypes.data, thread, *arguments)

    def _predict(self, thread):
        self._function(self.net.ctypes.data, self.layers.ctypes.data, thread)

    def _abandon(self):
        self._sync[ABANDONED] = 1

    def _call(self, n_threads, function, *arguments):
        """Run the compiled function in every thread."""
        self.record["n_threads"] = n_threads
        self._sync[:] = 0
        self._workers.run(n_threads, function, arguments, self._abandon)

    def predict(self, n_rows, rows=None, link=True, output_dtype=None):
        """Forward pass over rows of X, for a run that is not for training.

        Many rows go in slices, between which Python sees Ctrl-C.

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

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
        """
        record, loss, n_outputs = self.record, self.architecture.loss, self.architecture.layer_units[-1]
        is_wide = is_wider(output_dtype, self.dtype)
        outputs = np.empty((n_rows, n_outputs), np.float64 if is_wide else self.dtype)
        links = output_links(loss, self.dtype, is_wide) if link else NO_LINKS
        record["link"], record["wide_link"], record["wide_parameters"] = links[:3]
        size = space_size(n_outputs)
        space = aligned_zeros(size * self.n_threads, np.float64) if is_wide else None
        record["wide"], record["wide_size"] = space.ctypes.data if is_wide else 0, size
        record["outputs"] = outputs.ctypes.data
        moving = {"outputs": outputs.strides[0]}  # addresses that each slice has further on, and bytes a row
        if rows is not None:
            rows = np.ascontiguousarray(rows, np.int64)
            record["order"] = rows.ctypes.data
            moving["order"] = rows.itemsize
        elif record["x_kind"] & IS_CSR:
            moving["x_indptr"] = 8 if record["x_kind"] & WIDE_INDICES else 4
        else:
            moving["x"] = int(record["x_row"])
        self._predict_slices(n_rows, moving)
        return narrowed(outputs, output_dtype)

    def _predict_slices(self, n_rows, moving):
        record, first = self.record, 0
        start = {name: int(record[name]) for name in moving}
        chunk = int(record["thread_rows"]) * self.n_threads
        pace = Pace(self.n_threads, False, plan.slow_seconds(self.architecture, chunk))
        try:
            while first < n_rows:
                n_chunks = pace.next_slice(-(-(n_rows - first) // chunk))
                record["n_samples"] = min(n_chunks * chunk, n_rows - first)
                for name, n_bytes in moving.items():
                    record[name] = start[name] + first * n_bytes
                begin = time.perf_counter()
                self._call(self.threads_now, self._predict)
                pace.took(n_chunks, time.perf_counter() - begin)
                first += n_chunks * chunk
        finally:
            for name in moving:
                record[name] = start[name]

    def close(self):
        """End the threads and hand their cores back."""
        self._exit.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def forward(architecture, matrices, vectors, X, n_jobs=None, rows=None, link=True, output_dtype=None):
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

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
    """
    if architecture.normalization == "batch":
        architecture, matrices, vectors = fold(architecture, matrices, vectors)
    if rows is None and are_few(architecture, X):
        return forward_few(architecture, matrices, vectors, X, link, output_dtype)
    n_rows = X.shape[0] if rows is None else len(rows)
    with Run(architecture, X, matrices[0].dtype, n_rows, False, n_jobs) as run:
        run.layout.pack(run.flat, matrices, vectors)
        return run.predict(n_rows, rows, link, output_dtype)
