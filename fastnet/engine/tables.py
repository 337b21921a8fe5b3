"""The records that a compiled function reads, and the arrays whose addresses they hold."""

from scipy.sparse import issparse

from ..kernels.host import tile
from ..kernels.memory import aligned_zeros
from ..network.layers import UNIT_VECTORS
from ..ops.compiled import rows as op_kernels
from . import sparse
from .features import FeatureRecords
from .layers import LayerRecords
from .memory import plan, workspace
from .memory.records import NET, PANEL
from .memory.samples import Samples


class Tables:
    """Records of a net, its data and its memory; the same for training and prediction.

    Parameters
    ----------
    architecture : Architecture
        The net.
    layout : Layout
        Where its parameters stand.
    flat, twins : ndarray
        Parameters and, for training, transposed twins; else None.
    X : ndarray or CSR array of shape (n_samples, n_features)
        Samples.
    n_rows : int
        Rows of a batch.
    n_threads : int
        Threads at most.
    keep_z : bool, default=False
        Whether to keep each hidden layer's z; all rows are then one chunk.

    Attributes
    ----------
    record : record of NET
        The whole.
    net, layers, panels : ndarray of NET, LAYER and PANEL
        What the compiled functions get.
    samples, workspace : Samples, Workspace
        The data and the memory.
    """

    def __init__(self, architecture, layout, flat, twins, X, n_rows, n_threads, keep_z=False):
        dtype, shape, training = flat.dtype, tile(flat.dtype), twins is not None
        most = max(workspace.MAX_ROWS, n_rows) if training else workspace.PREDICT_ROWS
        entries = None if keep_z else sparse.largest_entries(X, training, most)
        self.workspace = workspace.Workspace(
            architecture, shape, dtype, n_rows, training, keep_z, n_threads, entries
        )
        self._layer_records = LayerRecords(architecture, layout, flat, twins, self.workspace)
        self._loss_parameters = op_kernels.parameter_array(architecture.loss, dtype)
        self.layers = self._layer_records.table
        self.panels, cost = aligned_zeros(0, PANEL), 0
        if training:  # only updates are shared out by panels
            self.panels, cost = plan.panel_records(architecture, layout, shape, entries is not None)
        self.net = aligned_zeros(1, NET)
        self.record = self.net[0]
        self.record["address"], self.record["first_layer"], self.record["first_panel"] = self.addresses
        self.workspace.enter(self.record["workspace"])
        self.samples = Samples(self.record["samples"], X)
        if issparse(X):
            sparse.set_up(self.record["passes"], dtype, entries is not None, training)
        self._set_shape(architecture, cost)
        self._features = None
        if architecture.features is not None:
            batch = self.record["features"], architecture, layout, X, self.workspace, n_threads, n_rows
            self._features = FeatureRecords(*batch)
        head = self.record["head"]
        head["training"], head["loss_parameters"] = training, self._loss_parameters.ctypes.data
        head["loss"] = op_kernels.loss(architecture.loss, dtype) if training else 0

    def set_dropout(self, factor):
        """Drop with the architecture's probabilities times a factor in [0, 1]."""
        self._layer_records.set_dropout(factor)

    def _set_shape(self, architecture, cost):
        shape = self.record["shape"]
        shape["n_layers"], shape["n_matrices"], shape["n_panels"] = (
            architecture.n_layers, len(self.layers), len(self.panels)
        )  # fmt: skip
        shape["segment_layers"] = 1 if architecture.normalization == "batch" else architecture.n_layers
        shape["n_terms"] = 1 + max(UNIT_VECTORS[name].terms or 0 for name, _ in architecture.vectors())
        shape["n_frozen"], shape["total_cost"] = architecture.n_frozen, cost

    @property
    def addresses(self):
        """Addresses of the net's record, of the layers' and of the panels'."""
        return self.net.ctypes.data, self.layers.ctypes.data, self.panels.ctypes.data
