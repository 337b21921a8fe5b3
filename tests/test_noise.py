"""Gaussian noise on the inputs and DropConnect, against plain NumPy with the random bits worked out anew."""

import naive
import naive_optimizers
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import KINDS, RESIDUALS, Problem, distance, parameters, same_bits
from scipy import stats
from scipy.sparse import csr_array

import fastnet
from fastnet.engine import Session
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import SGD, Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DTYPES = [np.float32, np.float64]
INPUT_NOISE, DROP_CONNECT = 2**32, 2**33
PLAIN = SGD(momentum=0.0, nesterov=False)


def mix64(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def random_bits(seed, step, stream, rows, columns):
    """The documented hash, in integers of any size and in NumPy's 64 bits; shape (rows, columns)."""
    key = mix64(mix64(mix64(seed + 0x9E3779B97F4A7C15) ^ step) ^ stream)
    keys = [mix64(key ^ row) for row in rows]
    low, high = (np.array([k >> shift & 0xFFFFFFFF for k in keys], np.uint64)[:, None] for shift in (0, 32))
    word, u = np.uint64(0xFFFFFFFF), np.uint64
    x = np.arange(columns, dtype=u) * u(0x9E3779B9) & word ^ low
    x = (x ^ x >> u(16)) * u(0x7FEB352D) & word
    x = (x ^ x >> u(15) ^ high) * u(0x846CA68B) & word
    return x ^ x >> u(16)


def normals(seed, step, rows, columns):
    bits = random_bits(seed, step, INPUT_NOISE, rows, 2 * columns).astype(float) / 2**32
    return np.sqrt(-2 * np.log(bits[:, ::2] + 0.5**33)) * np.cos(2 * np.pi * bits[:, 1::2])


def weight_mask(seed, step, layer, shape, p):
    bits = random_bits(seed, step, DROP_CONNECT + layer, range(shape[0]), shape[1])
    return np.where(bits >= round(p * 2**32), 1 / (1 - p), 0.0)


def revealed_noise(n_rows, n_features, deviation=1.0, seed=0, dtype=np.float64, n_jobs=1, step=0):
    """What is added to features of 0 in one mini-batch: the net is linear with weights of 0, row r has its own output
    whose error is 1, and so column r of the gradient is the row."""
    architecture = Architecture(
        (n_features, n_rows), ACTIVATIONS["identity"], LOSSES["squared_error"], input_noise=deviation
    )
    session = Session(
        architecture, np.zeros((n_rows, n_features), dtype), -np.eye(n_rows, dtype=dtype), dtype=dtype,
        optimizer=PLAIN, batch_size=n_rows, n_jobs=n_jobs, seed=seed,
    )  # fmt: skip
    with session:
        session.set_parameters([np.zeros((n_features, n_rows), dtype)], [np.zeros(n_rows, dtype)])
        session.step = step
        session.run_epoch(np.arange(n_rows), 1.0)
        return -session.get_parameters()[0][0].T * n_rows


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_features", [1, 5, 67, 300])
@pytest.mark.paths
def test_input_noise_is_the_documented_function_of_the_random_bits(n_features, dtype):
    ours = revealed_noise(50, n_features, 0.25, seed=11, step=4, dtype=dtype)
    expected = 0.25 * normals(11, 5, range(50), n_features)
    assert ours.dtype == dtype
    assert_allclose(ours, expected, **({"atol": 2e-6} if dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-13}))


@pytest.mark.parametrize("dtype", DTYPES)
def test_input_noise_is_normal(dtype):
    z = revealed_noise(200, 2000, dtype=dtype).astype(float).ravel()
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / z.size)
    assert abs(stats.skew(z)) < 4 * np.sqrt(6 / z.size)
    assert abs(stats.kurtosis(z)) < 4 * np.sqrt(24 / z.size)
    for limit in (2, 3, 4):
        for tail in ((z > limit).sum(), (z < -limit).sum()):
            assert 1e-4 < stats.binom.cdf(tail, z.size, stats.norm.sf(limit)) < 1 - 1e-5


def test_input_noise_has_no_pattern_in_rows_columns_steps_or_seeds():
    z = revealed_noise(100, 500)
    assert_array_equal(z, revealed_noise(100, 500))
    for other in [
        revealed_noise(100, 500, step=1), revealed_noise(100, 500, seed=1), np.roll(z, 1, 0), np.roll(z, 1, 1),
    ]:  # fmt: skip
        assert abs(np.corrcoef(z.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(z.size)
    for axis in (0, 1):
        assert stats.kstest(z.mean(axis) * np.sqrt(z.shape[axis]), "norm").pvalue > 1e-3


NOISE = {
    "input noise": {"input_noise": 0.3},
    "drop_connect": {"drop_connect": (0.2, 0.5, 0.3)},
    "one layer": {"drop_connect": (0.0, 0.4, 0.0)},
    "both": {"input_noise": 0.1, "drop_connect": (0.1, 0.0, 0.6)},
    "all": {"input_noise": 0.1, "drop_connect": (0.3, 0.3, 0.3), "dropout": (0.2, 0.1), "input_dropout": 0.1},
}


def twin_options(problem, seed, kw):
    """The same noise for the plain network."""
    rates, deviation = kw.get("drop_connect", (0, 0, 0)), kw.get("input_noise", 0)
    dropout = (kw.get("input_dropout", 0), *kw.get("dropout", (0, 0)))
    shapes = [W.shape for W in problem.coefs]

    def masks(step, rows):
        return [
            np.where(random_bits(seed, step + 1, i, range(len(rows)), shape[0]) >= round(p * 2**32), 1 / (1 - p), 0)
            for i, (p, shape) in enumerate(zip(dropout, shapes, strict=True))
        ]

    return {
        "masks": masks,
        "input_noise": lambda step, rows: deviation * normals(seed, step + 1, range(len(rows)), shapes[0][0]),
        "weight_masks": lambda step: [
            weight_mask(seed, step + 1, i, shape, p) for i, (shape, p) in enumerate(zip(shapes, rates, strict=True))
        ],
    }


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", NOISE)
@pytest.mark.paths
def test_steps_are_those_of_the_plain_network(name, optimizer):
    problem = Problem(1, (6, 37, 19, 4), "tanh", "log_loss", n_samples=20, weights=True)
    rule, twin = {"sgd": (SGD(), naive_optimizers.SGD), "adam": (Adam(), naive_optimizers.Adam)}[optimizer]
    coefs, intercepts = problem.coefs, problem.intercepts
    twin = twin(coefs + intercepts)
    with problem.session(optimizer=rule, batch_size=8, l1=0.01, l2=0.1, seed=7, **NOISE[name]) as session:
        for _ in range(2):
            loss = session.run_epoch(np.arange(20), 0.05)
            coefs, intercepts, expected = problem.train_epoch(
                coefs, intercepts, np.arange(20), optimizer=twin, rate=0.05, batch_size=8, l1=0.01, l2=0.1,
                **twin_options(problem, 7, NOISE[name]),
            )  # fmt: skip
            assert_allclose(loss, expected, rtol=1e-10)
        ours = session.get_parameters()
    assert distance([*ours[0], *ours[1]], coefs + intercepts) < 1e-10


@pytest.mark.parametrize("residual", RESIDUALS)
@pytest.mark.parametrize("normalization", KINDS)
def test_steps_beside_all_that_layers_have_are_those_of_the_plain_network(normalization, residual):
    problem = Problem(5, (6, 19, 19, 9, 4), ["prelu", "silu", "hard_tanh"], "log_loss", n_samples=21, weights=True,
                      normalization=normalization, residual=residual)  # fmt: skip
    noise = {"input_noise": 0.1, "drop_connect": (0.3, 0.1, 0.2, 0.3), "dropout": (0.2, 0.1, 0.3), "input_dropout": 0.1}
    kw, params = {"batch_size": 7, "l2": 0.1}, (problem.matrices, problem.vectors)
    twin = naive_optimizers.Adam(problem.trained)
    with problem.session(optimizer=Adam(), seed=4, **kw, **noise) as session:
        for _ in range(2):
            loss = session.run_epoch(np.arange(21), 0.01)
            *params, expected = problem.train_epoch(
                *params, np.arange(21), optimizer=twin, rate=0.01, **kw, **twin_options(problem, 4, noise)
            )
            assert_allclose(loss, expected, rtol=1e-10)
        assert distance(sum(session.get_parameters(), []), sum(params, [])) < 1e-10


@pytest.mark.parametrize("dtype", DTYPES)
def test_chunks_of_a_large_batch_share_the_weights_and_not_the_noise(dtype):
    problem = Problem(3, (5, 33, 40, 2), "tanh", "squared_error", n_samples=2600, dtype=dtype)
    kw = {"input_noise": 0.2, "drop_connect": (0.3, 0.2, 0.5)}
    with problem.session(optimizer=PLAIN, batch_size=2600, l2=0.1, seed=2, **kw) as session:
        assert session.tables.workspace.rows < 2600
        losses = [session.run_epoch(np.arange(2600), 0.1) for _ in range(2)]
        ours = session.get_parameters()
    coefs, intercepts = problem.coefs, problem.intercepts
    twin = naive_optimizers.SGD(coefs + intercepts, 0.0, False)
    for loss in losses:
        coefs, intercepts, expected = problem.train_epoch(
            coefs, intercepts, np.arange(2600), optimizer=twin, rate=0.1, batch_size=2600, l2=0.1,
            **twin_options(problem, 2, kw),
        )  # fmt: skip
        assert_allclose(loss, expected, rtol=1e-5 if dtype == np.float32 else 1e-10)
    assert distance([*ours[0], *ours[1]], coefs + intercepts) < (1e-5 if dtype == np.float32 else 1e-10)


def test_the_gradient_with_a_fixed_mask_equals_central_differences():
    problem = Problem(2, (5, 11, 7, 2), "tanh", "squared_error", n_samples=9, weights=True)
    rates = (0.25, 0.5, 0.4)
    with problem.session(drop_connect=rates, l2=0.5, optimizer=PLAIN, batch_size=9, seed=3) as session:
        session.run_epoch(np.arange(9), 1.0)
        after = session.get_parameters()
    params = problem.coefs + problem.intercepts
    masks = [weight_mask(3, 1, i, W.shape, p) for i, (W, p) in enumerate(zip(problem.coefs, rates, strict=True))]
    numeric = [np.empty_like(param) for param in params]
    for param, result in zip(params, numeric, strict=True):
        for index in np.ndindex(param.shape):
            kept, sides = param[index], []
            for param[index] in (kept + 1e-5, kept - 1e-5):
                sides.append(problem.objective(params[:3], params[3:], l2=0.5, weight_masks=masks))
            param[index] = kept
            result[index] = (sides[0] - sides[1]) / 2e-5
    assert distance([p - q for p, q in zip(params, [*after[0], *after[1]], strict=True)], numeric) < 1e-6


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_weights_are_dropped_with_probability_p(p):
    mask = weight_mask(0, 1, 0, (400, 300), p)
    kept = mask != 0
    assert abs(kept.mean() - (1 - p)) < 4 * np.sqrt(p * (1 - p) / kept.size)
    for axis in (0, 1):
        n = kept.shape[axis]
        assert np.abs(kept.mean(axis) - (1 - p)).max() < 5.5 * np.sqrt(p * (1 - p) / n)
    other = weight_mask(0, 2, 0, (400, 300), p) != 0
    assert abs(np.corrcoef(kept.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(kept.size)


def test_frozen_layers_are_masked_and_stand_still():
    problem = Problem(4, (6, 21, 18, 3), "relu", "squared_error", n_samples=12)
    rates = (0.3, 0.4, 0.5)
    architecture = problem.architecture(drop_connect=rates, input_noise=0.2, n_frozen=2)
    session = Session(architecture, problem.X, problem.y, dtype=np.float64, optimizer=PLAIN, batch_size=12, seed=9)
    with session:
        session.set_parameters(problem.coefs, problem.intercepts)
        session.run_epoch(np.arange(12), 0.1)
        coefs, intercepts = session.get_parameters()
    twin = naive_optimizers.SGD(problem.coefs + problem.intercepts, 0.0, False)
    kw = twin_options(problem, 9, {"drop_connect": rates, "input_noise": 0.2})
    expected, biases, _ = problem.train_epoch(
        problem.coefs, problem.intercepts, np.arange(12), optimizer=twin, rate=0.1, batch_size=12, n_frozen=2, **kw
    )
    assert same_bits(coefs[:2] + intercepts[:2], problem.coefs[:2] + problem.intercepts[:2])
    assert distance(coefs + intercepts, expected + biases) < 1e-12


def test_input_noise_of_a_linear_model_is_a_ridge_penalty():
    # E|y - (x + s e) w|^2 = |y - x w|^2 + s^2 |w|^2: orthogonal standardised columns shrink by 1 / (1 + s^2).
    # Bishop: "Training with Noise is Equivalent to Tikhonov Regularization", 1995.
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.normal(size=(400, 4)))
    X = q * np.sqrt(400)
    y = X @ np.array([2.0, -1.0, 0.5, 0.0])
    model = fastnet.MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", learning_rate="invscaling", power_t=0.35, learning_rate_init=0.1,
        momentum=0.0, max_iter=1200, batch_size=100, input_noise=0.5, random_state=0, alpha=0.0,
        n_iter_no_change=np.inf,
    ).fit(X, y)  # fmt: skip
    assert_allclose(model.coefs_[0][:, 0], 0.8 * np.array([2.0, -1.0, 0.5, 0.0]), atol=0.08)


def classifier(**params):
    return fastnet.MLPClassifier(
        **{"hidden_layer_sizes": (30, 20), "max_iter": 8, "random_state": 0, "batch_size": 64, **params}
    )


PARAMS = [{"drop_connect": 0.3}, {"drop_connect": [0.2, 0.0, 0.5]}, {"input_noise": 2.0}]


@pytest.mark.parametrize("zero", [0.0, 0, [0.0, 0.0, 0.0], (0, 0, 0)], ids=str)
def test_no_noise_is_a_noise_of_zero(digits, zero):
    assert same_bits(
        parameters(classifier(drop_connect=zero, input_noise=0).fit(*digits)), parameters(classifier().fit(*digits))
    )


def test_one_probability_means_one_for_each_layer(digits):
    one, each = (parameters(classifier(drop_connect=p).fit(*digits)) for p in (0.3, np.array([0.3] * 3)))
    assert same_bits(one, each)


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_a_noisy_fit_is_reproduced_by_its_random_state(digits, params):
    a, b, c = (parameters(classifier(random_state=seed, **params).fit(*digits)) for seed in (1, 1, 2))
    assert same_bits(a, b) and not same_bits(a, c)


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_prediction_uses_the_whole_network(digits, params):
    X, y = digits
    params = {"max_iter": 20, "learning_rate_init": 0.01, **params}
    model = classifier(dtype="float64", early_stopping=True, **params).fit(X, y)
    expected = naive.predict(model.coefs_, model.intercepts_, X, "relu", "log_loss")
    assert_allclose(model.predict_proba(X), expected, rtol=1e-9, atol=1e-12)
    assert model.best_validation_score_ > 0.7
    passed = fastnet.inspect(model, X[:20], y[:20])
    assert_allclose(passed.layers[-1].activation, expected[:20], rtol=1e-9, atol=1e-12)
    assert_allclose(passed.layers[0].input, X[:20])


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_validation_scores_are_those_of_the_whole_network(params):
    # a rate too small to move a weight: the score is that of the initial network, whatever the noise
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 5)), rng.normal(size=300)
    common = {"hidden_layer_sizes": (9, 7), "early_stopping": True, "random_state": 0, "learning_rate_init": 1e-30}
    scores = [fastnet.MLPRegressor(**common, max_iter=2, **p).fit(X, y).validation_scores_ for p in (params, {})]
    assert_allclose(scores[0], scores[1], rtol=1e-6)


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_noise_regularises(digits, params):
    X, y = digits
    common = {"hidden_layer_sizes": (50, 50), "max_iter": 40, "learning_rate_init": 0.003}
    noisy, plain = (classifier(**common, **p).fit(X, y) for p in (params, {}))
    assert noisy.loss_ > 1.5 * plain.loss_
    assert noisy.score(X, y) > 0.9


@pytest.mark.parametrize("params", [*PARAMS, {"drop_connect": 0.3, "input_noise": 0.1, "freeze": 1}], ids=str)
@pytest.mark.parametrize("way", ["partial_fit", "warm_start"])
def test_going_on_takes_fresh_noise(digits, way, params):
    X, y = digits
    model = classifier(
        shuffle=False, solver="sgd", learning_rate_init=1e-30, max_iter=1, warm_start=True, random_state=None, **params
    )
    losses = []
    for _ in range(3):
        model.fit(X, y) if way == "warm_start" else model.partial_fit(X, y, classes=np.arange(10))
        losses.append(model.loss_)
    # the weights stand still: only the noise can have changed the loss
    assert len(set(losses)) == 3


def test_drop_connect_follows_sparse_entries(digits):
    X = np.where(np.random.default_rng(0).random((300, 40)) < 0.05, 1.0, 0.0)
    y = X[:, :3].sum(axis=1)
    dense, sparse = (
        fastnet.MLPRegressor(
            hidden_layer_sizes=(20,), drop_connect=0.3, max_iter=5, random_state=0, dtype="float64"
        ).fit(x, y)
        for x in (X, csr_array(X))
    )
    assert distance(parameters(sparse), parameters(dense)) < 1e-10
