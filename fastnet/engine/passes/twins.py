"""Transposed twins of weights, which the delta recursion reads."""

from ...kernels.addresses import make_element
from ...kernels.compiling.jit import kernel
from ...kernels.tiles import make_transpose


def make_write_twin(dtype, shape):
    """Compile-time factory: transposes weights into their twin, for one dtype."""
    element = make_element(dtype.itemsize)
    itemsize, panel = dtype.itemsize, shape.panel
    square = min(shape.rows, shape.lanes)  # no panel is narrower than a vector
    transpose = make_transpose(itemsize, square)

    @kernel
    def write_twin(layer, source, width, k0, column, n):
        """Transpose n weights of a panel, from row k0 on, into the twin that the delta recursion reads."""
        for i in range(0, n // width, square):
            p = (k0 + i) // panel
            twin_width = panel if p < layer.twin_panels - 1 else layer.twin_last_width
            target = element(layer.twin, p * layer.twin_rows * panel + column * twin_width + (k0 + i) % panel)
            for j in range(0, width, square):
                transpose(element(source, i * width + j), width, element(target, j * twin_width), twin_width)

    return write_twin
