"""The loss and the predictions of outputs that are at hand, by the kernels of training and prediction."""

import numpy as np

from ..kernels.host import tile
from ..kernels.memory import aligned_zeros
from ..network.layout import round_up
from ..ops.compiled import rows as op_kernels
from ..ops.compiled.signatures import ACTIVATE, ACTIVATE_AND_DERIVE, DERIVE, LINK, LOSS, target_stride
from .outputs import DOUBLE, is_wider, narrowed

_ROWS = 1024  # at a time


class MeanLoss:
    """Mean loss of raw outputs, without penalties, as ``loss_`` reports it: a function of the outputs.

    Parameters
    ----------
    loss : Loss
        The loss.
    n_outputs : int
        Raw outputs of a sample.
    targets : ndarray of shape (n_samples, target_width)
        Of the computation dtype; one class index a sample for a loss of class indices, else one number an output.
    sample_weight : ndarray of shape (n_samples,), default=None
        Of the same dtype; not all zero.
    """

    def __init__(self, loss, n_outputs, targets, sample_weight=None):
        dtype, n_samples = targets.dtype, len(targets)
        shape = tile(dtype)
        self._stride, self._rows = round_up(n_outputs, shape.panel), min(_ROWS, n_samples)
        y_stride = target_stride(loss, self._stride, shape.panel)
        sizes = (self._rows * self._stride, self._rows * self._stride, self._rows * y_stride, self._rows)
        z, delta, y, weight = (aligned_zeros(size, dtype) for size in sizes)
        self._values, self._parameters = aligned_zeros(self._rows, np.float64), op_kernels.parameter_array(loss, dtype)
        self._z, self._y = z.reshape(-1, self._stride), y.reshape(-1, y_stride)
        self._kept = z, delta, y, self._parameters  # whose addresses the kernel gets
        self._arrays = [array.ctypes.data for array in (z, y, weight, delta)]
        self._others = self._parameters.ctypes.data, self._values.ctypes.data
        self._kernel = LOSS.function(op_kernels.loss(loss, dtype), dtype)
        self._targets, self._sample_weight, self._weight, self._n_outputs = targets, sample_weight, weight, n_outputs
        self._total_weight = n_samples if sample_weight is None else sample_weight.sum(dtype=np.float64)
        self._divisor = n_outputs if loss.mean_over_outputs else 1

    def __call__(self, outputs):
        """The weighted mean over the samples, summed in float64, a float.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_outputs)
            Raw outputs (logits) in the computation dtype.
        """
        total, n_samples = 0.0, len(self._targets)
        for first in range(0, n_samples, self._rows):
            part = slice(first, min(first + self._rows, n_samples))
            n = part.stop - first
            self._z[:n, : self._n_outputs] = outputs[part]
            self._y[:n, : self._targets.shape[1]] = self._targets[part]  # each time: the kernel uses them up
            self._weight[:n] = 1 if self._sample_weight is None else self._sample_weight[part]
            self._kernel(*self._arrays, self._stride, n, self._n_outputs, self._stride, 1.0, *self._others)
            total += self._values[:n].sum()
        return float(total / self._total_weight / self._divisor)


class Link:
    """What the link of a loss makes of raw outputs, in their dtype: a function of the outputs.

    Parameters
    ----------
    loss : Loss
        The loss.
    dtype : dtype
        Of the outputs, float32 or float64.
    """

    def __init__(self, loss, dtype):
        self._parameters, self._z = op_kernels.parameter_array(loss, dtype), None
        self._kernel = LINK.function(op_kernels.link(loss, dtype), dtype)

    def __call__(self, outputs):
        """Predictions, an ndarray of the same shape.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_outputs)
            Raw outputs.
        """
        dtype, (n_samples, n_outputs) = outputs.dtype, outputs.shape
        stride, size = round_up(n_outputs, tile(dtype).panel), min(_ROWS, n_samples)
        if self._z is None or self._z.shape != (size, stride):
            self._z = aligned_zeros(size * stride, dtype).reshape(size, stride)
        result, parameters = np.empty_like(outputs), self._parameters.ctypes.data
        for first in range(0, n_samples, size):
            n = min(size, n_samples - first)
            rows = self._z[:n, :n_outputs]
            rows[:] = outputs[first : first + n]
            self._kernel(self._z.ctypes.data, stride, n, n_outputs, parameters)
            result[first : first + n] = rows
        return result


class WideLink:
    """The same in the dtype of predictions, which may be wider: with the bits of a forward pass that has the link.

    Parameters
    ----------
    loss : Loss
        The loss.
    dtype, output_dtype : dtype
        Of the computation, and of the predictions.
    """

    def __init__(self, loss, dtype, output_dtype):
        # As `outputs.output_links` has it.
        self._comes_after = is_wider(output_dtype, dtype) and loss.out_activation != "identity"
        self._link, self._output_dtype = Link(loss, DOUBLE if self._comes_after else dtype), output_dtype

    def __call__(self, outputs):
        """Predictions, an ndarray of the same shape.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_outputs)
            Raw outputs.
        """
        if self._comes_after:
            return self._link(outputs.astype(DOUBLE))
        return narrowed(self._link(outputs), self._output_dtype)


def activations_and_derivatives(activation, z, learnt=None):
    """Values and derivatives of an activation, by the kernels of training.

    Parameters
    ----------
    activation : Activation
        The activation.
    z : ndarray of shape (n_rows, n_units)
        What it reads, float32 or float64.
    learnt : ndarray of shape (n_units,), default=None
        What each unit has learnt, of an activation with a parameter of each unit; of the same dtype.

    Returns
    -------
    values, derivatives : ndarray of shape (n_rows, n_units)
    """
    dtype, (n_rows, n_units) = z.dtype, z.shape
    panel, result = tile(dtype).panel, (np.empty_like(z), np.empty_like(z))
    parameters = op_kernels.parameter_array(activation, dtype)
    values, derivatives, terms = (aligned_zeros(n_rows * panel, dtype) for _ in range(3))
    units = aligned_zeros(panel, dtype)
    by_input = op_kernels.keeps_derivative(activation)
    if by_input:
        kernel = ACTIVATE_AND_DERIVE.function(op_kernels.activate_and_derive(activation, dtype), dtype)
    else:
        activate = ACTIVATE.function(op_kernels.activate(activation, dtype), dtype)
        kernel = DERIVE.function(op_kernels.derive(activation, dtype), dtype)
    a, d, t, p, u = (array.ctypes.data for array in (values, derivatives, terms, parameters, units))
    for first in range(0, n_units, panel):
        part = slice(first, min(first + panel, n_units))
        width = part.stop - first
        values.reshape(n_rows, panel)[:, :width] = z[:, part]
        if learnt is not None:
            units[:width] = learnt[part]
        if by_input:
            kernel(a, d, t, values.size, p, u)
        else:
            activate(t, a, values.size, p, u)
            derivatives[:] = 1
            kernel(d, t, values.size, p)
        for array, found in zip(result, (values if by_input else terms, derivatives), strict=True):
            array[:, part] = found.reshape(n_rows, panel)[:, :width]
    return result
