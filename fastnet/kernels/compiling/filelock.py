"""A lock between processes that nobody waits for in vain.

The system holds it for a process and releases it when that process ends, however it ends. Whoever does not
get it in time goes on without: the lock saves work, nothing is wrong without it.
"""

import os
import time
from contextlib import suppress

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

POLL_SECONDS = 0.02


def _try_to_lock(descriptor):
    """Return whether the lock was free; raise OSError where the file system has no locks."""
    try:
        if fcntl is not None:
            # Not flock: a child that was forked meanwhile would share the lock and outlive its owner.
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except BlockingIOError:
        return False
    except PermissionError:
        if fcntl is not None:
            raise
        return False
    return True


class FileLock:
    """A lock on a file that exists while somebody holds it. No method raises an OSError.

    Not for two threads of one process: POSIX locks do not part them.

    Attributes
    ----------
    patience : float
        Seconds to wait, and the age at which a lock is taken for that of a process that hangs. Of the class:
        a process that waited in vain does not wait again.
    waited : float
        Seconds spent waiting.
    """

    patience = 60.0

    def __init__(self, path):
        self._path = path
        self._descriptor = None
        self._held = False
        self.waited = 0.0

    def acquire(self):
        """Wait for the lock, and return whether it is held."""
        start = time.monotonic()
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            while not _try_to_lock(self._descriptor):
                time.sleep(POLL_SECONDS)
                self.waited = time.monotonic() - start
                age = time.time() - os.fstat(self._descriptor).st_mtime
                if max(self.waited, age) > self.patience:
                    FileLock.patience = 0.0
                    break
            else:
                self._held = True
                os.utime(self._path)  # the file may be a dead process's: the age counts from here
        except OSError:  # no file can be made here, or none be locked
            pass
        if not self._held:
            self.release()
        return self._held

    def release(self):
        """Give the lock back, if it is held."""
        held, self._held = self._held, False
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)
        if held:
            with suppress(OSError):
                os.unlink(self._path)
