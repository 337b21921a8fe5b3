"""The memory of a chunk of rows, and the records that tell the engine where it is."""

import numpy as np

from ..kernels.memory import aligned_zeros
from ..network.layout import round_up
from ..ops import rows as op_kernels
from . import normalize
from .records import LAYER, VECTORS

# A batch above this runs in chunks whose gradients add up; so does one whose workspace would be larger.
MAX_ROWS = 1024
MAX_WORKSPACE_BYTES = 40 << 20
PREDICT_ROWS = 64


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
    if not training:
        return arrays
    hidden, activations = range(1, last), (None, *architecture.activations)
    rates, skips, projections = architecture.drop_rates(), architecture.skips(), architecture.projections()
    learnt = {i for i in hidden if activations[i].per_unit}
    by_input = {i for i in hidden if activations[i].derivative_of == "input"}
    changed = {i for i in hidden if rates[i] > 0 or skips[i - 1] or i - 1 in projections}  # after the activation
    normalized = hidden if architecture.normalization else ()
    widest = max(hidden, key=lambda i: skips[i - 1] * architecture.layer_units[i], default=None)
    arrays["deltas"] = {i: i for i in range(1, last + 1)}
    arrays["z"] = {i: i for i in hidden if keep_z or i in learnt}
    arrays["slopes"] = {i: i for i in by_input - learnt}
    arrays["raw"] = {i: i for i in changed - by_input}
    arrays["errors"] = {widest: widest} if any(skips) else {}
    arrays["projected"] = {i: i + 1 for i in projections}  # the loss's derivatives by the layer's outputs
    arrays["normalized"] = {i: i for i in normalized}
    # Terms of biases, gains and slopes; where nothing else is, a bias's terms are the deltas.
    arrays["terms"] = {(vector, i): i for vector in (0, 1) for i in normalized} | {(2, i): i for i in learnt}
    return arrays


class Workspace:
    """Activations and deltas of a chunk of rows, for all layers, allocated once.

    Parameters
    ----------
    architecture : Architecture
        The net.
    layout : Layout
        Its parameters' places.
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
        Forward only: parts of the workspace.
    entries : ndarray of int64, optional
        Of sparse input: bound of the non-zeros of any n rows. The input then has no activations.
    """

    def __init__(self, architecture, layout, tile, dtype, n_rows, training, keep_z=False, n_threads=1, entries=None):
        self.architecture, self.layout, self.tile, self.dtype = architecture, layout, tile, dtype
        self.training, self.keep_z = training, keep_z
        self.widths = [round_up(n, tile.panel) for n in architecture.layer_units]
        self.output_row = self.widths[architecture.n_layers]  # numbers in a row of raw outputs, and of their targets
        self.entries = entries
        self._arrays = panel_arrays(architecture, training, keep_z)
        self.rows = self._chunk_rows(n_rows, n_threads)
        self.padded_rows = round_up(self.rows * n_threads, tile.rows)
        stride = self.padded_rows * tile.panel
        if stride * dtype.itemsize % 4096 == 0:  # panels a page apart would share their cache sets
            stride += tile.rows * tile.panel
        self.panel_stride = stride
        self._allocate_entries(n_threads)
        arrays = {
            name: {key: self._panels(layer) for key, layer in of_layers.items()}
            for name, of_layers in self._arrays.items()
        }
        self._outputs = aligned_zeros(self.padded_rows * self.output_row, dtype)
        self.activations = [*arrays["activations"].values(), self._outputs]
        self.deltas, self.z, self.slopes, self.raw, self.projected, self.normalized, self.terms = (
            arrays.get(name, {}) for name in ("deltas", "z", "slopes", "raw", "projected", "normalized", "terms")
        )
        self.errors = next(iter(arrays.get("errors", {}).values()), aligned_zeros(0, dtype))
        # The loss works on whole rows. One panel is both.
        self.loss_delta = self.deltas.get(architecture.n_layers)
        if training and self.output_row > tile.panel:
            self.loss_delta = aligned_zeros(self._outputs.size, dtype)
        n_scales = max(self.padded_rows, *self.widths)
        self.scales = {i: aligned_zeros(n_scales, dtype) for i in self.normalized}
        self.zeros = aligned_zeros(tile.panel, dtype)

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
        return (sum(self.widths[layer] for layer in layers) + n_rows * self.output_row) * self.dtype.itemsize

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

    def _is_output(self, i):
        return i == len(self.widths) - 1

    def _panels(self, i):
        if i == 0 and self.entries is not None:
            return aligned_zeros(0, self.dtype)
        return aligned_zeros(self.widths[i] // self.tile.panel * self.panel_stride, self.dtype)

    def layer_records(self, flat, twins):
        """The engine's records of all layers.

        Parameters
        ----------
        flat, twins : ndarray
            Parameter vector and transposed twins.

        Returns
        -------
        ndarray of LAYER
        """
        architecture = self.architecture
        self.parameters = [op_kernels.parameter_array(op, self.dtype) for op in architecture.activations]
        layers = architecture.matrix_layers()
        records = aligned_zeros(len(layers), LAYER)
        for number, (i, record) in enumerate(zip(layers, records, strict=True)):
            self._set_matrix(record, number, flat, twins)
            record["input"] = self.activations[i].ctypes.data
            record["output"] = self.activations[i + 1].ctypes.data
            record["output_row"], record["output_panel"] = self.tile.panel, self.panel_stride
            if number >= architecture.n_layers:
                records[i]["projection"], record["is_projection"] = number, True
                if self.training:
                    record["delta"] = self.projected[i].ctypes.data
                continue
            record["start"], record["start_panel"] = self._vector(flat, "bias", i), self.tile.panel
            if self._is_output(i + 1):
                record["output_row"], record["output_panel"] = self.output_row, self.tile.panel
            if self.training:
                record["delta"] = self.deltas[i + 1].ctypes.data
            rate = architecture.drop_rates()[i]
            record["drop_threshold"] = min(round(rate * 2**32), 2**32 - 1)
            record["drop_scale"] = 1.0 / (1.0 - rate)
            record["residual"] = architecture.skips()[i]
            if not self._is_output(i + 1):
                self._set_activation(record, i, flat)
                self._set_normalization(record, i, flat)
            terms = [self.terms.get((v, i + 1)) for v in range(len(VECTORS))]
            record["terms"] = [record["delta"] if v == 0 else 0 for v in range(len(VECTORS))]
            for v, array in enumerate(terms):
                if array is not None:
                    record["terms"][v] = array.ctypes.data
        return records

    def _vector(self, flat, kind, layer):
        """Address of a vector of a layer's units."""
        return flat.ctypes.data + self.layout.offset(kind, layer) * self.dtype.itemsize

    def _set_matrix(self, record, number, flat, twins):
        size, matrix, twin = self.dtype.itemsize, self.layout.matrices[number], self.layout.twins[number]
        record["fan_in"], record["fan_out"] = matrix.rows, matrix.columns
        record["n_panels"], record["padded_in"] = matrix.n_panels, matrix.padded_rows
        record["last_width"] = matrix.last_width
        record["weights"] = flat.ctypes.data + matrix.offset * size
        if twin is not None and self.training:
            record["twin"] = twins.ctypes.data + twin.offset * size
            record["twin_panels"], record["twin_rows"] = twin.n_panels, twin.padded_rows
            record["twin_last_width"] = twin.last_width

    def _set_activation(self, record, i, flat):
        op, source = self.architecture.activations[i], self.activations[i + 1]
        if i + 1 in self.z:
            record["z"] = self.z[i + 1].ctypes.data
            source = self.z[i + 1] if op.per_unit else source
        if i + 1 in self.slopes:
            source = self.slopes[i + 1]
            record["slope"] = source.ctypes.data
        if i + 1 in self.raw:
            record["raw"] = self.raw[i + 1].ctypes.data
            source = self.raw[i + 1]
        record["source"] = source.ctypes.data
        record["parameters"] = self.parameters[i].ctypes.data
        if op.per_unit:
            record["parameters"], record["parameter_panel"] = self._vector(flat, "slope", i), self.tile.panel
            record["slope_terms"] = op_kernels.by_slope(op, self.dtype) if self.training else 0
        record["activate"] = (op_kernels.slope if record["slope"] else op_kernels.activate)(op, self.dtype)
        record["derive"] = op_kernels.derive(op, self.dtype) if self.training else 0

    def _set_normalization(self, record, i, flat):
        kind = self.architecture.normalization
        if kind is None:
            return
        forward, back = normalize.rows, normalize.rows_back
        if kind == "batch":
            forward, back = normalize.columns, normalize.columns_back
        record["normalize"] = forward(self.dtype)
        record["start"], record["start_panel"] = self.zeros.ctypes.data, 0
        record["gain"], record["shift"] = self._vector(flat, "gain", i), self._vector(flat, "bias", i)
        record["is_centred"] = kind != "rms"
        if kind == "batch":
            record["mean"], record["variance"] = self._vector(flat, "mean", i), self._vector(flat, "variance", i)
        if self.training:
            record["normalize_back"] = back(self.dtype)
            record["normalized"] = self.normalized[i + 1].ctypes.data
            record["scales"] = self.scales[i + 1].ctypes.data

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
