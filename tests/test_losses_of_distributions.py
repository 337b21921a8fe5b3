"""Losses that predict several quantiles, or a mean and a standard deviation: formulas, kernels and the regressor."""

import pickle
import re

import mpmath
import numpy as np
import pytest
from kernel_calls import DTYPES, loss_and_delta
from numba import carray, cfunc, types
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from scipy.stats import norm
from sklearn.base import clone
from sklearn.metrics import d2_pinball_score, mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import MLPClassifier, MLPRegressor
from fastnet.kernels.compiling.jit import FASTMATH, retyped
from fastnet.losses import GaussianNLL, Huber, Quantiles

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FIVE = Quantiles((0.05, 0.25, 0.5, 0.8, 0.95))
OPS = [FIVE, Quantiles((0.3,)), Quantiles((0.1, 0.9)), GaussianNLL(), GaussianNLL(0.5)]
losses = pytest.mark.parametrize("op", OPS, ids=repr)
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def reference(op, z, y):
    """The loss of one target with mpmath."""
    if op.has_std:
        variance = mpmath.mpf(float(z.dtype.type(op.min_variance))) + mpmath.exp(mpmath.mpf(float(z[1])))
        return (mpmath.log(variance) + (y - mpmath.mpf(float(z[0]))) ** 2 / variance) / 2
    n = len(z)
    middle, steps = (n - 1) // 2, [mpmath.log(1 + mpmath.exp(mpmath.mpf(float(x)))) for x in z]
    total = mpmath.mpf(0)
    for k, quantile in enumerate(op.quantiles):
        beyond = sum(steps[middle + 1 : k + 1]) if k > middle else -sum(steps[k:middle])
        r, q = y - (mpmath.mpf(float(z[middle])) + beyond), mpmath.mpf(float(z.dtype.type(quantile)))
        total += max(q * r, (q - 1) * r)
    return total / n


def data(op, dtype, n_targets=3, seed=0):
    rng = np.random.default_rng(seed)
    z = (3 * rng.normal(size=(9, n_targets * op.outputs_per_target))).astype(np.float32)
    return z.astype(dtype), (5 * rng.normal(size=(9, n_targets))).astype(np.float32).astype(dtype)


def kernel(op, z, y):
    """Losses and deltas of the compiled kernel; its y is as wide as z."""
    given = np.zeros(z.shape, z.dtype)
    given[:, : y.shape[1]] = y
    return loss_and_delta(op, z, given)


@dtypes
@losses
@pytest.mark.paths
def test_loss_and_gradient_equal_differences_of_the_reference(op, dtype):
    z, y = data(op, dtype)
    values, deltas = kernel(op, z, y)
    eps, width = np.finfo(dtype).eps, op.outputs_per_target
    with mpmath.workdps(40):
        for i in range(len(z)):
            parts = [reference(op, z[i, t * width : (t + 1) * width], float(y[i, t])) for t in range(y.shape[1])]
            assert abs(values[i] - float(sum(parts))) < 20 * eps * (1 + float(sum(abs(part) for part in parts)))
    # differences of the plain Python formula in float64; no target lies at a kink
    z, y, step = z.astype(float), y.astype(float), 1e-6
    numbers = np.array(op.table[1:])
    for i in range(len(z)):
        for t in range(y.shape[1]):
            own = z[i, t * width : (t + 1) * width]
            delta, ignored = np.empty(width), np.empty(width)
            op.target(own.copy(), y[i, t], delta, op.values, numbers)
            for k in range(width):
                up, down = (
                    op.target(own + s * (np.arange(width) == k), y[i, t], ignored, op.values, numbers)
                    for s in (step, -step)
                )
                assert_allclose(delta[k], (up - down) / (2 * step), rtol=1e-5, atol=1e-7)
            assert_allclose(deltas[i, t * width : (t + 1) * width], delta, rtol=1e3 * eps, atol=1e2 * eps)


@pytest.mark.oracle
@dtypes
def test_gaussian_nll_is_pytorchs(dtype):
    import torch

    z, y = data(GaussianNLL(), dtype)
    tensor = torch.tensor(z.astype(float), requires_grad=True)
    variance = torch.exp(tensor[:, 1::2]) + 1e-6
    loss = torch.nn.GaussianNLLLoss(reduction="none")(tensor[:, ::2], torch.tensor(y.astype(float)), variance)
    loss.sum().backward()
    values, deltas = kernel(GaussianNLL(), z, y)
    assert_allclose(values, loss.sum(dim=1).detach().numpy(), rtol=1e-5 if dtype == np.float32 else 1e-12)
    assert_allclose(deltas, tensor.grad.numpy(), rtol=1e-4 if dtype == np.float32 else 1e-11, atol=1e-5)


@dtypes
def test_no_raw_output_overflows_or_makes_the_variance_collapse(dtype):
    z = np.array([[0, s] for s in (-1e4, -200, 0, 200, 1e4)] + [[1e4, 0], [-1e4, -1e4]], dtype)
    values, deltas = kernel(GaussianNLL(), z, np.zeros((len(z), 1), dtype))
    assert np.isfinite(values).all() and np.isfinite(deltas).all()
    assert_allclose(values[:2], np.log(1e-6) / 2, rtol=1e-6)
    assert_allclose(values[3:5], [100, 5000], rtol=1e-6)
    z = np.array([[1e4, -1e4, 1e4, 1e4, 1e4], [1e4] * 5, [-1e4] * 5], dtype)
    values, deltas = kernel(FIVE, z, np.zeros((len(z), 1), dtype))
    assert np.isfinite(values).all() and np.isfinite(deltas).all()


@losses
def test_nan_shows_and_formulas_compute_in_single_precision(op):
    z, y = data(op, np.dtype(np.float64))
    z[4, 0] = np.nan
    values, deltas = kernel(op, z, y)
    assert np.isnan(values[4]) and np.isnan(deltas[4, 0]) and np.isfinite(np.delete(values, 4)).all()
    formula, single = retyped(op.target, DTYPES[0]), types.CPointer(types.float32)

    @cfunc(types.void(single, single, single), fastmath=FASTMATH, error_model="numpy")
    def call(z, delta, p):
        z, delta, p = carray(z, 8), carray(delta, 8), carray(p, 9)
        z[0] = formula(z[:7], z[7], delta[:7], (p[0], p[1], p[2], p[3]), p[4:])

    assert not re.search(r"\b(double|fpext)\b", call.inspect_llvm())


@pytest.mark.parametrize(
    "given",
    [(), 0.5, (0.5, 0.5), (0.9, 0.1), (0.0, 0.5), (0.5, 1), ("0.5",), (True,), [[0.5]], iter([0.5]), {0.5}, (np.nan,)],
)
def test_quantiles_that_are_none_are_refused(given):
    with pytest.raises(ValueError, match="The 'quantiles' parameter of Quantiles must be a tuple of increasing"):
        Quantiles(given)


def test_quantiles_are_a_plain_value():
    op = Quantiles(np.array([0.1, 0.9]))
    assert op == Quantiles([0.1, 0.9]) and hash(op) == hash(Quantiles((0.1, 0.9)))
    assert repr(op) == "Quantiles(quantiles=(0.1, 0.9))" and op.quantiles == (0.1, 0.9)
    assert clone(MLPRegressor(op)).loss == op
    with pytest.raises(ValueError, match="quantiles=0.9999999999 of Quantiles is too near to an end of its range"):
        MLPRegressor(Quantiles((0.5, 0.9999999999)), dtype="float32").fit(X, y)


# ---- the regressor -----------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 2))
SPREAD = 0.2 + np.abs(X[:, 1])
y = np.sin(X[:, 0]) + SPREAD * RNG.normal(size=len(X))
NET = {"hidden_layer_sizes": (20,), "activation": "tanh", "learning_rate_init": 0.02, "random_state": 0}


def unit(scaling):
    return 5000.0 if scaling else 1.0


@pytest.mark.parametrize("scaling", [False, True])
def test_quantiles_cover_their_share_and_never_cross(scaling):
    params = {"early_stopping": True, "batch_size": 50, "n_iter_no_change": 20, **NET}
    net = MLPRegressor(FIVE, target_scaling=scaling, **params).fit(X, unit(scaling) * y)
    predicted = net.predict(X)
    assert predicted.shape == (600, 5) and net.n_outputs_ == 5 and net.out_activation_ == "quantiles"
    far = net.predict(100 * RNG.normal(size=(500, 2)))
    assert (np.diff(predicted, axis=1) >= 0).all() and (np.diff(far, axis=1) >= 0).all()
    shares = (unit(scaling) * y[:, None] < predicted).mean(axis=0)
    assert_allclose(shares, FIVE.quantiles, atol=0.06)
    assert_array_equal(np.vstack([net.predict(row[None]) for row in X[:50]]), predicted[:50])
    scores = [d2_pinball_score(y, predicted[:, k] / unit(scaling), alpha=q) for k, q in enumerate(FIVE.quantiles)]
    assert_allclose(net.score(X, unit(scaling) * y), np.mean(scores))
    assert net.best_validation_score_ > 0.15


@pytest.mark.parametrize("scaling", [False, True])
def test_gaussian_nll_finds_mean_and_spread(scaling):
    net = MLPRegressor("gaussian_nll", target_scaling=scaling, early_stopping=True, scoring="loss", **NET)
    net.fit(X, unit(scaling) * y)
    mean, std = net.predict(X, return_std=True)
    assert_array_equal(mean, net.predict(X))
    assert mean.shape == std.shape == (600,) and (std > 0).all()
    assert np.corrcoef(std, SPREAD)[0, 1] > 0.9
    assert abs((np.abs(unit(scaling) * y - mean) < std).mean() - 0.683) < 0.06
    assert_allclose(net.score(X, unit(scaling) * y), r2_score(unit(scaling) * y, mean))


def test_a_constant_target_has_the_least_variance_and_the_loss_stays_finite():
    net = MLPRegressor(GaussianNLL(1e-4), solver="lbfgs", max_iter=400, alpha=0.0, random_state=0)
    mean, std = net.fit(X, np.full(len(X), 3.0)).predict(X, return_std=True)
    assert_allclose(mean, 3.0, atol=0.01)
    assert (std >= 0.01 * (1 - 1e-12)).all() and std.max() < 0.02
    assert np.isfinite(net.loss_) and net.loss_ >= np.log(1e-4) / 2


def test_without_a_hidden_layer_and_features_it_is_the_sample_itself():
    # a bias alone: the mean and deviation of y, and its quantiles
    params = {"solver": "lbfgs", "alpha": 0.0, "tol": 1e-9, "max_iter": 500, "random_state": 0}
    no_feature = np.zeros((len(y), 1))
    mean, std = MLPRegressor("gaussian_nll", (), **params).fit(no_feature, y).predict([[0.0]], return_std=True)
    assert_allclose([mean[0], std[0]], [y.mean(), np.sqrt(y.var())], rtol=1e-4)
    net = MLPRegressor(FIVE, (), batch_size=None, learning_rate_init=0.01, learning_rate="cosine", max_iter=1500,
                       n_iter_no_change=None, alpha=0.0, random_state=0).fit(no_feature, y)  # fmt: skip
    assert_allclose(net.predict([[0.0]])[0], np.quantile(y, FIVE.quantiles), atol=0.03)
    of_quantiles = [mean_pinball_loss(y, net.predict(no_feature)[:, k], alpha=q) for k, q in enumerate(FIVE.quantiles)]
    assert_allclose(net.loss_, np.mean(of_quantiles), rtol=1e-4)


@pytest.mark.parametrize("loss", ["gaussian_nll", FIVE], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_several_targets(loss, dtype):
    many = np.column_stack([y, 2 * y[::-1], X[:, 0]])
    weight = RNG.uniform(0.0, 2, len(X))
    params = {**NET, "dtype": dtype, "max_iter": 3, "n_iter_no_change": None}
    net = MLPRegressor(loss, n_jobs=1, **params).fit(X, many, weight)
    two = MLPRegressor(loss, n_jobs=2, **params).fit(X, many, weight)
    assert same_bits(parameters(net), parameters(two))
    if loss is FIVE:
        assert net.predict(X).shape == (600, 3, 5)
        scores = [d2_pinball_score(many, net.predict(X)[:, :, k], alpha=q) for k, q in enumerate(FIVE.quantiles)]
        assert_allclose(net.score(X, many), np.mean(scores))
    else:
        assert [part.shape for part in net.predict(X, return_std=True)] == [(600, 3), (600, 3)]
    again = pickle.loads(pickle.dumps(net))
    assert same_bits([again.predict(X)], [net.predict(X)])
    before = net.loss_
    net.partial_fit(X, many, weight)
    assert net.loss_ < before
    # the same loss in a float64 full batch, from the outputs that there are
    full = MLPRegressor(loss, solver="lbfgs", alpha=0.0, max_iter=5, dtype="float64", random_state=0)
    full.fit(X, many, weight)
    if loss is FIVE:
        parts = [
            mean_pinball_loss(many, full.predict(X)[:, :, k], sample_weight=weight, alpha=q, multioutput="raw_values")
            for k, q in enumerate(FIVE.quantiles)
        ]
        expected = np.mean(parts, axis=0).sum()
    else:
        mean, std = full.predict(X, return_std=True)
        nll = -norm.logpdf(many, mean, std) - np.log(2 * np.pi) / 2
        expected = np.average(nll.sum(axis=1), weights=weight)
    assert_allclose(full.loss_, expected, rtol=1e-9)


def test_a_standard_deviation_is_refused_where_there_is_none():
    net = MLPRegressor(max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="return_std=True needs a network that predicts a standard deviation"):
        net.predict(X, return_std=True)
    with pytest.raises(ValueError, match="is a loss of numbers"):
        MLPClassifier(loss=Quantiles()).fit(X, y > 0)


def test_a_warm_start_needs_as_many_outputs_for_each_target():
    net = MLPRegressor("quantile", max_iter=1, warm_start=True).fit(X, np.column_stack([y, y, y]))
    with pytest.raises(ValueError, match="which has 1 output.s. for each target, but loss=Quantiles.. now asks for 3"):
        net.set_params(loss=Quantiles()).fit(X, y)
    net = MLPRegressor(Quantiles((0.1, 0.9)), max_iter=2, warm_start=True, **NET).fit(X, y)
    assert len(net.set_params(loss__quantiles=(0.2, 0.8)).fit(X, y).loss_curve_) == 4
    with pytest.raises(ValueError, match="output activation"):
        net.set_params(loss="gaussian_nll").fit(X, y)


def test_in_pipelines_searches_and_scorers():
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(Quantiles(), max_iter=3, **NET))
    grid = {"mlpregressor__loss": [Quantiles(), Quantiles((0.1, 0.9)), Huber(), "gaussian_nll"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert_allclose(cross_val_score(pipeline, X, y, cv=2).mean(), search.cv_results_["mean_test_score"][0])

    def width(net, X, y):
        low, _, high = net.predict(X).T
        return -(high - low).mean()

    net = MLPRegressor("quantiles", early_stopping=True, scoring=width, max_iter=3, **NET).fit(X, y)
    assert len(net.validation_scores_) == 3 and max(net.validation_scores_) < 0
    for loss in ("quantiles", "gaussian_nll"):
        with pytest.raises(ValueError, match="cannot predict with loss="):
            MLPRegressor(loss, max_iter=1).fit(X, y).to_sklearn()
