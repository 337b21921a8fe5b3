"""The row phase: what a thread does with its own rows, from the input to the last delta. Rows never meet.

Activations and deltas stand in panels of the register tile's two vectors: element (row, column) of a layer
is at ``column // panel * panel_stride + row * panel + column % panel``. So a tile of rows of one panel is one
contiguous run in L1, no stride is a power of two of the page, and ops work on whole tiles. Only the raw outputs
are row-major: losses read whole rows.
"""

import numpy as np

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.tiles import make_copy_out, make_copy_row, make_is_finite
from ...ops.compiled.signatures import LINK, LOSS
from ..functions import ADD_NOISE, EXPAND_FEATURES, MULTIPLY_ENTRIES
from .gather import make_gather
from .outputs import make_widen
from .products import make_sweep
from .units import make_drop, make_finish_delta, make_finish_panel, make_normalize

# Stages of a layer on the way up, for a block of rows: its weights, with the activation following each panel of them
# where it can; else the activation in a pass of its own; then the projection adds to what is there.
MULTIPLY, ACTIVATE_ALONE, PROJECT, DONE = range(4)


def make_forward(dtype, shape):
    """Compile-time factory: ``forward`` over a block of row tiles, for one dtype."""
    element = make_element(dtype.itemsize)
    rows, panel, scalar = shape.rows, shape.panel, dtype.type
    sweep, gather = make_sweep(dtype, shape), make_gather(dtype, shape)
    is_finite = make_is_finite(dtype.itemsize, shape)
    drop, finish_panel = make_drop(dtype, shape), make_finish_panel(dtype, shape)
    normalize_rows, _ = make_normalize(dtype, shape)
    call_noise, call_multiply = ADD_NOISE.caller(dtype), MULTIPLY_ENTRIES.caller(dtype)
    call_expand = EXPAND_FEATURES.caller(dtype)

    @kernel
    def next_stage(net, layer, stage):
        """The stage that follows in this segment."""
        if stage == MULTIPLY and layer.normalize != 0:
            # Rows are normalised here; a batch when all rows have come, before the next segment activates.
            return ACTIVATE_ALONE if net.shape.segment_layers == net.shape.n_layers else DONE
        return PROJECT if stage != PROJECT and layer.projection != 0 else DONE

    @kernel
    def enter_rows(net, layers, begin, first, count, step, shift):
        """Samples of the first layer: gathered, with noise on them, some dropped; then what a feature layer makes."""
        layer, has_features = layers[0], net.features.expand != 0
        source = net.features.inputs if has_features else layer.input
        columns = net.features.n_inputs if has_features else layer.fan_in
        gather(net, source, columns, begin, first, count)
        if net.head.check_inputs != 0:
            for p in range((columns + panel - 1) // panel):
                if not is_finite(element(source, p * net.workspace.panel_stride + first * panel), count):
                    net.results.not_finite = 1
        if net.passes.input_noise != 0:
            call_noise(
                net.passes.input_noise, element(source, first * panel), net.workspace.panel_stride,
                columns, count, net.steps.seed, step, shift + first, scalar(net.passes.noise_deviation),
            )
        if layer.drop_threshold != 0 and net.head.training and net.workspace.entry_columns == 0:
            for p in range((columns + panel - 1) // panel):
                drop(net, layer, source, p, np.intp(0), first, count, step, shift)
        if has_features:
            call_expand(net.features.expand, net.address, net.first_layer, first, count)

    @kernel
    def forward(net, layers, begin, first_tile, n_tiles, n_rows, step, shift, segment):
        """Carry `n_tiles` tiles of rows through the layers of a segment.

        The first segment gathers the rows. Where there are several, each ends before a batch normalisation, and the
        next begins with the activation of what that left.
        """
        first, space = first_tile * rows, net.workspace
        count = min(n_tiles * rows, n_rows - first)
        if segment == 0:
            enter_rows(net, layers, begin, first, count, step, shift)
        first_layer = segment * net.shape.segment_layers
        for i in range(max(first_layer - 1, 0), first_layer + net.shape.segment_layers):
            layer = layers[i]
            stage = MULTIPLY if i >= first_layer else ACTIVATE_ALONE
            follows_entries = i == 0 and net.workspace.entry_columns != 0
            if follows_entries and stage == MULTIPLY:
                call_multiply(net.passes.multiply_entries, net.address, net.first_layer, first, count, n_tiles)
            while stage != DONE:
                matrix = layers[layer.projection] if stage == PROJECT else layer
                # An activation follows each panel of the weights, unless a normalisation comes in between.
                activates = stage == ACTIVATE_ALONE or (stage == MULTIPLY and layer.normalize == 0)
                multiplies = stage != ACTIVATE_ALONE and not follows_entries
                depth = matrix.fan_in if multiplies else 1
                for k in range(0, depth, max(space.slab, 1)):
                    end = min(k + space.slab, depth)
                    for p in range(layer.n_panels):
                        if multiplies:
                            c = element(layer.output, first * layer.output_row + p * layer.output_panel)
                            start, start_row = element(matrix.start, p * matrix.start_panel), 0
                            if stage == PROJECT:  # adds to what is there
                                start, start_row = c, layer.output_row
                            sweep(
                                element(matrix.input, first * panel), space.panel_stride, k, end, space.stretch,
                                element(matrix.weights, p * matrix.padded_in * panel),
                                panel if p < layer.n_panels - 1 else layer.last_width,
                                start, start_row, c, layer.output_row, n_tiles,
                            )
                        if activates and end == depth and layer.activate != 0:
                            finish_panel(net, layers, i, p, first, count, n_tiles, step, shift)
                following = next_stage(net, layer, stage)
                if stage == MULTIPLY and following == ACTIVATE_ALONE:
                    normalize_rows(net, layer, first, count)
                stage = following
        return count

    return forward


def make_backward(dtype, shape):
    """Compile-time factory: ``backward`` over a block of row tiles, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, rows, panel = dtype.itemsize, shape.rows, shape.panel
    sweep, finish_delta = make_sweep(dtype, shape), make_finish_delta(dtype, shape)
    _, normalize_rows_back = make_normalize(dtype, shape)
    row_size = np.intp(panel)  # a plain integer would be a type of its own, for which `sweep` is compiled again
    copy_same = make_copy_row(itemsize, itemsize, shape)
    call_loss = LOSS.caller(dtype)

    @kernel
    def lose(net, last, first, count, scale):
        """Each row's loss and the delta of its outputs."""
        space, at = net.workspace, first * last.output_row * itemsize
        call_loss(
            net.head.loss, last.output + at, element(space.batch_targets, first * space.target_row),
            element(space.batch_weights, first), space.loss_delta + at, last.output_row, count, last.fan_out,
            last.n_panels * panel, scale, net.head.loss_parameters, space.row_losses + first * 8,
        )
        if space.loss_delta != last.delta:
            for i in range(first, first + count):
                row = element(space.loss_delta, i * last.output_row)
                copy_same(row, element(last.delta, i * panel), space.panel_stride, last.output_row)

    @kernel
    def reach_inputs(net, layer, first, n_tiles):
        """The derivatives by what the first layer reads, for the feature layer."""
        for k in range(0, layer.fan_out, max(net.workspace.slab, 1)):
            end = min(k + net.workspace.slab, layer.fan_out)
            for p in range(layer.twin_panels):
                sweep(
                    element(layer.delta, first * panel), net.workspace.panel_stride, k, end, net.workspace.stretch,
                    element(layer.twin, p * layer.twin_rows * panel),
                    panel if p < layer.twin_panels - 1 else layer.twin_last_width, net.workspace.zeros, 0,
                    net.features.delta + (p * net.workspace.panel_stride + first * panel) * itemsize, panel, n_tiles,
                )

    @kernel
    def backward(net, layers, first_tile, n_tiles, count, scale, step, shift, segment):
        """Loss and output delta of the tiles, then the delta recursion down to the first trained or feature layer.

        Of several segments the first begins with the loss; each ends before a batch normalisation.
        """
        first, space = first_tile * rows, net.workspace
        if segment == 0:
            lose(net, layers[net.shape.n_layers - 1], first, count, scale)
        top = net.shape.n_layers - 1 - segment * net.shape.segment_layers
        for i in range(top, max(top - net.shape.segment_layers, net.shape.n_frozen), -1):
            below, number = layers[i - 1], i
            while number != 0:
                matrix = layers[number]
                for k in range(0, matrix.fan_out, max(space.slab, 1)):
                    end = min(k + space.slab, matrix.fan_out)
                    for p in range(below.n_panels):
                        at = (p * space.panel_stride + first * panel) * itemsize
                        delta = below.delta + at
                        start, start_row = space.zeros, 0
                        if matrix.residual:  # the loss also depends on the layer's input through its skip
                            start, start_row = space.errors + at, panel
                        elif matrix.is_projection:
                            start, start_row = delta, panel
                        sweep(
                            element(matrix.delta, first * panel), space.panel_stride, k, end, space.stretch,
                            element(matrix.twin, p * matrix.twin_rows * panel),
                            panel if p < below.n_panels - 1 else matrix.twin_last_width,
                            start, start_row, delta, row_size, n_tiles,
                        )
                        if end == matrix.fan_out and matrix.projection == 0:
                            finish_delta(net, layers, i - 1, p, first, count, n_tiles, step, shift)
                number = matrix.projection
            if below.normalize_back != 0 and net.shape.segment_layers == net.shape.n_layers:
                normalize_rows_back(net, below, first, count)
        if net.features.delta != 0 and top < net.shape.segment_layers:
            reach_inputs(net, layers[0], first, n_tiles)

    return backward


def make_predict(dtype, shape):
    """Compile-time factory: ``predict``, a forward pass to where the outputs go, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, rows = dtype.itemsize, shape.rows
    forward, call_link = make_forward(dtype, shape), LINK.caller(dtype)
    copy_out, widen = make_copy_out(itemsize, shape), make_widen(itemsize)

    @kernel
    def predict(net, layers, begin, first_tile, n_tiles, n_rows, thread):
        """Raw outputs or predictions of a block of rows, written to their place in `outputs`."""
        # Neither step nor shift matters.
        count = forward(net, layers, begin, first_tile, n_tiles, n_rows, net.results.step, begin, 0)
        last = layers[net.shape.n_layers - 1]
        source = element(last.output, first_tile * rows * last.output_row)
        if net.head.link != 0:
            call_link(net.head.link, source, last.output_row, count, last.fan_out, net.head.loss_parameters)
        place = (begin + first_tile * rows) * last.fan_out
        if net.head.wide != 0:
            widen(
                source, last.output_row, count, last.fan_out, net.head.wide_link, net.head.wide_parameters,
                net.head.wide + thread * net.head.wide_size * 8, net.head.outputs + place * 8,
            )
            return
        for i in range(count):
            at = element(net.head.outputs, place + i * last.fan_out)
            copy_out(element(source, i * last.output_row), at, last.fan_out)

    return predict
