"""Prediction of a few rows: straight from the model's arrays, row by row, with nothing laid out before.

Each element is summed in the order of the engine's tiles: a row has the same bits here as in any batch.
"""

from numba import types

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.host import tile
from ...kernels.simd import carray, make_pointer, scalar_type
from ...kernels.tiles import make_vector_tile
from ...ops.compiled.signatures import ACTIVATE, LINK
from ..few_rows import SIDE_BY_SIDE
from ..functions import ROWS
from .outputs import make_widen


def make_few_rows(dtype):
    """The forward pass of a few rows, through records of PLAIN_LAYER."""
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
                    if layer.slope != 0:
                        for j in range(0, layer.fan_out, panel):
                            n = min(panel, layer.fan_out - j)
                            call_activate(
                                layer.activate, element(c, j), element(c, j), n, layer.parameters,
                                element(layer.slope, j),
                            )
                    elif layer.activate != 0:
                        n = (layer.fan_out + lanes - 1) // lanes * lanes
                        call_activate(layer.activate, c, c, n, layer.parameters, 0)
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
