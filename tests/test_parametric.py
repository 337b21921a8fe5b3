"""Activations mixed with the identity in shares that units learn: `Parametric` in the engine and the estimators."""

import pickle

import naive
import naive_ops
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import distance, parameters, same_bits
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fastnet import MLPClassifier, MLPRegressor, inspect
from fastnet.activations import ELU, SELU, LeakyReLU, Mish, Parametric, PReLU
from fastnet.network.architecture import Architecture
from fastnet.network.layers import UNDECAYED, WEIGHTS, Group
from fastnet.ops.compiled.digest import formulas_digest
from fastnet.ops.losses import LOSSES
from fastnet.optimizers import SGD

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"hidden_layer_sizes": (19, 7), "max_iter": 4, "batch_size": 40, "n_iter_no_change": None, "random_state": 0}


def test_a_share_of_one_is_the_activation_itself(diabetes):
    still = {**QUICK, "solver": "sgd", "learning_rate_init": 1e-30, "max_iter": 1}
    for dtype in ("float32", "float64"):
        plain = MLPRegressor(activation="mish", dtype=dtype, **still).fit(*diabetes)
        mixed = MLPRegressor(activation=Parametric(Mish()), dtype=dtype, **still).fit(*diabetes)
        assert_array_equal(mixed.predict(diabetes[0]), plain.predict(diabetes[0]))
        assert (mixed.slopes_[0] == 1).all() and [s.shape for s in mixed.slopes_] == [(19,), (7,)]


@pytest.mark.parametrize("activation", [SELU(), Mish(), ELU(0.5)], ids=repr)
def test_gradients_are_the_central_differences(diabetes, activation):
    X, y = diabetes[0][:40], diabetes[1][:40]
    net = MLPRegressor(activation=Parametric(activation, 0.7), dtype="float64", alpha=0.0, **QUICK).fit(X, y)
    passed = inspect(net, X, y)
    for layer, (slopes, weights) in enumerate(zip(net.slopes_, net.coefs_, strict=False)):
        for array, place, gradient in ((slopes, 3, passed.layers[layer].slope_gradient),
                                       (weights, (2, 3), passed.layers[layer].coef_gradient)):  # fmt: skip
            sides, value = [], array[place]
            for step in (1e-6, -1e-6):
                array[place] = value + step
                sides.append(((net.predict(X) - y) ** 2).mean() / 2)
            array[place] = value
            assert_allclose(gradient[place], (sides[0] - sides[1]) / 2e-6, rtol=1e-6, atol=1e-9)


def test_one_step_is_that_of_plain_numpy_with_a_rate_of_its_own(diabetes):
    X, y = diabetes[0][:40], diabetes[1][:40]
    start = {**QUICK, "activation": Parametric(rate=0.25), "solver": SGD(0.0, nesterov=False),
             "dtype": "float64", "alpha": 0.0, "shuffle": False, "max_iter": 1}  # fmt: skip
    before = MLPRegressor(learning_rate_init=1e-30, **start).fit(X, y)
    after = MLPRegressor(learning_rate_init=0.5, **start).fit(X, y)
    matrices, vectors = before.coefs_, before.intercepts_ + before.slopes_[:2]
    of_matrices, of_vectors = naive.gradient(matrices, vectors, X, y[:, None], "parametric", "squared_error")
    expected = [w - 0.5 * g for w, g in zip(matrices, of_matrices, strict=True)]
    expected += [b - rate * g for b, g, rate in zip(vectors, of_vectors, [0.5] * 3 + [0.125] * 2, strict=True)]
    assert distance(after.coefs_ + after.intercepts_ + after.slopes_[:2], expected) < 1e-13


def test_the_learnt_shares_have_a_group_of_their_own_without_decay():
    units, op = (4, 3, 3, 2), Parametric(rate=0.2)
    groups = Architecture(units, (op, PReLU()), LOSSES["squared_error"]).groups
    assert groups == (WEIGHTS, UNDECAYED, Group(0.2, 0.0))


@pytest.mark.parametrize("options", [{}, {"dropout": 0.3}, {"residual": "projection"}, {"normalization": "batch"},
                                     {"early_stopping": True}], ids=str)  # fmt: skip
def test_the_bits_are_those_of_any_threads(digits, options):
    nets = [MLPClassifier(activation=[Parametric("mish"), Parametric(LeakyReLU(0.3))], n_jobs=n,
                          learning_rate_init=0.01, **options, **QUICK).fit(*digits) for n in (1, 2)]  # fmt: skip
    assert same_bits(*(parameters(net) + net.slopes_ for net in nets))
    few, many = nets[0].predict_proba(digits[0][:3]), nets[0].predict_proba(digits[0])
    assert_array_equal(few, many[:3])


def test_it_learns_is_kept_and_goes_on(digits):
    net = MLPClassifier(activation=Parametric(), learning_rate_init=0.01, **{**QUICK, "max_iter": 40}).fit(*digits)
    assert net.score(*digits) > 0.97 and all(0.001 < np.ptp(s) < 0.9 for s in net.slopes_)
    again = pickle.loads(pickle.dumps(net))
    assert_array_equal(again.predict_proba(digits[0]), net.predict_proba(digits[0]))
    z = digits[0]
    for weights, biases, share in zip(net.coefs_, net.intercepts_, [*net.slopes_, None], strict=True):
        z = z @ weights + biases
        z = z if share is None else naive_ops.LEARNT["parametric"][0](z, share)
    assert_array_equal(z.argmax(axis=1), net.predict(digits[0]))
    before = net.slopes_[0].copy()
    net.set_params(warm_start=True, max_iter=1).fit(*digits)
    assert 0 < np.abs(net.slopes_[0] - before).max() < 0.1
    before = net.slopes_[0].copy()
    net.partial_fit(*digits)
    assert 0 < np.abs(net.slopes_[0] - before).max() < 0.1


def test_lbfgs_learns_the_shares_too(diabetes):
    params = {"hidden_layer_sizes": (9,), "solver": "lbfgs", "max_iter": 30, "random_state": 0}
    net = MLPRegressor(activation=Parametric("softplus", 0.5), **params).fit(*diabetes)
    assert np.ptp(net.slopes_[0]) > 1e-3 and net.score(*diabetes) > 0.4


def test_clones_and_grids_reach_its_parameters(digits):
    net = MLPClassifier(activation=Parametric("mish", rate=0.5), **QUICK)
    assert clone(net).activation == Parametric(Mish(), rate=0.5) and repr(net.activation) == (
        "Parametric(activation=Mish(), rate=0.5)"
    )
    grid = {"activation__rate": [0.0, 1.0], "activation__activation": ["tanh", Mish()]}
    found = GridSearchCV(net, grid, cv=2, error_score="raise").fit(*digits)
    assert len(set(found.cv_results_["mean_test_score"])) > 1
    still = clone(net).set_params(activation__rate=0.0).fit(*digits)
    assert (still.slopes_[0] == 1).all()


def test_mixes_of_several_activations_are_several_kernels():
    digests = {formulas_digest(Parametric(op)) for op in (SELU(), Mish(), LeakyReLU(0.1))}
    assert len(digests) == 3
    assert formulas_digest(Parametric(LeakyReLU(0.2))) == formulas_digest(Parametric(LeakyReLU(0.1)))


@pytest.mark.parametrize(
    ("given", "match"),
    [(("prelu",), "'activation' parameter of Parametric must be an activation whose units learn nothing themselves"),
     ((Parametric(),), "units learn nothing themselves"), ((SELU,), "'activation' parameter of Parametric"),
     (("sigmoid",), "'gelu', 'hard_sigmoid'.*Got 'sigmoid'"), ((Mish(), np.nan), "'alpha' parameter of Parametric"),
     ((Mish(), 1.0, -0.1), "'rate' parameter of Parametric")],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_mixed_is_refused_by_name(given, match):
    with pytest.raises(ValueError, match=match):
        Parametric(*given)


def test_numbers_of_the_mixed_activation_are_looked_at(diabetes):
    with pytest.raises(ValueError, match=r"slope=1e\+300 of LeakyReLU is too large"):
        MLPRegressor(hidden_layer_sizes=(4,), activation=Parametric(LeakyReLU(1e300)), dtype="float32").fit(*diabetes)
