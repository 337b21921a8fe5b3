"""Calls in any order: after each the model is usable, or exactly as it was before."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from illegal import RANGES, arguments, may_be_taken, values
from judge import assert_usable, attempt, fingerprint, names_one_of, predictions
from profiles import FAST, MANY
from sklearn.base import clone
from tables import SPARSE_FORMS, tables
from vocabulary import parameters

from fastnet import MLPClassifier, MLPRegressor

N_FEATURES, N_CLASSES = 4, 3
REFUSALS = (ValueError, TypeError)
# Where a fit would take another time or print.
LEFT_OUT = {"max_time", "verbose", "random_state"}


def data(rows, seed, classifier):
    """X and y that every network of a machine can be trained on."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, N_FEATURES))
    return X, np.arange(rows) % N_CLASSES if classifier else X @ rng.uniform(0.1, 1.0, N_FEATURES) + 9.0


class Machine(RuleBasedStateMachine):
    """A network, and what users do with it."""

    few = True

    @initialize(classifier=st.booleans(), hidden=st.sampled_from([(), 5, (4, 4), (5, 3)]), seed=st.integers(0, 9))
    def begin(self, classifier, hidden, seed):
        make = MLPClassifier if classifier else MLPRegressor
        self.classifier, self.hidden = classifier, hidden
        self.net = make(hidden_layer_sizes=hidden, max_iter=2, random_state=seed)

    def call(self, call):
        """Call what trains; if it is refused, the network is as it was."""
        outcome = attempt(call, self.net)
        if outcome.error is None:
            assert_usable(self.net, data(5, 1, self.classifier)[0], outcome)
        else:
            names = {*self.net.get_params(deep=False), "X", "y", "n_samples", "classes", "coefs_", "layer", "layers"}
            assert names_one_of(outcome.error, names), f"names no parameter: {outcome.error}"

    @property
    def is_fitted(self):
        return hasattr(self, "net") and hasattr(self.net, "coefs_")

    @rule(rows=st.integers(1, 40), seed=st.integers(0, 9), weighted=st.booleans())
    def fit(self, rows, seed, weighted):
        X, y = data(rows, seed, self.classifier)
        weight = np.random.default_rng(seed).uniform(0.1, 2.0, rows) if weighted else None
        self.call(lambda: self.net.fit(X, y, sample_weight=weight))

    @precondition(lambda self: hasattr(self, "net") and hasattr(self.net, "partial_fit"))
    @rule(rows=st.integers(1, 40), seed=st.integers(0, 9))
    def partial_fit(self, rows, seed):
        X, y = data(rows, seed, self.classifier)
        classes = {"classes": np.arange(N_CLASSES)} if self.classifier else {}
        self.call(lambda: self.net.partial_fit(X, y, **classes))

    @rule(draw=st.data())
    def set_legal(self, draw):
        depth = np.size(self.hidden)
        space = parameters(depth, self.classifier, self.few)
        name = draw.draw(st.sampled_from(sorted(set(space) - LEFT_OUT)), "parameter")
        self.net.set_params(**{name: draw.draw(space[name], "value")})

    @rule(names=st.lists(st.sampled_from(sorted(RANGES)), max_size=20))
    def set_defaults(self, names):
        defaults = type(self.net)().get_params(deep=False)
        kept = {"hidden_layer_sizes", "max_iter", "random_state"}
        self.net.set_params(**{name: defaults[name] for name in names if name in defaults and name not in kept})

    @rule(warm_start=st.booleans())
    def set_warm_start(self, warm_start):
        self.net.set_params(warm_start=warm_start)

    @rule(draw=st.data())
    def fit_with_an_illegal_parameter(self, draw):
        names = set(self.net.get_params(deep=False)) - {"scoring", "validation_split"}  # need early stopping
        name = draw.draw(st.sampled_from(sorted(names)), "parameter")
        kept = getattr(self.net, name)
        value = draw.draw(st.sampled_from(values(name)), "value")
        if may_be_taken(name, value):
            return
        self.net.set_params(**{name: value})
        X, y = data(12, 0, self.classifier)
        assert attempt(lambda: self.net.fit(X, y), self.net, REFUSALS).error is not None
        self.net.set_params(**{name: kept})

    @rule(bad=st.sampled_from(arguments("X")), name=st.sampled_from(["fit", "partial_fit", "predict", "score"]))
    def call_with_no_X(self, bad, name):
        if hasattr(self.net, name):
            y = () if name == "predict" else (data(12, 0, self.classifier)[1],)
            outcome = attempt(lambda: getattr(self.net, name)(bad, *y), self.net, REFUSALS)
            assert outcome.error is not None

    @rule(bad=st.sampled_from(arguments("y")), weight=st.sampled_from([None, *arguments("sample_weight")]))
    def fit_with_no_y(self, bad, weight):
        X, _ = data(12, 0, self.classifier)
        assert attempt(lambda: self.net.fit(X, bad, sample_weight=weight), self.net, REFUSALS).error is not None

    @precondition(lambda self: self.is_fitted)
    @rule(table=tables(kinds=("normal", "zeros", "binary")), known=st.booleans())
    def predict(self, table, known):
        table = replace(table, columns=N_FEATURES) if known else table  # else nearly all would be refused
        X = table.given()
        outcome = attempt(lambda: predictions(self.net, X), self.net)
        becomes_dense = hasattr(self.net, "features_") and table.form in SPARSE_FORMS
        assert (outcome.error is None) == (table.columns == N_FEATURES and not becomes_dense)

    @rule(how=st.sampled_from(["pickle", "copy", "clone"]))
    def exchange(self, how):
        before = self.net
        if how == "clone":
            self.net = clone(before)
            assert not hasattr(self.net, "coefs_")
            return
        self.net = pickle.loads(pickle.dumps(before)) if how == "pickle" else copy.deepcopy(before)
        if hasattr(before, "coefs_"):
            X = data(9, 3, self.classifier)[0]
            first, second = (attempt(lambda net=net: predictions(net, X)).result for net in (before, self.net))
            assert fingerprint(first) == fingerprint(second)

    @precondition(lambda self: self.is_fitted)
    @rule(factor=st.sampled_from([0.0, 0.5, 2.0]))
    def edit_weights(self, factor):
        for coef in self.net.coefs_:
            coef *= factor

    @invariant()
    def stays_usable(self):
        if self.is_fitted:
            X = data(3, 2, self.classifier)[0]
            before = fingerprint(vars(self.net))
            outcome = attempt(lambda: predictions(self.net, X))
            assert outcome.error is None
            assert fingerprint(vars(self.net)) == before
        if hasattr(self, "net"):
            repr(self.net)


class WholeMachine(Machine):
    """With the whole vocabulary."""

    few = False


def test_a_network_survives_any_order_of_calls():
    run_state_machine_as_test(Machine, settings=settings(FAST, max_examples=12, stateful_step_count=12))


@pytest.mark.exhaustive
def test_a_network_of_the_whole_vocabulary_survives_any_order_of_calls():
    run_state_machine_as_test(WholeMachine, settings=settings(MANY, stateful_step_count=30))
