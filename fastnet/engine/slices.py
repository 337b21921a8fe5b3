"""Mini-batches in slices: between two of them Python sees Ctrl-C and the time."""

import time

import numpy as np

from .pace import SLICE_SECONDS, Pace

# What a mini-batch adds to the epoch's loss.
_SUMS = ("loss_sum", "penalty_sum", "rows_done")


class Slices:
    """Runs mini-batches until a deadline.

    Parameters
    ----------
    team : Team
        Threads.
    tables : Tables
        What the engine gets.
    engine : callable
        The compiled mini-batches.
    chunks : int
        Chunks of rows of a mini-batch.
    pace : Pace
        How many chunks a slice has, and how many threads run it.

    Attributes
    ----------
    deadline : float
        When to stop, in `time.perf_counter`'s seconds, also in the middle of an epoch; at first inf.
    """

    def __init__(self, team, tables, engine, chunks, pace):
        self._team, self._tables, self._engine, self.chunks, self.pace = team, tables, engine, chunks, pace
        self.deadline = np.inf

    @property
    def is_out_of_time(self):
        """Whether the deadline has passed."""
        return time.perf_counter() >= self.deadline

    def run(self, n_batches):
        """Run so many mini-batches, in slices short enough for Ctrl-C; returns how many the deadline allowed."""
        results, chunks, pace = self._tables.record["results"], self.chunks, self.pace
        first, count, sums, left = 0, n_batches * chunks, None, SLICE_SECONDS
        while first < count:
            end = count
            if self.deadline < np.inf:
                left = self.deadline - time.perf_counter()
                if first and left <= 0:
                    break
                # Losses count by whole mini-batches: where one has several chunks, no slice goes beyond its end.
                if chunks > 1:
                    end = first + chunks - first % chunks
                if first % chunks == 0:
                    sums = [results[name] for name in _SUMS]
            pace.limit(self._team.size_now)  # other fits may have begun or ended
            last = first + pace.next_slice(end - first, left)
            start = time.perf_counter()
            self._train(first, last)
            pace.took(last - first, time.perf_counter() - start)
            first = last
        if first % chunks:
            for name, value in zip(_SUMS, sums, strict=True):
                results[name] = value
        return first // chunks

    def _train(self, first, last):
        record = self._tables.record
        arguments = self._tables.addresses, first, last, int(record["results"]["step"])
        self._team.run(self.pace.n_threads, record["team"], self._engine, *arguments)


def predict_in_slices(team, tables, predictor, n_rows, slow_seconds, moving, check=None):
    """Run a forward pass over many rows.

    Parameters
    ----------
    team : Team
        Threads.
    tables : Tables
        What the forward pass gets.
    predictor : callable
        The compiled forward pass.
    n_rows : int
        Rows.
    slow_seconds : callable
        ``slow_seconds(rows)``: a guess of how long so many rows take.
    moving : dict
        The addresses that a later slice has further on: their group and field in the record, and bytes a row.
    check : callable, optional
        ``check()`` is called after a slice that met inputs that are not finite.
    """
    record, first = tables.record, 0
    start = {place: int(record[place[0]][place[1]]) for place in moving}
    chunk = int(record["workspace"]["thread_rows"]) * team.size
    pace = Pace(team.size, False, slow_seconds(chunk))
    record["head"]["check_inputs"], record["results"]["not_finite"] = check is not None, 0
    try:
        while first < n_rows:
            n_chunks = pace.next_slice(-(-(n_rows - first) // chunk))
            record["samples"]["n_samples"] = min(n_chunks * chunk, n_rows - first)
            for (group, name), n_bytes in moving.items():
                record[group][name] = start[group, name] + first * n_bytes
            begin = time.perf_counter()
            team.run(team.size_now, record["team"], predictor, tables.addresses[:2])
            pace.took(n_chunks, time.perf_counter() - begin)
            first += n_chunks * chunk
            if record["results"]["not_finite"]:
                check()
    finally:
        for (group, name), address in start.items():
            record[group][name] = address
