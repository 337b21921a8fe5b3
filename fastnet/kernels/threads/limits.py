"""How many threads this process may use: what the machine, the environment and threadpoolctl allow.

Imported with the package, before any fit: a limit that is set before the first fit must be there for it.
"""

import os
from functools import lru_cache

import joblib
import threadpoolctl

# Of these the smallest counts. joblib sets the first two in its worker processes.
VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")

_limit = None  # set through threadpoolctl


def allowed_threads():
    """Threads that this process may use, at least 1.

    Returns
    -------
    int
        The smallest of: the cores of its CPU affinity and its control group's share of them, both as joblib counts
        them, with ``LOKY_MAX_CPU_COUNT``; ``NUMBA_NUM_THREADS``; ``OMP_NUM_THREADS``; and the limit set by
        `threadpoolctl.threadpool_limits`.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    limits = [count_cores(affinity, os.environ.get("LOKY_MAX_CPU_COUNT"))]
    for name in VARIABLES:
        value = os.environ.get(name, "").split(",")[0].strip()  # of a list, for nested levels, the outermost
        if value.isdecimal() and int(value) > 0:
            limits.append(int(value))
    if _limit is not None:
        limits.append(_limit)
    return max(1, min(limits))


@lru_cache(8)
def count_cores(affinity, variable):
    """Cores as joblib counts them, which reads files: once for each value of what may change."""
    return joblib.cpu_count()


class FastnetController(threadpoolctl.LibController):
    """The engine's threads in `threadpoolctl`: a limit on all of a process's pools limits fits, too."""

    user_api = internal_api = "fastnet"
    # threadpoolctl asks for controllers by the libraries that are loaded, and we are none: NumPy's core is there
    # whenever fastnet is.
    filename_prefixes = ("_multiarray_umath",)

    def get_num_threads(self):
        """Threads that a fit may use now."""
        return allowed_threads()

    def set_num_threads(self, num_threads):
        """Set the limit; it is lifted by what the process had without one."""
        global _limit
        _limit = None
        if num_threads < allowed_threads():
            _limit = max(1, num_threads)

    def get_version(self):
        """No version of its own."""


threadpoolctl.register(FastnetController)
