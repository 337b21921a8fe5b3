"""One fit: what is trained, on what, by whom, in which steps."""

from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from ..kernels.host import tile
from ..kernels.memory import empty
from ..network.layout import Layout
from ..network.normalization import fold
from . import noise
from .functions import from_python
from .memory import plan
from .pace import Pace
from .predict import Prediction
from .slices import Slices
from .state import State
from .steps import Steps
from .tables import Tables
from .team import Team

# What an epoch begins with at 0.
_RESULTS = ("loss_sum", "penalty_sum", "rows_done", "norm_sum", "largest_norm", "n_clipped", "n_measured")


class Session:
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
        Whether fewer threads may take over from `n_jobs` where they are faster. With None they always may.
    seed : int, default=0
        Key of the random bits of dropout, DropConnect and input noise.
    keep_z : bool, default=False
        Whether to keep each layer's z, for `arrays`; all rows are then one chunk.

    Attributes
    ----------
    step : int
        Optimizer steps taken so far.
    state : State
        What is trained.
    tables : Tables
        The records of the net, and its workspace.
    measures_gradients : bool
        Whether gradients are clipped, and so `gradient_norms` known.
    deadline : float
        When to stop, in `time.perf_counter`'s seconds, also in the middle of an epoch; at first inf.
    samples_done : int
        Samples of the mini-batches that the last epoch came to; fewer than all if the deadline passed.
    samples_passed : int
        Samples that have gone through the net and back, as often as they did.
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
        self.architecture, self.dtype, self.n_samples = architecture, np.dtype(dtype), X.shape[0]
        self.batch_size = min(batch_size, self.n_samples) if optimizer is not None else self.n_samples
        self.samples_done, self._has_optimizer, self._prediction = 0, optimizer is not None, None
        self.samples_passed = 0
        compiled = from_python("engine", self.dtype)
        wanted = plan.choose_threads(architecture, self.batch_size, n_jobs)
        with ExitStack() as stack:
            self._team = stack.enter_context(Team(wanted, keeps_all=True))
            layout = Layout(architecture, tile(self.dtype))
            self.state = State(architecture, layout, self.dtype, optimizer, ema_decay is not None)
            self.tables = Tables(
                architecture, layout, self.state.flat, self.state.twins, X, self.batch_size, self._team.size, keep_z
            )
            record = self.tables.record
            self._results = record["results"]
            self.state.enter(record["state"])
            self.tables.samples.set_labels(targets, sample_weight, self.batch_size)
            chunks = self._set_batches(record["steps"])
            self.steps = Steps(
                self.tables, self.state, architecture, optimizer, l1, l2, clip_value, clip_norm, max_norm, ema_decay
            )
            record["steps"]["seed"] = np.int64(np.uint64(seed % 2**64))
            self._masked = noise.set_up(architecture, X, self.state.flat, record["passes"], self.tables.layers)
            guess = plan.slow_seconds(architecture, self.tables.workspace.rows)
            pace = Pace(self._team.size, adaptive or n_jobs is None, guess)
            self.slices = Slices(self._team, self.tables, compiled, chunks, pace)
            self._exit = stack.pop_all()

    def _set_batches(self, record):
        """Cut mini-batches into chunks of rows; returns how many."""
        record["batch_size"] = self.batch_size
        record["chunks"] = chunks = -(-self.batch_size // self.tables.workspace.rows)
        if not self._has_optimizer:
            self.state.store_gradient(np.float64)
        elif chunks > 1:
            self.state.store_gradient(self.dtype)
        return chunks

    @property
    def step(self):
        """Optimizer steps taken so far."""
        return int(self._results["step"])

    @step.setter
    def step(self, step):
        self._results["step"] = step

    @property
    def n_threads(self):
        """Threads at hand."""
        return self._team.size

    @property
    def deadline(self):
        """When to stop, in `time.perf_counter`'s seconds."""
        return self.slices.deadline

    @deadline.setter
    def deadline(self, deadline):
        self.slices.deadline = deadline

    @property
    def is_out_of_time(self):
        """Whether the deadline has passed."""
        return self.slices.is_out_of_time

    def set_parameters(self, matrices, vectors):
        """Write the parameters into the panels: see `State.set_parameters`."""
        self.state.set_parameters(matrices, vectors)

    def get_parameters(self):
        """Parameters to predict with: see `State.get_parameters`."""
        return self.state.get_parameters()

    def take_results(self, with_parameters=True):
        """Read parameters and optimizer state, giving up the session's own memory on the way: see `State.take`.

        Only `close` may be called afterwards, and `step` be read.
        """
        self.tables = self.steps = self.slices = self._prediction = self._masked = None
        return self.state.take(with_parameters)

    def _start(self, order):
        space, samples = self.tables.workspace, self.tables.samples
        # Entries of rows that repeat might exceed the workspace.
        if space.entry_arrays and space.entry_capacity < space.rows * space.entries[1] and samples.repeats(order):
            raise ValueError("rows of sparse X must not repeat in an epoch")
        samples.set_order(order)
        for name in _RESULTS:
            self._results[name] = 0

    def _mean_loss(self, n_outputs):
        results = self._results
        total = results["loss_sum"] / n_outputs + results["penalty_sum"]
        return float(total / results["rows_done"]) if results["rows_done"] else 0.0

    @property
    def mean_penalty(self):
        """What penalties add to the loss of the last epoch."""
        rows = self._results["rows_done"]
        return float(self._results["penalty_sum"] / rows) if rows else 0.0

    def set_dropout(self, factor):
        """Multiply the architecture's dropout, of units and of features, from the next epoch on.

        Parameters
        ----------
        factor : float
            In [0, 1].
        """
        self.tables.set_dropout(factor)

    def run_epoch(self, order, rate, decay=1.0):
        """Train on samples in the given order, mini-batch by mini-batch.

        Parameters
        ----------
        order : ndarray of int64
            Row numbers, each at most once; the last mini-batch is smaller if they do not divide.
        rate : float or ndarray of shape (n_batches,)
            Learning rate, or that of each mini-batch.
        decay : float or ndarray of shape (n_batches,), default=1.0
            Factor of the optimizer's decoupled weight decay, or that of each mini-batch.

        Returns
        -------
        float
            Mean of the batches' losses, penalties included, weighted by their numbers of samples. Batches whose
            sample weights are all zero are skipped and do not count, nor do those that the deadline left out.
        """
        order = np.ascontiguousarray(order, np.int64)
        self._start(order)
        n_batches = -(-len(order) // self.batch_size)
        rates, decays = empty((2, n_batches), np.float64)
        rates[:], decays[:] = rate, decay
        steps = self.tables.record["steps"]
        steps["rates"], steps["decays"] = rates.ctypes.data, decays.ctypes.data
        self.samples_done = min(self.slices.run(n_batches) * self.batch_size, len(order))
        self.samples_passed += self.samples_done
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
        if self._has_optimizer:
            raise ValueError("loss_and_gradient is for sessions without an optimizer")
        self._start(np.arange(self.n_samples))
        self.step = 0  # the same noise at every call
        if not self.slices.run(1):
            return None
        self.samples_passed += self.n_samples
        if not self._results["rows_done"]:
            raise ValueError("the sum of sample_weight must be positive")
        return self._mean_loss(1), *self.state.layout.unpack(self.state.gradient, trained=True)

    def predict_rows(self, rows, link=True, X=None, output_dtype=None):
        """Predict rows with the parameters as they are.

        Parameters
        ----------
        rows : ndarray of int
            Row numbers; always as many.
        link : bool, default=True
            Whether to apply the output activation.
        X : ndarray or CSR array of shape (n_samples, n_features), default=None
            What they are rows of, the same in all calls; None is what the session trains on.
        output_dtype : dtype, default=None
            Of the outputs; None is that of the computation.

        Returns
        -------
        ndarray of shape (len(rows), n_outputs)
        """
        architecture, state = self.architecture, self.state
        evaluated, is_folded = state.evaluated(), architecture.normalization == "batch"
        if self._prediction is None:
            plain = replace(architecture, normalization=None) if is_folded else architecture
            X, layout = self.tables.samples.X if X is None else X, Layout(plain, tile(self.dtype))
            self._prediction = Prediction(plain, layout, state.flat, X, len(rows), self._team)
        prediction = self._prediction
        if evaluated is state.flat and not is_folded:
            return prediction.run(len(rows), rows, link, output_dtype)
        trained = state.flat.copy()
        try:
            if is_folded:
                prediction.layout.pack(state.flat, *fold(architecture, *state.layout.unpack(evaluated))[1:])
            else:
                state.flat[:] = evaluated
            return prediction.run(len(rows), rows, link, output_dtype)
        finally:
            state.flat[:] = trained

    def arrays(self):
        """Workspace of the last batch as plain arrays.

        Returns
        -------
        list of dict
            One a layer: 'input', 'z', 'output' and 'delta', each of shape (rows, width).
        """
        return self.tables.workspace.arrays()

    def close(self):
        """End the threads and hand their cores back."""
        self._exit.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
