"""Where each layer's parameters stand in the flat vector: panel-major, padded, biases after the weights.

A layer's weights W (fan_in x fan_out) are cut into panels of ``panel`` columns; the last may be half as wide.
A panel is contiguous, ``padded_in`` rows of its width, so a register tile streams it and a block of rows of it
is one contiguous run for the optimizer. Padding is zero and stays zero.
"""

from dataclasses import dataclass

import numpy as np


def round_up(n, multiple):
    """Smallest multiple that is not below n."""
    return -(-n // multiple) * multiple


def aligned_zeros(size, dtype):
    """Zeros that start on a 64-byte boundary, so that no vector of them crosses a cache line."""
    itemsize = np.dtype(dtype).itemsize
    buffer = np.zeros(size * itemsize + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    return buffer[start : start + size * itemsize].view(dtype)


@dataclass(frozen=True)
class Panels:
    """A matrix of ``rows`` x ``columns`` in panels, at ``offset`` of a flat vector."""

    rows: int
    columns: int
    padded_rows: int
    panel: int
    lanes: int
    offset: int

    @property
    def n_panels(self):
        """Number of panels."""
        return -(-self.columns // self.panel)

    @property
    def last_width(self):
        """Width of the last panel: a whole one or, if that suffices, half of it."""
        rest = self.columns - (self.n_panels - 1) * self.panel
        return self.lanes if rest <= self.lanes else self.panel

    @property
    def size(self):
        """Elements, with padding."""
        return self.padded_rows * ((self.n_panels - 1) * self.panel + self.last_width)

    def pack(self, flat, matrix):
        """Write a matrix into its panels."""
        whole, rest = self._views(flat)
        cut = whole.shape[0] * self.panel
        blocks = matrix[:, :cut].reshape(self.rows, whole.shape[0], self.panel)
        whole[:, : self.rows] = blocks.transpose(1, 0, 2)
        rest[: self.rows, : self.columns - cut] = matrix[:, cut:]

    def unpack(self, flat):
        """Read the matrix back, as a fresh C-contiguous array."""
        whole, rest = self._views(flat)
        cut = whole.shape[0] * self.panel
        matrix = np.empty((self.rows, self.columns), flat.dtype)
        blocks = matrix[:, :cut].reshape(self.rows, whole.shape[0], self.panel)
        blocks[...] = whole[:, : self.rows].transpose(1, 0, 2)  # a view: only the last axis is split
        matrix[:, cut:] = rest[: self.rows, : self.columns - cut]
        return matrix

    def _views(self, flat):
        """Whole panels as (n, padded_rows, panel), and the last one as (padded_rows, last_width)."""
        n = self.n_panels - 1
        cut = self.offset + n * self.padded_rows * self.panel
        whole = flat[self.offset : cut].reshape(n, self.padded_rows, self.panel)
        return whole, flat[cut : self.offset + self.size].reshape(self.padded_rows, self.last_width)


class Layout:
    """Offsets of all weights and biases of a net in one flat vector, and of the transposed twins in another.

    Parameters
    ----------
    layer_units : tuple of int
        Number of features, widths of the hidden layers, number of outputs.
    tile : fastnet.kernels.host.Tile
        The register tile: panels are as wide.
    """

    def __init__(self, layer_units, tile):
        self.weights, self.twins, self.bias_offsets = [], [], []
        offset = twin_offset = 0
        for layer, (fan_in, fan_out) in enumerate(zip(layer_units, layer_units[1:], strict=False)):
            padded_in = round_up(fan_in, tile.rows)
            panels = Panels(fan_in, fan_out, padded_in, tile.panel, tile.lanes, offset)
            self.weights.append(panels)
            self.bias_offsets.append(offset + panels.size)
            offset += panels.size + round_up(fan_out, tile.panel)
            # The delta recursion reads W transposed; the input layer has no delta.
            padded_out = round_up(fan_out, tile.panel)
            twin = Panels(fan_out, fan_in, padded_out, tile.panel, tile.lanes, twin_offset)
            self.twins.append(twin if layer else None)
            twin_offset += twin.size if layer else 0
        self.size, self.twin_size = offset, twin_offset

    def pack(self, flat, coefs, intercepts):
        """Write coefficients and intercepts, in scikit-learn's shapes, into the flat vector."""
        for panels, start, coef, intercept in zip(self.weights, self.bias_offsets, coefs, intercepts, strict=True):
            panels.pack(flat, coef)
            flat[start : start + len(intercept)] = intercept

    def pack_twins(self, flat, coefs):
        """Write the transposed coefficients."""
        for panels, coef in zip(self.twins, coefs, strict=True):
            if panels is not None:
                panels.pack(flat, coef.T)

    def unpack(self, flat):
        """Read coefficients and intercepts back, as fresh arrays."""
        coefs = [panels.unpack(flat) for panels in self.weights]
        intercepts = [
            flat[start : start + panels.columns].copy()
            for panels, start in zip(self.weights, self.bias_offsets, strict=True)
        ]
        return coefs, intercepts
