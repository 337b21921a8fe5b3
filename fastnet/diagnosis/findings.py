"""What is measured of a trained network, on a few fixed rows: a forward and a backward pass, and two comparisons.

Nothing is drawn, and nothing of the training is changed.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import issparse

from ..network.architecture import Architecture
from ..ops.activations import Identity
from ..training.layer_statistics import rows_to_look_at
from ..training.problem import Problem
from ..training.unit_states import learnt_by_units, unit_states
from .signal import predictable_share

N_ROWS = 256


@dataclass(frozen=True)
class HiddenLayer:
    """What a hidden layer is like.

    Attributes
    ----------
    n_units : int
        Its units.
    dead : float
        Share of units that give 0 for every row.
    saturated : float
        Share of the other units whose derivative is, for more than half of the rows, below 1 % of the largest that
        the activation has, though they are not off, at 0.
    delta : float
        Root mean square of the derivatives of the loss by its z.
    """

    n_units: int
    dead: float
    saturated: float
    delta: float


@dataclass(frozen=True)
class Findings:
    """All that is measured.

    Attributes
    ----------
    layers : tuple of HiddenLayer
        From the first on.
    output_delta : float
        Root mean square of the derivatives of the loss by the raw outputs.
    loss, constant_loss, start_loss : float
        Mean loss on the rows: of the network, of the best constant outputs, and of outputs that are all 0.
    learnt : float
        Share of what there is between the best constant outputs and a perfect prediction that the network has learnt;
        below 0 where it is worse than the constant. Where each sample has one label it is, if that is more, the share
        that is predicted right of those that the most frequent label does not get right.
    learnt_by_loss : float
        The same without a look at labels.
    learnt_in_training : float or None
        That of the loss that the last epoch of the training had; None where it is not known.
    predictable : float
        A lower estimate of the share that can be predicted: 0 if nothing says that there is any signal, and `learnt`
        where that was enough.
    penalty : float
        What the L2 penalty adds to the loss.
    weight_size : float
        The largest, over the layers, of the root mean square of the weights times the root of the number of inputs; 0
        if weights do not count for anything any more.
    column_sizes : ndarray
        Root mean square of each column of X that is not 0.
    target_mean, target_std : float
        The largest ones of columns of numbers; 0 and 1 for classes.
    """

    layers: tuple
    output_delta: float
    loss: float
    constant_loss: float
    start_loss: float
    learnt: float
    learnt_by_loss: float
    learnt_in_training: float | None
    predictable: float
    penalty: float
    weight_size: float
    column_sizes: np.ndarray
    target_mean: float
    target_std: float

    @property
    def n_units(self):
        """Hidden units."""
        return sum(layer.n_units for layer in self.layers)

    def share(self, what):
        """Share of the hidden units that are 'dead' or 'saturated'."""
        return sum(getattr(layer, what) * layer.n_units for layer in self.layers) / max(self.n_units, 1)

    @property
    def fails(self):
        """Whether the loss is hardly better than a constant's though much can be predicted, and labels are wrong."""
        is_lost = self.learnt_by_loss < max(0.02, 0.1 * self.predictable)
        return bool(self.predictable > 0 and is_lost and self.learnt < 0.75 * self.predictable)


def few_rows(rows):
    """At most 256 of some row numbers, evenly spread over them in ascending order; nothing is drawn."""
    return rows_to_look_at(rows, N_ROWS)


def find(problem, matrices, vectors, training_loss=None, l2=0.0, n_trained=None, enough=0.8):
    """Measure a trained network.

    Parameters
    ----------
    problem : Problem
        What it was trained on, or other samples; its parameters are not used.
    matrices, vectors : list of ndarray
        Its parameters, in the architecture's order.
    training_loss : float, default=None
        Of the last epoch, with the penalty.
    l2 : float or sequence of float, default=0
        The penalty of each layer of weights.
    n_trained : float, default=None
        Samples that it was trained on, by which the penalty is divided; None if they are those of the problem.
    enough : float, default=0.8
        Where the loss says that so much was learnt, nobody asks what could be: it takes most of the time.

    Returns
    -------
    Findings or None
        None where none of the rows has a weight, or an output is not finite.
    """
    from ..engine import MeanLoss  # only here: the engine brings Numba along

    rows = few_rows(np.arange(len(problem.targets)) if problem.rows is None else problem.rows)
    weight = problem.sample_weight
    if weight is not None:
        rows = rows[weight[rows] > 0]
        weight = np.ascontiguousarray(weight[rows])
    if not len(rows):
        return None
    architecture = problem.architecture.noiseless
    loss, targets = architecture.loss, np.ascontiguousarray(problem.targets[rows])
    X = problem.X[rows]
    few = Problem(architecture, X, targets, weight, matrices, vectors)
    with few.session(0.0, 0.0, 1, keep_z=True) as session:
        session.loss_and_gradient()
        arrays = session.arrays()
    z = np.ascontiguousarray(arrays[-1]["z"])
    if loss.has_offset:
        z = z + targets[:, -1:]
    if not np.isfinite(z).all():
        return None
    plain, plain_targets = (loss, targets) if not loss.has_offset else (loss.for_prediction(), targets[:, :-1])
    plain_targets = np.ascontiguousarray(plain_targets)
    mean_loss = MeanLoss(plain, z.shape[1], plain_targets, weight)
    reached, start = mean_loss(z), mean_loss(np.zeros_like(z))
    constant = _best_constant(loss, X.shape[0], targets, weight, z.shape[1])
    span = constant - _perfect_loss(plain, plain_targets, mean_loss)
    if not np.isfinite(span):
        span = 1.0  # of a likelihood: one nat
    # Where a constant is perfect, as for the perceptron criterion, nothing can be said.
    is_known = span > 1e-9 * max(1.0, abs(constant))

    def learnt(loss):
        return (constant - loss) / span if is_known else 1.0

    in_training = None
    if training_loss is not None and np.isfinite(training_loss):
        in_training = learnt(training_loss - _penalty(matrices, l2, n_trained or problem.total_weight))
    truth = _as_columns(plain, plain_targets)
    known = max(learnt(reached), _labels_learnt(plain, plain_targets, z, weight))
    dense = X.toarray() if issparse(X) else np.asarray(X)
    sizes = np.sqrt((dense.astype(np.float64) ** 2).mean(axis=0))
    numbers = () if loss.is_classification else plain_targets.astype(np.float64)
    return Findings(
        tuple(_layers(architecture, vectors, arrays)),
        _size(arrays[-1]["delta"]),
        reached,
        constant,
        start,
        known,
        learnt(reached),
        in_training,
        known if learnt(reached) >= enough or known >= 0.8 else predictable_share(dense, truth),
        _penalty(matrices, l2, n_trained or problem.total_weight),
        max(_size(w) * len(w) ** 0.5 for w in matrices[: architecture.n_layers]),
        sizes[sizes > 0],
        float(np.abs(np.mean(numbers, axis=0)).max()) if len(numbers) else 0.0,
        float(np.std(numbers, axis=0).max()) if len(numbers) else 1.0,
    )


def _labels_learnt(loss, targets, z, weight):
    """The share of right labels beyond those of the most frequent one; minus infinity if samples have not one label."""
    if not loss.is_classification or targets.shape[1] > 1:
        return -np.inf
    labels = targets[:, 0].astype(np.intp)
    is_right = (z.argmax(axis=1) if z.shape[1] > 1 else (z[:, 0] > 0).astype(np.intp)) == labels
    most = np.bincount(labels, weight).max() / (len(labels) if weight is None else weight.sum())
    return float((np.average(is_right, weights=weight) - most) / (1 - most)) if most < 1 else -np.inf


def _size(values):
    return float(np.sqrt(np.mean(np.asarray(values, np.float64) ** 2)))


def _penalty(matrices, l2, total_weight):
    strengths = np.broadcast_to(l2, (len(matrices),)) if np.ndim(l2) == 0 else l2
    pairs = zip(matrices, strengths, strict=False)
    return sum(0.5 * s * float(np.vdot(w, w)) for w, s in pairs if s) / total_weight


def _layers(architecture, vectors, arrays):
    """The hidden layers, as a pass over the rows shows them."""
    learnt = learnt_by_units(architecture, vectors)
    for i, layer in enumerate(architecture.layers[:-1]):
        z, delta, of_units = arrays[i]["z"], arrays[i]["delta"], learnt.get(i)
        if isinstance(layer.activation, Identity):
            yield HiddenLayer(layer.units, 0.0, 0.0, _size(delta))
            continue
        states = unit_states(layer.activation, z, of_units)
        # A bounded activation that stands still for every row is saturated: here, dead is a unit that gives 0.
        saturated = (states.dead | states.saturated) & ~states.off
        yield HiddenLayer(layer.units, float(states.off.mean()), float(saturated.mean()), _size(delta))


def _best_constant(loss, n_rows, targets, weight, n_outputs):
    """The least mean loss of outputs that are the same for every row, as `MeanLoss` counts it."""
    dtype = targets.dtype
    net = Architecture((1, n_outputs), (), loss)
    start = [np.zeros((1, n_outputs), dtype)], [np.zeros(n_outputs, dtype)]
    problem = Problem(net, np.zeros((n_rows, 1), dtype), targets, weight, *start)
    with problem.session(0.0, 0.0, 1) as session:

        def value(outputs):
            session.set_parameters(start[0], [outputs.astype(dtype)])
            mean, _, (gradient, *_) = session.loss_and_gradient()
            return mean, gradient.astype(np.float64)

        found = minimize(value, np.zeros(n_outputs), jac=True, method="L-BFGS-B", options={"maxiter": 50})
    return float(found.fun) / (n_outputs if loss.mean_over_outputs else 1)


def _perfect_loss(loss, targets, mean_loss):
    """The loss of a perfect prediction; minus infinity if there is no least one."""
    if loss.has_std:
        return -np.inf
    if loss.out_activation == "exp":
        return mean_loss(np.log(np.maximum(targets, np.finfo(targets.dtype).tiny)))
    return 0.0


def _as_columns(loss, targets):
    """Targets as columns of numbers: of classes, whether a sample has each."""
    if not loss.class_index_target:
        return targets.astype(np.float64)
    return np.hstack([(column[:, None] == np.unique(column)).astype(np.float64) for column in targets.T])
