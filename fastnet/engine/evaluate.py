"""The loss and the predictions of outputs that are at hand, by the kernels of training and prediction."""

import numpy as np

from ..kernels.host import tile
from ..kernels.memory import aligned_zeros
from ..network.layout import round_up
from ..ops.compiled import rows as op_kernels
from ..ops.compiled.signatures import ACTIVATE, ACTIVATE_AND_DERIVE, DERIVE, LINK, LOSS, target_stride

_ROWS = 1024  # at a time


def mean_loss(loss, outputs, targets, sample_weight=None):
    """Mean loss of raw outputs, without penalties, as ``loss_`` reports it.

    Parameters
    ----------
    loss : Loss
        The loss.
    outputs : ndarray of shape (n_samples, n_outputs)
        Raw outputs (logits) in the computation dtype.
    targets : ndarray of shape (n_samples, target_width)
        Of the same dtype; one class index a sample for a loss of class indices, else one number an output.
    sample_weight : ndarray of shape (n_samples,), default=None
        Of the same dtype; not all zero.

    Returns
    -------
    float
        The weighted mean over the samples, summed in float64.
    """
    dtype, (n_samples, n_outputs) = outputs.dtype, outputs.shape
    shape = tile(dtype)
    stride, size = round_up(n_outputs, shape.panel), min(_ROWS, n_samples)
    y_stride = target_stride(loss, stride, shape.panel)
    z, delta, y = (aligned_zeros(size * width, dtype) for width in (stride, stride, y_stride))
    weight, values = aligned_zeros(size, dtype), aligned_zeros(size, np.float64)
    kernel = LOSS.function(op_kernels.loss(loss, dtype), dtype)
    parameters = op_kernels.parameter_array(loss, dtype)
    arrays = [array.ctypes.data for array in (z, y, weight, delta)]
    total = 0.0
    for first in range(0, n_samples, size):
        part = slice(first, min(first + size, n_samples))
        n = part.stop - first
        z.reshape(size, stride)[:n, :n_outputs] = outputs[part]
        y.reshape(size, y_stride)[:n, : targets.shape[1]] = targets[part]
        weight[:n] = 1 if sample_weight is None else sample_weight[part]
        kernel(*arrays, stride, n, n_outputs, stride, 1.0, parameters.ctypes.data, values.ctypes.data)
        total += values[:n].sum()
    total_weight = n_samples if sample_weight is None else sample_weight.sum(dtype=np.float64)
    return float(total / total_weight / (n_outputs if loss.mean_over_outputs else 1))


def predictions(loss, outputs):
    """What the link makes of raw outputs, in their dtype.

    Parameters
    ----------
    loss : Loss
        The loss.
    outputs : ndarray of shape (n_samples, n_outputs)
        Raw outputs, float32 or float64.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs)
    """
    dtype, (n_samples, n_outputs) = outputs.dtype, outputs.shape
    stride, size = round_up(n_outputs, tile(dtype).panel), min(_ROWS, n_samples)
    z, result = aligned_zeros(size * stride, dtype), np.empty_like(outputs)
    kernel = LINK.function(op_kernels.link(loss, dtype), dtype)
    parameters = op_kernels.parameter_array(loss, dtype)
    for first in range(0, n_samples, size):
        n = min(size, n_samples - first)
        rows = z.reshape(size, stride)[:n, :n_outputs]
        rows[:] = outputs[first : first + n]
        kernel(z.ctypes.data, stride, n, n_outputs, parameters.ctypes.data)
        result[first : first + n] = rows
    return result


def activation_derivatives(activation, z, learnt=None):
    """Derivatives of an activation, by the kernels of training.

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
    ndarray of shape (n_rows, n_units)
    """
    dtype, (n_rows, n_units) = z.dtype, z.shape
    panel, result = tile(dtype).panel, np.empty_like(z)
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
        result[:, part] = derivatives.reshape(n_rows, panel)[:, :width]
    return result
