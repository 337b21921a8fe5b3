"""Every op over the whole range of its parameters and inputs, against mpmath, in both dtypes.

What is demanded is what the dtype justifies: the result of inputs and parameters that are changed in their last
place. With eps the dtype's, a value f(x, ...) may be off by ``ULPS * eps * (|f| + |x df/dx| + ...)``, the sum over all
inputs and parameters; a derivative also by as much of the largest one, since flat ends are made from values.
"""

import math
import sys

import mpmath
import naive_optimizers
import numpy as np
import pytest
from driver import Driver
from kernel_calls import F32, F64, known, loss_and_delta
from marks import exhaustive
from numpy.testing import assert_allclose
from test_activations import activate, derive
from test_losses import LOSS_VALUES

from fastnet.ops.activations import ACTIVATIONS, ELU, GELU, HardSigmoid, LeakyReLU, PReLU, Sine
from fastnet.ops.compiled import rows
from fastnet.ops.losses import LOSSES, Gamma, Huber, LogLoss, Quantile, SigmoidCrossEntropy, SigmoidFocal, Tweedie
from fastnet.ops.optimizers import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    AdaMax,
    AdamW,
    AMSGrad,
    Lion,
    NAdam,
    RMSProp,
    Rprop,
    ScheduleFreeAdamW,
)

ULPS = 16  # elementary functions state up to 7, formulas have a few of them
NEAR = 2.0**-20  # to the end of an interval, and exact in float32


def partial(function, arguments, i):
    """A derivative of a function of mpmath numbers, one-sided at a kink; relative steps keep the sign."""
    step = abs(arguments[i]) * mpmath.mpf(10) ** -40 or mpmath.mpf(10) ** -60
    up, down = (function(*arguments[:i], arguments[i] + s, *arguments[i + 1 :]) for s in (step, -step))
    return (up - down) / (2 * step)


def conditioned(function, arguments):
    """(value, what its rounding is relative to)."""
    value = function(*arguments)
    return value, abs(value) + sum(abs(a * partial(function, arguments, i)) for i, a in enumerate(arguments) if a)


def assert_near(own, exact, size, dtype, what, ulps=ULPS):
    """``size`` is what the error is relative to."""
    info = np.finfo(dtype)
    if abs(exact) > float(info.max) * 0.999:
        assert own == np.inf * int(mpmath.sign(exact)) or abs(own) > 0.99 * float(info.max), what
        return
    assert np.isfinite(own), (what, own, mpmath.nstr(exact))
    error = abs(mpmath.mpf(float(own)) - exact)
    assert error <= ulps * (float(info.eps) * size + float(info.tiny)), (what, own, mpmath.nstr(exact, 12))


# ---- activations -------------------------------------------------------------------------------------

SIGMOID = lambda z: 1 / (1 + mpmath.exp(-z))  # noqa: E731
_S, _A = mpmath.mpf("1.0507009873554805"), mpmath.mpf("1.6732632423543772")
# {name: g(z, parameters), with mpmath}
FUNCTIONS = {
    "identity": lambda z: z,
    "logistic": SIGMOID,
    "tanh": mpmath.tanh,
    "relu": lambda z: max(z, 0),
    "leaky_relu": lambda z, s: z if z > 0 else s * z,
    "prelu": lambda z, s: z if z > 0 else s * z,
    "parametric": lambda z, s: z + s * ((_S * z if z > 0 else _S * _A * mpmath.expm1(z)) - z),
    "elu": lambda z, a: z if z > 0 else a * mpmath.expm1(z),
    "selu": lambda z: _S * z if z > 0 else _S * _A * mpmath.expm1(z),
    "gelu": lambda z: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2,
    "gelu_tanh": lambda z: z * SIGMOID(2 * mpmath.sqrt(2 / mpmath.pi) * (z + mpmath.mpf("0.044715") * z**3)),
    "silu": lambda z: z * SIGMOID(z),
    "mish": lambda z: z * mpmath.tanh(mpmath.log1p(mpmath.exp(z))),
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    "hard_sigmoid": lambda z, s: min(1, max(0, s * z + mpmath.mpf(0.5))),
    "hard_tanh": lambda z: min(1, max(-1, z)),
    "sine": lambda z, w: mpmath.sin(w * z),
}
SIZES = [1e-30, 1e-3, 0.75, 1.2, 17.0, 60.0]
GRID = [*(-z for z in SIZES), *SIZES]
EXTREME_ACTIVATIONS = {
    "leaky_relu": [LeakyReLU(1e-30), LeakyReLU(1e30)],
    "prelu": [PReLU(-1e30), PReLU(1e-30)],
    "elu": [ELU(1e-30), ELU(1e30)],
    "hard_sigmoid": [HardSigmoid(1e-30), HardSigmoid(1e30)],
    "sine": [Sine(1e-30), Sine(1e3)],
    "gelu_tanh": [GELU("tanh")],
}
ACTIVATION_OPS = [(name, op) for name, op in ACTIVATIONS.items()]
ACTIVATION_OPS += [(name, op) for name, ops in EXTREME_ACTIVATIONS.items() for op in ops]


@pytest.mark.parametrize("dtype", [F64, *exhaustive([F32])], ids=str)
@pytest.mark.parametrize(("name", "op"), ACTIVATION_OPS, ids=[repr(op) for _, op in ACTIVATION_OPS])
def test_activations(name, op, dtype):
    function = known(FUNCTIONS, name, "FUNCTIONS of tests/test_number_range.py", "its g with mpmath")
    z = np.array(GRID, dtype)
    a = activate(op, z)
    slopes = derive(op, np.ones_like(z), z if op.derivative_of == "input" else a)
    with mpmath.workdps(120):
        parameters = [mpmath.mpf(float(p)) for p in rows.parameter_array(op, dtype)[: len(op.values)]]
        largest = max(1, *map(abs, parameters)) if parameters else 2
        for x, own, slope in zip(z.tolist(), a, slopes, strict=True):
            arguments = [mpmath.mpf(x), *parameters]
            assert_near(own, *conditioned(function, arguments), dtype, f"g({x})")
            g_slope, size = conditioned(lambda *xs: partial(function, xs, 0), arguments)
            assert_near(slope, g_slope, size + largest, dtype, f"g'({x})")


# ---- losses ------------------------------------------------------------------------------------------

EXTREME_LOSSES = {
    "huber": [Huber(1e-15), Huber(1e15)],
    "quantile": [Quantile(NEAR), Quantile(1 - NEAR)],
    "binary_log_loss": [SigmoidCrossEntropy(1e-9), SigmoidCrossEntropy(1 - NEAR)],
    "binary_focal": [SigmoidFocal(1e-9, 1e-9), SigmoidFocal(0.0, 50.0), SigmoidFocal(0.1, 0.3), SigmoidFocal(0.0, 0.0)],
    "log_loss": [LogLoss(1e-9), LogLoss(0.0, 50.0), LogLoss(1e-9, 0.3), LogLoss(1 - NEAR, 1e-9)],
    "tweedie": [Tweedie(p) for p in (1 + NEAR, 1.001, 1.4999, 1.999, 2 - NEAR)],
}
LOSS_OPS = [
    (name, op)
    for name, registered in LOSSES.items()
    for op in (registered, *EXTREME_LOSSES.get(name, ()))
    if op.outputs_per_target == 1
]
LOGITS = [-60.0, -7.0, -1e-6, 0.2, 1.0, 70.0]


def inputs(op, dtype):
    """Rows of logits and of targets, exact in the dtype."""
    if op.class_index_target:
        z = np.array([[0.1, -0.2, 0.4], [20, -5, 0.3], [-30, 10, -60], [1e-6, 60, -1e-6], [7, 7.5, -7]], dtype)
        return np.vstack([z, z]), np.array([[0, 0, 2, 1, 2, 2, 1, 1, 0, 1]], dtype).T.copy()
    y = [0.0, 1.0]
    if not op.is_classification:
        y = [1e-12, 0.5, 1e5, 1e12] + ([] if isinstance(op, Gamma) else [0.0])
        y = y if op.out_activation == "exp" else [0.0, 0.5, -1e5]
    pairs = np.array([(z, t) for z in LOGITS for t in y], dtype)
    if op.out_activation == "exp":  # where prediction and target are nearly the same
        t = np.array([t for t in y if t > 0])
        pairs = np.vstack([pairs, *(np.column_stack([np.log(t) + d, t]) for d in (1e-2, -1e-4))]).astype(dtype)
    return pairs[:, :1].copy(), pairs[:, 1:].copy()


# In a plain run each in one dtype: the usual ones where exponentials overflow soonest, the others where other tests
# have them compiled.
SINGLE = [(name, op) for name, op in LOSS_OPS if name in ("log_loss", "binary_log_loss", "squared_error", "poisson")]


@pytest.mark.parametrize(
    ("name", "op", "dtype"),
    [*((*case, F32 if case in SINGLE else F64) for case in LOSS_OPS),
     *exhaustive([(*case, F64 if case in SINGLE else F32) for case in LOSS_OPS])],
    ids=str,
)  # fmt: skip
def test_losses(name, op, dtype):
    z, y = inputs(op, dtype)
    values, deltas = loss_and_delta(op, z, y)
    with mpmath.workdps(120):
        parameters = [mpmath.mpf(float(p)) for p in rows.parameter_array(op, dtype)[: len(op.values)]]
        for row, target, own, delta in zip(z.tolist(), y.tolist(), values, deltas, strict=True):
            n, target = len(row), [mpmath.mpf(t) for t in target]
            free = [] if op.is_classification else target  # labels are exact

            def value(*xs, n=n, target=target, free=free):
                given = list(xs[n : n + len(free)]) or target
                return mpmath.mpf(LOSS_VALUES[name](list(xs[:n]), given, *xs[n + len(free) :]))

            arguments = [*(mpmath.mpf(x) for x in row), *free, *parameters]
            exact, size = conditioned(value, arguments)
            size += 1 if op.kernel == "softmax" else 0  # the logarithm of a sum that is 1 and more
            assert_near(own, exact, size, dtype, f"loss({row}, {target})")
            for j in range(n):
                gradient, size = conditioned(lambda *xs, j=j: partial(value, xs, j), arguments)
                size += 1 if op.class_index_target else 0  # of p - q
                assert_near(delta[j], gradient, size, dtype, f"gradient({row}, {target})")


# ---- optimizers --------------------------------------------------------------------------------------

LAST = 1 - 2.0**-53  # the largest number below 1
EXTREME_RULES = [
    *OPTIMIZERS.values(), SGD(1.0), SGD(LAST), SGD(1e-30), SGD(LAST, averaged=True), AdaGrad(1e-25), AdaGrad(1e25),
    Adadelta(0.0, 1e-25), Adadelta(LAST, 1e25), RMSProp(0.0, 1e-25), RMSProp(LAST, 1e25), RMSProp(1e-30, momentum=LAST),
    RMSProp(0.999, 1e-6, 0.0, True), RMSProp(0.1, 1e-6, 0.9, True), Adam(0.0, 0.0, 1e-25), Adam(LAST, LAST, 1e-8),
    Adam(1e-30, 1e-30), Adam(0.9, LAST, 1e25), AdamW(LAST, LAST, 1e-25, 0.0), AdamW(0.0, 0.0, 1e-8, 1e-30),
    AMSGrad(0.0, 0.0, 1e-25), AMSGrad(LAST, LAST), AdaMax(0.0, 0.0, 1e-25), AdaMax(LAST, LAST), NAdam(LAST, LAST),
    NAdam(0.0, 0.0, 1e-25, 1e-30), NAdam(0.9, 0.999, 1e-8, 1e30), NAdam(LAST, 0.9, 1e-8, 1e30), Lion(0.0, 0.0),
    Lion(LAST, LAST, 1e-30), Rprop(1e-20, 1e20, 1e-25, 1e25), Rprop(LAST, 1 + 2.0**-52), ScheduleFreeAdamW(1e-8),
    ScheduleFreeAdamW(1e-30, 0.0, 1e-25), ScheduleFreeAdamW(LAST, LAST), ScheduleFreeAdamW(1e-5, weight_decay=0.3),
]  # fmt: skip
GRADIENTS = [[0.3, 1.0, 1e-6, -2e3], [0.3, -0.5, 3e-6, 1e3], [0.3, 2.0, -1e-7, 5.0], [0.3, -0.1, 1e-6, -7e2]]


# Of the others the kernels are compiled for one dtype in a plain run.
USUAL = (SGD, Adam, AdamW, NAdam, Lion, ScheduleFreeAdamW)


@pytest.mark.parametrize(
    ("op", "dtype"),
    [*((op, F64) for op in EXTREME_RULES), *((op, F32) for op in EXTREME_RULES if isinstance(op, USUAL)),
     *exhaustive([(op, F32) for op in EXTREME_RULES if not isinstance(op, USUAL)])],
    ids=str,
)  # fmt: skip
@pytest.mark.paths
def test_optimizers(op, dtype):
    start = [0.5, -1.25, 3.0, 0.25]
    driver, gradients = Driver(op, start, dtype), np.array(GRADIENTS, dtype)
    with mpmath.workdps(150):
        exact = np.vectorize(mpmath.mpf, otypes=[object])
        options = {k: mpmath.mpf(v) if type(v) is float else v for k, v in op.get_params().items()}
        if op == SGD(1.0):
            options["momentum"] = mpmath.mpf(LAST)  # the twin's threshold divides by 1 - momentum
        twin = getattr(naive_optimizers, type(op).__name__)([exact(start)], **options)
        w, moved = exact(start), np.abs(exact(start))
        for g in gradients:
            driver.step(g, 0.0625)
            before = w
            (w,), _ = twin.step([w], [exact(g.astype(float))], mpmath.mpf(0.0625))
            moved = moved + np.abs(w - before)
        for own, true, size in zip(driver.w, w, moved, strict=True):
            assert_near(own, true, size, dtype, repr(op), 4 * ULPS)
        if hasattr(twin, "averages"):
            for own, true, size in zip(driver.evaluated, twin.averages[0], moved, strict=True):
                assert_near(own, true, size, dtype, "the average", 4 * ULPS)
            y = op.trained(driver.evaluated, driver.states)
            assert_allclose(y, driver.w, rtol=0, atol=8 * np.finfo(dtype).eps * float(max(moved)))


@pytest.mark.parametrize("step", [1, 2, 1000, 10**6])
@pytest.mark.parametrize("beta", [0.0, sys.float_info.min, 0.5, 0.999, 1 - 1e-9, LAST])
def test_bias_corrections_keep_their_digits(step, beta):
    with mpmath.workdps(60):
        left = 1 - mpmath.mpf(beta) ** step
        for op in (Adam(beta, beta), AdamW(beta, beta), AMSGrad(beta, beta)):
            assert_allclose(op.prepare(float(step), 1.0, op.values)[0], float(1 / mpmath.sqrt(left)), rtol=1e-14)
        assert_allclose(AdaMax.prepare(float(step), 1.0, (beta, 0.5, 1e-8))[0], float(1 / left), rtol=1e-14)
        op = NAdam(beta, 0.0, momentum_decay=1e300)  # whose momentum is then beta
        ours = op.prepare(float(step), 1.0, op.values)[:2]
        theirs = (1 - mpmath.mpf(beta)) / left, beta / (1 - mpmath.mpf(beta) ** (step + 1))
        assert_allclose(ours, [float(x) for x in theirs], rtol=1e-14)
        root = ScheduleFreeAdamW.prepare(float(step), 1.0, (0.9, beta, 1e-8, 0.0))[0]
        assert_allclose(root, math.sqrt(left), rtol=1e-14)
