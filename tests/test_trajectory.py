"""In float64 an estimator walks the way of scikit-learn's, step by step."""

import numpy as np
import pytest
from marks import crossed
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
SOLVERS = {
    f"sgd-{schedule}-{'nesterov' if nesterov else 'momentum'}": {
        "solver": "sgd", "learning_rate": schedule, "nesterovs_momentum": nesterov,
        "learning_rate_init": 0.02,
    }
    for schedule in ["constant", "invscaling", "adaptive"]
    for nesterov in [True, False]
}  # fmt: skip
SOLVERS["adam"] = {"solver": "adam", "learning_rate_init": 0.005}
PROBLEMS = ["binary", "multiclass", "multilabel", "regression", "multioutput", "poisson"]


@pytest.fixture(scope="module")
def problems(digits, cancer, diabetes):
    """name -> (class name, X, y, parameters)."""
    X, y = diabetes
    several = np.column_stack([y, X @ np.linspace(-1, 1, X.shape[1]), np.cos(2 * y)])
    indicator = np.column_stack([digits[1] % 2, digits[1] > 4, digits[1] == 3]).astype(int)
    return {
        "binary": ("MLPClassifier", *cancer, {}),
        "multiclass": ("MLPClassifier", *digits, {}),
        "multilabel": ("MLPClassifier", digits[0], indicator, {}),
        "regression": ("MLPRegressor", X, y, {}),
        "multioutput": ("MLPRegressor", X, several, {}),
        "poisson": ("MLPRegressor", X, np.round(np.exp(0.5 * y)), {"loss": "poisson"}),
    }


def fit_both(problem, sample_weight=None, **params):
    name, X, y, own = problem
    common = {"hidden_layer_sizes": (20, 9), "batch_size": 64, "max_iter": 20, "random_state": 3}
    params = {**common, "alpha": 0.1, "tol": 0.0, **own, **params}
    ours = getattr(fastnet, name)(dtype="float64", **params).fit(X, y, sample_weight=sample_weight)
    theirs = getattr(neural_network, name)(**params).fit(X, y, sample_weight=sample_weight)
    return ours, theirs


def assert_same_history(ours, theirs):
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-7)
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-7)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    if theirs.best_loss_ is None:
        assert ours.best_loss_ is None
        assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-7)
        assert_allclose(ours.best_validation_score_, theirs.best_validation_score_, rtol=1e-7)
    else:
        assert_allclose(ours.best_loss_, theirs.best_loss_, rtol=1e-7)
        assert ours.validation_scores_ is None
        assert ours.best_validation_score_ is None


def assert_same_model(ours, theirs, rtol=1e-6):
    for a, b in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        assert a.dtype == b.dtype
        assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max())
    for name in ["n_layers_", "n_outputs_", "out_activation_", "n_features_in_"]:
        assert getattr(ours, name) == getattr(theirs, name)


@pytest.mark.parametrize(("problem", "solver"), crossed(PROBLEMS, SOLVERS))
def test_loss_curve_and_weights_follow_scikit_learn(problems, problem, solver):
    ours, theirs = fit_both(problems[problem], **SOLVERS[solver])
    assert len(ours.loss_curve_) == 20
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)
    X = problems[problem][1]
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6, atol=1e-8)
    if hasattr(theirs, "predict_proba"):
        assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6, atol=1e-9)
        assert_array_equal(ours.classes_, theirs.classes_)


@pytest.mark.parametrize("solver", ["sgd-constant-nesterov", "adam"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh"])
@pytest.mark.parametrize("problem", ["multiclass", "regression"])
def test_every_activation_follows_scikit_learn(problems, problem, activation, solver):
    ours, theirs = fit_both(problems[problem], activation=activation, **SOLVERS[solver])
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("problem", ["multiclass", "multilabel", "regression"])
def test_initial_weights_equal_scikit_learns(problems, problem, activation):
    # a rate too small to change the last bit of any weight
    ours, theirs = fit_both(
        problems[problem], activation=activation, solver="sgd", learning_rate_init=1e-200, max_iter=1
    )
    for a, b in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize(
    "hidden_layer_sizes", [(), 7, (1,), [5, 1, 6], (3, 4, 5, 6), np.array([8, 4])], ids=str
)
@pytest.mark.parametrize("problem", ["binary", "multiclass", "regression"])
def test_every_depth_follows_scikit_learn(problems, problem, hidden_layer_sizes):
    ours, theirs = fit_both(
        problems[problem], hidden_layer_sizes=hidden_layer_sizes, activation="tanh", max_iter=8,
        **SOLVERS["adam"],
    )  # fmt: skip
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


@pytest.mark.parametrize("batch_size", [1, 7, 249, 250, "auto"])
def test_smaller_last_batches_count_as_in_scikit_learn(problems, batch_size):
    ours, theirs = fit_both(
        problems["regression"], batch_size=batch_size, solver="sgd", learning_rate_init=0.001, max_iter=5
    )
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


def test_a_batch_size_above_the_number_of_samples_is_clipped_with_scikit_learns_warning(problems):
    with pytest.warns(UserWarning, match="Got `batch_size` less than 1 or larger than sample size"):
        ours, theirs = fit_both(problems["regression"], batch_size=1000, max_iter=5)
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


@pytest.mark.parametrize("solver", ["sgd-constant-nesterov", "adam"])
@pytest.mark.parametrize("problem", ["multiclass", "regression"])
def test_without_shuffling_follows_scikit_learn(problems, problem, solver):
    ours, theirs = fit_both(problems[problem], shuffle=False, **SOLVERS[solver])
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


@pytest.mark.parametrize("solver", ["sgd-adaptive-nesterov", "adam"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_sample_weight_follows_scikit_learn(problems, problem, solver):
    n = len(problems[problem][1])
    weight = np.random.default_rng(0).uniform(0, 3, n) * (np.arange(n) % 5 > 0)
    ours, theirs = fit_both(problems[problem], sample_weight=weight, **SOLVERS[solver])
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


@pytest.mark.parametrize(("solver", "weighted"), crossed(["sgd-adaptive-momentum", "adam"], [False, True]))
@pytest.mark.parametrize("problem", ["binary", "multilabel", "regression", "multioutput", "poisson"])
def test_early_stopping_follows_scikit_learn(problems, problem, solver, weighted):
    n = len(problems[problem][1])
    weight = np.random.default_rng(0).uniform(0.5, 3, n) if weighted else None
    ours, theirs = fit_both(
        problems[problem], sample_weight=weight, early_stopping=True, validation_fraction=0.2,
        n_iter_no_change=3, tol=1e-3, **SOLVERS[solver],
    )  # fmt: skip
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


@pytest.mark.parametrize("rows", [90, 400])
def test_where_strata_are_impossible_multiclass_data_is_split_as_in_scikit_learn(digits, rows):
    X, y = digits
    if rows == 400:  # a class with a single member; with 90 rows there are fewer held out than classes
        keep = np.r_[np.flatnonzero(y == 0)[:1], np.flatnonzero(y > 0)]
        X, y = X[keep], y[keep]
    params = dict(early_stopping=True, max_iter=4, random_state=0)
    ours = fastnet.MLPClassifier(dtype="float64", **params).fit(X[:rows], y[:rows])
    theirs = neural_network.MLPClassifier(**params).fit(X[:rows], y[:rows])
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-7)
    assert_allclose(ours.validation_scores_, theirs.validation_scores_)


@pytest.mark.parametrize("learning_rate", ["constant", "adaptive"])
def test_stopping_by_tol_happens_in_the_same_epoch(problems, learning_rate):
    ours, theirs = fit_both(
        problems["binary"], solver="sgd", learning_rate=learning_rate, learning_rate_init=0.1, tol=5e-3,
        n_iter_no_change=2, max_iter=300,
    )  # fmt: skip
    assert 5 < theirs.n_iter_ < 300
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


def test_power_t_follows_scikit_learn(problems):
    ours, theirs = fit_both(
        problems["regression"], solver="sgd", learning_rate="invscaling", power_t=0.2, learning_rate_init=0.1
    )
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 1.0])
def test_momentum_follows_scikit_learn(problems, momentum):
    ours, theirs = fit_both(
        problems["regression"], solver="sgd", momentum=momentum, learning_rate_init=0.001, max_iter=5
    )
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


def test_parameters_of_adam_follow_scikit_learn(problems):
    ours, theirs = fit_both(problems["multiclass"], beta_1=0.7, beta_2=0.9, epsilon=1e-3)
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


def test_a_random_state_instance_is_drawn_from_in_scikit_learns_order(problems):
    _, X, y, _ = problems["binary"]
    ours_state, theirs_state = np.random.RandomState(5), np.random.RandomState(5)
    params = {"hidden_layer_sizes": 5, "max_iter": 3, "early_stopping": True}
    ours = fastnet.MLPClassifier(dtype="float64", random_state=ours_state, **params).fit(X, y)
    theirs = neural_network.MLPClassifier(random_state=theirs_state, **params).fit(X, y)
    assert_same_history(ours, theirs)
    # nothing of ours was drawn in between or afterwards
    assert_array_equal(ours_state.random_sample(3), theirs_state.random_sample(3))


@pytest.mark.parametrize(
    ("problem", "activation"),
    crossed(["binary", "multiclass", "multilabel", "regression", "poisson"], ACTIVATIONS),
)
def test_lbfgs_follows_scikit_learn(problems, problem, activation):
    ours, theirs = fit_both(problems[problem], solver="lbfgs", activation=activation, max_iter=12, alpha=1.0)
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-7)
    assert ours.n_iter_ == theirs.n_iter_
    assert_same_model(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("problem", ["binary", "regression"])
def test_lbfgs_with_sample_weight_follows_scikit_learn(problems, problem):
    weight = np.random.default_rng(0).uniform(0, 3, len(problems[problem][1]))
    ours, theirs = fit_both(problems[problem], sample_weight=weight, solver="lbfgs", max_iter=12)
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-7)
    assert_same_model(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("limit", [{"max_fun": 6}, {"max_iter": 1000, "tol": 1e-2}], ids=str)
def test_lbfgs_stops_where_scikit_learn_stops(problems, limit):
    ours, theirs = fit_both(problems["regression"], solver="lbfgs", activation="tanh", alpha=10.0, **limit)
    assert ours.n_iter_ == theirs.n_iter_
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-7)


@pytest.mark.parametrize("solver", ["sgd-constant-nesterov", "sgd-invscaling-momentum", "adam"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_first_partial_fit_follows_scikit_learn(problems, problem, solver):
    name, X, y, own = problems[problem]
    params = {"hidden_layer_sizes": (12,), "batch_size": 50, "random_state": 1, **own, **SOLVERS[solver]}
    ours = getattr(fastnet, name)(dtype="float64", **params)
    theirs = getattr(neural_network, name)(**params)
    classes = {"binary": [0, 1], "multiclass": range(10), "multilabel": [0, 1, 2]}.get(problem)
    classes = {} if classes is None else {"classes": np.array(classes)}
    ours.partial_fit(X, y, **classes)
    theirs.partial_fit(X, y, **classes)
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


def test_without_shuffling_every_partial_fit_follows_scikit_learn(problems):
    _, X, y, _ = problems["regression"]
    params = {"shuffle": False, "random_state": 1, "hidden_layer_sizes": 9, "batch_size": 64}
    ours, theirs = fastnet.MLPRegressor(dtype="float64", **params), neural_network.MLPRegressor(**params)
    for _ in range(5):
        ours.partial_fit(X, y)
        theirs.partial_fit(X, y)
    assert_same_history(ours, theirs)
    assert_same_model(ours, theirs)


def test_log_probabilities_are_the_logarithms_of_the_probabilities(problems):
    _, X, y, _ = problems["multiclass"]
    model = fastnet.MLPClassifier(max_iter=10, random_state=0).fit(X, y)
    assert_allclose(model.predict_log_proba(X), np.log(model.predict_proba(X)), rtol=1e-4, atol=1e-6)


def test_verbose_prints_scikit_learns_lines(problems, capsys):
    _, X, y, _ = problems["binary"]
    params = {"max_iter": 3, "random_state": 0, "hidden_layer_sizes": 5, "verbose": True}
    neural_network.MLPClassifier(**params).fit(X, y)
    expected = capsys.readouterr().out
    fastnet.MLPClassifier(dtype="float64", **params).fit(X, y)
    printed = capsys.readouterr().out
    for line in expected.splitlines():
        assert line in printed
