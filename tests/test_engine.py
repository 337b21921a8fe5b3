"""The engine's edges: every remainder of rows and columns, layouts, random bits, threads, slices."""

import itertools
import sys
import threading
from contextlib import ExitStack

import numpy as np
import pytest
from scipy.sparse import csr_array

from fastnet.engine import Session, forward
from fastnet.engine.few_rows import forward_few
from fastnet.engine.outputs import largest_columns
from fastnet.engine.pace import Pace
from fastnet.engine.predict import forward_many
from fastnet.kernels.host import tile
from fastnet.kernels.threads import team as threads
from fastnet.kernels.threads.team import Workers, allowed_threads, reserve
from fastnet.network.architecture import Architecture
from fastnet.network.layout import Layout
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import SGD, Adam

DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]


def linear(fan_in, fan_out):
    return Architecture((fan_in, fan_out), ACTIVATIONS["identity"], LOSSES["squared_error"])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_forward_equals_numpy_at_every_remainder_of_rows_and_columns(dtype):
    rng = np.random.RandomState(0)
    shape = tile(dtype)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    cases = [(n, 5, 7) for n in range(1, 2 * shape.rows + 2)]
    cases += [(3, n, 4) for n in range(1, 2 * shape.panel + 2)]
    cases += [(3, 6, n) for n in range(1, 2 * shape.panel + 2)]
    for n_rows, fan_in, fan_out in cases:
        X = rng.standard_normal((n_rows, fan_in)).astype(dtype)
        W, b = rng.standard_normal((fan_in, fan_out)).astype(dtype), rng.standard_normal(fan_out).astype(dtype)
        expected = X.astype(float) @ W + b
        np.testing.assert_allclose(
            forward(linear(fan_in, fan_out), [W], [b], X), expected, rtol=tolerance, atol=10 * tolerance
        )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_gradient_equals_numpy_at_every_remainder(dtype):
    rng = np.random.RandomState(1)
    shape = tile(dtype)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    cases = [(n, 5, 7) for n in range(1, 2 * shape.rows + 2)]
    cases += [(9, n, 4) for n in range(1, 2 * shape.block + 2)]
    cases += [(9, 6, n) for n in range(1, 2 * shape.panel + 2)]
    for n_rows, fan_in, fan_out in cases:
        X = rng.standard_normal((n_rows, fan_in)).astype(dtype)
        y = rng.standard_normal((n_rows, fan_out)).astype(dtype)
        W, b = rng.standard_normal((fan_in, fan_out)).astype(dtype), rng.standard_normal(fan_out).astype(dtype)
        with Session(linear(fan_in, fan_out), X, y, dtype=dtype, l2=0.3) as session:
            session.set_parameters([W], [b])
            loss, (coef_gradient,), (intercept_gradient,) = session.loss_and_gradient()
        delta = (X.astype(float) @ W + b - y) / n_rows
        bounds = dict(rtol=tolerance, atol=10 * tolerance)
        np.testing.assert_allclose(coef_gradient, X.T.astype(float) @ delta + 0.3 / n_rows * W, **bounds)
        np.testing.assert_allclose(intercept_gradient, delta.sum(0), **bounds)
        penalty = 0.15 * (W.astype(float) ** 2).sum() / n_rows
        np.testing.assert_allclose(loss, 0.5 * n_rows * (delta**2).sum() + penalty, rtol=10 * tolerance)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_row_has_the_same_bits_alone_and_in_any_batch(dtype):
    rng = np.random.RandomState(2)
    units = (37, 50, 20, 11)
    architecture = Architecture(units, ACTIVATIONS["tanh"], LOSSES["log_loss"])
    coefs = [rng.standard_normal(s).astype(dtype) for s in zip(units, units[1:], strict=False)]
    intercepts = [rng.standard_normal(n).astype(dtype) for n in units[1:]]
    X = rng.standard_normal((150, 37)).astype(dtype)
    together = forward(architecture, coefs, intercepts, X, n_jobs=2)
    alone = np.vstack([forward(architecture, coefs, intercepts, X[i : i + 1]) for i in range(150)])
    np.testing.assert_array_equal(together, alone)
    some = np.array([149, 3, 3, 77])
    np.testing.assert_array_equal(forward(architecture, coefs, intercepts, X, rows=some), together[some])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_layout_packs_and_unpacks_every_width(dtype):
    rng = np.random.RandomState(3)
    shape = tile(dtype)
    for fan_in in (1, 2, shape.rows, shape.rows + 1, shape.panel + 3):
        for fan_out in range(1, 2 * shape.panel + 2):
            layout = Layout(Architecture((fan_in, fan_out, 3), ACTIVATIONS["tanh"], LOSSES["squared_error"]), shape)
            coefs = [rng.standard_normal((fan_in, fan_out)), rng.standard_normal((fan_out, 3))]
            intercepts = [rng.standard_normal(fan_out), rng.standard_normal(3)]
            flat = np.zeros(layout.size)
            layout.pack(flat, coefs, intercepts)
            for back, given in zip(sum(layout.unpack(flat), []), coefs + intercepts, strict=True):
                np.testing.assert_array_equal(back, given)
            assert np.count_nonzero(flat) == sum(a.size for a in coefs + intercepts)
            twins = np.zeros(layout.twin_size)
            layout.pack_twins(twins, coefs)
            np.testing.assert_array_equal(layout.twins[1].unpack(twins), coefs[1].T)


def test_the_twin_stays_the_transpose_after_updates():
    rng = np.random.RandomState(4)
    for hidden in (5, 16, 33, 70):
        architecture = Architecture((7, hidden, hidden + 3, 2), ACTIVATIONS["tanh"], LOSSES["squared_error"])
        X, y = rng.standard_normal((40, 7)), rng.standard_normal((40, 2))
        with Session(architecture, X, y, dtype=np.float64, optimizer=SGD(), batch_size=10, n_jobs=2) as session:
            units = architecture.layer_units
            session.set_parameters(
                [rng.standard_normal(s) * 0.3 for s in zip(units, units[1:], strict=False)],
                [np.zeros(n) for n in units[1:]],
            )
            session.run_epoch(np.arange(40), 0.01)
            coefs, _ = session.get_parameters()
            for layer in (1, 2):
                twin = session.state.layout.twins[layer].unpack(session.state.twins)
                np.testing.assert_array_equal(twin, coefs[layer].T)


def test_csr_with_both_index_widths_and_unsorted_duplicates_equals_dense():
    rng = np.random.RandomState(5)
    W, b = rng.standard_normal((40, 9)), rng.standard_normal(9)
    data, columns = rng.standard_normal(6), np.array([30, 3, 3, 39, 0, 12])
    for index in (np.int32, np.int64):
        X = csr_array((data, columns.astype(index), np.array([0, 3, 3, 6], index)), shape=(3, 40))
        np.testing.assert_allclose(forward(linear(40, 9), [W], [b], X), X.toarray() @ W + b, rtol=1e-13)


def test_a_slice_and_its_threads_are_chosen_by_measured_times():
    pace = Pace(2, adaptive=True, guess=1e-9)
    tried = []
    for seconds in (9.0, 1.0, 2.0, 1.0):  # two threads and one, in turn: one is faster here
        pace.took(pace.next_slice(1000) * 1000, seconds)
        tried.append(pace.n_threads)
    assert tried == [2, 1, 2, 1]
    chosen = []
    for _ in range(70):
        n = pace.next_slice(10**6)
        assert n <= 50_000
        pace.took(n, n * (4e-6 if pace.n_threads == 1 else 8e-6))
        chosen.append(pace.n_threads)
    assert n == 50_000 and chosen.count(2) == 2  # tried again now and then
    fixed = Pace(2, adaptive=False, guess=0.1)
    assert fixed.next_slice(100) == 2
    for _ in range(3):
        fixed.took(fixed.next_slice(100), 10.0)
    assert fixed.next_slice(100) == 1 and fixed.n_threads == 2


@pytest.mark.parametrize(
    ("cores", "wanted", "counts"),
    [
        (8, [8], [8]),
        (8, [8, 8], [4, 4]),
        (8, [8, 1], [7, 1]),
        (8, [2, 8, 8], [2, 3, 3]),
        (2, [2, 2, 2], [1, 1, 1]),
        (4, [9, 1, 2], [1, 1, 2]),
    ],
)
def test_threads_are_shared_between_running_fits(allow_threads, cores, wanted, counts):
    allow_threads(cores)
    with ExitStack() as stack:
        grants = [stack.enter_context(reserve(n)) for n in wanted]
        assert sorted(grant.count for grant in grants) == sorted(counts)
        assert all(grant.count <= grant.most == min(n, cores) for grant, n in zip(grants, wanted, strict=True))
    with reserve(cores) as again:
        assert again.count == cores
        with reserve(cores):
            assert again.count == cores // 2
        assert again.count == cores


def test_a_slice_uses_no_more_threads_than_there_are_now():
    pace = Pace(4, True, 1e-3)
    for most in [4, 2, 1, 2, 4]:
        used = set()
        for _ in range(8):
            pace.limit(most)
            chunks = pace.next_slice(100)
            pace.took(chunks, 0.1 * chunks / pace.n_threads)
            used.add(pace.n_threads)
        assert used == {4: {4, 2, 1}, 2: {2, 1}, 1: {1}}[most]
        assert pace.n_threads == most  # the fastest


def test_joblibs_limit_is_kept(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    assert allowed_threads() == 1


def test_a_failing_worker_abandons_the_others_and_raises():
    abandoned = threading.Event()

    def work(thread):
        if thread == 1:
            raise MemoryError("in a worker")
        assert abandoned.wait(60)

    workers = Workers(2)
    with pytest.raises(MemoryError, match="in a worker"):
        workers.run(2, work, (), abandoned.set)
    workers.close()


@pytest.mark.parametrize("moment", range(1, 28, 3))
def test_an_interrupt_between_any_two_steps_leaves_every_thread_idle(moment, monkeypatch):
    rng = np.random.RandomState(7)
    X, y = rng.standard_normal((400, 5)), rng.standard_normal((400, 1))
    architecture = Architecture((5, 8, 1), ACTIVATIONS["tanh"], LOSSES["squared_error"])
    monkeypatch.setattr(Pace, "next_slice", lambda self, n, left: min(n, 3))
    calls = 0

    def interrupt(frame, event, argument):
        nonlocal calls
        if frame.f_code.co_filename == threads.__file__:
            calls += 1
            if calls == 10 + moment:
                raise KeyboardInterrupt
        return interrupt

    with Session(architecture, X, y, dtype=np.float64, optimizer=SGD(), batch_size=10, n_jobs=2) as session:
        session.set_parameters([np.ones((5, 8)), np.ones((8, 1))], [np.zeros(8), np.zeros(1)])
        before = sys.gettrace()
        sys.settrace(interrupt)
        try:
            with pytest.raises(KeyboardInterrupt):
                session.run_epoch(np.arange(400), 0.01)
        finally:
            sys.settrace(before)
        assert np.isfinite(session.run_epoch(np.arange(400), 0.01))
        session.take_results()


def test_a_session_that_cannot_be_made_gives_its_threads_back():
    running = threading.active_count()
    options = {"dtype": np.float64, "optimizer": SGD(), "n_jobs": 2, "max_norm": "no number"}
    for _ in range(3):
        with pytest.raises(ValueError, match="no number"):  # when all else is set up
            Session(linear(3, 1), np.ones((4, 3)), np.ones((4, 1)), **options)
    assert threading.active_count() == running
    with reserve(allowed_threads()) as granted:
        assert granted.count == allowed_threads()


def test_a_thread_that_cannot_start_leaves_fewer_threads(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert Workers(4).count == 1


def test_a_batch_cut_by_slices_is_one_step(monkeypatch):
    rng = np.random.RandomState(6)
    X, y = rng.standard_normal((5000, 4)), rng.standard_normal((5000, 1))
    architecture = Architecture((4, 3, 1), ACTIVATIONS["tanh"], LOSSES["squared_error"])
    start = [rng.standard_normal((4, 3)), rng.standard_normal((3, 1))], [np.zeros(3), np.zeros(1)]
    results = []
    for chunks in (1, 2, 100):
        monkeypatch.setattr(Pace, "next_slice", lambda self, n, left, chunks=chunks: min(n, chunks))
        with Session(architecture, X, y, dtype=np.float64, optimizer=Adam(), batch_size=5000, n_jobs=2) as session:
            session.set_parameters(*start)
            losses = [session.run_epoch(np.arange(5000), 0.1) for _ in range(3)]
            assert session.step == 3
            results.append((losses, [p.tobytes() for p in sum(session.get_parameters(), [])]))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("input_dtype", DTYPES, ids=str)
@pytest.mark.parametrize("units", [(3, 1), (5, 130, 2), (300, 37, 129, 40)], ids=str)
def test_few_rows_have_the_same_bits_as_many(dtype, input_dtype, units):
    rng = np.random.RandomState(11)
    coefs = [rng.standard_normal(shape).astype(dtype) for shape in itertools.pairwise(units)]
    intercepts = [rng.standard_normal(n).astype(dtype) for n in units[1:]]
    X = rng.standard_normal((70, 2 * units[0])).astype(input_dtype)
    for loss in ("log_loss", "squared_error") if units[-1] > 1 else ("binary_log_loss",):
        architecture = Architecture(units, ACTIVATIONS["tanh"], LOSSES[loss])
        for rows in (X[:, ::2], np.asfortranarray(X[:, ::2])):
            for link in (True, False):
                expected = forward_many(architecture, coefs, intercepts, rows, n_jobs=1, link=link)
                np.testing.assert_array_equal(forward_few(architecture, coefs, intercepts, rows, link), expected)
                one = forward_few(architecture, coefs, intercepts, rows[7:8], link)
                np.testing.assert_array_equal(one, expected[7:8])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("n_columns", [1, 2, 7, 32, 33])
def test_largest_columns_are_those_of_numpy(dtype, n_columns):
    rng = np.random.RandomState(3)
    # Few different numbers: most rows have several that are largest.
    outputs = rng.randint(-2, 2, (60_000, n_columns)).astype(dtype)
    for value in (np.nan, np.inf, -np.inf, -0.0):
        outputs[rng.rand(*outputs.shape) < 0.03] = value
    outputs[0], outputs[1], outputs[2] = np.nan, -np.inf, np.inf
    for rows in (outputs, outputs[:2], np.asfortranarray(outputs), outputs[::2]):
        found = largest_columns(rows)
        assert found.dtype == np.intp
        np.testing.assert_array_equal(found, rows.argmax(axis=1))
