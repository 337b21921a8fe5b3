"""Feature layers beside what else a fit may have: starting values, other losses, scaled targets, offsets."""

import pickle

import numpy as np
import pytest
from marks import exhaustive
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from sklearn.frozen import FrozenEstimator
from test_features import CASES, flat, plain_layer, regressor, table
from test_trainer import ending, task_of

from fastnet import MLPClassifier, inspect
from fastnet.initializers import DataDependent, HeNormal
from fastnet.losses import GaussianNLL, Quantiles
from fastnet.optimizers import SGD, AdamW

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Training that changes nothing: the fitted network is the start.
STILL = {"solver": SGD(0.0, nesterov=False), "learning_rate_init": 1e-30, "max_iter": 1, "alpha": 0.0}
START = {"init": DataDependent(HeNormal()), "bias_init": "data"}
ALL = CASES["all"][0]


def numbers_of(net):
    return [*parameters(net), flat(net.features_)]


@pytest.mark.parametrize("case", CASES)
def test_starting_values_from_the_data_see_what_the_feature_layer_makes(case):
    given, pairs = CASES[case]
    X, y = table(200)
    net = regressor(given, input_scale=True, **START, **STILL).fit(X, y)
    a = plain_layer(net, pairs, True).expand(X)
    for i, (W, b) in enumerate(zip(net.coefs_, net.intercepts_, strict=True)):
        z = a @ W + b
        assert_allclose(z.std(axis=0), 1, rtol=1e-8)
        if i < len(net.coefs_) - 1:
            assert (z.min(axis=0) < 0).all() and (z.max(axis=0) > 0).all()
        a = np.tanh(z)


def test_held_out_samples_have_no_part_in_the_start():
    X, y = table(200)
    kept = {"early_stopping": True, "validation_split": "last", "validation_fraction": 0.2}
    net = regressor(ALL, input_scale=True, **START, **STILL, **kept).fit(X, y)
    changed = X.copy()
    changed[-40:, :3] = 7.0
    again = regressor(ALL, input_scale=True, **START, **STILL, **kept).fit(changed, y)
    assert same_bits(numbers_of(net), numbers_of(again))


def differences(net, X, y, h=1e-6):
    """Central differences of the loss by one number of each array of ``features_``, and what `inspect` says."""
    rng, gradients = np.random.default_rng(1), inspect(net, X, y).feature_gradients
    for own, found in zip(net.features_, gradients, strict=True):
        for name, arrays in own.items():
            a, g = (arrays[0], found[name][0]) if np.ndim(arrays[0]) else (arrays, found[name])
            place, values = tuple(rng.integers(n) for n in a.shape), []
            for step in (h, -h):
                before = a[place]
                a[place] = before + step
                values.append(inspect(net, X, y).loss)
                a[place] = before
            if name != "boundaries":  # not trained
                yield g[place], (values[0] - values[1]) / (2 * h)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "parametric"},
        {"loss": GaussianNLL()},
        *exhaustive([{"loss": Quantiles((0.2, 0.8))}, {"target_scaling": True}]),
        {"loss": GaussianNLL(), "activation": "parametric", "target_scaling": True, **START},
    ],
    ids=str,
)
def test_gradients_equal_differences(options):
    X, y = table(120)
    net = regressor(ALL, input_scale=True, **options).fit(X, y)
    pairs = list(differences(net, X, y))
    assert len(pairs) == 4 + 1 + 4 + 1 and all(g != 0 for g, _ in pairs)
    for g, expected in pairs:
        assert_allclose(g, expected, rtol=2e-5, atol=1e-8)


def test_targets_are_scaled_as_by_hand():
    X, y = table(120)
    y = 1e4 + 300 * y
    net = regressor(ALL, input_scale=True, target_scaling=True).fit(X, y)
    by_hand = regressor(ALL, input_scale=True).fit(X, (y - net.target_mean_) / net.target_scale_)
    assert same_bits(numbers_of(net), numbers_of(by_hand))
    assert_allclose(net.predict(X), by_hand.predict(X) * net.target_scale_ + net.target_mean_, rtol=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "parametric"])
def test_an_offset_is_an_exposure(activation):
    """For an exposure E the Poisson deviance of y is E times that of y / E."""
    X, _ = table(150)
    rng = np.random.default_rng(2)
    exposure = rng.uniform(0.2, 3, len(X))
    exposure /= exposure.mean()
    y = rng.poisson(exposure * np.exp(np.sin(3 * X[:, 0]) + 0.5 * (X[:, 4] == 2)))
    params = {"loss": "poisson", "batch_size": None, "alpha": 0, "max_iter": 20, "activation": activation}
    net = regressor(ALL, input_scale=True, **params).fit(X, y, offset=np.log(exposure))
    rates = regressor(ALL, input_scale=True, **params).fit(X, y / exposure, exposure)
    assert_allclose(flat(net.features_), flat(rates.features_), rtol=1e-7, atol=1e-10)
    assert_allclose(net.predict(X), rates.predict(X), rtol=1e-7)
    assert_allclose(net.predict(X, offset=np.log(exposure)), exposure * net.predict(X), rtol=1e-12)


# All that may stand beside an embedding.
TOGETHER = {
    **START, "input_scale": True, "activation": "parametric", "target_scaling": True, "loss": GaussianNLL(),
    "rate_factors": "fan_in", "bias_rate_factor": 0.1, "solver": AdamW(weight_decay=0.3), "clip_value": 0.5,
    "decay_schedule": "flat_cosine", "dropout": 0.2, "dropout_schedule": "flat_cosine", "output_init": "zeros",
    "max_iter": 4,
}  # fmt: skip


def test_all_of_it_has_the_same_bits_for_any_threads_and_resumed():
    X, y = table(300)
    nets = [regressor(ALL, **TOGETHER, n_jobs=n, batch_size=150).fit(X, y) for n in (1, 2)]
    assert same_bits(*map(numbers_of, nets))
    mean, deviation = nets[0].predict(X, return_std=True)
    assert (deviation > 0).all() and np.isfinite(mean).all()
    net = regressor(ALL, **TOGETHER)
    with task_of(net, X, y).trainer() as trainer:
        trainer.step()
        state = trainer.state()
    once, again = task_of(net, X, y), task_of(net, X, y)
    assert ending(once, once.trainer()) == ending(again, again.trainer(state))


def test_warm_starts_and_pickles_go_on():
    X, y = table(100)
    params = {**TOGETHER, "shuffle": False, "dropout": 0.0, "decay_schedule": None}
    whole = regressor(ALL, **params).fit(X, y)
    half = regressor(ALL, **{**params, "max_iter": 2}, warm_start=True).fit(X, y)
    half = pickle.loads(pickle.dumps(half)).fit(X, y)
    for a, b in zip(numbers_of(half), numbers_of(whole), strict=True):
        assert_allclose(a, b, rtol=1e-10)


def test_layers_of_another_network_stay_and_those_above_begin_within_the_data():
    X, y = table(200)
    given, pairs = CASES["all"]
    source = regressor(given, input_scale=True, hidden_layer_sizes=(7,)).fit(X, y)
    net = regressor(given, input_scale=True, init=FrozenEstimator(source), bias_init="data", **STILL).fit(X, y)
    assert_allclose(flat(net.features_), flat(source.features_), rtol=1e-12)
    assert_array_equal(net.coefs_[0], source.coefs_[0])
    a = np.tanh(plain_layer(net, pairs, True).expand(X) @ net.coefs_[0] + net.intercepts_[0])
    z = a @ net.coefs_[1] + net.intercepts_[1]
    assert (z.min(axis=0) < 0).all() and (z.max(axis=0) > 0).all() and net.intercepts_[1].any()


def test_a_classifier_learns_from_codes_that_begin_with_the_data():
    X, _ = table(200)
    y = (X[:, 4] % 3).astype(int)
    net = MLPClassifier((16,), features=ALL, input_scale=True, **START, max_iter=60, learning_rate_init=0.02,
                        n_iter_no_change=None, random_state=0)  # fmt: skip
    assert net.fit(X, y).score(X, y) > 0.95
