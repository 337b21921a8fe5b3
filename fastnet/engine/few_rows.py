"""Prediction of a few rows: straight from the model's arrays, with nothing laid out before.

`phases/few_rows.py` makes the compiled function.
"""

from functools import lru_cache
from itertools import zip_longest

import numpy as np
from scipy.sparse import issparse

from ..kernels.host import tile
from ..kernels.memory import aligned_zeros, copy, empty
from ..network.layers import UNIT_VECTORS
from ..network.layout import round_up
from ..ops.compiled import rows as op_kernels
from .functions import address, from_python
from .memory.records import PLAIN_LAYER, vector_field
from .outputs import is_wider, narrowed, output_links, space_size

# Laying out weights and workspace costs as much as a few rows, or as so many products of small nets.
MAX_ROWS, MAX_PRODUCTS = 8, 4_000_000
# Vectors of columns summed side by side: enough to hide an FMA's latency.
SIDE_BY_SIDE = 8


def are_few(architecture, X):
    """Whether X is dense and has so few rows that laying out the weights does not pay; there is no feature layer."""
    n_rows = X.shape[0]
    if issparse(X) or architecture.features is not None:
        return False
    return n_rows <= MAX_ROWS or n_rows * architecture.n_weights <= MAX_PRODUCTS


def forward_few(architecture, matrices, vectors, X, link=True, output_dtype=None):
    """Predict rows of dense X, in the caller's thread, without batch normalisation; arguments as ``run.forward``'s."""
    dtype = matrices[0].dtype
    run, layers, places, link_parameters, width, _ = _prepared(architecture, dtype)
    is_wide = is_wider(output_dtype, dtype)
    none = 0, 0, link_parameters
    before, after, wide_parameters = output_links(architecture.loss, dtype, is_wide) if link else none
    layers = copy(layers)
    layers[places] = [parameter.ctypes.data for parameter in (*matrices, *vectors)]
    n_rows, n_outputs = X.shape[0], architecture.layer_units[-1]
    space = empty((2 * width,), dtype)  # two layers' activations change places
    outputs = empty((n_rows, n_outputs), np.float64 if is_wide else dtype)
    wide = empty((space_size(n_outputs) if is_wide else 0,), np.float64)
    run(
        layers.ctypes.data, len(layers), X.ctypes.data, *X.strides, X.dtype.itemsize == 8, n_rows, space.ctypes.data,
        width, before, link_parameters.ctypes.data, outputs.ctypes.data, after, wide_parameters.ctypes.data,
        wide.ctypes.data if is_wide else 0,
    )
    return narrowed(outputs, output_dtype)


@lru_cache(256)
def _prepared(architecture, dtype):
    """All that does not change from call to call; the last is only kept because the table holds its address."""
    width = round_up(max(architecture.layer_units), SIDE_BY_SIDE * tile(dtype).lanes)
    parameters = [op_kernels.parameter_array(op, dtype) for op in architecture.activations]
    zeros = aligned_zeros(width, dtype)
    layers = np.zeros((architecture.n_layers, len(PLAIN_LAYER.names)), np.int64)
    records = layers.view(PLAIN_LAYER)[:, 0]
    for record, layer, array in zip_longest(records, architecture.layers, parameters):
        record["fan_in"], record["fan_out"], record["residual"] = layer.fan_in, layer.units, layer.skip == "identity"
        if layer.activation is not None:
            record["activate"], record["parameters"] = op_kernels.activate(layer.activation, dtype), array.ctypes.data
        if layer.normalization is not None:
            record["normalize"], record["is_centred"] = address("normalize_rows", dtype), layer.normalization != "rms"
            record["start"] = zeros.ctypes.data
    # Where in the table the addresses of the parameters go, in the architecture's order.
    fields = ["weights"] * architecture.n_layers + ["projection"] * len(architecture.projections())
    places = list(zip(architecture.matrix_layers(), fields, strict=True))
    for name, layer in architecture.vectors():
        places.append((layer, vector_field(UNIT_VECTORS[name], architecture.layers[layer])))
    columns = [PLAIN_LAYER.names.index(name) for _, name in places]
    link_parameters = op_kernels.parameter_array(architecture.loss, dtype)
    kept = parameters, zeros
    return from_python("few_rows", dtype), layers, ([i for i, _ in places], columns), link_parameters, width, kept
