"""The machine: what it is, how fast its cores multiply, alone and at once, and what it costs threads to meet."""

import json
import os
import platform
import time
from pathlib import Path

import numba
from numba import njit

from fastnet.engine.team import Team
from fastnet.environment import cpu_name
from fastnet.kernels.caches import described, host_caches
from fastnet.kernels.host import is_arm, target, tile
from fastnet.kernels.memory import aligned_zeros
from fastnet.kernels.threads.barrier import barrier
from fastnet.kernels.threads.team import ABANDONED, SYNC_WORDS, Workers, allowed_threads, yield_address

CROSSINGS, TRIALS, STARTS = 500, 200, 1_000


def cores(count):
    """Numbers of ``count`` processors, each on a core of its own if the system tells; None if it cannot be asked."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    allowed, chosen, siblings = sorted(os.sched_getaffinity(0)), [], set()
    for cpu in allowed:
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        same = path.read_text().strip() if path.exists() else str(cpu)
        if same not in siblings:
            siblings.add(same)
            chosen.append(cpu)
    return (chosen if len(chosen) >= count else allowed)[:count]


def facts(dtype):
    """What the figures of a run depend on, a dict that JSON can hold."""
    shape, caches = tile(dtype), host_caches()
    bits = 8 * shape.lanes * dtype.itemsize
    return {
        "cpu": cpu_name(), "system": platform.system(), "target": target().cpu,
        "path": {512: "AVX-512", 256: "AVX2", 128: "NEON" if is_arm() else "SSE"}[bits], "vector_bits": bits,
        "fma": shape.fma, "forced": bool(numba.config.CPU_NAME), "dtype": dtype.name, "level_1": caches.level_1,
        "level_2": caches.level_2, "level_3": described().get(3), "threads": allowed_threads(),
    }  # fmt: skip


def print_facts(machine):
    """The facts as two lines."""
    forced = ", forced by NUMBA_CPU_NAME" if machine["forced"] else ""
    print(
        f"CPU {machine['cpu']}, {machine['system']}; compiled for {machine['target']}{forced}: {machine['path']}, "
        f"vectors of {machine['vector_bits']} bits, {machine['dtype']}.  "
    )
    third = "unknown" if machine["level_3"] is None else f"{machine['level_3'] >> 20} MB"
    print(
        f"Caches of a core: L1 {machine['level_1'] >> 10} KB, L2 {machine['level_2'] >> 10} KB; L3 {third}. "
        f"Threads that this process may use: {machine['threads']}."
    )


def print_head(columns):
    """The first two lines of a Markdown table."""
    print_row(columns)
    print("|" + "---|" * len(columns))


def print_row(cells):
    """A line of a Markdown table, to be seen at once."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def write_json(path, figures):
    """Write a run's figures."""
    if path is not None:
        Path(path).write_text(json.dumps(figures, indent=1) + "\n")


@njit(nogil=True)
def _cross(sync, n_threads, first, count, yield_function):
    """Cross barriers, `first` of which have been crossed before."""
    arrivals = first * n_threads
    for _ in range(count):
        arrivals += n_threads
        if not barrier(sync, arrivals, yield_function):
            break


def barrier_seconds(threads, trials=TRIALS):
    """Time of a barrier that so many threads cross again and again, with nothing to do in between.

    The least of many short trials, each thread on a core of its own: some are over before the system gives a core to
    somebody else. One thread meets nobody.
    """
    if threads == 1:
        return 0.0
    sync, taken = aligned_zeros(SYNC_WORDS, "int64"), []
    address, leave = sync.ctypes.data, yield_address()
    places, own = cores(threads), cores(1) and os.sched_getaffinity(0)
    _cross(address, 1, 0, 1, leave)  # compiled

    def work(thread):
        if places:
            os.sched_setaffinity(0, {places[thread]})  # of this thread
        _cross(address, threads, 0, 1, leave)  # all are awake
        start = time.perf_counter()
        _cross(address, threads, 1, CROSSINGS, leave)
        if thread == 0:
            taken.append((time.perf_counter() - start) / CROSSINGS)

    def abandon():
        sync[ABANDONED] = 1

    workers = Workers(threads)
    try:
        for _ in range(trials):
            sync[:] = 0
            workers.run(threads, work, (), abandon)
    finally:
        workers.close()
        if places:
            os.sched_setaffinity(0, own)
    return min(taken)


def start_seconds(threads):
    """Least time in which so many waiting threads begin and end a call that does nothing."""
    taken = []
    with Team(threads, keeps_all=True) as team:
        for _ in range(STARTS):
            start = time.perf_counter()
            team.run(threads, {}, lambda thread: None, ())
            taken.append(time.perf_counter() - start)
    return min(taken)
