"""Factors of the learning rate, and schedules of dropout and of decoupled weight decay, in the estimators."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from test_trainer import ending, task_of

from fastnet import MLPClassifier, MLPRegressor
from fastnet.network.layers import Group
from fastnet.ops.rates import factors_of_epoch, rates_of_epoch
from fastnet.optimizers import SGD, Adam, AdamW, Lion
from fastnet.schedules import Cosine, FlatCosine, MultiCosine, ReduceOnPlateau

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"hidden_layer_sizes": (19, 7), "max_iter": 4, "batch_size": 100, "n_iter_no_change": None, "random_state": 0}
EXACT = {**QUICK, "dtype": "float64", "alpha": 0.0}


def refused(match, data, **params):
    with pytest.raises(ValueError, match=match):
        MLPRegressor(**{**QUICK, **params}).fit(*data)


# ---- factors of the rate ------------------------------------------------------------------------------


def test_each_layer_and_the_biases_move_by_their_factor(diabetes):
    plain, one = SGD(0.0, nesterov=False), {**EXACT, "batch_size": None, "max_iter": 1}
    start = MLPRegressor(solver=plain, learning_rate_init=1e-30, **one).fit(*diabetes)
    whole = MLPRegressor(solver=plain, learning_rate_init=0.1, **one).fit(*diabetes)
    factors = [0.5, 2.0, 0.0]
    net = MLPRegressor(solver=plain, learning_rate_init=0.1, rate_factors=factors, bias_rate_factor=0.25, **one)
    net.fit(*diabetes)
    for i, factor in enumerate(factors):
        expected = start.coefs_[i] + factor * (whole.coefs_[i] - start.coefs_[i])
        assert_allclose(net.coefs_[i], expected, rtol=1e-12, atol=1e-15)
        expected = start.intercepts_[i] + 0.25 * (whole.intercepts_[i] - start.intercepts_[i])
        assert_allclose(net.intercepts_[i], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_fan_in_is_adam_with_weights_that_are_divided_by_its_root(diabetes, weight_decay):
    """z = x V with V = W / sqrt(n) and Adam on W, in plain NumPy: for a linear model the gradient by W is exact."""
    X, y = diabetes
    one = {**EXACT, "hidden_layer_sizes": (), "batch_size": None, "init": "lecun_normal", "use_bias": False}
    solver = AdamW(epsilon=1e-200, weight_decay=weight_decay)
    net = MLPRegressor(solver=solver, rate_factors="fan_in", learning_rate_init=0.05, **one).fit(X, y)
    W = np.random.RandomState(0).normal(0.0, np.sqrt(1 / 10), (10, 1)) * np.sqrt(10)
    m = v = np.zeros_like(W)
    for t in range(1, 5):
        g = X.T @ (X @ W / np.sqrt(10) - y[:, None]) / len(X) / np.sqrt(10)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        W = W - 0.05 * m / (1 - 0.9**t) / np.sqrt(v / (1 - 0.999**t)) - 0.05 * weight_decay * W
    assert_allclose(net.coefs_[0], W / np.sqrt(10), rtol=1e-10)
    groups = task_of(net, X, y).problem.architecture.groups
    assert groups[0] == Group(10**-0.5, 10**0.5)


def test_factors_of_one_change_no_bit(digits):
    plain = MLPClassifier(**QUICK).fit(*digits)
    for params in ({"rate_factors": 1, "bias_rate_factor": 1}, {"rate_factors": (1.0, 1.0, 1.0)}):
        assert same_bits(parameters(MLPClassifier(**QUICK, **params).fit(*digits)), parameters(plain))
    assert not same_bits(parameters(MLPClassifier(**QUICK, bias_rate_factor=0.1).fit(*digits)), parameters(plain))


# ---- schedules of decay and dropout -------------------------------------------------------------------


@pytest.mark.parametrize("solver", [AdamW(weight_decay=0.7), Lion(weight_decay=0.7)], ids=repr)
def test_the_decay_of_each_mini_batch_has_its_factor(diabetes, solver):
    """Where nothing but the decay moves weights, they shrink by 1 - rate * decay * factor in each mini-batch."""
    X, y = np.zeros_like(diabetes[0]), np.zeros_like(diabetes[1])
    params = {**EXACT, "solver": solver, "learning_rate_init": 0.1, "learning_rate": Cosine(), "bias_init": 0.0}
    net = MLPRegressor(decay_schedule=FlatCosine(0.25), **params).fit(X, y)
    start = MLPRegressor(**{**params, "solver": SGD(), "learning_rate_init": 1e-30}).fit(X, y)
    shrunk = 1.0
    for epoch in range(4):
        rates = rates_of_epoch(Cosine(), 0.1, epoch, 3, 4)
        shrunk *= np.prod(1 - 0.7 * rates * factors_of_epoch("", FlatCosine(0.25), epoch, 3, 4))
    assert_allclose(net.coefs_[0], shrunk * start.coefs_[0], rtol=1e-12)
    assert shrunk < 0.9


def test_dropout_follows_its_schedule_epoch_by_epoch(digits):
    drops = {**QUICK, "dropout": [0.5, 0.2], "input_dropout": 0.1}
    # factors 1, then 0: as one epoch with dropout, then the others without it
    net = MLPClassifier(dropout_schedule=lambda p: float(p < 0.25), **drops).fit(*digits)
    first = MLPClassifier(**drops)
    with task_of(first, *digits).trainer() as trainer:
        trainer.step()
        trainer.session.set_dropout(0.0)
        while trainer.step():
            pass
        matrices, vectors = trainer.parameters()
    assert same_bits(parameters(net), matrices + vectors)
    # a factor of 1 is none; a factor of 0 is no dropout
    assert same_bits(parameters(MLPClassifier(dropout_schedule="constant", **drops).fit(*digits)),
                     parameters(MLPClassifier(**drops).fit(*digits)))  # fmt: skip
    # the probabilities themselves: half of 0.5 is 0.25
    half = MLPClassifier(dropout_schedule=lambda p: 0.5, **drops).fit(*digits)
    same = MLPClassifier(**{**QUICK, "dropout": [0.25, 0.1], "input_dropout": 0.05}).fit(*digits)
    assert same_bits(parameters(half), parameters(same))


@pytest.mark.parametrize("drops", [{"dropout": 0.5}, {"input_dropout": 0.3}], ids=str)
def test_dropout_may_rise_from_nothing(digits, drops):
    """What drops is at hand from the start on, though nothing is dropped then."""
    net = MLPClassifier(**QUICK, **drops, dropout_schedule=lambda p: float(p >= 0.5))
    with task_of(net, *digits).trainer() as trainer:
        trainer.session.set_dropout(0.0)
        tables = trainer.session.tables
        assert not tables.layers["drop_threshold"].any() and tables.record["passes"]["drop_panel"] != 0
        trainer.step()
        trainer.step()
        assert not tables.layers["drop_threshold"].any()
        state = trainer.state()
    # from here on as a training that is resumed without the schedule
    rest = task_of(MLPClassifier(**QUICK, **drops), *digits)
    with rest.trainer(state) as trainer:
        while trainer.step():
            pass
        matrices, vectors = trainer.parameters()
    assert same_bits(parameters(net.fit(*digits)), matrices + vectors)
    assert not same_bits(parameters(MLPClassifier(**QUICK).fit(*digits)), matrices + vectors)


def test_what_never_drops_compiles_no_dropout(digits):
    net = MLPClassifier(**QUICK, dropout_schedule="flat_cosine")
    with task_of(net, *digits).trainer() as trainer:
        assert trainer.session.tables.record["passes"]["drop_panel"] == 0


SCHEDULED = {
    "dropout": 0.4, "input_dropout": 0.1, "dropout_schedule": "flat_cosine", "decay_schedule": MultiCosine(),
    "solver": AdamW(weight_decay=0.3), "rate_factors": "fan_in", "bias_rate_factor": 0.1, "activation": "parametric",
    "init": "data_dependent", "bias_init": "data", "output_init": "zeros", "learning_rate_init": 0.03,
}  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"early_stopping": True, "ema_decay": 0.9}], ids=str)
def test_all_of_it_has_the_same_bits_for_any_threads_and_resumed(digits, more):
    nets = [MLPClassifier(**QUICK, **SCHEDULED, **more, n_jobs=n).fit(*digits) for n in (1, 2)]
    assert same_bits(*map(parameters, nets))
    net = MLPClassifier(**QUICK, **SCHEDULED, **more)
    task = task_of(net, *digits)
    with task.trainer() as trainer:
        trainer.step()
        trainer.step()
        state = trainer.state()
    once, again = task_of(net, *digits), task_of(net, *digits)
    assert ending(once, once.trainer()) == ending(again, again.trainer(state))


def test_partial_fits_go_on_along_the_schedules(digits):
    """So many calls are a fit of as many epochs, but for the orders of the samples."""
    params = {**QUICK, **SCHEDULED, "shuffle": False, "dropout": 0.0, "input_dropout": 0.0}
    whole = MLPClassifier(**params).fit(*digits)
    parts = MLPClassifier(**params)
    for _ in range(4):
        parts.partial_fit(*digits, classes=range(10))
    assert same_bits(parameters(whole), parameters(parts))
    warm = MLPClassifier(**params).fit(*digits).set_params(warm_start=True, max_iter=2).fit(*digits)
    assert np.isfinite(warm.loss_) and warm.loss_ < warm.loss_curve_[0]


def test_a_dropout_that_has_fallen_to_zero_trains_to_less_loss(digits):
    params = {**QUICK, "max_iter": 30, "dropout": 0.5, "learning_rate_init": 0.01}
    held = MLPClassifier(**params).fit(*digits)
    fallen = MLPClassifier(dropout_schedule="flat_cosine", **params).fit(*digits)
    assert fallen.loss_ < held.loss_


@pytest.mark.parametrize(
    ("params", "match"),
    [({"rate_factors": [1.0, 0.5]}, "rate_factors must be one number, or hold one for each layer of weights"),
     ({"solver": "lbfgs", "rate_factors": "fan_in"}, "rate_factors multiplies a learning rate, solver='lbfgs'"),
     ({"solver": "rprop", "batch_size": None, "bias_rate_factor": 0.1}, "bias_rate_factor multiplies a learning rate"),
     ({"decay_schedule": "cosine"}, r"decay_schedule changes a decoupled weight decay, solver='adam' has none.*AdamW"),
     ({"decay_schedule": "cosine", "solver": Lion()}, "decay_schedule changes a decoupled weight decay"),
     ({"dropout_schedule": "cosine", "solver": "lbfgs"}, "dropout_schedule changes dropout over the epochs"),
     ({"dropout_schedule": ReduceOnPlateau()}, "dropout_schedule=ReduceOnPlateau.* follows the course of training"),
     ({"dropout_schedule": FlatCosine}, r"dropout_schedule must be an object, not its class: write FlatCosine\(\)"),
     ({"dropout_schedule": lambda p: 1.5, "dropout": 0.1}, "dropout_schedule=.* must give factors of at most 1"),
     ({"dropout_schedule": lambda p: -1.0, "dropout": 0.1}, "dropout_schedule must return a finite factor"),
     ({"rate_factors": 1e200, "learning_rate_init": 1.0}, "largest of rate_factors and bias_rate_factor is too large")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_name(diabetes, params, match):
    refused(match, diabetes, **params)


def test_sparse_features_are_dropped_by_the_schedule_too(digits):
    from scipy.sparse import csr_array

    X = np.where(digits[0] > 1.2, digits[0], 0.0)
    drops = {**QUICK, "input_dropout": 0.4, "dropout_schedule": lambda p: 0.0, "init": "data_dependent",
             "bias_init": "data", "dtype": "float64"}
    sparse = MLPClassifier(**drops).fit(csr_array(X), digits[1])
    dense = MLPClassifier(**drops).fit(X, digits[1])
    for a, b in zip(parameters(sparse), parameters(dense), strict=True):
        assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    assert_array_equal(sparse.predict(csr_array(X)), dense.predict(X))


def test_adam_has_no_decay_to_schedule_but_its_decoupled_form_has(diabetes):
    refused("solver=Adam", diabetes, solver=Adam(), decay_schedule=FlatCosine())
    MLPRegressor(**QUICK, solver=AdamW(), decay_schedule=lambda p: 1 - p).fit(*diabetes)
    MLPRegressor(**QUICK, solver=Adam(), decay_schedule="constant").fit(*diabetes)  # changes nothing
