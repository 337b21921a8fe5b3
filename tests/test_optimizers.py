"""The compiled update rules on functions: PyTorch's steps, hand-worked steps, and where they come to rest."""

from dataclasses import replace

import numpy as np
import pytest
from driver import Driver
from marks import crossed, exhaustive
from numpy.testing import assert_allclose, assert_array_equal

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

CURVATURES, TARGET = np.array([1.0, 3.0, 10.0, 30.0]), np.array([1.0, -2.0, 3.0, 0.05])
# rule, rate on the quadratic, rate on Rosenbrock's function, how near it comes there
RULES = [
    (SGD(0.0, False), 0.05, 0.001, 2e-2),
    (SGD(0.9, False), 0.02, 5e-4, 1e-6),
    (SGD(), 0.02, 5e-4, 1e-6),
    (SGD(0.9, False, averaged=True), 0.05, 0.002, 1e-3),
    (SGD(averaged=True), 0.05, 0.002, 1e-3),
    (AdaGrad(), 0.5, 0.5, 1e-3),
    (Adadelta(), 1.0, 1.0, 1e-3),
    (RMSProp(), 0.05, 0.01, 1e-3),
    (RMSProp(momentum=0.9), 0.01, 0.002, 1e-4),
    (RMSProp(epsilon=1e-2, centred=True), 0.02, 0.002, 1e-4),
    (RMSProp(epsilon=1e-2, momentum=0.9, centred=True), 0.002, 5e-4, 1e-6),
    (Adam(), 0.1, 0.02, 1e-6),
    (AdamW(weight_decay=0.0), 0.1, 0.02, 1e-6),
    (AMSGrad(), 0.1, 0.02, 1e-3),
    (AdaMax(), 0.1, 0.02, 1e-6),
    (NAdam(), 0.1, 0.02, 1e-6),
    (Lion(), 0.05, 0.005, 1e-3),
    (Rprop(), 0.01, 0.01, 1e-2),
    (ScheduleFreeAdamW(), 0.1, 0.03, 1e-3),
]
rules = pytest.mark.parametrize("op, rate, steep_rate, distance", RULES, ids=[repr(rule[0]) for rule in RULES])
FEW = RULES[::5]


def rosenbrock(w):
    """Gradient of (1 - x)^2 + 100 (y - x^2)^2."""
    return np.array([2 * (w[0] - 1) - 400 * w[0] * (w[1] - w[0] ** 2), 200 * (w[1] - w[0] ** 2)])


def quadratic(w):
    return CURVATURES * (w - TARGET)


def descend(op, gradient, w, rate, n_steps):
    """The weights after steps whose rate falls to 0."""
    driver = Driver(op, w)
    for step in range(n_steps):
        driver.step(gradient(driver.w), rate * (1 - step / n_steps))
    return driver.evaluated


def test_every_rule_is_tested_here():
    assert {type(op) for op, *_ in RULES} == {type(op) for op in OPTIMIZERS.values()}


@rules
def test_rests_at_the_minimum_of_a_quadratic(op, rate, steep_rate, distance):
    assert_allclose(descend(op, quadratic, np.zeros(4), rate, 2000), TARGET, atol=1e-4)


# Twenty thousand steps each; that each is the right one is shown elsewhere.
@pytest.mark.parametrize(
    "op, rate, steep_rate, distance", [*FEW, *exhaustive([rule for rule in RULES if rule not in FEW])], ids=repr
)
def test_finds_the_minimum_of_rosenbrocks_function(op, rate, steep_rate, distance):
    assert_allclose(descend(op, rosenbrock, [-1.2, 1.0], steep_rate, 20000), [1, 1], atol=distance)


@rules
def test_rests_at_the_penalised_minimum(op, rate, steep_rate, distance):
    """Of |w| the soft threshold, in closed form."""
    if not op.takes_l1:
        pytest.skip("refused by the estimators")
    l1 = 2.0
    expected = np.sign(TARGET) * np.maximum(np.abs(TARGET) - l1 / CURVATURES, 0)
    assert_array_equal(expected == 0, [True, False, False, True])
    if getattr(op, "centred", False):  # the gradient rests at the penalty's slope: its variance vanishes
        op = replace(op, epsilon=1.0)
    driver = Driver(op, np.full(4, 0.3))
    for _ in range(3000):
        driver.step(quadratic(driver.w), rate, l1=l1)
    assert_allclose(driver.w, expected, atol=1e-6)
    assert_array_equal(driver.w == 0, expected == 0)


@pytest.mark.parametrize("op", [AdamW(weight_decay=0.3), Lion(weight_decay=0.3), ScheduleFreeAdamW(weight_decay=0.3)])
def test_decoupled_decay_shrinks_weights_without_gradient_and_no_biases(op):
    weights, biases = Driver(op, [2.0, -1.0]), Driver(op, [2.0, -1.0])
    for _ in range(3):
        weights.step(np.zeros(2), 0.1)
        biases.step(np.zeros(2), 0.1, decay=0.0)
    assert_array_equal(biases.w, [2, -1])
    if isinstance(op, ScheduleFreeAdamW):
        z, x, y = 1.0, 1.0, 1.0
        for t in (1, 2, 3):
            z -= 0.1 * 0.3 * y
            x += (z - x) / t
            y = 0.1 * z + 0.9 * x
        assert_allclose(weights.evaluated, np.multiply(x, [2, -1]), rtol=1e-14)
        assert_allclose(weights.w, np.multiply(y, [2, -1]), rtol=1e-14)
    else:
        assert_allclose(weights.w, np.multiply((1 - 0.1 * 0.3) ** 3, [2, -1]), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, *exhaustive([np.float32])])
def test_what_is_padding_stays_zero(dtype):
    for op, *_ in RULES:
        driver = Driver(op, np.zeros(40), dtype)
        for _ in range(4):
            driver.step(np.zeros(40), 0.1)
        assert not driver.w.any(), op


@pytest.mark.parametrize("op", [op for op, *_ in RULES], ids=repr)
def test_a_gradient_that_is_nan_shows_in_its_own_weight(op):
    driver = Driver(op, np.ones(40))
    gradient = np.linspace(-1, 1, 40)
    driver.step(gradient, 0.01)
    driver.step(np.where(np.arange(40) == 7, np.nan, gradient), 0.01)
    for _ in range(3):
        driver.step(gradient, 0.01)
        assert_array_equal(np.isnan(driver.w), np.arange(40) == 7)


# ---- by hand -----------------------------------------------------------------------------------------


def trace(op, gradients, rate, w=1.0):
    """Weight and states after each step on the given gradients."""
    driver, result = Driver(op, [w]), []
    for g in gradients:
        driver.step([g], rate)
        result.append([float(driver.w[0]), *(float(s[0]) for s in driver.states)])
    return result


def test_momentum_in_both_forms_by_hand():
    # v: -0.1, then 0.5 * -0.1 - 0.2
    assert_allclose(trace(SGD(0.5, False), [1.0, 2.0], 0.1), [[0.9, -0.1], [0.65, -0.25]])
    # v: 0.5, then 0.25 + 1
    assert_allclose(trace(SGD(0.5, False, averaged=True), [1.0, 2.0], 0.1), [[0.95, 0.5], [0.825, 1.25]])
    # Nesterov looks ahead: 0.5 * 0.5 + 0.5 * 1 = 0.75, then 0.5 * 1.25 + 0.5 * 2 = 1.625
    assert_allclose(trace(SGD(0.5, True, averaged=True), [1.0, 2.0], 0.1), [[0.925, 0.5], [0.7625, 1.25]])


def test_averaged_momentum_is_the_other_form_with_a_smaller_rate():
    gradients = np.random.default_rng(0).normal(size=20)
    for nesterov in (False, True):
        one = trace(SGD(0.8, nesterov, averaged=True), gradients, 0.1)
        other = trace(SGD(0.8, nesterov), gradients, 0.1 * (1 - 0.8))
        assert_allclose([w for w, _ in one], [w for w, _ in other], rtol=1e-13)


def test_adagrad_by_hand():
    # s: 9, 25; steps 0.1 * 3/3, 0.1 * 4/5
    assert_allclose(trace(AdaGrad(), [3.0, 4.0], 0.1), [[0.9, 9], [0.82, 25]])


def test_lion_by_hand():
    # c = 0.05, then 0.9 * 0.005 - 0.1 * 0.02 > 0, then 0.9 * 0.00475 - 0.1 * 1 < 0
    expected = [[0.9, 0.005], [0.8, 0.00475], [0.9, -0.0052975]]
    assert_allclose(trace(Lion(), [0.5, -0.02, -1.0], 0.1), expected)


def test_rprop_by_hand():
    # grows, turns and rests, goes on with the halved step without growing it, grows
    gradients = [1.0, 3.0, -2.0, -2.0, -1e-300]
    expected = [[0.9, 1, 0.1], [0.78, 1, 0.12], [0.78, 0, 0.06], [0.84, -1, 0.06], [0.912, -1, 0.072]]
    assert_allclose(trace(Rprop(), gradients, 0.1), expected)
    assert trace(Rprop(largest=0.11), [1.0, 1.0], 0.1)[1][2] == 0.11
    assert trace(Rprop(smallest=0.09), [1.0, -1.0], 0.1)[1][2] == 0.09


def test_schedule_free_averages_all_iterates_at_a_constant_rate():
    op, gradients = ScheduleFreeAdamW(beta_1=0.7), np.random.default_rng(1).normal(size=12)
    driver, iterates = Driver(op, [1.0]), []
    for g in gradients:
        driver.step([g], 0.1)
        iterates.append(float(driver.states[0][0]))
        x = np.mean(iterates)
        assert_allclose(driver.evaluated, x, rtol=1e-13)
        assert_allclose(driver.w, 0.3 * iterates[-1] + 0.7 * x, rtol=1e-13)
        assert_allclose(op.trained(driver.evaluated, driver.states), driver.w, rtol=1e-13)


@pytest.mark.parametrize(("beta_1", "psi"), crossed([0.0, 0.5, 0.9, 0.999], [0.0, 1.0, 0.004, 30.0]))
def test_the_product_of_nadams_momenta_equals_the_loop(beta_1, psi):
    product = 1.0
    for step in range(1, 1501):
        product *= beta_1 * (1 - 0.5 * 0.96 ** (step * psi))
        numbers = NAdam.prepare(float(step), 1.0, (beta_1, 0.0, 1e-8, psi))
        now, ahead = (beta_1 * (1 - 0.5 * 0.96 ** (t * psi)) for t in (step, step + 1))
        assert_allclose(numbers[:2], [(1 - now) / (1 - product), ahead / (1 - product * ahead)], rtol=1e-11)


# ---- PyTorch -----------------------------------------------------------------------------------------


def _torch_rules():
    """(rule, name in torch.optim, its options, {our state: (its state, factor)})"""
    velocity, moments = {0: ("momentum_buffer", -0.05)}, {0: ("exp_avg", 1), 1: ("exp_avg_sq", 1)}
    tiny = 1e-40  # Adam adds epsilon elsewhere
    return [
        (SGD(0.9, False), "SGD", {"momentum": 0.9}, velocity),
        (SGD(0.8, True), "SGD", {"momentum": 0.8, "nesterov": True}, velocity),
        (SGD(0.8, False, True), "SGD", {"momentum": 0.8, "dampening": 0.8}, {0: ("momentum_buffer", 1)}),
        (AdaGrad(1e-3), "Adagrad", {"eps": 1e-3}, {0: ("sum", 1)}),
        (Adadelta(0.8, 1e-4), "Adadelta", {"rho": 0.8, "eps": 1e-4}, {0: ("square_avg", 1), 1: ("acc_delta", 1)}),
        (RMSProp(0.8, 1e-3), "RMSprop", {"alpha": 0.8, "eps": 1e-3}, {0: ("square_avg", 1)}),
        (
            RMSProp(0.8, 1e-3, 0.7), "RMSprop", {"alpha": 0.8, "eps": 1e-3, "momentum": 0.7},
            {0: ("square_avg", 1), 1: ("momentum_buffer", 1)},
        ),
        (
            RMSProp(0.8, 1e-3, 0.7, True), "RMSprop",
            {"alpha": 0.8, "eps": 1e-3, "momentum": 0.7, "centered": True},
            {0: ("square_avg", "variance"), 1: ("grad_avg", 1), 2: ("momentum_buffer", 1)},
        ),
        (Adam(0.7, 0.8, tiny), "Adam", {"betas": (0.7, 0.8), "eps": tiny}, moments),
        (
            AdamW(0.7, 0.8, 1e-3, 0.4), "AdamW", {"betas": (0.7, 0.8), "eps": 1e-3, "weight_decay": 0.4}, moments,
        ),
        (
            AMSGrad(0.7, 0.8, 1e-3), "Adam", {"betas": (0.7, 0.8), "eps": 1e-3, "amsgrad": True},
            {**moments, 2: ("max_exp_avg_sq", 1)},
        ),
        (
            AdaMax(0.7, 0.8, 1e-3), "Adamax", {"betas": (0.7, 0.8), "eps": 1e-3},
            {0: ("exp_avg", 1), 1: ("exp_inf", 1)},
        ),
        (NAdam(0.7, 0.8, 1e-3, 0.5), "NAdam", {"betas": (0.7, 0.8), "eps": 1e-3, "momentum_decay": 0.5}, moments),
        (
            Rprop(0.4, 1.3, 0.02, 0.09), "Rprop", {"etas": (0.4, 1.3), "step_sizes": (0.02, 0.09)},
            {0: ("prev", "sign"), 1: ("step_size", 1)},
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("op, name, options, states", _torch_rules(), ids=lambda value: repr(value)[:40])
@pytest.mark.oracle
def test_ten_steps_equal_pytorchs(op, name, options, states):
    import torch

    rng = np.random.default_rng(0)
    start, matrix = rng.normal(size=6), rng.normal(size=(9, 6))
    driver = Driver(op, start)
    w = torch.tensor(start, requires_grad=True)
    theirs = getattr(torch.optim, name)([w], lr=0.05, **options)
    if "dampening" in options:  # else its first buffer is the gradient, not damped
        theirs.state[w]["momentum_buffer"] = torch.zeros(6, dtype=torch.float64)
    for _ in range(10):
        theirs.zero_grad()
        torch.log1p((torch.tensor(matrix) @ w - 0.3) ** 2).sum().backward()
        driver.step(w.grad.numpy(), 0.05)
        theirs.step()
        rtol = 1e-6 if name == "NAdam" else 1e-11  # its product of momenta is a float32
        assert_allclose(driver.w, w.detach().numpy(), rtol=rtol, atol=1e-13)
        assert len(states) == op.n_states
        for index, (key, factor) in states.items():
            state = theirs.state[w][key].numpy()
            if factor == "variance":
                expected = state - theirs.state[w]["grad_avg"].numpy() ** 2
            else:
                expected = np.sign(state) if factor == "sign" else factor * state
            assert_allclose(driver.states[index], expected, rtol=10 * rtol, atol=1e-13)
