"""Every activation: formula and compiled kernels against independent references, at all ends of the range.

Add the reference that the message of a failing test names; everything else finds a new activation by itself.
"""

import re
from dataclasses import dataclass

import naive_ops
import numpy as np
import pytest
from kernel_calls import DTYPES, F32, F64, call, known
from marks import exhaustive
from numba.core import config
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.kernels.compiling import jit
from fastnet.kernels.host import tile
from fastnet.ops.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    HardSigmoid,
    HardTanh,
    LeakyReLU,
    Mish,
    Parametric,
    PReLU,
    ReLU,
    Sine,
)
from fastnet.ops.compiled import rows
from fastnet.ops.compiled.signatures import ACTIVATE, ACTIVATE_AND_DERIVE, DERIVE

# No kink at a round number is nearer than the step of a difference.
GRID = np.linspace(-8, 8, 161) + 0.0137
STEP = 1e-5
ULPS = 8  # of the compiled kernels; their functions state at most 7

# Known values at the ends of the range: {name: (of -inf, of -1e4, of 0, of 1e4, of inf)}
ACTIVATION_ENDS = {
    "identity": (-np.inf, -1e4, 0, 1e4, np.inf),
    "logistic": (0, 0, 0.5, 1, 1),
    "tanh": (-1, -1, 0, 1, 1),
    "relu": (0, 0, 0, 1e4, np.inf),
    "leaky_relu": (-np.inf, -100, 0, 1e4, np.inf),
    "prelu": (-np.inf, -2500, 0, 1e4, np.inf),
    "parametric": (-1.7580993408473766, -1.7580993408473766, 0, 10507.009873554805, np.inf),
    "elu": (-1, -1, 0, 1e4, np.inf),
    "selu": (-1.7580993408473766, -1.7580993408473766, 0, 10507.009873554805, np.inf),
    "gelu": (0, 0, 0, 1e4, np.inf),
    "silu": (0, 0, 0, 1e4, np.inf),
    "mish": (0, 0, 0, 1e4, np.inf),
    "softplus": (0, 0, np.log(2), 1e4, np.inf),
    "hard_sigmoid": (0, 0, 0.5, 1, 1),
    "hard_tanh": (-1, -1, 0, 1, 1),
    "sine": (np.nan, 0.30561438888825215, 0, -0.30561438888825215, np.nan),
}


def activation_reference(name):
    """(g, g') in float64."""
    # `problems` enters what it does not know with no derivative.
    if name not in naive_ops.ACTIVATIONS:
        pytest.fail(f"give {name!r} its g and g' in naive_ops.ACTIVATIONS (tests/naive_ops.py), in plain NumPy")
    return naive_ops.ACTIVATIONS[name]


@dataclass(frozen=True)
class Case:
    """An activation with its reference and its values at the ends of the range."""

    op: Activation
    name: str = ""
    formulas: tuple | None = None
    values: tuple | None = None

    @property
    def reference(self):
        return self.formulas or activation_reference(self.name)

    @property
    def ends(self):
        return self.values or known(
            ACTIVATION_ENDS,
            self.name,
            "ACTIVATION_ENDS of tests/test_activations.py",
            "its values at -inf, -1e4, 0, 1e4 and inf",
        )


ACTIVATION_CASES = [
    *(Case(op, name) for name, op in ACTIVATIONS.items()),
    Case(LeakyReLU(0.5), "", (lambda z: np.maximum(z, z / 2), lambda z: np.where(z > 0, 1, 0.5)),
         (-np.inf, -5e3, 0, 1e4, np.inf)),
    Case(PReLU(-0.5), "", (lambda z: np.where(z > 0, z, -z / 2), lambda z: np.where(z > 0, 1, -0.5)),
         (np.inf, 5e3, 0, 1e4, np.inf)),
    Case(Parametric(Mish(), 0.5), "",
         (lambda z: (z + naive_ops.mish(z)[0]) / 2, lambda z: (1 + naive_ops.mish(z)[1]) / 2),
         (-np.inf, -5e3, 0, 1e4, np.inf)),
    Case(Parametric("leaky_relu", 0.5), "",
         (lambda z: np.where(z > 0, z, 0.505 * z), lambda z: np.where(z > 0, 1, 0.505)),
         (-np.inf, -5050, 0, 1e4, np.inf)),
    Case(ELU(0.25), "", (lambda z: np.where(z > 0, z, 0.25 * np.expm1(np.minimum(z, 0))),
                         lambda z: np.where(z > 0, 1, 0.25 * np.exp(np.minimum(z, 0)))),
         (-0.25, -0.25, 0, 1e4, np.inf)),
    Case(HardSigmoid(0.5), "", (lambda z: np.clip(z / 2 + 0.5, 0, 1), lambda z: (np.abs(z) < 1) / 2),
         (0, 0, 0.5, 1, 1)),
    Case(Sine(4.0), "", (lambda z: np.sin(4 * z), lambda z: 4 * np.cos(4 * z)),
         (np.nan, -np.sin(4e4), 0, np.sin(4e4), np.nan)),
    Case(GELU("tanh"), "", (lambda z: naive_ops.gelu_tanh(z)[0], lambda z: naive_ops.gelu_tanh(z)[1]),
         (0, 0, 0, 1e4, np.inf)),
]  # fmt: skip
# Networks of other tests have these in both dtypes. The kernels of the others are compiled for one in a plain run.
IN_BOTH = {ACTIVATIONS[name] for name in ("identity", "logistic", "tanh", "relu", "prelu", "gelu", "silu")}
MORE = exhaustive([(case, F32) for case in ACTIVATION_CASES if case.op not in IN_BOTH])


def name_of(value):
    return repr(value.op) if isinstance(value, Case) else str(value)


activations = pytest.mark.parametrize("case", ACTIVATION_CASES, ids=name_of)
activations_and_dtypes = pytest.mark.parametrize(
    ("case", "dtype"),
    [*((case, F64) for case in ACTIVATION_CASES), *((case, F32) for case in ACTIVATION_CASES if case.op in IN_BOTH),
     *MORE],
    ids=name_of,
)  # fmt: skip
# Where a formula passes an argument u with rounding on to e^u, the value has |u| times that error.
EXPONENTIATED = {GELU("tanh"): lambda z: np.abs(2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))}


def kernel_parameters(op, dtype):
    """As the kernels read them: of the op, and a panel's width of those that units learn."""
    return rows.parameter_array(op, dtype), np.full(tile(dtype).panel, op.values[0] if op.per_unit else np.nan, dtype)


def activate(op, z):
    a = z.copy()
    call(ACTIVATE, rows.activate(op, z.dtype), z.dtype, a, a, a.size, *kernel_parameters(op, z.dtype))
    return a


def derive(op, delta, x):
    delta, (parameters, units) = delta.copy(), kernel_parameters(op, x.dtype)
    if rows.keeps_derivative(op):
        a, x, z, by_unit = x.copy(), np.full_like(x, 7), x, np.full_like(x, 7)
        kernel = rows.activate_and_derive(op, x.dtype)
        call(ACTIVATE_AND_DERIVE, kernel, x.dtype, a, x, by_unit, x.size, parameters, units)
        info = np.finfo(x.dtype)
        assert_allclose(a, activate(op, z), rtol=8 * info.eps, atol=info.tiny)
    call(DERIVE, rows.derive(op, x.dtype), x.dtype, delta, x, x.size, parameters)
    return delta


@activations
def test_activation_formula_equals_the_reference(case):
    op, (g, slope) = case.op, case.reference
    z = np.concatenate([GRID, [0.0]])
    a = np.array([op.function(float(v), op.values) for v in z])
    rounding = 1 + EXPONENTIATED.get(op, np.zeros_like)(z)
    assert (np.abs(a - g(z)) <= 1e-14 * rounding * np.abs(g(z)) + 1e-300).all()
    if np.ptp(slope(np.array([1e-9, -1e-9]))) > 1e-3:
        z, a = z[:-1], a[:-1]  # a kink: the slope at 0 is one of the two
    x = z if op.derivative_of == "input" else a
    slopes = [op.derivative(float(v), op.values) for v in x]
    assert_allclose(slopes, slope(z), rtol=1e-12, atol=1e-15)


@activations
def test_activation_derivative_equals_central_differences(case):
    op = case.op
    assert op.derivative_of in ("input", "output")
    for z in GRID.tolist():
        up, down = op.function(z + STEP, op.values), op.function(z - STEP, op.values)
        x = z if op.derivative_of == "input" else op.function(z, op.values)
        assert_allclose(op.derivative(x, op.values), (up - down) / (2 * STEP), rtol=1e-8, atol=2e-9, err_msg=str(z))


@activations_and_dtypes
@pytest.mark.paths
def test_compiled_activation_equals_the_reference(case, dtype):
    op, (g, slope) = case.op, case.reference
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    small = 10.0 ** rng.uniform(-30, 0, 30)
    z = np.concatenate([GRID, 30 * rng.normal(size=240), small, -small]).astype(dtype)
    exact = z.astype(float)
    a = activate(op, z)
    rounding = ULPS * info.eps * (1 + EXPONENTIATED.get(op, np.zeros_like)(exact))
    # What rounding z would change: parameters round, the reference of GELU's tail does, and a sum may cancel.
    scale = np.abs(exact * slope(exact)) if isinstance(op, (Sine, HardSigmoid, GELU)) else 0
    assert (np.abs(a - g(exact)) <= rounding * (np.abs(g(exact)) + scale) + info.tiny).all()
    x = z if op.derivative_of == "input" else a
    delta = rng.normal(size=z.size).astype(dtype)
    expected = delta * slope(exact)
    # where g is flat its slope, made from g, has the absolute error of g
    assert (np.abs(derive(op, delta, x) - expected) <= rounding * (np.abs(expected) + 1)).all()


@activations_and_dtypes
@pytest.mark.paths
def test_activation_at_the_ends_of_the_range(case, dtype):
    op, info = case.op, np.finfo(dtype)
    low, low_finite, middle, high_finite, high = case.ends
    small = float(info.smallest_subnormal)
    points = [-np.inf, -1e4, -0.0, 0.0, 1e4, np.inf, small, -small]
    expected = [low, low_finite, middle, middle, high_finite, high, middle, middle]
    close = {"rtol": 2 * info.eps, "atol": 8 * small}
    # every point in a whole vector and in a remainder
    for repeats in (1, 64):
        z = np.repeat(np.array(points, dtype), repeats)
        a = activate(op, z)
        assert_allclose(a, np.repeat(expected, repeats), **close)
        x = z if op.derivative_of == "input" else a
        slopes = derive(op, np.ones_like(z), x)
        finite = np.isfinite(np.repeat(expected, repeats)) | np.isinf(z) & ~np.isnan(a)
        assert np.isfinite(slopes[finite]).all()
        if np.isfinite(low) and not op == Sine(op.get_params().get("frequency", 1.0)):
            assert (slopes[z < -1] == 0).all()
        if high == np.inf:
            assert_allclose(slopes[z > 1], case.reference[1](np.array([50.0]))[0], rtol=2 * info.eps)
    with np.errstate(all="ignore"):
        plain = [op.function(z, op.values) for z in points]
        assert_allclose(plain, expected, rtol=1e-12, atol=8 * small)


@activations_and_dtypes
def test_nan_stays_nan_and_alone(case, dtype):
    op, n = case.op, 77
    clean = activate(op, np.linspace(-3, 3, n).astype(dtype))
    ones = np.ones(n, dtype)
    for position in (0, 1, 40, n - 1):
        z = np.linspace(-3, 3, n).astype(dtype)
        z[position] = np.nan
        a = activate(op, z)
        assert np.isnan(a[position])
        others = np.arange(n) != position
        assert_array_equal(a[others], clean[others])
        # a delta that is NaN stays so, even where the slope is 0
        delta = ones.copy()
        delta[position] = np.nan
        x = np.linspace(-3, 3, n).astype(dtype) if op.derivative_of == "input" else clean
        assert np.isnan(derive(op, delta, x)[position])
        assert np.isfinite(derive(op, delta, x)[others]).all()
    assert np.isnan(op.function(float("nan"), op.values))


@activations_and_dtypes
def test_activation_has_the_same_bits_at_any_length(case, dtype):
    op = case.op
    z = (4 * np.random.default_rng(1).normal(size=150)).astype(dtype)
    whole = activate(op, z)
    for n in (1, 3, 8, 17, 63, 149):
        assert_array_equal(activate(op, z[:n]), whole[:n])
        assert_array_equal(derive(op, z[:n], whole[:n]), derive(op, z, whole)[:n])


@pytest.mark.parametrize(
    "case",
    [*(case for case in ACTIVATION_CASES if case.op in IN_BOTH),
     *exhaustive([case for case in ACTIVATION_CASES if case.op not in IN_BOTH])],
    ids=name_of,
)  # fmt: skip
def test_activation_in_single_precision_follows_double(case):
    z = (3 * np.random.default_rng(2).normal(size=1000)).astype(F32)
    double = activate(case.op, z.astype(F64))
    assert_allclose(activate(case.op, z), double, rtol=0, atol=2e-6 * np.maximum(1, np.abs(double)).max())
    assert not np.array_equal(activate(case.op, z), double) or case.op in PIECEWISE


# Exact in both types on the same arguments.
PIECEWISE = (
    *(ACTIVATIONS[name] for name in ("identity", "relu", "prelu", "hard_tanh")),
    LeakyReLU(0.5), PReLU(-0.5), HardSigmoid(0.5),
)  # fmt: skip


def _kernels():
    """(activation, what makes one of its kernels), one of each formula: nothing that is compiled here is kept."""
    for op in [*ACTIVATIONS.values(), GELU("tanh")]:
        keeps = rows.keeps_derivative(op)
        # where the derivative is kept, the formula of the values stands in that kernel, too
        for make, more in ((rows.activate, keeps), (rows.activate_and_derive if keeps else rows.derive, False)):
            marks = [pytest.mark.exhaustive] * (more or op not in IN_BOTH)
            yield pytest.param(op, make, id=f"{make.__name__} of {op!r}", marks=marks)
    yield pytest.param(GELU(), rows.derive, id="product with a derivative that was kept", marks=pytest.mark.exhaustive)


@pytest.mark.filterwarnings("ignore:fastnet could not save its machine code:RuntimeWarning")
@pytest.mark.parametrize("dtype", [F32, *exhaustive([F64])], ids=str)  # each compiles the same loops
@pytest.mark.parametrize(("op", "make"), list(_kernels()))
def test_loops_of_activations_are_whole_vectors(op, make, dtype, monkeypatch):
    """No call to a library, one element at a time, may stand in a loop."""
    monkeypatch.setattr(jit, "cache_directory", lambda: None)  # code from a cache cannot be looked at
    monkeypatch.setattr(jit, "_told", True)  # that none is saved
    monkeypatch.setattr(jit, "_compiled", {})
    make.__wrapped__(op, dtype)
    (compiled,) = jit._compiled.values()
    ir = compiled._library.get_llvm_str()
    element = "float" if dtype == F32 else "double"
    assert not re.search(r"@(llvm\.)?(exp|exp2|expm1|log|log1p|tanh|pow|sin|cos|erfc?)[f.(]", ir)
    if dtype == F32:
        assert not re.search(r"= [^\n]*\bdouble\b", ir)
    if op != ACTIVATIONS["identity"] and config.CPU_NAME != "generic":
        assert re.search(rf"<{tile(dtype).lanes} x {element}>|<{tile(dtype).lanes // 2} x {element}>", ir)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.paths
@pytest.mark.parametrize(
    ("op", "name", "rtol"), [(PReLU(), "prelu", 0), (Parametric(Mish()), "parametric_mish", 1e-5),
                             (Parametric(LeakyReLU(0.3)), "parametric_leaky_relu", 1e-5)], ids=repr,
)  # fmt: skip
def test_units_have_slopes_of_their_own(op, name, rtol, dtype):
    """Rows of a panel's width, the last one cut short; NaN stays alone here too."""
    panel, formulas = tile(dtype).panel, naive_ops.LEARNT.get(name)
    if name == "parametric_mish":
        formulas = naive_ops.mixed(lambda z: naive_ops.mish(z)[0], lambda z: naive_ops.mish(z)[1])
    elif name == "parametric_leaky_relu":
        formulas = naive_ops.mixed(lambda z: np.maximum(z, 0.3 * z), lambda z: np.where(z > 0, 1, 0.3))
    slopes = np.random.default_rng(3).normal(size=panel).astype(dtype)
    z = np.random.default_rng(4).normal(size=5 * panel - 3).astype(dtype)
    z[7] = np.nan
    with np.errstate(invalid="ignore"):
        g, by_z, by_slope = (f(z.astype(float), np.resize(slopes, z.size).astype(float)) for f in formulas)
    close = {"rtol": rtol and (1e-5 if dtype == F32 else 1e-12), "atol": rtol and (1e-6 if dtype == F32 else 1e-13)}
    a, known = z.copy(), np.arange(z.size) != 7
    call(ACTIVATE, rows.activate(op, dtype), dtype, a, a, a.size, rows.parameter_array(op, dtype), slopes)
    assert_allclose(a, g.astype(dtype), **close)
    a, derivatives, by_unit = z.copy(), np.empty_like(z), np.empty_like(z)
    call(ACTIVATE_AND_DERIVE, rows.activate_and_derive(op, dtype), dtype, a, derivatives, by_unit, a.size,
         rows.parameter_array(op, dtype), slopes)  # fmt: skip
    for actual, expected in ((a, g), (derivatives, by_z), (by_unit, by_slope)):
        assert_allclose(actual[known], expected.astype(dtype)[known], **close)


# name -> PyTorch's function of a tensor
TORCH = {
    "leaky_relu": lambda torch: torch.nn.functional.leaky_relu,
    "prelu": lambda torch: lambda z: torch.nn.functional.prelu(z, torch.tensor([0.25], dtype=z.dtype)),
    "parametric": lambda torch: torch.nn.functional.selu,
    "Parametric(activation=Mish(), alpha=0.5)": lambda torch: lambda z: (z + torch.nn.functional.mish(z)) / 2,
    "Parametric(activation=LeakyReLU(), alpha=0.5)": lambda torch: lambda z: torch.where(z > 0, z, 0.505 * z),
    "elu": lambda torch: torch.nn.functional.elu,
    "selu": lambda torch: torch.nn.functional.selu,
    "gelu": lambda torch: torch.nn.functional.gelu,
    "silu": lambda torch: torch.nn.functional.silu,
    "mish": lambda torch: torch.nn.functional.mish,
    "softplus": lambda torch: lambda z: torch.nn.functional.softplus(z, threshold=1000),
    "hard_sigmoid": lambda torch: torch.nn.functional.hardsigmoid,
    "hard_tanh": lambda torch: torch.nn.functional.hardtanh,
    "sine": lambda torch: torch.sin,
    "relu": lambda torch: torch.relu,
    "tanh": lambda torch: torch.tanh,
    "logistic": lambda torch: torch.sigmoid,
    "identity": lambda torch: lambda z: 1 * z,
    "ELU(alpha=0.25)": lambda torch: lambda z: torch.nn.functional.elu(z, alpha=0.25),
    "LeakyReLU(slope=0.5)": lambda torch: lambda z: torch.nn.functional.leaky_relu(z, 0.5),
    "PReLU(slope=-0.5)": lambda torch: lambda z: torch.nn.functional.prelu(z, torch.tensor([-0.5], dtype=z.dtype)),
    "HardSigmoid(slope=0.5)": lambda torch: lambda z: torch.clamp(z / 2 + 0.5, 0, 1),
    "Sine(frequency=4.0)": lambda torch: lambda z: torch.sin(4 * z),
    "GELU(approximate='tanh')": lambda torch: lambda z: torch.nn.functional.gelu(z, approximate="tanh"),
}


@activations
@pytest.mark.oracle
def test_activation_and_slope_equal_pytorchs(case):
    import torch

    key = case.name or repr(case.op)
    function = known(TORCH, key, "TORCH of tests/test_activations.py", "its function in PyTorch")(torch)
    points = np.concatenate([GRID, [-1e4, 1e4, -50, 50]])
    if isinstance(case.op, (ELU, SELU, LeakyReLU, PReLU, ReLU, HardTanh, HardSigmoid)):
        points = np.concatenate([points, [0.0, 1.0, -1.0]])  # their kinks, but where z / 6 + 1 / 2 rounds
    z = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    value = function(z)
    value.sum().backward()
    a = activate(case.op, points)
    assert_allclose(a, value.detach().numpy(), rtol=1e-13, atol=1e-14)
    kink = isinstance(case.op, ELU) and case.op.alpha != 1  # PyTorch's slope there is that of z >= 0
    slopes = derive(case.op, np.ones_like(points), points if case.op.derivative_of == "input" else a)
    keep = points != 0 if kink or isinstance(case.op, HardSigmoid) and case.op.slope == 0.5 else slice(None)
    if key == "HardSigmoid(slope=0.5)":
        keep = (np.abs(points) != 1) & (points != 0)  # clamp passes the gradient on at its ends
    # PyTorch's slope of the hard sigmoid is 1/6 in single precision
    rtol = 1e-7 if case.name == "hard_sigmoid" else 1e-12
    assert_allclose(slopes[keep], z.grad.numpy()[keep], rtol=rtol, atol=1e-13)
