"""The records of all layers: where weights, activations and deltas are, and which functions take them on."""

from ..kernels.memory import aligned_zeros
from ..network.layers import UNIT_VECTORS
from ..ops.compiled import rows as op_kernels
from .functions import address
from .memory.records import LAYER, vector_field


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
        self.set_dropout(1.0)

    def set_dropout(self, factor):
        """Drop with the architecture's probabilities times a factor in [0, 1]."""
        for record, layer in zip(self.table, self._architecture.layers, strict=False):
            rate = factor * layer.dropout
            record["drop_threshold"] = min(round(rate * 2**32), 2**32 - 1)
            record["drop_scale"] = 1.0 / (1.0 - rate)

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

    def _set_units(self, record, number):
        """What a layer's units have besides their weights."""
        space, above, layer = self._space, number + 1, self._architecture.layers[number]
        record["residual"] = layer.skip == "identity"
        record["start_panel"] = space.tile.panel
        if layer.activation is None:
            record["output_row"], record["output_panel"] = space.output_row, space.tile.panel
        else:
            self._set_activation(record, number, layer)
            self._set_normalization(record, number, layer)
        self._set_vectors(record, number, layer)
        if space.training:
            record["delta"] = space.deltas[above].ctypes.data

    def _set_vectors(self, record, number, layer):
        """Addresses of the vectors of a layer's units, and of the terms of their gradients."""
        space, above = self._space, number + 1
        for name, vector in UNIT_VECTORS.items():
            if not vector.belongs(layer):
                continue
            at = self._layout.offset(name, number) * self._dtype.itemsize
            record[vector_field(vector, layer)] = self._flat.ctypes.data + at
            if space.training and vector.terms is not None:
                terms = space.terms[vector.terms, above] if vector.own_terms(layer) else space.deltas[above]
                record["terms"][vector.terms] = terms.ctypes.data

    def _set_activation(self, record, number, layer):
        op, space, above = layer.activation, self._space, number + 1
        source = space.activations[above]
        # What is kept for other reasons, too, comes first: the derivative reads the last that there is.
        if above in space.raw:
            record["raw"] = space.raw[above].ctypes.data
            source = space.raw[above]
        if above in space.z:
            record["z"] = space.z[above].ctypes.data
        if above in space.derivatives:
            source = space.derivatives[above]
            record["derivative"] = source.ctypes.data
        record["source"] = source.ctypes.data
        record["parameters"] = self._parameters[number].ctypes.data
        activate = op_kernels.activate_and_derive if record["derivative"] else op_kernels.activate
        record["activate"] = activate(op, self._dtype)
        record["derive"] = op_kernels.derive(op, self._dtype) if space.training else 0

    def _set_normalization(self, record, number, layer):
        kind, space = layer.normalization, self._space
        if kind is None:
            return
        forward = "normalize_columns" if kind == "batch" else "normalize_rows"
        record["normalize"] = address(forward, self._dtype)
        record["start"], record["start_panel"] = space.zeros.ctypes.data, 0
        record["is_centred"] = kind != "rms"
        if space.training:
            record["normalize_back"] = address(f"{forward}_back", self._dtype)
            record["normalized"] = space.normalized[number + 1].ctypes.data
            record["scales"] = space.scales[number + 1].ctypes.data
