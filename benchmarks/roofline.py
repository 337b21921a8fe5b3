"""Share of the machine's limit: FLOP/s of a training epoch beside the FMA peak measured in the same run.

A mini-batch of B rows costs ``2 * B * (3 * all weights - the first layer's)`` floating-point operations. The
peak is the rate of independent fused multiply-adds in the registers of one core. What several threads can gain is the
rate of as many such loops at once over that of one, the scaling limit: about 1.1 for two hyperthreads of one core, 2
for two cores that keep their clock rate.

Run ``python -m benchmarks.roofline``; ``--quick`` is a smoke run, ``--dtype float64`` the other engine, ``--json PATH``
writes the figures.
"""

import argparse
import statistics

import numpy as np

from fastnet.engine.peak import make_peak, peak_flops

from .epochs import Epochs
from .machine import facts, print_facts, print_head, print_row, write_json
from .problems import SHAPES

COLUMNS = [
    "network, batch", "threads", "GFLOP/s", "FMA peak of one core", "share of peak", "speed-up", "scaling limit",
    "share of limit",
]  # fmt: skip


def measure(sizes, batch, dtype, n_jobs, rounds, rows, peak):
    """Median FLOP/s of an epoch and of the peak, taken in turn, and the number of threads."""
    rates, peaks = [], []
    with Epochs(sizes, batch, rows, dtype, n_jobs) as epochs:
        threads = epochs.session.n_threads
        epochs.seconds(threads)
        for _ in range(rounds):
            peaks.append(peak_flops(*peak))
            rates.append(epochs.flops / epochs.seconds(threads))
    return statistics.median(rates), statistics.median(peaks), threads


def compare(sizes, batch, dtype, threads, rounds, rows, peak):
    """An epoch with one thread and with several, the peak and the scaling limit, all taken in turn.

    Returns
    -------
    list of dict
        One for each number of threads. ``speed_up`` and ``limit`` are medians of the ratios of a round.
    """
    rates, peaks = {count: [] for count in threads}, {count: [] for count in threads}
    with Epochs(sizes, batch, rows, dtype, max(threads)) as epochs:
        for count in threads:
            epochs.seconds(count)
        for _ in range(rounds):
            for count in threads:
                peaks[count].append(peak_flops(*peak, count))
                rates[count].append(epochs.flops / epochs.seconds(count))
    one, results = statistics.median(peaks[1]), []
    for count in threads:
        rate = statistics.median(rates[count])
        speed_up, limit = (
            statistics.median(a / b for a, b in zip(of[count], of[1], strict=True)) for of in (rates, peaks)
        )
        results.append(
            {
                "threads": count, "flops": rate, "peak": one, "share": rate / one / count, "speed_up": speed_up,
                "limit": limit, "share_of_limit": speed_up / limit,
            }
        )  # fmt: skip
    return results


def cells(name, result):
    """A row of the table; of one thread there is nothing to scale."""
    scaling = ["–"] * 3
    if result["threads"] > 1:
        scaling = [f"{result['speed_up']:.2f}", f"{result['limit']:.2f}", f"{result['share_of_limit']:.0%}"]
    rates = [f"{result['flops'] / 1e9:.0f}", f"{result['peak'] / 1e9:.0f}", f"{result['share']:.0%}"]
    return [name, result["threads"], *rates, *scaling]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small shapes, one round")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--threads", type=int, default=2, help="beside one; no more than the process may use")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", metavar="PATH", help="write the figures")
    arguments = parser.parse_args()
    dtype = np.dtype(arguments.dtype)
    names, rounds = (list(SHAPES)[:2], 1) if arguments.quick else (list(SHAPES), arguments.rounds)
    machine, peak, results = facts(dtype), make_peak(dtype), []
    threads = sorted({1, min(arguments.threads, machine["threads"])})
    print_facts(machine)
    print(f"Medians of {rounds} round(s).\n")
    print_head(COLUMNS)
    for name in names:
        sizes, batch, rows = SHAPES[name]
        rows = 2_000 if arguments.quick else rows
        for result in compare(sizes, batch, dtype, threads, rounds, rows, peak):
            results.append({"network": name, "rows": rows, **result})
            print_row(cells(name, result))
    write_json(arguments.json, {"machine": machine, "rounds": rounds, "results": results})


if __name__ == "__main__":
    main()
