"""Penalties: where training comes to rest, compared with scikit-learn's linear models."""

import numpy as np
import pytest
from marks import crossed
from numpy.testing import assert_allclose
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# full batches in float64, run until they rest
RESTING = {
    "lbfgs": {"solver": "lbfgs", "max_iter": 5000, "max_fun": 20000, "tol": 1e-9},
    "momentum": {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False, "learning_rate_init": 0.05},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.05},
    "plain sgd": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.3, "max_iter": 3000},
    "adam": {"solver": "adam", "learning_rate_init": 0.005, "max_iter": 3000},
}
# lbfgs ends by SciPy's relative tolerance of the loss
ATOL = {"lbfgs": 3e-4, "momentum": 2e-3, "nesterov": 2e-3, "plain sgd": 2e-3, "adam": 4e-3}


def linear(Estimator, solver, n_samples, **params):
    batch = {} if solver == "lbfgs" else {"batch_size": n_samples, "n_iter_no_change": np.inf}
    common = {"hidden_layer_sizes": (), "dtype": "float64", "random_state": 0, "max_iter": 1500}
    return Estimator(**{**common, **batch, **RESTING[solver], **params})


@pytest.fixture(scope="module")
def sparse_regression():
    """(X, y): 10 nearly independent standardised features, of which 3 matter."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 10))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = 1 + X @ np.array([1.5, 0, 0, -1, 0, 0, 0.5, 0, 0, 0]) + 0.3 * rng.normal(size=80)
    return X, y


@pytest.mark.parametrize(("solver", "l1_ratio"), crossed(RESTING, [1.0, 0.5, 0.1]))
def test_a_linear_network_rests_where_the_elastic_net_does(sparse_regression, l1_ratio, solver):
    X, y = sparse_regression
    alpha = 20.0
    model = linear(fastnet.MLPRegressor, solver, 80, alpha=alpha, l1_ratio=l1_ratio).fit(X, y)
    # mean of halved squares + alpha * (...) / n
    if l1_ratio == 1:
        expected = Lasso(alpha=alpha / 80, tol=1e-10).fit(X, y)
    else:
        expected = ElasticNet(alpha=alpha / 80, l1_ratio=l1_ratio, tol=1e-10).fit(X, y)
    assert_allclose(model.coefs_[0][:, 0], expected.coef_, atol=ATOL[solver])
    assert_allclose(model.intercepts_[0][0], expected.intercept_, atol=ATOL[solver])
    zeros = expected.coef_ == 0
    if l1_ratio > 0.1:
        assert zeros.any()
    # exactly 0: not merely small
    assert (model.coefs_[0][zeros, 0] == 0).all()
    assert (model.coefs_[0][~zeros, 0] != 0).all()


@pytest.mark.parametrize("solver", RESTING)
def test_a_linear_network_rests_where_ridge_regression_does(sparse_regression, solver):
    X, y = sparse_regression
    model = linear(fastnet.MLPRegressor, solver, 80, alpha=30.0).fit(X, y)
    expected = Ridge(alpha=30.0).fit(X, y)
    assert_allclose(model.coefs_[0][:, 0], expected.coef_, atol=ATOL[solver])
    assert_allclose(model.intercepts_[0][0], expected.intercept_, atol=ATOL[solver])


@pytest.mark.parametrize(("solver", "n_classes"), crossed(["lbfgs", "nesterov", "adam"], [2, 3]))
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_a_linear_network_rests_where_logistic_regression_does(
    sparse_regression, l1_ratio, n_classes, solver
):
    X, y = sparse_regression
    y = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    alpha = 6.0
    settings = {"learning_rate_init": 0.2} if solver == "nesterov" else {}
    model = linear(fastnet.MLPClassifier, solver, 80, alpha=alpha, l1_ratio=l1_ratio, **settings).fit(X, y)
    # scikit-learn weighs the loss: C = 1 / alpha
    expected = LogisticRegression(
        C=1 / alpha, l1_ratio=l1_ratio, solver="saga", tol=1e-8, max_iter=20000, random_state=0
    ).fit(X, y)
    assert_allclose(model.coefs_[0].T, expected.coef_, atol=2 * ATOL[solver])
    # a softmax's intercepts are known up to a constant
    centred = [b - b.mean() if n_classes > 2 else b for b in (model.intercepts_[0], expected.intercept_)]
    assert_allclose(*centred, atol=2 * ATOL[solver])
    clear = np.abs(expected.coef_.T) > 0.01
    assert (model.coefs_[0][clear] != 0).all()
    zeros = expected.coef_.T == 0
    assert zeros.any()
    assert (model.coefs_[0][zeros] == 0).mean() > 0.9


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_l1_makes_weights_of_every_layer_exactly_zero(digits, dtype, solver):
    X, y = digits
    params = {"hidden_layer_sizes": (20, 10), "max_iter": 60, "random_state": 0, "solver": solver,
              "dtype": dtype, "learning_rate_init": 0.1 if solver == "sgd" else 0.01}  # fmt: skip
    model = fastnet.MLPClassifier(alpha=1.0, l1_ratio=1.0, **params).fit(X, y)
    shares = [(W == 0).mean() for W in model.coefs_]
    assert min(shares) > 0.02
    # a pixel without ink brings no information: L1 removes it altogether
    assert (model.coefs_[0][X.std(axis=0) == 0] == 0).all()
    assert model.score(X, y) > 0.9
    # biases are never penalised
    assert all((b != 0).mean() > 0.9 for b in model.intercepts_)

    shrunk = fastnet.MLPClassifier(alpha=1.0, l1_ratio=0.0, **params).fit(X, y)
    assert max((W == 0).mean() for W in shrunk.coefs_) < 0.01


def test_a_stronger_penalty_leaves_fewer_weights(digits):
    left = []
    for alpha in [0.1, 1.0, 10.0]:
        model = fastnet.MLPClassifier(
            hidden_layer_sizes=20,
            alpha=alpha,
            l1_ratio=1.0,
            max_iter=60,
            random_state=0,
            learning_rate_init=0.01,
        ).fit(*digits)
        left.append(sum(np.count_nonzero(W) for W in model.coefs_))
    assert left[0] > left[1] > left[2]


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_an_l1_ratio_without_alpha_changes_nothing(diabetes, solver):
    params = {"hidden_layer_sizes": 8, "alpha": 0.0, "solver": solver, "max_iter": 5, "random_state": 0,
              "dtype": "float64"}  # fmt: skip
    a = fastnet.MLPRegressor(l1_ratio=0.0, **params).fit(*diabetes)
    b = fastnet.MLPRegressor(l1_ratio=0.7, **params).fit(*diabetes)
    for x, y in zip(a.coefs_, b.coefs_, strict=True):
        assert_allclose(x, y, rtol=1e-12)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_the_reported_loss_holds_both_penalties(sparse_regression, solver):
    X, y = sparse_regression
    alpha, ratio = 20.0, 0.3
    model = linear(fastnet.MLPRegressor, solver, 80, alpha=alpha, l1_ratio=ratio).fit(X, y)
    w = model.coefs_[0]
    penalty = alpha * (ratio * np.abs(w).sum() + (1 - ratio) * (w**2).sum() / 2) / 80
    assert_allclose(model.loss_, ((y - model.predict(X)) ** 2).mean() / 2 + penalty, rtol=1e-5)


def test_penalties_are_divided_by_the_sum_of_the_weights(sparse_regression):
    X, y = sparse_regression
    # doubling all the weights is halving alpha
    a = linear(fastnet.MLPRegressor, "lbfgs", 80, alpha=20.0, l1_ratio=0.5).fit(X, y, np.full(80, 2.0))
    b = linear(fastnet.MLPRegressor, "lbfgs", 80, alpha=10.0, l1_ratio=0.5).fit(X, y)
    assert_allclose(a.coefs_[0], b.coefs_[0], atol=1e-6)
