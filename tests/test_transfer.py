"""Networks that begin with another's weights, leave layers as they are, or have no biases."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import parameters, same_bits
from sklearn import neural_network
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ShuffleSplit, cross_val_score, train_test_split

import fastnet
from fastnet import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"max_iter": 3, "random_state": 0}
# Steps so small that they vanish beside any weight.
STILL = {"solver": "sgd", "learning_rate_init": 1e-30, "momentum": 0.0, "alpha": 0.0, **QUICK}
SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.01},
    "momentum": {"solver": "sgd", "learning_rate_init": 0.01},
    "adam": {"learning_rate_init": 0.01},
    "early stopping": {"early_stopping": True, "learning_rate_init": 0.01},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1},
    "lbfgs": {"solver": "lbfgs"},
    "l1": {"alpha": 1.0, "l1_ratio": 0.5},
    "lbfgs, l1": {"solver": "lbfgs", "alpha": 1.0, "l1_ratio": 0.5},
}


class Network(BaseEstimator):
    """Weights that were given, as an estimator."""

    def __init__(self, coefs, intercepts):
        self.coefs_, self.intercepts_ = coefs, intercepts


@pytest.fixture(scope="module", params=["fastnet", "scikit-learn"])
def source(request, digits):
    """A fitted 64-20-12-10 network."""
    module = fastnet if request.param == "fastnet" else neural_network
    return module.MLPClassifier((20, 12), activation="tanh", max_iter=20, random_state=1).fit(*digits)


# ---- transfer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(
    ("hidden", "taken"), [((20, 12), 3), ((20, 12, 5), 2), ((20,), 1), ((20, 13), 1), ((20, 13, 12), 1)], ids=str
)
def test_first_layers_whose_shapes_match_are_taken(digits, source, hidden, taken, frozen):
    init = FrozenEstimator(source) if frozen else source
    model = MLPClassifier(hidden, activation="tanh", init=init, dtype="float64", **STILL).fit(*digits)
    drawn = MLPClassifier(hidden, activation="tanh", dtype="float64", **STILL).fit(*digits)
    assert model.n_transferred_layers_ == taken
    for layer in range(len(hidden) + 1):
        expected = source if layer < taken else drawn
        assert_allclose(model.coefs_[layer], expected.coefs_[layer].astype(float), rtol=1e-15)
        assert_allclose(model.intercepts_[layer], expected.intercepts_[layer].astype(float), rtol=1e-15)
    assert not hasattr(drawn, "n_transferred_layers_")


def test_a_whole_network_predicts_as_its_source(digits, source):
    model = MLPClassifier((20, 12), activation="tanh", init=source, dtype="float64", **STILL).fit(*digits)
    assert_allclose(model.predict_proba(digits[0]), source.predict_proba(digits[0]), rtol=1e-4, atol=1e-6)


def test_a_regressor_takes_the_layers_of_a_classifier(digits, source):
    model = MLPRegressor("squared_error", (20, 12), init=source, **STILL).fit(*digits)
    assert model.n_transferred_layers_ == 2
    assert same_bits(model.coefs_[:2], [w.astype(np.float32) for w in source.coefs_[:2]])


def test_the_source_stays_as_it_is(digits, source):
    before = [p.copy() for p in parameters(source)]
    model = MLPClassifier((20, 12), activation="tanh", init=source, solver="lbfgs", **QUICK).fit(*digits)
    model.coefs_[0][:] = 0
    assert same_bits(parameters(source), before)


def test_what_is_taken_is_said(digits, source, capsys):
    MLPClassifier((20, 5), init=source, verbose=True, **QUICK).fit(*digits)
    assert "1 of 3 layers begin with the weights of init's network: 64-20.\n" in capsys.readouterr().out


def test_a_new_fit_without_transfer_forgets_it(digits, source):
    model = MLPClassifier((20,), init=source, **QUICK).fit(*digits)
    assert model.set_params(init="he_normal").fit(*digits) and not hasattr(model, "n_transferred_layers_")


def test_going_on_does_not_transfer_again(digits, source):
    model = MLPClassifier((20,), init=source, warm_start=True, **QUICK).fit(*digits)
    plain = MLPClassifier((20,), warm_start=True, **QUICK)
    plain.__dict__.update({k: v for k, v in pickle.loads(pickle.dumps(model)).__dict__.items() if k != "init"})
    assert same_bits(parameters(model.fit(*digits)), parameters(plain.fit(*digits)))
    model.partial_fit(*digits)
    assert model.n_transferred_layers_ == 1


def test_partial_fit_begins_with_the_source(digits, source):
    model = MLPClassifier((20,), init=source, **STILL).partial_fit(*digits, classes=np.arange(10))
    assert model.n_transferred_layers_ == 1
    assert same_bits(model.coefs_[:1], [source.coefs_[0].astype(np.float32)])


def test_bias_init_sets_drawn_biases_only(digits, source):
    model = MLPClassifier((20,), init=source, bias_init=0.5, **STILL).fit(*digits)
    assert same_bits(model.intercepts_[:1], [source.intercepts_[0].astype(np.float32)])
    assert (model.intercepts_[1] == 0.5).all()


def test_a_frozen_estimator_survives_clones_and_grids(digits, source):
    frozen = FrozenEstimator(source)
    model = MLPClassifier((20,), init=frozen, **QUICK)
    assert clone(model).init is frozen
    expected = cross_val_score(model, *digits, cv=2, error_score="raise")
    grid = {"init": [frozen], "freeze": [0, 1]}
    search = GridSearchCV(MLPClassifier((20,), **QUICK), grid, cv=2, error_score="raise").fit(*digits)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] == expected.mean() and scores[0] != scores[1]
    assert search.best_params_["init"] is frozen and search.best_estimator_.n_transferred_layers_ == 1
    # parameters by name reach through
    params = model.get_params(deep=True)
    assert params["init__estimator"] is source
    assert model.set_params(**params).init is frozen


def test_a_pickled_model_keeps_its_source(digits, source):
    model = pickle.loads(pickle.dumps(MLPClassifier((20,), init=source, **QUICK)))
    expected = MLPClassifier((20,), init=source, **QUICK).fit(*digits)
    assert same_bits(parameters(model.fit(*digits)), parameters(expected))


def test_a_bare_estimator_does_not_survive_a_clone_and_the_remedy_is_named(digits, source):
    with pytest.raises(ValueError, match=r"init=FrozenEstimator\(estimator\)"):
        clone(MLPClassifier((20,), init=source, **QUICK)).fit(*digits)


def refused(match, data, **params):
    model = MLPClassifier(**{"hidden_layer_sizes": (20, 12), **QUICK, **params})
    with pytest.raises(ValueError, match=match):
        model.fit(*data)
    assert not hasattr(model, "coefs_")


def test_what_cannot_be_taken_is_refused(digits, source):
    refused("must be a fitted multilayer perceptron", digits, init=LogisticRegression().fit(*digits))
    refused("must be a fitted multilayer perceptron", digits, init=FrozenEstimator(MLPClassifier()))
    refused(r"weights of shape \(64, 20\), that of this network \(64, 7\)", digits, init=source, hidden_layer_sizes=7)
    refused(r"\(64, 20\), that of this network \(30, 20\)", (digits[0][:, :30], digits[1]), init=source)
    refused("use_bias=False cannot take over the biases", digits, init=source, use_bias=False)
    broken = pickle.loads(pickle.dumps(source))
    broken.coefs_[1][0, 0] = np.nan
    refused("must have finite weights", digits, init=broken)
    large = MLPClassifier((20, 12), **QUICK, dtype="float64").fit(*digits)
    large.coefs_[0][0, 0] = 1e60
    refused("too large for float32", digits, init=large, dtype="float32")


class Given(BaseEstimator):
    """What has the attributes of a network, whatever they hold."""

    def __init__(self, coefs_=None, intercepts_=None, more=()):
        self.coefs_, self.intercepts_ = coefs_, intercepts_
        vars(self).update(more)

    def __repr__(self):
        return "Given()"


W, B = np.zeros((64, 20)), np.zeros(20)


@pytest.mark.parametrize(
    ("coefs", "intercepts", "match"),
    [
        (None, None, "init must have coefs_ that hold one array for each layer, Given"),
        ([W], None, "init must have intercepts_ that hold one array"),
        ([[[1.0], [1.0, 2.0]]], [B], "init must have coefs_ that hold one array"),
        (5, [B], "init must have coefs_ that hold one array"),
        ([W.astype(str)], [B], r"init must have finite weights, Given\(\) has not in coefs_"),
        ([W], [B.astype(object)], "finite weights, .* in intercepts_"),
        ("weights", "biases", "finite weights, .* in coefs_"),
        ([W[0]], [B], r"init must have coefs_ of 2 dimension\(s\), Given\(\) has 1"),
        ([W], [B[:, None]], r"init must have intercepts_ of 1 dimension\(s\), Given\(\) has 2"),
        ([W, W], [B], r"init must have weights and biases of each layer, Given\(\) has 2 coefs_ and 1 intercepts_"),
        ([], [], "has 0 coefs_ and 0 intercepts_"),
    ],
)
def test_sources_that_are_no_network_are_refused_by_name(digits, coefs, intercepts, match):
    refused(match, digits, init=Given(coefs, intercepts))


@pytest.mark.parametrize(
    ("gains", "match"),
    [
        ([], "init must have gains_ that hold one entry for each hidden layer"),
        (5, "init must have gains_ that hold one entry for each hidden layer"),
        ([["a"] * 20], "init must have finite weights, .* in gains_"),
        ([[[1.0], [1.0, 2.0]]], "init must have gains_ that hold one array"),
        ([np.ones((20, 1))], r"init must have gains_ of 1 dimension"),
        ([np.ones(3)], r"init's network has gains_ of shape \(3,\)"),
        (np.array([np.full(20, np.inf)]), "init must have finite weights, .* in gains_"),
    ],
)
def test_gains_that_are_none_are_refused_by_name(digits, gains, match):
    refused(match, digits, init=Given([W], [B], {"gains_": gains}), normalization="layer")


def test_a_source_whose_attributes_raise_is_refused_with_the_cause(digits):
    class Raising(BaseEstimator):
        @property
        def coefs_(self):
            raise RuntimeError("gone")

    refused("must be a fitted multilayer perceptron, .*Raising", digits, init=Raising())



def test_transfer_helps_where_labels_are_few():
    # a network that knows the digits knows what tells odd from even
    X, y = load_digits(return_X_y=True)
    X_old, X, y_old, y = train_test_split(X / 16, y, test_size=0.5, stratify=y, random_state=0)
    teacher = MLPClassifier((40,), max_iter=60, learning_rate_init=0.01, random_state=0).fit(X_old, y_old)
    gains = []
    for few, rest in ShuffleSplit(4, train_size=40, random_state=0).split(X):
        params = {"hidden_layer_sizes": (40,), "solver": "lbfgs", "alpha": 0.1, "random_state": 0}
        models = MLPClassifier(**params), MLPClassifier(init=teacher, freeze=1, **params)
        scratch, transferred = (m.fit(X[few], y[few] % 2).score(X[rest], y[rest] % 2) for m in models)
        gains.append(transferred - scratch)
    assert np.mean(gains) > 0.02


# ---- freezing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("freeze", [1, 2])
@pytest.mark.parametrize("solver", SOLVERS)
def test_frozen_layers_keep_their_bits(digits, solver, freeze):
    params = {"hidden_layer_sizes": (20, 12), "random_state": 0, "max_iter": 6, **SOLVERS[solver]}
    model = MLPClassifier(freeze=freeze, **params).fit(*digits)
    moving = MLPClassifier(**params).fit(*digits)
    # the same draws, of which the moving network has kept none
    begun = MLPClassifier((20, 12), dtype=model.coefs_[0].dtype.name, **STILL).fit(*digits)
    assert same_bits(model.coefs_[:freeze], begun.coefs_[:freeze])
    assert same_bits(model.intercepts_[:freeze], begun.intercepts_[:freeze])
    for layer in range(3):
        assert not same_bits([moving.coefs_[layer]], [begun.coefs_[layer]])
        assert same_bits([model.coefs_[layer]], [begun.coefs_[layer]]) == (layer < freeze)
    assert np.isfinite(model.loss_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "momentum"])
def test_frozen_layers_keep_their_bits_when_training_goes_on(digits, solver):
    model = MLPClassifier((20, 12), random_state=0, max_iter=3, warm_start=True, **SOLVERS[solver]).fit(*digits)
    before = [p.copy() for p in parameters(model)]
    model.set_params(freeze=1).fit(*digits)
    if solver != "lbfgs":
        model.partial_fit(*digits)
    kept = [i for i in range(6) if same_bits([before[i]], [parameters(model)[i]])]
    assert kept == [0, 3]


def test_freezing_nothing_changes_nothing(digits):
    a, b = (MLPClassifier((9,), **params, **QUICK).fit(*digits) for params in ({}, {"freeze": 0, "use_bias": True}))
    assert same_bits(parameters(a), parameters(b))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_frozen_network_is_a_linear_model_of_its_hidden_units(diabetes, solver):
    X, y = diabetes
    params = {"solver": solver, "alpha": 0.3, "dtype": "float64", "max_iter": 400, "random_state": 0, "tol": 1e-8,
              "batch_size": 250, "shuffle": False}  # fmt: skip
    model = MLPRegressor("squared_error", (15,), activation="tanh", freeze=1, **params).fit(X, y)
    hidden = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    begun = MLPRegressor("squared_error", (15,), activation="tanh", dtype="float64", **STILL).fit(X, y)
    init = Network([begun.coefs_[1]], [begun.intercepts_[1]])
    head = MLPRegressor("squared_error", (), init=init, **params).fit(hidden, y)
    # the penalty of the frozen weights does not count
    assert_allclose(model.loss_, head.loss_, rtol=1e-9)
    assert_allclose(model.coefs_[1], head.coefs_[0], rtol=1e-4)
    assert_allclose(model.intercepts_[1], head.intercepts_[0], rtol=1e-4)


def test_inspect_shows_frozen_layers_as_well(diabetes):
    X, y = diabetes
    model = MLPRegressor("squared_error", (8,), freeze=1, use_bias=False, solver="lbfgs", alpha=3.0, **QUICK).fit(X, y)
    passed = fastnet.inspect(model, X, y)
    assert_allclose(passed.loss, model.loss_ + 1.5 * (model.coefs_[0] ** 2).sum() / len(X), rtol=1e-9)
    assert passed.layers[0].coef_gradient.any() and passed.layers[0].intercept_gradient.any()


def test_thawed_layers_begin_with_moments_of_their_own(digits):
    """Adam corrects moments by the step count: moments of zero must not meet a late step."""
    params = {"hidden_layer_sizes": (9,), "shuffle": False, **QUICK}
    model = MLPClassifier(freeze=1, warm_start=True, **params).fit(*digits)
    steps = model._optimizer.step
    model.fit(*digits)
    assert model._optimizer.step == 2 * steps
    begun = Network([w.copy() for w in model.coefs_], [b.copy() for b in model.intercepts_])
    model.set_params(freeze=0).fit(*digits)
    assert same_bits(parameters(model), parameters(MLPClassifier(init=begun, **params).fit(*digits)))
    # frozen again they go on, thawed again they begin anew
    model.set_params(freeze=1).partial_fit(*digits)
    assert model._optimizer.step > steps
    model.set_params(freeze=0).partial_fit(*digits)
    assert model._optimizer.step < steps


@pytest.mark.parametrize(("hidden", "freeze"), [((), 1), ((5,), 2), ((5, 4), 3), ((5, 4), 7)])
def test_a_layer_must_be_left_to_train(digits, hidden, freeze):
    match = f"freeze must leave a layer to train: got freeze={freeze}"
    refused(match, digits, hidden_layer_sizes=hidden, freeze=freeze)


# ---- no biases ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_without_biases_intercepts_stay_zero(digits, Estimator, solver):
    params = {"hidden_layer_sizes": (20, 12), "random_state": 0, "max_iter": 6, **SOLVERS[solver]}
    model = Estimator(use_bias=False, **params).fit(*digits)
    assert [b.shape for b in model.intercepts_] == [w.shape[1:] for w in model.coefs_]
    assert not any(b.any() for b in model.intercepts_)
    # what is odd without biases is odd: f(-x) = -f(x) for tanh
    odd = MLPRegressor("squared_error", (6, 5), activation="tanh", use_bias=False, **SOLVERS[solver], **QUICK).fit(
        *digits
    )
    assert_allclose(odd.predict(-digits[0]), -odd.predict(digits[0]), rtol=1e-4, atol=1e-5)


def test_without_biases_the_same_weights_are_drawn(digits):
    with_, without = (MLPClassifier((9, 4), use_bias=use, **STILL).fit(*digits) for use in (True, False))
    assert same_bits(with_.coefs_, without.coefs_)


def test_without_bias_a_linear_network_is_a_regression_through_the_origin(diabetes):
    X, y = diabetes
    model = MLPRegressor(
        "squared_error", (), solver="lbfgs", use_bias=False, alpha=0.0, dtype="float64", tol=1e-9, max_iter=1000
    )
    model.fit(X + 0.5, y)
    assert_allclose(model.coefs_[0][:, 0], np.linalg.lstsq(X + 0.5, y)[0], atol=1e-3)


def test_biases_of_zero_go_on_without_and_others_are_refused(digits):
    model = MLPClassifier((9,), warm_start=True, **QUICK).fit(*digits)
    with pytest.raises(ValueError, match="intercepts_ are not zero"):
        model.set_params(use_bias=False).fit(*digits)
    for b in model.intercepts_:
        b[:] = 0
    model.fit(*digits)
    assert not any(b.any() for b in model.intercepts_)
    # and biases may come back, with moments of their own
    model.set_params(use_bias=True).fit(*digits)
    assert all(b.any() for b in model.intercepts_)


def test_a_source_without_biases_serves_a_network_without(digits):
    source = MLPClassifier((9,), use_bias=False, **QUICK).fit(*digits)
    model = MLPClassifier((9,), init=source, use_bias=False, **QUICK).fit(*digits)
    assert model.n_transferred_layers_ == 2


def test_a_bias_init_without_biases_is_refused(digits):
    refused("use_bias=False makes a network without biases, got bias_init=0.5", digits, use_bias=False, bias_init=0.5)
