"""Skip connections: the engine against plain NumPy and PyTorch, and the estimators."""

import pickle
from itertools import pairwise

import naive
import naive_optimizers
import numpy as np
import pytest
import scipy.sparse as sp
from marks import crossed
from numpy.testing import assert_allclose, assert_array_equal
from problems import Problem, away_from_kinks, distance, parameters, same_bits
from test_dropout import revealed_mask
from test_gradients import check
from test_steps import assert_agree, run_both

import fastnet
from fastnet.engine import Session, forward
from fastnet.engine.few_rows import forward_few
from fastnet.engine.predict import forward_many
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.optimizers import SGD, Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DTYPES = [np.float64, np.float32]

# a chain, two chains of different widths, widths of several panels, skips from and to layers without one
SHAPES = [(6, 9, 9, 3), (7, 5, 5, 5, 5, 2), (4, 20, 20, 7, 7, 7, 3), (9, 70, 70, 2), (5, 5, 6, 6, 5, 33, 33, 4)]


def test_which_layers_have_a_skip():
    # by hand: neither the first (64 features into 64 units) nor the last (10 units into 10 outputs)
    problem = Problem(0, (64, 64, 64, 32, 10, 10, 10), residual=True)
    assert [layer.skip for layer in problem.architecture().layers] == [None, "identity", None, None, "identity", None]
    assert [layer.skip for layer in problem.architecture(residual=False).layers] == [None] * 6


def test_the_plain_networks_skips_by_hand():
    # identity, no biases: a1 = 2 x, a2 = 3 a1 + a1 = 8 x, output 5 a2 = 40 x
    coefs, intercepts = [np.full((1, 1), w) for w in (2.0, 3.0, 5.0)], [np.zeros(1)] * 3
    X, y = np.array([[1.0]]), np.array([[39.0]])
    zs, inputs = naive.forward(coefs, intercepts, X, "identity", residual=True)
    assert [float(z[0, 0]) for z in zs] == [2, 6, 40] and [float(a[0, 0]) for a in inputs] == [1, 2, 8]
    # delta 1 at the output, 5 below, and 5 (3 + 1) at the first layer
    deltas = naive.deltas(coefs, intercepts, X, y, "identity", "squared_error", residual=True)
    assert [float(d[0, 0]) for d in deltas] == [20, 5, 1]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_equal_central_differences(activation):
    problem = away_from_kinks(1, (6, 9, 9, 9, 4), activation, "log_loss", n_samples=7, weights=True, residual=True)
    check(problem, np.random.default_rng(0), n_coordinates=60)


@pytest.mark.parametrize(("units", "n_samples"), crossed(SHAPES, [5, 1100]), ids=str)
def test_gradients_of_many_shapes_also_in_chunks(units, n_samples):
    check(Problem(2, units, "tanh", n_samples=n_samples, weights=True, residual=True), np.random.default_rng(0))


# derivatives by output and by input
@pytest.mark.parametrize(("activation", "dtype"), [("logistic", np.float32), ("gelu", np.float64)])
@pytest.mark.parametrize("units", SHAPES, ids=str)
def test_steps_are_those_of_the_plain_network(units, activation, dtype):
    problem = Problem(3, units, activation, "log_loss", n_samples=37, weights=True, dtype=dtype, residual=True)
    ours, theirs = run_both(problem, "adam", batch_size=11, l2=0.2)
    assert_agree(ours, theirs, dtype)


@pytest.mark.parametrize("activation", ["tanh", "silu"])
def test_dropout_drops_the_activation_and_not_the_skip(activation):
    widths, rates, n = (6, 11, 11, 11), (0.3, 0.5, 0.2, 0.4), 20
    problem = Problem(1, (*widths, 4), activation, "log_loss", n_samples=n, residual=True)

    def masks(step, rows):
        return [revealed_mask(widths[: i + 1], p, len(rows), 7, step) for i, p in enumerate(rates)]

    coefs, intercepts = problem.coefs, problem.intercepts
    twin = naive_optimizers.SGD(coefs + intercepts)
    with problem.session(dropout=rates[1:], input_dropout=rates[0], optimizer=SGD(), batch_size=8, seed=7) as session:
        for _ in range(2):
            loss = session.run_epoch(np.arange(n), 0.05)
            coefs, intercepts, expected = problem.train_epoch(
                coefs, intercepts, np.arange(n), optimizer=twin, rate=0.05, batch_size=8, masks=masks
            )
            assert_allclose(loss, expected, rtol=1e-10)
        ours = session.get_parameters()
    assert distance([*ours[0], *ours[1]], coefs + intercepts) < 1e-10


@pytest.mark.parametrize("n_frozen", [1, 2, 3])
def test_trained_layers_above_frozen_ones_have_the_same_gradients(n_frozen):
    problem = Problem(4, (6, 12, 12, 12, 3), "tanh", n_samples=15, residual=True)
    expected, _ = problem.gradient()
    architecture = problem.architecture(n_frozen=n_frozen)
    with Session(architecture, problem.X, problem.y, dtype=np.float64) as session:
        session.set_parameters(problem.coefs, problem.intercepts)
        _, coef_grads, _ = session.loss_and_gradient()
    assert distance(coef_grads[n_frozen:], expected[n_frozen:]) < 1e-12
    assert not any(g.any() for g in coef_grads[:n_frozen])


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_do_not_change_a_bit(dtype, dropout, allow_threads):
    allow_threads(4)
    problem = Problem(5, (13, 40, 40, 40, 3), "tanh", "log_loss", n_samples=203, dtype=dtype, residual=True)
    results = []
    for n_jobs in (1, 2, 3, 4):
        kw = {"optimizer": Adam(), "batch_size": 50, "n_jobs": n_jobs, "seed": 3, "dropout": (dropout,) * 3}
        with problem.session(**kw) as session:
            assert session.n_threads == n_jobs
            losses = [session.run_epoch(np.arange(203), 0.01) for _ in range(2)]
            results.append([*sum(session.get_parameters(), []), np.array(losses)])
    assert all(same_bits(results[0], other) for other in results[1:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
@pytest.mark.parametrize("units", SHAPES, ids=str)
def test_few_rows_have_the_bits_of_many(units, activation, dtype):
    problem = Problem(6, units, activation, n_samples=70, dtype=dtype, residual=True)
    coefs, intercepts = ([p.astype(dtype) for p in ps] for ps in (problem.coefs, problem.intercepts))
    architecture, X = problem.architecture(), problem.X.astype(dtype)
    many = forward_many(architecture, coefs, intercepts, X, n_jobs=1)
    assert same_bits([many], [forward_few(architecture, coefs, intercepts, X)])
    assert same_bits([many[3:4]], [forward(architecture, coefs, intercepts, X[3:4])])
    expected = naive.predict(problem.coefs, problem.intercepts, problem.X, activation, "squared_error", residual=True)
    assert_allclose(many, expected, rtol=1e-4 if dtype == np.float32 else 1e-11, atol=1e-5)


@pytest.mark.oracle
def test_outputs_and_gradients_equal_pytorchs():
    import torch

    problem = Problem(7, (8, 15, 15, 15, 6, 6, 3), "silu", "log_loss", n_samples=40, residual=True)
    weights = [torch.tensor(p, requires_grad=True) for p in problem.coefs]
    biases = [torch.tensor(p, requires_grad=True) for p in problem.intercepts]
    x = torch.tensor(problem.X)
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        z = x @ w + b
        last = layer == len(weights) - 1
        branch = z if last else torch.nn.functional.silu(z)
        x = x + branch if layer in (1, 2, 4) else branch
    loss = torch.nn.functional.cross_entropy(x, torch.tensor(problem.y[:, 0]).long())
    loss.backward()
    with problem.session() as session:
        value, coef_grads, intercept_grads = session.loss_and_gradient()
    assert_allclose(value, loss.item(), rtol=1e-12)
    assert distance(coef_grads + intercept_grads, [p.grad.numpy() for p in weights + biases]) < 1e-12
    logits = forward(problem.architecture(), problem.coefs, problem.intercepts, problem.X, link=False)
    assert_allclose(logits, x.detach().numpy(), rtol=1e-11, atol=1e-12)


def classifier(**params):
    return fastnet.MLPClassifier(
        **{"hidden_layer_sizes": (20, 20, 20), "residual": True, "max_iter": 8, "random_state": 0, **params}
    )


def test_a_deep_network_trains_where_the_plain_one_does_not(digits):
    X, y = digits
    params = {"hidden_layer_sizes": (32,) * 20, "activation": "logistic", "max_iter": 60, "n_iter_no_change": 60,
              "learning_rate_init": 0.003, "batch_size": 50}  # fmt: skip
    accuracy = {residual: classifier(residual=residual, **params).fit(X, y).score(X, y) for residual in (False, True)}
    assert accuracy[True] > 0.9
    assert accuracy[False] < 0.3


@pytest.mark.parametrize("params", [{}, {"dropout": 0.2}, {"solver": "lbfgs"}, {"solver": "sgd", "freeze": 1}], ids=str)
def test_fitted_networks_predict_and_pickle(digits, params):
    X, y = digits
    model = classifier(activation="tanh", dtype="float64", **params).fit(X, y)
    expected = naive.predict(model.coefs_, model.intercepts_, X, "tanh", "log_loss", residual=True)
    assert_allclose(model.predict_proba(X), expected, rtol=1e-9, atol=1e-12)
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.predict_proba(X[:3]), model.predict_proba(X)[:3])
    # as fitted, not as the parameter is now
    copy.set_params(residual=False)
    assert_array_equal(copy.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_input_trains_as_dense_input(digits, solver):
    X, y = digits[0] * (digits[0] > 1.2), digits[1]
    params = {"solver": solver, "dtype": "float64", "activation": "tanh", "max_iter": 4}
    dense, sparse = (classifier(**params).fit(data, y) for data in (X, sp.csr_array(X)))
    assert distance(parameters(sparse), parameters(dense)) < 1e-9


def test_warm_start_goes_on_with_skips_and_without(digits):
    X, y = digits
    whole = classifier(activation="tanh", max_iter=6, shuffle=False).fit(X, y)
    halves = classifier(activation="tanh", max_iter=3, shuffle=False, warm_start=True).fit(X, y).fit(X, y)
    assert same_bits(parameters(halves), parameters(whole))
    halves.set_params(residual=False).fit(X, y)
    expected = naive.predict(
        [w.astype(float) for w in halves.coefs_], [b.astype(float) for b in halves.intercepts_], X, "tanh", "log_loss"
    )
    assert_allclose(halves.predict_proba(X), expected, rtol=1e-3, atol=1e-5)


def test_partial_fit_takes_the_steps_of_fit(digits):
    X, y = digits
    model, other = (classifier(shuffle=False, max_iter=2) for _ in range(2))
    model.fit(X, y)
    for _ in range(2):
        other.partial_fit(X, y, classes=np.arange(10))
    assert same_bits(parameters(model), parameters(other))


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_inspect_shows_the_skips(digits, activation):
    X, y = digits[0][:40], digits[1][:40]
    model = classifier(activation=activation, dtype="float64").fit(*digits)
    passed = fastnet.inspect(model, X, y)
    net = (model.coefs_, model.intercepts_, X, y[:, None], activation, "log_loss")
    zs, inputs = naive.forward(*net[:3], activation, residual=True)
    deltas = naive.deltas(*net, residual=True)
    coef_grads, _ = naive.gradient(*net, l2=model.alpha, residual=True)
    close = {"rtol": 1e-9, "atol": 1e-12}
    for layer, z, a, delta, gradient in zip(passed.layers, zs, inputs, deltas, coef_grads, strict=True):
        assert_allclose(layer.input, a, **close)
        assert_allclose(layer.z, z, **close)
        assert_allclose(layer.delta, delta / 40, **close)
        assert_allclose(layer.coef_gradient, gradient, **close)
    for below, above in pairwise(passed.layers):
        assert_array_equal(below.activation, above.input)


@pytest.mark.parametrize("hidden", [(), (20,), (20, 30, 20)], ids=str)
def test_a_network_without_equal_widths_is_refused(digits, hidden):
    with pytest.raises(ValueError, match="residual=True connects .* same size, such as") as caught:
        classifier(hidden_layer_sizes=hidden).fit(*digits)
    # a remedy that would be refused in its turn is none
    assert ("projection" in str(caught.value)) == (len(hidden) > 1)


def test_the_default_has_no_skips(digits):
    default = fastnet.MLPClassifier((20, 20, 20), max_iter=8, random_state=0).fit(*digits)
    assert same_bits(parameters(default), parameters(classifier(residual=False).fit(*digits)))
    assert not same_bits(parameters(default), parameters(classifier().fit(*digits)))
