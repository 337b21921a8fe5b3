"""How long a slice of an epoch is and how many threads run it, from the times of the slices before.

Results have the same bits for any number of threads, so the number may change during a fit. Whether two
threads pay depends on the net, the batch and on who else uses the machine: a thread that waits at a barrier
for one that the system has put aside loses milliseconds. So it is measured.
"""

# A slice is about this long, so that Ctrl-C and limits of time are seen in between.
SLICE_SECONDS = 0.2
# After the first comparison the slower choice is tried again once in this many slices.
RETRY = 64


class Pace:
    """Chooses the batches and threads of the next slice.

    Parameters
    ----------
    n_threads : int
        Threads at hand.
    adaptive : bool
        Whether one thread may be used instead when that is faster.
    """

    def __init__(self, n_threads, adaptive):
        self._choices = (n_threads, 1) if adaptive and n_threads > 1 else (n_threads,)
        self._seconds = dict.fromkeys(self._choices)  # a batch, latest
        self._slices = 0
        self.n_threads = n_threads

    def next_slice(self, n_batches):
        """Batches of the next slice, out of ``n_batches`` that are left; sets `n_threads`."""
        untried = [n for n in self._choices if self._seconds[n] is None]
        best = min((n for n in self._choices if n not in untried), key=self._seconds.get, default=None)
        self._slices += 1
        if untried:
            self.n_threads = untried[0]
        elif len(self._choices) > 1 and self._slices % RETRY == 0:
            self.n_threads = next(n for n in self._choices if n != best)
        else:
            self.n_threads = best
        seconds = self._seconds[self.n_threads]
        if seconds is None:
            # Enough batches to see their time, few enough not to lose much if the choice is bad.
            return max(1, min(n_batches, 8))
        return max(1, min(n_batches, int(SLICE_SECONDS / seconds)))

    def took(self, n_batches, seconds):
        """Note the time of a slice."""
        self._seconds[self.n_threads] = max(seconds / n_batches, 1e-9)
