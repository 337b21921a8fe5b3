"""Predictions of a network as it was at epochs whose weights were kept."""

from collections.abc import Iterator

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .fitted import parameter_attributes, view_of
from .parameters.types import MatrixLike


class Staged:
    """Mixin of both estimators: ``staged_predict``."""

    def staged_predict(self, X: MatrixLike) -> Iterator[np.ndarray]:
        """Predict with the weights of each epoch that was kept, from the first on.

        Needs the callback :class:`fastnet.callbacks.Snapshots` in ``fit``. Warm starts and partial fits add to what was
        kept.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        predictions : iterator of ndarray
            What ``predict`` gave at each of these epochs.

        Raises
        ------
        AttributeError
            If no weights were kept.
        """
        return (stage.predict(X) for stage in self._stages())

    def _stages(self):
        """The estimator as it was at each epoch that a callback has kept."""
        check_is_fitted(self)
        if not hasattr(self, "_snapshots"):
            raise AttributeError(
                "No weights were kept to predict with: fit with callbacks=Snapshots(every=1) of fastnet.callbacks."
            )
        architecture = self._architecture()
        return [
            view_of(self, parameter_attributes(architecture, matrices, vectors))
            for _, matrices, vectors in self._snapshots
        ]
