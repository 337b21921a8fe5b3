"""Epochs of the engine with any number of threads, whole and in parts."""

import time
from contextlib import contextmanager

import numpy as np

from fastnet.engine import Session
from fastnet.engine.functions import from_python
from fastnet.engine.memory.plan import slow_seconds
from fastnet.engine.pace import Pace
from fastnet.kernels.memory import aligned_zeros
from fastnet.kernels.threads.team import ARRIVED, SYNC_WORDS, yield_address
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import Adam

from .problems import glorot

# Each time taken is of about so many operations: a tenth of a second at most, except of the largest networks.
OPERATIONS = 1e10


class Epochs:
    """A network in training: ReLU, softmax, Adam and an L2 penalty, random data. A context manager.

    Parameters
    ----------
    sizes : tuple of int
        Units of the layers.
    batch, rows : int
        Rows of a mini-batch, and in all.
    dtype : numpy.dtype
        Of the computation.
    threads : int
        Threads at most; there are no more than the process may use.

    Attributes
    ----------
    flops : int
        Floating-point operations of an epoch: ``2 * rows * (3 * all weights - the first layer's)``.
    session : Session
        The fit.
    """

    def __init__(self, sizes, batch, rows, dtype, threads):
        rng = np.random.RandomState(0)
        X = rng.standard_normal((rows, sizes[0])).astype(dtype)
        y = rng.randint(sizes[-1], size=(rows, 1)).astype(dtype)
        architecture = Architecture(sizes, ACTIVATIONS["relu"], LOSSES["log_loss"])
        weights = [a * b for a, b in zip(sizes, sizes[1:], strict=False)]
        self.flops, self._order = 2 * rows * (3 * sum(weights) - weights[0]), rng.permutation(rows)
        self._repeats, self._paces = max(1, int(OPERATIONS / self.flops)), {}
        self.session = Session(
            architecture, X, y, dtype=dtype, optimizer=Adam(), batch_size=batch, l2=1e-4, n_jobs=threads
        )
        self.session.set_parameters(*glorot(sizes, rng, dtype))

    def seconds(self, threads):
        """Mean time of an epoch with so many threads."""
        session = self.session
        if threads not in self._paces:
            guess = slow_seconds(session.architecture, session.tables.workspace.rows)
            self._paces[threads] = Pace(threads, False, guess)
        session.slices.pace = self._paces[threads]
        start = time.perf_counter()
        for _ in range(self._repeats):
            session.run_epoch(self._order, 1e-3)
        return (time.perf_counter() - start) / self._repeats

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.session.close()


@contextmanager
def rows_only(session):
    """Within the block no thread of this session has weights: an epoch is its row phases."""
    shape = session.tables.record["shape"]
    cost = int(shape["total_cost"])
    shape["total_cost"] = 0
    try:
        yield
    finally:
        shape["total_cost"] = cost


def run_alone(session, thread, threads):
    """Do what one of so many threads does in the last epoch, with all barriers open and nobody else at work.

    The session must have memory for that thread. Where there are more threads than row tiles, thread 0 has no rows.

    Returns
    -------
    float
        Seconds.
    """
    if thread >= session.n_threads:
        raise ValueError(f"the session has memory for {session.n_threads} threads")
    tables, team = session.tables, session.tables.record["team"]
    chunks = session.slices.chunks * -(-int(tables.record["samples"]["n_samples"]) // session.batch_size)
    sync, rates = aligned_zeros(SYNC_WORDS, np.int64), np.full(chunks, 1e-3)
    sync[ARRIVED] = 1 << 60  # more than ever will
    team["n_threads"], team["sync"], team["yield_function"] = threads, sync.ctypes.data, yield_address()
    tables.record["steps"]["rates"] = rates.ctypes.data
    start = time.perf_counter()
    from_python("engine", session.dtype)(*tables.addresses, thread, 0, chunks, session.step)
    return time.perf_counter() - start
