"""To scikit-learn's multilayer perceptrons.

Only this folder touches what scikit-learn keeps private in them: the optimizer, the label binarizer, the count of
epochs without an improvement, the random state.
"""

import warnings
from copy import deepcopy
from dataclasses import fields

import numpy as np
from sklearn import neural_network
from sklearn.base import clone, is_classifier
from sklearn.preprocessing import LabelBinarizer

from ...network.architecture import Architecture
from ...network.initializers import INITIALIZERS
from ...ops.activations import ACTIVATIONS
from ...ops.losses import LogLoss, Poisson, SquaredError
from ..parameters import (
    NOISE,
    classification_loss,
    hidden_units,
    is_stochastic,
    layer_activations,
    penalties,
    plain_parameters,
    regression_loss,
)
from ..targets.scaling import fitted_scale
from .optimizers import optimizer_to_sklearn, solver_parameters
from .shared import copy_attributes, copy_requests

_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")

# Parameters of ours that say how to compute, and who watches: nothing is lost without them.
_COMPUTATION = ("dtype", "n_jobs", "callbacks")

# Parameters of ours that predictions depend on. All others that scikit-learn has not matter in training only.
_PREDICTION = (*Architecture.PREDICTING, "input_scale", "calibration")


def to_sklearn(net):
    """The estimator of scikit-learn: see `Portable.to_sklearn`."""
    theirs = neural_network.MLPClassifier if is_classifier(net) else neural_network.MLPRegressor
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
    copy_requests(net, mlp)
    if not fitted:
        return mlp
    copy_attributes(net, mlp)
    scale = fitted_scale(net)
    if scale is not None:  # the output is linear: its layer can give targets in their own unit
        dtype = mlp.coefs_[-1].dtype
        mlp.coefs_[-1] = (mlp.coefs_[-1] * scale.scale).astype(dtype)
        mlp.intercepts_[-1] = scale.restore(mlp.intercepts_[-1][None].astype(np.float64))[0].astype(dtype)
    # What early stopping falls back to in a warm start.
    mlp._best_coefs, mlp._best_intercepts = deepcopy(mlp.coefs_), deepcopy(mlp.intercepts_)
    # Moments of scaled gradients would mean nothing there.
    their_optimizer = optimizer_to_sklearn(net, mlp) if scale is None else None
    if their_optimizer is not None:
        mlp._optimizer = their_optimizer
    return mlp


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
    default, given = (mlp.get_params(deep=False) for mlp in (type(net)(), net))
    for name in _PREDICTION:
        if name in given and given[name] != default[name]:
            _refuse(name, given[name], theirs)
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
    handled = {*theirs._get_param_names(), "loss", *_COMPUTATION, *_PREDICTION}
    lost = [name for name in params if name not in handled and not _is_default(name, params[name], default[name])]
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
    params["verbose"] = bool(params["verbose"]) if isinstance(params["verbose"], str) else params["verbose"]
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
