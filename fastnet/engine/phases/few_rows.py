"""Prediction of a few rows: straight from the model's arrays, row by row, with nothing laid out before.

Each element is summed in the order of the engine's tiles: a row has the same bits here as in any batch.
"""

from functools import cache, lru_cache
from itertools import zip_longest

import numpy as np
from numba import carray, types
from scipy.sparse import issparse

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.compiling.signatures import ADDRESS, INDEX, Signature
from ...kernels.host import tile
from ...kernels.memory import aligned_zeros, copy, empty
from ...kernels.simd import make_pointer, scalar_type
from ...kernels.tiles import make_vector_tile
from ...network.layers import UNIT_VECTORS
from ...network.layout import round_up
from ...ops.compiled import rows as op_kernels
from ...ops.compiled.signatures import ACTIVATE, LINK
from ..memory.records import PLAIN_LAYER, vector_field
from ..passes.normalize import ROWS, rows
from .outputs import is_wider, make_widen, narrowed, output_links, space_size

FEW_ROWS = Signature(
    None, layers=PLAIN_LAYER, n_layers=INDEX, x=ADDRESS, x_row=INDEX, x_column=INDEX, is_double=INDEX, n_rows=INDEX,
    space=ADDRESS, width=INDEX, link=ADDRESS, link_parameters=ADDRESS, outputs=ADDRESS, wide_link=ADDRESS,
    wide_parameters=ADDRESS, wide=ADDRESS,
)  # fmt: skip

# Laying out weights and workspace costs as much as a few rows, or as so many products of small nets.
MAX_ROWS, MAX_PRODUCTS = 8, 4_000_000
# Vectors of columns summed side by side: enough to hide an FMA's latency.
SIDE_BY_SIDE = 8


def are_few(architecture, X):
    """Whether rows of X are so few that laying out the weights for them does not pay; X is dense."""
    n_rows = X.shape[0]
    return not issparse(X) and (n_rows <= MAX_ROWS or n_rows * architecture.n_weights <= MAX_PRODUCTS)


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
            record["per_unit"] = layer.activation.per_unit
        if layer.normalization is not None:
            record["normalize"], record["is_centred"] = rows(dtype), layer.normalization != "rms"
            record["start"] = zeros.ctypes.data
    # Where in the table the addresses of the parameters go, in the architecture's order.
    fields = ["weights"] * architecture.n_layers + ["projection"] * len(architecture.projections())
    places = list(zip(architecture.matrix_layers(), fields, strict=True))
    for name, layer in architecture.vectors():
        places.append((layer, vector_field(UNIT_VECTORS[name], architecture.layers[layer])))
    columns = [PLAIN_LAYER.names.index(name) for _, name in places]
    link_parameters = op_kernels.parameter_array(architecture.loss, dtype)
    kept = parameters, zeros
    return _few_rows(dtype), layers, ([i for i, _ in places], columns), link_parameters, width, kept


@cache
def _few_rows(dtype):
    return FEW_ROWS.compile(lambda: _make(dtype), ("few_rows",), dtype, from_python=True)


def _make(dtype):
    element = make_element(dtype.itemsize)
    itemsize, scalar, lanes = dtype.itemsize, dtype.type, tile(dtype).lanes
    step = SIDE_BY_SIDE * lanes
    multiply, widen = make_vector_tile(itemsize, tile(dtype), SIDE_BY_SIDE), make_widen(itemsize)
    pointer, single, double = (make_pointer(t) for t in (scalar_type(dtype), types.float32, types.float64))
    call_activate, call_link, call_normalize = ACTIVATE.caller(dtype), LINK.caller(dtype), ROWS.caller(dtype)
    panel = tile(dtype).panel

    @kernel
    def gather(target, source, column, is_double, n):
        target = carray(pointer(target), n)
        for j in range(n):
            if is_double:
                target[j] = scalar(carray(double(source + j * column), 1)[0])
            else:
                target[j] = scalar(carray(single(source + j * column), 1)[0])

    @kernel
    def add(target, source, n):
        target, source = carray(pointer(target), n), carray(pointer(source), n)
        for j in range(n):
            target[j] += source[j]

    def run(
        layers, n_layers, x, x_row, x_column, is_double, n_rows, space, width, link, link_parameters, outputs,
        wide_link, wide_parameters, wide,
    ):
        layers = carray(layers, n_layers)
        n_outputs = layers[n_layers - 1].fan_out
        for i in range(n_rows):
            a, c = space, element(space, width)
            gather(a, x + i * x_row, x_column, is_double, layers[0].fan_in)
            for number in range(n_layers):
                layer = layers[number]
                weights, start = layer.weights, layer.start
                while True:  # the weights, then the projection
                    for j in range(0, layer.fan_out, step):
                        multiply(
                            a, element(weights, j), layer.fan_out, element(start, j), element(c, j),
                            layer.fan_in, layer.fan_out - j,
                        )
                    if weights == layer.projection:
                        break
                    if layer.normalize != 0:
                        call_normalize(layer.normalize, c, panel, 1, layer.fan_out, layer.gain, layer.shift, 0, 0,
                                       layer.is_centred)
                    if layer.per_unit:
                        for j in range(0, layer.fan_out, panel):
                            n = min(panel, layer.fan_out - j)
                            call_activate(layer.activate, element(c, j), n, element(layer.parameters, j))
                    elif layer.activate != 0:
                        call_activate(layer.activate, c, (layer.fan_out + lanes - 1) // lanes * lanes, layer.parameters)
                    if layer.projection == 0:
                        break
                    weights, start = layer.projection, c
                if layer.residual:
                    add(c, a, layer.fan_out)
                a, c = c, a
            if link != 0:
                call_link(link, a, width, 1, n_outputs, link_parameters)
            if wide != 0:
                widen(a, width, 1, n_outputs, wide_link, wide_parameters, wide, outputs + i * n_outputs * 8)
                continue
            result = carray(pointer(element(outputs, i * n_outputs)), n_outputs)
            source = carray(pointer(a), n_outputs)
            for j in range(n_outputs):
                result[j] = source[j]

    return run
