"""Dropout, seen from outside: its masks, its steps, and what it leaves alone."""

import naive
import naive_optimizers
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import Problem, distance, parameters, same_bits

import fastnet
from fastnet.engine import Session
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import SGD, Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def revealed_mask(widths, p, n_rows, seed=0, step=0, dtype=np.float64, n_jobs=1):
    """Scaled mask of the last of ``widths`` (features, hidden ...) for one mini-batch, from its gradient.

    All weights are 0 and all hidden biases 1, so that every unit of the layer gives 1 before dropout, and the
    r-th output misses its target in row r alone: column r of the gradient is row r of the mask.
    """
    units = (*widths, n_rows)
    rates = [0.0] * (len(widths) - 1) + [p]
    architecture = Architecture(
        units,
        ACTIVATIONS["identity"],
        LOSSES["squared_error"],
        dropout=tuple(rates[1:]),
        input_dropout=rates[0],
    )
    shapes = list(zip(units[:-1], units[1:], strict=True))
    coefs = [np.zeros(s, dtype) for s in shapes]
    intercepts = [np.ones(s[1], dtype) for s in shapes[:-1]] + [np.zeros(n_rows, dtype)]
    session = Session(
        architecture, np.ones((n_rows, widths[0]), dtype), -np.eye(n_rows, dtype=dtype), dtype=dtype,
        optimizer=SGD(momentum=0.0, nesterov=False), batch_size=n_rows, n_jobs=n_jobs, seed=seed,
    )  # fmt: skip
    with session:
        session.set_parameters(coefs, intercepts)
        session.step = step
        session.run_epoch(np.arange(n_rows), 1.0)
        change = session.get_parameters()[0][-1]
    return -change.T * n_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("widths", [(1000,), (3, 1000), (2, 5, 1000)], ids=["input", "hidden 1", "hidden 2"])
@pytest.mark.paths
def test_units_are_dropped_with_probability_p_and_the_others_scaled(widths, p, dtype):
    mask = revealed_mask(widths, p, n_rows=40, dtype=dtype)
    kept = mask != 0
    assert_allclose(mask[kept], 1 / (1 - p), rtol=1e-5)
    # 40,000 draws: within 4 standard deviations; and no row or column out of line
    assert abs(kept.mean() - (1 - p)) < 4 * np.sqrt(p * (1 - p) / kept.size)
    for axis, n in [(0, 40), (1, 1000)]:
        share = kept.mean(axis=axis)
        assert np.abs(share - (1 - p)).max() < 5.5 * np.sqrt(p * (1 - p) / n)
        assert share.var() < 1.5 * p * (1 - p) / n


def test_masks_differ_between_steps_layers_rows_and_seeds():
    base = revealed_mask((4, 500), 0.5, 10)
    assert_array_equal(base, revealed_mask((4, 500), 0.5, 10))
    others = [
        revealed_mask((4, 500), 0.5, 10, step=1),
        revealed_mask((4, 500), 0.5, 10, seed=1),
        revealed_mask((4, 500, 500), 0.5, 10),
        revealed_mask((500,), 0.5, 10),
        np.roll(base, 1, axis=0),
        np.roll(base, 1, axis=1),
    ]
    for other in others:
        # as often equal as two fair coins: 5,000 of them
        assert abs((base == other).mean() - 0.5) < 4 * 0.5 / np.sqrt(5000)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.paths
def test_steps_with_dropout_are_those_of_the_plain_network(activation, optimizer):
    widths, rates, n = (6, 17, 9), (0.3, 0.5, 0.2), 20
    problem = Problem(1, (*widths, 4), activation, "log_loss", n_samples=n, weights=True)
    layers = [widths[: i + 1] for i in range(3)]

    def masks(step, rows):
        return [revealed_mask(w, p, len(rows), 7, step) for w, p in zip(layers, rates, strict=True)]

    optimizer, twin = {"sgd": (SGD(), naive_optimizers.SGD), "adam": (Adam(), naive_optimizers.Adam)}[optimizer]
    coefs, intercepts = problem.coefs, problem.intercepts
    twin = twin(coefs + intercepts)
    with problem.session(
        dropout=rates[1:], input_dropout=rates[0], optimizer=optimizer, batch_size=8, l2=0.1, seed=7
    ) as session:
        for _ in range(2):
            loss = session.run_epoch(np.arange(n), 0.05)
            coefs, intercepts, expected = problem.train_epoch(
                coefs, intercepts, np.arange(n), optimizer=twin, rate=0.05, batch_size=8, l2=0.1, masks=masks
            )
            assert_allclose(loss, expected, rtol=1e-10)
        ours = session.get_parameters()
    assert distance([*ours[0], *ours[1]], coefs + intercepts) < 1e-10


@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_the_gradient_with_fixed_masks_equals_central_differences(l2):
    # one step of plain descent with rate 1 is minus the gradient
    problem = Problem(2, (5, 11, 7, 2), "tanh", "squared_error", n_samples=9, weights=True)
    rates = (0.25, 0.5, 0.4)
    masks = [revealed_mask(problem.units[: i + 1], p, 9, seed=3) for i, p in enumerate(rates)]
    with problem.session(
        dropout=rates[1:], input_dropout=rates[0], optimizer=SGD(0.0, False), batch_size=9, l2=l2, seed=3
    ) as session:
        session.run_epoch(np.arange(9), 1.0)
        after = session.get_parameters()
    params = problem.coefs + problem.intercepts
    grads = [p - q for p, q in zip(params, [*after[0], *after[1]], strict=True)]
    numeric = []
    for param in params:
        numeric.append(np.empty_like(param))
        for index in np.ndindex(param.shape):
            kept, sides = param[index], []
            for param[index] in (kept + 1e-5, kept - 1e-5):
                sides.append(problem.objective(params[:3], params[3:], l2=l2, masks=masks))
            param[index] = kept
            numeric[-1][index] = (sides[0] - sides[1]) / 2e-5
    assert distance(grads, numeric) < 1e-6


@pytest.mark.parametrize("n_jobs", [2, 4])
def test_masks_do_not_depend_on_the_number_of_threads(n_jobs):
    assert_array_equal(revealed_mask((5, 300), 0.4, 50), revealed_mask((5, 300), 0.4, 50, n_jobs=n_jobs))


def classifier(**params):
    return fastnet.MLPClassifier(
        **{"hidden_layer_sizes": (30, 20), "max_iter": 8, "random_state": 0, "batch_size": 64, **params}
    )


@pytest.mark.parametrize("params", [{"dropout": 0.3}, {"dropout": [0.2, 0.0], "input_dropout": 0.1}], ids=str)
def test_threads_do_not_change_a_fit_with_dropout(digits, params):
    fits = [classifier(n_jobs=n_jobs, **params).fit(*digits) for n_jobs in [1, 2, 4]]
    assert same_bits(parameters(fits[0]), parameters(fits[1]))
    assert same_bits(parameters(fits[0]), parameters(fits[2]))
    assert fits[0].loss_curve_ == fits[1].loss_curve_ == fits[2].loss_curve_


@pytest.mark.parametrize("zero", [0.0, 0, [0.0, 0.0], (0, 0)], ids=str)
def test_no_dropout_is_a_dropout_of_zero(digits, zero):
    expected = classifier().fit(*digits)
    model = classifier(dropout=zero, input_dropout=0).fit(*digits)
    assert same_bits(parameters(model), parameters(expected))


def test_one_probability_means_one_for_each_hidden_layer(digits):
    one, each = (classifier(dropout=dropout).fit(*digits) for dropout in (0.3, [0.3, 0.3]))
    assert same_bits(parameters(one), parameters(each))
    array = classifier(dropout=np.array([0.3, 0.3])).fit(*digits)
    assert same_bits(parameters(one), parameters(array))
    other = classifier(dropout=[0.3, 0.0]).fit(*digits)
    assert not same_bits(parameters(one), parameters(other))


def test_a_fit_with_dropout_is_reproduced_by_its_random_state(digits):
    params = {"dropout": 0.4, "input_dropout": 0.2}
    a, b, c = (classifier(random_state=seed, **params).fit(*digits) for seed in [1, 1, 2])
    assert same_bits(parameters(a), parameters(b))
    assert not same_bits(parameters(a), parameters(c))
    instances = [classifier(random_state=np.random.RandomState(1), **params).fit(*digits) for _ in range(2)]
    assert same_bits(parameters(instances[0]), parameters(instances[1]))
    assert same_bits(parameters(a), parameters(instances[0]))


def test_dropout_leaves_the_other_random_draws_alone(digits):
    # a rate too small to move a weight: what is left is the initial weights
    params = {"solver": "sgd", "learning_rate_init": 1e-30, "max_iter": 1}
    assert same_bits(
        parameters(classifier(dropout=0.5, **params).fit(*digits)),
        parameters(classifier(**params).fit(*digits)),
    )


def test_prediction_uses_every_unit(digits):
    X, y = digits
    model = classifier(dropout=0.5, input_dropout=0.3, dtype="float64").fit(X, y)
    probabilities = model.predict_proba(X)
    assert same_bits([probabilities], [model.predict_proba(X)])
    expected = naive.predict(model.coefs_, model.intercepts_, X, "relu", "log_loss")
    assert_allclose(probabilities, expected, rtol=1e-9, atol=1e-12)


def test_the_validation_score_is_that_of_the_whole_network(digits):
    X, y = digits
    model = classifier(dropout=0.5, early_stopping=True, max_iter=20, learning_rate_init=0.01).fit(X, y)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_validation_score_ > 0.8


@pytest.mark.parametrize("Estimator", [fastnet.MLPClassifier, fastnet.MLPRegressor])
@pytest.mark.parametrize("params", [{"dropout": 0.5}, {"input_dropout": 0.3}], ids=str)
def test_dropout_regularises(digits, params, Estimator):
    X, y = digits
    common = {"hidden_layer_sizes": (50,), "max_iter": 40, "random_state": 0, "learning_rate_init": 0.01}
    with_dropout = Estimator(**params, **common).fit(X, y)
    without = Estimator(**common).fit(X, y)
    assert with_dropout.loss_ > 1.5 * without.loss_
    assert with_dropout.score(X, y) > 0.9


def test_input_dropout_of_a_linear_model_is_a_ridge_penalty():
    # E|y - (x*m) w|^2 = |y - x w|^2 + p/(1-p) sum_j w_j^2 x_j^2: for orthogonal standardised columns, w
    # shrinks by 1 / (1 + p/(1-p)) = 1 - p
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.normal(size=(400, 4)))
    X = q * np.sqrt(400)
    y = X @ np.array([2.0, -1.0, 0.5, 0.0])
    model = fastnet.MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", learning_rate="invscaling", power_t=0.35, learning_rate_init=0.1,
        momentum=0.0, max_iter=1200, batch_size=100, input_dropout=0.4, random_state=0, alpha=0.0,
        n_iter_no_change=np.inf,
    ).fit(X, y)  # fmt: skip
    assert_allclose(model.coefs_[0][:, 0], 0.6 * np.array([2.0, -1.0, 0.5, 0.0]), atol=0.08)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_dropout_survives_partial_fit_and_takes_fresh_masks(digits, n_jobs):
    X, y = digits
    model = classifier(dropout=0.5, shuffle=False, n_jobs=n_jobs, solver="sgd", learning_rate_init=1e-30)
    losses = []
    for _ in range(3):
        model.partial_fit(X, y, classes=np.arange(10))
        losses.append(model.loss_)
    # the weights stand still: only the masks can have changed the loss
    assert len(set(losses)) == 3
