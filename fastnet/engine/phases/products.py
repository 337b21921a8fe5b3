"""Products of panels: what a layer's weights do to a block of row tiles."""

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.tiles import make_row_tile

# Of a panel of weights, what stays in L1 while rows pass it.
STRETCH_BYTES = 32 << 10


def make_sweep(dtype, shape):
    """Compile-time factory: the product of a block of row tiles with one panel, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, rows, panel = dtype.itemsize, shape.rows, shape.panel
    stretch = STRETCH_BYTES // (panel * itemsize) // panel * panel
    wide, narrow = make_row_tile(itemsize, shape, rows, 2), make_row_tile(itemsize, shape, rows, 1)
    tall = make_row_tile(itemsize, shape, 2 * rows, 1)

    @kernel
    def sweep(a, a_panel, depth, b, width, start, start_row, c, c_row, count):
        """A panel of C = start + A @ B for `count` row tiles: a stretch of B's panel stays in L1 while they pass it."""
        jump = a_panel - panel
        tile_size = rows * panel * itemsize
        step = rows * c_row * itemsize
        for k in range(0, depth, stretch):
            stretch_depth = min(stretch, depth - k)
            source = element(a, k // panel * a_panel)
            weights = element(b, k * width)
            if width == panel:
                for t in range(count):
                    wide(
                        source + t * tile_size, jump, weights, element(start, t * start_row * rows),
                        start_row, c + t * step, c_row, stretch_depth,
                    )
            else:
                for t in range(0, count - 1, 2):
                    tall(
                        source + t * tile_size, jump, weights, element(start, t * start_row * rows),
                        start_row, c + t * step, c_row, stretch_depth,
                    )
                if count % 2 != 0:
                    t = count - 1
                    narrow(
                        source + t * tile_size, jump, weights, element(start, t * start_row * rows),
                        start_row, c + t * step, c_row, stretch_depth,
                    )
            start, start_row = c, c_row  # the next stretch goes on from what C holds

    return sweep
