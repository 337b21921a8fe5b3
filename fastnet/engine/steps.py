"""What the gradient of a mini-batch does: penalties, the optimizer's step, and what comes after it."""

import numpy as np

from ..kernels.host import tile
from ..kernels.memory import aligned_zeros
from ..ops.compiled import rows as op_kernels
from .functions import address
from .memory import plan


class Steps:
    """Writes a net's record of STEPS, and reads what steps report.

    Parameters
    ----------
    tables : Tables
        Records of the net.
    state : State
        What is trained.
    architecture : Architecture
        The net.
    optimizer : Optimizer or None
        Without one gradients are only stored.
    l1, l2 : float or sequence of float
        Penalties of the weights, of all layers or of each.
    clip_value, clip_norm, max_norm, ema_decay : float or None
        As of ``Session``.

    Attributes
    ----------
    measures_gradients : bool
        Whether gradients are clipped, and so their norms known.
    """

    def __init__(self, tables, state, architecture, optimizer, l1, l2, clip_value, clip_norm, max_norm, ema_decay):
        self._record, self._results = tables.record["steps"], tables.record["results"]
        self._kept, self._dtype = [], state.flat.dtype
        self._set_penalties(tables.layers, architecture, state.layout, 0.0 if optimizer is None else l1, l2)
        groups = aligned_zeros(2 * len(architecture.groups), np.float64)
        groups.reshape(-1, 2)[:] = [(group.rate, group.decay) for group in architecture.groups]
        self._record["groups"], self._record["n_groups"] = self._address(groups), len(architecture.groups)
        if optimizer is not None:
            self._set_optimizer(optimizer, state)
        n_shares = int(self._record["n_penalties"]) + len(tables.panels) * int(tables.record["shape"]["n_terms"])
        tables.record["features"]["first_share"] = n_shares
        n_shares += 2 * int(tables.record["features"]["n_columns"])
        self._set_clipping(clip_value, clip_norm, n_shares)
        record = self._record
        record["max_norm"], record["decay"] = max_norm or 0.0, ema_decay or 0.0
        if self.measures_gradients or max_norm is not None or ema_decay is not None:
            record["after_step"] = address("after_step", self._dtype)
        if clip_norm is not None:
            state.store_gradient(self._dtype)

    def _address(self, array):
        self._kept.append(array)
        return array.ctypes.data

    def _set_penalties(self, layers, architecture, layout, l1, l2):
        record, of_matrices = self._record, list(architecture.matrix_layers())
        for name, penalty in (("l1", l1), ("l2", l2)):
            layers[name] = np.broadcast_to(penalty, architecture.n_layers)[of_matrices]
        record["has_penalty"] = bool(layers["l1"].any() or layers["l2"].any())
        record["n_penalties"] = n_penalties = plan.penalty_count(layout, tile(self._dtype))
        record["penalties"] = self._address(aligned_zeros(n_penalties, np.float64))

    def _set_optimizer(self, optimizer, state):
        record = self._record
        parameters = op_kernels.parameter_array(optimizer, self._dtype)  # refuses what the dtype cannot hold
        record["prepare"] = op_kernels.prepare(optimizer, self._dtype)
        record["update"] = op_kernels.update(optimizer, self._dtype)
        record["optimizer_parameters"] = self._address(parameters)
        record["fetch_ahead"] = state.outgrows_cache

    def _set_clipping(self, clip_value, clip_norm, n_shares):
        record = self._record
        self.measures_gradients = clip_value is not None or clip_norm is not None
        record["clip_value"] = np.inf if clip_value is None else clip_value
        record["clip_norm"] = np.inf if clip_norm is None else clip_norm
        record["is_deferred"] = clip_norm is not None
        if self.measures_gradients:
            record["n_shares"] = n_shares
            record["shares"] = self._address(aligned_zeros(2 * n_shares, np.float64))
            record["clip"] = address("clip", self._dtype)

    def gradient_norms(self):
        """Norms of the last epoch's gradients before clipping, where they are measured.

        Returns
        -------
        mean, largest : float
            Of the mini-batches' norms; NaN without any.
        clipped : float
            Share of the mini-batches whose gradient was clipped.
        """
        results = self._results
        n = int(results["n_measured"])
        if n == 0:
            return np.nan, np.nan, np.nan
        return float(results["norm_sum"] / n), float(results["largest_norm"]), float(results["n_clipped"] / n)
