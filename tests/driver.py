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
        w, *states = (a.ctypes.data for a in (self.w, *self._states))  # asked for once: thousands of steps are taken
        self._addresses = self._parameters.ctypes.data, self._numbers.ctypes.data, w, states

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
        parameters, numbers, w, states = self._addresses
        self._prepare(self.steps, rate, decay, parameters, numbers)
        self._update(w, g.ctypes.data, *states, self.w.size, numbers, l1)
