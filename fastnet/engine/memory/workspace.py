"""The memory of a chunk of rows."""

import numpy as np

from ...kernels.memory import aligned_zeros
from ...network.layers import TRAINED_VECTORS
from ...network.layout import round_up
from ...ops.compiled.signatures import N_NUMBERS, target_stride
from .blocking import cuts

# A batch above this runs in chunks whose gradients add up; so does one whose workspace would be larger.
MAX_ROWS = 1024
MAX_WORKSPACE_BYTES = 40 << 20
PREDICT_ROWS = 64
# Stands for the columns of X where a feature layer makes the inputs of the first layer of them.
INPUTS = -1


def panel_arrays(architecture, training, keep_z=False):
    """The arrays of panels that a chunk of rows takes: what is allocated, and what bounds the rows, is counted here.

    Parameters
    ----------
    architecture : Architecture
        The net.
    training : bool
        Whether there is a way back.
    keep_z : bool, default=False
        Whether to keep z of hidden layers.

    Returns
    -------
    dict of dict
        Of each name its arrays: a key, mostly the number of a layer of units, and the layer that it is as wide as.
    """
    last = architecture.n_layers
    arrays = {"activations": {i: i for i in range(last)}}  # those of the output layer are rows
    if architecture.features is not None:
        arrays["inputs"] = {INPUTS: INPUTS}
    if not training:
        return arrays
    layers = dict(enumerate(architecture.layers, 1))  # by the number of the units that they lead to
    hidden = {i: layer for i, layer in layers.items() if layer.activation is not None}
    by_input = {i for i, layer in hidden.items() if layer.activation.derivative_of == "input"}
    changed = {i for i, layer in hidden.items() if layers[i + 1].dropout > 0 or layer.skip}  # after the activation
    skips = {i: layer.units for i, layer in hidden.items() if layer.skip == "identity"}
    arrays["deltas"] = {i: i for i in layers}
    if architecture.trains_features:
        arrays["deltas"][0] = 0
        if architecture.features.scale is not None:
            arrays["expanded"] = {0: 0}
    arrays["z"] = {i: i for i in hidden if keep_z}
    arrays["derivatives"] = {i: i for i in by_input}
    arrays["raw"] = {i: i for i in changed - by_input}
    arrays["errors"] = {i: i for i in [max(skips, key=skips.get, default=None)] if i is not None}
    # The loss's derivatives by the layer's outputs.
    arrays["projected"] = {i - 1: i for i, layer in hidden.items() if layer.skip == "projection"}
    arrays["normalized"] = {i: i for i, layer in hidden.items() if layer.normalization}
    arrays["terms"] = {
        (vector.terms, i): i
        for vector in TRAINED_VECTORS
        for i, layer in layers.items()
        if vector.belongs(layer) and vector.own_terms(layer)
    }
    return arrays


class Workspace:
    """Activations and deltas of a chunk of rows, for all layers, allocated once.

    Parameters
    ----------
    architecture : Architecture
        The net.
    tile : Tile
        The register tile.
    dtype : numpy.dtype
        Of the computation.
    n_rows : int
        Rows of a batch.
    training : bool
        Whether deltas are needed.
    keep_z : bool
        Whether to keep z of hidden layers.
    n_threads : int
        Threads that work in it; in a forward pass each has a part of its own.
    entries : ndarray of int64, optional
        Of sparse input: bound of the non-zeros of any n rows. The input then has no activations.
    """

    def __init__(self, architecture, tile, dtype, n_rows, training, keep_z=False, n_threads=1, entries=None):
        self.architecture, self.tile, self.dtype = architecture, tile, dtype
        self.training, self.keep_z = training, keep_z
        self.widths = [round_up(n, tile.panel) for n in architecture.layer_units]
        self.output_row = self.widths[architecture.n_layers]  # numbers in a row of raw outputs, and of their targets
        self.entries = entries
        self._arrays = panel_arrays(architecture, training, keep_z)
        n_parts = 1 if training else n_threads
        self.rows = self._chunk_rows(n_rows, n_parts)
        self.padded_rows = round_up(self.rows * n_parts, tile.rows)
        stride = self.padded_rows * tile.panel
        if stride * dtype.itemsize % 4096 == 0:  # panels a page apart would share their cache sets
            stride += tile.rows * tile.panel
        self.panel_stride = stride
        self._allocate_entries(n_parts)
        arrays = {
            name: {key: self._panels(layer) for key, layer in of_layers.items()}
            for name, of_layers in self._arrays.items()
        }
        self._outputs = aligned_zeros(self.padded_rows * self.output_row, dtype)
        self.activations = [*arrays["activations"].values(), self._outputs]
        self.deltas, self.z, self.derivatives, self.raw, self.projected, self.normalized, self.terms = (
            arrays.get(name, {}) for name in ("deltas", "z", "derivatives", "raw", "projected", "normalized", "terms")
        )
        self.inputs, self.expanded = (
            next(iter(arrays.get(name, {}).values()), None) for name in ("inputs", "expanded")
        )
        self.errors = next(iter(arrays.get("errors", {}).values()), aligned_zeros(0, dtype))
        # The loss works on whole rows. One panel is both.
        self.loss_delta = self.deltas.get(architecture.n_layers)
        if training and self.output_row > tile.panel:
            self.loss_delta = aligned_zeros(self._outputs.size, dtype)
        n_scales = max(self.padded_rows, *self.widths)
        self.scales = {i: aligned_zeros(n_scales, dtype) for i in self.normalized}
        self.zeros = aligned_zeros(tile.panel, dtype)
        # A run of gradients, and at the end the optimizer's numbers for each group of parameters.
        n_numbers = N_NUMBERS * len(architecture.groups)
        self._cuts = cuts(tile, dtype)
        self._scratch_size = round_up(self._cuts["run_blocks"] * tile.block * tile.panel + n_numbers, 64)
        self._scratch = aligned_zeros(self._scratch_size * n_threads, dtype)
        self.target_row = target_stride(architecture.loss, self.output_row, tile.panel)
        n_targets = self.padded_rows if training else 0
        self._targets = aligned_zeros(n_targets * self.target_row, dtype)
        self._weights = aligned_zeros(n_targets, dtype)
        self._losses = aligned_zeros(n_targets, np.float64)

    def enter(self, record):
        """Write where everything is into a record of WORKSPACE."""
        record["chunk_rows"] = record["thread_rows"] = self.rows
        record["panel_stride"] = self.panel_stride
        for name, cut in self._cuts.items():
            record[name] = cut
        record["target_row"], record["scratch_size"] = self.target_row, self._scratch_size
        record["entry_capacity"] = self.entry_capacity
        arrays = {
            "batch_targets": self._targets, "batch_weights": self._weights, "row_losses": self._losses,
            "scratch": self._scratch, "zeros": self.zeros, "errors": self.errors, **self.entry_arrays,
        }  # fmt: skip
        if self.training:
            arrays["loss_delta"] = self.loss_delta
        for name, array in arrays.items():
            record[name] = array.ctypes.data

    def _allocate_entries(self, n_threads):
        self.entry_arrays, self.entry_capacity = {}, 0
        if self.entries is None:
            return
        self.entry_capacity = int(self.entries[self.rows])
        n = max(1, self.entry_capacity * n_threads)
        sizes = {"entry_columns": (n, np.int32), "entry_values": (n, self.dtype)}
        sizes["entry_spans"] = (2 * self.padded_rows, np.int64)
        if self.training:
            sizes["column_rows"], sizes["column_values"] = (n, np.int32), (n, self.dtype)
            sizes["column_ends"] = (self.architecture.layer_units[0], np.int32)
        self.entry_arrays = {name: aligned_zeros(*size) for name, size in sizes.items()}

    @property
    def _row_bytes(self):
        """Bytes that a row of samples takes, the entries of sparse input not counted."""
        layers = [layer for of_layers in self._arrays.values() for layer in of_layers.values()]
        if self.entries is not None:
            layers.remove(0)
        n_rows = 3 if self.training else 1  # outputs, their targets and the loss's derivatives by them
        n_numbers = n_rows * self.output_row + (self.tile.panel if self.architecture.loss.has_offset else 0)
        return (sum(map(self._width, layers)) + n_numbers) * self.dtype.itemsize

    def _most_rows(self, n_threads):
        """Rows whose workspace is not too large."""
        if self.entries is not None:
            bytes_an_entry = (4 + self.dtype.itemsize) * (2 if self.training else 1)
            sizes = n_threads * (np.arange(len(self.entries)) * self._row_bytes + self.entries * bytes_an_entry)
            most = int(np.searchsorted(sizes, MAX_WORKSPACE_BYTES, "right")) - 1
            return max(1, most // self.tile.rows) * self.tile.rows
        if not self.training:
            return PREDICT_ROWS
        return max(self.tile.rows, min(MAX_ROWS, MAX_WORKSPACE_BYTES // self._row_bytes))

    def _chunk_rows(self, n_rows, n_threads):
        if self.keep_z or (self.training and self.architecture.normalization == "batch"):
            return n_rows  # which must meet
        most = self._most_rows(n_threads)
        if not self.training:
            return round_up(min(n_rows, most), self.tile.rows)
        if n_rows <= most:
            return n_rows
        chunks = -(-n_rows // most)
        return round_up(-(-n_rows // chunks), self.tile.rows)

    def _width(self, layer):
        return round_up(self.architecture.n_inputs, self.tile.panel) if layer == INPUTS else self.widths[layer]

    def _panels(self, i):
        if i == 0 and self.entries is not None:
            return aligned_zeros(0, self.dtype)
        return aligned_zeros(self._width(i) // self.tile.panel * self.panel_stride, self.dtype)

    def arrays(self):
        """Plain copies of what the last batch left: see ``Session.arrays``."""
        units = self.architecture.layer_units
        return [
            {
                "input": self._plain(self.activations[i], units[i]),
                "z": self._plain(self.z.get(i + 1, self.activations[i + 1]), units[i + 1]),
                "output": self._plain(self.activations[i + 1], units[i + 1]),
                "delta": self._plain(self.deltas[i + 1], units[i + 1]),
            }
            for i in range(self.architecture.n_layers)
        ]

    def _plain(self, array, width):
        if array is self._outputs:
            return array.reshape(self.padded_rows, -1)[: self.rows, :width].copy()
        panel = self.tile.panel
        panels = array.reshape(-1, self.panel_stride)[:, : self.padded_rows * panel]
        panels = panels.reshape(len(panels), self.padded_rows, panel)
        return panels.transpose(1, 0, 2).reshape(self.padded_rows, -1)[: self.rows, :width].copy()
