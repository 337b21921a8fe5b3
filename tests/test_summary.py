"""`summary()`: what a network costs, counted by hand, and the peak that its training is compared with."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError

import fastnet
from fastnet.engine.functions import from_python
from fastnet.engine.peak import make_peak, peak_flops
from fastnet.estimators import summary as module
from fastnet.features import PBLD
from fastnet.kernels.host import tile

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CORE, MACHINE = 1e9, 1.5e9


@pytest.fixture(autouse=True)
def known_peak(monkeypatch):
    monkeypatch.setattr(module, "machine_peak", lambda dtype, threads: (CORE, MACHINE))


def classifier(hidden=(24, 12), **params):
    return fastnet.MLPClassifier(hidden, **{"max_iter": 3, "random_state": 0, **params})


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"dtype": "float64", "normalization": "batch", "residual": "projection", "activation": "prelu"},
        {"hidden": ()},
        {"features": PBLD(), "input_scale": True},
    ],
)
def test_parameters_and_bytes_are_those_of_the_arrays(digits, params):
    net = classifier(**params).fit(*digits)
    summary = net.summary()
    names = ["coefs_", "intercepts_", "projections_", "gains_", "slopes_", "means_", "variances_"]
    arrays = [a for name in names for a in getattr(net, name, []) if a is not None]
    arrays += [a for numbers in getattr(net, "features_", []) for a in numbers.values()]
    assert summary.n_parameters == sum(a.size for a in arrays)
    assert summary.n_bytes == sum(a.nbytes for a in arrays)
    assert summary.n_parameters == sum(layer.n_parameters for layer in summary.layers)
    assert [layer.shape for layer in summary.layers] == [W.shape for W in net.coefs_]


def test_operations_by_hand(digits):
    summary = classifier().fit(*digits).summary()
    products = [64 * 24, 24 * 12, 12 * 10]
    assert [layer.predict_flops for layer in summary.layers] == [2 * n for n in products]
    # both passes: forward, gradient, and back through the weights, but not to X
    assert [layer.fit_flops for layer in summary.layers] == [4 * products[0], 6 * products[1], 6 * products[2]]
    assert summary.predict_flops == 2 * sum(products)
    assert summary.chain == "64 → 24 relu → 12 relu → 10 softmax"


def test_operations_of_the_last_fit(digits):
    X, y = digits
    products = np.array([64 * 24, 24 * 12, 12 * 10])
    whole = products @ [4, 6, 6]
    net = classifier().fit(X, y)
    assert net._cost["operations"] == 3 * len(X) * whole
    net.partial_fit(X[:100], y[:100])
    assert net._cost["operations"] == 100 * whole
    held_out = classifier(early_stopping=True, validation_fraction=0.25, max_iter=2).fit(X, y)
    assert held_out._cost["operations"] == 2 * (len(X) - np.ceil(len(X) / 4)) * whole
    frozen = classifier(init=net, freeze=1).fit(X, y)
    # nothing leads back to the frozen layer, which only predicts
    assert frozen._cost["operations"] == 3 * len(X) * (products @ [2, 4, 6])
    lbfgs = classifier(solver="lbfgs").fit(X, y)
    n_evaluations, rest = divmod(lbfgs._cost["operations"], len(X) * whole)
    assert rest == 0 and lbfgs.n_iter_ < n_evaluations <= 20 * lbfgs.n_iter_


def test_the_first_layer_of_sparse_samples_multiplies_what_is_not_zero():
    X = sp.random_array((200, 50), density=0.1, rng=np.random.default_rng(0), format="csr")
    net = fastnet.MLPRegressor(hidden_layer_sizes=8, max_iter=2, random_state=0).fit(X, X.sum(axis=1))
    assert_allclose(net._cost["operations"], 2 * (4 * X.nnz * 8 + 200 * 6 * 8))


def test_the_rate_is_compared_with_the_peak(digits):
    net = classifier().fit(*digits)
    summary = net.summary()
    assert summary.seconds == net._cost["seconds"] > 0
    assert_allclose(summary.flops, net._cost["operations"] / net._cost["seconds"])
    assert_allclose(summary.share_of_core, summary.flops / CORE)
    assert_allclose(summary.share_of_machine, summary.flops / MACHINE)
    assert f"{100 * summary.share_of_core:.0f} % of the peak of one core" in repr(summary)


def test_the_table_has_a_row_for_each_layer_and_is_short(digits):
    summary = classifier(hidden=(256, 256, 256)).fit(*digits).summary()
    lines = repr(summary).splitlines()
    assert lines[0] == "MLPClassifier: 64 → 3 × 256 relu → 10 softmax"
    assert [line.split("  ")[0] for line in lines[2:7]] == ["1 relu", "2 relu", "3 relu", "4 softmax", "all"]
    assert "65,792" in lines[3] and "257 KB" in lines[3]
    assert max(map(len, lines)) < 90
    assert summary._repr_html_().count("<tr>") == 6


def test_a_network_that_was_trained_elsewhere_has_no_rate(iris):
    from sklearn.neural_network import MLPClassifier

    net = fastnet.from_sklearn(MLPClassifier(3, max_iter=2, random_state=0).fit(*iris))
    summary = net.summary()
    assert summary.seconds is summary.flops is summary.share_of_core is None
    assert "last fit" not in repr(summary)
    with pytest.raises(NotFittedError):
        fastnet.MLPClassifier().summary()


def test_bytes_in_words():
    words = [module.size(n) for n in (12, 1536, 300 << 10, 5 << 30)]
    assert words == ["12 B", "1.5 KB", "300 KB", "5 GB"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_loop_of_the_peak_multiplies_and_adds(dtype):
    dtype, total = np.dtype(dtype), np.zeros(1)
    loop = from_python("multiply_adds", dtype)
    for count in (1, 2, 60):
        loop(count, total.ctypes.data)
        # twelve sums x = x / 2 + 1/2 that begin at 2, 3, ...
        assert_allclose(total[0], sum(1 + (start - 1) / 2**count for start in range(2, 14)), rtol=1e-6)
    run, operations = make_peak(dtype)
    assert operations == 12 * 2 * tile(dtype).lanes
    assert peak_flops(run, operations, threads=2) > 0
