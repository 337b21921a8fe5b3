"""Scorers that early stopping calls: what they are given, what they may do, and scores that say nothing."""

import pickle
from copy import deepcopy

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
