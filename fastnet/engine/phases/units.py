"""What happens to a panel of a layer's units besides the product: activation, dropout, normalisation, the way back."""

from functools import cache

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.simd import carray, make_pointer, scalar_type
from ...network.layers import BIAS, GAIN, SLOPE
from ...ops.compiled.signatures import ACTIVATE, ACTIVATE_AND_DERIVE, DERIVE
from ..functions import DROP_PANEL, ROWS, ROWS_BACK


@cache
def make_runs(dtype):
    """Compile-time factory: ``copy``, ``add`` and ``multiply`` of contiguous numbers, for one dtype."""
    pointer = make_pointer(scalar_type(dtype))

    @kernel
    def copy(target, source, n):
        target, source = carray(pointer(target), n), carray(pointer(source), n)
        for j in range(n):
            target[j] = source[j]

    @kernel
    def add(target, source, n):
        target, source = carray(pointer(target), n), carray(pointer(source), n)
        for j in range(n):
            target[j] += source[j]

    @kernel
    def multiply(target, source, n):
        target, source = carray(pointer(target), n), carray(pointer(source), n)
        for j in range(n):
            target[j] *= source[j]

    return copy, add, multiply


@cache
def make_drop(dtype, shape):
    """Compile-time factory: dropout of a panel of a layer's inputs or of their deltas, for one dtype."""
    element = make_element(dtype.itemsize)
    panel, scalar = shape.panel, dtype.type
    call_drop = DROP_PANEL.caller(dtype)

    @kernel
    def drop(net, layer, address, p, number, first, count, step, shift):
        """Drop a panel of the inputs of layer `number`, or of their deltas, of workspace rows `first …`."""
        call_drop(
            net.passes.drop_panel, element(address, p * net.workspace.panel_stride + first * panel), count, p * panel,
            net.steps.seed, step, number, shift + first, layer.drop_threshold, scalar(layer.drop_scale),
        )

    return drop


def make_finish_panel(dtype, shape):
    """Compile-time factory: all that follows the sums of a panel of units, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, rows, panel = dtype.itemsize, shape.rows, shape.panel
    call_activate, call_both = ACTIVATE.caller(dtype), ACTIVATE_AND_DERIVE.caller(dtype)
    (copy, add, _), drop = make_runs(dtype), make_drop(dtype, shape)
    of_slope = SLOPE.terms

    @kernel
    def activate_panel(net, layer, p, first, n_tiles):
        """Activate a panel of a layer's units, which is one contiguous run, and keep copies where needed."""
        at = (p * net.workspace.panel_stride + first * panel) * itemsize
        n = n_tiles * rows * panel
        if layer.z != 0:
            copy(layer.z + at, layer.output + at, n)
        slopes = element(layer.slope, p * panel)
        if layer.derivative != 0:
            # The terms of learnt slopes begin as the derivatives by them.
            call_both(
                layer.activate, layer.output + at, layer.derivative + at, layer.terms[of_slope] + at, n,
                layer.parameters, slopes,
            )
        else:
            call_activate(layer.activate, layer.output + at, layer.output + at, n, layer.parameters, slopes)
        if layer.raw != 0:
            copy(layer.raw + at, layer.output + at, n)

    @kernel
    def finish_panel(net, layers, i, p, first, count, n_tiles, step, shift):
        """Activation, then dropout for the layer above, then the identity skip."""
        layer, above = layers[i], layers[i + 1]
        activate_panel(net, layer, p, first, n_tiles)
        if above.drop_threshold != 0 and net.head.training:
            drop(net, above, layer.output, p, i + 1, first, count, step, shift)
        if layer.residual:
            at = (p * net.workspace.panel_stride + first * panel) * itemsize
            add(layer.output + at, layer.input + at, n_tiles * rows * panel)

    return finish_panel


def make_finish_delta(dtype, shape):
    """Compile-time factory: the way back of `make_finish_panel`, for one dtype."""
    itemsize, rows, panel = dtype.itemsize, shape.rows, shape.panel
    of_slope = SLOPE.terms
    call_derive = DERIVE.caller(dtype)
    (copy, _, multiply), drop = make_runs(dtype), make_drop(dtype, shape)

    @kernel
    def finish_delta(net, layers, i, p, first, count, n_tiles, step, shift):
        """From the derivative by what the layer above reads to that by what the activation read, of a panel."""
        layer, above = layers[i], layers[i + 1]
        at = (p * net.workspace.panel_stride + first * panel) * itemsize
        delta, n = layer.delta + at, n_tiles * rows * panel
        if layer.residual or layer.projection != 0:
            errors = net.workspace.errors if layer.residual else layers[layer.projection].delta
            copy(errors + at, delta, n)
        if above.drop_threshold != 0:
            drop(net, above, layer.delta, p, i + 1, first, count, step, shift)
        if layer.slope != 0:
            multiply(layer.terms[of_slope] + at, delta, n)
        call_derive(layer.derive, delta, layer.source + at, n, layer.parameters)

    return finish_delta


@cache
def make_normalize(dtype, shape):
    """Compile-time factory: the normalisation of rows and its way back, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, panel = dtype.itemsize, shape.panel
    of_shift, of_gain = BIAS.terms, GAIN.terms
    call_normalize, call_normalize_back = ROWS.caller(dtype), ROWS_BACK.caller(dtype)

    @kernel
    def normalize_rows(net, layer, first, count):
        """Normalise z of a layer over the units of each row."""
        of_row, at = first * itemsize, first * panel * itemsize
        normalized = scales = 0
        if layer.normalized != 0:
            normalized, scales = layer.normalized + at, layer.scales + of_row
        call_normalize(
            layer.normalize, layer.output + at, net.workspace.panel_stride, count, layer.fan_out, layer.gain,
            layer.shift, normalized, scales, layer.is_centred,
        )

    @kernel
    def normalize_rows_back(net, layer, first, count):
        """From the derivative by the normalised z to that by z; keeps the terms of gains and shifts."""
        at = first * panel * itemsize
        call_normalize_back(
            layer.normalize_back, layer.delta + at, net.workspace.panel_stride, count, layer.fan_out, layer.gain,
            layer.normalized + at, element(layer.scales, first),
            layer.terms[of_shift] + at, layer.terms[of_gain] + at,
            layer.is_centred,
        )

    return normalize_rows, normalize_rows_back
