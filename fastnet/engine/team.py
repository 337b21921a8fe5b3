"""The threads of a fit or of a prediction, and the barrier at which they meet."""

from contextlib import ExitStack

import numpy as np

from ..kernels.memory import aligned_zeros
from ..kernels.threads.team import ABANDONED, SYNC_WORDS, Workers, reserve, yield_address


class Team:
    """Threads that run a compiled function together. A context manager.

    Parameters
    ----------
    wanted : int
        Threads, if there are as many cores to be had.
    keeps_all : bool
        Whether threads are started for cores that other fits have now, too.
    """

    def __init__(self, wanted, keeps_all):
        with ExitStack() as stack:  # gives threads and cores back if anything below fails
            self._grant = stack.enter_context(reserve(wanted))
            self._workers = Workers(self._grant.most if keeps_all else self._grant.count)
            stack.callback(self._workers.close)
            self._sync = aligned_zeros(SYNC_WORDS, np.int64)
            self._exit = stack.pop_all()

    @property
    def size(self):
        """Threads at hand."""
        return self._workers.count

    @property
    def size_now(self):
        """Threads to use now, when other fits may need some."""
        return min(self.size, self._grant.count)

    def run(self, n_threads, record, function, addresses, *arguments):
        """Run a compiled function in so many threads.

        Parameters
        ----------
        n_threads : int
            Threads.
        record : record of TEAM
            Of the net that the function gets; written here.
        function : callable
            ``function(*addresses, thread, *arguments)``.
        addresses : tuple of int
            Of records.
        *arguments : int
            What else the function gets.
        """
        record["n_threads"], record["sync"] = n_threads, self._sync.ctypes.data
        record["yield_function"] = yield_address()
        self._sync[:] = 0

        def run(thread):
            function(*addresses, thread, *arguments)

        self._workers.run(n_threads, run, (), self._abandon)

    def _abandon(self):
        self._sync[ABANDONED] = 1

    def close(self):
        """End the threads and hand their cores back."""
        self._exit.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
