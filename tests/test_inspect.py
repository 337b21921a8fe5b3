"""`fastnet.inspect`: the forward and backward pass laid open, against the plain NumPy network."""

import copy

import naive
import naive_ops
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelBinarizer, StandardScaler

import fastnet

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:y looks one-hot encoded:UserWarning"),
]


def cases(digits, diabetes):
    """name -> (estimator class, parameters, X, y, targets as the loss takes them, loss)."""
    X, y = digits[0][:40], digits[1][:40]
    letters = np.array(list("jihgfedcba"))[y]  # in alphabetical order the classes stand in reverse
    indicator = LabelBinarizer().fit_transform(y % 3)
    Z, t = diabetes[0][:40], diabetes[1][:40]
    several, counts = np.column_stack([t, 1 - t**2]), np.round(np.exp(t))
    classifier, regressor = fastnet.MLPClassifier, fastnet.MLPRegressor
    return {
        "binary": (classifier, {}, X, y > 4, (y > 4)[:, None], "binary_log_loss"),
        "multiclass": (classifier, {}, X, letters, 9 - y[:, None], "log_loss"),
        "multilabel": (classifier, {}, X, indicator, indicator, "binary_log_loss"),
        "regression": (regressor, {}, Z, t, t[:, None], "squared_error"),
        "multioutput": (regressor, {}, Z, several, several, "squared_error"),
        "poisson": (regressor, {"loss": "poisson"}, Z, counts, counts[:, None], "poisson"),
    }


NAMES = ["binary", "multiclass", "multilabel", "regression", "multioutput", "poisson"]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("hidden", "activation"), [((), "relu"), ((7,), "logistic"), ((12, 5), "tanh"), ((20, 3, 17), "relu")]
)
@pytest.mark.parametrize("name", NAMES)
def test_every_array_equals_the_plain_networks(digits, diabetes, name, hidden, activation, weighted):
    Estimator, params, X, y, targets, loss = cases(digits, diabetes)[name]
    model = Estimator(
        hidden_layer_sizes=hidden, activation=activation, dtype="float64", max_iter=3, alpha=0.7,
        random_state=0, dropout=0.2 if hidden else 0.0, **params,
    ).fit(X, y)  # fmt: skip
    weight = np.random.default_rng(0).uniform(0.5, 2, 40) if weighted else None
    before = copy.deepcopy(vars(model))
    passed = fastnet.inspect(model, X, y, weight)
    assert vars(model).keys() == before.keys()
    for a, b in zip(model.coefs_, before["coefs_"], strict=True):
        assert_array_equal(a, b)

    net = (model.coefs_, model.intercepts_, X, targets.astype(float), activation, loss)
    zs, inputs = naive.forward(*net[:3], activation)
    deltas = naive.deltas(*net, sample_weight=weight)
    coef_grads, intercept_grads = naive.gradient(*net, l2=0.7, sample_weight=weight)
    total = 40 if weight is None else weight.sum()
    close = {"rtol": 1e-9, "atol": 1e-12}
    assert_allclose(passed.loss, naive.objective(*net, l2=0.7, sample_weight=weight), rtol=1e-10)
    assert len(passed.layers) == len(hidden) + 1
    for i, layer in enumerate(passed.layers):
        assert_allclose(layer.input, inputs[i], **close)
        assert_allclose(layer.z, zs[i], **close)
        expected = inputs[i + 1] if i < len(hidden) else naive_ops.OUTPUTS[loss](zs[-1])
        assert_allclose(layer.activation, expected, **close)
        assert_allclose(layer.delta, deltas[i] / total, **close)
        assert_allclose(layer.coef_gradient, coef_grads[i], **close)
        assert_allclose(layer.intercept_gradient, intercept_grads[i], **close)


def test_the_gradient_of_a_layer_is_its_input_times_its_delta(digits):
    # the identity that a student checks first, on more rows than one chunk
    X, y = np.tile(digits[0], (9, 1)), np.tile(digits[1], 9)
    model = fastnet.MLPClassifier((30, 20), max_iter=2, random_state=0, alpha=0.0).fit(*digits)
    passed = fastnet.inspect(model, X, y)
    for layer in passed.layers:
        assert layer.z.dtype == layer.delta.dtype == np.float32
        assert layer.z.shape == layer.delta.shape == layer.activation.shape
        assert_allclose(layer.input.T.astype(float) @ layer.delta, layer.coef_gradient, atol=1e-5)
        assert_allclose(layer.delta.sum(axis=0), layer.intercept_gradient, atol=1e-5)
    assert_allclose(passed.layers[-1].activation, model.predict_proba(X), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_array])
def test_sparse_input_is_inspected_as_dense_input(digits, container):
    X, y = digits
    model = fastnet.MLPClassifier(9, max_iter=2, random_state=0, dtype="float64").fit(X, y)
    sparse, dense = (fastnet.inspect(model, data, y) for data in (container(X), X))
    for a, b in zip(sparse.layers, dense.layers, strict=True):
        for name in ["z", "activation", "delta", "coef_gradient", "intercept_gradient"]:
            assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-9, atol=1e-12)


def test_a_pass_prints_as_a_table_with_a_row_for_each_layer(digits):
    X, y = digits
    model = fastnet.MLPClassifier((30, 20), activation=["relu", "tanh"], max_iter=2, random_state=0).fit(X, y)
    passed = fastnet.inspect(model, X, y)
    head, *rows, end = repr(passed).splitlines()
    assert head.split() == ["layer", "shape", "mean", "|z|", "zeros", "‖δ‖", "‖∇W‖"]
    names = ["1 relu", "2 tanh", "3 softmax"]
    for name, row, layer, W in zip(names, rows, passed.layers, model.coefs_, strict=True):
        assert row.startswith(name) and layer.activation_name == name[2:]
        shown = row.removeprefix(name).replace(f"{W.shape[0]} × {W.shape[1]}", "").replace("%", "").split()
        z, a, d, g = (x.astype(float) for x in (layer.z, layer.activation, layer.delta, layer.coef_gradient))
        expected = [np.abs(z).mean(), np.sqrt((d**2).sum()), np.sqrt((g**2).sum())]
        assert int(shown.pop(1)) == round(100 * (a == 0).mean())
        assert_allclose([float(number) for number in shown], expected, rtol=6e-3)
    assert end == f"loss {passed.loss:.6g}, {len(X)} samples"
    assert len(repr(passed.layers[0])) < 60
    assert_allclose(passed.penalty, 1e-4 / 2 * sum((W**2).sum() for W in model.coefs_) / len(X), rtol=1e-5)


def test_what_cannot_be_inspected_is_refused(digits):
    X, y = digits
    with pytest.raises(NotFittedError):
        fastnet.inspect(fastnet.MLPClassifier(), X, y)
    model = fastnet.MLPClassifier(9, max_iter=2, random_state=0).fit(X, y)
    with pytest.raises(TypeError, match=r"estimator is no MLPClassifier .* pipeline\[-1\]"):
        fastnet.inspect(make_pipeline(StandardScaler(), model), X, y)
    with pytest.raises(ValueError, match="X has 63 features"):
        fastnet.inspect(model, X[:, 1:], y)
    with pytest.raises(ValueError, match="classes"):
        fastnet.inspect(model, X, y + 1)
