"""Legal parameters in any combination train a usable model, warn, or are refused by name."""

import pytest
from cases import cases
from hypothesis import event, given
from judge import assert_usable, attempt, names_one_of
from profiles import FAST, MANY
from vocabulary import parameters

from fastnet import MLPClassifier, MLPRegressor


def check(case):
    net = case.estimator()
    trained = attempt(lambda: case.train(net), net)
    event("refused" if trained.error else "trained")
    if trained.error is None:
        assert_usable(net, case.X(), trained)
    else:
        assert names_one_of(trained.error, case.involved()), f"names no parameter: {trained.error}"


@FAST
@given(cases(few=True))
def test_legal_parameters_train_warn_or_are_refused_by_name(case):
    check(case)


@pytest.mark.exhaustive
@MANY
@given(cases())
def test_legal_parameters_of_the_whole_vocabulary(case):
    check(case)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_every_parameter_has_a_strategy(estimator):
    given = {*parameters(1, estimator is MLPClassifier), "hidden_layer_sizes"}
    assert given == set(estimator().get_params(deep=False))
