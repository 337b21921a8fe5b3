"""Threads of a fit: how many there may be, and their life.

Python threads that each enter one compiled call and meet at an atomic barrier (`barrier.py`) nest in joblib, survive
fork and leave the main thread free for Ctrl-C.
"""

import ctypes
import os
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from queue import SimpleQueue

from .limits import allowed_threads

# Words of the barrier's memory, each on a cache line of its own.
ARRIVED, ABANDONED, SYNC_WORDS = 0, 16, 32

_running = []
_lock = threading.Lock()


def _forget_threads():
    """A forked child has none of its parent's threads."""
    global _lock
    _running.clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


@cache
def yield_address():
    """Address of the operating system's function that gives up the rest of a time slice."""
    library = ctypes.windll.kernel32 if sys.platform == "win32" else ctypes.CDLL(None)
    function = library.SwitchToThread if sys.platform == "win32" else library.sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value


@cache
def _current_cpu():
    """The operating system's function that tells the CPU of the calling thread; None where threads cannot be placed."""
    return getattr(ctypes.CDLL(None), "sched_getcpu", None) if hasattr(os, "sched_setaffinity") else None


def _places(count):
    """For each of so many threads CPUs to begin on that are neither another one's nor the caller's; and all CPUs.

    Linux means to wake a thread on an idle CPU. But in a virtual machine it may hold a CPU that has been idle for some
    milliseconds for one that the host has taken away, and wake the thread on the CPU of the one that calls it, where
    both then take turns for 10 ms and more.
    """
    current_cpu = _current_cpu()
    if current_cpu is None or count == 0:
        return [()] * count, ()
    everywhere = os.sched_getaffinity(0)
    others = sorted(everywhere - {current_cpu()})
    return [others[number::count] for number in range(count)], everywhere


@dataclass(eq=False)
class Grant:
    """Threads that a running fit may use; other fits that begin or end change ``count``.

    Attributes
    ----------
    most : int
        Threads to start.
    count : int
        Threads to use now, at most ``most`` and at least 1.
    """

    most: int
    count: int = 1


@contextmanager
def reserve(wanted):
    """Take a share of the cores for a fit: up to ``wanted`` threads if it is alone, a fair part beside others.

    Fits that run already make room: they look at their grant before each slice of an epoch.

    Yields
    ------
    Grant
        For the block.
    """
    grant = Grant(max(1, min(wanted, allowed_threads())))
    with _lock:
        _running.append(grant)
        _share()
    try:
        yield grant
    finally:
        with _lock:
            if grant in _running:  # not in a forked child
                _running.remove(grant)
            _share()


def _share():
    """Divide the cores among the running fits; what one does not want is for the others."""
    cores = allowed_threads()
    for served, grant in enumerate(sorted(_running, key=lambda grant: grant.most)):
        grant.count = max(1, min(grant.most, cores // (len(_running) - served)))
        cores -= grant.count


class Workers:
    """Threads that run functions beside the caller's thread, again and again until closed.

    An interrupt may come between any two steps of the caller. So nothing is counted: a worker notes the task it
    finished last, and after an interrupt a fence behind all tasks tells when every thread is idle.

    Parameters
    ----------
    count : int
        Number of threads, the caller's included. Fewer if the system starts no more.
    """

    def __init__(self, count):
        self._workers, self._news, self._errors = [], SimpleQueue(), []
        for number in range(1, count):
            worker = _Worker(number, self._news, self._errors)
            try:
                worker.start()
            except RuntimeError:  # the system has no thread left: go on with those we have
                break
            self._workers.append(worker)
        self.count = 1 + len(self._workers)

    def run(self, n_threads, function, arguments, abandon):
        """Run a function once in each of the first ``n_threads`` threads.

        Parameters
        ----------
        n_threads : int
            Threads to use, the caller's included.
        function : callable
            ``function(thread, *arguments)``, called with thread numbers 0 (the caller's) to ``n_threads - 1``.
        arguments : tuple
            The other arguments.
        abandon : callable
            Called when a thread fails or is interrupted, so that the others stop waiting for it.
        """
        self._errors.clear()
        task = _Task(function, arguments, abandon)
        others = self._workers[: n_threads - 1]
        try:
            places, everywhere = _places(len(others))
            for worker, place in zip(others, places, strict=True):
                worker.wake(task, place, everywhere)
            function(0, *arguments)
            self._wait(others, task)
        except BaseException:
            abandon()
            self._wait_for_idle()
            raise
        if self._errors:
            raise self._errors[0]

    def _wait(self, workers, task):
        # Plain loops: Python would swallow an interrupt while it closes a generator.
        for worker in workers:
            while worker.finished is not task:
                self._news.get()

    def _wait_for_idle(self):
        while True:
            fence = _Task(_nothing, (), _nothing)
            try:
                for worker in self._workers:
                    worker.tasks.put(fence)
                return self._wait(self._workers, fence)
            except KeyboardInterrupt:  # one is on its way to the user already
                continue

    def close(self):
        """End the threads."""
        for worker in self._workers:
            worker.tasks.put(None)
        for worker in self._workers:
            worker.join()
        self._workers = []


@dataclass(frozen=True, eq=False)
class _Task:
    function: object
    arguments: tuple
    abandon: object


def _nothing(*arguments):
    pass


class _Worker(threading.Thread):
    def __init__(self, number, news, errors):
        super().__init__(daemon=True)
        self.number, self.tasks, self.finished = number, SimpleQueue(), None
        self._news, self._errors = news, errors

    def wake(self, task, place, everywhere):
        """Give the thread a task to begin on a CPU of its place, if there is any; from there it may go anywhere."""
        if place:
            self._allow(place)
        self.tasks.put(task)
        if place:
            self._allow(everywhere)

    def _allow(self, cpus):
        with suppress(OSError):  # the system may forbid it, or have taken a CPU away
            os.sched_setaffinity(self.native_id, cpus)

    def run(self):
        while (task := self.tasks.get()) is not None:
            try:
                task.function(self.number, *task.arguments)
            except BaseException as error:
                self._errors.append(error)
                task.abandon()
            self.finished = task
            self._news.put(None)
