"""fastnet beside scikit-learn, PyTorch and JAX: time of a training epoch, as Markdown.

Run ``python -m benchmarks.peers``; ``--quick`` is a smoke run. Peers that are not installed are left out:
``pip install -e ".[bench]" torch jax`` brings them all. ``torch.compile`` also needs a C++ compiler.

How it is measured
------------------
- One process for each number of threads, held by its CPU affinity to as many cores (where the system can do that),
  because JAX sizes its pool of threads once, at its start. All libraries take turns in that process.
- Every turn trains anew from the same weights: one epoch to warm up, not counted, then the same number of epochs for
  every library. A turn's time is the mean of its epochs. Each library's very first turn, which compiles, is left out.
- The same float32 data (scikit-learn also with a float64 copy), mini-batches, ReLU, softmax, L2 penalty (``alpha``
  divided by the batch) and Adam with its defaults. Everybody draws a new order of the samples for every epoch.
- fastnet and scikit-learn run through their estimators' ``fit`` with ``verbose=True``, and the time is noted when an
  epoch's line is printed. So validation, initial weights and everything else that happens once a fit do not count.
- PyTorch: data in memory, batches by index, fused Adam; the better of eager mode and ``torch.compile``, with one thread
  eager mode only: there the compiled code of PyTorch 2.13 gives losses of NaN, or ends the process with a damaged heap.
- JAX: a whole epoch in one jitted ``lax.scan``, Adam written out, its state donated.
- The share of the FMA peak is `roofline.measure`'s: the engine's epochs without the shuffle, in turns with the peak.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import numpy as np
from threadpoolctl import threadpool_limits

from fastnet.engine.peak import make_peak
from fastnet.environment import cpu_name

from .libraries import LIBRARIES, installed
from .machine import cores, print_head, print_row
from .problems import SHAPES, Problem
from .roofline import measure

TURN_SECONDS, MOST_EPOCHS = 0.2, 20  # of fastnet's turns
PACKAGES = ["fastnet", "numpy", "scipy", "scikit-learn", "numba", "torch", "jax", "jaxlib"]
# column of the first table: the peers of whom the best counts
COLUMNS = {
    "scikit-learn float64": ["sklearn64"],
    "scikit-learn float32": ["sklearn32"],
    "PyTorch": ["torch", "torch-compile"],
    "JAX": ["jax"],
}


def compare(problem, names, threads, rounds, pause=0.0):
    """Let libraries train in turns.

    Parameters
    ----------
    problem : Problem
        What to train on.
    names : list of str
        Keys of LIBRARIES.
    threads : int
        Threads of each.
    rounds : int
        Turns of each.
    pause : float, default=0
        Seconds between turns, in which a library's idle threads stop to spin.

    Returns
    -------
    seconds : dict of list of float
        By library, for every round, the mean time of an epoch.
    losses : dict of float
        By library, the loss at the end of the turn.
    epochs : int
        Counted in each turn.
    failures : dict of str
        By library that did not run, why.
    """
    libraries, failures, first = {}, {}, {}
    for name in names:
        try:
            libraries[name] = LIBRARIES[name][2](problem, threads)
            libraries[name].turn(1)
            first[name] = libraries[name].turn(1)[0]
        except Exception as error:
            if name == "fastnet":
                raise
            libraries.pop(name, None)
            failures[name] = " ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
    quickest = first.get("fastnet", min(first.values()))
    epochs = min(MOST_EPOCHS, max(1, round(TURN_SECONDS / quickest)))
    seconds, losses = {name: [] for name in libraries}, {}
    for _ in range(rounds):
        for name, library in libraries.items():
            time.sleep(pause)
            taken, losses[name] = library.turn(epochs)
            seconds[name].append(taken)
    return seconds, losses, epochs, failures


def work(arguments):
    """Measure with a fixed number of threads; prints a line of JSON for each network."""
    threads = arguments.worker
    dtype = np.dtype(np.float32)
    peak = make_peak(dtype)
    with threadpool_limits(threads):
        for name in arguments.networks:
            sizes, batch, rows = SHAPES[name]
            rows = 1_000 if arguments.quick else rows
            peers = [peer for peer in arguments.peers if peer != "torch-compile" or threads > 1]
            print(f"{name}, {threads} threads", file=sys.stderr, flush=True)
            seconds, losses, epochs, failures = compare(
                Problem(sizes, batch, rows),
                ["fastnet", *peers],
                threads,
                arguments.rounds,
                pause=0.25 if threads > 1 else 0.02,
            )
            rate, top, used = measure(sizes, batch, dtype, threads, arguments.rounds, rows, peak)
            result = dict(
                network=name, threads=threads, rows=rows, epochs=epochs, seconds=seconds, losses=losses,
                failures=failures, peak=top, share=rate / top / used, used=used,
            )  # fmt: skip
            print(json.dumps(result), flush=True)


def run_worker(threads, arguments):
    """Start a process that measures with so many threads, and yield its results as they come."""
    command = [sys.executable, "-m", "benchmarks.peers", f"--worker={threads}", f"--rounds={arguments.rounds}"]
    command += ["--quick"] * arguments.quick + ["--networks", *arguments.networks, "--peers", *arguments.peers]
    # NPROC is XLA's; the last one keeps torch.compile from forking a process that holds JAX's threads.
    count = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"], str(threads))
    environment = os.environ | count | {"TORCHINDUCTOR_COMPILE_THREADS": "1"}
    mine, own = cores(threads), cores(1) and os.sched_getaffinity(0)
    if mine:
        os.sched_setaffinity(0, mine)  # inherited
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    finally:
        if mine:
            os.sched_setaffinity(0, own)
    with process:
        for line in process.stdout:
            if line.startswith('{"'):
                yield json.loads(line)
    if process.returncode:
        sys.exit(
            f"the process for {threads} threads ended with status {process.returncode}; if torch.compile was why, "
            "leave it out by --peers"
        )


def duration(seconds):
    """Seconds as text of three digits."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"


def with_spread(values, centre, show):
    """A median, and in brackets the least and the largest value."""
    return f"{show(centre)} ({show(min(values))}–{show(max(values))})" if len(values) > 1 else show(centre)


def ratio_cell(result, names):
    """Best peer's median over fastnet's, and the least and largest ratio of one round."""
    seconds = result["seconds"]
    there = [name for name in names if name in seconds]
    if not there:
        return "–"
    best = min(there, key=lambda name: statistics.median(seconds[name]))
    ratios = [a / b for a, b in zip(seconds[best], seconds["fastnet"], strict=True)]
    centre = statistics.median(seconds[best]) / statistics.median(seconds["fastnet"])
    return with_spread(ratios, centre, lambda r: f"{r:.3g}")


def print_table(header, rows):
    """A Markdown table."""
    print()
    print_head(header)
    for row in rows:
        print_row(row)


def report(results, arguments):
    """Print everything as Markdown."""
    versions = []
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{package} {importlib.metadata.version(package)}")
    peak = statistics.median(result["peak"] for result in results) / 1e9
    print(f"CPU: {cpu_name()}, {platform.system()}; FMA peak of one core in float32: {peak:.0f} GFLOP/s.  ")
    print(f"Python {platform.python_version()}, {', '.join(versions)}.  ")
    print(
        f"Medians of {arguments.rounds} round(s), in brackets the least and the largest. Peers: the time of an epoch "
        "divided by fastnet's in float32; above 1 fastnet is faster."
    )
    columns = {title: names for title, names in COLUMNS.items() if set(names) & set(arguments.peers)}
    rows = []
    for result in results:
        own = result["seconds"]["fastnet"]
        rows.append(
            [
                result["network"], result["threads"], f"{result['share']:.0%}",
                with_spread(own, statistics.median(own), duration),
                *(ratio_cell(result, names) for names in columns.values()),
            ]
        )  # fmt: skip
    print_table(["network, batch", "threads", "share of FMA peak", "fastnet, an epoch", *columns], rows)

    print("\nEvery library: time of an epoch, and the loss at the end of a turn.")
    rows = []
    for result in results:
        for name, seconds in result["seconds"].items():
            rows.append(
                [
                    result["network"], f"{result['rows']:,}", result["threads"], LIBRARIES[name][1],
                    with_spread(seconds, statistics.median(seconds), duration), result["epochs"] + 1,
                    f"{result['losses'][name]:.4f}",
                ]
            )  # fmt: skip
    print_table(["network, batch", "rows", "threads", "library", "an epoch", "epochs", "loss"], rows)

    notes = [f"{LIBRARIES[name][1]}: not installed, left out." for name in arguments.missing]
    notes += [
        f"{r['network']}, {r['threads']} threads: {LIBRARIES[name][1]} failed and is left out ({why})."
        for r in results
        for name, why in r["failures"].items()
    ]
    notes += [
        f"{r['network']}: fastnet used {r['used']} threads instead of {r['threads']}."
        for r in results
        if r["used"] != r["threads"]
    ]
    if cores(1) is None:
        notes.append("This system has no CPU affinity: JAX may have used more threads than the table says.")
    print("".join(f"\n- {note}" for note in notes))


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small networks, 1,000 rows, one round")
    parser.add_argument("--networks", nargs="+", choices=list(SHAPES), metavar="NAME", help=f"of {list(SHAPES)}")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int)
    peers = [name for name in LIBRARIES if name != "fastnet"]
    parser.add_argument("--peers", nargs="*", default=peers, choices=peers, metavar="PEER", help=f"of {peers}")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.networks = arguments.networks or list(SHAPES)[: 2 if arguments.quick else None]
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 7)
    if arguments.worker:
        return work(arguments)
    arguments.missing = [name for name in arguments.peers if not installed(name)]
    arguments.peers = [name for name in arguments.peers if name not in arguments.missing]
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    results = []
    for threads in arguments.threads:
        if threads > available:
            print(f"Only {available} processors: {threads} threads are left out.", file=sys.stderr)
            continue
        results += run_worker(threads, arguments)
    if not results:
        sys.exit("nothing was measured")
    results.sort(key=lambda result: arguments.networks.index(result["network"]))
    report(results, arguments)


if __name__ == "__main__":
    main()
