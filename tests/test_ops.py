"""Every op, found in its registry, as a value; optimizers against plain twins. Others have tests of their own, too.

Add the reference that the message of a failing test names; everything else finds a new op by itself.
"""

import copy
import pickle
import re
from dataclasses import FrozenInstanceError, fields, replace
from decimal import Decimal
from fractions import Fraction

import naive
import naive_optimizers
import numpy as np
import pytest
from kernel_calls import DTYPES, F32, F64, call
from marks import exhaustive
from numba import carray, cfunc, types
from numpy.testing import assert_array_equal
from problems import Problem, distance
from sklearn.base import clone
from test_activations import ACTIVATION_CASES

from fastnet.kernels.compiling.jit import FASTMATH, retyped
from fastnet.network.initializers import INITIALIZERS
from fastnet.ops.activations import ACTIVATIONS, Parametric
from fastnet.ops.allowed import Choice, Increasing, OneOf
from fastnet.ops.compiled import rows, signatures
from fastnet.ops.compiled.signatures import PREPARE, UPDATE
from fastnet.ops.losses import LOSSES, Gamma, Poisson
from fastnet.ops.optimizers import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adam,
    AdamW,
    Lion,
    NAdam,
    Optimizer,
    RMSProp,
    Rprop,
    ScheduleFreeAdamW,
)
from fastnet.ops.registry import Number, Op
from fastnet.ops.schedules import SCHEDULES

ULPS = 8  # of the compiled kernels
# What an op may hold, by the names that its repr has.
HELD = {type(op).__name__: type(op) for op in [*ACTIVATIONS.values(), *INITIALIZERS.values()]}

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


def twin(op, parameters):
    """The optimizer's plain NumPy twin."""
    cls = getattr(naive_optimizers, type(op).__name__, None)
    if cls is None:
        pytest.fail(f"write the twin of {type(op).__name__} in tests/naive_optimizers.py: a class of that name "
                    f"whose __init__ takes params and {', '.join(op.get_params())}, like AdamW there")
    return cls(parameters, **op.get_params())


# ---- optimizers --------------------------------------------------------------------------------------

RULES = [(name, op) for name, registered in OPTIMIZERS.items() for op in (registered, *VARIANTS.get(name, ()))]
# What networks of other tests train with in both dtypes; the kernels of the others are compiled for one in a plain run.
IN_BOTH = ("sgd", "adam", "adamw", "nadam", "lion", "schedule_free_adamw")
rules_and_dtypes = pytest.mark.parametrize(
    ("op", "dtype"),
    [*((op, F64) for _, op in RULES), *((op, F32) for name, op in RULES if name in IN_BOTH),
     *exhaustive([(op, F32) for name, op in RULES if name not in IN_BOTH])],
    ids=str,
)  # fmt: skip


@pytest.mark.parametrize("l1", [0.0, 0.3])
@rules_and_dtypes
def test_five_steps_on_fixed_gradients_equal_the_plain_twin(op, dtype, l1):
    if l1 and not op.takes_l1:
        pytest.skip("refused by the estimators")
    rng, n, rate = np.random.default_rng(0), 77, 0.02
    w = rng.normal(size=n).astype(dtype)
    gradients = rng.normal(size=(5, n)).astype(dtype) * np.logspace(-6, 3, n).astype(dtype)
    gradients[2, :5] = 0
    states, largest = [np.zeros(n, dtype) for _ in range(4)], np.zeros((4, n))
    numbers, undecayed = np.full((2, signatures.N_NUMBERS), np.nan, dtype)
    plain = [w.astype(float)]
    reference = twin(op, plain)
    assert len(reference.states) == op.n_states
    for step in range(5):
        g = gradients[step].copy()
        parameters = rows.parameter_array(op, dtype)
        call(PREPARE, rows.prepare(op, dtype), dtype, step + 1, rate, 1.0, parameters, numbers)
        call(PREPARE, rows.prepare(op, dtype), dtype, step + 1, rate, 0.0, parameters, undecayed)
        assert_array_equal(undecayed, [*numbers[:-1], 0])
        call(UPDATE, rows.update(op, dtype), dtype, w, g, *states, n, numbers, l1)
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


@rules_and_dtypes
def test_five_steps_of_a_session_leave_the_twins_state(op, dtype):
    problem = Problem(0, (5, 19, 3), "tanh", n_samples=30, dtype=dtype)
    n_layers = len(problem.coefs)
    plain = problem.coefs + problem.intercepts
    reference = twin(op, plain)
    with problem.session(optimizer=op, batch_size=6) as session:
        assert all(not array.any() for state in session.state.get_moments() for array in state)
        session.run_epoch(np.arange(30), [0.05, 0.01, 0.0, 0.1, 0.05])
        states, (coefs, intercepts) = session.state.get_moments(), session.get_parameters()
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

OPS = [
    *(case.op for case in ACTIVATION_CASES),
    *(op for registry in (LOSSES, SCHEDULES, INITIALIZERS) for op in registry.values()),
    *(op for _, op in RULES),
]


@pytest.mark.parametrize("op", OPS, ids=repr)
def test_ops_are_frozen_values(op):
    cls = type(op)
    evaluated = eval(repr(op), {**HELD, cls.__name__: cls})  # a schedule, too, is called Constant
    for same in (copy.copy(op), copy.deepcopy(op), pickle.loads(pickle.dumps(op)), evaluated):
        assert type(same) is cls and same == op and hash(same) == hash(op) and repr(same) == repr(op)
    assert op != "op" and len({op, replace(op)}) == 1
    for other in OPS:
        assert (op == other) == (type(op) is type(other) and repr(op) == repr(other))
    with pytest.raises(FrozenInstanceError):
        op.anything = 1.0
    for field in op.get_params():
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
    if isinstance(allowed, Increasing):
        return value[1:]
    if isinstance(allowed, OneOf):
        return next(other for other in allowed.registry.values() if allowed.allows(other) and other != value)
    near = [value / 2, value + 1, value - 1, value + 0.25, value - 0.25]
    return next(v for v in near if allowed.allows(v) and v != value)


@pytest.mark.parametrize("op", OPS, ids=repr)
def test_each_parameter_says_what_it_may_be_and_refuses_the_rest(op):
    for field in fields(op):
        name = field.name
        allowed = field.metadata.get("allowed")
        assert isinstance(allowed, (Number, Choice, Increasing, OneOf)), (
            f"declare {name} of {type(op).__name__} with number, choice, increasing or one_of"
        )
        assert allowed.allows(field.default)
        outside = ["no such thing", None, float("nan"), float("inf"), [1.0], 10**400, Decimal("0.5"), 0.5j]
        outside += [np.array(0.5)]
        if isinstance(allowed, Number):
            outside += [True, *(end - sign * (0 if allowed.closed in ("neither", other) else 1) for end, sign, other in
                                ((allowed.low, 1, "right"), (allowed.high, -1, "left")))]  # fmt: skip
        for value in outside:
            with pytest.raises(ValueError, match=f"The '{name}' parameter of {type(op).__name__} must be"):
                replace(op, **{name: value})


@pytest.mark.parametrize("op", OPS, ids=repr)
def test_numbers_of_any_type_become_plain_ones(op):
    for field in fields(op):
        name = field.name
        if not isinstance(field.metadata["allowed"], Number):
            continue
        value = getattr(op, name)
        types = [np.int64, np.int16] if field.metadata["allowed"].integral else [np.float64, np.float32, Fraction]
        for given in (kind(value) for kind in types):
            plain = type(value)(given)
            other = replace(op, **{name: given})
            assert type(getattr(other, name)) is type(value) and getattr(other, name) == plain
            same = replace(op, **{name: plain})
            assert other == same and hash(other) == hash(same) and repr(other) == repr(same)
            assert clone(other) == other and pickle.loads(pickle.dumps(other)) == other


@pytest.mark.parametrize("op", [op for op in OPS if isinstance(op, Op)], ids=repr)
def test_parameters_of_ops_go_round(op):
    assert clone(op) == op
    parameters = op.get_params()
    assert type(op)(**parameters) == op
    assert list(parameters) == [field.name for field in fields(op)]
    numbers = [v for v in parameters.values() if isinstance(v, (int, float))]
    if type(op) not in (Gamma, Poisson, Parametric):  # Tweedie with a power that is fixed, and what is held has its own
        assert op.values == tuple(float(v) for v in numbers)  # a choice of words is one of formulas
    for dtype in DTYPES:
        array = rows.parameter_array(op, dtype)
        read_as = F64 if isinstance(op, Optimizer) else dtype
        table = getattr(op, "table", ())
        assert array.dtype == read_as and array.shape == (signatures.N_PARAMETERS + len(table),)
        assert_array_equal(array[: len(op.values)], np.array(op.values, read_as))
        assert not array[len(op.values) : signatures.N_PARAMETERS].any()
        assert_array_equal(array[signatures.N_PARAMETERS :], np.array(table, read_as))


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
                if hasattr(op, formula) and getattr(op, "outputs_per_target", 1) == 1:
                    yield pytest.param(getattr(op, formula), id=f"{name}-{formula}")
    for _, op in RULES:
        yield pytest.param((op.update, op.n_states), id=f"{op!r}-update")


FORMULAS = list(_formulas())
# Each is compiled alone, and nothing of it is kept. test_activations.py looks at the code of all activations.
FEW = [f for f in FORMULAS if f.id.split("-")[0] not in ACTIVATIONS][::6]
MORE = [pytest.param(*f.values, id=f.id, marks=pytest.mark.exhaustive) for f in FORMULAS if f not in FEW]


@pytest.mark.parametrize("formula", FEW + MORE)
def test_formula_computes_in_single_precision(formula):
    """A literal or a call that drags double along would halve the width of the vectors."""
    import fastnet.kernels.mathematics.special  # noqa: F401 - tells Numba what elementary functions become

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

    def four_states(x, y, p):
        x, y, p = carray(x, 4), carray(y, 4), carray(p, 8)
        states = (y[0], y[1], y[2], y[3])
        x[0], x[1], states = function(x[0], x[1], states, (p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]))
        y[0], y[1], y[2], y[3] = states

    stateless = one if formula.__code__.co_argcount == 2 else two
    by_state = {0: stateless, 1: one_state, 2: two_states, 3: three_states, 4: four_states}
    compiled = cfunc(types.void(pointer, pointer, pointer), **options)(by_state[n_states])
    assert not re.search(r"\b(double|fpext)\b", compiled.inspect_llvm())
