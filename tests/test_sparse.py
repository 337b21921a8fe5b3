"""Products that follow the non-zeros of CSR input: the same model as from the dense array."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from marks import crossed
from numpy.testing import assert_allclose
from problems import parameters, same_bits
from test_memory import peak

import fastnet
from fastnet.engine import Session, forward
from fastnet.engine.memory import workspace
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROWS, N_FEATURES = 211, 331
FITS = {
    "adam": {"solver": "adam", "alpha": 0.1},
    "sgd": {"solver": "sgd", "alpha": 0.1},
    "plain sgd": {"solver": "sgd", "momentum": 0.0, "alpha": 0.0},
    "L1": {"solver": "adam", "alpha": 0.1, "l1_ratio": 1.0},
    "L1 and L2": {"solver": "sgd", "alpha": 0.1, "l1_ratio": 0.5},
    "full batch": {"solver": "adam", "batch_size": N_ROWS},
    "lbfgs": {"solver": "lbfgs", "max_iter": 8},
    "lbfgs with L1": {"solver": "lbfgs", "alpha": 0.1, "l1_ratio": 0.5, "max_iter": 8},
    "early stopping": {"solver": "adam", "early_stopping": True},
    "no hidden layer": {"solver": "adam", "hidden_layer_sizes": ()},
    "wide": {"solver": "adam", "hidden_layer_sizes": (70, 9)},
    "dropout": {"solver": "adam", "input_dropout": 0.3},
    "dropout everywhere": {"solver": "sgd", "input_dropout": 0.3, "dropout": 0.2},
    "dropout in chunks": {"solver": "adam", "input_dropout": 0.3, "batch_size": N_ROWS},
}


def random_csr(n_rows=N_ROWS, n_features=N_FEATURES, density=0.03, seed=0):
    """Sorted entries without duplicates, with empty rows (the first and the last too) and empty columns."""
    X = sp.random_array((n_rows, n_features), density=density, format="lil", rng=np.random.default_rng(seed))
    X[::7] = 0
    X[n_rows - 1] = 0
    X[:, ::5] = 0
    X[:, n_features - 3 :] = 0
    return sp.csr_array(X)


def untidy(X, seed=0):
    """The same matrix with each entry in two parts, the columns of a row in random order."""
    rng = np.random.default_rng(seed)
    counts = 2 * np.diff(X.indptr)
    order = np.concatenate([s + rng.permutation(n) for s, n in zip(2 * X.indptr[:-1], counts, strict=True)])
    share = rng.uniform(0.2, 0.8, X.nnz)
    values = np.column_stack([share * X.data, (1 - share) * X.data]).ravel()[order]
    return sp.csr_array((values, np.repeat(X.indices, 2)[order], 2 * X.indptr), shape=X.shape)


def wide_indices(X):
    X = X.copy()
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


KINDS = {
    "sorted": lambda X: X,
    "untidy": untidy,
    "64-bit": wide_indices,
    "64-bit untidy": lambda X: wide_indices(untidy(X)),
}


@pytest.fixture(scope="module")
def data():
    X = random_csr()
    return X, np.random.default_rng(1).integers(0, 3, N_ROWS)


def fit(X, y, **params):
    settings = {"hidden_layer_sizes": (9, 5), "batch_size": 37, "max_iter": 6, "dtype": "float64", **params}
    return fastnet.MLPClassifier(**settings, random_state=0).fit(X, y)


def takes_the_sparse_way(X):
    units = (X.shape[1], 3, 2)
    architecture = Architecture(units, ACTIVATIONS["relu"], LOSSES["squared_error"])
    with Session(architecture, X, np.zeros((X.shape[0], 2)), dtype=np.float64, optimizer=Adam()) as session:
        return bool(session.tables.record["workspace"]["entry_columns"])


def test_the_way_is_chosen_by_density():
    assert takes_the_sparse_way(random_csr(density=0.05))
    assert not takes_the_sparse_way(random_csr(density=0.6))
    assert not takes_the_sparse_way(random_csr().toarray())
    assert takes_the_sparse_way(sp.csr_array((50, 20)))


@pytest.mark.parametrize(("name", "kind"), crossed(FITS, KINDS))
@pytest.mark.paths
def test_a_fit_agrees_with_that_of_the_dense_array(monkeypatch, data, name, kind):
    if "full" in name or "chunks" in name or "lbfgs" in name:
        monkeypatch.setattr(workspace, "MAX_ROWS", 64)
    X, y = data
    expected = fit(X.toarray(), y, **FITS[name])
    X = KINDS[kind](X)
    model = fit(X, y, **FITS[name])
    for a, b in zip(parameters(model), parameters(expected), strict=True):
        assert_allclose(a, b, rtol=1e-10, atol=1e-10)
    if "lbfgs" not in name:
        assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-10)
    assert_allclose(model.predict_proba(X), expected.predict_proba(data[0].toarray()), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("values", [np.float32, np.float64])
@pytest.mark.paths
def test_sorted_entries_give_the_bits_of_the_dense_array(data, dtype, values):
    X, y = data[0].astype(values), data[1]
    for params in ({}, {"input_dropout": 0.3, "alpha": 0.1}):
        sparse, dense = fit(X, y, dtype=dtype, **params), fit(X.toarray(), y, dtype=dtype, **params)
        assert same_bits(parameters(sparse), parameters(dense))
        assert same_bits([sparse.predict_proba(X)], [dense.predict_proba(X.toarray())])


@pytest.mark.parametrize("n_rows", [1, 2, 7, 8, 9, 64, 65])
@pytest.mark.parametrize("n_outputs", [1, 4, 8, 9, 16, 17, 33])
@pytest.mark.paths
def test_forward_at_every_remainder(n_rows, n_outputs):
    rng = np.random.default_rng(n_outputs)
    architecture = Architecture((70, n_outputs), ACTIVATIONS["identity"], LOSSES["squared_error"])
    W, b = rng.normal(size=(70, n_outputs)), rng.normal(size=n_outputs)
    X = sp.random_array((n_rows, 70), density=0.1, format="csr", rng=rng)
    assert_allclose(forward(architecture, [W], [b], X), X.toarray() @ W + b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dense_too", [False, True])
def test_a_rows_prediction_has_the_same_bits_alone_and_in_any_batch(data, dense_too):
    """A row alone may be so dense that it takes the other way, or stand in another thread."""
    X, y = untidy(random_csr(density=0.1)), data[1]
    if dense_too:
        X = sp.csr_array(sp.vstack([X[:100], untidy(random_csr(111, density=0.9))]))
    model = fit(X, y, n_jobs=2)
    together = model.predict_proba(X)
    assert same_bits([np.vstack([model.predict_proba(X[i : i + 1]) for i in range(N_ROWS)])], [together])


def test_rows_may_repeat_in_a_prediction_but_not_in_an_epoch(data):
    X = sp.csr_array(sp.vstack([sp.csr_array(np.ones((1, N_FEATURES))), data[0]]))  # one row with many entries
    rng = np.random.default_rng(0)
    architecture = Architecture((N_FEATURES, 9), ACTIVATIONS["identity"], LOSSES["squared_error"])
    W, b = rng.normal(size=(N_FEATURES, 9)), rng.normal(size=9)
    rows = np.zeros(150, int)
    assert_allclose(forward(architecture, [W], [b], X, rows=rows), X.toarray()[rows] @ W + b, rtol=1e-12)
    y = np.zeros((N_ROWS + 1, 9))
    with Session(architecture, X, y, dtype=np.float64, optimizer=Adam(), batch_size=150) as session:
        with pytest.raises(ValueError, match="must not repeat"):
            session.run_epoch(rows, 0.1)
        session.run_epoch(np.arange(N_ROWS + 1)[::-1], 0.1)


@pytest.mark.parametrize("kind", ["sorted", "untidy"])
@pytest.mark.parametrize("name", ["adam", "L1 and L2", "full batch", "lbfgs", "dropout in chunks", "no hidden layer"])
def test_the_same_bits_for_any_number_of_threads(allow_threads, monkeypatch, data, name, kind):
    allow_threads(7)
    monkeypatch.setattr(workspace, "MAX_ROWS", 64)
    X, y = KINDS[kind](data[0]), data[1]
    settings = {**FITS[name], "dtype": "float32", "max_iter": 3}
    fits = [parameters(fit(X, y, n_jobs=n, **settings)) for n in (1, 2, 4, 7)]
    assert all(same_bits(fits[0], other) for other in fits[1:])


def test_fewer_blocks_of_columns_than_threads(allow_threads):
    allow_threads(4)
    X = sp.csr_array(np.array([[0, 0, 1.0], [0, 0, 0], [2.0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]))
    y = np.arange(7.0)
    params = {"hidden_layer_sizes": 2, "dtype": "float64", "batch_size": 3, "random_state": 0, "max_iter": 5}
    expected = fastnet.MLPRegressor(**params).fit(X.toarray(), y)
    for n_jobs in (1, 4):
        model = fastnet.MLPRegressor(**params, n_jobs=n_jobs).fit(X, y)
        assert same_bits(parameters(model), parameters(expected))


def test_chunks_become_smaller_where_rows_have_many_entries(monkeypatch, data):
    X, y = data
    expected = fit(X.toarray(), y, batch_size=N_ROWS)
    for limit in (1, 20_000, 60_000):
        monkeypatch.setattr(workspace, "MAX_WORKSPACE_BYTES", limit)
        model = fit(X, y, batch_size=N_ROWS)
        for a, b in zip(parameters(model), parameters(expected), strict=True):
            assert_allclose(a, b, rtol=1e-10, atol=1e-10)
        assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-10)


def test_inspect_shows_the_dense_input(data):
    X, y = data
    model = fit(X, y)
    sparse, dense = fastnet.inspect(model, X, y), fastnet.inspect(model, X.toarray(), y)
    assert_allclose(sparse.layers[0].input, X.toarray())
    assert_allclose(sparse.loss, dense.loss, rtol=1e-12)
    for a, b in zip(sparse.layers, dense.layers, strict=True):
        assert_allclose(a.coef_gradient, b.coef_gradient, atol=1e-12)
        assert_allclose(a.delta, b.delta, atol=1e-12)


SCRIPT = """
import sys, warnings
warnings.simplefilter("ignore")
import numpy as np
import scipy.sparse as sp
import fastnet

def status(key):
    line = next(l for l in open("/proc/self/status") if l.startswith(key))
    return int(line.split()[1]) / 1024

params = dict(hidden_layer_sizes=(16,), solver=sys.argv[1], max_iter=2, random_state=0, n_jobs=2)
n, batch_size = 20_000, int(sys.argv[2])
rng = np.random.default_rng(0)
counts = rng.integers(0, 20, n)
counts[7] = n  # one row is full
indptr = np.concatenate([[0], np.cumsum(counts)])
indices = np.concatenate([np.arange(n) if k == n else rng.choice(n, k) for k in counts])
X = sp.csr_array((rng.normal(size=indptr[-1]), indices.astype(np.int32), indptr.astype(np.int32)), shape=(n, n))
y = rng.integers(0, 2, n)
# load and compile everything first, for the same type of computation
small = X[8:308]
fastnet.MLPClassifier(**params, batch_size=min(batch_size, 300)).fit(small, y[8:308]).predict(small)
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
model = fastnet.MLPClassifier(**params, batch_size=batch_size).fit(X, y)
model.predict(X)
print(status("VmHWM") - before)
"""


def test_a_large_matrix_with_few_non_zeros_is_never_made_dense():
    rng, n = np.random.default_rng(0), 20_000
    entries = rng.normal(size=100_000), (rng.integers(0, n, 100_000), rng.integers(0, n, 100_000))
    X, y = sp.csr_array(sp.coo_array(entries, shape=(n, n))), rng.integers(0, 2, n)
    model = fastnet.MLPClassifier((16,), max_iter=1, random_state=0)
    # made dense, a batch of 200 rows would take 15 MiB and X 1.5 GiB; the parameters take 1.2 MiB each time
    assert peak(lambda: model.fit(X, y)) < 16 << 20
    assert peak(lambda: model.predict(X)) < 8 << 20


@pytest.mark.exhaustive
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak memory")
@pytest.mark.parametrize(("solver", "batch_size"), [("adam", 200), ("adam", 20_000), ("lbfgs", 20_000)])
def test_a_large_matrix_with_few_non_zeros_takes_little_memory(solver, batch_size):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, solver, str(batch_size)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    # made dense, a batch of 200 rows would take 16 MB and X 1.6 GB; the parameters take 1.3 or 2.6 MB each time
    copies = 6 if solver == "adam" else 30  # SciPy's L-BFGS-B keeps ten pairs of vectors
    assert float(done.stdout) < 64 + copies * 2.6
