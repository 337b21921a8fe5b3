"""How long a slice of an epoch is and how many threads run it, from the times of the slices before.

Results have the same bits for any number of threads, so the number may change during a fit. How many threads
pay depends on the net, the batch and on who else uses the machine: a thread that waits at a barrier for one that
the system has put aside loses milliseconds. So it is measured, for all threads, half of them, half of those and so
on down to one, as far as that promises anything.
"""

# A slice is about this long, so that Ctrl-C and limits of time are seen in between.
SLICE_SECONDS = 0.2
# Each number of threads is tried this often at first (caches are cold the first time), and a neighbour of the fastest
# then again once in so many slices.
TRIALS = 2
RETRY = 32
# A trial is short: on a large net the wrong number of threads would cost more than all that follows.
TRIAL_SECONDS, TRIAL_CHUNKS = 0.02, 64
# The search goes on beyond numbers that are so little slower than the fastest: times are never exact.
TOLERANCE = 1.1


class Pace:
    """Chooses the chunks of rows and the threads of the next slice.

    The search begins with all threads and one; if one may take longer over a chunk than a trial shall last, with all
    and half of them. It goes on beside the fastest number, until those on both sides of it are slower. So it takes at
    most `TRIALS` slices for each number, each of `TRIAL_SECONDS` or one chunk. Where a chunk is the longer of the two,
    it runs in no less than half as many threads as are known to be fast.

    Parameters
    ----------
    n_threads : int
        Threads at hand.
    adaptive : bool
        Whether fewer may be used instead when that is faster.
    guess : float
        Seconds that a chunk may take one thread, until it is known.
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
        choices = [n_threads]
        while self._adaptive and choices[-1] > 1:
            choices.append((choices[-1] + 1) // 2)
        self._choices = choices
        self._seconds = {n: self._seconds.get(n, float("inf")) for n in {*choices, *self._seconds}}  # a chunk
        self._slices = 0  # since the first search
        self._begin_search({}, (choices[0], choices[-1 if self._guess <= TRIAL_SECONDS else min(1, len(choices) - 1)]))

    def _begin_search(self, trials, first):
        """Search anew, from numbers that have been tried and from those that are tried first."""
        self._trials, self._first, self._retried_from = {n: trials.get(n, 0) for n in self._choices}, first, None

    def _neighbours(self, n_threads):
        """The next larger and the next smaller number."""
        at = self._choices.index(n_threads)
        return self._choices[max(at - 1, 0) : at] + self._choices[at + 1 : at + 2]

    def _by_speed(self):
        """The numbers that have been tried, the fastest first."""
        return sorted((n for n in self._choices if self._trials[n] >= TRIALS), key=self._seconds.get)

    def _next_trial(self):
        """The number that the search needs a time of, or None if it has ended."""
        untried = [n for n in self._first if self._trials[n] < TRIALS]
        if untried:
            return min(untried, key=self._trials.get)
        tried = self._by_speed()
        for n in tried:
            if self._seconds[n] <= TOLERANCE * self._seconds[tried[0]]:
                for neighbour in self._neighbours(n):
                    if self._trials[neighbour] < TRIALS:
                        return neighbour
        return None

    def next_slice(self, n_chunks, seconds_left=SLICE_SECONDS):
        """Chunks of the next slice, out of ``n_chunks`` that are left; sets `n_threads`."""
        trial, self._retried_from = self._next_trial(), None
        if trial is None:
            self.n_threads = self._by_speed()[0]
            self._slices += 1
            others = self._neighbours(self.n_threads)
            if others and self._slices % RETRY == 0:
                trial, self._retried_from = others[self._slices // RETRY % len(others)], self.n_threads
        if trial is not None:
            self.n_threads = trial
        seconds = self._seconds[self.n_threads]
        seconds = self._guess if seconds == float("inf") else seconds
        if trial is not None and len(self._choices) > 1:
            n_chunks = min(n_chunks, TRIAL_CHUNKS, max(1, int(TRIAL_SECONDS / seconds)))
        n_chunks = min(n_chunks, max(1, int(min(SLICE_SECONDS, seconds_left) / seconds)))
        return n_chunks

    def took(self, n_chunks, seconds):
        """Note the time of a slice; the trials of a search keep their best."""
        n, seconds = self.n_threads, max(seconds / n_chunks, 1e-9)
        if 0 < self._trials[n] < TRIALS:
            seconds = min(seconds, self._seconds[n])
        self._seconds[n], self._trials[n] = seconds, min(self._trials[n] + 1, TRIALS)
        if self._retried_from is not None and self._by_speed()[0] == n:  # what is beyond may be faster still
            self._begin_search({n: TRIALS, self._retried_from: TRIALS}, ())
