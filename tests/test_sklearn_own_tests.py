"""scikit-learn's own tests of its networks, run against ours: those of the installed version, as they are.

The source is compiled with the classes replaced; every test function in it runs, also one that a later version adds.
Left out by name are only those that reach into private members, each with a test of ours, below, that asserts the
same behaviour from outside.
"""

import ast
import importlib.util
import re
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from marks import crossed
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FILE = Path(importlib.util.find_spec("sklearn.neural_network.tests.test_mlp").origin)
REPLACED = {"MLPClassifier", "MLPRegressor"}

# name: (private members of scikit-learn that it reaches into, our test of the same behaviour)
PRIVATE = {
    "test_fit": ({"_coef_grads", "_intercept_grads"}, "test_a_step_from_weights_set_by_hand_is_the_worked_one"),
    "test_gradient": ({"_loss_grad_lbfgs"}, "test_the_gradient_is_that_of_the_loss"),
    "test_learning_rate_warmstart": ({"_optimizer"}, "test_a_warm_start_goes_on_with_the_schedule_of_invscaling"),
    "test_adaptive_learning_rate": ({"_optimizer"}, "test_the_adaptive_rate_falls_below_1e_6_before_training_ends"),
    "test_n_iter_no_change": ({"_no_improvement_count"}, "test_training_ends_after_n_iter_no_change_epochs"),
    "test_n_iter_no_change_inf": ({"_no_improvement_count"}, "test_an_infinite_n_iter_no_change_never_stops"),
}

# These two ask for double precision from mini-batches, which is dtype='input' here: dtype='auto' is a documented
# departure. They run, with this parameter set.
IN_THE_TYPE_OF_X = {"test_mlp_param_dtypes", "test_partial_fit_regression"}


def source_with(classes):
    """scikit-learn's test module with these classes in place of its own."""
    tree = ast.parse(FILE.read_text(encoding="utf-8"), str(FILE))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sklearn.neural_network"):
            node.names = [alias for alias in node.names if alias.name not in REPLACED]
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom) or node.names]
    module = ModuleType(f"{__name__}.of_scikit_learn")
    vars(module).update(classes, __file__=str(FILE))
    exec(compile(tree, str(FILE), "exec"), vars(module))
    return module


def names_of_tests(tree):
    """Names of its test functions."""
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


as_imported = source_with({name: getattr(fastnet, name) for name in REPLACED})
in_type_of_X = source_with({name: partial(getattr(fastnet, name), dtype="input") for name in REPLACED})
TREE = ast.parse(FILE.read_text(encoding="utf-8"))
for _name in names_of_tests(TREE):
    if _name not in PRIVATE:
        assert _name not in globals(), _name
        globals()[_name] = getattr(in_type_of_X if _name in IN_THE_TYPE_OF_X else as_imported, _name)


@pytest.fixture(autouse=True)
def seeded():
    """Some of scikit-learn's tests draw from NumPy's global state: the same draws in every run."""
    np.random.seed(0)


@pytest.fixture(params=[0, 42])
def global_random_seed(request):
    """scikit-learn's fixture of that name."""
    return request.param


def test_only_tests_of_private_members_are_left_out():
    functions = {node.name: node for node in TREE.body if isinstance(node, ast.FunctionDef)}
    for name, (members, ours) in PRIVATE.items():
        assert callable(globals()[ours])
        if name in functions:  # else this version of scikit-learn does not have it any more
            nodes = ast.walk(functions[name])
            assert members <= {node.attr for node in nodes if isinstance(node, ast.Attribute)}, name
    assert as_imported.MLPClassifier is fastnet.MLPClassifier
    assert as_imported.MLPRegressor is fastnet.MLPRegressor


def test_the_documentation_lists_what_is_left_out():
    page = (Path(__file__).parents[1] / "docs" / "scikit_learn.rst").read_text(encoding="utf-8")
    for name, (members, ours) in PRIVATE.items():
        for word in (name, ours, *members):
            assert f"``{word}``" in page
    for name in IN_THE_TYPE_OF_X:
        assert f"``{name}``" in page


# The six, from outside


def full_batch_sgd(**params):
    """Plain gradient descent: each epoch is one step, the rate times the gradient."""
    params = {"hidden_layer_sizes": 4, "random_state": 0, "max_iter": 1, **params}
    return fastnet.MLPClassifier(solver="sgd", momentum=0.0, batch_size=None, dtype="float64", **params)


def rate_of_next_step(model, train, X, y):
    """Learning rate of a step, from the weights before and after and the gradient between."""
    gradient = fastnet.inspect(model, X, y).layers[-1].intercept_gradient
    before = model.intercepts_[-1].copy()
    train(X, y)
    return ((before - model.intercepts_[-1]) / gradient).item()


def test_a_step_from_weights_set_by_hand_is_the_worked_one():
    X, y = np.array([[0.6, 0.8, 0.7]]), [0]
    model = full_batch_sgd(hidden_layer_sizes=2, activation="logistic", learning_rate_init=0.1, alpha=0.1)
    model.partial_fit(X, y, classes=[0, 1])
    model.coefs_ = [np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0.0]]), np.array([[0.1], [0.2]])]
    model.intercepts_ = [np.array([0.1, 0.1]), np.array([1.0])]
    model.partial_fit(X, y)
    # with z = (0.75, 0.3), h = s(z) = (0.6792, 0.5744), p = s(1 + 0.1 h1 + 0.2 h2) = 0.7655 = output's delta
    h = 1 / (1 + np.exp([-0.75, -0.3]))
    p = 1 / (1 + np.exp(-(1 + h @ [0.1, 0.2])))
    delta = p * np.array([0.1, 0.2]) * h * (1 - h)
    assert_allclose(p, 0.7655, atol=5e-5)
    assert_allclose(model.coefs_[1].ravel(), [0.1 - 0.1 * (h[0] * p + 0.01), 0.2 - 0.1 * (h[1] * p + 0.02)])
    assert_allclose(model.intercepts_[1], 1 - 0.1 * p)
    start = np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0.0]])
    assert_allclose(model.coefs_[0], start - 0.1 * (X.T * delta + 0.1 * start), atol=1e-15)
    assert_allclose(model.intercepts_[0], 0.1 - 0.1 * delta)
    assert_allclose(model.predict_proba(X)[0, 1], 0.739, atol=5e-4)


@pytest.mark.parametrize(
    ("activation", "n_classes"), crossed(["identity", "logistic", "tanh", "relu"], [2, 3])
)
def test_the_gradient_is_that_of_the_loss(activation, n_classes):
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(5, 10)), 1 + np.arange(5) % n_classes
    model = fastnet.MLPClassifier(4, activation, solver="lbfgs", alpha=0.01, max_iter=1, random_state=1).fit(X, y)
    layers = fastnet.inspect(model, X, y).layers
    for layer, passed in enumerate(layers):
        for array, gradient in (
            (model.coefs_[layer], passed.coef_gradient),
            (model.intercepts_[layer], passed.intercept_gradient),
        ):
            numeric = np.empty(array.shape)
            for index in np.ndindex(array.shape):
                value, losses = array[index], []
                for step in (1e-5, -1e-5):
                    array[index] = value + step
                    losses.append(fastnet.inspect(model, X, y).loss)
                array[index] = value
                numeric[index] = (losses[0] - losses[1]) / 2e-5
            assert_allclose(gradient, numeric, atol=1e-8)


def test_a_warm_start_goes_on_with_the_schedule_of_invscaling():
    X, y = np.array([[3.0, 2], [1, 6], [5, 6], [-2, -4]]), [1, 1, 1, 0]
    params = {"warm_start": True, "power_t": 0.25, "learning_rate_init": 0.01}
    for learning_rate in ("constant", "invscaling"):
        model = full_batch_sgd(learning_rate=learning_rate, **params).fit(X, y).fit(X, y)
        assert model.t_ == 8  # samples seen in two fits
        # a partial fit takes the rate that the fits have left
        rate = rate_of_next_step(model, model.partial_fit, X, y)
        assert_allclose(rate, 0.01 if learning_rate == "constant" else 0.01 / 9**0.25)


def test_the_adaptive_rate_falls_below_1e_6_before_training_ends(capsys):
    X, y = np.array([[3.0, 2], [1, 6]]), [1, 0]
    model = full_batch_sgd(learning_rate="adaptive", tol=0.5, max_iter=3000, verbose=True).fit(X, y)
    assert model.n_iter_ < 3000
    rates = re.findall(r"Setting learning rate to ([\d.]+)", capsys.readouterr().out)
    assert [float(rate) for rate in rates] == [round(0.001 / 5**k, 6) for k in range(1, len(rates) + 1)]
    assert_allclose(rate_of_next_step(model, model.partial_fit, X, y), 0.001 / 5**5, rtol=1e-6)
    assert 0.001 / 5**5 < 1e-6 < 0.001 / 5**4


def epochs_without_improvement(losses, tol):
    """Length of the last run of epochs that did not improve on the best loss before by ``tol``."""
    best = np.minimum.accumulate([np.inf, *losses])[:-1]
    improved = [0, *(1 + np.flatnonzero(np.array(losses) <= best - tol))]
    return len(losses) - improved[-1]


@pytest.mark.parametrize("n_iter_no_change", [2, 5, 50])
def test_training_ends_after_n_iter_no_change_epochs(cancer, n_iter_no_change):
    params = {"tol": 0.01, "max_iter": 3000, "n_iter_no_change": n_iter_no_change}
    model = fastnet.MLPClassifier(solver="sgd", random_state=0, **params).fit(*cancer)
    assert model.n_iter_ < 3000
    assert epochs_without_improvement(model.loss_curve_, tol=0.01) == n_iter_no_change + 1
    earlier = [epochs_without_improvement(model.loss_curve_[:n], tol=0.01) for n in range(1, model.n_iter_)]
    assert max(earlier) <= n_iter_no_change
    assert all(b in (0, a + 1) for a, b in pairwise(earlier))


def test_an_infinite_n_iter_no_change_never_stops(cancer):
    model = fastnet.MLPClassifier(4, solver="sgd", tol=1e9, max_iter=3000, n_iter_no_change=np.inf)
    model.fit(*cancer)
    assert model.n_iter_ == len(model.loss_curve_) == 3000
    assert epochs_without_improvement(model.loss_curve_, tol=1e9) == 2999  # all but the first


@pytest.mark.parametrize("go_on", ["fit", "partial_fit"])
def test_a_float64_default_would_hide_nothing(go_on):
    """What the two tests in the type of X leave out: the default's type and how near it comes."""
    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    single, double = (
        getattr(fastnet.MLPRegressor(batch_size=50, max_iter=30, random_state=0, dtype=dtype), go_on)(X, y)
        for dtype in ("auto", "input")
    )
    assert (single.coefs_[0].dtype, double.coefs_[0].dtype) == (np.float32, np.float64)
    assert_allclose(single.predict(X), double.predict(X), atol=1e-4)
