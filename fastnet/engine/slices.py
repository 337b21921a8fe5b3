"""Mini-batches in slices: between two of them Python sees Ctrl-C and the time."""

import time

import numpy as np

from .extras import StepExtras
from .pace import SLICE_SECONDS

# What a mini-batch adds to the epoch's loss.
_SUMS = ("loss_sum", "penalty_sum", "rows_done")


class Slices(StepExtras):
    """The part of ``Session`` on running mini-batches until a deadline."""

    @property
    def is_out_of_time(self):
        """Whether the deadline has passed."""
        return time.perf_counter() >= self.deadline

    def _run_slices(self, n_batches):
        """Run so many mini-batches, in slices short enough for Ctrl-C; returns how many the deadline allowed."""
        first, count, sums, left = 0, n_batches * self._chunks, None, SLICE_SECONDS
        while first < count:
            end = count
            if self.deadline < np.inf:
                left = self.deadline - time.perf_counter()
                if first and left <= 0:
                    break
                # Losses count by whole mini-batches: where one has several chunks, no slice goes beyond its end.
                if self._chunks > 1:
                    end = first + self._chunks - first % self._chunks
                if first % self._chunks == 0:
                    sums = [self.record["results"][name] for name in _SUMS]
            self._pace.limit(self.threads_now)  # other fits may have begun or ended
            last = first + self._pace.next_slice(end - first, left)
            start = time.perf_counter()
            self._call(self._pace.n_threads, self._train, first, last, self.step)
            self._pace.took(last - first, time.perf_counter() - start)
            first = last
        if first % self._chunks:
            for name, value in zip(_SUMS, sums, strict=True):
                self.record["results"][name] = value
        return first // self._chunks
