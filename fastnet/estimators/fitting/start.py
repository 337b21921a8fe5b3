"""Where training starts: with draws, with the first layers of a fitted network, or where it ended."""

import numpy as np

from ...network.draws import draw_layer, initialize
from ...network.initializers import GlorotUniform
from ...network.layers import FEATURES, UNIT_VECTORS
from ...ops.numbers import shown
from ..fitted import HIDDEN_ATTRIBUTES, parameter_places
from ..inputs.arrays import check_fits


def initial_parameters(settings, architecture, random_state, dtype):
    """Parameters of a new network, as ``init``, ``output_init``, ``bias_init`` and ``use_bias`` ask for.

    What depends on the data comes later: see `data_start.fit_to_data`.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    architecture : Architecture
        The network.
    random_state : numpy.random.RandomState
        Source of the draws. All layers are drawn, also those that then come from a fitted network, so that the
        others do not depend on it; then the projections, then biases of ``bias_init='normal'``, and last the feature
        layer.
    dtype : numpy.dtype
        Type of the result.

    Returns
    -------
    matrices, vectors : list of ndarray
        In the architecture's order. Gains begin as 1, slopes as the activation says.
    n_transferred : int or None
        Number of layers that come from a fitted network; None if ``init`` is none.

    Raises
    ------
    ValueError
        If ``init`` is an estimator that cannot give its first layer.
    """
    init, output_init = settings.initializer or GlorotUniform(), settings.output_initializer
    bias_init = None if isinstance(settings.bias_init, str) else settings.bias_init
    units, activations = architecture.layer_units, settings.activations
    matrices, vectors = initialize(units, activations, init, bias_init, random_state, dtype, output_init)
    if not settings.use_bias:
        vectors = [np.zeros_like(biases) for biases in vectors]
    for layer in architecture.projections():
        matrices.append(draw_layer(units[layer], units[layer + 1], activations[layer], init, random_state, dtype)[0])
    if settings.bias_init == "normal":
        for i in range(architecture.n_layers - (output_init is not None)):
            vectors[i] = random_state.normal(size=vectors[i].shape).astype(dtype)
    for name, number in architecture.vectors()[architecture.n_layers :]:
        layer = architecture.layers[number]
        if name != FEATURES.name:
            vectors.append(np.full(layer.units, UNIT_VECTORS[name].begin(layer), dtype))
            continue
        vectors.append(architecture.features.draw(random_state, dtype))
    if settings.source is None:
        return matrices, vectors, None
    taken = take_layers(settings.source, architecture, matrices, vectors)
    if settings.verbose:
        names = "-".join(map(str, units[: taken + 1]))
        print(f"{taken} of {architecture.n_layers} layers begin with the weights of init's network: {names}.")
    return matrices, vectors, taken


def begin_features(architecture, vectors, X, rows):
    """Change, in place, what a feature layer takes from the training samples: these rows of X."""
    place = (FEATURES.name, 0)
    if place in architecture.vectors():
        architecture.features.look_at(vectors[architecture.vectors().index(place)], X, rows)


def source_parameters(init):
    """Weights and biases of the fitted network that ``init`` is.

    Parameters
    ----------
    init : estimator
        With ``coefs_`` and ``intercepts_``, such as a fitted perceptron of fastnet or scikit-learn, or a
        ``FrozenEstimator`` around one.

    Returns
    -------
    coefs : list of ndarray of shape (fan_in, fan_out)
    intercepts : list of ndarray of shape (fan_out,)

    Raises
    ------
    ValueError
        If it is not fitted or no such network, or has numbers that are not finite.
    """
    try:
        coefs, intercepts = init.coefs_, init.intercepts_
    except Exception as error:  # of a property, it may be any
        raise ValueError(
            f"init must be a fitted multilayer perceptron, whose weights to begin with: {shown(init)} has no coefs_ "
            "and intercepts_. Fit it first. If it was fitted, then clone, which cross-validation and grid search call, "
            "has taken its weights away: give init=FrozenEstimator(estimator), from sklearn.frozen."
        ) from error
    coefs, intercepts = _arrays(init, "coefs_", coefs, 2), _arrays(init, "intercepts_", intercepts, 1)
    if not coefs or len(coefs) != len(intercepts):
        raise ValueError(
            f"init must have weights and biases of each layer, {shown(init)} has {len(coefs)} coefs_ and "
            f"{len(intercepts)} intercepts_: leave them as they were fitted."
        )
    return coefs, intercepts


def _arrays(init, name, given, ndim):
    """A fitted attribute of another network as arrays of finite numbers, one a layer; raises ValueError."""
    try:
        arrays = [np.asarray(array) for array in given]
    except Exception as error:  # whatever an object of a user's raises
        raise ValueError(
            f"init must have {name} that hold one array for each layer, {shown(init)} has not: leave them as they were "
            "fitted."
        ) from error
    for array in arrays:
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(f"init must have finite weights, {shown(init)} has not in {name}.")
        if array.ndim != ndim:
            raise ValueError(
                f"init must have {name} of {ndim} dimension(s), {shown(init)} has {array.ndim}: leave them as they "
                "were fitted."
            )
    return arrays


def take_layers(init, architecture, matrices, vectors):
    """Replace the first of freshly drawn layers, as long as shapes match, by those of a fitted network.

    A layer's gains, slopes and statistics come along; its projection too.

    Parameters
    ----------
    init : estimator
        The fitted network.
    architecture : Architecture
        The new network.
    matrices, vectors : list of ndarray
        All parameters of the new network, changed in place. They keep their dtype.

    Returns
    -------
    int
        Number of layers taken, at least 1.

    Raises
    ------
    ValueError
        If not even the first layer matches, the other network has another feature layer, a layer has parameters that
        the other network's has not, or a number is too large for the dtype.
    """
    taken = 0
    coefs, intercepts = source_parameters(init)
    _take_features(init, architecture, vectors)
    for layer, (weights, biases) in enumerate(zip(coefs, intercepts, strict=True)):
        same_place = layer < architecture.n_layers
        if not same_place or weights.shape != matrices[layer].shape or biases.shape != vectors[layer].shape:
            break
        if not architecture.use_bias and biases.any():
            raise ValueError("use_bias=False cannot take over the biases of init's network: set use_bias=True.")
        _take(init, architecture, layer, {"coefs_": weights, "intercepts_": biases}, matrices, vectors)
        taken += 1
    if not taken:
        raise ValueError(
            f"init's network does not match: its first layer has weights of shape {coefs[0].shape}, that of "
            f"this network {matrices[0].shape}. Set hidden_layer_sizes to begin as there, and fit on as many features."
        )
    return taken


def _take(init, architecture, layer, source, matrices, vectors):
    """Replace all parameters of one layer; `source` has its weights and biases."""
    places = parameter_places(architecture, layer)
    if layer < architecture.n_layers - 1:
        for name in HIDDEN_ATTRIBUTES:
            array = _of_layer(init, name, layer)
            if (array is None) != (name not in places):
                raise ValueError(
                    f"init's network {'has' if array is not None else 'has no'} {name} in layer {layer}, this one "
                    f"{'has none' if array is not None else 'has'}: give both the same activation, normalization and "
                    "residual."
                )
            if array is not None:
                source[name] = _arrays(init, name, [array], 2 if name == "projections_" else 1)[0]
    for name, (is_matrix, number) in places.items():
        target, array = (matrices if is_matrix else vectors), source[name]
        if array.shape != target[number].shape:
            raise ValueError(
                f"init's network has {name} of shape {array.shape} in layer {layer}, this one of shape "
                f"{target[number].shape}: leave them as they were fitted."
            )
        check_fits("init", array, target[number].dtype)
        target[number] = np.array(array, dtype=target[number].dtype, order="C")


def _take_features(init, architecture, vectors):
    """Replace the numbers of the feature layer; raises ValueError where the other network has another one."""
    theirs, ours = getattr(init, "_features", None), architecture.features
    if theirs != ours:
        raise ValueError(
            "init's network has another feature layer, or other columns or levels of it: give both networks the same "
            "features and input_scale, and the same n_levels."
        )
    place = (FEATURES.name, 0)
    if place in architecture.vectors():
        number = architecture.vectors().index(place)
        vector = ours.pack(init.features_)
        if not np.isfinite(vector).all():
            raise ValueError(f"init must have finite numbers, {shown(init)} has not in features_.")
        check_fits("init", vector, vectors[number].dtype)
        vectors[number] = vector.astype(vectors[number].dtype)


def _of_layer(init, name, layer):
    """What a fitted network has of some kind in a layer, None if it has none; raises ValueError."""
    given = getattr(init, name, None)
    if given is None:
        return None
    try:
        return list(given)[layer]
    except (IndexError, TypeError) as error:
        raise ValueError(
            f"init must have {name} that hold one entry for each hidden layer, {shown(init)} has not: leave them as "
            "they were fitted."
        ) from error


def check_same_network(estimator, fitted, architecture, vectors):
    """Raise ValueError unless training can go on: with the layers and the kind of output it began with.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    fitted, architecture : Architecture
        The fitted network, and what is asked for now.
    vectors : list of ndarray
        Of the fitted network.
    """
    if fitted.features != architecture.features:
        raise ValueError(
            "warm_start and partial_fit go on with the fitted network, which has another feature layer than "
            f"features={shown(estimator.features)} and input_scale={estimator.input_scale} now ask for. Restore these, "
            "or train a new network: fit with warm_start=False."
        )
    if fitted.layer_units != architecture.layer_units:
        raise ValueError(
            "warm_start and partial_fit go on with the fitted network, whose layers have "
            f"{fitted.layer_units} units, but hidden_layer_sizes, X and y now ask for {architecture.layer_units}. "
            "Restore hidden_layer_sizes, or train a new network: fit with warm_start=False."
        )
    per_target = fitted.loss.outputs_per_target, architecture.loss.outputs_per_target
    if per_target[0] != per_target[1]:
        raise ValueError(
            f"warm_start and partial_fit go on with the fitted network, which has {per_target[0]} output(s) for each "
            f"target, but loss={estimator.loss!r} now asks for {per_target[1]}. Restore loss, or train a new network: "
            "fit with warm_start=False."
        )
    if estimator.out_activation_ != architecture.loss.out_activation:
        raise ValueError(
            "warm_start and partial_fit go on with the fitted network, whose output activation is "
            f"{estimator.out_activation_!r}, but y and the loss now ask for {architecture.loss.out_activation!r}. "
            "Train a new network: fit with warm_start=False."
        )
    if fitted.projections() != architecture.projections() or fitted.vectors() != architecture.vectors():
        raise ValueError(
            "warm_start and partial_fit go on with the fitted network, which has other parameters than activation="
            f"{estimator.activation!r}, normalization={estimator.normalization!r} and residual={estimator.residual!r} "
            "now ask for. Restore these, or train a new network: fit with warm_start=False."
        )
    if not architecture.use_bias and any(b.any() for b in vectors[: fitted.n_layers]):
        raise ValueError(
            "use_bias=False cannot go on with a network whose intercepts_ are not zero: set them to zero, set "
            "use_bias=True, or train a new network: fit with warm_start=False."
        )
