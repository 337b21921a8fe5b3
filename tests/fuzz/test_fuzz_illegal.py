"""Illegal values are refused by name, at once, and leave the estimator as it was."""

import re
import time

import illegal
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from illegal import illegal_arguments, illegal_parameters
from judge import attempt, names_one_of
from profiles import FAST, MANY
from sklearn.model_selection import GroupKFold

from fastnet import MLPClassifier, MLPRegressor
from fastnet.ops.numbers import shown

CHEAP = settings(FAST, max_examples=60)  # no refusal compiles or trains
REFUSALS = (ValueError, TypeError)
# scikit-learn's words for data that are none; the argument's own name is asked for where there is none of them.
ITS_WORDS = re.compile(r"array|sample|feature|data|shape|label|class|target|sparse", re.IGNORECASE)


def check_parameter(case):
    classifier, name, value, others = case
    net = (MLPClassifier if classifier else MLPRegressor)(
        **{"max_iter": 1, "hidden_layer_sizes": 3, "max_time": 3.0, **others}
    )
    net.set_params(**{name: value})
    if name in ("validation_split", "scoring"):
        net.set_params(early_stopping=True)
    begun = time.process_time()
    outcome = attempt(lambda: net.fit(illegal.X, illegal.CLASSES), net, REFUSALS)
    assert time.process_time() - begun < 30, "it took long"  # much more than a kernel's compilation
    if outcome.error is None and illegal.may_be_taken(name, value):
        return
    assert outcome.error is not None, f"{name}={shown(value)} was taken"
    words = {name} if not others else {name, *others}
    assert names_one_of(outcome.error, words), f"{name}={shown(value)} is not named: {outcome.error!r}"


@CHEAP
@given(illegal_parameters())
def test_an_illegal_parameter_is_refused_by_name(case):
    check_parameter(case)


@pytest.mark.exhaustive
@MANY
@given(illegal_parameters())
def test_every_illegal_parameter_is_refused_by_name(case):
    check_parameter(case)


def check_field(case):
    (entry, name), value = case
    outcome = attempt(lambda: entry(**{name: value}), errors=REFUSALS)
    assert outcome.error is not None, f"{entry.__name__}({name}={shown(value)}) was taken"
    assert names_one_of(outcome.error, {name}), f"{entry.__name__}.{name} is not named: {outcome.error!r}"


def check_second_call(case):
    """scikit-learn's decorator of ``partial_fit`` validates no parameter of an estimator that is fitted."""
    classifier, name, value, _ = case
    make, y = (MLPClassifier, illegal.CLASSES) if classifier else (MLPRegressor, illegal.Y)
    net = make(hidden_layer_sizes=3, max_iter=1, random_state=0)
    net.partial_fit(illegal.X, y, **({"classes": [0, 1, 2]} if classifier else {}))
    if name in ("solver", "early_stopping", "scoring", "validation_split"):  # decide whether there is a partial_fit
        return
    net.set_params(**{name: value})
    outcome = attempt(lambda: net.partial_fit(illegal.X, y), net, REFUSALS)
    if outcome.error is None and illegal.may_be_taken(name, value):
        return
    assert outcome.error is not None, f"{name}={shown(value)} was taken"
    assert names_one_of(outcome.error, {name}), f"{name}={shown(value)} is not named: {outcome.error!r}"


@CHEAP
@given(illegal_parameters())
def test_a_second_partial_fit_refuses_an_illegal_parameter_by_name(case):
    check_second_call(case)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", illegal.RANGES)
@pytest.mark.parametrize("classifier", [True, False])
def test_both_calls_refuse_every_illegal_value_of_a_parameter_by_name(name, classifier):
    if name in illegal.of_the_other(classifier):
        pytest.skip("a parameter of the other estimator")
    for value in illegal.values(name):
        check_parameter((classifier, name, value, {}))
        check_second_call((classifier, name, value, {}))


fields = st.tuples(st.sampled_from(illegal.VALUES), st.sampled_from(illegal.NO_FIELD))


@CHEAP
@given(fields)
def test_an_illegal_number_of_an_object_is_refused_by_name(case):
    check_field(case)


@pytest.mark.exhaustive
@pytest.mark.parametrize("field", illegal.VALUES, ids=lambda field: f"{field[0].__name__}.{field[1]}")
def test_every_illegal_number_of_an_object_is_refused_by_name(field):
    for value in illegal.NO_FIELD:
        check_field((field, value))


def check_argument(case):
    classifier, name, value, solver = case
    X, y = illegal.X, illegal.CLASSES if classifier else illegal.Y
    arguments = {"X": X, "y": y}
    validates = name in ("X_val", "y_val", "sample_weight_val")
    own = {"X_val": X, "y_val": y} if validates else {}
    if solver == "lbfgs" and (validates or name in ("groups", "classes")):
        solver = "adam"
    net = (MLPClassifier if classifier else MLPRegressor)(hidden_layer_sizes=3, solver=solver, max_iter=1)
    net.set_params(early_stopping=validates or name == "groups")
    if name == "groups":
        net.set_params(validation_split=GroupKFold(2))
    method = net.partial_fit if name == "classes" else net.fit
    arguments = {**arguments, **own, name: value}
    outcome = attempt(lambda: method(**arguments), net, REFUSALS)
    assert outcome.error is not None, f"{name}={shown(value)} was taken"
    message = str(outcome.error)
    assert names_one_of(message, {name}) or ITS_WORDS.search(message), f"{name} is not named: {outcome.error!r}"


@CHEAP
@given(illegal_arguments())
def test_an_illegal_argument_is_refused(case):
    check_argument(case)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", illegal.ARGUMENTS)
@pytest.mark.parametrize("classifier", [True, False])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_every_illegal_argument_is_refused(name, classifier, solver):
    if name == "classes" and not classifier:
        pytest.skip("an argument of the classifier")
    for value in illegal.arguments(name):
        check_argument((classifier, name, value, solver))


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_every_parameter_has_illegal_values(estimator):
    assert set(estimator().get_params(deep=False)) <= set(illegal.RANGES)


def test_what_is_refused_before_a_fit_is_refused_after_one():
    net = MLPRegressor(hidden_layer_sizes=3, max_iter=1, n_iter_no_change=None).fit(illegal.X, illegal.Y)
    before = net.predict(illegal.X)
    net.set_params(alpha=-1.0)
    outcome = attempt(lambda: net.fit(illegal.X, illegal.Y), net)
    assert names_one_of(outcome.error, {"alpha"})
    assert np.array_equal(net.predict(illegal.X), before)
