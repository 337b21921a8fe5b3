"""What both estimators for tables share: the way from a table to networks inside and back."""

from abc import ABC, abstractmethod
from copy import copy
from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context, is_classifier
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, Options
from sklearn.utils.validation import check_is_fitted

from ..checkpoint import Checkpoint
from ..estimators.fitting.transaction import unchanged_on_failure
from ..estimators.fitting.validation import OwnData, uses_splitter
from ..estimators.inputs.arrays import check_weights
from ..estimators.parameters import PARAMETER_CONSTRAINTS, check_each, plain_parameters, settings_of
from ..estimators.parameters.constraints import Names
from ..estimators.parameters.nested import NestedValues
from ..estimators.parameters.unknown import names_unknown_arguments
from ..estimators.summary import Summary, summarise
from ..ops.features import Embedding, Feature
from ..ops.optimizers import OPTIMIZERS, Optimizer
from ..ops.registry import resolve
from ..training.health import quiet
from .fitting import TableFit
from .history import MembersHistory, mean_curve
from .holdout import check_arguments, class_numbers, splits_for_members
from .preprocessing import TabularPreprocessor
from .presets import NAMES, resolved
from .table import checked_table, read_table
from .watching import Watch

# What a network inside has under the same name.
_OF_NETWORKS = (
    "input_scale", "hidden_layer_sizes", "activation", "loss", "solver", "learning_rate_init", "learning_rate",
    "rate_factors", "bias_rate_factor", "alpha", "max_iter", "dropout", "dropout_schedule", "decay_schedule", "init",
    "output_init", "bias_init", "scoring",
)  # fmt: skip

TABULAR_CONSTRAINTS = {
    "preset": [Names(set(NAMES))],
    **{name: TabularPreprocessor._parameter_constraints[name] for name in ("categorical_features",)},
    "max_one_hot": [Interval(Integral, 2, None, closed="left"), None],
    "min_frequency": [Interval(Integral, 1, None, closed="left"), Interval(Real, 0, 1, closed="neither"), None],
    **{name: [*dict.fromkeys([*PARAMETER_CONSTRAINTS[name], None])] for name in _OF_NETWORKS if name != "loss"},
    "numeric_embedding": [Feature, Options(bool, {False}), None],
    "embedding": [Embedding, Options(bool, {False}), None],
    "solver": [Names(set(OPTIMIZERS)), Optimizer, None],  # mini-batches: L-BFGS has none
    "batch_size": [Names({"auto", "all"}), Interval(Integral, 1, None, closed="left"), None],
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


def check_numeric(embedding):
    """Raise ValueError where a feature layer of codes is given for numbers."""
    if embedding is not False and embedding.takes_codes:
        raise ValueError(
            f"numeric_embedding={embedding!r} is for codes of categories: take a feature layer of numbers, such as "
            "PBLD(), or set embedding to it instead."
        )


class BaseTabularMLP(NestedValues, CallbackSupportMixin, BaseEstimator, ABC):
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
    def _own_parameters(self, parameters):
        """Parameters of the networks inside that only one task has."""

    def _learn_targets(self, y, parameters):
        """Keep what predictions need to know of the targets that were trained on."""

    @names_unknown_arguments
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
        self._leave_out_of_layers(parameters)
        self._leave_out_of_solver(parameters)
        check_numeric(parameters["numeric_embedding"])
        settings = settings_of(self._member(parameters, 0, splits or own.X is not None))
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
        n_members, parts = parameters["n_members"], None
        if splits:
            strata = class_numbers(y) if is_classifier(self) else None
            seen = y if strata is None else strata
            parts = splits_for_members(
                n_members, fraction, splitter, X, seen, strata, sample_weight, own.groups, random_state
            )
        seeds = random_state.randint(np.iinfo(np.int32).max, size=n_members).tolist()
        own, table = self._checked_own(own, y), read_table(X, self.categorical_features)
        rows = None if parts is None or asked.refit else [train for train, _ in parts]

        def attributes_of(members):
            view = copy(self)
            view._keep(members, parameters, y if rows is None else y[np.unique(np.concatenate(rows[: len(members)]))])
            return vars(view)

        n_networks = n_members * (2 if asked.refit else 1)
        watch = Watch(self, X, y, sample_weight, n_networks, attributes_of)
        members = TableFit(self, parameters, settings, table, y, sample_weight, own, watch).run(seeds, parts)
        watch.end(members)
        vars(self).update(attributes_of(members))
        return self

    def _keep(self, members, parameters, y):
        """Keep what was learnt as fitted attributes; ``y`` are the targets that were trained on."""
        self.preprocessors_, self.estimators_ = [m.preprocessor for m in members], [m.network for m in members]
        self.preprocessor_, self.parameters_ = self.preprocessors_[0], parameters
        self._learn_targets(y, parameters)
        if is_classifier(self):
            self.classes_ = self.estimators_[0].classes_
        self.loss_curve_ = mean_curve([network.loss_curve_ for network in self.estimators_])
        self.validation_scores_ = mean_curve([network.validation_scores_ for network in self.estimators_])
        self.n_iter_ = max(network.n_iter_ for network in self.estimators_)

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

    def _leave_out_of_layers(self, parameters):
        """Without a hidden layer, a preset's dropout has no place."""
        if self.dropout is None and not np.size(parameters["hidden_layer_sizes"]):
            parameters["dropout"] = 0.0

    def _leave_out_of_solver(self, parameters):
        """Beside a solver that was asked for, parts of a preset that it cannot have are left out."""
        solver = resolve("solver", parameters["solver"], OPTIMIZERS, Optimizer)
        instead = {}
        if not getattr(solver, "weight_decay", 0.0):
            instead |= {"decay_schedule": "constant"}
        if not solver.has_schedule:
            instead |= {"learning_rate": "constant", "rate_factors": 1.0, "bias_rate_factor": 1.0}
        if solver.full_batch:
            instead |= {"batch_size": "all", "dropout": 0.0}
        parameters |= {name: value for name, value in instead.items() if getattr(self, name) is None}
        # An embedding moves only the rows of levels that a mini-batch has; an average is of all numbers.
        averages = "ema_decay" if parameters["ema_decay"] else "solver" if solver.averages_itself else None
        if averages is None or parameters["embedding"] is False:
            return
        if self.embedding is not None:
            remedy = "set ema_decay=0" if averages == "ema_decay" else "choose another solver, such as Adam()"
            raise ValueError(
                f"embedding={self.embedding!r} moves only the rows of a mini-batch's levels, {averages}="
                f"{parameters[averages]!r} averages all parameters: {remedy}, or set embedding=False."
            )
        parameters["embedding"] = False

    def _member(self, parameters, random_state, validates):
        """A network inside, not fitted: the one place where a table's parameters become a network's."""
        patience = parameters["n_iter_no_change"]
        return self._network(
            **{name: parameters[name] for name in _OF_NETWORKS},
            **self._own_parameters(parameters),
            ema_decay=parameters["ema_decay"] or None,
            n_iter_no_change=None if patience == np.inf else patience,
            early_stopping=validates,
            restore_best_weights="latest",  # RealMLP; only scores such as the accuracy are ever equal
            random_state=random_state,
            dtype=self.dtype,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            callbacks=self.callbacks,
        )

    def _checked_own(self, own, y):
        """The user's own rows to validate with, checked; None if there are none."""
        if own.X is None:
            return None
        y_val, X_val = self._plain_targets(own.y, "y_val"), checked_table(self, own.X, reset=False)
        if y_val.ndim == 2 and y_val.shape[1] == 1:
            y_val = column_or_1d(y_val, warn=True)
        if y_val.shape[1:] != y.shape[1:]:
            raise ValueError(f"y_val must be like y, which has shape {y.shape}, got shape {y_val.shape}.")
        check_consistent_length(X_val, y_val)
        return OwnData(X_val, y_val, own.sample_weight, None)

    @property
    def history_(self) -> MembersHistory:
        """Losses and scores of the networks, epoch by epoch."""
        return MembersHistory([network.history_ for network in self.estimators_])

    def _networks_with_inputs(self, X):
        """Each network inside with a table as it reads it."""
        check_is_fitted(self)
        values = self.preprocessor_._read(checked_table(self, X, reset=False))
        encoded = None, None
        for preprocessor, network in zip(self.preprocessors_, self.estimators_, strict=True):
            if encoded[0] is not preprocessor:
                encoded = preprocessor, preprocessor._encode_values(values, np.float64)
            yield network, encoded[1]

    def _members_outputs(self, X, method, *arguments):
        """What each network inside predicts for a table."""
        return [getattr(network, method)(Z, *arguments) for network, Z in self._networks_with_inputs(X)]

    def summary(self) -> Summary:
        """Tell what the networks inside are made of and cost.

        Returns
        -------
        Summary
            That of the first network; seconds and speed are of the training of all.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.

        Examples
        --------
        >>> from fastnet import TabularMLPRegressor
        >>> net = TabularMLPRegressor("fast", max_iter=1, random_state=0).fit([[i] for i in range(40)], range(40))
        >>> net.summary().n_networks
        3
        """
        check_is_fitted(self)
        return summarise(self, self.estimators_)

    def _validate_params(self):
        check_each(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags
