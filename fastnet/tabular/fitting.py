"""One fit of a table: what is learnt of the columns, and the networks, one after the other."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from .holdout import HeldOut
from .members import fit_members, is_interrupted, refit_network
from .preprocessing import TabularPreprocessor

# Mini-batches of an epoch that 'auto' leaves a small table.
_MANY_BATCHES, _SMALL_BATCH, _LARGE_BATCH = 50, 32, 256
# One object, by which members see that they share it.
_ALL_ROWS = slice(None)


@dataclass(frozen=True)
class Member:
    """A fitted network, and what encodes columns for it."""

    preprocessor: TabularPreprocessor
    network: Any


class TableFit:
    """One fit of an estimator for tables.

    Parameters
    ----------
    model : BaseTabularMLP
        The estimator.
    parameters : dict
        Of its preset and its own, resolved.
    settings : Settings
        Of a network inside.
    table : Table
        All rows.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    sample_weight : ndarray of shape (n_samples,) or None
        Their weights.
    own : OwnData or None
        The user's own rows to validate with.
    watch : Watch
        What watches it.
    """

    def __init__(self, model, parameters, settings, table, y, sample_weight, own, watch):
        self._model, self._parameters, self._settings = model, parameters, settings
        self._table, self._y, self._weight, self._own = table, y, sample_weight, own
        self._watch = watch
        self._learnt = None, None, None  # rows, what was learnt of them, and all rows encoded by it

    def run(self, seeds, parts):
        """Train the networks within the time there is.

        Parameters
        ----------
        seeds : list of int
            One for each network.
        parts : list of (ndarray, ndarray) or None
            For each network the rows to train on and the rows held out; None holds out none.

        Returns
        -------
        list of Member
            At least one.
        """
        refit, max_time, verbose = self._model.refit, self._model.max_time, self._model.verbose
        given = list(zip(seeds, parts or [None] * len(seeds), strict=True))
        after = self._watch.after
        if not refit:
            return fit_members(self._fit, given, max_time, verbose, after)
        half = None if max_time is None else 0.5 * max_time
        found = fit_members(self._fit, given, half, verbose, after)
        if is_interrupted(found[-1]):
            return found
        return fit_members(self._refit, found, half, False, after)

    def _fit(self, one, deadline):
        """The member of a seed and of rows to train on."""
        seed, part = one
        train = _ALL_ROWS if part is None else part[0]
        preprocessor, Z = self._encoded(train)
        own = {} if self._own is None else self._encoded_own(preprocessor)
        n_train = len(self._y) if part is None else len(train)
        network = self._model._member(self._parameters, seed, part is not None or bool(own)).set_params(
            batch_size=self._batch_size(n_train),
            features=self._features(preprocessor),
            validation_split=None if part is None else HeldOut(*part),
            max_time=_seconds_until(deadline),
        )
        network = self._watch.train(network, Z, self._y, self._weight, **own)
        # rows and seconds were those of this fit: no parameters to keep
        return Member(preprocessor, network.set_params(validation_split=None, max_time=None))

    def _refit(self, member, deadline):
        """A member trained again on all rows, from which columns are learnt again."""
        preprocessor, Z = self._encoded(_ALL_ROWS)
        network = member.network.set_params(
            batch_size=self._batch_size(len(self._y)), features=self._features(preprocessor)
        )
        left, train = _seconds_until(deadline), self._watch.train
        return Member(preprocessor, refit_network(train, network, self._settings, left, Z, self._y, self._weight))

    def _encoded(self, train):
        """What was learnt of these rows, and all rows encoded by it. The last is kept: members may share it."""
        rows, preprocessor, Z = self._learnt
        if preprocessor is not None and rows is train:
            return preprocessor, Z
        model, parameters = self._model, self._parameters
        preprocessor = TabularPreprocessor(
            categorical_features=model.categorical_features,
            max_one_hot=parameters["max_one_hot"],
            min_frequency=parameters["min_frequency"],
            codes=parameters["embedding"] is not False,
        )
        if hasattr(model, "feature_names_in_"):
            preprocessor.feature_names_in_ = model.feature_names_in_
        dtype = np.float64 if model.dtype in ("float64", "input") or parameters["batch_size"] == "all" else np.float32
        Z = preprocessor._learn_table(self._table, self._weight, train)._encode_values(self._table.values, dtype)
        self._learnt = train, preprocessor, Z
        return preprocessor, Z

    def _encoded_own(self, preprocessor):
        """The user's own rows to validate with, as arguments of a network's ``fit``."""
        Z = preprocessor._encode_values(preprocessor._read(self._own.X), np.float64)
        return {"X_val": Z, "y_val": self._own.y, "sample_weight_val": self._own.sample_weight}

    def _batch_size(self, n_train):
        """Rows of a mini-batch; None is all of them."""
        size = self._parameters["batch_size"]
        if size == "auto":
            size = min(_LARGE_BATCH, max(_SMALL_BATCH, n_train // _MANY_BATCHES))
        return None if size == "all" else min(size, n_train)

    def _features(self, preprocessor):
        """The feature layers of a network, for the outputs of its preprocessor."""
        columns = {"numeric_embedding": preprocessor._is_quantity, "embedding": preprocessor.cardinalities_ > 0}
        return [
            (self._parameters[name], np.flatnonzero(those).tolist())
            for name, those in columns.items()
            if self._parameters[name] is not False and those.any()
        ] or None


def _seconds_until(deadline):
    """Seconds that are left, more than 0; None without a deadline."""
    return None if deadline is None else max(deadline - perf_counter(), 1e-6)
