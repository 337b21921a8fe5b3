"""The Python side of the engine: memory, records and threads of one fit, or of one prediction."""

import time
from contextlib import ExitStack

import numpy as np
from scipy.sparse import issparse

from ..kernels import jit
from ..kernels.host import tile
from ..kernels.threads import ABANDONED as ABANDONED_WORD
from ..kernels.threads import SYNC_WORDS, Workers, reserve, yield_address
from ..network.layout import Layout, aligned_zeros, round_up
from ..ops import rows as op_kernels
from . import plan
from .kernel import ABANDONED, engine
from .records import IS_CSR, IS_DOUBLE, NET, WIDE_INDICES

# A slice of an epoch is about this long, so that Ctrl-C and limits of time are seen in between.
SLICE_SECONDS = 0.2


class _Run:
    """Records, memory and threads that training and prediction share."""

    def __init__(self, architecture, X, dtype, n_rows, training, n_jobs, link=False, keep_z=False):
        self.architecture = architecture
        self.dtype = np.dtype(dtype)
        self.tile = tile(self.dtype)
        self.layout = Layout(architecture.layer_units, self.tile)
        self._kept = []  # arrays whose addresses the records hold
        self._exit = ExitStack()
        self.net = np.zeros(1, NET)
        self.record = self.net[0]
        self.flat = aligned_zeros(self.layout.size, self.dtype)
        self.twins = aligned_zeros(self.layout.twin_size if training else 0, self.dtype)
        compiled = jit.compile_seconds()
        self._engine = engine(self.dtype)
        granted = self._exit.enter_context(reserve(plan.choose_threads(architecture, n_rows, n_jobs)))
        self._workers = Workers(self._run_thread, granted, self._abandon)
        self._exit.callback(self._workers.close)
        self.n_threads = self._workers.count
        parts = 1 if training else self.n_threads
        self.workspace = plan.Workspace(
            architecture, self.layout, self.tile, self.dtype, n_rows, training, keep_z, parts
        )
        self.layers = self.workspace.layer_records(self.flat, self.twins)
        self.panels, cost = plan.panel_records(self.layout, self.tile)
        record = self.record
        record["loss"] = op_kernels.loss(architecture.loss, self.dtype) if training else 0
        record["link"] = op_kernels.link(architecture.loss, self.dtype) if link else 0
        record["loss_parameters"] = self._address(op_kernels.parameter_array(architecture.loss, self.dtype))
        self.compile_seconds = jit.compile_seconds() - compiled
        record["n_layers"], record["n_panels"] = len(self.layers), len(self.panels)
        record["training"] = training
        record["flat"] = self.flat.ctypes.data
        record["zeros"] = self._address(aligned_zeros(self.tile.panel, self.dtype))
        record["sync"] = self._address(aligned_zeros(SYNC_WORDS, np.int64))
        self._sync = self._kept[-1]
        record["yield_function"] = yield_address()
        record["total_cost"] = cost
        self._set_data(X)
        record["n_threads"] = self.n_threads
        record["chunk_rows"] = self.workspace.rows
        record["thread_rows"] = self.workspace.rows
        record["block_tiles"] = plan.block_tiles(architecture, self.tile, self.dtype, self.workspace.rows, training)
        scratch = round_up(self.tile.block * self.tile.panel + 16 + op_kernels.N_NUMBERS, 64)
        record["scratch_size"] = scratch
        record["scratch"] = self._address(aligned_zeros(scratch * self.n_threads, self.dtype))

    def _address(self, array):
        self._kept.append(array)
        return array.ctypes.data

    def _set_data(self, X):
        record = self.record
        record["n_features"] = X.shape[1]
        if issparse(X):
            record["x"], record["x_kind"] = self._address(X.data), IS_CSR
            indptr = X.indptr.astype(X.indices.dtype, copy=False)
            record["x_indices"], record["x_indptr"] = self._address(X.indices), self._address(indptr)
            if X.indices.dtype.itemsize == 8:
                record["x_kind"] |= WIDE_INDICES
        else:
            record["x"] = self._address(X)
            record["x_row"], record["x_column"] = X.strides
        if X.dtype == np.float64:
            record["x_kind"] |= IS_DOUBLE

    def _run_thread(self, thread, *arguments):
        addresses = (self.net.ctypes.data, self.layers.ctypes.data, self.panels.ctypes.data)
        return self._engine(*addresses, thread, *arguments)

    def _abandon(self):
        self._sync[ABANDONED_WORD] = 1

    def _call(self, first_batch, last_batch, step):
        self._sync[:] = 0
        return self._workers.run(first_batch, last_batch, step)

    def close(self):
        """End the threads and hand their cores back."""
        self._exit.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class Session(_Run):
    """The memory of one fit: parameters, optimizer state, workspace, threads.

    Parameters
    ----------
    architecture : Architecture
        The net.
    X : ndarray or CSR array of shape (n_samples, n_features)
        float32 or float64, any strides; never copied.
    targets : ndarray of shape (n_samples, target_width)
        C-contiguous, of the computation dtype: one class index a sample for softmax, else one number an output.
    sample_weight : ndarray of shape (n_samples,), optional
        Of the computation dtype.
    dtype : dtype, default=float32
        Of the computation.
    optimizer : Optimizer, optional
        Without one only `loss_and_gradient` can be called.
    batch_size : int, default=200
        Samples in a mini-batch.
    l1, l2 : float, default=0
        Penalties of the weights, divided by the batch's weight sum.
    n_jobs : int, optional
        Threads; None for as many as pay off, -1 for all.
    seed : int, default=0
        Key of dropout's random bits.
    keep_z : bool, default=False
        Whether to keep each layer's z, for `arrays`.

    Attributes
    ----------
    step : int
        Optimizer steps taken so far.
    n_threads : int
        Threads in use.
    compile_seconds : float
        Seconds that compiling took; 0 when everything came from the cache.
    """

    def __init__(
        self, architecture, X, targets, sample_weight=None, *, dtype=np.float32, optimizer=None, batch_size=200,
        l1=0.0, l2=0.0, n_jobs=None, seed=0, keep_z=False,
    ):
        n_samples = X.shape[0]
        batch_size = min(batch_size, n_samples) if optimizer is not None else n_samples
        super().__init__(architecture, X, dtype, batch_size, True, n_jobs, keep_z=keep_z)
        self.n_samples, self.batch_size, self.optimizer, self.step = n_samples, batch_size, optimizer, 0
        self._batches_per_slice = None
        record = self.record
        record["batch_size"] = batch_size
        record["targets"], record["target_width"] = self._address(targets), targets.shape[1]
        record["sample_weight"] = 0 if sample_weight is None else self._address(sample_weight)
        rows = self.workspace.padded_rows
        record["batch_targets"] = self._address(aligned_zeros(rows * targets.shape[1], self.dtype))
        record["batch_weights"] = self._address(aligned_zeros(rows, self.dtype))
        record["row_losses"] = self._address(aligned_zeros(rows, np.float64))
        record["n_penalties"] = plan.penalty_count(self.layout, self.tile)
        record["penalties"] = self._address(aligned_zeros(int(record["n_penalties"]), np.float64))
        record["l1"], record["l2"], record["seed"] = l1, l2, np.int64(np.uint64(seed % 2**64))
        self._gradient = None
        if optimizer is None or batch_size > self.workspace.rows:
            self._gradient = aligned_zeros(self.layout.size, np.float64)
            record["gradient"] = self._gradient.ctypes.data
        self.states = []
        if optimizer is not None:
            compiled = jit.compile_seconds()
            record["prepare"] = op_kernels.prepare(optimizer, self.dtype)
            record["update"] = op_kernels.update(optimizer, self.dtype)
            self.compile_seconds += jit.compile_seconds() - compiled
            parameters = op_kernels.parameter_array(optimizer, np.dtype(np.float64))
            record["optimizer_parameters"] = self._address(parameters)
            self.states = [aligned_zeros(self.layout.size, self.dtype) for _ in range(optimizer.n_states)]
            record["states"][: len(self.states)] = [state.ctypes.data for state in self.states]

    def set_parameters(self, coefs, intercepts):
        """Write weights and biases into the panels.

        Parameters
        ----------
        coefs : list of ndarray of shape (fan_in, fan_out)
            Weights of each layer.
        intercepts : list of ndarray of shape (fan_out,)
            Biases of each layer.
        """
        self.layout.pack(self.flat, coefs, intercepts)
        self.layout.pack_twins(self.twins, coefs)

    def get_parameters(self):
        """Weights and biases as fresh arrays of the computation dtype.

        Returns
        -------
        coefs, intercepts : list of ndarray
        """
        return self.layout.unpack(self.flat)

    def get_state(self):
        """Optimizer state: for each state array a list of its weights' arrays, then its biases' arrays."""
        return [sum(self.layout.unpack(state), []) for state in self.states]

    def set_state(self, states):
        """Write back what `get_state` gave."""
        n = self.architecture.n_layers
        for state, arrays in zip(self.states, states, strict=True):
            self.layout.pack(state, arrays[:n], arrays[n:])

    def run_epoch(self, order, rate):
        """Train on samples in the given order, mini-batch by mini-batch.

        Parameters
        ----------
        order : ndarray of int64
            Row numbers; the last mini-batch is smaller if they do not divide.
        rate : float
            Learning rate.

        Returns
        -------
        float
            Mean of the batches' losses, penalties included, weighted by their numbers of samples.
        """
        order = np.ascontiguousarray(order, np.int64)
        record = self.record
        record["order"], record["n_samples"], record["rate"] = order.ctypes.data, len(order), rate
        record["loss_sum"], record["rows_done"] = 0.0, 0
        n_batches = -(-len(order) // self.batch_size)
        first = 0
        while first < n_batches:
            size = self._batches_per_slice or max(1, n_batches // 64)
            last = min(n_batches, first + size)
            start = time.perf_counter()
            step = self._call(first, last, self.step)
            if step == ABANDONED:
                raise RuntimeError("a worker thread of the fit failed")
            self.step = step
            seconds = max(time.perf_counter() - start, 1e-6)
            self._batches_per_slice = max(1, int(SLICE_SECONDS / seconds * (last - first)))
            first = last
        return float(record["loss_sum"] / record["rows_done"]) if record["rows_done"] else 0.0

    def loss_and_gradient(self):
        """Loss and gradient over all samples, with the L2 penalty, summed over chunks in float64.

        Returns
        -------
        loss : float
            With several outputs the sum over outputs, whose gradient this is.
        coef_gradients, intercept_gradients : list of ndarray of float64
        """
        record = self.record
        update, batch_size, l1 = record["update"], record["batch_size"], record["l1"]
        record["update"], record["batch_size"], record["l1"] = 0, self.n_samples, 0.0
        order = np.arange(self.n_samples)
        record["order"], record["n_samples"] = order.ctypes.data, self.n_samples
        record["loss_sum"], record["rows_done"] = 0.0, 0
        self._call(0, 1, 0)
        record["update"], record["batch_size"], record["l1"] = update, batch_size, l1
        if not record["rows_done"]:
            raise ValueError("the sum of sample_weight must be positive")
        loss = float(record["loss_sum"] / record["rows_done"])
        return loss, *self.layout.unpack(self._gradient)

    def arrays(self):
        """Workspace of the last batch as plain arrays: what each layer read, its z, output and delta.

        Returns
        -------
        list of dict
            One a layer: 'input', 'z', 'output', 'delta', each of shape (rows, width).
        """
        return self.workspace.arrays()


def forward(architecture, coefs, intercepts, X, n_jobs=None, rows=None, link=True):
    """Predict.

    Parameters
    ----------
    architecture : Architecture
        The net; its dropout is off.
    coefs, intercepts : list of ndarray
        Parameters; their dtype is that of the computation.
    X : ndarray or CSR array of shape (n_samples, n_features)
        float32 or float64.
    n_jobs : int, optional
        Threads; None for as many as pay off.
    rows : ndarray of int, optional
        Rows of X to predict; all by default.
    link : bool, default=True
        Whether to apply the output activation; False gives raw outputs (logits).

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
    """
    dtype = coefs[0].dtype
    n_rows = X.shape[0] if rows is None else len(rows)
    outputs = np.empty((n_rows, architecture.layer_units[-1]), dtype)
    with _Run(architecture, X, dtype, n_rows, False, n_jobs, link=link) as run:
        run.layout.pack(run.flat, coefs, intercepts)
        if rows is not None:
            rows = np.ascontiguousarray(rows, np.int64)
            run.record["order"] = rows.ctypes.data
        run.record["n_samples"], run.record["outputs"] = n_rows, outputs.ctypes.data
        run._call(0, 1, 0)
    return outputs
