"""Gradients of the compiled network against central differences of the plain one's loss, in float64.

Activations and losses come from the registries: a new one is tested here once it has its twin in `naive_ops`.
"""

import naive_ops
import numpy as np
import pytest
from marks import each_in_turn
from numpy.testing import assert_allclose
from problems import Problem, activations_in_turn, away_from_kinks, distance, random_units

from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES

STEP = 1e-5


def central_differences(problem, l2, n_coordinates, rng):
    """Indices into the flat vector of what is trained, and the derivatives there."""
    places = [(p, at) for p in problem.trained for at in np.ndindex(p.shape)]
    chosen, derivatives = rng.permutation(len(places))[:n_coordinates], []
    for parameter, at in (places[i] for i in chosen):
        kept, sides = parameter[at], []
        for parameter[at] in (kept + STEP, kept - STEP):
            sides.append(problem.objective(problem.matrices, problem.vectors, l2=l2))
        parameter[at] = kept
        derivatives.append((sides[0] - sides[1]) / (2 * STEP))
    return chosen, np.array(derivatives)


def check(problem, rng, l2=0.7, n_coordinates=30):
    """Differences along some coordinates, and all of the plain network's gradient."""
    with problem.session(l2=l2) as session:
        loss, *grads = session.loss_and_gradient()
    grads = sum(grads, [])
    assert [g.shape for g in grads] == [p.shape for p in problem.trained]
    assert_allclose(loss, problem.objective(problem.matrices, problem.vectors, l2=l2), rtol=1e-11)

    flat = np.concatenate([g.ravel() for g in grads])
    chosen, derivatives = central_differences(problem, l2, n_coordinates, rng)
    assert distance([flat[chosen]], [derivatives]) < 1e-6
    assert distance(grads, sum(problem.gradient(l2=l2), [])) < 1e-11


# They meet only in the delta of the output layer, so not every activation need meet every loss.
@pytest.mark.parametrize(("activation", "loss"), each_in_turn(ACTIVATIONS, LOSSES))
@pytest.mark.paths
def test_every_activation_and_every_loss(activation, loss):
    assert loss in naive_ops.LOSSES, "give the new loss its plain NumPy twin in naive_ops.LOSSES"
    problem = away_from_kinks(1, (6, 9, 5, 4), activation, loss, n_samples=12, weights=True)
    check(problem, np.random.default_rng(0))


SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_architectures(seed):
    rng = np.random.default_rng(seed)
    names = activations_in_turn(seed, most=4)
    units = random_units(rng, n_hidden=len(names))
    loss = list(LOSSES)[seed % len(LOSSES)]
    problem = away_from_kinks(seed, units, names, loss, n_samples=8, weights=bool(seed % 2))
    check(problem, rng, l2=float(rng.choice([0.0, 2.0])))


def test_random_architectures_have_every_activation():
    assert {name for seed in SEEDS for name in activations_in_turn(seed, most=4)} == set(ACTIVATIONS)


@pytest.mark.parametrize("n_samples", [1, 1023, 1024, 1025, 3000])
def test_full_batches_of_any_length(n_samples):
    # tanh has no kink; long batches are summed chunk by chunk
    problem = Problem(3, (7, 20, 3), "tanh", "log_loss", n_samples=n_samples, weights=True)
    check(problem, np.random.default_rng(0), n_coordinates=40)


def test_sample_weights_of_zero_leave_samples_out():
    problem = Problem(4, (5, 8, 2), "tanh", n_samples=40, weights=True)
    problem.sample_weight[10:] = 0
    with problem.session(l2=0.1) as session:
        loss, coef_grads, intercept_grads = session.loss_and_gradient()
    problem.X, problem.y, problem.sample_weight = (
        a[:10] for a in (problem.X, problem.y, problem.sample_weight)
    )
    with problem.session(l2=0.1) as session:
        expected = session.loss_and_gradient()
    assert_allclose(loss, expected[0], rtol=1e-12)
    assert distance(coef_grads + intercept_grads, expected[1] + expected[2]) < 1e-12


def test_l1_is_left_to_the_solver():
    problem = Problem(5, (5, 8, 2), "tanh", n_samples=20)
    results = []
    for l1 in [0.0, 3.0]:
        with problem.session(l1=l1, l2=0.1) as session:
            results.append(session.loss_and_gradient())
    assert results[0][0] == results[1][0]
    assert distance(results[0][1], results[1][1]) == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_single_precision_gradients_are_near(loss):
    problem = Problem(6, (30, 40, 4), "tanh", loss, n_samples=300, weights=True, dtype=np.float32)
    with problem.session(l2=0.5) as session:
        value, coef_grads, intercept_grads = session.loss_and_gradient()
    expected = problem.gradient(l2=0.5)
    assert_allclose(value, problem.objective(problem.coefs, problem.intercepts, l2=0.5), rtol=1e-5)
    assert distance(coef_grads + intercept_grads, expected[0] + expected[1]) < 1e-5
