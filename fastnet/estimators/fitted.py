"""The fitted network: its parameters as the user may have edited them, and its outputs."""

from itertools import pairwise

import numpy as np
from sklearn.utils.validation import validate_data

from ..network.architecture import Architecture
from .data import DTYPES, check_fits, engine_input


class FittedNetwork:
    """Mixin of the base class: from ``coefs_`` and ``intercepts_`` to outputs."""

    def _parameters(self):
        """``coefs_`` and ``intercepts_`` as the user may have edited them, checked, in one dtype."""
        parameters = [np.asarray(p) for p in (*self.coefs_, *self.intercepts_)]
        dtype = np.result_type(*parameters)
        dtype = dtype if dtype in DTYPES else np.dtype(np.float64)
        parameters = [np.ascontiguousarray(p, dtype=dtype) for p in parameters]
        coefs, intercepts = parameters[: len(self.coefs_)], parameters[len(self.coefs_) :]
        units = [self.n_features_in_, *(b.size for b in intercepts)]
        if [w.shape for w in coefs] != list(pairwise(units)) or any(b.ndim != 1 for b in intercepts):
            raise ValueError(
                "The shapes of coefs_ and intercepts_ do not make a network: got "
                f"{[w.shape for w in coefs]} and {[b.shape for b in intercepts]} for "
                f"{self.n_features_in_} features."
            )
        return coefs, intercepts

    def _outputs(self, X, link=True):
        """Outputs of the fitted network, one row a sample: predictions, or logits without the link."""
        X = engine_input(validate_data(self, X, accept_sparse=("csr", "csc"), dtype=DTYPES, reset=False))
        coefs, intercepts = self._parameters()

        from ..engine import forward  # only here: the engine brings Numba along

        outputs = forward(self._architecture(coefs), coefs, intercepts, X, n_jobs=self.n_jobs, link=link)
        if X.dtype.itemsize > outputs.dtype.itemsize and not np.isfinite(outputs).all():
            check_fits("X", X, outputs.dtype)
        return outputs

    def _set_network(self, architecture):
        """Keep what makes a network of ``coefs_`` and ``intercepts_``: the counterpart of `_architecture`."""
        self._activations, self._loss = architecture.activations, architecture.loss
        self._residual = architecture.residual
        self.n_outputs_ = architecture.layer_units[-1]
        self.n_layers_ = len(architecture.layer_units)
        self.out_activation_ = architecture.loss.out_activation

    def _architecture(self, coefs):
        """Architecture of the fitted network, without noise."""
        units = (coefs[0].shape[0], *(w.shape[1] for w in coefs))
        return Architecture(units, self._activations, self._loss, residual=self._residual)
