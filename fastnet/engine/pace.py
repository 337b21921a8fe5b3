"""How long a slice of an epoch is and how many threads run it, from the times of the slices before.

Results have the same bits for any number of threads, so the number may change during a fit. Whether two
threads pay depends on the net, the batch and on who else uses the machine: a thread that waits at a barrier
for one that the system has put aside loses milliseconds. So it is measured.
"""

# A slice is about this long, so that Ctrl-C and limits of time are seen in between.
SLICE_SECONDS = 0.2
# Each choice is tried this often at first (caches are cold the first time), and the slower one then again
# once in so many slices.
TRIALS = 2
RETRY = 32
# A trial is short: on a large net the wrong number of threads would cost more than all that follows.
TRIAL_SECONDS, TRIAL_CHUNKS = 0.02, 64


class Pace:
    """Chooses the chunks of rows and the threads of the next slice.

    Parameters
    ----------
    n_threads : int
        Threads at hand.
    adaptive : bool
        Whether one thread may be used instead when that is faster.
    guess : float
        Seconds that a chunk may take, until it is known.
    """

    def __init__(self, n_threads, adaptive, guess):
        self._adaptive, self._guess = adaptive, guess
        self._most, self._seconds = n_threads, {}
        self.n_threads = n_threads
        self._choose_from(n_threads)

    def limit(self, n_threads):
        """Use up to so many threads from now on, and no more than there were at first; times that are known stay."""
        n_threads = min(n_threads, self._most)
        if n_threads != self._choices[0]:
            self._choose_from(n_threads)

    def _choose_from(self, n_threads):
        self._choices = (n_threads, 1) if self._adaptive and n_threads > 1 else (n_threads,)
        self._seconds = {n: self._seconds.get(n, float("inf")) for n in {*self._choices, *self._seconds}}  # a chunk
        self._slices = 0

    def next_slice(self, n_chunks, seconds_left=SLICE_SECONDS):
        """Chunks of the next slice, out of ``n_chunks`` that are left; sets `n_threads`."""
        choices = self._choices
        best = min(choices, key=self._seconds.get)
        on_trial = self._slices < TRIALS * len(choices)
        if on_trial:
            self.n_threads = choices[self._slices % len(choices)]
        elif len(choices) > 1 and self._slices % RETRY == 0:
            self.n_threads = next(n for n in choices if n != best)
            on_trial = True
        else:
            self.n_threads = best
        self._slices += 1
        seconds = self._seconds[self.n_threads]
        seconds = self._guess if seconds == float("inf") else seconds
        if on_trial and len(choices) > 1:
            n_chunks = min(n_chunks, TRIAL_CHUNKS, max(1, int(TRIAL_SECONDS / seconds)))
        n_chunks = min(n_chunks, max(1, int(min(SLICE_SECONDS, seconds_left) / seconds)))
        return n_chunks

    def took(self, n_chunks, seconds):
        """Note the time of a slice; the first trials keep their best."""
        seconds = max(seconds / n_chunks, 1e-9)
        if self._slices <= TRIALS * len(self._choices):
            seconds = min(seconds, self._seconds[self.n_threads])
        self._seconds[self.n_threads] = seconds
