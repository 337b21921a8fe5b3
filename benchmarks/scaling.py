"""Speed-up with more threads than this machine may have: a model of an epoch, beside what was measured.

A mini-batch has two phases. In the row phase a thread has whole row tiles, in the weight phase whole blocks of panels
of weights; both end at a barrier, so the largest share binds. The model counts the shares by the engine's formulas,
takes the time of each phase with one thread from this machine, and adds what threads cost:

- row shares and weight shares: the largest share, where an even one would be 1 / threads. The cost of a row is the same
  in all tiles, that of a weight in all panels; the vector of a panel's biases costs as much as a row of its weights.
- barriers: two for each chunk of a mini-batch. Their time is measured with threads that have nothing else to do, for
  as many as there are; beyond, the same line goes on (least squares through one thread, which meets nobody).
- serial part: what thread 0 does alone while the others wait (sums of losses and penalties), what all do alike (the
  optimizer's numbers), and the call from Python.
- start: threads that sleep begin a slice, an epoch or 0.2 s of it, one after the other. Extrapolated likewise.

It does not know of the memory's bandwidth, of clock rates that fall when more cores work, or of two threads that share
a core: it is an upper limit. Run ``python -m benchmarks.scaling`` on a quiet machine; ``--quick`` is a smoke run,
``--json PATH`` writes the figures, ``--csv docs/_static/scaling.csv`` the table of the documentation.
"""

import argparse
import csv
import math
import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastnet.engine.memory.plan import panel_records
from fastnet.engine.pace import SLICE_SECONDS
from fastnet.engine.peak import make_peak, peak_flops
from fastnet.kernels.host import tile
from fastnet.network.layout import Layout

from .epochs import Epochs, rows_only, run_alone
from .machine import barrier_seconds, facts, print_facts, print_head, print_row, start_seconds, write_json
from .problems import SHAPES

THREADS = [1, 2, 4, 8, 16]
# Losses below this part of an epoch are not worth a name.
NEGLIGIBLE = 0.02
COLUMNS = ["network, batch", "threads", "predicted speed-up", "most is lost to", "measured speed-up"]


def chunks_of_epoch(rows, batch, chunk_rows):
    """Rows of each chunk of an epoch's mini-batches."""
    for begin in range(0, rows, batch):
        left = min(batch, rows - begin)
        yield from (min(chunk_rows, left - shift) for shift in range(0, left, chunk_rows))


def row_tiles(count, threads, shape):
    """Where each thread's row tiles begin, and at last where they all end, of a chunk of so many rows."""
    n_tiles = -(-count // shape.rows)
    return [n_tiles * thread // threads for thread in range(threads + 1)]


def weight_blocks(architecture, threads, shape):
    """Blocks of weights of each thread.

    Returns
    -------
    blocks : ndarray of shape (threads, n_panels, 2)
        Of each panel the first block, and the one after the last.
    panels : ndarray of PANEL
        The panels.
    """
    panels, total = panel_records(architecture, Layout(architecture, shape), shape)
    unit = panels["width"] * shape.block
    n_blocks = -(-_fan_in(architecture, panels) // shape.block)
    bounds = [
        np.clip((total * thread // threads - panels["cost"] + unit - 1) // unit, 0, n_blocks)
        for thread in range(threads + 1)
    ]
    return np.stack([bounds[:-1], bounds[1:]], axis=-1), panels


def _fan_in(architecture, panels):
    return np.array([fan_in for fan_in, _ in architecture.matrix_shapes()])[panels["layer"]]


def weight_work(architecture, threads, shape):
    """Elements of the panels that each thread sums and updates: of its blocks, and of the vectors of a panel's units.

    The owner of a panel's first block has the vectors.
    """
    blocks, panels = weight_blocks(architecture, threads, shape)
    begin, end = blocks[..., 0], blocks[..., 1]
    rows = np.minimum(end * shape.block, _fan_in(architecture, panels)) - begin * shape.block
    vectors = np.sum(panels["vectors"] >= 0, axis=1) * ((begin == 0) & (end != 0))
    return np.sum((np.where(end > begin, rows, 0) + vectors) * panels["width"], axis=1)


@dataclass(frozen=True)
class Shares:
    """The largest shares of an epoch's row tiles and of its weights that one thread has."""

    rows: float
    weights: float


def largest_shares(architecture, rows, batch, chunk_rows, threads, shape):
    """Shares of the thread that all wait for, in the row phases and in the weight phases of an epoch."""
    bounds = [row_tiles(count, threads, shape) for count in chunks_of_epoch(rows, batch, chunk_rows)]
    largest = sum(int(np.diff(of_chunk).max()) for of_chunk in bounds)
    work = weight_work(architecture, threads, shape)
    return Shares(largest / sum(of_chunk[-1] for of_chunk in bounds), float(work.max() / work.sum()))


@dataclass(frozen=True)
class Costs:
    """Seconds of an epoch, all measured on one machine.

    Attributes
    ----------
    rows, weights : float
        The phases, with one thread.
    serial : float
        What threads do not share.
    barriers : int
        Barriers of an epoch.
    barrier, start : dict of float
        By number of threads, seconds of each.
    """

    rows: float
    weights: float
    serial: float
    barriers: int
    barrier: dict
    start: dict


def extrapolate(measured, threads):
    """What so many threads take, by a line through one thread's time where that was not measured."""
    if threads in measured:
        return measured[threads]
    return measured[1] + slope(measured) * (threads - 1)


def slope(measured):
    """Seconds that each further thread adds, by least squares."""
    more = [(count - 1, seconds - measured[1]) for count, seconds in measured.items() if count > 1]
    return sum(n * extra for n, extra in more) / sum(n * n for n, _ in more) if more else 0.0


def predict(costs, shares, threads):
    """The speed-up, and what each cause takes away from an even division of the work.

    Returns
    -------
    speed_up : float
    lost : dict of float
        By cause, its part of the epoch with so many threads.
    """
    one = costs.rows + costs.weights + costs.serial
    starts = math.ceil(one / threads / SLICE_SECONDS)
    lost = {
        "row shares": costs.rows * (shares.rows - 1 / threads),
        "weight shares": costs.weights * (shares.weights - 1 / threads),
        "barriers": costs.barriers * extrapolate(costs.barrier, threads),
        "serial part": costs.serial * (1 - 1 / threads),
        "start": starts * (extrapolate(costs.start, threads) - costs.start[1]),
    }
    seconds = one / threads + sum(lost.values())
    return one / seconds, {cause: part / seconds for cause, part in lost.items()}


def binding(lost):
    """The cause that takes most, and how much."""
    cause = max(lost, key=lost.get)
    return f"{cause} ({lost[cause]:.0%})" if lost[cause] > NEGLIGIBLE else "–"


def measure(epochs, counts, rounds, barrier, start):
    """Costs of an epoch with one thread, and seconds with each number of threads, all taken in turn."""
    session = epochs.session
    whole, rows, serial = {count: [] for count in counts}, [], []
    chunk_rows, n_samples = session.tables.workspace.rows, session.n_samples
    no_rows = 1 + -(-chunk_rows // tile(session.dtype).rows)  # as many threads, and the first has no row tile
    for count in counts:
        epochs.seconds(count)
    for _ in range(rounds):
        for count in counts:
            whole[count].append(epochs.seconds(count))
        with rows_only(session):
            rows.append(epochs.seconds(1))
            serial.append(run_alone(session, 0, no_rows))
    seconds = {count: statistics.median(taken) for count, taken in whole.items()}
    rows = min(statistics.median(rows), seconds[1])
    alone = min(statistics.median(serial) + start[1], rows)
    barriers = 2 * len(list(chunks_of_epoch(n_samples, session.batch_size, chunk_rows)))
    return Costs(rows - alone, seconds[1] - rows, alone, barriers, barrier, start), seconds


def scale(name, rows, dtype, threads, counts, rounds, barrier, start):
    """A network's predictions and measurements, a dict for each number of threads."""
    sizes, batch, _ = SHAPES[name]
    with Epochs(sizes, batch, rows, dtype, max(counts)) as epochs:
        costs, seconds = measure(epochs, counts, rounds, barrier, start)
        architecture, chunk_rows = epochs.session.architecture, epochs.session.tables.workspace.rows
    for count in threads:
        shares = largest_shares(architecture, rows, batch, chunk_rows, count, tile(dtype))
        speed_up, lost = predict(costs, shares, count)
        yield {
            "network": name, "threads": count, "predicted": speed_up, "lost": lost, "row_share": shares.rows,
            "weight_share": shares.weights, "seconds": seconds.get(count),
            "measured": seconds[1] / seconds[count] if count in seconds else None,
            "phases": {"rows": costs.rows, "weights": costs.weights, "serial": costs.serial},
        }  # fmt: skip


def cells(result):
    """A row of the table."""
    measured = "–" if result["measured"] is None else f"{result['measured']:.2f}"
    bound = "–" if result["threads"] == 1 else binding(result["lost"])
    return [result["network"], result["threads"], f"{result['predicted']:.2f}", bound, measured]


def write_csv(path, results):
    """Write the table of the documentation: without one thread, whose speed-up is 1."""
    with Path(path).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(cells(result) for result in results if result["threads"] > 1)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small shapes, one round")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--threads", nargs="+", type=int, default=THREADS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", metavar="PATH", help="write the figures")
    parser.add_argument("--csv", metavar="PATH", help="write the table")
    arguments = parser.parse_args()
    dtype = np.dtype(arguments.dtype)
    names, rounds = (list(SHAPES)[:2], 1) if arguments.quick else (list(SHAPES), arguments.rounds)
    machine, results = facts(dtype), []
    counts = sorted({1, *(count for count in arguments.threads if count <= machine["threads"])})
    barrier = {count: barrier_seconds(count) for count in counts}
    start = {count: start_seconds(count) for count in counts}
    limit, peak = {}, make_peak(dtype)
    for count in counts:
        limit[count] = statistics.median(peak_flops(*peak, count) / peak_flops(*peak) for _ in range(rounds))
    print_facts(machine)
    for title, measured in (("A barrier takes", barrier), ("An empty call of the threads takes", start)):
        times = ", ".join(f"{1e6 * seconds:.2f} µs with {count}" for count, seconds in measured.items())
        print(f"{title} {times}; beyond {max(counts)} threads {1e6 * slope(measured):.2f} µs more for each.")
    speeds = ", ".join(f"{times:.2f} with {count}" for count, times in limit.items())
    print(f"Scaling limit, the rate of loops of multiply-adds that run at once over that of one: {speeds}.")
    print(f"Medians of {rounds} round(s); in brackets the part of the epoch that is lost.\n")
    print_head(COLUMNS)
    for name in names:
        rows = 2_000 if arguments.quick else SHAPES[name][2]
        for result in scale(name, rows, dtype, arguments.threads, counts, rounds, barrier, start):
            results.append(result)
            print_row(cells(result))
    write_json(
        arguments.json,
        {
            "machine": machine, "rounds": rounds, "barrier": barrier, "start": start, "limit": limit,
            "results": results,
        },
    )  # fmt: skip
    if arguments.csv:
        write_csv(arguments.csv, results)


if __name__ == "__main__":
    main()
