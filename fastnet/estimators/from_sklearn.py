"""From scikit-learn's multilayer perceptrons."""

from sklearn import neural_network
from sklearn.base import clone, is_classifier

from ..network.architecture import Architecture
from ..ops.activations import ACTIVATIONS
from ..ops.losses import LOSSES, LogLoss
from .classifier import MLPClassifier
from .exchange.optimizers import state_from_sklearn
from .exchange.shared import copy_attributes, copy_requests
from .regressor import MLPRegressor

# Ours and theirs.
_PAIRS = (
    (MLPClassifier, neural_network.MLPClassifier),
    (MLPRegressor, neural_network.MLPRegressor),
)


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
    copy_requests(mlp, net)
    if not hasattr(mlp, "coefs_"):
        return net
    copy_attributes(mlp, net)
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
