"""What both estimators share: the way from ``fit``'s arguments to the engine and back."""

from abc import ABC, abstractmethod
from copy import deepcopy
from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state

from ..diagnosis.warning import warn_of_training
from ..ops.losses.offsets import with_offset
from ..training.health import check_training, quiet
from ..training.problem import Problem
from .exchange.portable import Portable
from .fitted import HIDDEN_ATTRIBUTES, FittedNetwork, parameter_attributes
from .fitting.calibration import check_calibration, network_temperature
from .fitting.data_start import fit_to_data
from .fitting.scoring import score_function
from .fitting.start import check_same_network, initial_parameters
from .fitting.training import Task, check_batch_size, continuation_of
from .fitting.transaction import unchanged_on_failure
from .fitting.validation import NO_DATA, Holdout, OwnData, check_validation, own_samples
from .inputs.arrays import cast, cast_weights, check_finite, check_fits, check_offset, check_weights, engine_input
from .parameters import (
    PARAMETER_CONSTRAINTS,
    check_each,
    check_memory,
    check_type,
    is_stochastic,
    needs_all_samples,
    settings_of,
    warn_of_the_ignored,
)
from .parameters.doc_link import DocLink
from .parameters.nested import NestedValues
from .parameters.types import MatrixLike
from .parameters.unknown import names_unknown_arguments
from .targets.scaling import scale_of_fit

# Fitted attributes that only some solvers set: a new fit must not inherit them.
_OPTIONAL_ATTRIBUTES = (
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "_no_improvement_count",
    "_optimizer",
    "_scoring",
    "n_transferred_layers_",
    "gradient_norms_",
    "target_mean_",
    "target_scale_",
    *HIDDEN_ATTRIBUTES,
)


class BaseMultilayerPerceptron(FittedNetwork, NestedValues, Portable, DocLink, BaseEstimator, ABC):
    """Base class of the estimators. Subclasses know the targets: how to validate, encode, decode, score."""

    def __init__(self, **parameters: object) -> None:
        """Keep the parameters as they are; subclasses declare them, with types and defaults."""
        for name, value in parameters.items():
            setattr(self, name, value)

    _parameter_constraints: dict = PARAMETER_CONSTRAINTS

    @staticmethod
    @abstractmethod
    def _plain_targets(y, name="y"):
        """Targets as the user gave them in a plain array, which is all that is seen of them from then on."""

    @abstractmethod
    def _validate_input(self, X, y, incremental, reset):
        """X, validated but for `check_finite`; targets as a 2-D array; the loss; number of outputs."""

    @abstractmethod
    def _validation_targets(self, y, targets, loss):
        """Targets of validation samples as a 2-D array like that of the training samples."""

    @abstractmethod
    def _score_outputs(self, targets, outputs, sample_weight):
        """Validation score of the network's outputs."""

    @names_unknown_arguments
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        With ``warm_start=True`` training goes on from the current ``coefs_`` and ``intercepts_``, with the
        optimizer's moments and step count. If anything raises, the estimator stays as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64, in any memory order, and CSR are never copied; CSC becomes
            CSR once.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, a 0/1 matrix of several labels, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, at least 0 and not all 0; None means equal weights.
        X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
            Samples for early stopping to watch; then none are held out of X. In a pipeline
            ``Pipeline(..., transform_input=["X_val"])`` transforms them like X.
        y_val : array-like of shape (n_validation,) or (n_validation, n_outputs), default=None
            Their targets. A classifier must know the labels from y.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Their weights, at least 0 and not all 0; None means equal weights.
        groups : array-like of shape (n_samples,), default=None
            Group of each sample of X, for a ``validation_split`` that keeps groups together.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or parameter is invalid, or training produced weights that are not finite.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` was reached before convergence, unless ``n_iter_no_change`` is None.
        TrainingWarning
            Once, if the network is hardly better than a constant though more can be predicted, or most of its hidden
            units are dead or saturated.
        UserWarning
            If Ctrl-C ended the training; the weights it had reached are kept.
        RuntimeWarning
            If numbers became too large on the way, and weights may not have been trained.
        """
        with unchanged_on_failure(self), quiet():
            y = self._plain_targets(y)
            return self._fit(X, y, sample_weight, OwnData(X_val, y_val, sample_weight_val, groups))

    def _check_solver(self):
        if not is_stochastic(self):
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        if needs_all_samples(self):
            raise AttributeError(
                f"partial_fit sees a part of the samples at a time, solver={self.solver!r} needs all of them: choose "
                "another solver."
            )
        return True

    def _fit(self, X, y, sample_weight, own=NO_DATA, incremental=False, offset=None):
        task = self._task(X, y, sample_weight, own, incremental, offset)
        architecture, dtype = task.problem.architecture, task.problem.dtype
        with task.trainer() as trainer:
            trainer.run()
            matrices, vectors, optimizer = trainer.finish()
        fitted = task.fitted_attributes(trainer.history, optimizer)
        check_training(matrices + vectors, fitted, dtype)
        if not incremental:
            warn_of_training(task.problem, task.settings, trainer.history, (matrices, vectors))
        if task.settings.calibration:
            sizes = self._label_binarizer.sizes if self._has_columns else None
            fitted["temperature_"] = network_temperature(
                architecture, matrices, vectors, task.validation, sizes, task.settings.n_jobs
            )

        vars(self).pop("temperature_", None)
        if task.continuation is None:
            for name in _OPTIONAL_ATTRIBUTES:
                vars(self).pop(name, None)
        self._random_state = trainer.random_state
        self._set_network(architecture)
        if task.n_transferred is not None:
            self.n_transferred_layers_ = task.n_transferred
        for name, value in {**parameter_attributes(architecture, matrices, vectors), **fitted}.items():
            setattr(self, name, value)
        return self

    def _task(self, X, y, sample_weight, own=NO_DATA, incremental=False, offset=None):
        """All that comes before the training: parameters and data are checked, the first draws done."""
        settings = self._checked_settings(X, own, incremental)
        first_pass = not hasattr(self, "coefs_") or not (settings.warm_start or incremental)

        given = X, y
        X, targets, loss, n_outputs = self._validate_input(X, y, incremental, reset=first_pass)
        X = engine_input(X)
        fits = check_finite(X, self)
        trained_loss = loss if offset is None and own.offset is None else with_offset(loss)
        offset = check_offset(offset, X)
        if own.X is not None and (offset is None) != (own.offset is None):
            one, other = ("offset", "offset_val") if own.offset is None else ("offset_val", "offset")
            raise ValueError(f"{one} is given without {other}: give both; without exposures they are zeros.")
        sample_weight = check_weights(sample_weight, X)
        validation, counted = None, (targets, sample_weight)
        if own.X is not None:
            validation = own_samples(self, own, X, targets, loss, lambda *own: self._weigh(*own, *counted))
        sample_weight = self._weigh(sample_weight, targets, *counted)
        holdout = Holdout(settings, validation, X, targets, sample_weight, given, own.groups)
        del given
        if offset is not None:
            loss, targets = trained_loss, np.column_stack([targets, offset])
        random_state = self._source_of_draws(settings.random_state, incremental and not first_pass)
        architecture = settings.architecture(X.shape[1], loss, n_outputs)

        n_transferred = None
        if first_pass:
            self._input_dtype = X.dtype.name  # predictions have it, too
            dtype = settings.computation_dtype(X.dtype, holdout.n_train, incremental)
            check_type(self, settings, loss, dtype)
            check_memory(settings, architecture, dtype)
            matrices, vectors, n_transferred = initial_parameters(settings, architecture, random_state, dtype)
        else:
            fitted_architecture, matrices, vectors = self._network()
            dtype = matrices[0].dtype
            check_type(self, settings, loss, dtype)
            check_same_network(self, fitted_architecture, architecture, vectors)
        if not fits:
            check_fits("X", X, dtype)
        exact_weight = sample_weight
        if sample_weight is not None:
            sample_weight = cast_weights(sample_weight, dtype)
        rows, validation = holdout.take(targets, sample_weight, loss, random_state, dtype)
        scale = scale_of_fit(self, settings, targets, exact_weight, rows, goes_on=not first_pass)
        encode = scale.standardise if scale else np.asarray
        targets = cast("y", encode(targets), dtype)
        loss.check_targets(targets)  # once more: a small one may have become 0
        validation = validation and validation.prepared(encode, dtype)
        attributes = scale.attributes if scale else {}
        problem = Problem(architecture, X, targets, sample_weight, matrices, vectors, random_state, rows)
        if first_pass:
            fit_to_data(settings, problem, n_transferred)
        if settings.stops_early:
            problem.score = score_function(self, architecture, validation, attributes)
            problem.has_own_validation = not validation.is_held_out
        check_batch_size(self.solver, settings, len(rows))
        continuation = None if first_pass else continuation_of(self)
        return Task(settings, problem, validation, continuation, incremental, n_transferred, attributes)

    def _checked_settings(self, X, own, incremental):
        """The settings of a fit, checked also together with the arguments."""
        if incremental:
            self._validate_params()  # scikit-learn validates the first partial fit only
        settings = settings_of(self, incremental)
        check_calibration(settings, self.loss, own.X is not None, incremental)
        check_validation(settings, own, incremental)
        warn_of_the_ignored(settings)
        if settings.input_noise and issparse(X):
            raise ValueError(
                f"input_noise={settings.input_noise} would make sparse X dense: give X.toarray(), or set "
                "input_noise=0. Noise that keeps X sparse is input_dropout."
            )
        return settings

    def _weigh(self, sample_weight, targets, counted_targets, counted_weight):
        """Weights of samples, times those of their classes as counted in the training data; None if they are equal."""
        return sample_weight

    def _source_of_draws(self, random_state, go_on):
        """A new random state for each fit; partial fits share one and so never repeat an order."""
        if go_on and isinstance(random_state, Integral) and hasattr(self, "_random_state"):
            return deepcopy(self._random_state)
        return check_random_state(random_state)

    def _validate_params(self):
        check_each(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
