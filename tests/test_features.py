"""Feature layers: gradients, fits equal to plain NumPy, the same bits for any threads, and what goes with them."""

import pickle
from copy import deepcopy

import naive
import naive_features
import numpy as np
import pytest
from marks import exhaustive
from naive_optimizers import Adam
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from fastnet import MLPClassifier, MLPRegressor, inspect
from fastnet.engine.memory import workspace
from fastnet.features import PBLD, Cosine, Embedding, OneHot, PiecewiseLinear, Scale
from fastnet.optimizers import SGD

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# The parameter features, the same for `naive_features`.
CASES = {
    "scale": ([(Scale(), slice(0, 3))], [("scale", [0, 1, 2])]),
    "pbld": ([(PBLD(5, 4, sigma=0.5), [1, 0])], [("pbld", [1, 0])]),
    "cosine": ([(Cosine(6, scale=0.5), [0, 2])], [("cosine", [0, 2])]),
    "piecewise_linear": ([(PiecewiseLinear(5), [0, 1])], [("piecewise_linear", [0, 1])]),
    "embedding": ([(Embedding(3), [3, 4])], [("embedding", [3, 4])]),
    "one_hot": ([(OneHot(), 3)], [("one_hot", [3])]),
    "all": (
        [(PBLD(3, 2), 0), (Embedding(2, rate_factor=0.5), 4), (OneHot(), 3), (Cosine(3), 1), (PiecewiseLinear(3), 1)],
        [("pbld", [0]), ("embedding", [4]), ("one_hot", [3]), ("cosine", [1]), ("piecewise_linear", [1])],
    ),
}


def table(n=75, seed=0):
    """Three columns of numbers and two of codes, of which a few are no level; a target that needs all of them."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(n, 3)), rng.integers(0, 4, n), rng.integers(-1, 9, n)])
    return X, np.column_stack([np.sin(3 * X[:, 0]) + X[:, 3] % 2, X[:, 1] * X[:, 2] + 0.3 * (X[:, 4] % 3)])


def regressor(features, **parameters):
    given = dict(hidden_layer_sizes=(7, 6), activation="tanh", batch_size=20, learning_rate_init=0.01, max_iter=3,
                 n_iter_no_change=None, random_state=0, dtype="float64", alpha=0.1)  # fmt: skip
    return MLPRegressor(features=features, **{**given, **parameters})


def plain_layer(net, pairs, has_scale):
    numbers = deepcopy(net.features_)
    for i, (name, _) in enumerate(pairs):
        if name == "one_hot":
            numbers[i] = 4  # levels
    return naive_features.Layer(5, pairs, numbers, has_scale)


def of_network(net):
    return list(net.coefs_), list(net.intercepts_)


def flat(numbers):
    arrays = [np.ravel(a) for own in numbers if isinstance(own, dict) for v in own.values() for a in v]
    return np.concatenate([np.empty(0), *arrays])


@pytest.mark.parametrize("has_scale", [False, True])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.paths
def test_outputs_and_gradients_equal_plain_numpy_and_differences(case, has_scale):
    given, pairs = CASES[case]
    X, y = table()
    net = regressor(given, input_scale=has_scale, max_iter=2).fit(X, y)
    layer = plain_layer(net, pairs, has_scale)
    expanded = layer.expand(X)
    expected = naive.predict(*of_network(net), expanded, "tanh", "squared_error")
    assert_allclose(net.predict(X), expected, rtol=1e-12, atol=1e-14)

    passed = inspect(net, X, y)
    assert_allclose(passed.layers[0].input, expanded, rtol=1e-12, atol=1e-14)
    delta = passed.layers[0].delta @ net.coefs_[0].T
    expected = layer.gradient(X, delta)
    for found, grads in zip(passed.feature_gradients, expected, strict=True):
        for name, g in grads.items():
            for a, b in zip(found[name], g, strict=True):
                assert_allclose(a, b, rtol=1e-9, atol=1e-13)

    rng, h = np.random.default_rng(1), 1e-6
    for own, found in zip(net.features_, passed.feature_gradients, strict=True):
        for name, arrays in own.items():
            if name == "boundaries":
                continue
            for a, g in zip(arrays, found[name], strict=True) if np.ndim(arrays[0]) else [(arrays, found[name])]:
                place = tuple(rng.integers(n) for n in a.shape)
                values = []
                for step in (h, -h):
                    before = a[place]
                    a[place] = before + step
                    values.append(inspect(net, X, y).loss)
                    a[place] = before
                assert_allclose(g[place], (values[0] - values[1]) / (2 * h), rtol=1e-5, atol=1e-8)


def naive_fit(net, start, layer, X, y, orders, batch_size, rate):
    """Adam in plain NumPy from a fitted network's start: rows of tables move only in batches that have their level."""
    matrices, vectors = of_network(start)
    numbers = layer.numbers
    n = len(matrices)
    optimizer = Adam(matrices + vectors)
    rules = {}
    step = 0
    for order in orders:
        for begin in range(0, len(order), batch_size):
            rows = order[begin : begin + batch_size]
            x, expanded = X[rows], layer.expand(X[rows])
            grads = naive.gradient(matrices, vectors, expanded, y[rows], "tanh", "squared_error", l2=net.alpha)
            deltas = naive.deltas(matrices, vectors, expanded, y[rows], "tanh", "squared_error")
            of_layer = layer.gradient(x, deltas[0] @ matrices[0].T / len(rows))
            params, _ = optimizer.step(matrices + vectors, sum(grads, []), rate)
            step += 1
            for i, by_name in enumerate(of_layer):
                name = "input_scale" if layer.has_scale and i == len(of_layer) - 1 else layer.pairs[i][0]
                factor = 6.0 if name == "input_scale" else getattr(net.features[i][0], "rate_factor", 1.0)
                for key, g in by_name.items():
                    columns = layer.pairs[i][1] if name != "input_scale" else [None]
                    for k, column in enumerate(columns):
                        old = numbers[i][key][k] if name != "input_scale" else numbers[i][key]
                        own = g[k] if name != "input_scale" else g
                        old, own = np.asarray(old), np.asarray(own)
                        rule = rules.setdefault((i, key, k), Adam([old.copy()]))
                        states = [s[0].copy() for s in rule.states]
                        rule.t = step - 1
                        new = rule.step([old], [own], rate * factor)[0][0]
                        if key == "tables":
                            present = np.zeros(len(old), bool)
                            present[naive_features.levels(x[:, column], len(old))[1]] = True
                            new = np.where(present[:, None], new, old)
                            for s, before in zip(rule.states, states, strict=True):
                                s[0] = np.where(present[:, None], s[0], before)
                        if name == "input_scale":
                            numbers[i][key] = new
                        else:
                            numbers[i][key][k] = new
            matrices, vectors = params[:n], params[n:]
    return matrices, vectors, numbers


@pytest.mark.parametrize("chunk", [1024, *exhaustive([8])])
@pytest.mark.parametrize("has_scale", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_fit_equals_plain_numpy(case, has_scale, chunk, monkeypatch):
    monkeypatch.setattr(workspace, "MAX_ROWS", chunk)
    given, pairs = CASES[case]
    X, y = table()
    still = {"learning_rate_init": 1e-300, "max_iter": 1, "alpha": 0}
    start = regressor(given, input_scale=has_scale, shuffle=False, **still).fit(X, y)
    net = regressor(given, input_scale=has_scale, shuffle=False).fit(X, y)
    layer = plain_layer(start, pairs, has_scale)
    matrices, vectors, numbers = naive_fit(net, start, layer, X, y, [np.arange(75)] * 3, 20, 0.01)
    for a, b in zip([*net.coefs_, *net.intercepts_], [*matrices, *vectors], strict=True):
        assert_allclose(a, b, rtol=1e-7, atol=1e-10)
    assert_allclose(flat(net.features_), flat(numbers), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", [{}, {"normalization": "batch"}, {"clip_value": 1e-3}], ids=str)
def test_any_number_of_threads_gives_the_same_bits(options, dtype):
    X, y = table(300)
    bits = []
    for n_jobs in (1, 2, 3):
        net = regressor(CASES["all"][0], input_scale=True, n_jobs=n_jobs, batch_size=150, dtype=dtype, **options)
        net.fit(X, y)
        bits.append([a.tobytes() for a in (*net.coefs_, flat(net.features_), net.predict(X))])
    assert bits[0] == bits[1] == bits[2]


@pytest.mark.parametrize(
    "options",
    [{"solver": "lbfgs"}, {"ema_decay": 0.9}, {"clip_norm": 0.1}, {"dropout": 0.2, "input_dropout": 0.1},
     {"drop_connect": 0.2}, {"residual": "projection", "normalization": "layer"}, {"early_stopping": True},
     {"solver": "schedule_free_adamw"}, {"solver": "rprop", "batch_size": None}, {"max_norm": 0.5}],
    ids=str,
)  # fmt: skip
def test_numeric_feature_layers_go_with_the_other_parameters(options):
    X, y = table(120)
    net = regressor([(PBLD(), [0, 1]), (Cosine(3), 2)], input_scale=True, **options).fit(X, y)
    assert np.isfinite(net.predict(X)).all()
    fresh = regressor([(PBLD(), [0, 1]), (Cosine(3), 2)], input_scale=True, **{**options, "freeze": 1}).fit(X, y)
    for now, then in zip(net.features_, fresh.features_, strict=True):  # what is frozen stays as it began
        assert all(not np.array_equal(now[name], then[name]) for name in now)
    assert_allclose(fresh.features_[-1]["scales"], 1)


def test_the_norm_that_is_clipped_counts_the_numbers_of_feature_layers():
    X, y = table()
    given = [(PBLD(), [0, 1]), (Cosine(3), 2)]
    plain = {"solver": SGD(momentum=0.0, nesterov=False), "batch_size": 75, "max_iter": 1, "alpha": 0, "shuffle": False}
    start = regressor(given, input_scale=True, **{**plain, "learning_rate_init": 1e-300}).fit(X, y)
    passed = inspect(start, X, y)
    grads = [g for layer in passed.layers for g in (layer.coef_gradient, layer.intercept_gradient)]
    grads += [g for own in passed.feature_gradients for g in own.values()]
    norm = np.sqrt(sum((g**2).sum() for g in grads))
    net = regressor(given, input_scale=True, clip_norm=norm / 10, **plain).fit(X, y)
    for i, rate in enumerate((0.1, 1.0, 6.0)):
        for name, g in passed.feature_gradients[i].items():
            expected = start.features_[i][name] - 0.001 * rate * g
            assert_allclose(net.features_[i][name], expected, rtol=1e-10, atol=1e-13)
    assert_allclose(net.coefs_[0], start.coefs_[0] - 0.001 * grads[0], rtol=1e-10, atol=1e-13)


@pytest.mark.paths
def test_one_row_has_the_same_bits_as_many():
    X, y = table(200)
    net = regressor(CASES["all"][0], input_scale=True, dtype="float32").fit(X, y)
    for rows in (slice(0, 1), slice(70, 77)):
        assert net.predict(X[rows]).tobytes() == net.predict(X)[rows].tobytes()


def test_it_goes_on_where_it_was():
    X, y = table(100)
    whole = regressor(CASES["all"][0], input_scale=True, shuffle=False, max_iter=4).fit(X, y)
    half = regressor(CASES["all"][0], input_scale=True, shuffle=False, max_iter=2, warm_start=True).fit(X, y)
    half = pickle.loads(pickle.dumps(half)).fit(X, y)
    assert_allclose(flat(half.features_), flat(whole.features_), rtol=1e-12)
    taken = regressor(CASES["all"][0], input_scale=True, init=FrozenEstimator(whole), freeze=1).fit(X, y)
    assert_allclose(flat(taken.features_), flat(whole.features_))
    with pytest.raises(ValueError, match="another feature layer"):
        regressor(CASES["pbld"][0], init=FrozenEstimator(whole)).fit(X, y)
    half.set_params(features=None)
    with pytest.raises(ValueError, match="another feature layer"):
        half.fit(X, y)
    assert clone(whole).features == whole.features


def test_a_training_resumes_to_the_same_bits():
    X, y = table(100)
    net, results = regressor(CASES["all"][0], input_scale=True), []
    for stops in (False, True):
        task = net._task(X, y, None)
        with task.trainer() as trainer:
            trainer.step()
            state = trainer.state()
            if not stops:
                trainer.run()
                results.append(trainer.finish()[1])
        if stops:
            with net._task(X, y, None).trainer(state) as trainer:
                trainer.run()
                results.append(trainer.finish()[1])
    assert [a.tobytes() for a in results[0]] == [a.tobytes() for a in results[1]]


def test_levels_that_are_not_there():
    X, y = table(100)
    X[:, 4] = np.arange(100) % 6 * 2  # no odd levels
    net = regressor([(Embedding(3), 4)], max_iter=2).fit(X, y)
    rows = net.features_[0]["tables"][0]
    assert rows.shape == (11, 3) and not rows[1::2].any() and rows[::2].all()
    unseen = X[:3].copy()
    unseen[:, 4] = [-1, 11, 0.5]
    zeros = unseen.copy()
    zeros[:, 4] = 1
    assert_allclose(net.predict(unseen), net.predict(zeros))


def test_quantiles_are_those_of_the_training_samples():
    X, y = table(100)
    net = regressor([(PiecewiseLinear(4), 0)], early_stopping=True, validation_split="last").fit(X, y)
    expected = np.quantile(X[:90, 0], np.linspace(0, 1, 5))
    assert_allclose(net.features_[0]["boundaries"][0], expected)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"features": "pbld"}, "features"),
        ({"features": [PBLD()]}, r"features\[0\] must be a pair"),
        ({"features": [(PBLD(), 9)]}, "names column 9, but X has 5"),
        ({"features": [(PBLD(), "age")]}, "X has no names"),
        ({"features": [(PBLD(), [1, 1])]}, "names a column twice"),
        ({"features": [(PBLD(), [])]}, "names no column"),
        ({"features": [(Embedding(), 4)], "clip_norm": 1.0}, "clip_norm=1.0 needs all parameters"),
        ({"features": [(Embedding(), 4)], "ema_decay": 0.9}, "ema_decay=0.9 needs all parameters"),
        ({"features": [(Embedding(), 4)], "solver": "schedule_free_adamw"}, "averages all parameters"),
        ({"features": [(OneHot(), 3)], "input_dropout": 0.1}, "input_dropout=0.1 changes numbers"),
        ({"features": [(OneHot(2), 3)], "input_noise": 0.1}, "input_noise=0.1 changes numbers"),
        ({"features": PBLD(sigma=1e200), "dtype": "float32"}, "sigma=1e[+]200 of PBLD"),
        ({"input_scale": Scale(1e200), "dtype": "float32"}, "rate_factor=1e[+]200 of Scale"),
    ],
)
def test_bad_input_is_refused_by_name(parameters, message):
    X, y = table()
    net = regressor(**{"features": None, **parameters})
    before = dict(vars(net))
    with pytest.raises(ValueError, match=message):
        net.fit(X, y)
    assert vars(net) == before


def test_sparse_x_and_conversion_are_refused():
    X, y = table()
    net = regressor(PBLD())
    with pytest.raises(ValueError, match="would make sparse X dense"):
        net.fit(csr_array(X), y)
    net.fit(X, y)
    with pytest.raises(ValueError, match="would make sparse X dense"):
        net.predict(csr_array(X))
    with pytest.raises(ValueError, match="features="):
        net.to_sklearn()
    with pytest.raises(ValueError, match="128 levels"):
        regressor([(OneHot(), 0)]).fit(np.arange(0.0, 200)[:, None], np.arange(200.0))


def test_columns_by_name_and_classes():
    pandas = pytest.importorskip("pandas")
    X, _ = table()
    frame = pandas.DataFrame(X, columns=list("abcde"))
    y = X[:, 3] > 1
    by_name = MLPClassifier((5,), features=[(PBLD(), slice("a", "c")), (OneHot(), "d")], max_iter=3, random_state=0)
    by_number = MLPClassifier((5,), features=[(PBLD(), [0, 1, 2]), (OneHot(), [3])], max_iter=3, random_state=0)
    assert_allclose(by_name.fit(frame, y).predict_proba(frame), by_number.fit(X, y).predict_proba(X))
    assert by_name.coefs_[0].shape[0] == 3 * 4 + 4 + 1


@pytest.mark.oracle
@pytest.mark.parametrize("case", ["pbld", "cosine", "scale"])
def test_gradients_equal_pytorchs(case):
    import torch

    given, pairs = CASES[case]
    X, y = table()
    net = regressor(given, input_scale=True, alpha=0).fit(X, y)
    own = [{name: torch.tensor(np.array(a), requires_grad=True) for name, a in p.items()} for p in net.features_]
    x, p = torch.tensor(X[:, pairs[0][1]]), own[0]
    if case == "scale":
        outputs = (x * p["scales"])[:, :, None]
    else:
        inner = x[:, :, None] * p["frequencies"]
        if case == "pbld":
            cosines = torch.cos(2 * torch.pi * inner + p["phases"])
            outputs = torch.cat([x[:, :, None], torch.einsum("nck,ckj->ncj", cosines, p["weights"]) + p["biases"]], 2)
        else:
            cosines = torch.cos(2 * torch.pi * (inner + p["phases"]))
            outputs = torch.cat([x[:, :, None], cosines], 2) * p["gains"] + p["biases"]
    rest = torch.tensor(np.delete(X, pairs[0][1], axis=1))
    a = torch.cat([outputs.flatten(1), rest], 1) * own[1]["scales"]
    for i, (W, b) in enumerate(zip(net.coefs_, net.intercepts_, strict=True)):
        a = a @ torch.tensor(W) + torch.tensor(b)
        a = torch.tanh(a) if i < len(net.coefs_) - 1 else a
    loss = ((a - torch.tensor(y)) ** 2).sum() / 2 / len(X)
    loss.backward()
    passed = inspect(net, X, y)
    assert_allclose(passed.loss, loss.item(), rtol=1e-12)
    for found, expected in zip(passed.feature_gradients, own, strict=True):
        for name, tensor in expected.items():
            assert_allclose(found[name], tensor.grad.numpy(), rtol=1e-9, atol=1e-13)
