"""To scikit-learn's multilayer perceptrons, and from them.

Only this file and ``sklearn_optimizers.py`` touch what scikit-learn keeps private in them: the optimizer, the label
binarizer, the count of epochs without an improvement, the random state.
"""

import warnings
from copy import deepcopy
from dataclasses import fields

import numpy as np
from sklearn import neural_network
from sklearn.base import clone, is_classifier
from sklearn.preprocessing import LabelBinarizer

from ..network.architecture import Architecture
from ..network.initializers import INITIALIZERS
from ..ops.activations import ACTIVATIONS
from ..ops.losses import LOSSES, LogLoss, Poisson, SquaredError
from .classifier import MLPClassifier
from .parameters import (
    NOISE,
    classification_loss,
    hidden_units,
    is_stochastic,
    layer_activations,
    penalties,
    plain_parameters,
    regression_loss,
)
from .regressor import MLPRegressor
from .sklearn_optimizers import optimizer_to_sklearn, solver_parameters, state_from_sklearn

# Fitted attributes with the same meaning on both sides.
_SHARED_ATTRIBUTES = (
    "classes_", "n_features_in_", "feature_names_in_", "n_outputs_", "n_layers_", "out_activation_", "n_iter_", "t_",
    "loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_",
    "_label_binarizer", "_no_improvement_count", "_random_state",
)  # fmt: skip

_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")

# Parameters of ours that say how to compute: nothing is lost without them.
_COMPUTATION = ("dtype", "n_jobs")

# Parameters of ours that matter in training only. All others, where they are not the default, change predictions.
_TRAINING = (
    "warmup", "validation_split", "scoring", "restore_best_weights", "max_time", "l1_ratio", "clip_value", "clip_norm",
    "max_norm", "ema_decay", "dropout", "input_dropout", "drop_connect", "input_noise", "init", "bias_init", "use_bias",
    "freeze", "class_weight",
)  # fmt: skip


def from_sklearn(
    mlp: neural_network.MLPClassifier | neural_network.MLPRegressor,
) -> MLPClassifier | MLPRegressor:
    """Convert a multilayer perceptron of scikit-learn, fitted or not.

    Parameters, weights, classes, the history and the optimizer's moments are taken over: predictions are the same,
    up to rounding, and ``partial_fit`` and ``warm_start`` go on from where ``mlp`` was. ``dtype`` is 'input', the
    type that scikit-learn computes in; ``set_params(dtype="auto")`` makes the next ``fit`` faster.

    Parameters
    ----------
    mlp : sklearn.neural_network.MLPClassifier or sklearn.neural_network.MLPRegressor
        What to convert. It does not change.

    Returns
    -------
    MLPClassifier or MLPRegressor
        The estimator of fastnet. It shares no array with ``mlp``.

    Raises
    ------
    ValueError
        If ``mlp`` is something else.

    See Also
    --------
    MLPClassifier.to_sklearn : The other direction, for the classifier.
    MLPRegressor.to_sklearn : The other direction, for the regressor.

    Examples
    --------
    >>> import fastnet
    >>> from sklearn.neural_network import MLPClassifier
    >>> mlp = MLPClassifier((5,), solver="lbfgs", random_state=0).fit([[0.0], [1.0], [2.0]], ["a", "a", "b"])
    >>> fastnet.from_sklearn(mlp).predict([[0.1], [1.9]])
    array(['a', 'b'], dtype='<U1')
    """
    ours, theirs = next((pair for pair in _PAIRS if isinstance(mlp, pair[1])), (None, None))
    if ours is None or theirs is None:
        raise ValueError(
            "mlp must be an MLPClassifier or MLPRegressor of sklearn.neural_network, "
            f"got {type(mlp).__name__}. Of a pipeline or search, give the estimator inside, such as pipeline[-1]."
        )
    params = clone(mlp).get_params(deep=False)
    net = ours(**{name: params[name] for name in theirs._get_param_names()}, dtype="input")
    _copy_requests(mlp, net)
    if not hasattr(mlp, "coefs_"):
        return net
    _copy_attributes(mlp, net)
    units = (net.coefs_[0].shape[0], *(w.shape[1] for w in net.coefs_))
    if is_classifier(net):
        several_labels = net._label_binarizer.y_type_.startswith("multilabel")
        loss = LogLoss().for_classes(len(net.classes_), several_labels)
    else:
        loss = LOSSES[mlp.loss]
    net._set_network(Architecture(units, (ACTIVATIONS[mlp.activation],) * (len(units) - 2), loss))
    net._input_dtype = net.coefs_[0].dtype.name
    state = state_from_sklearn(mlp, net.coefs_[0].dtype)
    if state is not None:
        net._optimizer = state
    return net


def to_sklearn(net):
    """The estimator of scikit-learn: see `Portable.to_sklearn`."""
    theirs = next(theirs for ours, theirs in _PAIRS if isinstance(net, ours))
    fitted = hasattr(net, "coefs_")
    # The fitted network predicts with what it was fitted with, also if the parameters have changed since.
    architecture = net._architecture() if fitted else _planned(net)
    params = {name: clone(value, safe=False) for name, value in net.get_params(deep=False).items()}
    params, lost = _shared_parameters(net, params, theirs)
    params["activation"] = _activation(net, architecture.activations)
    _refuse_other_networks(net, architecture, theirs)

    if not is_classifier(net):
        params["loss"] = "poisson" if architecture.loss.out_activation == "exp" else "squared_error"
    expected = LogLoss if is_classifier(net) else Poisson if params["loss"] == "poisson" else SquaredError
    if _loss(net) != expected():
        lost.append("loss")
    _tell(net, lost, theirs, fitted)

    mlp = theirs(**params)
    _copy_requests(net, mlp)
    if not fitted:
        return mlp
    _copy_attributes(net, mlp)
    # What early stopping falls back to in a warm start.
    mlp._best_coefs, mlp._best_intercepts = deepcopy(mlp.coefs_), deepcopy(mlp.intercepts_)
    their_optimizer = optimizer_to_sklearn(net, mlp)
    if their_optimizer is not None:
        mlp._optimizer = their_optimizer
    return mlp


_PAIRS = (
    (MLPClassifier, neural_network.MLPClassifier),
    (MLPRegressor, neural_network.MLPRegressor),
)


def _copy_attributes(source, target):
    for name in _SHARED_ATTRIBUTES:
        if hasattr(source, name):
            setattr(target, name, deepcopy(getattr(source, name)))
    for name in ("coefs_", "intercepts_"):
        setattr(target, name, [np.array(p, order="C") for p in getattr(source, name)])


def _copy_requests(source, target):
    """What metadata ``set_fit_request`` and the like ask for, as far as the target's methods take it."""
    if not hasattr(source, "_metadata_request"):
        return
    asked, target._metadata_request = source.get_metadata_routing(), target.get_metadata_routing()
    for method in ("fit", "partial_fit", "score"):
        known = getattr(target._metadata_request, method)
        for name, alias in getattr(asked, method).requests.items():
            if name in known.requests:
                known.add_request(param=name, alias=alias)


# ---- what scikit-learn cannot express --------------------------------------------------------------------


def _loss(net):
    return classification_loss(net) if is_classifier(net) else regression_loss(net)


def _planned(net):
    """The architecture of a network that is not fitted, with one feature and one output."""
    hidden = hidden_units(net.hidden_layer_sizes)
    activations = layer_activations(net.activation, len(hidden))[:-1]
    loss = _loss(net)
    return Architecture((1, *hidden, 1), activations, loss)


def _activation(net, activations):
    """The one name that scikit-learn has for the activations of all layers; raises ValueError."""
    names = [next((name for name in _ACTIVATIONS if ACTIVATIONS[name] == a), None) for a in set(activations)]
    if not activations:
        return net.activation if net.activation in _ACTIVATIONS else "identity"
    if len(names) > 1 or names[0] is None:
        raise ValueError(
            f"scikit-learn has one activation for all layers, one of {', '.join(map(repr, _ACTIVATIONS))}: the "
            f"network's activation={_described(activations)} cannot be converted. Fit with one of these."
        )
    return names[0]


def _described(activations):
    return repr(activations[0] if len(set(activations)) == 1 else list(activations))


def _refuse_other_networks(net, architecture, theirs):
    """Raise ValueError if the network predicts in a way that scikit-learn does not know."""
    known = {*theirs._get_param_names(), "loss", *_COMPUTATION, *_TRAINING}
    default = type(net)().get_params(deep=False)
    for name, value in net.get_params(deep=False).items():
        if name not in known and value != default[name]:
            _refuse(name, value, theirs)
    plain = Architecture(architecture.layer_units, architecture.activations, architecture.loss)
    for field in fields(architecture):
        value = getattr(architecture, field.name)
        if value != getattr(plain, field.name):
            _refuse(field.name, value, theirs)
    links = ("softmax", "logistic") if is_classifier(net) else ("identity", "exp")
    if architecture.loss.out_activation not in links:
        _refuse("loss", architecture.loss, theirs)
    if hasattr(net, "temperature_"):  # the parameter may have changed since
        _refuse("temperature_", net.temperature_, theirs)
    if hasattr(net, "_label_binarizer") and not isinstance(net._label_binarizer, LabelBinarizer):
        raise ValueError(f"scikit-learn's {theirs.__name__} has no such targets: y has several columns of classes.")


def _refuse(name, value, theirs):
    raise ValueError(
        f"scikit-learn's {theirs.__name__} cannot predict with {name}={value!r}: only a network without it can be "
        "converted."
    )


def _shared_parameters(net, params, theirs):
    """The parameters that scikit-learn has too, and the names of those that it cannot train with."""
    default = type(net)().get_params(deep=False)
    lost = [name for name in _TRAINING if name in params and not _is_default(name, params[name], default[name])]
    params = {name: params[name] for name in theirs._get_param_names()}

    asked = plain_parameters(net)
    l1, l2 = penalties(asked, len(hidden_units(asked.hidden_layer_sizes)) + 1)
    alpha = np.add(l1, l2)
    if (alpha == alpha[0]).all():
        params["alpha"] = params["alpha"] if np.ndim(params["alpha"]) == 0 else float(alpha[0])
    else:
        lost.append("alpha")
    if params["batch_size"] is None:
        lost.append("batch_size")
    if params["n_iter_no_change"] is None:
        params["n_iter_no_change"] = np.inf  # as many epochs, with a warning
    if is_stochastic(net):
        solver, unknown = solver_parameters(net)
        params.update(solver)
        lost += unknown
    for name in lost:
        if name in params:
            params[name] = getattr(theirs(), name)
    return params, lost


def _is_default(name, value, default):
    if name in NOISE:
        return not np.any(value)  # also dropout=[0.0, 0.0]
    return value == default or name == "init" and value == INITIALIZERS[default]


def _tell(net, lost, theirs, fitted):
    """Raise ValueError, or warn, if scikit-learn cannot train in the same way."""
    if not lost:
        return
    lost = " and ".join(f"{name}={getattr(net, name)!r}" for name in dict.fromkeys(lost))
    if not fitted:
        raise ValueError(
            f"scikit-learn's {theirs.__name__} cannot train with {lost}: set the default, or fit before you convert."
        )
    warnings.warn(
        f"scikit-learn's {theirs.__name__} cannot train with {lost}. The converted network predicts the same; trained "
        "on or anew, it does without.",
        stacklevel=4,
    )
