"""The row phase: what a thread does with its own rows, from the input to the last delta. Rows never meet.

Activations and deltas stand in panels of the register tile's two vectors: element (row, column) of a layer
is at ``column // panel * panel_stride + row * panel + column % panel``. So a tile of rows of one panel is one
contiguous run in L1, no stride is a power of two of the page, and ops work on whole tiles. Only the raw outputs
are row-major: losses read whole rows.
"""

import numpy as np
from numba import carray, types

from ...kernels.compiling.jit import kernel
from ...kernels.random import bits, layer_key, row_key
from ...kernels.simd import make_call, make_pointer, prefetch, scalar_type
from ...kernels.tiles import make_copy_out, make_copy_row, make_row_tile
from ..memory.records import IS_CSR, IS_DOUBLE
from .outputs import make_widen

# Of a panel of weights, what stays in L1 while rows pass it.
STRETCH_BYTES = 32 << 10


def make_row_phase(dtype, shape):
    """Compile-time factory: ``forward`` and ``backward`` over a block of row tiles, for one dtype."""
    itemsize, rows, panel = dtype.itemsize, shape.rows, shape.panel
    stretch = STRETCH_BYTES // (panel * itemsize) // panel * panel
    scalar = dtype.type
    number = scalar_type(dtype)
    wide, narrow = make_row_tile(itemsize, shape, rows, 2), make_row_tile(itemsize, shape, rows, 1)
    tall = make_row_tile(itemsize, shape, 2 * rows, 1)
    copy_out, widen = make_copy_out(itemsize, shape), make_widen(itemsize)
    copy_same = make_copy_row(itemsize, itemsize, shape)
    copy_single, copy_double = make_copy_row(itemsize, 4, shape), make_copy_row(itemsize, 8, shape)
    pointer, pointer64, pointer32 = make_pointer(number), make_pointer(types.float64), make_pointer(types.float32)
    index64 = make_pointer(types.int64)
    integer = types.intp
    call_activate = make_call(types.void, integer, integer, integer)
    call_slope = make_call(types.void, *[integer] * 4)
    call_derive = make_call(types.void, integer, integer, integer, integer)
    call_loss = make_call(types.void, *[integer] * 8, number, integer, integer)
    call_noise = make_call(types.void, *[integer] * 7, number)
    call_link = make_call(types.void, integer, integer, integer, integer, integer)
    call_normalize = make_call(types.void, *[integer] * 9)
    call_normalize_back = make_call(types.void, *[integer] * 10)
    call_spread = call_multiply = make_call(types.void, *[integer] * 5)
    call_slope_terms = make_call(types.void, *[integer] * 4)

    @kernel
    def sweep(a, a_panel, depth, b, width, start, start_row, c, c_row, count):
        """A panel of C = start + A @ B for `count` row tiles: a stretch of B's panel stays in L1 while they pass it."""
        jump = a_panel - panel
        tile_size = rows * panel * itemsize
        step = rows * c_row * itemsize
        for k in range(0, depth, stretch):
            stretch_depth = min(stretch, depth - k)
            source = a + k // panel * a_panel * itemsize
            weights = b + k * width * itemsize
            if width == panel:
                for t in range(count):
                    wide(
                        source + t * tile_size, jump, weights, start + t * start_row * rows * itemsize,
                        start_row, c + t * step, c_row, stretch_depth,
                    )
            else:
                for t in range(0, count - 1, 2):
                    tall(
                        source + t * tile_size, jump, weights, start + t * start_row * rows * itemsize,
                        start_row, c + t * step, c_row, stretch_depth,
                    )
                if count % 2 != 0:
                    t = count - 1
                    narrow(
                        source + t * tile_size, jump, weights, start + t * start_row * rows * itemsize,
                        start_row, c + t * step, c_row, stretch_depth,
                    )
            start, start_row = c, c_row  # the next stretch goes on from what C holds

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
    def drop(target, key, first, threshold, scale):
        """Inverted dropout of one row of a panel: zero where the hash is below the threshold, else scale."""
        a = carray(pointer(target), panel)
        low, high = np.uint32(key & np.uint64(0xFFFFFFFF)), np.uint32(key >> np.uint64(32))
        limit = np.uint32(threshold)
        for j in range(panel):
            a[j] = a[j] * scale if bits(low, high, first + j) >= limit else scalar(0)

    @kernel
    def gather_dense(net, layer, row, target):
        """Copy one row of X into the input panels, converting its dtype on the way."""
        source = net.samples.x + row * net.samples.x_row
        if net.samples.x_column == (8 if net.samples.x_kind & IS_DOUBLE else 4):
            if net.samples.x_kind & IS_DOUBLE:
                copy_double(source, target, net.workspace.panel_stride, layer.fan_in)
            else:
                copy_single(source, target, net.workspace.panel_stride, layer.fan_in)
            return
        for j in range(layer.fan_in):
            a = carray(pointer(target + (j // panel * net.workspace.panel_stride + j % panel) * itemsize), 1)
            if net.samples.x_kind & IS_DOUBLE:
                a[0] = scalar(carray(pointer64(source + j * net.samples.x_column), 1)[0])
            else:
                a[0] = scalar(carray(pointer32(source + j * net.samples.x_column), 1)[0])

    @kernel
    def gather(net, layer, begin, first, count):
        """Bring samples `begin + first …` of the epoch's order into workspace rows `first …`."""
        width = net.samples.target_width
        for i in range(first, first + count):
            sample = begin + i
            if net.samples.order != 0:
                sample = carray(index64(net.samples.order), sample + 1)[sample]
            target = layer.input + i * panel * itemsize
            later = begin + i + net.samples.fetch_rows
            if net.samples.fetch_bytes != 0 and later < net.samples.n_samples:
                address = net.samples.x + carray(index64(net.samples.order), later + 1)[later] * net.samples.x_row
                for line in range(0, net.samples.fetch_bytes, 64):
                    prefetch(address + line)
            if not net.samples.x_kind & IS_CSR:
                gather_dense(net, layer, sample, target)
            elif net.workspace.entry_columns == 0:
                call_spread(net.passes.spread_entries, net.address, net.first_layer, layer.fan_in, sample, target)
            if net.head.training:
                y = net.samples.targets + sample * width * itemsize
                place = net.workspace.batch_targets + i * net.workspace.target_row * itemsize
                if width == 1:
                    carray(pointer(place), 1)[0] = carray(pointer(y), 1)[0]
                else:
                    copy(place, y, width)
                weight = scalar(1)
                if net.samples.sample_weight != 0:
                    weight = carray(pointer(net.samples.sample_weight), sample + 1)[sample]
                carray(pointer(net.workspace.batch_weights), i + 1)[i] = weight

    @kernel
    def drop_panel(net, layer, address, p, number, first, count, step, shift):
        """Drop a panel of a layer's inputs, or of their deltas, of workspace rows `first …`.

        `shift` makes row numbers those of the mini-batch, so that chunks do not repeat a mask.
        """
        scale, key = scalar(layer.drop_scale), layer_key(net.steps.seed, step, number)
        for i in range(first, first + count):
            at = address + (p * net.workspace.panel_stride + i * panel) * itemsize
            drop(at, row_key(key, shift + i), p * panel, layer.drop_threshold, scale)

    @kernel
    def activate_panel(net, layer, p, first, n_tiles):
        """Activate a panel of a layer's units, which is one contiguous run, and keep copies where needed."""
        at = (p * net.workspace.panel_stride + first * panel) * itemsize
        n = n_tiles * rows * panel
        if layer.z != 0:
            copy(layer.z + at, layer.output + at, n)
        parameters = layer.parameters + p * layer.parameter_panel * itemsize
        if layer.slope != 0:
            call_slope(layer.activate, layer.output + at, layer.slope + at, n, parameters)
        else:
            call_activate(layer.activate, layer.output + at, n, parameters)
        if layer.raw != 0:
            copy(layer.raw + at, layer.output + at, n)

    @kernel
    def normalize_rows(net, layer, first, count):
        """Normalise z of a layer over the units of each row."""
        of_row, at = first * itemsize, first * panel * itemsize
        normalized = scales = 0
        if layer.normalized != 0:
            normalized, scales = layer.normalized + at, layer.scales + of_row
        call_normalize(
            layer.normalize, layer.output + at, net.workspace.panel_stride, count, layer.fan_out, layer.gain, layer.shift,
            normalized, scales, layer.is_centred,
        )

    @kernel
    def normalize_rows_back(net, layer, first, count):
        """From the derivative by the normalised z to that by z; keeps the terms of gains and shifts."""
        at = first * panel * itemsize
        call_normalize_back(
            layer.normalize_back, layer.delta + at, net.workspace.panel_stride, count, layer.fan_out, layer.gain,
            layer.normalized + at, layer.scales + first * itemsize, layer.terms[0] + at, layer.terms[1] + at,
            layer.is_centred,
        )

    @kernel
    def forward(net, layers, begin, first_tile, n_tiles, n_rows, step, shift, segment):
        """Carry `n_tiles` tiles of rows through the layers of a segment.

        The first segment gathers the rows. Where there are several, each ends before a batch normalisation, and the
        next begins with the activation of what that left.
        """
        first = first_tile * rows
        count = min(n_tiles * rows, n_rows - first)
        if segment == 0:
            gather(net, layers[0], begin, first, count)
            if net.passes.input_noise != 0:
                call_noise(
                    net.passes.input_noise, layers[0].input + first * panel * itemsize, net.workspace.panel_stride, layers[0].fan_in,
                    count, net.steps.seed, step, shift + first, scalar(net.passes.noise_deviation),
                )
        first_layer = segment * net.shape.segment_layers
        for i in range(max(first_layer - 1, 0), first_layer + net.shape.segment_layers):
            layer = layers[i]
            is_sparse = i == 0 and net.workspace.entry_columns != 0
            multiplies = i >= first_layer
            activates = layer.normalize == 0 or not multiplies
            number = i
            if multiplies and is_sparse:
                call_multiply(net.passes.multiply_entries, net.address, net.first_layer, first, count, n_tiles)
            elif multiplies and i == 0 and layer.drop_threshold != 0 and net.head.training:
                for p in range((layer.fan_in + panel - 1) // panel):
                    drop_panel(net, layer, layer.input, p, i, first, count, step, shift)
            # The weights, with the activation following each panel of them; where rows are normalised in between, it
            # follows in a pass of its own; then the projection adds to what is there.
            while True:
                matrix = layers[number]
                for p in range(layer.n_panels):
                    if multiplies and not is_sparse:
                        c = layer.output + (first * layer.output_row + p * layer.output_panel) * itemsize
                        start, start_row = matrix.start + p * matrix.start_panel * itemsize, 0
                        if number != i:
                            start, start_row = c, layer.output_row
                        sweep(
                            matrix.input + first * panel * itemsize, net.workspace.panel_stride, matrix.fan_in,
                            matrix.weights + p * matrix.padded_in * panel * itemsize,
                            panel if p < layer.n_panels - 1 else layer.last_width,
                            start, start_row, c, layer.output_row, n_tiles,
                        )
                    if activates and layer.activate != 0:
                        activate_panel(net, layer, p, first, n_tiles)
                        above = layers[i + 1]
                        if above.drop_threshold != 0 and net.head.training:
                            drop_panel(net, above, layer.output, p, i + 1, first, count, step, shift)
                        if layer.residual:
                            at = (p * net.workspace.panel_stride + first * panel) * itemsize
                            add(layer.output + at, layer.input + at, n_tiles * rows * panel)
                if number == i and not activates and net.shape.segment_layers == net.shape.n_layers:
                    normalize_rows(net, layer, first, count)
                    multiplies, activates = False, True
                elif number == i and activates and layer.projection != 0:
                    number, multiplies, activates = layer.projection, True, False
                else:
                    break
        return count

    @kernel
    def backward(net, layers, first_tile, n_tiles, count, scale, step, shift, segment):
        """Loss and output delta of the tiles, then the delta recursion down to the first trained layer.

        Of several segments the first begins with the loss; each ends before a batch normalisation.
        """
        first = first_tile * rows
        if segment == 0:
            last = layers[net.shape.n_layers - 1]
            at = first * last.output_row * itemsize
            call_loss(
                net.head.loss, last.output + at, net.workspace.batch_targets + first * net.workspace.target_row * itemsize,
                net.workspace.batch_weights + first * itemsize, net.workspace.loss_delta + at, last.output_row, count, last.fan_out,
                last.n_panels * panel, scale, net.head.loss_parameters, net.workspace.row_losses + first * 8,
            )
            if net.workspace.loss_delta != last.delta:
                for i in range(first, first + count):
                    row = net.workspace.loss_delta + i * last.output_row * itemsize
                    copy_same(row, last.delta + i * panel * itemsize, net.workspace.panel_stride, last.output_row)
        top = net.shape.n_layers - 1 - segment * net.shape.segment_layers
        for i in range(top, max(top - net.shape.segment_layers, net.shape.n_frozen), -1):
            layer, below = layers[i], layers[i - 1]
            n = n_tiles * rows * panel
            for p in range(below.n_panels):
                at = (p * net.workspace.panel_stride + first * panel) * itemsize
                delta = below.delta + at
                number = i
                while number != 0:
                    matrix = layers[number]
                    start, start_row = net.workspace.zeros, 0
                    if matrix.residual:  # the loss also depends on the layer's input through its skip
                        start, start_row = net.workspace.errors + at, panel
                    elif matrix.is_projection:
                        start, start_row = delta, panel
                    sweep(
                        matrix.delta + first * panel * itemsize, net.workspace.panel_stride, matrix.fan_out,
                        matrix.twin + p * matrix.twin_rows * panel * itemsize,
                        panel if p < below.n_panels - 1 else matrix.twin_last_width,
                        start, start_row, delta, panel, n_tiles,
                    )
                    number = matrix.projection
                if below.residual or below.projection != 0:
                    errors = net.workspace.errors if below.residual else layers[below.projection].delta
                    copy(errors + at, delta, n)
                if layer.drop_threshold != 0:
                    drop_panel(net, layer, below.delta, p, i, first, count, step, shift)
                if below.slope_terms != 0:
                    call_slope_terms(below.slope_terms, below.terms[2] + at, delta, below.source + at, n)
                call_derive(
                    below.derive, delta, below.source + at, n,
                    below.parameters + p * below.parameter_panel * itemsize,
                )
            if below.normalize_back != 0 and net.shape.segment_layers == net.shape.n_layers:
                normalize_rows_back(net, below, first, count)

    @kernel
    def predict(net, layers, begin, first_tile, n_tiles, n_rows, thread):
        """Raw outputs or predictions of a block of rows, written to their place in `outputs`."""
        count = forward(net, layers, begin, first_tile, n_tiles, n_rows, net.results.step, begin, 0)  # no step or shift matters
        last = layers[net.shape.n_layers - 1]
        source = last.output + first_tile * rows * last.output_row * itemsize
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
            at = net.head.outputs + (place + i * last.fan_out) * itemsize
            copy_out(source + i * last.output_row * itemsize, at, last.fan_out)

    return forward, backward, predict
