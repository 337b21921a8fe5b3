"""What training changes: the parameters, and what the optimizer keeps beside them."""

import numpy as np

from ..kernels.memory import aligned_zeros
from .memory.blocking import outgrows_cache


class State:
    """Parameters in panels, their transposed twins, the optimizer's state arrays and an average.

    Parameters
    ----------
    architecture : Architecture
        The net.
    layout : Layout
        Where its parameters stand in the flat vectors.
    dtype : dtype
        Of the computation.
    optimizer : Optimizer or None
        How many state arrays there are, and what predicts.
    has_average : bool, default=False
        Whether an average of the parameters is what predicts.

    Attributes
    ----------
    flat, twins : ndarray
        Parameters and twins.
    moments : list of ndarray
        The optimizer's state arrays, as long as ``flat``.
    average : ndarray or None
        The average.
    gradient : ndarray or None
        Where gradients are stored, if they are.
    """

    def __init__(self, architecture, layout, dtype, optimizer, has_average=False):
        self.layout, self._architecture, self._optimizer, self._dtype = layout, architecture, optimizer, dtype
        self.flat = aligned_zeros(layout.size, dtype)
        self.twins = aligned_zeros(layout.twin_size, dtype)
        n_moments = 0 if optimizer is None else optimizer.n_states
        self.moments = [aligned_zeros(layout.size, dtype) for _ in range(n_moments)]
        self.average = aligned_zeros(layout.size, dtype) if has_average else None
        self.gradient = None

    def enter(self, record):
        """Write where everything is into a record of STATE."""
        self._record = record
        record["flat"], record["n_states"] = self.flat.ctypes.data, len(self.moments)
        record["states"][: len(self.moments)] = [moment.ctypes.data for moment in self.moments]
        record["average"] = 0 if self.average is None else self.average.ctypes.data

    def store_gradient(self, dtype):
        """Give gradients a place of their own."""
        if self.gradient is None:
            self.gradient = aligned_zeros(self.layout.size, dtype)
            self._record["gradient"] = self.gradient.ctypes.data

    @property
    def average_start(self):
        """Steps before the average began."""
        return int(self._record["average_start"])

    @property
    def outgrows_cache(self):
        """Whether weights and moments are asked for ahead of time."""
        return outgrows_cache(self.flat.nbytes * (1 + len(self.moments)))

    def set_parameters(self, matrices, vectors):
        """Write the parameters into the panels.

        Parameters
        ----------
        matrices : list of ndarray of shape (fan_in, fan_out)
            Weights of each layer, and what else ``Architecture.matrix_shapes`` names.
        vectors : list of ndarray of shape (fan_out,)
            Biases of each layer, and what else ``Architecture.vectors`` names.
        """
        self.layout.pack(self.flat, matrices, vectors)
        self.layout.pack_twins(self.twins, matrices)
        if self.average is not None:
            self.average[:] = self.flat

    def get_parameters(self):
        """Parameters to predict with, as fresh arrays of the computation dtype.

        Returns
        -------
        matrices, vectors : list of ndarray
        """
        return self.layout.unpack(self.evaluated())

    def evaluated(self):
        """The flat vector to predict with: where weights are averaged, not the one that is trained."""
        if self.average is not None:
            evaluated = self.average
        else:
            evaluated = self._optimizer.evaluated(self.flat, self.moments) if self._optimizer else self.flat
        if evaluated is not self.flat:
            evaluated[self.layout.measured] = self.flat[self.layout.measured]
        return evaluated

    def get_moments(self):
        """For each state array of the optimizer a list of its matrices, then its vectors that are trained."""
        return [sum(self.layout.unpack(moment, trained=True), []) for moment in self.moments]

    def set_moments(self, moments):
        """Write back what `get_moments` gave, with the parameters of then set. What is not trained gets zeros."""
        is_trained = sum(self._architecture.trained(), [])
        n = len(self.layout.matrices)
        for moment, arrays in zip(self.moments, moments, strict=True):
            arrays = [a if t else np.zeros_like(a) for a, t in zip(arrays, is_trained, strict=True)]
            self.layout.pack(moment, arrays[:n], arrays[n:])
        trained = self._optimizer.trained(self.flat, self.moments)
        if trained is not self.flat:
            trained[self.layout.measured] = self.flat[self.layout.measured]
            self.set_parameters(*self.layout.unpack(trained))

    def get_offsets(self):
        """What the trained parameters are away from their average, as from `get_moments`; None without an average."""
        if self.average is None:
            return None
        return sum(self.layout.unpack(self.flat - self.average, trained=True), [])

    def set_offsets(self, offsets, start):
        """Go on with an average, with the averaged parameters set.

        Parameters
        ----------
        offsets : list of ndarray or None
            As from `get_offsets`; None to begin anew.
        start : int
            Steps before the average began.
        """
        self._record["average_start"] = start
        if offsets is not None:
            n = len(self.layout.matrices)
            averages = sum(self.layout.unpack(self.average, trained=True), [])
            trained = [a + offset for a, offset in zip(averages, offsets, strict=True)]
            self.layout.pack(self.flat, trained[:n], trained[n:])
            self.layout.pack_twins(self.twins, trained[:n])

    def arrays(self):
        """All that training changes, as plain arrays that `set_arrays` writes back to the same bits.

        Returns
        -------
        dict
            'trained', 'average' (or None) and 'moments': the matrices and vectors of the parameters that are trained,
            of their average, and of each state array; 'average_start': steps before the average began.
        """
        return {
            "trained": self.layout.unpack(self.flat),
            "average": None if self.average is None else self.layout.unpack(self.average),
            "moments": [self.layout.unpack(moment) for moment in self.moments],
            "average_start": self.average_start,
        }

    def set_arrays(self, arrays):
        """Write back what `arrays` gave."""
        self._record["average_start"] = arrays["average_start"]
        self.set_parameters(*arrays["trained"])
        for moment, parts in zip(self.moments, arrays["moments"], strict=True):
            self.layout.pack(moment, *parts)
        if self.average is not None:
            self.layout.pack(self.average, *arrays["average"])

    def take(self, with_parameters=True):
        """Read parameters and moments, giving up memory on the way: of a large net no two copies of everything stand.

        Parameters
        ----------
        with_parameters : bool, default=True
            False if they are not wanted.

        Returns
        -------
        parameters : tuple of matrices and vectors, or None
        moments : list
            As from `get_moments`.
        """
        self.twins = self.gradient = None
        parameters = self.get_parameters() if with_parameters else None
        self.flat = self.average = None
        moments = []
        while self.moments:
            moments.append(sum(self.layout.unpack(self.moments.pop(0), trained=True), []))
        return parameters, moments
