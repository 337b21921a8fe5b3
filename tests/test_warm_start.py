"""Going on: partial_fit, warm_start, pickles, and edits of a model by hand."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from sklearn import neural_network
from sklearn.base import clone

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = {
    "sgd": {"solver": "sgd", "learning_rate_init": 0.01},
    "invscaling": {"solver": "sgd", "learning_rate_init": 0.05, "learning_rate": "invscaling"},
    "adam": {"solver": "adam"},
    "dropout": {"solver": "adam", "dropout": 0.3, "input_dropout": 0.1},
}


def regressor(**params):
    return fastnet.MLPRegressor(
        **{"hidden_layer_sizes": (12, 5), "random_state": 0, "batch_size": 60, **params}
    )


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_pickle_between_partial_fits_goes_on_with_the_same_bits(diabetes, solver):
    X, y = diabetes
    through, pickled = regressor(**SOLVERS[solver]), regressor(**SOLVERS[solver])
    for _ in range(4):
        through.partial_fit(X, y)
        pickled = pickle.loads(pickle.dumps(pickled)).partial_fit(X, y)
        assert same_bits(parameters(through), parameters(pickled))
        assert through.loss_ == pickled.loss_
        assert (through.t_, through.n_iter_) == (pickled.t_, pickled.n_iter_)
    assert same_bits([through.predict(X)], [pickled.predict(X)])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_trained_further_leaves_the_original_alone(diabetes, duplicate):
    X, y = diabetes
    original = regressor().partial_fit(X, y)
    before = [p.copy() for p in parameters(original)]
    other = duplicate(original).partial_fit(X, y)
    assert same_bits(parameters(original), before)
    assert not same_bits(parameters(other), before)
    original.partial_fit(X, y)
    assert same_bits(parameters(original), parameters(other))


@pytest.mark.parametrize("Estimator", [fastnet.MLPClassifier, fastnet.MLPRegressor])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_pickled_model_predicts_the_same_bits(digits, Estimator, solver):
    X, y = digits
    model = Estimator(hidden_layer_sizes=9, solver=solver, max_iter=4, random_state=0).fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    assert same_bits([np.asarray(loaded.predict(X))], [np.asarray(model.predict(X))])
    assert same_bits(parameters(loaded), parameters(model))


def test_partial_fits_lower_the_loss_and_count_epochs_as_scikit_learn(diabetes):
    X, y = diabetes
    ours = regressor()
    theirs = neural_network.MLPRegressor(hidden_layer_sizes=(12, 5), random_state=0, batch_size=60)
    for _ in range(30):
        ours.partial_fit(X, y)
        theirs.partial_fit(X, y)
    assert ours.loss_curve_[-1] < 0.8 * ours.loss_curve_[0]
    assert (ours.n_iter_, ours.t_, len(ours.loss_curve_)) == (
        theirs.n_iter_,
        theirs.t_,
        len(theirs.loss_curve_),
    )
    assert ours.best_loss_ == min(ours.loss_curve_)


def test_partial_fit_accepts_other_batches(digits):
    X, y = digits
    model = fastnet.MLPClassifier(hidden_layer_sizes=30, random_state=0, learning_rate_init=0.01)
    for start in [0, 100, 200] * 15:
        model.partial_fit(X[start : start + 100], y[start : start + 100], classes=np.arange(10))
    assert model.score(X, y) > 0.95
    # a batch need not hold every class
    model.partial_fit(X[y == 3], y[y == 3])
    assert_array_equal(model.classes_, np.arange(10))


def test_partial_fit_of_a_multilabel_problem(digits):
    X, y = digits
    indicator = np.column_stack([y > 4, y % 2]).astype(int)
    model = fastnet.MLPClassifier(hidden_layer_sizes=20, random_state=0, learning_rate_init=0.01)
    for _ in range(30):
        model.partial_fit(X, indicator, classes=[0, 1])
    assert model.score(X, indicator) > 0.9


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_goes_on_from_a_fit(diabetes, solver):
    X, y = diabetes
    params = {"solver": solver, "shuffle": False, "tol": 0.0}
    together = regressor(max_iter=4, **params).fit(X, y)
    in_parts = regressor(max_iter=3, **params).fit(X, y).partial_fit(X, y)
    assert same_bits(parameters(in_parts), parameters(together))
    assert in_parts.loss_curve_ == together.loss_curve_
    assert in_parts.t_ == together.t_


def test_partial_fit_goes_on_from_lbfgs(diabetes):
    X, y = diabetes
    model = regressor(solver="lbfgs", max_iter=10).fit(X, y)
    end = [p.copy() for p in parameters(model)]
    model.set_params(solver="sgd", learning_rate_init=1e-30).partial_fit(X, y)
    assert same_bits(parameters(model), end)


def test_partial_fit_keeps_its_optimizer_as_scikit_learn_does(diabetes):
    # the rate is chosen when training begins
    X, y = diabetes
    params = {"solver": "sgd", "shuffle": False, "hidden_layer_sizes": 6, "random_state": 0}
    ours, theirs = fastnet.MLPRegressor(dtype="float64", **params), neural_network.MLPRegressor(**params)
    for model in (ours, theirs):
        model.partial_fit(X, y).set_params(learning_rate_init=0.5).partial_fit(X, y)
    assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-9)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_warm_start_begins_where_the_last_fit_ended(diabetes, solver):
    X, y = diabetes
    # loss without regularisation: nothing but the weights decides where the curve starts
    params = {"dtype": "float64", "solver": solver, "learning_rate_init": 0.005, "warm_start": True}
    model = regressor(max_iter=30, **params).fit(X, y)
    first_loss = model.loss_
    start = [p.copy() for p in parameters(model)]
    model.set_params(max_iter=1).fit(X, y)
    assert model.loss_ < 1.05 * first_loss
    moved = max(np.abs(a - b).max() for a, b in zip(start, parameters(model), strict=True))
    assert 0 < moved < 0.5


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_without_warm_start_every_fit_is_the_first(diabetes, solver):
    model = regressor(solver=solver, max_iter=5).fit(*diabetes)
    first = [p.copy() for p in parameters(model)]
    curve = list(getattr(model, "loss_curve_", []))
    model.fit(*diabetes)
    assert same_bits(parameters(model), first)
    assert list(getattr(model, "loss_curve_", [])) == curve


def test_a_warm_start_of_lbfgs_follows_scikit_learn(diabetes):
    params = {"hidden_layer_sizes": 6, "solver": "lbfgs", "random_state": 0, "max_iter": 5}
    params |= {"activation": "tanh", "warm_start": True}
    ours, theirs = fastnet.MLPRegressor(**params), neural_network.MLPRegressor(**params)
    for _ in range(3):
        ours.fit(*diabetes)
        theirs.fit(*diabetes)
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-6)


@pytest.mark.parametrize("Estimator", ["MLPClassifier", "MLPRegressor"])
def test_a_warm_start_counts_as_scikit_learns(Estimator, cancer):
    models = []
    for module in (fastnet, neural_network):
        model = getattr(module, Estimator)(
            hidden_layer_sizes=4, max_iter=3, random_state=0, warm_start=True, early_stopping=True
        )
        models.append(model.fit(*cancer).set_params(max_iter=5).fit(*cancer))
    ours, theirs = models
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)
    assert len(ours.validation_scores_) == len(theirs.validation_scores_)
    assert len(ours.loss_curve_) == len(theirs.loss_curve_)


def test_a_warm_start_accepts_the_same_classes_in_another_order(digits):
    X, y = digits
    model = fastnet.MLPClassifier(hidden_layer_sizes=5, warm_start=True, max_iter=2).fit(X, y)
    model.fit(X[::-1], y[::-1])
    assert_array_equal(model.classes_, np.arange(10))


def test_a_warm_start_accepts_other_data_of_the_same_shape(diabetes):
    X, y = diabetes
    model = regressor(warm_start=True, max_iter=3).fit(X, y)
    model.fit(X[:100], y[:100])
    assert model.t_ == 3 * 250 + 3 * 100


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("Estimator", [fastnet.MLPClassifier, fastnet.MLPRegressor])
def test_edits_of_the_weights_in_place_take_effect(cancer, Estimator, solver):
    X, y = cancer
    model = Estimator(hidden_layer_sizes=7, solver=solver, max_iter=5, random_state=0, dtype="float64").fit(
        X, y
    )
    predict = getattr(model, "predict_proba", model.predict)
    predict(X)
    model.coefs_[-1][:] = 0
    model.intercepts_[-1][:] = np.log(3)
    expected = 3 / 4 if Estimator is fastnet.MLPClassifier else np.log(3)
    assert_allclose(
        predict(X)[..., -1] if Estimator is fastnet.MLPClassifier else predict(X), expected, rtol=1e-12
    )


@pytest.mark.parametrize("go_on", ["partial_fit", "warm_start"])
def test_edits_of_the_weights_are_where_training_goes_on(diabetes, go_on):
    X, y = diabetes
    params = {"solver": "sgd", "learning_rate_init": 1e-30, "max_iter": 1, "warm_start": True}
    model = regressor(dtype="float64", **params).fit(X, y)
    for p in parameters(model):
        p[:] = 0.25
    model.partial_fit(X, y) if go_on == "partial_fit" else model.fit(X, y)
    for p in parameters(model):
        assert_array_equal(p, 0.25)


def test_weights_replaced_by_others_take_effect(diabetes):
    X, y = diabetes
    a, b = (regressor(random_state=seed, max_iter=2).fit(X, y) for seed in [0, 1])
    a.coefs_, a.intercepts_ = [c.copy() for c in b.coefs_], [c.copy() for c in b.intercepts_]
    assert same_bits([a.predict(X)], [b.predict(X)])
    # another memory order of the same numbers is the same model
    a.coefs_ = [np.asfortranarray(c) for c in b.coefs_]
    assert same_bits([a.predict(X)], [b.predict(X)])


def test_a_clone_is_unfitted_and_fits_to_the_same_bits(diabetes):
    model = regressor(max_iter=3, dropout=[0.1, 0.2]).fit(*diabetes)
    other = clone(model)
    assert not hasattr(other, "coefs_")
    assert same_bits(parameters(other.fit(*diabetes)), parameters(model))


def test_models_do_not_share_their_weights(diabetes):
    X, y = diabetes
    model = regressor(warm_start=True, max_iter=2).fit(X, y)
    held = model.coefs_
    kept = [c.copy() for c in held]
    model.partial_fit(X, y)
    other = regressor(max_iter=2).fit(X, y)
    assert not any(np.shares_memory(a, b) for a in model.coefs_ for b in other.coefs_)
    del held, kept


@pytest.mark.parametrize("first", ["fit", "partial_fit"])
@pytest.mark.parametrize("kind", ["one label", "columns"])
def test_partial_fit_takes_a_part_of_the_classes_whatever_warm_start_is(kind, first):
    X, y = np.random.RandomState(0).randn(30, 2), np.arange(30) % 3
    y = np.column_stack([y, np.arange(30) % 2]).astype(str) if kind == "columns" else y
    classes = [np.unique(column) for column in y.T] if kind == "columns" else np.unique(y)
    few = (y if y.ndim == 1 else y[:, 0]).astype(int) < 2
    models = [fastnet.MLPClassifier((4,), max_iter=2, random_state=0, warm_start=warm) for warm in (False, True)]
    for model in models:
        model.fit(X, y) if first == "fit" else model.partial_fit(X[few], y[few], classes=classes)
        model.partial_fit(X[few], y[few])
    assert same_bits(parameters(models[0]), parameters(models[1]))
    with pytest.raises(ValueError, match="same classes|was trained on"):  # a fit sees all there is
        models[1].fit(X[few], y[few])
    with pytest.raises(ValueError, match="classes not in|was trained on"):
        models[1].partial_fit(X, np.roll(y, 1, axis=-1) if y.ndim == 2 else y + 1)
