"""Normalised layers, learnt slopes and projections beside threads, noise, clipping and predictions between epochs."""

import numpy as np
import pytest
import scipy.sparse as sp
from marks import crossed
from numpy.testing import assert_allclose
from problems import KINDS, RESIDUALS, SOME, Problem, distance, same_bits

from fastnet.engine import forward
from fastnet.engine.few_rows import forward_few
from fastnet.engine.predict import forward_many
from fastnet.network.normalization import fold
from fastnet.ops.optimizers import SGD, Adam

DTYPES = [np.float64, np.float32]
SOME = pytest.mark.parametrize(("normalization", "residual", "activation"), SOME, ids=str)


# ---- bits ---------------------------------------------------------------------------------------------


NOISES = [
    {},
    {"dropout": (0.3, 0.2, 0.4), "input_dropout": 0.2},
    {"drop_connect": (0.2, 0.3, 0.1, 0.2)},
    {"input_noise": 0.3},
]
EXTRAS = [{}, {"clip_norm": 0.1, "ema_decay": 0.9}, {"clip_value": 0.01, "max_norm": 0.7}]


@pytest.mark.parametrize(("number", "dtype"), crossed(range(len(NOISES)), DTYPES))
@SOME
def test_threads_do_not_change_a_bit(normalization, residual, activation, number, dtype, allow_threads):
    allow_threads(4)
    net = Problem(14, (13, 40, 40, 70, 3), activation, "log_loss", 53, True, dtype,
                  normalization=normalization, residual=residual, **NOISES[number])  # fmt: skip
    extra, results = EXTRAS[number % len(EXTRAS)], []
    for n_jobs in (1, 2, 3, 4):
        kw = {"optimizer": Adam(), "batch_size": 20, "n_jobs": n_jobs, "seed": 3, "l1": 0.1, "l2": 0.1, **extra}
        with net.session(**kw) as session:
            assert session.n_threads == n_jobs
            losses = [session.run_epoch(np.arange(53), 0.01) for _ in range(2)]
            results.append([*sum(session.get_parameters(), []), np.array(losses)])
    assert all(same_bits(results[0], other) for other in results[1:])
    assert distance(results[0][: len(net.matrices)], net.matrices) > 1e-3


@pytest.mark.parametrize("n_samples", [23, 2500])
@SOME
def test_threads_do_not_change_a_bit_of_the_gradient(normalization, residual, activation, n_samples, allow_threads):
    allow_threads(4)
    net = Problem(15, (9, 40, 17, 3), activation, "log_loss", n_samples, normalization=normalization,
                  residual=residual)  # fmt: skip
    results = []
    for n_jobs in (1, 2, 3, 4):
        with net.session(n_jobs=n_jobs, l2=0.1) as session:
            loss, *gradients = session.loss_and_gradient()
            results.append([np.array(loss), *sum(gradients, []), *session.get_parameters()[1]])
    assert all(same_bits(results[0], other) for other in results[1:])


@pytest.mark.parametrize("dtype", DTYPES)
@SOME
@pytest.mark.paths
def test_few_rows_have_the_bits_of_many(normalization, residual, activation, dtype):
    options = {"dtype": dtype, "normalization": normalization, "residual": residual}
    net = Problem(16, (6, 9, 9, 5, 70, 4), activation, n_samples=70, **options)
    X, given = net.X.astype(dtype), (net.architecture(), *net.cast())
    plain = fold(*given) if normalization == "batch" else given
    many = forward_many(*plain, X, n_jobs=1)
    assert same_bits([many], [forward_few(*plain, X)])
    assert same_bits([many], [forward(*given, X)]) and same_bits([many[3:4]], [forward(*given, X[3:4])])
    assert same_bits([many[[5, 2]]], [forward(*given, X, rows=np.array([5, 2]))])
    expected = net.forward(n_running=99)[0][-1]
    assert_allclose(many, expected, rtol=1e-4 if dtype == np.float32 else 1e-11, atol=1e-5 * expected.std())
    sparse = forward(*given, sp.csr_array(X))
    assert distance([sparse], [many]) < (1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("extra", [{}, {"ema_decay": 0.8}], ids=str)
@SOME
def test_predictions_between_epochs_are_the_parameters_and_disturb_nothing(normalization, residual, activation, extra):
    net = Problem(17, (5, 20, 33, 33, 3), activation, "log_loss", 40, dtype=np.float32,
                  normalization=normalization, residual=residual)  # fmt: skip
    rows, results = np.array([3, 39, 0]), []
    for predicts in (False, True):
        with net.session(optimizer=Adam(), batch_size=12, **extra) as session:
            for _ in range(3):
                session.run_epoch(np.arange(40), 0.01)
                if predicts:
                    predicted = session.predict_rows(rows)
                    expected = forward(net.architecture(), *session.get_parameters(), net.X[rows].astype(np.float32))
                    assert same_bits([predicted], [expected])
            results.append(sum(session.get_parameters(), []))
    assert same_bits(*results)


@SOME
def test_a_session_continues_from_the_state_of_another(normalization, residual, activation):
    net = Problem(18, (5, 20, 33, 3), activation, "log_loss", 40, normalization=normalization, residual=residual)
    with net.session(optimizer=Adam(), batch_size=12) as session:
        session.run_epoch(np.arange(40), 0.01)
        middle, state, step = session.get_parameters(), session.state.get_moments(), session.step
        session.run_epoch(np.arange(40), 0.01)
        end = session.get_parameters()
    assert [len(s) for s in state] == [len(net.trained)] * 2
    with net.session(optimizer=Adam(), batch_size=12) as session:
        session.set_parameters(*middle)
        session.state.set_moments(state)
        session.step = step
        session.run_epoch(np.arange(40), 0.01)
        again = session.get_parameters()
    assert same_bits(sum(end, []), sum(again, []))


def test_slopes_that_are_equal_are_a_leaky_relu():
    problem = Problem(19, (6, 20, 33, 3), "leaky_relu", "log_loss")
    with problem.session() as session:
        loss, coef_grads, intercept_grads = session.loss_and_gradient()
    net = Problem(19, problem.units, "prelu", "log_loss")
    net.vectors = [*problem.intercepts, np.full(20, 0.01), np.full(33, 0.01)]
    with net.session() as session:
        again, matrix_grads, vector_grads = session.loss_and_gradient()
    assert_allclose(again, loss, rtol=1e-13)
    assert distance(matrix_grads + vector_grads[:3], coef_grads + intercept_grads) < 1e-12


# ---- noise --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("residual", "width"), [(True, 5), ("projection", 5), ("projection", 7)])
def test_skips_keep_all_their_weights_beside_drop_connect(residual, width):
    """Dropped are weights of layers. With all of layer 2 dropped, what is left is its bias and the skip."""
    net = Problem(20, (4, 5, 5, width, 2), "tanh", n_samples=9, residual=residual, drop_connect=(0, 0, 1 - 1e-12, 0))
    with net.session() as session:
        loss, matrix_grads, _ = session.loss_and_gradient()
    # the one weight in 2**32 that would remain is none of these
    dropped = [w * (i != 2) for i, w in enumerate(net.matrices)]
    assert_allclose(loss, net.objective(dropped, net.vectors), rtol=1e-12)
    assert not matrix_grads[2].any() and all(g.any() for i, g in enumerate(matrix_grads) if i != 2)


@pytest.mark.parametrize("residual", RESIDUALS)
@pytest.mark.parametrize("normalization", KINDS)
def test_dropout_beside_everything_has_the_gradient_of_its_loss(normalization, residual):
    """The masks depend on seed, step and place only: the loss with them has a derivative, which differences show."""
    net = Problem(
        21, (6, 9, 9, 5, 3), "prelu", "log_loss", weights=True, normalization=normalization, residual=residual,
        dropout=(0.3, 0.4, 0.2), input_dropout=0.2, drop_connect=(0.1, 0.3, 0.2, 0.1), input_noise=0.2,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    with net.session(seed=5, l2=0.1) as session:
        loss, *gradients = session.loss_and_gradient()
        assert abs(loss - net.objective(net.matrices, net.vectors, l2=0.1)) > 1e-3
        for _ in range(5):
            direction = [[rng.normal(size=g.shape) for g in gs] for gs in gradients]
            sides = []
            for step in (1e-6, -1e-6):
                moved = [[p + step * d for p, d in zip(ps, ds, strict=False)]
                         for ps, ds in zip((net.matrices, net.vectors), direction, strict=True)]  # fmt: skip
                session.set_parameters(moved[0], moved[1] + net.vectors[len(moved[1]) :])
                sides.append(session.loss_and_gradient()[0])
            ours = sum(np.vdot(g, d) for gs, ds in zip(gradients, direction, strict=True)
                       for g, d in zip(gs, ds, strict=True))  # fmt: skip
            assert_allclose(ours, (sides[0] - sides[1]) / 2e-6, rtol=1e-6)


def test_units_of_projections_are_bounded_by_themselves():
    net = Problem(22, (6, 20, 9, 33, 3), "tanh", n_samples=20, residual="projection", normalization="rms")
    with net.session(optimizer=SGD(), batch_size=7, max_norm=0.3) as session:
        session.run_epoch(np.arange(20), 0.01)
        for matrix in session.get_parameters()[0]:
            assert (np.linalg.norm(matrix, axis=0) <= 0.3 * (1 + 1e-12)).all()
            assert np.linalg.norm(matrix, axis=0).max() > 0.29


@SOME
def test_clipped_gradients_have_the_norm_of_all_that_is_trained(normalization, residual, activation):
    net = Problem(23, (6, 20, 9, 33, 3), activation, n_samples=20, normalization=normalization, residual=residual)
    with net.session() as session:
        _, *gradients = session.loss_and_gradient()
    norm = np.sqrt(sum((g**2).sum() for g in sum(gradients, [])))
    plain = SGD(momentum=0.0, nesterov=False)
    for options, change in (
        ({"clip_norm": norm / 2}, lambda g: g / 2), ({"clip_value": 0.01}, lambda g: np.clip(g, -0.01, 0.01)),
    ):  # fmt: skip
        with net.session(optimizer=plain, batch_size=20, **options) as session:
            session.run_epoch(np.arange(20), 0.5)
            assert_allclose(session.steps.gradient_norms()[0], norm, rtol=1e-12)
            ours = session.get_parameters()
        for before, after, grads in zip((net.matrices, net.vectors), ours, gradients, strict=True):
            for b, a, g in zip(before, after, grads, strict=False):
                assert_allclose(a, b - 0.5 * change(g), rtol=1e-10, atol=1e-12)
