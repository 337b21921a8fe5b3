"""Outputs wider than the computation, written to their place at once, without another pass over them."""

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.host import tile
from ...kernels.tiles import make_copy_out, make_copy_row
from ...ops.compiled.signatures import LINK
from ..outputs import DOUBLE, ROWS


def make_widen(itemsize):
    """``widen(source, source_row, count, n, link, parameters, space, target)``: rows of n outputs as doubles.

    Rows of the source are `source_row` elements apart, those of the target lie side by side. `link` is the address of
    a link of doubles, or 0; `space` that of `space_size` doubles.
    """
    element = make_element(itemsize)
    shape = tile(DOUBLE)
    panel = shape.panel
    to_double, copy_out = make_copy_row(8, itemsize, shape), make_copy_out(8, shape)
    call_link = LINK.caller(DOUBLE)

    @kernel
    def widen(source, source_row, count, n, link, parameters, space, target):
        space_row = (n + panel - 1) // panel * panel
        for i in range(0, count, ROWS):
            n_rows = min(ROWS, count - i)
            for j in range(n_rows):
                to_double(element(source, (i + j) * source_row), space + j * space_row * 8, panel, n)
            if link != 0:
                call_link(link, space, space_row, n_rows, n, parameters)
            for j in range(n_rows):
                copy_out(space + j * space_row * 8, target + (i + j) * n * 8, n)

    return widen
