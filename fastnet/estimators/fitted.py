"""The fitted network: its parameters as the user may have edited them, and its outputs."""

from functools import lru_cache

import numpy as np
from sklearn.utils.validation import validate_data

from ..network.architecture import Architecture
from ..network.layers import BIAS, FEATURES, UNIT_VECTORS
from ..training.health import quiet, warn_of_outputs
from .inputs.arrays import DTYPES, check_numbers, engine_input, given_dtype, is_plain, named, refuse_sparse

# Fitted attributes with an array for each hidden layer that has one; all layers have weights and biases.
HIDDEN_ATTRIBUTES = (
    "projections_", *(vector.attribute for vector in UNIT_VECTORS.values() if vector not in (BIAS, FEATURES))
)  # fmt: skip

_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


def parameter_places(architecture, layer):
    """Where a layer's parameters stand: of each fitted attribute, whether they are matrices and their number there.

    Those of a feature layer are left out: they are no one array.
    """
    matrix_names = ["coefs_"] * architecture.n_layers + ["projections_"] * len(architecture.projections())
    vector_names = [UNIT_VECTORS[name].attribute for name, _ in architecture.vectors()]
    layers = architecture.matrix_layers(), [layer for _, layer in architecture.vectors()]
    places = {}
    for is_matrix, names, of_layers in ((True, matrix_names, layers[0]), (False, vector_names, layers[1])):
        for number, (name, at) in enumerate(zip(names, of_layers, strict=True)):
            if at == layer and name != FEATURES.attribute:
                places[name] = is_matrix, number
    return places


def parameter_attributes(architecture, matrices, vectors):
    """Fitted attributes that hold an architecture's parameters; a hidden layer without one has None.

    Parameters
    ----------
    architecture : Architecture
        The net.
    matrices, vectors : list of ndarray
        Its parameters, in its order.

    Returns
    -------
    dict of list
        'coefs_' and 'intercepts_', one for each layer, and those of `HIDDEN_ATTRIBUTES` that the net has, one for each
        hidden layer; 'features_', as `feature_numbers` gives them, if there is a feature
        layer.
    """
    n = architecture.n_layers
    attributes = {"coefs_": matrices[:n], "intercepts_": vectors[:n]}
    for layer in range(n - 1):
        for name, (is_matrix, number) in parameter_places(architecture, layer).items():
            if name in HIDDEN_ATTRIBUTES:
                attributes.setdefault(name, [None] * (n - 1))[layer] = (matrices if is_matrix else vectors)[number]
    if architecture.features is not None:
        attributes[FEATURES.attribute] = feature_numbers(architecture, vectors)
    return attributes


def feature_numbers(architecture, vectors):
    """The numbers of the feature layer by their names, as in ``features_``; None if there is no such layer."""
    if architecture.features is None:
        return None
    place, places = (FEATURES.name, 0), architecture.vectors()
    return architecture.features.unpack(vectors[places.index(place)] if place in places else np.empty(0))


def parameter_arrays(architecture, attributes):
    """The other way round: matrices and vectors as they stand in an estimator's attributes, a dict."""
    matrices = [*attributes["coefs_"], *(attributes["projections_"][i] for i in architecture.projections())]
    vectors = []
    for name, i in architecture.vectors():
        given = attributes[UNIT_VECTORS[name].attribute]
        vectors.append(architecture.features.pack(given) if name == FEATURES.name else given[i])
    return matrices, vectors


def view_of(estimator, attributes):
    """An estimator with the attributes of another one, but for those given."""
    # Not copy.copy: that may ask for more than the attributes.
    view = object.__new__(type(estimator))
    vars(view).update(vars(estimator) | attributes)
    return view


def _is_ready(parameter, dtype):
    """Whether an array can be used as it is."""
    return type(parameter) is np.ndarray and parameter.dtype == dtype and parameter.flags.c_contiguous


@lru_cache(256)
def _architecture(units, activations, loss, *others):
    """The same object for the same network: each prediction asks, and what the engine prepares is found by it."""
    return Architecture(units, activations, loss, **dict(zip(Architecture.PREDICTING, others, strict=True)))


def add_offset(loss, outputs, offset, link=True):
    """Predictions, or raw outputs without the link, of raw outputs and an offset of each sample, in their dtype."""
    from ..engine import Link  # only here: the engine brings Numba along

    with quiet():
        outputs = outputs + offset.astype(outputs.dtype)[:, None]
    return Link(loss, outputs.dtype)(outputs) if link else outputs


class FittedNetwork:
    """Mixin of the base class: from ``coefs_``, ``intercepts_`` and the like to outputs."""

    def _network(self):
        """The architecture, without noise, and its parameters as the user may have edited them, in one dtype."""
        architecture = self._architecture()
        matrices, vectors = parameter_arrays(architecture, vars(self))
        dtype = matrices[0].dtype if isinstance(matrices[0], np.ndarray) else None
        if dtype not in DTYPES or not all(_is_ready(p, dtype) for p in (*matrices, *vectors)):
            parameters = [np.asarray(p) for p in (*matrices, *vectors)]
            dtype = np.result_type(*parameters)
            dtype = dtype if dtype in DTYPES else np.dtype(np.float64)
            parameters = [np.ascontiguousarray(p, dtype=dtype) for p in parameters]
            matrices, vectors = parameters[: len(matrices)], parameters[len(matrices) :]
        shapes = tuple(w.shape for w in matrices)
        sizes = [(UNIT_VECTORS[name].size(architecture.layers[i]),) for name, i in architecture.vectors()]
        if shapes != architecture.matrix_shapes() or [b.shape for b in vectors] != sizes:
            names = sorted(parameter_attributes(architecture, matrices, vectors))
            raise ValueError(
                f"The shapes of {' and '.join(names)} do not make a network: got {list(shapes)} and "
                f"{[b.shape for b in vectors]} for {self.n_features_in_} features."
            )
        return architecture, matrices, vectors

    def _output_dtype(self, given, X):
        """The dtype that predictions for X have: scikit-learn's, by the types of X in `fit` and of X now.

        Parameters
        ----------
        given : {array-like, sparse matrix}
            X before it was validated.
        X : ndarray or CSR array
            X after that, in float32 or float64.
        """
        # Not there in a pickle of an earlier version: float64 loses nothing.
        if getattr(self, "_input_dtype", "float64") != "float32":
            return _DOUBLE
        if X.dtype == np.float32 or np.promote_types(np.float32, given_dtype(given)) == np.float32:
            return _SINGLE
        return _DOUBLE

    def _outputs(self, X, link=True):
        """Outputs of the fitted network, one row a sample: predictions, or logits without the link."""
        given = X
        if not is_plain(X, self):  # validation takes as long as all else for one row
            accepted = {"accept_sparse": ("csr", "csc"), "dtype": DTYPES}
            with named(X=X):
                X = engine_input(validate_data(self, X, **accepted, reset=False, ensure_all_finite=False))
        architecture, matrices, vectors = self._network()
        refuse_sparse("X", X, architecture.features)
        dtype, output_dtype = matrices[0].dtype, self._output_dtype(given, X)

        def check():  # outputs do not tell: tanh(inf) is 1, and a ReLU makes 0 of -inf
            check_numbers(X, self, dtype)

        from ..engine import forward  # only here: the engine brings Numba along

        outputs = forward(
            architecture, matrices, vectors, X, n_jobs=self.n_jobs, link=link, output_dtype=output_dtype, check=check
        )
        if not np.isfinite(outputs).all():
            warn_of_outputs(outputs, dtype)
        return outputs

    def _set_network(self, architecture):
        """Keep what makes a network of ``coefs_``, ``intercepts_`` and the like: the counterpart of `_architecture`."""
        self._activations, self._loss = architecture.activations, architecture.loss.for_prediction()
        for name in Architecture.PREDICTING:
            setattr(self, f"_{name}", getattr(architecture, name))
        self.n_outputs_ = architecture.layer_units[-1]
        self.n_layers_ = len(architecture.layer_units)
        self.out_activation_ = architecture.loss.out_activation

    def _architecture(self):
        """Architecture of the fitted network, without noise."""
        features = getattr(self, "_features", None)
        n_inputs = self.n_features_in_ if features is None else features.n_outputs
        units = (n_inputs, *(np.size(b) for b in self.intercepts_))
        # A pickle of a version that had not yet a field means its default.
        others = (getattr(self, f"_{name}", getattr(Architecture, name)) for name in Architecture.PREDICTING)
        return _architecture(units, self._activations, self._loss, *others)
