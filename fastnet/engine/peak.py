"""The machine's peak: the rate of multiply-adds that never wait for memory."""

import threading
import time

import numpy as np

from ..kernels.host import tile
from .functions import from_python

# Rounds of the loop of multiply-adds, of each thread: some milliseconds.
ITERATIONS = 4_000_000


def make_peak(dtype):
    """The loop whose rate is the peak.

    Parameters
    ----------
    dtype : numpy.dtype
        float32 or float64.

    Returns
    -------
    run : callable
        ``run(count)`` does so many rounds.
    operations : int
        Floating-point operations of a round.
    """
    from .passes.multiply_adds import CHAINS

    compiled, result = from_python("multiply_adds", dtype), np.zeros(1)

    def run(count):
        compiled(count, result.ctypes.data)

    run(1)
    return run, 2 * CHAINS * tile(dtype).lanes


def peak_flops(run, operations, threads=1):
    """FLOP/s of so many threads that run the loop at the same time, together."""
    gate, spans = threading.Barrier(threads), []

    def work():
        gate.wait()
        start = time.perf_counter()
        run(ITERATIONS)
        spans.append((start, time.perf_counter()))

    others = [threading.Thread(target=work) for _ in range(threads - 1)]
    for other in others:
        other.start()
    work()
    for other in others:
        other.join()
    starts, ends = zip(*spans, strict=True)
    return threads * ITERATIONS * operations / (max(ends) - min(starts))
