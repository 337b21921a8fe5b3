"""Where each layer's parameters stand in the flat vector: panel-major, padded, a layer's biases after its weights.

A layer's weights W (fan_in x fan_out) are cut into panels of ``panel`` columns; the last may be half as wide.
A panel is contiguous, ``padded_in`` rows of its width, so a register tile streams it and a block of rows of it
is one contiguous run for the optimizer. Padding is zero and stays zero.
"""

from dataclasses import dataclass

import numpy as np

from .layers import UNIT_VECTORS


def round_up(n, multiple):
    """Smallest multiple that is not below n."""
    return -(-n // multiple) * multiple


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
    """Offsets of all matrices and vectors of a net in one flat vector, and of the transposed twins in another.

    Parameters
    ----------
    architecture : Architecture
        The net.
    tile : fastnet.kernels.host.Tile
        The register tile: panels are as wide.

    Attributes
    ----------
    matrices, twins : list of Panels
        In the order of ``architecture.matrix_shapes()``. The first twin is None, unless a feature layer is trained.
    vectors : list of slice
        In the order of ``architecture.vectors()``.
    n_trained : int
        Vectors that are not merely measured: they come first.
    measured : slice
        The elements of the others.
    """

    def __init__(self, architecture, tile):
        self.matrices, self.twins, self.vectors = [], [], []
        self._vectors = architecture.vectors()
        self.size = self.twin_size = 0
        n_layers = architecture.n_layers
        # A layer's biases follow its weights. The first layers lie as if there were nothing else.
        for number, (fan_in, fan_out) in enumerate(architecture.matrix_shapes()):
            panels = Panels(fan_in, fan_out, round_up(fan_in, tile.rows), tile.panel, tile.lanes, self.size)
            self.matrices.append(panels)
            self.size += panels.size
            if number < n_layers:
                self._add_vector(fan_out, tile)
            # The delta recursion reads W transposed; inputs have no delta, unless a feature layer learns from it.
            twin = Panels(fan_out, fan_in, round_up(fan_out, tile.panel), tile.panel, tile.lanes, self.twin_size)
            has_twin = number > 0 or architecture.trains_features
            self.twins.append(twin if has_twin else None)
            self.twin_size += twin.size if has_twin else 0
        self.n_trained = sum(not UNIT_VECTORS[name].is_measured for name, _ in self._vectors)
        for name, layer in self._vectors[n_layers:]:
            self._add_vector(UNIT_VECTORS[name].size(architecture.layers[layer]), tile)
        is_measured = self.n_trained < len(self._vectors)
        self.measured = slice(self.vectors[self.n_trained].start if is_measured else self.size, self.size)

    def _add_vector(self, n, tile):
        self.vectors.append(slice(self.size, self.size + n))
        self.size += round_up(n, tile.panel)

    def offset(self, name, layer):
        """Where a vector begins, or None if the net has no such vector."""
        return self.vectors[self._vectors.index((name, layer))].start if (name, layer) in self._vectors else None

    def pack(self, flat, matrices, vectors):
        """Write matrices, such as coefficients, and vectors, all or the first of them, into the flat vector."""
        for panels, matrix in zip(self.matrices, matrices, strict=True):
            panels.pack(flat, matrix)
        for place, vector in zip(self.vectors, vectors, strict=False):
            flat[place] = vector

    def pack_twins(self, flat, matrices):
        """Write the transposed matrices."""
        for panels, matrix in zip(self.twins, matrices, strict=True):
            if panels is not None:
                panels.pack(flat, matrix.T)

    def unpack(self, flat, trained=False):
        """Read matrices and vectors back, as fresh arrays; with `trained` without the vectors that are measured."""
        vectors = self.vectors[: self.n_trained] if trained else self.vectors
        return [panels.unpack(flat) for panels in self.matrices], [flat[place].copy() for place in vectors]
