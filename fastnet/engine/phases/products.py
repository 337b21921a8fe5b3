"""Products of panels: what a layer's weights do to a block of row tiles."""

from functools import cache

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.tiles import make_row_tile


@cache
def make_sweep(dtype, shape):
    """Compile-time factory: the product of a block of row tiles with one panel, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, rows, large, panel = dtype.itemsize, shape.rows, shape.large_rows, shape.panel
    wide, narrow = make_row_tile(itemsize, shape, rows, 2), make_row_tile(itemsize, shape, rows, 1)
    wide_large, tall = make_row_tile(itemsize, shape, large, 2), make_row_tile(itemsize, shape, 2 * rows, 1)
    row_size = panel * itemsize  # bytes from row to row of a panel of A

    @kernel
    def sweep(a, a_panel, first, last, stretch, b, width, start, start_row, c, c_row, count):
        """Add terms `first … last` of a panel of C = start + A @ B for `count` row tiles.

        A stretch of B's panel stays in L1 while they pass it. The sums go on in C: it takes `start` at the first term.
        """
        jump, step = a_panel - panel, c_row * itemsize
        if first > 0:
            start, start_row = c, c_row
        for k in range(first, last, max(stretch, 1)):
            depth = min(stretch, last - k)
            source, weights = element(a, k // panel * a_panel), element(b, k * width)
            i, n = 0, count * rows
            while i < n:
                at, begin, target = source + i * row_size, element(start, i * start_row), c + i * step
                if width == panel:
                    if large > rows and (n - i) % large == 0:
                        wide_large(at, jump, weights, begin, start_row, target, c_row, depth)
                        i += large
                    else:
                        wide(at, jump, weights, begin, start_row, target, c_row, depth)
                        i += rows
                elif n - i > rows:
                    tall(at, jump, weights, begin, start_row, target, c_row, depth)
                    i += 2 * rows
                else:
                    narrow(at, jump, weights, begin, start_row, target, c_row, depth)
                    i += rows
            start, start_row = c, c_row  # the next stretch goes on from what C holds

    return sweep
