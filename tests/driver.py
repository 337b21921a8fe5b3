"""Drives the compiled kernels of an optimizer on any function, without a network."""

import ctypes

import numpy as np

from fastnet.ops.compiled import rows


class Driver:
    """Weights, states and step count of an optimizer; `step` moves the weights by a gradient."""

    def __init__(self, op, w, dtype=np.float64):
        dtype = np.dtype(dtype)
        self.op, self.w, self.steps = op, np.array(w, dtype), 0
        self._states = [np.zeros_like(self.w) for _ in range(4)]
        self._numbers = np.zeros(rows.NUMBERS_SIZE, dtype)
        self._parameters = rows.parameter_array(op, dtype)
        number = ctypes.c_float if dtype.itemsize == 4 else ctypes.c_double
        pointer, double, integer = ctypes.c_void_p, ctypes.c_double, ctypes.c_ssize_t
        self._prepare = ctypes.CFUNCTYPE(None, double, double, pointer, pointer)(rows.prepare(op, dtype))
        update = ctypes.CFUNCTYPE(None, *[pointer] * 6, integer, pointer, number)
        self._update = update(rows.update(op, dtype))

    @property
    def states(self):
        return self._states[: self.op.n_states]

    @property
    def evaluated(self):
        """The point that the optimizer predicts with."""
        return self.op.evaluated(self.w, self.states)

    def step(self, g, rate, l1=0.0, biases=False):
        self.steps += 1
        g = np.ascontiguousarray(g, self.w.dtype)
        numbers = self._numbers.ctypes.data
        self._prepare(self.steps, rate, self._parameters.ctypes.data, numbers)
        arrays = [a.ctypes.data for a in (self.w, g, *self._states)]
        numbers += rows.N_NUMBERS * self.w.itemsize if biases else 0
        self._update(*arrays, self.w.size, numbers, l1)
