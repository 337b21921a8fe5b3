"""Estimators that leave the process: pickles with a version, and the way to scikit-learn."""

import warnings
from inspect import Parameter, signature

from sklearn import neural_network
from sklearn.exceptions import InconsistentVersionWarning

from ...training.history import History
from ...training.optimizer_state import OptimizerState
from ...version import __version__
from ..targets.columns import ColumnEncoder
from .to_sklearn import to_sklearn

# Fitted attributes of classes that nobody else knows: pickled as the plain data that they hold.
_PRIVATE = {"_optimizer": OptimizerState, "_label_binarizer": ColumnEncoder, "history_": History}


class Portable:
    """Mixin before ``BaseEstimator``: a pickle knows the version that wrote it, and warns in any other."""

    def __getstate__(self):
        state = {**super().__getstate__(), "_fastnet_version": __version__}
        for name, cls in _PRIVATE.items():
            if isinstance(state.get(name), cls):
                state[name] = dict(vars(state[name]))
        # The estimator that a scorer sees in training predicts by the engine: a copy of it does without.
        state.pop("_outputs", None)
        return state

    def __setstate__(self, state):
        state = dict(state)
        written_by = state.pop("_fastnet_version", "unknown")
        if written_by != __version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=f"fastnet.{type(self).__name__}",
                    current_sklearn_version=__version__,
                    original_sklearn_version=written_by,
                ),
                stacklevel=2,
            )
        for name, cls in _PRIVATE.items():
            if isinstance(state.get(name), dict):
                state[name], plain = cls.__new__(cls), state[name]
                vars(state[name]).update(plain)
        # A version that had not yet a parameter did what its default does.
        declared = signature(type(self).__init__).parameters
        names = [name for name in self._get_param_names() if declared[name].default is not Parameter.empty]
        super().__setstate__({**{name: declared[name].default for name in names}, **state})

    def to_sklearn(self) -> neural_network.MLPClassifier | neural_network.MLPRegressor:
        """Convert to the estimator of scikit-learn, fitted if this one is.

        The counterpart of :func:`fastnet.from_sklearn`. The copy predicts the same, up to rounding, and with 'sgd' and
        'adam' it goes on training from where this one is, with the optimizer's moments. It needs scikit-learn alone,
        also to be unpickled. ``dtype`` and ``n_jobs``, which say how to compute, have no counterpart; weights keep
        their dtype.

        Returns
        -------
        sklearn.neural_network.MLPClassifier or sklearn.neural_network.MLPRegressor
            The converted estimator. It shares no array with this one.

        Raises
        ------
        ValueError
            If scikit-learn cannot predict the same, such as for ``activation='elu'`` or ``residual=True``; or
            if this estimator is not fitted and scikit-learn cannot train the same, such as for ``dropout=0.5``.

        Warns
        -----
        UserWarning
            If this estimator is fitted and only its training cannot be expressed: the predictions are the same,
            but parameters such as ``dropout`` are left out.

        Examples
        --------
        >>> from fastnet import MLPRegressor
        >>> net = MLPRegressor(hidden_layer_sizes=5, solver="lbfgs", max_iter=500, random_state=0)
        >>> copy = net.fit([[0.0], [1.0], [2.0]], [0, 1, 2]).to_sklearn()
        >>> copy
        MLPRegressor(hidden_layer_sizes=5, max_iter=500, random_state=0, solver='lbfgs')
        >>> bool(abs((copy.predict([[1.5]]) - net.predict([[1.5]])).item()) < 1e-6)
        True
        """
        return to_sklearn(self)
