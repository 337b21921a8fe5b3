"""Every op, found in its registry: formulas and compiled kernels against independent references, and as values.

Add the reference that the message of a failing test names; everything else finds a new op by itself.
"""

import copy
import pickle
import re
from dataclasses import FrozenInstanceError, replace

import naive
import naive_optimizers
import numpy as np
import pytest
from kernel_calls import DTYPES, F32, F64, call, known
from numba import carray, cfunc, types
from numpy.testing import assert_allclose, assert_array_equal
from problems import Problem, distance
from sklearn.base import clone

from fastnet.kernels.jit import FASTMATH, retyped
from fastnet.network.initializers import INITIALIZERS
from fastnet.ops import rows
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adam,
    AdamW,
    Lion,
    NAdam,
    RMSProp,
    Rprop,
    ScheduleFreeAdamW,
)
from fastnet.ops.registry import Choice, Number, Op
from fastnet.ops.schedules import SCHEDULES

# No kink at a round number is nearer than the step of a difference.
GRID = np.linspace(-8, 8, 161) + 0.0137
STEP = 1e-5
ULPS = 8  # of the compiled kernels; their functions state at most 2.7

# Known values at the ends of the range: {name: (of -inf, of -1e4, of 0, of 1e4, of inf)}
ACTIVATION_ENDS = {
    "identity": (-np.inf, -1e4, 0, 1e4, np.inf),
    "logistic": (0, 0, 0.5, 1, 1),
    "tanh": (-1, -1, 0, 1, 1),
    "relu": (0, 0, 0, 1e4, np.inf),
}


# Other parameters to test, besides the registered ones.
VARIANTS = {
    "sgd": [SGD(0.0, False), SGD(0.8, False), SGD(0.5, True), SGD(0.8, False, True), SGD(0.5, True, True)],
    "adadelta": [Adadelta(0.5, 1e-3)],
    "rmsprop": [RMSProp(0.6, 1e-3, 0.8), RMSProp(0.6, 1e-2, 0.0, True), RMSProp(0.6, 1e-2, 0.7, True)],
    "adam": [Adam(0.5, 0.7, 1e-3), Adam(0.0, 0.0, 1e-8)],
    "adamw": [AdamW(0.5, 0.7, 1e-3, 2.0), AdamW(weight_decay=0.0)],
    "nadam": [NAdam(0.5, 0.7, 1e-3, 1.0), NAdam(momentum_decay=0.0)],
    "lion": [Lion(0.5, 0.7, 2.0)],
    "rprop": [Rprop(0.3, 1.9, 0.015, 0.05)],
    "schedule_free_adamw": [ScheduleFreeAdamW(0.5, 0.7, 1e-3, 2.0)],
}


def activation_reference(name):
    """(g, g') in float64."""
    # `problems` enters what it does not know with no derivative.
    if naive.ACTIVATIONS.get(name, (None, None))[1] is None:
        pytest.fail(f"give {name!r} its g and g' in naive.ACTIVATIONS (tests/naive.py), in plain NumPy")
    return naive.ACTIVATIONS[name]


def twin(op, parameters):
    """The optimizer's plain NumPy twin."""
    cls = getattr(naive_optimizers, type(op).__name__, None)
    if cls is None:
        pytest.fail(f"write the twin of {type(op).__name__} in tests/naive_optimizers.py: a class of that name "
                    f"whose __init__ takes params and {', '.join(op.get_params())}, like AdamW there")
    return cls(parameters, **op.get_params())


def activate(op, z):
    a = z.copy()
    call(rows.activate(op, z.dtype), a, a.size, rows.parameter_array(op, z.dtype))
    return a


def derive(op, delta, x):
    delta = delta.copy()
    call(rows.derive(op, x.dtype), delta, x, x.size, rows.parameter_array(op, x.dtype))
    return delta


# ---- activations -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_formula_equals_the_reference(name):
    op, (g, slope) = ACTIVATIONS[name], activation_reference(name)
    z = np.concatenate([GRID, [0.0]])
    a = np.array([op.function(float(v), op.values) for v in z])
    assert_allclose(a, g(z), rtol=1e-14, atol=1e-300)
    x = z if op.derivative_of == "input" else a
    slopes = [op.derivative(float(v), op.values) for v in x]
    assert_allclose(slopes, slope(z), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_derivative_equals_central_differences(name):
    op = ACTIVATIONS[name]
    assert op.derivative_of in ("input", "output")
    for z in GRID.tolist():
        up, down = op.function(z + STEP, op.values), op.function(z - STEP, op.values)
        x = z if op.derivative_of == "input" else op.function(z, op.values)
        assert_allclose(op.derivative(x, op.values), (up - down) / (2 * STEP), rtol=1e-8, atol=1e-9, err_msg=str(z))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_compiled_activation_equals_the_reference(name, dtype):
    op, (g, slope) = ACTIVATIONS[name], activation_reference(name)
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    small = 10.0 ** rng.uniform(-30, 0, 30)
    z = np.concatenate([GRID, 30 * rng.normal(size=240), small, -small]).astype(dtype)
    exact = z.astype(float)
    a = activate(op, z)
    assert_allclose(a, g(exact), rtol=ULPS * info.eps, atol=info.tiny)
    x = z if op.derivative_of == "input" else a
    delta = rng.normal(size=z.size).astype(dtype)
    # where g is flat its slope, made from g, has the absolute error of g
    expected = delta * slope(exact)
    assert_allclose(derive(op, delta, x), expected, rtol=ULPS * info.eps, atol=ULPS * info.eps)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_at_the_ends_of_the_range(name, dtype):
    op, info = ACTIVATIONS[name], np.finfo(dtype)
    low, low_finite, middle, high_finite, high = known(
        ACTIVATION_ENDS, name, "ACTIVATION_ENDS of tests/test_ops.py", "its values at -inf, -1e4, 0, 1e4 and inf"
    )
    small = float(info.smallest_subnormal)
    points = [-np.inf, -1e4, -0.0, 0.0, 1e4, np.inf, small, -small]
    expected = [low, low_finite, middle, middle, high_finite, high, middle, middle]
    # every point in a whole vector and in a remainder
    for repeats in (1, 64):
        z = np.repeat(np.array(points, dtype), repeats)
        assert_allclose(activate(op, z), np.repeat(expected, repeats), rtol=0, atol=2 * small)
    with np.errstate(all="ignore"):
        assert_allclose([op.function(z, op.values) for z in points], expected, rtol=0, atol=2 * small)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays_nan_and_alone(name, dtype):
    op, n = ACTIVATIONS[name], 77
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


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_has_the_same_bits_at_any_length(name, dtype):
    op = ACTIVATIONS[name]
    z = (4 * np.random.default_rng(1).normal(size=150)).astype(dtype)
    whole = activate(op, z)
    for n in (1, 3, 8, 17, 63, 149):
        assert_array_equal(activate(op, z[:n]), whole[:n])
        assert_array_equal(derive(op, z[:n], whole[:n]), derive(op, z, whole)[:n])


# ---- optimizers --------------------------------------------------------------------------------------

RULES = [(name, op) for name, registered in OPTIMIZERS.items() for op in (registered, *VARIANTS.get(name, ()))]
rules = pytest.mark.parametrize("op", [op for _, op in RULES], ids=repr)


@pytest.mark.parametrize("l1", [0.0, 0.3])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@rules
def test_five_steps_on_fixed_gradients_equal_the_plain_twin(op, dtype, l1):
    if l1 and not op.takes_l1:
        pytest.skip("refused by the estimators")
    rng, n, rate = np.random.default_rng(0), 77, 0.02
    w = rng.normal(size=n).astype(dtype)
    gradients = rng.normal(size=(5, n)).astype(dtype) * np.logspace(-6, 3, n).astype(dtype)
    gradients[2, :5] = 0
    states, largest = [np.zeros(n, dtype) for _ in range(4)], np.zeros((4, n))
    numbers = np.full(rows.NUMBERS_SIZE, np.nan, dtype)
    plain = [w.astype(float)]
    reference = twin(op, plain)
    assert len(reference.states) == op.n_states
    for step in range(5):
        g = gradients[step].copy()
        parameters = rows.parameter_array(op, F64)
        call(rows.prepare(op, dtype), float(step + 1), rate, parameters, numbers)
        assert_array_equal(numbers[rows.N_NUMBERS :], [*numbers[: rows.N_NUMBERS - 1], 0])
        call(rows.update(op, dtype), w, g, *states, n, numbers, dtype.type(l1))
        assert_array_equal(g, gradients[step])
        plain, shrink = reference.step(plain, [g.astype(float)], rate)
        if l1:
            plain = [naive.soft(plain[0], shrink[0] * l1)]
        assert distance([w], plain) < (1e-13 if dtype == F64 else 1e-5)
        for i, (theirs,) in enumerate(reference.states):
            largest[i] = np.maximum(largest[i], np.abs(theirs))  # what cancels has the rounding of its terms
            assert (np.abs(states[i] - theirs) <= 4 * ULPS * np.finfo(dtype).eps * largest[i]).all()
    for unused in states[op.n_states :]:
        assert not unused.any()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@rules
def test_five_steps_of_a_session_leave_the_twins_state(op, dtype):
    problem = Problem(0, (5, 19, 3), "tanh", n_samples=30, dtype=dtype)
    n_layers = len(problem.coefs)
    plain = problem.coefs + problem.intercepts
    reference = twin(op, plain)
    with problem.session(optimizer=op, batch_size=6) as session:
        assert all(not array.any() for state in session.get_state() for array in state)
        session.run_epoch(np.arange(30), [0.05, 0.01, 0.0, 0.1, 0.05])
        states, (coefs, intercepts) = session.get_state(), session.get_parameters()
        assert session.step == 5
    reference.decays = [True] * n_layers + [False] * n_layers  # biases do not decay
    for first, rate in zip(range(0, 30, 6), [0.05, 0.01, 0.0, 0.1, 0.05], strict=True):
        batch = slice(first, first + 6)
        gradients = naive.gradient(
            plain[:n_layers], plain[n_layers:], problem.X[batch], problem.y[batch], "tanh", "squared_error"
        )
        plain, _ = reference.step(plain, gradients[0] + gradients[1], rate)
    tolerance = 1e-11 if dtype == F64 else 1e-4
    assert distance(coefs + intercepts, getattr(reference, "averages", plain)) < tolerance
    assert len(states) == len(reference.states) == op.n_states
    for ours, theirs in zip(states, reference.states, strict=True):
        assert [a.shape for a in ours] == [p.shape for p in plain]
        assert all(a.dtype == dtype for a in ours)
        assert distance(ours, theirs) < tolerance


# ---- all ops -----------------------------------------------------------------------------------------

OPS = [*ACTIVATIONS.values(), *LOSSES.values(), *SCHEDULES.values(), *INITIALIZERS.values(), *(op for _, op in RULES)]


@pytest.mark.parametrize("op", OPS, ids=repr)
def test_ops_are_frozen_values(op):
    cls = type(op)
    for same in (copy.copy(op), copy.deepcopy(op), pickle.loads(pickle.dumps(op)), eval(repr(op), {cls.__name__: cls})):
        assert type(same) is cls and same == op and hash(same) == hash(op) and repr(same) == repr(op)
    assert op != "op" and len({op, replace(op)}) == 1
    for other in OPS:
        assert (op == other) == (type(op) is type(other) and repr(op) == repr(other))
    with pytest.raises(FrozenInstanceError):
        op.anything = 1.0
    for field in cls.__dataclass_fields__:
        with pytest.raises(FrozenInstanceError):
            setattr(op, field, 0.5)
        value = other_value(op, field)
        changed = replace(op, **{field: value})
        assert changed != op and op not in {changed} and getattr(changed, field) == value


def other_value(op, name):
    """Another value that a parameter may have."""
    allowed, value = type(op).__dataclass_fields__[name].metadata["allowed"], getattr(op, name)
    if isinstance(allowed, Choice):
        return next(option for option in allowed.options if option != value)
    near = [value + 1, value - 1, value + 0.25, value - 0.25, value / 2]
    return next(v for v in near if allowed.allows(v) and v != value)


@pytest.mark.parametrize("op", OPS, ids=repr)
def test_each_parameter_says_what_it_may_be_and_refuses_the_rest(op):
    for name, field in type(op).__dataclass_fields__.items():
        allowed = field.metadata.get("allowed")
        assert isinstance(allowed, (Number, Choice)), f"declare {name} of {type(op).__name__} with number or choice"
        assert allowed.allows(field.default)
        outside = ["no such thing", None, float("nan"), float("inf"), [1.0]]
        if isinstance(allowed, Number):
            outside += [True, *(end - sign * (0 if allowed.closed in ("neither", other) else 1) for end, sign, other in
                                ((allowed.low, 1, "right"), (allowed.high, -1, "left")))]  # fmt: skip
        for value in outside:
            with pytest.raises(ValueError, match=f"The '{name}' parameter of {type(op).__name__} must be"):
                replace(op, **{name: value})


@pytest.mark.parametrize("op", [op for op in OPS if isinstance(op, Op)], ids=repr)
def test_parameters_of_ops_go_round(op):
    assert clone(op) == op
    parameters = op.get_params()
    assert type(op)(**parameters) == op
    assert list(parameters) == list(type(op).__dataclass_fields__)
    assert op.values == tuple(float(v) for v in parameters.values())
    for dtype in DTYPES:
        array = rows.parameter_array(op, dtype)
        assert array.dtype == dtype and array.shape == (rows.N_PARAMETERS,)
        assert_array_equal(array[: len(op.values)], np.array(op.values, dtype))
        assert not array[len(op.values) :].any()


def test_each_name_stands_for_an_op_of_its_own_with_default_parameters():
    for registry in (ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALIZERS):
        assert len({type(op) for op in registry.values()}) == len(registry)
        for op in registry.values():
            assert op == type(op)()


def _formulas():
    """(id, formula, number of states or None for a function of two arguments or fewer)"""
    for registry, names in ((ACTIVATIONS, ("function", "derivative")), (LOSSES, ("value", "gradient", "link"))):
        for name, op in registry.items():
            for formula in names:
                if hasattr(op, formula):
                    yield pytest.param(getattr(op, formula), id=f"{name}-{formula}")
    for _, op in RULES:
        yield pytest.param((op.update, op.n_states), id=f"{op!r}-update")


@pytest.mark.parametrize("formula", list(_formulas()))
def test_formula_computes_in_single_precision(formula):
    """A literal or a call that drags double along would halve the width of the vectors."""
    formula, n_states = formula if isinstance(formula, tuple) else (formula, 0)
    function, pointer = retyped(formula, F32), types.CPointer(types.float32)
    options = {"fastmath": FASTMATH, "error_model": "numpy", "cache": False}

    def one(x, y, p):
        x, p = carray(x, 4), carray(p, 8)
        x[0] = function(x[0], (p[0], p[1], p[2], p[3]))

    def two(x, y, p):
        x, p = carray(x, 4), carray(p, 8)
        x[0] = function(x[0], x[1], (p[0], p[1], p[2], p[3]))

    def one_state(x, y, p):
        x, y, p = carray(x, 4), carray(y, 4), carray(p, 8)
        x[0], x[1], states = function(x[0], x[1], (y[0],), (p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]))
        y[0] = states[0]

    def two_states(x, y, p):
        x, y, p = carray(x, 4), carray(y, 4), carray(p, 8)
        x[0], x[1], states = function(x[0], x[1], (y[0], y[1]), (p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]))
        y[0], y[1] = states

    def three_states(x, y, p):
        x, y, p = carray(x, 4), carray(y, 4), carray(p, 8)
        states = (y[0], y[1], y[2])
        x[0], x[1], states = function(x[0], x[1], states, (p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]))
        y[0], y[1], y[2] = states

    stateless = one if formula.__code__.co_argcount == 2 else two
    by_state = {0: stateless, 1: one_state, 2: two_states, 3: three_states}
    compiled = cfunc(types.void(pointer, pointer, pointer), **options)(by_state[n_states])
    assert not re.search(r"\b(double|fpext)\b", compiled.inspect_llvm())
