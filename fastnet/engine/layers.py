"""The records of all layers: where weights, activations and deltas are, and which functions take them on."""

from ..kernels.memory import aligned_zeros
from ..ops.compiled import rows as op_kernels
from .memory.records import LAYER, VECTORS
from .passes import normalize


class LayerRecords:
    """Writes the records of LAYER of a net.

    Parameters
    ----------
    architecture : Architecture
        The net.
    layout : Layout
        Where its parameters stand in the flat vectors.
    flat, twins : ndarray
        Parameters and transposed twins.
    workspace : Workspace
        Activations and deltas.

    Attributes
    ----------
    table : ndarray of LAYER
        The records: of each layer of weights, then of each projection.
    """

    def __init__(self, architecture, layout, flat, twins, workspace):
        self._architecture, self._layout, self._space = architecture, layout, workspace
        self._flat, self._twins, self._dtype = flat, twins, workspace.dtype
        self._parameters = [op_kernels.parameter_array(op, self._dtype) for op in architecture.activations]
        layers = architecture.matrix_layers()
        self.table = aligned_zeros(len(layers), LAYER)
        for number, layer in enumerate(layers):
            self._set_matrix(number, layer)
            if number < architecture.n_layers:
                self._set_units(self.table[number], layer)
            else:
                self._set_projection(number, layer)

    def _set_matrix(self, number, layer):
        """The matrix of a record, from where it reads and where it adds to."""
        record, space, size = self.table[number], self._space, self._dtype.itemsize
        matrix, twin = self._layout.matrices[number], self._layout.twins[number]
        record["fan_in"], record["fan_out"] = matrix.rows, matrix.columns
        record["n_panels"], record["padded_in"] = matrix.n_panels, matrix.padded_rows
        record["last_width"] = matrix.last_width
        record["weights"] = self._flat.ctypes.data + matrix.offset * size
        record["input"] = space.activations[layer].ctypes.data
        record["output"] = space.activations[layer + 1].ctypes.data
        record["output_row"], record["output_panel"] = space.tile.panel, space.panel_stride
        if twin is not None and space.training:
            record["twin"] = self._twins.ctypes.data + twin.offset * size
            record["twin_panels"], record["twin_rows"] = twin.n_panels, twin.padded_rows
            record["twin_last_width"] = twin.last_width

    def _set_projection(self, number, layer):
        self.table[layer]["projection"], self.table[number]["is_projection"] = number, True
        if self._space.training:
            self.table[number]["delta"] = self._space.projected[layer].ctypes.data

    def _set_units(self, record, layer):
        """What a layer's units have besides their weights."""
        architecture, space, above = self._architecture, self._space, layer + 1
        record["start"], record["start_panel"] = self._vector("bias", layer), space.tile.panel
        rate = architecture.drop_rates()[layer]
        record["drop_threshold"] = min(round(rate * 2**32), 2**32 - 1)
        record["drop_scale"] = 1.0 / (1.0 - rate)
        record["residual"] = architecture.skips()[layer]
        if above == architecture.n_layers:
            record["output_row"], record["output_panel"] = space.output_row, space.tile.panel
        else:
            self._set_activation(record, layer)
            self._set_normalization(record, layer)
        if space.training:
            record["delta"] = space.deltas[above].ctypes.data
            record["terms"][0] = record["delta"]
            for vector in range(len(VECTORS)):
                if (vector, above) in space.terms:
                    record["terms"][vector] = space.terms[vector, above].ctypes.data

    def _vector(self, kind, layer):
        """Address of a vector of a layer's units."""
        return self._flat.ctypes.data + self._layout.offset(kind, layer) * self._dtype.itemsize

    def _set_activation(self, record, layer):
        op, space, above = self._architecture.activations[layer], self._space, layer + 1
        source = space.activations[above]
        if above in space.z:
            record["z"] = space.z[above].ctypes.data
            source = space.z[above] if op.per_unit else source
        if above in space.slopes:
            source = space.slopes[above]
            record["slope"] = source.ctypes.data
        if above in space.raw:
            record["raw"] = space.raw[above].ctypes.data
            source = space.raw[above]
        record["source"] = source.ctypes.data
        record["parameters"] = self._parameters[layer].ctypes.data
        if op.per_unit:
            record["parameters"], record["parameter_panel"] = self._vector("slope", layer), space.tile.panel
            record["slope_terms"] = op_kernels.by_slope(op, self._dtype) if space.training else 0
        record["activate"] = (op_kernels.slope if record["slope"] else op_kernels.activate)(op, self._dtype)
        record["derive"] = op_kernels.derive(op, self._dtype) if space.training else 0

    def _set_normalization(self, record, layer):
        kind, space = self._architecture.normalization, self._space
        if kind is None:
            return
        forward, back = normalize.rows, normalize.rows_back
        if kind == "batch":
            forward, back = normalize.columns, normalize.columns_back
        record["normalize"] = forward(self._dtype)
        record["start"], record["start_panel"] = space.zeros.ctypes.data, 0
        record["gain"], record["shift"] = self._vector("gain", layer), self._vector("bias", layer)
        record["is_centred"] = kind != "rms"
        if kind == "batch":
            record["mean"], record["variance"] = self._vector("mean", layer), self._vector("variance", layer)
        if space.training:
            record["normalize_back"] = back(self._dtype)
            record["normalized"] = space.normalized[layer + 1].ctypes.data
            record["scales"] = space.scales[layer + 1].ctypes.data
