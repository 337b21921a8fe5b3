"""The distribution that each initialiser draws from."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from scipy.stats import kstest, truncnorm
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import fastnet
from fastnet import initializers as init
from fastnet.activations import Logistic, ReLU
from fastnet.formulas import flag, number
from fastnet.network.draws import initialize
from fastnet.network.initializers import INITIALIZERS

FAN_IN, FAN_OUT = 300, 200
RELU = ReLU()

# Standard deviations worked by hand from the papers' formulas for 300 inputs and 200 outputs; bounds are sqrt(3) times.
NORMAL = {
    "glorot_normal": (init.GlorotNormal(), 0.0632455532),  # sqrt(2 / 500)
    "he_normal": (init.HeNormal(), 0.0816496581),  # sqrt(2 / 300)
    "he_normal, leaky": (init.HeNormal(slope=0.5), 0.0730296743),  # sqrt(2 / (1.25 * 300))
    "lecun_normal": (init.LeCunNormal(), 0.0577350269),  # sqrt(1 / 300)
    "normal": (init.Normal(), 0.05),
    "normal, narrow": (init.Normal(scale=0.01), 0.01),
}
UNIFORM = {
    "glorot_uniform": (init.GlorotUniform(), 0.1095445115),  # sqrt(6 / 500)
    "he_uniform": (init.HeUniform(), 0.1414213562),  # sqrt(6 / 300)
    "he_uniform, leaky": (init.HeUniform(slope=0.5), 0.1264911064),
    "lecun_uniform": (init.LeCunUniform(), 0.1),  # sqrt(3 / 300)
    "uniform": (init.Uniform(), 0.05),
    "uniform, wide": (init.Uniform(bound=2.0), 2.0),
}


def draw(initializer, fan_in=FAN_IN, fan_out=FAN_OUT, seed=0, activation=RELU):
    return initializer.draw(fan_in, fan_out, activation, np.random.RandomState(seed))


@pytest.mark.parametrize("name", NORMAL)
def test_normal_weights_have_the_formulas_deviation(name):
    initializer, deviation = NORMAL[name]
    weights, biases = draw(initializer)
    # five standard errors
    assert abs(weights.mean()) < 5 * deviation / np.sqrt(weights.size)
    assert abs(weights.std() / deviation - 1) < 5 / np.sqrt(2 * weights.size)
    assert kstest(weights.ravel() / deviation, "norm").pvalue > 1e-4
    assert not biases.any()


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_weights_fill_the_formulas_bounds(name):
    initializer, bound = UNIFORM[name]
    weights, biases = draw(initializer)
    assert 0.999 * bound < np.abs(weights).max() <= bound * (1 + 1e-9)
    assert abs(weights.std() / (bound / np.sqrt(3)) - 1) < 0.01
    assert kstest(weights.ravel(), "uniform", (-bound, 2 * bound)).pvalue > 1e-4
    assert biases.any() == (name == "glorot_uniform")


def test_bounds_and_deviations_of_one_family_belong_together():
    # the variance of a uniform distribution is a third of its bound squared
    for family in ("glorot", "he", "lecun"):
        assert_allclose(UNIFORM[f"{family}_uniform"][1], np.sqrt(3) * NORMAL[f"{family}_normal"][1], rtol=1e-8)


@pytest.mark.parametrize("cut", [0.5, 2.0, 3.0, 60.0])
def test_the_truncated_normal_has_no_weight_beyond_the_cut(cut):
    weights, biases = draw(init.TruncatedNormal(scale=0.1, cut=cut))
    assert np.abs(weights).max() <= 0.1 * cut
    assert kstest(weights.ravel() / 0.1, truncnorm(-cut, cut).cdf).pvalue > 1e-4
    assert abs(weights.std() / (0.1 * truncnorm(-cut, cut).std()) - 1) < 0.02
    assert not biases.any()


def test_the_docstrings_share_of_the_deviation_left_by_a_cut_at_two():
    assert round(truncnorm(-2, 2).std(), 2) == 0.88


@pytest.mark.parametrize("gain", [1.0, np.sqrt(2), 0.3])
@pytest.mark.parametrize(("fan_in", "fan_out"), [(40, 40), (70, 20), (20, 70), (1, 5), (5, 1)])
def test_orthogonal_columns_or_rows_have_length_gain(fan_in, fan_out, gain):
    weights, biases = draw(init.Orthogonal(gain=gain), fan_in, fan_out)
    assert weights.shape == (fan_in, fan_out) and weights.flags.c_contiguous
    gram = weights.T @ weights if fan_in >= fan_out else weights @ weights.T
    assert_allclose(gram, gain**2 * np.eye(min(fan_in, fan_out)), atol=1e-12)
    assert not biases.any()


def test_orthogonal_matrices_are_uniform_over_all_of_them():
    # without the signs of R's diagonal the first elements would lean to one side
    n = 3
    corners = np.array([draw(init.Orthogonal(), n, n, seed)[0].ravel() for seed in range(3000)])
    assert np.abs(corners.mean(axis=0)).max() < 5 / np.sqrt(n * len(corners))
    assert_allclose((corners**2).mean(axis=0), np.full(n * n, 1 / n), rtol=0.1)
    # rotations and reflections alike
    assert abs(np.mean([np.linalg.det(q.reshape(n, n)) > 0 for q in corners]) - 0.5) < 0.05


def test_constants():
    assert_array_equal(draw(init.Constant(value=-0.25))[0], np.full((FAN_IN, FAN_OUT), -0.25))
    assert not draw(init.Constant())[1].any()
    weights, biases = draw(init.Zeros())
    assert weights.shape == (FAN_IN, FAN_OUT) and not weights.any() and not biases.any()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_draws_depend_on_nothing_but_the_state_and_the_shape(name):
    initializer = INITIALIZERS[name]
    first, again, other = draw(initializer, 30, 20), draw(initializer, 30, 20), draw(initializer, 30, 20, seed=1)
    assert same_bits(first, again)
    assert all(a.dtype == np.float64 for a in first)
    assert same_bits(first, other) != initializer.breaks_symmetry
    equal_units = (first[0] == first[0][:, :1]).all()
    assert equal_units != initializer.breaks_symmetry
    if name != "glorot_uniform":
        assert same_bits(first, draw(initializer, 30, 20, activation=Logistic()))


@pytest.mark.oracle
def test_agrees_with_pytorch():
    import torch

    torch.manual_seed(0)
    theirs = torch.empty(FAN_OUT, FAN_IN)  # PyTorch's matrices are transposed
    peers = {
        init.GlorotUniform(): torch.nn.init.xavier_uniform_,
        init.GlorotNormal(): torch.nn.init.xavier_normal_,
        init.HeUniform(): lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="relu"),
        init.HeNormal(): lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu"),
        init.HeUniform(slope=0.3): lambda w: torch.nn.init.kaiming_uniform_(w, a=0.3),
        init.HeNormal(slope=0.3): lambda w: torch.nn.init.kaiming_normal_(w, a=0.3),
        init.LeCunUniform(): lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="linear"),
        init.LeCunNormal(): lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear"),
        init.TruncatedNormal(0.1, 2.0): lambda w: torch.nn.init.trunc_normal_(w, 0.0, 0.1, -0.2, 0.2),
        init.Orthogonal(1.5): lambda w: torch.nn.init.orthogonal_(w, 1.5),
    }
    for ours, fill in peers.items():
        weights = fill(theirs).numpy().T
        mine = draw(ours)[0]
        assert abs(mine.std() / weights.std() - 1) < 0.02, ours
        if not isinstance(ours, init.GlorotNormal | init.HeNormal | init.LeCunNormal | init.Orthogonal):
            assert abs(np.abs(mine).max() / np.abs(weights).max() - 1) < 0.005, ours
        if isinstance(ours, init.Orthogonal):
            assert_allclose(mine.T @ mine, weights.T @ weights, atol=1e-4)


@pytest.mark.parametrize("name", ["zeros", "constant"])
def test_equal_units_are_warned_of_and_stay_equal(digits, name):
    params = {"init": name, "max_iter": 3, "random_state": 0}
    with pytest.warns(UserWarning, match=rf"init={INITIALIZERS[name]!r}".replace("(", r"\(").replace(")", r"\)")):
        with pytest.warns(match="hasn't converged"):
            model = fastnet.MLPClassifier((5,), **params).fit(*digits)
    assert (model.coefs_[0] == model.coefs_[0][:, :1]).all()
    assert (model.coefs_[1] == model.coefs_[1][:1]).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_without_hidden_units_there_is_no_symmetry_to_break(digits):
    # warnings are errors
    model = fastnet.MLPClassifier((), init="zeros", max_iter=100, random_state=0).fit(*digits)
    assert model.score(*digits) > 0.9


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", [name for name in INITIALIZERS if INITIALIZERS[name].breaks_symmetry])
def test_every_initialiser_trains(digits, name):
    model = fastnet.MLPClassifier((30, 20), init=name, max_iter=60, learning_rate_init=0.01, random_state=0)
    assert model.fit(*digits).score(*digits) > 0.95


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_parameters_of_initialisers_are_searched_in_a_grid(digits):
    model = fastnet.MLPClassifier((8,), init=init.Normal(scale=0.3), max_iter=2, random_state=0)
    assert clone(model).init == init.Normal(scale=0.3)
    found = GridSearchCV(model, {"init__scale": [1e-3, 0.3]}, cv=2, error_score="raise").fit(*digits)
    assert found.cv_results_["mean_test_score"][0] != found.cv_results_["mean_test_score"][1]
    single = fastnet.MLPClassifier((8,), init=init.Normal(0.2), max_iter=2, random_state=0).fit(*digits)
    assert same_bits(parameters(single), parameters(model.set_params(init__scale=0.2).fit(*digits)))


@pytest.mark.parametrize(
    ("cls", "params"),
    [(init.Normal, {"scale": 0.0}), (init.Normal, {"scale": -1.0}), (init.TruncatedNormal, {"cut": 0.0}),
     (init.Uniform, {"bound": np.inf}), (init.Orthogonal, {"gain": 0.0}), (init.Constant, {"value": np.nan}),
     (init.HeNormal, {"slope": "steep"})],
    ids=str,
)  # fmt: skip
def test_bad_parameters_are_refused_by_name(cls, params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter of {cls.__name__} must be a number"):
        cls(**params)


@dataclass(frozen=True)
class Identities(init.Initializer):
    """An initialiser that only this file knows."""

    scale: float = number(1.0)
    turned: bool = flag(False)

    def weights(self, fan_in, fan_out, random_state):
        weights = self.scale * np.eye(fan_in, fan_out)
        return weights.T if self.turned else weights


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_initialiser_of_ones_own(digits):
    still = {"solver": "sgd", "learning_rate_init": 1e-30, "max_iter": 1}
    model = clone(fastnet.MLPClassifier((20,), init=Identities(), **still)).set_params(init__scale=0.5).fit(*digits)
    assert_allclose(model.coefs_[0], 0.5 * np.eye(64, 20), atol=1e-20)
    with pytest.raises(ValueError, match=r"must give weights of shape \(64, 20\) and .*, got \(20, 64\) and"):
        model.set_params(init__turned=True).fit(*digits)


def test_biases_are_those_asked_for():
    units, activations = (4, 3, 2), [ReLU()] * 2
    plain = initialize(units, activations, init.HeNormal(), None, np.random.RandomState(0), float)
    raised = initialize(units, activations, init.HeNormal(), 0.5, np.random.RandomState(0), float)
    assert same_bits(plain[0], raised[0])
    assert [b.tolist() for b in plain[1] + raised[1]] == [[0] * 3, [0] * 2, [0.5] * 3, [0.5] * 2]
