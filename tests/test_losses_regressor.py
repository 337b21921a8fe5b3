"""Every loss of numbers through the regressor: what it learns, and what it refuses."""

import warnings

import naive_ops
import numpy as np
import pytest
from marks import exhaustive
from numpy.testing import assert_allclose
from problems import parameters, same_bits
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import GammaRegressor, PoissonRegressor, QuantileRegressor, TweedieRegressor
from sklearn.metrics import d2_pinball_score, d2_tweedie_score, r2_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnet import MLPRegressor
from fastnet.estimators.parameters import REGRESSION_LOSSES
from fastnet.losses import Gamma, Huber, Quantile, Tweedie
from fastnet.ops.losses import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ONE_OUTPUT = sorted(name for name in REGRESSION_LOSSES if LOSSES[name].outputs_per_target == 1)
REGRESSION = [*ONE_OUTPUT, Huber(0.3), Quantile(0.8), Tweedie(1.2)]


@pytest.fixture(scope="module")
def amounts():
    """(X, y): a target that is positive, with mean 1."""
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), y / y.mean()


def score(loss, y, predicted):
    """Share of the loss of the best constant that the predictions take away."""
    if loss in ("quantile", "absolute_error") or isinstance(loss, Quantile):
        return d2_pinball_score(y, predicted, alpha=getattr(loss, "quantile", 0.5))
    power = {"poisson": 1, "gamma": 2, "tweedie": 1.5}.get(loss, getattr(loss, "power", None))
    return d2_tweedie_score(y, predicted, power=power) if power else r2_score(y, predicted)


@pytest.mark.parametrize("loss", REGRESSION, ids=str)
def test_every_loss_learns_numbers(amounts, loss):
    X, y = amounts
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    # the losses in turn in each way
    params = ({}, {"solver": "lbfgs"}, {"early_stopping": True})[REGRESSION.index(loss) % 3]
    params = {"max_iter": 150, "batch_size": 32, "learning_rate_init": 0.02, "random_state": 0, **params}
    model = MLPRegressor(loss, (5,), activation="tanh", alpha=5.0, **params).fit(X, y)
    predicted = model.predict(X_test)
    assert score(loss, y_test, predicted) > (0.2 if model._loss.quantile is None else 0.15)
    assert np.isfinite(model.loss_)
    if model.out_activation_ == "exp":
        assert (predicted > 0).all()


@pytest.mark.parametrize("loss", REGRESSION, ids=str)
def test_several_outputs_train_as_each_alone(amounts, loss):
    X, y = amounts
    y = np.column_stack([y, y[::-1], np.roll(y, 7) + 0.5])
    params = {"solver": "lbfgs", "alpha": 0.0, "max_iter": 15, "random_state": 0}
    model = MLPRegressor(loss, (), **params).fit(X, y)
    assert model.predict(X).shape == y.shape and model.n_outputs_ == 3
    # the loss reported is that of the formula, in scikit-learn's way for the squared error
    name = loss if isinstance(loss, str) else None
    if name is not None:
        z = X @ model.coefs_[0] + model.intercepts_[0]
        assert_allclose(model.predict(X), naive_ops.OUTPUTS[name](z), rtol=1e-9)
        expected = naive_ops.LOSSES[name][0](z, y).mean() / (3 if name == "squared_error" else 1)
        assert_allclose(model.loss_, expected, rtol=1e-9)
    half = MLPRegressor(loss, (4,), learning_rate_init=0.01, max_iter=5, random_state=0).fit(X, y)
    assert half.loss_curve_[-1] < half.loss_curve_[0]


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        ("poisson", PoissonRegressor(alpha=0.1, tol=1e-8, max_iter=1000)),
        ("tweedie", TweedieRegressor(power=1.5, link="log", alpha=0.1, tol=1e-8, max_iter=1000)),
        *exhaustive([
            ("gamma", GammaRegressor(alpha=0.1, tol=1e-8, max_iter=1000)),
            (Tweedie(1.9), TweedieRegressor(power=1.9, link="log", alpha=0.1, tol=1e-8, max_iter=1000)),
        ]),
    ],
    ids=str,
)
def test_without_a_hidden_layer_it_is_a_generalised_linear_model(amounts, loss, reference):
    X, y = amounts
    weight = np.random.default_rng(0).uniform(0.2, 2, len(y))
    reference.fit(X, y, weight)
    params = {"solver": "lbfgs", "alpha": 0.1 * weight.sum(), "tol": 1e-9, "max_iter": 1000, "random_state": 0}
    model = MLPRegressor(loss, (), **params).fit(X, y, weight)
    assert_allclose(model.coefs_[0][:, 0], reference.coef_, rtol=1e-3, atol=1e-4)
    assert_allclose(model.intercepts_[0], reference.intercept_, rtol=1e-3)
    assert_allclose(model.predict(X), reference.predict(X), rtol=1e-3)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_a_linear_quantile_is_nearly_as_good_as_the_exact_one_and_covers_its_share(amounts, q):
    X, y = amounts
    exact = QuantileRegressor(quantile=q, alpha=0).fit(X, y)
    params = {"batch_size": 64, "learning_rate_init": 0.003, "max_iter": 400, "n_iter_no_change": 400}
    model = MLPRegressor(Quantile(q), (), alpha=0, random_state=0, **params).fit(X, y)
    ours, theirs = (d2_pinball_score(y, m.predict(X), alpha=q) for m in (model, exact))
    assert theirs - 0.01 < ours <= theirs + 1e-6
    assert abs((y < model.predict(X)).mean() - q) < 0.03


@pytest.mark.parametrize("loss", ["absolute_error", Quantile(0.8), "huber", "gamma"], ids=str)
def test_early_stopping_scores_by_what_the_loss_estimates(amounts, loss):
    X, y = amounts
    seen = []

    class Watching(MLPRegressor):
        def _score_outputs(self, targets, outputs, sample_weight):
            value = super()._score_outputs(targets, outputs, sample_weight)
            seen.append((targets, outputs.copy(), sample_weight, value))
            return value

    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    model = Watching(loss, (5,), early_stopping=True, max_iter=3, random_state=0).fit(X, y, weight)
    assert len(seen) == 3 and model.validation_scores_ == [value for *_, value in seen]
    for targets, outputs, held_out_weight, value in seen:
        if model._loss.quantile is None:
            expected = r2_score(targets, outputs, sample_weight=held_out_weight)
        else:
            expected = d2_pinball_score(targets, outputs, sample_weight=held_out_weight, alpha=model._loss.quantile)
        assert_allclose(value, expected, rtol=1e-6)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("loss", "lowest", "message"),
    [
        ("poisson", -1e-9, "loss='poisson' needs y >= 0"),
        ("gamma", 0.0, "loss='gamma' needs y > 0.*'tweedie'"),
        (Gamma(), -1.0, "loss='gamma' needs y > 0"),
        (Tweedie(1.2), -1.0, "loss='tweedie' needs y >= 0"),
        ("gamma", 1e-300, "loss='gamma' needs y > 0"),  # 0 in float32, in which mini-batches are computed
    ],
    ids=str,
)
def test_targets_out_of_the_domain_are_refused(amounts, loss, lowest, message, method):
    X, y = amounts
    one = np.r_[lowest, y[1:]]
    for targets in (one, np.column_stack([y, one])):
        model = MLPRegressor(loss)
        before = dict(vars(model))
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(X, targets)
        assert vars(model) == before


def test_zero_is_a_target_of_poisson_and_tweedie(amounts):
    X, y = amounts
    y = np.where(y < 0.7, 0.0, y)
    for loss in ("poisson", "tweedie"):
        model = MLPRegressor(loss, (8,), learning_rate_init=0.01, random_state=0).fit(X, y)
        assert model.score(X, y) > 0.3 and (model.predict(X) > 0).all()


def test_a_grid_over_losses_and_their_parameters(amounts):
    X, y = amounts
    grid = [{"loss": ["squared_error", "huber", Tweedie(1.2)]}, {"loss": [Quantile()], "loss__quantile": [0.3, 0.7]}]
    search = GridSearchCV(MLPRegressor("huber", (5,), max_iter=20, random_state=0), grid, cv=2, error_score="raise")
    search.fit(X, y)
    assert len(search.cv_results_["params"]) == 5 and np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = clone(search.best_estimator_).fit(X, y)
    assert same_bits(parameters(again), parameters(search.best_estimator_))
    low, high = (MLPRegressor(Quantile(), (5,), random_state=0).set_params(loss__quantile=q) for q in (0.3, 0.7))
    assert (low.fit(X, y).predict(X) < high.fit(X, y).predict(X)).mean() > 0.9


@parametrize_with_checks([MLPRegressor(Quantile(0.4), (10,), max_iter=100, learning_rate_init=0.01)])
def test_scikit_learns_checks_pass(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


@pytest.mark.exhaustive
@parametrize_with_checks([MLPRegressor("log_cosh", (10,), max_iter=100, learning_rate_init=0.01)])
def test_scikit_learns_checks_pass_with_another_loss(estimator, check):
    test_scikit_learns_checks_pass(estimator, check)
