"""A fitted network beside samples, as what there is to train: for whoever looks at it."""

from copy import copy

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...training.problem import Problem
from ..inputs.arrays import cast_weights, check_numbers, check_weights, engine_input, refuse_sparse
from ..targets.scaling import fitted_scale


def fitted_problem(estimator, X, y, sample_weight=None):
    """The problem of a fitted estimator on samples; the estimator is not changed.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X, y, sample_weight : array-like
        Samples, their targets and weights, as the user gave them.

    Returns
    -------
    Problem
        With the fitted parameters; targets are standardised as those of the fit.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If X or y does not go with the fitted network.
    """
    check_is_fitted(estimator)
    reader = copy(estimator)
    X, targets, _, _ = reader._validate_input(X, reader._plain_targets(y), incremental=True, reset=False)
    X = engine_input(X)
    architecture, matrices, vectors = estimator._network()
    refuse_sparse("X", X, architecture.features)
    dtype = matrices[0].dtype
    check_numbers(X, estimator, dtype)
    weight = check_weights(sample_weight, X)
    weight = estimator._weigh(weight, targets, targets, weight)
    if weight is not None:
        weight = cast_weights(weight, dtype)
    scale = fitted_scale(estimator)
    targets = np.ascontiguousarray(scale.standardise(targets) if scale else targets, dtype=dtype)
    return Problem(architecture, X, targets, weight, matrices, vectors)
