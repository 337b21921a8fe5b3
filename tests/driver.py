"""Drives the compiled kernels of an optimizer on any function, without a network."""

import numpy as np

from fastnet.ops.compiled import rows, signatures
from fastnet.ops.compiled.signatures import PREPARE, UPDATE


class Driver:
    """Weights, states and step count of an optimizer; `step` moves the weights by a gradient."""

    def __init__(self, op, w, dtype=np.float64):
        dtype = np.dtype(dtype)
        self.op, self.w, self.steps = op, np.array(w, dtype), 0
        self._states = [np.zeros_like(self.w) for _ in range(4)]
        self._numbers = np.zeros(signatures.N_NUMBERS, dtype)
        self._parameters = rows.parameter_array(op, dtype)
        self._prepare = PREPARE.function(rows.prepare(op, dtype), dtype)
        self._update = UPDATE.function(rows.update(op, dtype), dtype)

    @property
    def states(self):
        return self._states[: self.op.n_states]

    @property
    def evaluated(self):
        """The point that the optimizer predicts with."""
        return self.op.evaluated(self.w, self.states)

    def step(self, g, rate, l1=0.0, decay=1.0):
        self.steps += 1
        g = np.ascontiguousarray(g, self.w.dtype)
        numbers = self._numbers.ctypes.data
        self._prepare(self.steps, rate, decay, self._parameters.ctypes.data, numbers)
        arrays = [a.ctypes.data for a in (self.w, g, *self._states)]
        self._update(*arrays, self.w.size, numbers, l1)
