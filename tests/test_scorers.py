"""Scorers that early stopping calls: what they are given, what they may do, and scores that say nothing."""

import pickle
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction

import array_api_strict
import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import UndefinedMetricWarning

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

COMMON = {"hidden_layer_sizes": (8,), "early_stopping": True, "random_state": 0, "max_iter": 6}


def classifier(**params):
    return fastnet.MLPClassifier(**COMMON | params)


def regressor(**params):
    return fastnet.MLPRegressor(**COMMON | params)


def halves(X, y):
    return X[:100], y[:100], {"X_val": X[100:200], "y_val": y[100:200]}


@pytest.mark.parametrize("kind", ["csr", "coo", "bsr"])
def test_sparse_targets_are_cut_out_for_a_scorer(digits, diabetes, kind):
    X = digits[0]
    labels = (X[:, 20:23] > X[:, 20:23].mean(axis=0)).astype(int)
    models = [classifier(scoring="f1_macro").fit(X, y) for y in (labels, csr_array(labels).asformat(kind))]
    assert models[0].validation_scores_ == models[1].validation_scores_
    X, y = diabetes
    numbers = np.column_stack([y, -y])
    models = [regressor(scoring="r2").fit(X, y) for y in (numbers, csr_array(numbers).asformat(kind))]
    assert models[0].validation_scores_ == models[1].validation_scores_


def test_bools_as_objects_are_scored_as_bools(digits):
    X, y, own = halves(*digits)
    of_objects = {**own, "y_val": (own["y_val"] > 4).astype(object)}
    models = [classifier(scoring="f1").fit(X, y > 4, X_val=own["X_val"], y_val=own["y_val"] > 4)]
    models += [classifier(scoring="f1").fit(X, (y > 4).astype(object), **of_objects)]
    assert models[0].validation_scores_ == models[1].validation_scores_
    assert classifier(scoring="f1").fit(X, (y > 4).astype(object)).validation_scores_


saved = []


def save_and_score(estimator, X, y):  # not inside the test: then it could not be pickled
    saved.append((pickle.dumps(estimator), deepcopy(estimator).score(X, y)))
    return estimator.score(X, y)


def test_a_scorer_may_save_and_copy_the_estimator(digits):
    X, y, own = halves(*digits)
    saved.clear()
    model = classifier(scoring=save_and_score, n_iter_no_change=None).fit(X, y, **own)
    assert [score for _, score in saved] == model.validation_scores_
    loaded = [pickle.loads(pickled) for pickled, _ in saved]  # each with the weights of its epoch
    assert [each.score(own["X_val"], own["y_val"]) for each in loaded] == model.validation_scores_
    assert len(set(model.validation_scores_)) > 1


def test_scores_that_are_all_nan_are_refused(digits):
    X, y, own = halves(*digits)
    one_class = {"X_val": own["X_val"][:5], "y_val": [True] * 5}
    model = classifier(scoring="roc_auc")
    with (
        pytest.warns(UndefinedMetricWarning),
        pytest.raises(ValueError, match="scoring='roc_auc' was nan after every epoch, .*: validate with samples that"),
    ):
        model.fit(X, y > 4, **one_class)
    assert not hasattr(model, "coefs_")
    scores = iter([np.nan, 0.5, np.nan])
    model = classifier(scoring=lambda *_: next(scores), max_iter=3, n_iter_no_change=None).fit(X, y, **own)
    assert model.best_validation_score_ == 0.5


def returns(value):
    return lambda estimator, X, y: value


def raises(estimator, X, y):
    raise KeyError("no such column")


@pytest.mark.parametrize("value", [None, "good", np.ones(3), True, 1j, 10**400, {}], ids=str)
def test_what_is_no_score_is_refused(diabetes, value):
    with pytest.raises(ValueError, match="^scoring=<function .* must give one number, got .*: return a float"):
        regressor(scoring=returns(value)).fit(*diabetes)


HALVES = [0.5, np.float32(0.5), np.array([0.5]), np.array(0.5), Fraction(1, 2), Decimal("0.5")]


@pytest.mark.parametrize("value", [*HALVES, array_api_strict.asarray(0.5)], ids=repr)
def test_one_number_of_any_type_is_a_score(diabetes, value):
    assert regressor(scoring=returns(value), max_iter=1).fit(*diabetes).validation_scores_ == [0.5]


def test_a_scorer_that_fails_is_named_with_its_error(digits, diabetes):
    X, y, own = halves(*digits)
    message = "^scoring='f1' failed on the validation samples, with ValueError: .*continuous.*It has to give one number"
    with pytest.raises(ValueError, match=message) as caught:
        regressor(scoring="f1").fit(*diabetes)
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(ValueError, match="^scoring='roc_auc' failed .*multi_class"):
        classifier(scoring="roc_auc").fit(X, y)
    some = own["y_val"] < 5
    with pytest.raises(ValueError, match="^scoring='neg_log_loss' failed .*of every class"):
        classifier(scoring="neg_log_loss").fit(X, y, X_val=own["X_val"][some], y_val=own["y_val"][some])
    with pytest.raises(ValueError, match="^scoring=<function raises .* with KeyError: 'no such column'") as caught:
        classifier(scoring=raises).fit(X, y)
    assert isinstance(caught.value.__cause__, KeyError)

