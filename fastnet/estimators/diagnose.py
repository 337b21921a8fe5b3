"""What is wrong with a fitted network: the front door of ``diagnosis/``."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..diagnosis.findings import find
from ..diagnosis.illnesses import illnesses_of
from ..diagnosis.report import Diagnosis
from ..training.blas import one_blas_thread
from .base import BaseMultilayerPerceptron
from .fitting.fitted_problem import fitted_problem
from .parameters import settings_of
from .parameters.types import MatrixLike


def diagnose(estimator: Any, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Diagnosis:
    """Say what is wrong with a fitted network, why probably, and what to do.

    The network looks once, forward and backward, at up to 256 of the samples, evenly spread over them. What it has
    learnt is compared with a constant and with what a small kernel regression finds predictable, so that a network is
    not called ill where there is nothing to learn. The estimator is not changed.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor or Pipeline
        Fitted; of a pipeline the last step, which gets X as the steps before it transform it. Of the networks of an
        estimator for tables it is the one with the most illnesses, the first of equals.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples: those of the training or, to see overfitting, others.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets; classes must be known to the estimator.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    Diagnosis
        It prints as a table; ``illnesses`` holds what was found.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is another kind of estimator.
    ValueError
        If X or y does not go with the fitted network, or outputs for X are not finite.

    See Also
    --------
    find_learning_rate : Learning rate to train with.
    inspect : One forward and backward pass, number by number.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from fastnet import MLPRegressor, diagnose
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> net = MLPRegressor(bias_init=-50.0, max_iter=30, n_iter_no_change=None, random_state=0)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     ill = net.fit(X, X[:, 0])
    >>> [illness.name for illness in diagnose(ill, X, X[:, 0]).illnesses]
    ['starting values too large', 'dead units']
    """
    if isinstance(estimator, Pipeline):
        check_is_fitted(estimator)
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator[-1]
    if hasattr(estimator, "_networks_with_inputs"):
        found = [_diagnosis(network, Z, y, sample_weight) for network, Z in estimator._networks_with_inputs(X)]
        return max(found, key=lambda diagnosis: len(diagnosis.illnesses))
    if not isinstance(estimator, BaseMultilayerPerceptron):
        raise TypeError(
            "estimator must be one of fastnet's networks, or a pipeline that ends with one, got one of type "
            f"{type(estimator).__name__}: give the network itself, and X as the network reads it."
        )
    return _diagnosis(estimator, X, y, sample_weight)


def _diagnosis(estimator, X, y, sample_weight):
    problem = fitted_problem(estimator, X, y, sample_weight)
    settings = settings_of(estimator)
    curve = getattr(estimator, "loss_curve_", [])[-estimator.n_iter_ :] if estimator.n_iter_ else []
    with np.errstate(all="ignore"), one_blas_thread():  # more would wait for each other
        findings = find(
            problem, problem.matrices, problem.vectors, getattr(estimator, "loss_", None), settings.l2,
            n_trained=estimator.t_ / max(estimator.n_iter_, 1) if curve else None,
        )  # fmt: skip
    if findings is None:
        raise ValueError(
            "There is nothing to see: all weights of the samples are 0, or outputs for X are not finite. Bring X to "
            "the scale of the training data."
        )
    return Diagnosis(tuple(illnesses_of(findings, settings, curve)), findings)
