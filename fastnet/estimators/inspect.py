"""The computation graph laid open: one forward and backward pass, layer by layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..network.architecture import Architecture
from .base import BaseMultilayerPerceptron
from .fitted import feature_numbers, parameter_places
from .fitting.fitted_problem import fitted_problem
from .parameters import penalties, plain_parameters
from .parameters.types import MatrixLike
from .text import activation_names, percent, text_table


@dataclass(frozen=True, repr=False)
class LayerPass:
    r"""What the forward and backward pass compute in one layer of weights.

    Attributes
    ----------
    input : ndarray of shape (n_samples, fan_in)
        What the layer reads: X, what feature layers make of it, or the activation of the layer below.
    z : ndarray of shape (n_samples, fan_out)
        :math:`z = a W + b`, what the activation reads. Of a normalised layer :math:`a W`, normalised, times its gains
        plus :math:`b`.
    activation : ndarray of shape (n_samples, fan_out)
        :math:`g(z)`, plus what a skip connection adds; for the output layer the prediction (probabilities, for a
        classifier).
    delta : ndarray of shape (n_samples, fan_out)
        Derivative of the loss by z, or, of a normalised layer, by what is normalised. The loss is the mean over
        samples, so each row holds its sample's weight divided by the sum of the weights.
    coef_gradient : ndarray of shape (fan_in, fan_out)
        Derivative of the loss, with its L2 penalty, by the weights.
    intercept_gradient : ndarray of shape (fan_out,)
        Derivative of the loss by the biases.
    gain_gradient, slope_gradient : ndarray of shape (fan_out,) or None
        Derivatives by the gains and the learnt slopes, where the layer has them.
    projection_gradient : ndarray of shape (fan_in, fan_out) or None
        Derivative, with its L2 penalty, by the matrix of its skip connection.
    activation_name : str
        What becomes of z: the name of the activation, or of the output activation.
    """

    input: np.ndarray
    z: np.ndarray
    activation: np.ndarray
    delta: np.ndarray
    coef_gradient: np.ndarray
    intercept_gradient: np.ndarray
    gain_gradient: np.ndarray | None = None
    slope_gradient: np.ndarray | None = None
    projection_gradient: np.ndarray | None = None
    activation_name: str = ""

    def __repr__(self) -> str:
        fan_in, fan_out = self.coef_gradient.shape
        return f"<LayerPass {fan_in} × {fan_out}, {self.activation_name}, {len(self.z)} samples>"


@dataclass(frozen=True, repr=False)
class Pass:
    """One forward and backward pass. It prints as a table with a row for each layer.

    The columns are the shape of the weights; the mean of :math:`|z|`; the share of zeros among the activations; and the
    Euclidean norms of delta and of the gradient by the weights, over all of their numbers.

    Attributes
    ----------
    loss : float
        Mean over the samples plus L2 penalty. With several outputs it is summed over them: the loss whose
        gradient this is.
    layers : list of LayerPass
        From the input to the output.
    penalty : float
        The L2 penalty's part of the loss.
    feature_gradients : list of dict of ndarray or None
        Derivatives of the loss by the numbers of the feature layers, named and shaped as in ``features_``; 0 of those
        that are not trained. None if there is no feature layer.
    """

    loss: float
    layers: list[LayerPass]
    feature_gradients: list[dict] | None = None
    penalty: float = 0.0

    def __repr__(self) -> str:
        rows = []
        for number, layer in enumerate(self.layers, 1):
            fan_in, fan_out = layer.coef_gradient.shape
            z, zeros = np.abs(layer.z).mean(dtype=np.float64), np.mean(layer.activation == 0)
            norms = (np.linalg.norm(a.astype(np.float64)) for a in (layer.delta, layer.coef_gradient))
            rows.append(
                [f"{number} {layer.activation_name}", f"{fan_in} × {fan_out}", f"{z:.3g}", percent(zeros)]
                + [f"{norm:.3g}" for norm in norms]
            )
        table = text_table(["layer", "shape", "mean |z|", "zeros", "‖δ‖", "‖∇W‖"], rows)
        return f"{table}\nloss {self.loss:.6g}, {len(self.layers[0].z)} samples"


def check_network(estimator: Any) -> None:
    """Raise TypeError unless this is one of the estimators, and not what holds one.

    Parameters
    ----------
    estimator : object
        What a user gave.
    """
    if not isinstance(estimator, BaseMultilayerPerceptron):
        raise TypeError(
            f"estimator is no MLPClassifier or MLPRegressor, but of type {type(estimator).__name__}: give the network "
            "itself and X as the network reads it, such as pipeline[-1] and pipeline[:-1].transform(X)."
        )


def inspect(
    estimator: BaseMultilayerPerceptron, X: MatrixLike, y: MatrixLike, sample_weight: ArrayLike | None = None
) -> Pass:
    """Lay open the forward and the backward pass of a fitted network.

    The numbers come from the compiled engine that trains. Noise is off, and of the penalties only the smooth
    part, L2, is in loss and gradients. ``class_weight`` counts as in training. All layers and biases have gradients and
    penalties, also those that ``freeze`` or ``use_bias`` keep from training. The estimator is not changed. A regressor
    with ``target_scaling`` is shown as it was trained: loss, deltas and output layer are those of standardised targets.
    An offset counts as 0.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets; classes must be known to the estimator.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    Pass
        The loss, and for each layer z, activation, delta and gradients in the dtype of the model; gradients are in
        float64, the output layer's activation in the dtype of predictions.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is none of these, such as a pipeline that holds one.
    ValueError
        If X or y does not go with the fitted network.

    See Also
    --------
    MLPClassifier : Multilayer perceptron for classification.
    MLPRegressor : Multilayer perceptron for regression.

    Examples
    --------
    >>> from fastnet import MLPRegressor, inspect
    >>> import numpy as np
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0])
    >>> net = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, random_state=0).fit(X, y)
    >>> passed = inspect(net, X, y)
    >>> [layer.delta.shape for layer in passed.layers]
    [(3, 1)]
    >>> passed  # doctest: +ELLIPSIS
    layer       shape  mean |z|  zeros ...
    1 identity  1 × 1         1    0 % ...
    loss ..., 3 samples
    """
    check_network(estimator)
    problem = fitted_problem(estimator, X, y, sample_weight)
    architecture, matrices, vectors = problem.architecture, problem.matrices, problem.vectors
    given, X = X, problem.X
    asked = plain_parameters(estimator)
    l1, l2 = penalties(asked, architecture.n_layers)
    strengths = zip(matrices, architecture.matrix_layers(), strict=True)
    penalty = sum(l2[i] / 2 * np.vdot(w, w).astype(float) for w, i in strengths) / problem.total_weight
    with problem.session(l1, l2, asked.n_jobs, keep_z=True) as session:
        loss, *gradients = session.loss_and_gradient()
        arrays = session.arrays()

    from ..engine import forward

    # The last layer alone: its input may hold a normalisation by these samples, not by the running statistics.
    last, is_alone = architecture.n_layers - 1, len(arrays) == 1 and architecture.features is None
    below = X if is_alone else arrays[-1]["input"]
    output_layer = Architecture(architecture.layer_units[last:], (), architecture.loss)
    output_dtype = estimator._output_dtype(given, X)
    arrays[-1]["output"] = forward(output_layer, [matrices[last]], [vectors[last]], below, output_dtype=output_dtype)
    layers, names = [], activation_names(architecture)
    for layer, a in enumerate(arrays):
        of_parameters = {
            f"{attribute.removesuffix('s_')}_gradient": gradients[0 if is_matrix else 1][number]
            for attribute, (is_matrix, number) in parameter_places(architecture, layer).items()
            if is_matrix or number < len(gradients[1])  # what is merely measured comes last
        }
        layers.append(
            LayerPass(a["input"], a["z"], a["output"], a["delta"], **of_parameters, activation_name=names[layer])
        )
    return Pass(loss, layers, feature_numbers(architecture, gradients[1]), float(penalty))
