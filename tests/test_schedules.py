"""Learning-rate schedules against closed forms and PyTorch's schedulers."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.ops.rates import rates_of_epoch
from fastnet.ops.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    Custom,
    Exponential,
    FlatCosine,
    InverseScaling,
    MultiCosine,
    OneCycle,
    ReduceOnPlateau,
    Step,
)

FIXED = [
    Constant(), Step(), Step(3, 0.5), Exponential(), Exponential(0.5), Cosine(), Cosine(end=0.1),
    Cosine(cycles=3), Cosine(0.2, 4, 2.0), Cosine(cycles=3, lengthening=0.5), OneCycle(), OneCycle(0.5, 0.1, 0.2),
    MultiCosine(), MultiCosine(1), FlatCosine(), FlatCosine(0.0, 0.1),
]  # fmt: skip


def by_batch(schedule, n_epochs, n_batches=1, rate=1.0, **kw):
    """The rates of all mini-batches of a training."""
    epochs = [rates_of_epoch(schedule, rate, epoch, n_batches, n_epochs, **kw) for epoch in range(n_epochs)]
    return np.concatenate(epochs)


def test_every_schedule_is_tested_here():
    dynamic = {InverseScaling, Adaptive, ReduceOnPlateau}
    assert {type(s) for s in FIXED} | dynamic == {type(s) for s in SCHEDULES.values()}


@pytest.mark.parametrize("schedule", FIXED, ids=repr)
def test_rates_are_a_function_of_time_alone(schedule):
    rates = by_batch(schedule, 12, n_batches=5)
    assert rates.shape == (60,) and rates.dtype == np.float64
    assert (rates >= 0).all() and (rates <= 1 + 1e-12).all()
    # with one mini-batch an epoch: every fifth of these
    assert_allclose(by_batch(schedule, 12), rates[::5], rtol=1e-12, atol=1e-12)
    assert_allclose(by_batch(schedule, 12, n_batches=5, rate=0.3), 0.3 * rates, rtol=1e-15)
    # beyond the last epoch the rate stays
    late = [schedule.factors(np.array([epochs]), 12)[0] for epochs in (12.0, 12.0 + 1e-9, 40.0)]
    if not isinstance(schedule, (Step, Exponential)):
        assert_allclose(late[1:], late[0], atol=1e-8)


def test_closed_forms():
    assert_allclose(by_batch(Step(3, 0.1), 7), [1, 1, 1, 0.1, 0.1, 0.1, 0.01])
    assert_allclose(by_batch(Exponential(0.5), 3, n_batches=2), 0.5 ** (np.arange(6) / 2))
    assert_allclose(by_batch(Cosine(), 4), [(1 + math.cos(math.pi * t / 4)) / 2 for t in range(4)])
    assert_allclose(by_batch(Cosine(0.2), 4), [0.2 + 0.4 * (1 + math.cos(math.pi * t / 4)) for t in range(4)])
    # two cycles of 2 and 4 epochs
    cycles = [*((t, 2) for t in range(2)), *((t, 4) for t in range(4))]
    expected = [(1 + math.cos(math.pi * t / n)) / 2 for t, n in cycles]
    assert_allclose(by_batch(Cosine(cycles=2, lengthening=2.0), 6), expected)
    # coslog: zeros at log2(1 + 15 p) = 0, 1, 2, 3, 4 and ones halfway
    times = (2.0 ** np.array([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]) - 1) / 15
    assert_allclose(MultiCosine().factors(times * 30, 30), [0, 1, 0, 1, 0, 1, 0, 1, 0], atol=1e-12)
    assert_allclose(MultiCosine(1).factors(np.array([0.5]), 1), [(1 - math.cos(2 * math.pi * math.log2(1.5))) / 2])
    # flat for 2 of 4 epochs, then half a cosine
    assert_allclose(by_batch(FlatCosine(), 4, 2), [1, 1, 1, 1, 1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2])
    assert_allclose(FlatCosine(0.0, 0.2).factors(np.array([0, 2, 4.0]), 4), [1, 0.6, 0.2])
    # one cycle: ends, peak, and halfway between in each half
    factors = OneCycle(0.4, 0.1, 0.02).factors(np.array([0, 2, 4, 7, 10.0]), 10)
    assert_allclose(factors, [0.1, 0.55, 1, 0.51, 0.02])


@pytest.mark.parametrize("cycles", [1, 2, 3, 5, 7, 10])
@pytest.mark.parametrize("lengthening", [0.5, 1.0, 1.5, 2.0])
def test_each_cosine_begins_with_the_full_rate(cycles, lengthening):
    for n_batches in (1, 3, 7):
        lengths = lengthening ** np.arange(cycles)
        if 60 * n_batches * (lengths / lengths.sum()).min() < 2:
            continue  # no two mini-batches to tell a cycle by
        rates = by_batch(Cosine(cycles=cycles, lengthening=lengthening), 60, n_batches)
        rises = np.flatnonzero(np.diff(rates) > 0)
        assert len(rises) == cycles - 1
        if lengthening == 1 and 60 % cycles == 0:
            assert_array_equal(rates[rises + 1], 1)


def test_schedules_of_scikit_learn():
    adaptive, scaling = Adaptive(), InverseScaling(0.25)
    assert adaptive.on_plateau(1e-3) == (2e-4, "Setting learning rate to 0.000200")
    assert adaptive.on_plateau(1e-6)[0] is None
    assert scaling.after_epoch(0.7, 0.1, 80, 0) == 0.1 / 3
    for schedule in (*FIXED, scaling):
        assert schedule.on_plateau(0.1)[0] is None
    for schedule in (*FIXED, adaptive):
        assert schedule.after_epoch(0.3, 0.1, 80, 11) == 0.3


def test_reduce_on_plateau_waits_for_its_patience():
    schedule, rate, rates = ReduceOnPlateau(0.5, patience=2, smallest=0.2), 1.0, []
    for stalled in [0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3]:
        rate = schedule.after_epoch(rate, 1.0, 100, stalled)
        rates.append(rate)
    assert rates == [1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2, 0.2]
    # it never raises a rate that began below
    assert schedule.after_epoch(0.1, 0.1, 100, 3) == 0.1


def test_warmup_comes_before_the_schedule():
    rates = by_batch(Cosine(), 10, n_batches=4, warmup=2, rate=0.5)
    assert_allclose(rates[:8], 0.5 * np.arange(1, 9) / 8)
    assert_allclose(rates[8:], by_batch(Cosine(), 8, n_batches=4, rate=0.5))
    # a part of an epoch, whole steps or not
    assert_allclose(by_batch(Constant(), 1, n_batches=4, warmup=0.5), [0.5, 1, 1, 1])
    assert_allclose(by_batch(Constant(), 2, n_batches=2, warmup=1.25), [0.4, 0.8, 1, 1])
    assert_array_equal(by_batch(Constant(), 2, n_batches=2, rate=0.1), 0.1)


def test_a_callable_sees_the_progress_of_each_batch():
    seen = []
    rates = by_batch(Custom(lambda p: seen.append(p) or 1 - p), 2, n_batches=4, rate=0.5)
    assert seen == [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875]
    assert_allclose(rates, 0.5 * (1 - np.array(seen)))
    for bad in (-0.1, np.nan, np.inf, "0.1", None, [1.0], 1j):
        with pytest.raises(ValueError, match="learning_rate must return a finite factor"):
            by_batch(Custom(lambda p, bad=bad: bad), 2)


@pytest.mark.parametrize(
    "schedule, name, options",
    [
        (Step(3, 0.5), "StepLR", {"step_size": 3, "gamma": 0.5}),
        (Exponential(0.7), "ExponentialLR", {"gamma": 0.7}),
        (Cosine(), "CosineAnnealingLR", {"T_max": 24}),
        (Cosine(0.1), "CosineAnnealingLR", {"T_max": 24, "eta_min": 0.05}),
        (Cosine(cycles=3), "CosineAnnealingWarmRestarts", {"T_0": 8}),
        (Cosine(cycles=2, lengthening=2.0), "CosineAnnealingWarmRestarts", {"T_0": 8, "T_mult": 2}),
        (Cosine(0.1, 2, 2.0), "CosineAnnealingWarmRestarts", {"T_0": 8, "T_mult": 2, "eta_min": 0.05}),
    ],
    ids=lambda value: repr(value),
)
@pytest.mark.oracle
def test_rates_equal_pytorchs(schedule, name, options):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    rates = []
    for _ in range(24):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    assert_allclose(by_batch(schedule, 24, rate=0.5), rates, rtol=1e-10, atol=1e-12)


@pytest.mark.oracle
def test_one_cycle_equals_pytorchs():
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    options = {"pct_start": 0.3, "div_factor": 20, "final_div_factor": 100, "cycle_momentum": False}
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.5, total_steps=100, **options)
    for step in range(100):
        # its last step is at the end, its peak a step before
        progress = step / 29 * 0.3 if step < 29 else 0.3 + (step - 29) / 70 * 0.7
        ours = 0.5 * OneCycle(0.3, 0.05, 0.0005).factors(np.array([progress]), 1)[0]
        assert_allclose(ours, optimizer.param_groups[0]["lr"], rtol=1e-9)
        optimizer.step()
        theirs.step() if step < 99 else None


@pytest.mark.oracle
def test_reduce_on_plateau_equals_pytorchs():
    import torch

    from fastnet.training.history import History

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.3, patience=2, threshold=0.0, threshold_mode="abs", min_lr=0.01
    )
    ours, rate, history = ReduceOnPlateau(0.3, 2, 0.01), 0.5, History.begin(False)
    losses = np.random.default_rng(3).uniform(size=60) + np.linspace(1, 0.5, 60)
    for loss in losses:
        history.add_epoch(float(loss), 10)
        history.watch_loss(0.0)
        rate = ours.after_epoch(rate, 0.5, history.samples_seen, history.epochs_without_improvement)
        theirs.step(loss)
        assert_allclose(rate, optimizer.param_groups[0]["lr"], rtol=1e-12)
    assert rate < 0.1
