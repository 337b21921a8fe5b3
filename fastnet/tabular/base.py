"""What both estimators for tables share: the way from a table to networks inside and back."""

from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context, is_classifier
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..checkpoint import Checkpoint
from ..estimators.fitting.transaction import unchanged_on_failure
from ..estimators.fitting.validation import OwnData, uses_splitter
from ..estimators.inputs.arrays import check_weights
from ..estimators.parameters import PARAMETER_CONSTRAINTS, check_each, plain_parameters, settings_of
from ..estimators.parameters.nested import NestedValues
from ..ops.optimizers import OPTIMIZERS, Optimizer
from ..training.health import quiet
from .holdout import HeldOut, check_arguments, class_numbers, split_table
from .members import fit_member, fit_members, is_interrupted, mean_curve, refit_member
from .preprocessing import TabularPreprocessor, checked_table
from .presets import NAMES, resolved

# What a network inside has under the same name.
_OF_NETWORKS = (
    "hidden_layer_sizes", "activation", "loss", "solver", "learning_rate_init", "learning_rate", "alpha", "max_iter",
    "dropout", "init", "scoring",
)  # fmt: skip
# Mini-batches of an epoch that 'auto' leaves a small table.
_MANY_BATCHES, _SMALL_BATCH, _LARGE_BATCH = 16, 32, 256

TABULAR_CONSTRAINTS = {
    "preset": [StrOptions(set(NAMES))],
    **{name: TabularPreprocessor._parameter_constraints[name] for name in ("categorical_features",)},
    "max_one_hot": [Interval(Integral, 2, None, closed="left"), None],
    "min_frequency": [Interval(Integral, 1, None, closed="left"), Interval(Real, 0, 1, closed="neither"), None],
    **{name: [*PARAMETER_CONSTRAINTS[name], None] for name in _OF_NETWORKS if name != "loss"},
    "solver": [StrOptions(set(OPTIMIZERS)), Optimizer, None],  # mini-batches: L-BFGS has none
    "batch_size": [StrOptions({"auto", "all"}), Interval(Integral, 1, None, closed="left"), None],
    "ema_decay": [Interval(Real, 0, 1, closed="left"), None],
    "n_iter_no_change": PARAMETER_CONSTRAINTS["n_iter_no_change"],
    "validation_fraction": [*PARAMETER_CONSTRAINTS["validation_fraction"], None],
    "validation_split": PARAMETER_CONSTRAINTS["validation_split"],
    "n_members": [Interval(Integral, 1, None, closed="left"), None],
    "refit": ["boolean"],
    "max_time": PARAMETER_CONSTRAINTS["max_time"],
    "dtype": PARAMETER_CONSTRAINTS["dtype"],
    "random_state": PARAMETER_CONSTRAINTS["random_state"],
    "n_jobs": PARAMETER_CONSTRAINTS["n_jobs"],
    "verbose": PARAMETER_CONSTRAINTS["verbose"],
    "callbacks": PARAMETER_CONSTRAINTS["callbacks"],
}


class BaseTabularMLP(NestedValues, BaseEstimator, ABC):
    """Base class of the estimators for tables. Subclasses know the targets."""

    _network: type  # of the networks inside

    @staticmethod
    @abstractmethod
    def _plain_targets(y, name="y"):
        """Targets as the user gave them in a plain array."""

    @abstractmethod
    def _check_targets(self, y, loss):
        """Raise ValueError if no network can learn the targets with the loss."""

    @abstractmethod
    def _learn_targets(self, y, sample_weight, parameters, loss):
        """Learn what is needed to bring targets to the networks' scale, from those to train on."""

    @abstractmethod
    def _scale_targets(self, y):
        """Targets as the networks see them."""

    def _own_parameters(self, parameters):
        """Parameters of the networks inside that only one task has."""
        return {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Learn the columns, and train the networks.

        Rows are held out first, then the preprocessor learns from the others. If anything raises, the estimator
        stays as it was.

        Parameters
        ----------
        X : DataFrame, pyarrow table or array-like of shape (n_samples, n_features)
            The table, with columns as they are: numbers, booleans, categories, strings, dates and missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, at least 0 and not all 0; None means equal weights.
        X_val : DataFrame, pyarrow table or array-like of shape (n_validation, n_features), default=None
            Rows to validate with; then none are held out of X.
        y_val : array-like of shape (n_validation,) or (n_validation, n_outputs), default=None
            Their targets. A classifier must know the labels from y.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Their weights, at least 0 and not all 0; None means equal weights.
        groups : array-like of shape (n_samples,), default=None
            Group of each row of X, for a ``validation_split`` that keeps groups together.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or parameter is invalid, or a column of X cannot be used, with its name.

        Warns
        -----
        UserWarning
            If Ctrl-C ended the training; the weights it had reached are kept.
        RuntimeWarning
            If numbers became too large on the way, and weights may not have been trained.
        """
        with unchanged_on_failure(self), quiet():
            return self._fit(X, y, sample_weight, OwnData(X_val, y_val, sample_weight_val, groups))

    def _fit(self, X, y, sample_weight, own):
        asked = plain_parameters(self)
        parameters = resolved(asked, "classification" if is_classifier(self) else "regression")
        fraction, splitter = parameters["validation_fraction"], asked.validation_split
        check_arguments(fraction, splitter, own, asked.refit)
        splits = own.X is None and bool(fraction or uses_splitter(asked))
        self._leave_out_validation(parameters, splits or own.X is not None)
        settings = settings_of(self._member(parameters, 0, None, None, splits or own.X is not None))
        if any(isinstance(callback, Checkpoint) for callback in settings.callbacks):
            network = self._network.__name__
            raise ValueError(
                f"callbacks of {type(self).__name__} must not hold a Checkpoint, which writes the training of one "
                f"network: leave it out, or give it to {network} in a pipeline of TabularPreprocessor and {network}."
            )
        if y is None:
            raise ValueError(f"This {type(self).__name__} requires y to be passed, but the target y is None.")
        y = self._plain_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        X = checked_table(self, X, reset=True)
        check_consistent_length(X, y)
        self._check_targets(y, settings.loss)
        sample_weight = check_weights(sample_weight, X)

        random_state = check_random_state(asked.random_state)
        train, rows, held_out = slice(None), None, None
        if splits:
            strata = class_numbers(y) if is_classifier(self) else None
            seen = y if strata is None else strata
            train, rows = split_table(fraction, splitter, X, seen, strata, sample_weight, own.groups, random_state)
            held_out = HeldOut(train, rows)
        seeds = random_state.randint(np.iinfo(np.int32).max, size=parameters["n_members"]).tolist()

        Z, targets = self._learn(X, y, sample_weight, train, parameters, settings.loss)
        batch_size = self._batch_size(parameters, y.shape[0] if rows is None else len(train))
        validation = self._encode_own(own, y)

        def make(seed, max_time):
            member = self._member(parameters, seed, max_time, held_out, splits or bool(validation))
            return member.set_params(batch_size=batch_size)

        def fit_one(member, left):
            member = fit_member(member, Z, targets, sample_weight, **validation)
            # rows and seconds were those of this fit: no parameters to keep
            return member.set_params(validation_split=None, max_time=None)

        if asked.refit:
            members = self._refit(X, y, sample_weight, parameters, settings, make, fit_one, seeds)
        else:
            members = fit_members(make, seeds, asked.max_time, asked.verbose, fit_one)
        self.estimators_, self.parameters_ = members, parameters
        if is_classifier(self):
            self.classes_ = members[0].classes_
        self.loss_curve_ = mean_curve([member.loss_curve_ for member in members])
        self.validation_scores_ = mean_curve([member.validation_scores_ for member in members])
        self.n_iter_ = max(member.n_iter_ for member in members)
        return self

    def _leave_out_validation(self, parameters, validates):
        """Without rows to validate with, a preset's parts that need them are left out."""
        if validates:
            return
        for name, nothing in (("scoring", None), ("calibration", False)):
            if getattr(self, name, None) not in (None, False):
                raise ValueError(
                    f"{name}={getattr(self, name)!r} needs rows that are not trained on, got validation_fraction=0: "
                    f"make it larger, give X_val and y_val, or leave out {name}."
                )
            if name in parameters:
                parameters[name] = nothing

    def _member(self, parameters, random_state, max_time, held_out, validates):
        """A network inside, not fitted: the one place where a table's parameters become a network's."""
        patience = parameters["n_iter_no_change"]
        return self._network(
            **{name: parameters[name] for name in _OF_NETWORKS},
            **self._own_parameters(parameters),
            ema_decay=parameters["ema_decay"] or None,
            n_iter_no_change=None if patience == np.inf else patience,
            early_stopping=validates,
            validation_split=held_out,
            max_time=max_time,
            random_state=random_state,
            dtype=self.dtype,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            callbacks=self.callbacks,
        )

    def _batch_size(self, parameters, n_train):
        """Rows of a mini-batch; None is all of them."""
        size = parameters["batch_size"]
        if size == "auto":
            size = min(_LARGE_BATCH, max(_SMALL_BATCH, n_train // _MANY_BATCHES))
        return None if size == "all" else min(size, n_train)

    def _learn(self, X, y, sample_weight, train, parameters, loss):
        """Learn columns and targets of the rows to train on; all rows, encoded, and their targets, scaled."""
        preprocessor = TabularPreprocessor(
            categorical_features=self.categorical_features,
            max_one_hot=parameters["max_one_hot"],
            min_frequency=parameters["min_frequency"],
        )
        dtype = np.float64 if self.dtype in ("float64", "input") or parameters["batch_size"] == "all" else np.float32
        if hasattr(self, "feature_names_in_"):
            preprocessor.feature_names_in_ = self.feature_names_in_
        Z = preprocessor._encode_table(preprocessor._learn_table(X, sample_weight, train), dtype)
        self.preprocessor_ = preprocessor
        self._learn_targets(y[train], None if sample_weight is None else sample_weight[train], parameters, loss)
        return Z, self._scale_targets(y)

    def _encode_own(self, own, y):
        """The user's own rows to validate with, as arguments of the networks' ``fit``."""
        if own.X is None:
            return {}
        y_val, X_val = self._plain_targets(own.y, "y_val"), checked_table(self, own.X, reset=False)
        if y_val.ndim == 2 and y_val.shape[1] == 1:
            y_val = column_or_1d(y_val, warn=True)
        if y_val.shape[1:] != y.shape[1:]:
            raise ValueError(f"y_val must be like y, which has shape {y.shape}, got shape {y_val.shape}.")
        check_consistent_length(X_val, y_val)
        return {
            "X_val": self.preprocessor_._encode(X_val),
            "y_val": self._scale_targets(y_val),
            "sample_weight_val": own.sample_weight,
        }

    def _refit(self, X, y, sample_weight, parameters, settings, make, fit_one, seeds):
        """Fit networks in half of the time, and again on all rows, from which columns and targets are learnt again."""
        half = None if self.max_time is None else 0.5 * self.max_time
        found = fit_members(make, seeds, half, self.verbose, fit_one)
        if is_interrupted(found):
            return found
        Z, targets = self._learn(X, y, sample_weight, slice(None), parameters, settings.loss)
        batch_size = self._batch_size(parameters, len(y))

        def again(member, left):
            member.set_params(batch_size=batch_size)
            return refit_member(member, settings.schedule, left, Z, targets, sample_weight)

        return fit_members(lambda member, left: member, found, half, False, again)

    def _members_outputs(self, X, method, *arguments):
        """What each network inside predicts for a table."""
        check_is_fitted(self)
        Z = self.preprocessor_._encode(checked_table(self, X, reset=False))
        return [getattr(member, method)(Z, *arguments) for member in self.estimators_]

    def _validate_params(self):
        check_each(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags
