"""Arrays at guard pages: the first access beyond the one end, or before the other, ends the process."""

import ctypes
import mmap
import os
import signal

import numpy as np

PAGE = mmap.PAGESIZE
_libc = ctypes.CDLL(None, use_errno=True)


def guarded(n_bytes, at_end=True):
    """So many zeros of type uint8 that end, or else begin, at a page which nobody may touch."""
    pages = max(1, -(-n_bytes // PAGE))
    memory = mmap.mmap(-1, (pages + 1) * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    guard = start + (pages * PAGE if at_end else 0)
    if _libc.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(PAGE), 0):
        raise OSError(ctypes.get_errno(), "mprotect")
    return np.frombuffer(memory, np.uint8, n_bytes, pages * PAGE - n_bytes if at_end else PAGE)


def beside_a_guard(a, at_end=True):
    """A copy of an array, of the same memory order, at a guard page."""
    copy = guarded(a.nbytes, at_end).view(a.dtype).reshape(a.shape, order="F" if a.flags.fnc else "C")
    copy[...] = a
    return copy


def dies(address):
    """Whether a process that reads a byte there is ended."""
    child = os.fork()
    if child == 0:
        ctypes.string_at(address, 1)
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1]) in (signal.SIGSEGV, signal.SIGBUS)
