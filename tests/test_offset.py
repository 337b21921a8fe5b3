"""``offset``: a number added to each sample's raw outputs, such as the logarithm of an exposure."""

import pickle
import re
from dataclasses import dataclass

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from scipy.special import xlogy
from sklearn.linear_model import GammaRegressor, PoissonRegressor
from sklearn.metrics import mean_poisson_deviance, r2_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import MLPRegressor
from fastnet.engine import Session
from fastnet.network.architecture import Architecture
from fastnet.ops.losses import LOSSES, Poisson
from fastnet.ops.losses.offsets import with_offset

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))
EXPOSURE = RNG.uniform(0.1, 5, len(X))
RATE = np.exp(0.5 * X[:, 0] - 0.3 * X[:, 1])
OFFSET = np.log(EXPOSURE)
COUNTS = RNG.poisson(EXPOSURE * RATE)
AMOUNTS = EXPOSURE * RATE * RNG.gamma(3.0, 1 / 3, len(X))
NET = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 6, "n_iter_no_change": None}


@pytest.mark.parametrize(
    ("loss", "y", "reference", "weight"),
    [
        # for one exposure E the deviance of y is E times that of y / E, or for the gamma distribution the same
        ("poisson", COUNTS, PoissonRegressor(alpha=0, tol=1e-9, max_iter=1000), EXPOSURE),
        ("gamma", AMOUNTS, GammaRegressor(alpha=0, tol=1e-9, max_iter=1000), np.ones(len(X))),
    ],
)
def test_without_a_hidden_layer_it_is_a_generalised_linear_model_of_rates(loss, y, reference, weight):
    reference.fit(X, y / EXPOSURE, weight)
    params = {"solver": "lbfgs", "alpha": 0.0, "tol": 1e-9, "max_iter": 1000, "random_state": 0}
    net = MLPRegressor(loss, (), **params).fit(X, y, offset=OFFSET)
    assert_allclose(net.coefs_[0][:, 0], reference.coef_, atol=1e-4)
    assert_allclose(net.intercepts_[0], reference.intercept_, atol=1e-4)
    rate, predicted = net.predict(X), net.predict(X, offset=OFFSET)
    assert_allclose(rate, reference.predict(X), rtol=1e-3)
    assert_allclose(predicted, EXPOSURE * rate, rtol=1e-12)
    assert_allclose(net.score(X, y, offset=OFFSET), r2_score(y, predicted))
    alone = [net.predict(X[i : i + 1], offset=OFFSET[i : i + 1]) for i in range(60)]
    assert_array_equal(np.hstack(alone), predicted[:60])


def half_deviance(name, y, z):
    if name == "poisson":
        return xlogy(y, y) - y * z - y + np.exp(z)
    if name == "gamma":
        return z - np.log(y) + y / np.exp(z) - 1
    return 2 * (np.sqrt(y) - np.exp(z / 2)) ** 2 / np.exp(z / 2)


# Outputs up to a panel, and one more: the offset has its place behind them.
@pytest.mark.parametrize("n_outputs", [1, 3, 8, 16, 17, 32])
@pytest.mark.parametrize("name", ["poisson", "gamma", "tweedie"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.paths
def test_loss_and_gradient_equal_central_differences(name, n_outputs, dtype):
    rng = np.random.default_rng(n_outputs)
    x, y, offset = rng.normal(size=(9, 2)), rng.integers(1, 6, (9, n_outputs)), rng.normal(size=(9, 1))
    x, offset, weights = (a.astype(dtype).astype(float) for a in (x, offset, 0.3 * rng.normal(size=(2, n_outputs))))
    architecture = Architecture((2, n_outputs), (), with_offset(LOSSES[name]))
    targets = np.hstack([y, offset]).astype(dtype)
    with Session(architecture, x.astype(dtype), targets, dtype=dtype) as session:
        session.set_parameters([weights.astype(dtype)], [np.zeros(n_outputs, dtype)])
        loss, (gradient,), (of_biases,) = session.loss_and_gradient()

    def objective(w, b=0.0):
        return half_deviance(name, y, x @ w + b + offset).sum(axis=1).mean()

    rtol, step = (2e-5, 1e-6) if dtype == np.float32 else (1e-11, 1e-6)
    assert_allclose(loss, objective(weights), rtol=rtol)
    for at in [(0, 0), (1, n_outputs - 1)]:
        change = np.zeros_like(weights)
        change[at] = step
        expected = (objective(weights + change) - objective(weights - change)) / (2 * step)
        assert_allclose(gradient[at], expected, rtol=1e-3 if dtype == np.float32 else 1e-6, atol=1e-6)
    expected = (objective(weights, step) - objective(weights, -step)) / (2 * step)
    assert_allclose(of_biases.sum(), expected, rtol=1e-3 if dtype == np.float32 else 1e-6, atol=1e-5)


def test_an_offset_of_zero_changes_no_bit_and_threads_neither():
    plain = MLPRegressor("poisson", **NET).fit(X, COUNTS)
    zero = MLPRegressor("poisson", **NET).fit(X, COUNTS, offset=np.zeros(len(X)))
    assert same_bits(parameters(plain), parameters(zero)) and plain.loss_curve_ == zero.loss_curve_
    assert_array_equal(plain.predict(X, offset=np.zeros(len(X))), plain.predict(X))
    one, two = (MLPRegressor("poisson", n_jobs=n, **NET).fit(X, COUNTS, offset=OFFSET) for n in (1, 2))
    assert same_bits(parameters(one), parameters(two)) and not same_bits(parameters(one), parameters(plain))
    again = pickle.loads(pickle.dumps(one))
    assert again._loss == Poisson()
    assert same_bits([again.predict(X, offset=OFFSET)], [one.predict(X, offset=OFFSET)])


@pytest.mark.parametrize("scoring", [None, "loss", "neg_mean_poisson_deviance"])
@pytest.mark.parametrize("held_out", [False, True])
def test_validation_samples_have_their_own(scoring, held_out):
    weight = RNG.uniform(0.5, 2, len(X)).round(1)
    params = {"early_stopping": True, "scoring": scoring, "restore_best_weights": False, "dtype": "float64", **NET}
    if held_out:
        params |= {"validation_split": "last", "validation_fraction": 0.25}
        net = MLPRegressor("poisson", **params).fit(X, COUNTS, weight, offset=OFFSET)
    else:
        own = {"X_val": X[300:], "y_val": COUNTS[300:], "sample_weight_val": weight[300:], "offset_val": OFFSET[300:]}
        net = MLPRegressor("poisson", **params).fit(X[:300], COUNTS[:300], weight[:300], offset=OFFSET[:300], **own)
    y, predicted, weight = COUNTS[300:], net.predict(X[300:], offset=OFFSET[300:]), weight[300:]
    if scoring is None:
        expected = r2_score(y, predicted, sample_weight=weight)
    else:
        deviance = mean_poisson_deviance(y, predicted, sample_weight=weight)
        expected = -deviance / (2 if scoring == "loss" else 1)
    assert_allclose(net.validation_scores_[-1], expected, rtol=1e-9)


def test_partial_fits_and_warm_starts_take_one():
    net = MLPRegressor("tweedie", **NET).partial_fit(X, COUNTS, offset=OFFSET)
    loss = net.loss_
    for _ in range(20):
        net.partial_fit(X, COUNTS, offset=OFFSET)
    assert net.loss_ < loss
    net = MLPRegressor("poisson", warm_start=True, **NET).fit(X, COUNTS, offset=OFFSET)
    assert len(net.fit(X, COUNTS, offset=OFFSET).loss_curve_) == 12


def test_users_losses_with_a_log_link_have_one_too():
    @dataclass(frozen=True)
    class Mine(Poisson):
        """The same under another name."""

    theirs, ours = (MLPRegressor(loss, **NET).fit(X, COUNTS, offset=OFFSET) for loss in (Mine(), "poisson"))
    assert same_bits(parameters(theirs), parameters(ours)) and type(theirs._loss) is Mine


@pytest.mark.parametrize("loss", ["squared_error", "quantiles", "gaussian_nll", "huber"])
def test_losses_without_a_log_link_refuse_it(loss):
    net = MLPRegressor(loss, max_iter=1)
    message = "offset is added on the scale of a log link, which loss=.* has not"
    before = dict(vars(net))
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=message):
            getattr(net, method)(X, COUNTS, offset=OFFSET)
        assert vars(net) == before
    net.fit(X, COUNTS)
    for call in (lambda: net.predict(X, offset=OFFSET), lambda: net.score(X, COUNTS, offset=OFFSET)):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (OFFSET[:-1], "offset must hold one number for each of the 400 samples, got an array of shape (399,)"),
        (OFFSET[:, None], "offset must hold one number for each of the 400 samples, got an array of shape (400, 1)"),
        (np.full(400, np.nan), "offset contains NaN"),
        (np.full(400, np.inf), "offset contains infinity"),
        (np.full(400, 1000.0), "give the logarithm of an exposure, not the exposure itself"),
        (np.full(400, "a"), "offset"),
    ],
)
def test_bad_offsets_are_refused(offset, message):
    net = MLPRegressor("poisson", **NET)
    with pytest.raises(ValueError, match=re.escape(message)):
        net.fit(X, COUNTS, offset=offset)
    net.fit(X, COUNTS, offset=OFFSET)
    with pytest.raises(ValueError, match=re.escape(message)):
        net.predict(X, offset=offset)


def test_offset_and_offset_val_come_together():
    net = MLPRegressor("poisson", early_stopping=True)
    own = {"X_val": X, "y_val": COUNTS}
    with pytest.raises(ValueError, match="offset is given without offset_val: give both"):
        net.fit(X, COUNTS, offset=OFFSET, **own)
    with pytest.raises(ValueError, match="offset_val is given without offset: give both"):
        net.fit(X, COUNTS, offset_val=OFFSET, **own)
    with pytest.raises(ValueError, match="offset_val is given without X_val and y_val"):
        net.fit(X, COUNTS, offset=OFFSET, offset_val=OFFSET)
    with pytest.raises(ValueError, match="offset_val must hold one number for each of the 400 samples"):
        net.fit(X, COUNTS, offset=OFFSET, offset_val=OFFSET[1:], **own)


def test_it_is_routed_through_pipelines_and_searches():
    with sklearn.config_context(enable_metadata_routing=True):
        net = MLPRegressor("poisson", **NET).set_fit_request(offset=True).set_score_request(offset=True)
        net.set_predict_request(offset=True, return_std=False)
        pipeline = make_pipeline(StandardScaler(), net).fit(X, COUNTS, offset=OFFSET)
        by_hand = MLPRegressor("poisson", **NET).fit(StandardScaler().fit_transform(X), COUNTS, offset=OFFSET)
        assert same_bits(parameters(pipeline[-1]), parameters(by_hand))
        predicted = by_hand.predict(StandardScaler().fit_transform(X), offset=OFFSET)
        assert_array_equal(pipeline.predict(X, offset=OFFSET), predicted)
        search = GridSearchCV(net, {"alpha": [0.0, 1.0]}, cv=2, error_score="raise").fit(X, COUNTS, offset=OFFSET)
        scores = cross_validate(net.set_params(alpha=0.0), X, COUNTS, cv=2, params={"offset": OFFSET})["test_score"]
        assert_allclose(scores.mean(), search.cv_results_["mean_test_score"][0])
