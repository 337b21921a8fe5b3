"""A fit's clipped gradients, bounded norms and averaged weights: what ``finish.py`` needs, and what it leaves."""

import numpy as np

from ..kernels.memory import aligned_zeros
from .finish import finish, inspect
from .run import Run


class StepExtras(Run):
    """The part of ``Session`` on what may be done beyond a plain step."""

    def _set_extras(self, clip_value, clip_norm, max_norm, ema_decay):
        """As ``Session`` documents them; with the optimizer set."""
        record = self.record
        self._average, self.measures_gradients = None, clip_value is not None or clip_norm is not None
        record["steps"]["clip_value"] = np.inf if clip_value is None else clip_value
        record["steps"]["clip_norm"] = np.inf if clip_norm is None else clip_norm
        record["steps"]["max_norm"], record["steps"]["is_deferred"] = max_norm or 0.0, clip_norm is not None
        if self.measures_gradients:
            record["steps"]["n_shares"] = n_shares = record["steps"]["n_penalties"] + len(self.panels) * record["shape"]["n_vectors"]
            record["steps"]["shares"] = self._address(aligned_zeros(2 * n_shares, np.float64))
            record["steps"]["clip"] = inspect(self.dtype)
        if clip_norm is not None and self._gradient is None:
            self._gradient = aligned_zeros(self.layout.size, self.dtype)
            record["state"]["gradient"] = self._gradient.ctypes.data
        if ema_decay is not None:
            self._average = aligned_zeros(self.layout.size, self.dtype)
            record["state"]["average"], record["steps"]["decay"] = self._average.ctypes.data, ema_decay
        if self.measures_gradients or max_norm is not None or ema_decay is not None:
            record["steps"]["after_step"] = finish(self.dtype)

    def gradient_norms(self):
        """Norms of the last epoch's gradients before clipping, where they are measured.

        Returns
        -------
        mean, largest : float
            Of the mini-batches' norms; NaN without any.
        clipped : float
            Share of the mini-batches whose gradient was clipped.
        """
        record = self.record
        n = int(record["results"]["n_measured"])
        if n == 0:
            return np.nan, np.nan, np.nan
        return float(record["results"]["norm_sum"] / n), float(record["results"]["largest_norm"]), float(record["results"]["n_clipped"] / n)

    def get_offsets(self):
        """What the trained parameters are away from their average, as from `get_state`; None without an average."""
        if self._average is None:
            return None
        return sum(self.layout.unpack(self.flat - self._average, trained=True), [])

    def set_offsets(self, offsets, start):
        """Go on with an average, with the averaged parameters set.

        Parameters
        ----------
        offsets : list of ndarray or None
            As from `get_offsets`; None to begin anew.
        start : int
            Steps before the average began.
        """
        self.record["state"]["average_start"] = start
        if offsets is not None:
            n = len(self.layout.matrices)
            averages = sum(self.layout.unpack(self._average, trained=True), [])
            trained = [a + offset for a, offset in zip(averages, offsets, strict=True)]
            self.layout.pack(self.flat, trained[:n], trained[n:])
            self.layout.pack_twins(self.twins, trained[:n])
