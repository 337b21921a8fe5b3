"""The model of `benchmarks/scaling.py`: its shares are those that the engine's threads really have, and it is sound."""

import numpy as np
import pytest
from problems import Problem

from benchmarks.epochs import rows_only, run_alone
from benchmarks.problems import SHAPES
from benchmarks.scaling import (
    Costs,
    Shares,
    binding,
    chunks_of_epoch,
    extrapolate,
    largest_shares,
    predict,
    row_tiles,
    weight_blocks,
    weight_work,
)
from fastnet.kernels.host import tile
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import Adam

THREADS = [1, 2, 3, 7, 16]
UNITS = {"one panel": (5, 8, 3), "odd widths": (37, 70, 45, 3), "wide": (130, 200, 10)}
COSTS = Costs(rows=0.6, weights=0.3, serial=0.1, barriers=100, barrier={1: 0.0, 2: 1e-5}, start={1: 1e-5, 2: 3e-5})


def shape_of(name):
    units, batch, rows = SHAPES[name]
    return Architecture(units, ACTIVATIONS["relu"], LOSSES["log_loss"]), rows, batch


@pytest.fixture
def many(allow_threads):
    allow_threads(max(THREADS))


def session_of(units, dtype, rows):
    """A session with memory for all threads that are tried, and activations and deltas of one mini-batch in it."""
    problem = Problem(0, units, "tanh", "log_loss", n_samples=rows, dtype=dtype)
    session = problem.session(optimizer=Adam(), batch_size=rows, n_jobs=max(THREADS))
    session.run_epoch(np.arange(rows), 1e-3)
    return session


@pytest.mark.paths
@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNITS)
def test_a_thread_updates_the_blocks_and_vectors_that_the_model_gives_it(many, name, dtype, threads):
    with session_of(UNITS[name], dtype, 30) as session:
        shape, architecture = tile(session.dtype), session.architecture
        blocks, panels = weight_blocks(architecture, threads, shape)
        work = weight_work(architecture, threads, shape)
        for thread in range(threads):
            before = session.get_parameters()
            run_alone(session, thread, threads)
            changed = [[a != b for a, b in zip(*arrays, strict=True)]
                       for arrays in zip(before, session.get_parameters(), strict=True)]  # fmt: skip
            expected = [[np.zeros_like(array) for array in arrays] for arrays in changed]
            for part, (begin, end) in zip(panels, blocks[thread], strict=True):
                columns = slice(part["column"], part["column"] + part["width"])
                expected[0][part["layer"]][begin * shape.block : end * shape.block, columns] = True
                expected[1][part["layer"]][columns] = begin == 0 and end > 0
            for mine, model in zip(sum(changed, []), sum(expected, []), strict=True):
                np.testing.assert_array_equal(mine, model)
            # What is padded counts as work, so there may be more of it than of parameters.
            assert work[thread] >= sum(array.sum() for array in sum(expected, []))


@pytest.mark.paths
@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("rows", [1, 30, 61])
def test_a_thread_passes_the_rows_that_the_model_gives_it(many, rows, threads):
    with session_of((5, 8, 3), np.float32, rows) as session, rows_only(session):
        bounds = row_tiles(rows, threads, tile(session.dtype))
        for thread in range(threads):
            deltas = session.tables.workspace.deltas[session.architecture.n_layers]
            deltas[:] = np.nan
            before = session.get_parameters()
            run_alone(session, thread, threads)
            mine = np.flatnonzero(np.isfinite(session.arrays()[-1]["delta"]).all(axis=1))
            first, last = (bound * tile(session.dtype).rows for bound in bounds[thread : thread + 2])
            np.testing.assert_array_equal(mine, np.arange(first, min(last, rows)))
            # Without weights no thread takes a step.
            for a, b in zip(sum(before, []), sum(session.get_parameters(), []), strict=True):
                np.testing.assert_array_equal(a, b)


def test_a_thread_that_has_no_memory_is_refused():
    with session_of((5, 8, 3), np.float32, 30) as session, pytest.raises(ValueError, match="memory for"):
        run_alone(session, session.n_threads, session.n_threads + 1)


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("name", SHAPES)
def test_shares_sum_to_the_whole(name, threads):
    (architecture, rows, batch), shape = shape_of(name), tile(np.dtype(np.float32))
    bounds = row_tiles(batch, threads, shape)
    assert bounds[0] == 0 and bounds[-1] == -(-batch // shape.rows) and np.all(np.diff(bounds) >= 0)
    assert sum(chunks_of_epoch(rows, batch, batch)) == sum(chunks_of_epoch(rows, batch, 48)) == rows
    # Every element of the weights, and one of the biases for each column of a panel.
    widths = [-(-n // shape.lanes) * shape.lanes for n in architecture.layer_units[1:]]
    whole = sum((n + 1) * width for n, width in zip(architecture.layer_units, widths, strict=False))
    assert weight_work(architecture, threads, shape).sum() == whole
    blocks, _ = weight_blocks(architecture, threads, shape)
    np.testing.assert_array_equal(blocks[:-1, :, 1], blocks[1:, :, 0])


@pytest.mark.parametrize("name", SHAPES)
def test_one_thread_is_as_fast_as_itself(name):
    (architecture, rows, batch), shape = shape_of(name), tile(np.dtype(np.float32))
    shares = largest_shares(architecture, rows, batch, batch, 1, shape)
    speed_up, lost = predict(COSTS, shares, 1)
    assert shares == Shares(1, 1) and speed_up == pytest.approx(1) and not any(lost.values())
    assert binding(lost) == "–"


def test_more_threads_than_row_tiles_are_bound_by_them():
    shape = tile(np.dtype(np.float32))
    architecture, rows = shape_of("300-4096-4096-7, 512")[0], 10 * 4 * shape.rows
    free = Costs(0.9, 0.1, 0.0, 0, {1: 0.0}, {1: 0.0})
    for threads in (8, 64):
        shares = largest_shares(architecture, rows, 4 * shape.rows, 4 * shape.rows, threads, shape)
        assert shares.rows == 1 / 4
        speed_up, lost = predict(free, shares, threads)
        assert max(lost, key=lost.get) == "row shares" and speed_up < 1 / (0.9 / 4)


def test_all_that_is_lost_and_the_even_division_make_the_epoch():
    speed_up, lost = predict(COSTS, Shares(0.3, 0.4), 4)
    # Largest shares; barriers of 30 µs on the line through 0 and 10 µs; the serial part; two slices of at most 0.2 s,
    # in which three more threads take 20 µs each to start.
    seconds = 0.6 * 0.3 + 0.3 * 0.4 + 100 * 3e-5 + 0.1 + 2 * 6e-5
    assert speed_up == pytest.approx(1 / seconds)
    assert sum(lost.values()) + 1 / 4 / seconds == pytest.approx(1)
    assert binding(lost) == f"serial part ({0.075 / seconds:.0%})"


def test_times_go_on_along_a_line_through_one_thread():
    measured = {1: 2.0, 2: 3.0, 4: 5.0}
    assert [extrapolate(measured, n) for n in (1, 2, 4, 8)] == pytest.approx([2, 3, 5, 9])
    assert extrapolate({1: 2.0}, 16) == 2
