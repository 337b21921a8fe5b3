"""BLAS on one thread, while the engine's own threads want the cores."""

import threading
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _libraries():
    """The BLAS libraries of this process, whose threads can be limited; to find them takes a while."""
    return ThreadpoolController().select(user_api="blas")


_limiting = threading.Lock()


@contextmanager
def one_blas_thread():
    """Keep BLAS to one thread.

    Of fits at the same time, in threads, one does it for all: another would find the one thread, and give that back in
    the end.
    """
    if not _limiting.acquire(blocking=False):
        yield
        return
    try:
        with _libraries().limit(limits=1, user_api="blas"):
            yield
    finally:
        _limiting.release()
