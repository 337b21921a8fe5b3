"""Optional passes of training with noise: Gaussian noise on the inputs, dropout, and DropConnect.

Each is a C function of its own, compiled only when a fit asks for it; the engine calls it by address.
"""

import numpy as np
from numba import carray

from ...kernels.compiling.jit import kernel
from ...kernels.functions import cos, log
from ...kernels.host import tile
from ...kernels.mathematics import special  # noqa: F401  (teaches Numba the cosine)
from ...kernels.random import DROP_CONNECT, INPUT_NOISE, bits, halves, layer_key, make_drop_row, row_key
from ...kernels.simd import make_pointer, scalar_type
from ...kernels.threads.barrier import barrier
from .twins import make_write_twin


def make_input_noise(dtype):
    r"""The function that adds Gaussian noise to the inputs of a block of rows.

    Column c of a row gets :math:`\sigma \sqrt{-2 \ln u} \cos 2 \pi v` (Box and Muller: "A Note on the Generation of
    Random Normal Deviates", 1958) with :math:`u = (b_{2c} + 1/2) / 2^{32}` and :math:`v = b_{2c+1} / 2^{32}`, where b
    are the row's random bits in the stream ``INPUT_NOISE``. None is beyond :math:`6.8 \sigma`.

    `count` rows in panels, the first of which is number `row` of the mini-batch.
    """
    panel, scalar = tile(dtype).panel, dtype.type
    # In float32 u may round to 1: its logarithm is 0 then, and so is the noise.
    unit, half, minus_two, turn = map(scalar, (2.0**-32, 0.5, -2.0, 2.0**-31 * np.pi))

    @kernel
    def add(a, low, high, first, columns, deviation):
        for j in range(columns):
            even = 2 * (first + j)
            u = (scalar(bits(low, high, even)) + half) * unit
            angle = scalar(bits(low, high, even + 1)) * turn
            a[j] += deviation * np.sqrt(minus_two * log(u)) * cos(angle)

    def noise(a, panel_stride, columns, count, seed, step, row, deviation):
        n_panels = (columns + panel - 1) // panel
        a = carray(a, n_panels * panel_stride)
        key = layer_key(seed, step, INPUT_NOISE)
        for i in range(count):
            low, high = halves(row_key(key, row + i))
            for p in range(n_panels):
                first, at = p * panel, p * panel_stride + i * panel
                add(a[at : at + panel], low, high, first, min(panel, columns - first), deviation)

    return noise


def make_drop_panel(dtype):
    """The function that drops inputs of a layer, or their deltas, and scales the others: inverted dropout.

    Number (row, column) is zero if its random bits, in the stream of the layer's number, are below the threshold.

    `count` rows of one panel, which begins with column `column`. The first of them is number `row` of the mini-batch:
    not of its chunk, so that chunks do not repeat a mask.
    """
    panel, mask = tile(dtype).panel, _make_mask(dtype)

    def drop_panel(a, count, column, seed, step, layer, row, threshold, scale):
        mask(a, count, panel, row, column, seed, step, layer, threshold, scale)

    return drop_panel


def make_mask_weights(dtype):
    """The function that drops weights of a run of rows of a panel, and scales the others.

    Weight (k, j) is dropped if the random bits of row k and column j, in the stream ``DROP_CONNECT + layer``, are
    below the threshold. Gradients of the weights are masked by the same function.

    `rows` rows of `width`, of which the first is row k and begins with column `column`.
    """
    mask = _make_mask(dtype)

    def mask_weights(w, rows, width, k, column, seed, step, layer, threshold, scale):
        stream = DROP_CONNECT + layer
        mask(w, rows, width, k, column, seed, step, stream, threshold, scale)

    return mask_weights


def _make_mask(dtype):
    itemsize, drop_row = dtype.itemsize, make_drop_row(dtype, tile(dtype))

    @kernel
    def mask(w, rows, width, k, column, seed, step, stream, threshold, scale):
        key, limit = layer_key(seed, step, stream), np.uint32(threshold)
        for i in range(rows):
            low, high = halves(row_key(key, k + i))
            drop_row(w + i * width * itemsize, width, low, high, column, limit, scale)

    return mask


def make_drop_connect(dtype):
    """The pass before a mini-batch: each thread writes masked copies of its share of the weights.

    The forward pass reads the copies, the delta recursion their twins. It ends with a barrier: 0 if another thread has
    been given up.
    """
    shape = tile(dtype)
    itemsize, panel, block, scalar = dtype.itemsize, shape.panel, shape.block, dtype.type
    mask, write_twin = _make_mask(dtype), make_write_twin(dtype, shape)
    pointer = make_pointer(scalar_type(dtype))

    def drop_connect(net, layers, thread, step, arrivals):
        net = carray(net, 1)[0]
        layers = carray(layers, net.shape.n_matrices)
        for i in range(net.shape.n_layers):
            layer = layers[i]
            if layer.connect_threshold == 0:
                continue
            n_blocks = (layer.fan_in + block - 1) // block
            total = layer.n_panels * n_blocks
            for b in range(total * thread // net.team.n_threads, total * (thread + 1) // net.team.n_threads):
                p, k = b // n_blocks, b % n_blocks * block
                width = panel if p < layer.n_panels - 1 else layer.last_width
                rows = min(block, layer.fan_in - k)
                n = rows * width
                offset = (p * layer.padded_in * panel + k * width) * itemsize
                whole, w = carray(pointer(layer.all_weights + offset), n), carray(pointer(layer.weights + offset), n)
                for j in range(n):
                    w[j] = whole[j]
                mask(
                    layer.weights + offset,
                    rows,
                    width,
                    k,
                    p * panel,
                    net.steps.seed,
                    step,
                    DROP_CONNECT + i,
                    layer.connect_threshold,
                    scalar(layer.connect_scale),
                )
                if layer.twin != 0:
                    write_twin(layer, layer.weights + offset, width, k, p * panel, n)
        if net.team.n_threads > 1 and not barrier(net.team.sync, arrivals, net.team.yield_function):
            return 0
        return 1

    return drop_connect
