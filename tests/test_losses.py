"""Every loss: formulas and compiled kernels against mpmath, the plain network's twin, and known extremes.

Add the references that the message of a failing test names; everything else finds a new loss by itself.
"""

import re
from functools import cache

import mpmath
import naive_ops
import numpy as np
import pytest
from kernel_calls import DTYPES, F32, F64, call, known, loss_and_delta
from marks import exhaustive
from numba import carray, cfunc, types
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax

from fastnet.kernels.compiling.jit import FASTMATH, retyped
from fastnet.kernels.host import tile
from fastnet.ops.compiled import rows
from fastnet.ops.compiled.signatures import LINK
from fastnet.ops.losses import LOSSES, Gamma, Huber, LogLoss, Quantile, SigmoidCrossEntropy, SigmoidFocal, Tweedie

STEP = 1e-5
N_ROWS = 7
ULPS = 8  # of the compiled kernels; their functions state at most 2.7


# ---- references --------------------------------------------------------------------------------------


def by_output(formula):
    """The sum of a formula of one output."""

    def value(z, y, *p):
        return sum(formula(x, t, *p) for x, t in zip(z, y, strict=True))

    value.of_one = formula
    return value


def by_rival(formula):
    """The sum over all other classes of a formula of z_j - z_y."""
    return lambda z, y: sum(formula(x - z[int(y[0])]) for j, x in enumerate(z) if j != int(y[0]))


def cross_entropy(targets, probabilities, gamma):
    return -sum(q * (1 - p) ** gamma * mpmath.log(p) for q, p in zip(targets, probabilities, strict=True) if q)


def softmax_log_loss(z, y, smoothing, gamma):
    total, n = sum(mpmath.exp(x) for x in z), len(z)
    targets = [smoothing / n + (1 - smoothing) * (j == int(y[0])) for j in range(n)]
    return cross_entropy(targets, [mpmath.exp(x) / total for x in z], gamma)


def sigmoid_log_loss(z, y, smoothing, gamma=0):
    q, p = y * (1 - smoothing) + smoothing / 2, 1 / (1 + mpmath.exp(-z))
    return cross_entropy([q, 1 - q], [p, 1 / (1 + mpmath.exp(z))], gamma)


def half_deviance(z, y, power):
    if power == 1:
        return (y * mpmath.log(y) if y else 0) - y * z - y + mpmath.exp(z)
    if power == 2:
        return z - mpmath.log(y) + y * mpmath.exp(-z) - 1
    a, b = 1 - power, 2 - power
    constant = y**b / (a * b) if y else 0
    return constant - y * mpmath.exp(a * z) / a + mpmath.exp(b * z) / b


def huber(z, y, delta):
    r = abs(z - y)
    return r**2 / 2 if r <= delta else delta * (r - delta / 2)


def sign(y):
    return 2 * y - 1


# {name: loss of one sample from its logits, its targets and the loss's parameters, with mpmath}
LOSS_VALUES = {
    "log_loss": softmax_log_loss,
    "binary_log_loss": by_output(sigmoid_log_loss),
    "binary_focal": by_output(sigmoid_log_loss),
    "hinge": by_output(lambda z, y: max(0, 1 - sign(y) * z)),
    "multiclass_hinge": by_rival(lambda m: max(0, 1 + m)),
    "squared_hinge": by_output(lambda z, y: max(0, 1 - sign(y) * z) ** 2),
    "multiclass_squared_hinge": by_rival(lambda m: max(0, 1 + m) ** 2),
    "perceptron": by_output(lambda z, y: max(0, -sign(y) * z)),
    "multiclass_perceptron": lambda z, y: max(z) - z[int(y[0])],
    "squared_error": by_output(lambda z, y: (z - y) ** 2 / 2),
    "absolute_error": by_output(lambda z, y: abs(z - y)),
    "huber": by_output(huber),
    "quantile": by_output(lambda z, y, q: max(q * (y - z), (1 - q) * (z - y))),
    "log_cosh": by_output(lambda z, y: mpmath.log(mpmath.cosh(z - y))),
    "poisson": by_output(half_deviance),
    "gamma": by_output(half_deviance),
    "tweedie": by_output(half_deviance),
}
# {out_activation: predictions from rows of logits, with SciPy}
LINKS = {
    "softmax": lambda z: softmax(z, axis=1),
    "logistic": expit,
    "identity": lambda z: z,
    "exp": np.exp,
}
# Other parameters to test, besides the registered ones.
VARIANTS = {
    "log_loss": [LogLoss(0.1), LogLoss(0.0, 2.0), LogLoss(0.2, 0.5)],
    "binary_log_loss": [SigmoidCrossEntropy(0.1)],
    "binary_focal": [SigmoidFocal(0.2, 0.5), SigmoidFocal(0.1, 0.0)],
    "huber": [Huber(0.3)],
    "quantile": [Quantile(0.9)],
    "tweedie": [Tweedie(1.1), Tweedie(1.9)],
}
# Those of several outputs a target have a module of their own, test_losses_of_distributions.py.
ONE_OUTPUT = {name: op for name, op in LOSSES.items() if op.outputs_per_target == 1}
CASES = [(name, op) for name, registered in ONE_OUTPUT.items() for op in (registered, *VARIANTS.get(name, ()))]
losses = pytest.mark.parametrize(("name", "op"), CASES, ids=[repr(op) for _, op in CASES])
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=str)
# In a plain run only the usual losses in single precision: each is compiled for each dtype, from one formula.
USUAL = ("log_loss", "binary_log_loss", "squared_error", "poisson")
IN_BOTH = [(name, op) for name, op in ONE_OUTPUT.items() if name in USUAL]
losses_and_dtypes = pytest.mark.parametrize(
    ("name", "op", "dtype"),
    [*((*case, F64) for case in CASES), *((*case, F32) for case in IN_BOTH),
     *exhaustive([(*case, F32) for case in CASES if case not in IN_BOTH])],
    ids=str,
)  # fmt: skip


def allows_zero(op):
    """Whether a target of a loss with log link may be 0."""
    return not isinstance(op, Gamma)


def targets(op, rng, shape):
    """Targets in the loss's domain, exact in float32."""
    if op.class_index_target:
        return rng.integers(0, shape[1], (shape[0], 1))
    if op.is_classification:
        return rng.integers(0, 2, shape)
    if op.out_activation == "exp":
        return 0.5 * rng.integers(0 if allows_zero(op) else 1, 12, shape)
    return rng.normal(size=shape).astype(np.float32)


def loss_data(op, n_outputs, dtype, seed=0, n_rows=N_ROWS):
    """Logits and targets, exact in ``dtype``; none at a kink, where there is no one gradient."""
    rng = np.random.default_rng(seed)
    z = 4 * rng.normal(size=(n_rows, n_outputs))
    z[:2] = 0.01 * (1 + np.arange(n_outputs)) + np.array([[0], [30]])
    # Exact in float32 also for float64: where the loss has no parameters both have one reference.
    return z.astype(np.float32).astype(dtype), targets(op, rng, z.shape).astype(dtype)


def reference_loss(name, op, z, y, digits=60):
    """(losses, gradients) in float64; the gradient by central differences with many digits."""
    value = known(LOSS_VALUES, name, "LOSS_VALUES of tests/test_losses.py", "its loss of one sample in mpmath")
    parameters = rows.parameter_array(op, z.dtype)[: len(op.values)].tolist()
    rows_of = zip(z.tolist(), y.tolist(), strict=True)
    values, gradients = zip(
        *(_reference_row(value, tuple(row), tuple(target), tuple(parameters), digits) for row, target in rows_of),
        strict=True,
    )
    return np.array(values), np.array(gradients)


@cache
def _reference_row(value, row, target, parameters, digits):
    """(loss, gradient) of one sample."""
    with mpmath.workdps(digits):
        step = mpmath.mpf(10) ** -20
        row, target, parameters = ([mpmath.mpf(x) for x in numbers] for numbers in (row, target, parameters))
        gradient = []
        for j, x in enumerate(row):
            if hasattr(value, "of_one"):  # the other outputs' terms stay as they are
                up, down = (value.of_one(x + s, target[j], *parameters) for s in (step, -step))
            else:
                up, down = (value([*row[:j], x + s, *row[j + 1 :]], target, *parameters) for s in (step, -step))
            gradient.append(_number((up - down) / (2 * step)))
        return _number(value(row, target, *parameters)), gradient


def _number(x):
    """A float, or inf."""
    return float(x) if abs(x) < mpmath.mpf(10) ** 308 else float("inf") * int(mpmath.sign(x))


def size_of_terms(op, z, y, gradients):
    """What the terms of a loss may reach: their rounding is relative to it."""
    largest = np.abs(LINKS[op.out_activation](z.astype(float))).max(axis=1)
    y = np.zeros(z.shape) if op.class_index_target else y.astype(float)
    z = np.abs(z.astype(float))
    terms = 1 + z + np.abs(y) + z * np.abs(y) + (z - y) ** 2 + (z + np.abs(y)) * np.abs(gradients)
    return largest + terms.sum(axis=1)


def output_counts(op):
    return [2, 10, 16, 17, 35] if op.class_index_target else [1, 3, 35]


# ---- formulas and kernels ----------------------------------------------------------------------------


@losses
def test_formula_equals_the_reference_and_central_differences(name, op):
    z, y = loss_data(op, 3, F64)
    values, gradients = reference_loss(name, op, z, y)

    def formula(z):
        """Values and slopes in plain Python."""
        if op.class_index_target:
            slopes = np.full_like(z, np.nan)
            return [op.row(*row, op.values) for row in zip(z, y[:, 0].astype(int), slopes, strict=True)], slopes
        pairs = list(zip(z.ravel().tolist(), y.ravel().tolist(), strict=True))
        of_outputs = np.reshape([op.value(*pair, op.values) for pair in pairs], z.shape)
        return of_outputs.sum(axis=1), np.reshape([op.gradient(*pair, op.values) for pair in pairs], z.shape)

    own_values, slopes = formula(z)
    scale = size_of_terms(op, z, y, gradients)
    assert (np.abs(own_values - values) <= 1e-14 * scale).all()
    assert_allclose(slopes, gradients, rtol=1e-13, atol=1e-14)
    moderate = np.abs(z).max(axis=1) < 20
    for j in range(3):
        step = STEP * (np.arange(3) == j)
        up, down = np.array(formula(z + step)[0]), np.array(formula(z - step)[0])
        differences = ((up - down) / (2 * STEP))[moderate]
        assert_allclose(differences, slopes[moderate, j], rtol=1e-6, atol=1e-7)


@losses_and_dtypes
@pytest.mark.paths
def test_compiled_loss_and_gradient_equal_the_reference(name, op, dtype):
    eps = np.finfo(dtype).eps
    for n_outputs in output_counts(op):
        z, y = loss_data(op, n_outputs, dtype, n_outputs, n_rows=3 if n_outputs > 10 else N_ROWS)
        values, gradients = reference_loss(name, op, z, y)
        weight = np.random.default_rng(1).uniform(0, 3, len(z)).astype(dtype)
        weight[2] = 0
        scale = dtype.type(0.37)
        own_values, deltas = loss_and_delta(op, z, y, weight, scale)
        bound = 2 * ULPS * eps * weight * size_of_terms(op, z, y, gradients)
        assert (np.abs(own_values - weight * values) <= bound).all()
        expected = float(scale) * weight.astype(float)[:, None] * gradients
        assert_allclose(deltas, expected, rtol=2 * ULPS * eps, atol=2 * ULPS * eps)
        assert own_values[2] == 0 and not deltas[2].any()
        # the plain network's twin, too
        assert name in naive_ops.LOSSES, f"give {name!r} its value and gradient in tests/naive_ops.py"
        if op == LOSSES[name]:
            value, gradient = naive_ops.LOSSES[name]
            assert_allclose(value(z.astype(float), y.astype(float)), values, rtol=1e-12, atol=1e-12)
            assert_allclose(gradient(z.astype(float), y.astype(float)), gradients, rtol=1e-12, atol=1e-12)


@losses_and_dtypes
def test_loss_of_extreme_logits_is_exact(name, op, dtype):
    eps = np.finfo(dtype).eps
    rtol = ULPS * eps * (100 if isinstance(op, Tweedie) else 1)  # a rounded exponent of 100
    z = np.array([[1e3, 900], [1e3, -1e3], [-1e3, 1e3], [-900, -1e3], [0.5, 1e3], [-1e3, 0.5]], dtype)
    grows = op.out_activation == "exp"  # e**1e3 is infinite, in truth and here; no other loss grows so
    for target in (0, 1) if not grows or allows_zero(op) else (1, 2):
        y = np.full((6, 1 if op.class_index_target else 2), target, dtype)
        values, gradients = reference_loss(name, op, z, y, digits=1000)  # beside e**2e3 a 1 must not be lost
        own_values, deltas = loss_and_delta(op, z, y)
        with np.errstate(over="ignore"):
            gradients = gradients.astype(dtype)
            values = np.where(values > np.finfo(dtype).max, np.inf, values)
        assert_allclose(own_values, values, rtol=rtol, atol=ULPS * eps)
        assert_allclose(deltas, gradients, rtol=rtol, atol=ULPS * eps)
        if not grows:
            for part in loss_and_delta(op, 100 * z, y):
                assert np.isfinite(part).all()


@losses_and_dtypes
def test_nan_in_a_logit_shows_in_its_row_only(name, op, dtype):
    for n_outputs in output_counts(op)[1:]:
        z, y = loss_data(op, n_outputs, dtype)
        clean = loss_and_delta(op, z, y)
        for column in (0, n_outputs - 1):
            broken = z.copy()
            broken[5, column] = np.nan
            values, deltas = loss_and_delta(op, broken, y)
            assert np.isnan(values[5]) and np.isnan(deltas[5, column])
            others = np.arange(N_ROWS) != 5
            assert_array_equal(values[others], clean[0][others])
            assert_array_equal(deltas[others], clean[1][others])


def link(op, z):
    panel = tile(z.dtype).panel
    stride = -(-z.shape[1] // panel) * panel
    buffer = np.zeros((len(z), stride), z.dtype)
    buffer[:, : z.shape[1]] = z
    call(LINK, rows.link(op, z.dtype), z.dtype, buffer, stride, len(z), z.shape[1], rows.parameter_array(op, z.dtype))
    return buffer[:, : z.shape[1]].copy()


@dtypes
@pytest.mark.parametrize("name", ONE_OUTPUT)
@pytest.mark.paths
def test_link_equals_scipy(name, dtype):
    op, info = LOSSES[name], np.finfo(dtype)
    where = "LINKS of tests/test_losses.py"
    expected = known(LINKS, op.out_activation, where, "its predictions from logits, with SciPy")
    for n_outputs in output_counts(op):
        z = (6 * np.random.default_rng(2).normal(size=(13, n_outputs))).astype(dtype)
        z[0], z[1, 0], z[2, -1] = 0, 1e4, -1e4
        with np.errstate(over="ignore"):
            truth = expected(z.astype(float)).astype(dtype)
        p = link(op, z)
        # the exponent of exp(z) carries no error here, its difference to the maximum in softmax does
        ulps = ULPS + (np.ptp(np.clip(z, -50, 50)) if op.out_activation == "softmax" else 0)
        assert_allclose(p, truth, rtol=ulps * info.eps, atol=info.tiny)
        assert_array_equal(np.vstack([link(op, row[None]) for row in z]), p)
        if op.out_activation != "softmax":
            plain = [op.link(float(x), op.values) for x in z.ravel()]
            assert_allclose(p.ravel(), np.array(plain), rtol=ULPS * info.eps, atol=info.tiny)
        z[3, 0] = np.nan
        assert np.isnan(link(op, z)[3, 0]) and np.isfinite(link(op, z)[4:]).all()


def test_losses_share_the_kernel_of_a_link_that_they_inherit():
    class Doubled(Huber):
        @staticmethod
        def link(z, parameters):
            return 2.0 * z

    class Positive(Huber):
        out_activation = "softmax"

    shared = [LOSSES["squared_error"], LOSSES["quantile"], Huber(0.3)]
    assert len({rows.link(op, F64) for op in shared}) == 1
    assert len({rows.link(op, F64) for op in (shared[0], Doubled(), Positive(), LOSSES["poisson"])}) == 4
    assert_array_equal(link(Doubled(), np.ones((1, 3))), np.full((1, 3), 2.0))


OF_CLASSES = [name for name, op in LOSSES.items() if op.class_index_target]


@pytest.mark.parametrize("name", [OF_CLASSES[0], *exhaustive(OF_CLASSES[1:])])  # nothing that is compiled is kept
def test_row_formula_computes_in_single_precision(name):
    """A literal or a call that drags double along would halve the width of the vectors."""
    row, single = retyped(LOSSES[name].row, DTYPES[0]), types.CPointer(types.float32)

    @cfunc(types.void(single, single, single), fastmath=FASTMATH, error_model="numpy")
    def kernel(z, delta, p):
        z, delta, p = carray(z, 8), carray(delta, 8), carray(p, 4)
        z[0] = row(z[:7], int(z[7]), delta[:7], (p[0], p[1], p[2], p[3]))

    assert not re.search(r"\b(double|fpext)\b", kernel.inspect_llvm())


def test_at_a_kink_the_gradient_is_that_of_the_docstring():
    for op, z, y, gradient in [
        (LOSSES["hinge"], 1.0, 1.0, 0.0),
        (LOSSES["hinge"], -1.0, 0.0, 0.0),
        (LOSSES["perceptron"], 0.0, 1.0, -1.0),
        (LOSSES["perceptron"], 0.0, 0.0, 1.0),
        (LOSSES["absolute_error"], 2.0, 2.0, 0.0),
        (LOSSES["quantile"], 2.0, 2.0, 0.0),
    ]:
        for dtype in DTYPES:
            assert loss_and_delta(op, np.array([[z]], dtype), np.array([[y]], dtype))[1] == gradient
    # a tie is a mistake, and one rival is enough
    for dtype in DTYPES:
        delta = loss_and_delta(LOSSES["multiclass_perceptron"], np.zeros((1, 3), dtype), np.array([[1]], dtype))[1]
        assert delta.tolist() == [[1, -1, 0]]
