"""The memory of one fit: parameters, optimizer state, workspace, threads."""

from dataclasses import replace

import numpy as np

from ..kernels.host import tile
from ..network.layout import aligned_zeros
from ..network.normalization import fold
from ..ops import rows as op_kernels
from . import noise, plan
from .pace import Pace
from .run import Run
from .slices import Slices


class Session(Slices):
    """One fit.

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
    clip_value, clip_norm : float, optional
        Bounds of each number of a batch's gradient, and of its Euclidean norm over all that is trained.
    max_norm : float, optional
        Bound of the norm of a unit's incoming weights.
    ema_decay : float, optional
        Decay of an average of the parameters, over the optimizer's steps, which then is what predicts.
    l1, l2 : float or sequence of float, default=0
        Penalties of the weights, of all layers or of each, divided by the batch's weight sum. Without an optimizer
        there is only L2, the smooth part.
    n_jobs : int, optional
        Threads; None for as many as pay off, -1 for all.
    adaptive : bool, default=False
        Whether one thread may take over from `n_jobs` where it is faster. With None it always may.
    seed : int, default=0
        Key of the random bits of dropout, DropConnect and input noise.
    keep_z : bool, default=False
        Whether to keep each layer's z, for `arrays`; all rows are then one chunk.

    Attributes
    ----------
    step : int
        Optimizer steps taken so far.
    n_threads : int
        Threads at hand.
    measures_gradients : bool
        Whether gradients are clipped, and so `gradient_norms` known.
    deadline : float
        When to stop, in `time.perf_counter`'s seconds, also in the middle of an epoch; at first inf.
    samples_done : int
        Samples of the mini-batches that the last epoch came to; fewer than all if the deadline passed.
    """

    def __init__(
        self,
        architecture,
        X,
        targets,
        sample_weight=None,
        *,
        dtype=np.float32,
        optimizer=None,
        batch_size=200,
        l1=0.0,
        l2=0.0,
        clip_value=None,
        clip_norm=None,
        max_norm=None,
        ema_decay=None,
        n_jobs=None,
        adaptive=False,
        seed=0,
        keep_z=False,
    ):
        n_samples = X.shape[0]
        batch_size = min(batch_size, n_samples) if optimizer is not None else n_samples
        super().__init__(architecture, X, dtype, batch_size, True, n_jobs, keep_z)
        try:
            self.n_samples, self.batch_size = n_samples, batch_size
            self.deadline, self.samples_done = np.inf, 0
            self.record["batch_size"] = batch_size
            self.record["chunks"] = self._chunks = -(-batch_size // self.workspace.rows)
            guess = plan.slow_seconds(architecture, self.workspace.rows)
            self._pace = Pace(self.n_threads, adaptive or n_jobs is None, guess)
            self._set_samples(X, targets, sample_weight)
            self._set_objective(optimizer, l1, l2)
            self._set_extras(clip_value, clip_norm, max_norm, ema_decay)
            self.record["seed"] = np.int64(np.uint64(seed % 2**64))
            self._masked = noise.set_up(architecture, X, self.flat, self.record, self.layers)
        except BaseException:
            self.close()
            raise

    def _set_samples(self, X, targets, sample_weight):
        record, rows = self.record, self.workspace.padded_rows
        self._X, self._predictor = X, None
        record["fetch_rows"], record["fetch_bytes"] = plan.rows_ahead(X, self.batch_size)
        record["targets"], record["target_width"] = self._address(targets), targets.shape[1]
        record["sample_weight"] = 0 if sample_weight is None else self._address(sample_weight)
        index_target = self.architecture.loss.class_index_target
        record["target_row"] = target_row = 1 if index_target else int(self.layers[-1]["output_row"])
        record["batch_targets"] = self._address(aligned_zeros(rows * target_row, self.dtype))
        record["batch_weights"] = self._address(aligned_zeros(rows, self.dtype))
        record["row_losses"] = self._address(aligned_zeros(rows, np.float64))

    def _set_objective(self, optimizer, l1, l2):
        record = self.record
        of_matrices = list(self.architecture.matrix_layers())
        for name, penalty in (("l1", 0.0 if optimizer is None else l1), ("l2", l2)):
            self.layers[name] = np.broadcast_to(penalty, self.architecture.n_layers)[of_matrices]
        record["has_penalty"] = bool(self.layers["l1"].any() or self.layers["l2"].any())
        record["n_penalties"] = n_penalties = plan.penalty_count(self.layout, tile(self.dtype))
        record["penalties"] = self._address(aligned_zeros(n_penalties, np.float64))
        self.states, self._gradient, self._optimizer = [], None, optimizer
        if optimizer is None or self._chunks > 1:
            self._gradient = aligned_zeros(self.layout.size, np.float64 if optimizer is None else self.dtype)
            record["gradient"] = self._gradient.ctypes.data
        if optimizer is not None:
            self._set_optimizer(optimizer)

    def _set_optimizer(self, optimizer):
        record = self.record
        parameters = op_kernels.parameter_array(optimizer, self.dtype)
        record["prepare"] = op_kernels.prepare(optimizer, self.dtype)
        record["update"] = op_kernels.update(optimizer, self.dtype)
        record["optimizer_parameters"] = self._address(parameters)
        self.states = [aligned_zeros(self.layout.size, self.dtype) for _ in range(optimizer.n_states)]
        record["n_states"] = len(self.states)
        record["fetch_ahead"] = self.flat.nbytes * (1 + len(self.states)) > plan.FETCH_AHEAD_BYTES
        record["group_blocks"] = 1 if record["fetch_ahead"] else plan.GROUP_BLOCKS
        record["states"][: len(self.states)] = [state.ctypes.data for state in self.states]

    @property
    def step(self):
        """Optimizer steps taken so far."""
        return int(self.record["step"])

    @step.setter
    def step(self, step):
        self.record["step"] = step

    def set_parameters(self, matrices, vectors):
        """Write the parameters into the panels.

        Parameters
        ----------
        matrices : list of ndarray of shape (fan_in, fan_out)
            Weights of each layer, and what else ``Architecture.matrix_shapes`` names.
        vectors : list of ndarray of shape (fan_out,)
            Biases of each layer, and what else ``Architecture.vectors`` names.
        """
        self.layout.pack(self.flat, matrices, vectors)
        self.layout.pack_twins(self.twins, matrices)
        if self._average is not None:
            self._average[:] = self.flat

    def get_parameters(self):
        """Parameters to predict with, as fresh arrays of the computation dtype.

        Returns
        -------
        matrices, vectors : list of ndarray
        """
        return self.layout.unpack(self._evaluated())

    def _evaluated(self):
        """The flat vector to predict with: where weights are averaged, not the one that is trained."""
        if self._average is not None:
            evaluated = self._average
        else:
            evaluated = self._optimizer.evaluated(self.flat, self.states) if self._optimizer else self.flat
        if evaluated is not self.flat:
            evaluated[self.layout.measured] = self.flat[self.layout.measured]
        return evaluated

    def get_state(self):
        """Optimizer state: for each state array a list of its matrices, then its vectors that are trained."""
        return [sum(self.layout.unpack(state, trained=True), []) for state in self.states]

    def set_state(self, states):
        """Write back what `get_state` gave, with the parameters of then set. What is not trained gets zeros."""
        is_trained = sum(self.architecture.trained(), [])
        n = len(self.layout.matrices)
        for state, arrays in zip(self.states, states, strict=True):
            arrays = [a if t else np.zeros_like(a) for a, t in zip(arrays, is_trained, strict=True)]
            self.layout.pack(state, arrays[:n], arrays[n:])
        trained = self._optimizer.trained(self.flat, self.states)
        if trained is not self.flat:
            trained[self.layout.measured] = self.flat[self.layout.measured]
            self.set_parameters(*self.layout.unpack(trained))

    def take_results(self, with_parameters=True):
        """Read parameters and optimizer state, giving up the session's own memory on the way.

        Of a large net no two copies of everything stand in memory. Only `close` may be called afterwards.

        Parameters
        ----------
        with_parameters : bool, default=True
            False if they are not wanted.

        Returns
        -------
        parameters : tuple of matrices and vectors, or None
        states : list
            As from `get_state`.
        """
        self.twins = self.workspace = self.layers = self._gradient = self._predictor = self._masked = None
        self._kept.clear()
        parameters = self.get_parameters() if with_parameters else None
        self.flat = self._average = None
        states = []
        while self.states:
            states.append(sum(self.layout.unpack(self.states.pop(0), trained=True), []))
        return parameters, states

    def _start(self, order):
        record, space = self.record, self.workspace
        if space.entry_arrays and space.entry_capacity < space.rows * space.entries[1]:
            seen = np.zeros(self._X.shape[0], bool)
            seen[order] = True
            if np.count_nonzero(seen) < len(order):  # their entries might exceed the workspace
                raise ValueError("rows of sparse X must not repeat in an epoch")
        record["order"], record["n_samples"] = order.ctypes.data, len(order)
        for result in ("loss_sum", "penalty_sum", "rows_done", "norm_sum", "largest_norm", "n_clipped", "n_measured"):
            record[result] = 0

    def _mean_loss(self, n_outputs):
        record = self.record
        total = record["loss_sum"] / n_outputs + record["penalty_sum"]
        return float(total / record["rows_done"]) if record["rows_done"] else 0.0

    def run_epoch(self, order, rate):
        """Train on samples in the given order, mini-batch by mini-batch.

        Parameters
        ----------
        order : ndarray of int64
            Row numbers, each at most once; the last mini-batch is smaller if they do not divide.
        rate : float or ndarray of shape (n_batches,)
            Learning rate, or that of each mini-batch.

        Returns
        -------
        float
            Mean of the batches' losses, penalties included, weighted by their numbers of samples. Batches whose
            sample weights are all zero are skipped and do not count, nor do those that the deadline left out.
        """
        order = np.ascontiguousarray(order, np.int64)
        record = self.record
        self._start(order)
        n_batches = -(-len(order) // self.batch_size)
        rates = np.empty(n_batches)
        rates[:] = rate
        record["rates"] = rates.ctypes.data
        self.samples_done = min(self._run_slices(n_batches) * self.batch_size, len(order))
        mean = self.architecture.loss.mean_over_outputs
        return self._mean_loss(self.architecture.layer_units[-1] if mean else 1)

    def loss_and_gradient(self):
        """Loss and gradient over all samples, with the L2 penalty, summed over chunks in float64.

        Only for a session without an optimizer.

        Returns
        -------
        loss : float
            With several outputs the sum over outputs, whose gradient this is.
        matrix_gradients, vector_gradients : list of ndarray of float64
            Of all that can be trained.

        Instead of all these, None if the deadline passed.
        """
        if self._optimizer is not None:
            raise ValueError("loss_and_gradient is for sessions without an optimizer")
        record = self.record
        order = np.arange(self.n_samples)
        self._start(order)
        self.step = 0  # the same noise at every call
        if not self._run_slices(1):
            return None
        if not record["rows_done"]:
            raise ValueError("the sum of sample_weight must be positive")
        return self._mean_loss(1), *self.layout.unpack(self._gradient, trained=True)

    def predict_rows(self, rows, link=True, X=None):
        """Predict rows with the parameters as they are.

        Parameters
        ----------
        rows : ndarray of int
            Row numbers; always as many.
        link : bool, default=True
            Whether to apply the output activation.
        X : ndarray or CSR array of shape (n_samples, n_features), default=None
            What they are rows of, the same in all calls; None is what the session trains on.

        Returns
        -------
        ndarray of shape (len(rows), n_outputs)
        """
        architecture, evaluated = self.architecture, self._evaluated()
        is_folded = architecture.normalization == "batch"
        if self._predictor is None:
            plain = replace(architecture, normalization=None) if is_folded else architecture
            X = self._X if X is None else X
            self._predictor = Run(plain, X, self.dtype, len(rows), False, None, share=self)
        if evaluated is self.flat and not is_folded:
            return self._predictor.predict(len(rows), rows, link)
        trained = self.flat.copy()
        try:
            if is_folded:
                self._predictor.layout.pack(self.flat, *fold(architecture, *self.layout.unpack(evaluated))[1:])
            else:
                self.flat[:] = evaluated
            return self._predictor.predict(len(rows), rows, link)
        finally:
            self.flat[:] = trained

    def arrays(self):
        """Workspace of the last batch as plain arrays.

        Returns
        -------
        list of dict
            One a layer: 'input', 'z', 'output' and 'delta', each of shape (rows, width).
        """
        return self.workspace.arrays()
