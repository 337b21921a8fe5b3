"""Says once, on stderr, that the wait is for the compiler: a first fit would else be silent for a long while."""

import multiprocessing
import sys
import threading
import time

# Compiling for less than this is not worth a word.
PATIENCE_SECONDS = 2.0

_was_told = False
_seconds = 0.0


def silence():
    """Say nothing from now on: somebody else tells."""
    global _was_told
    _was_told = True


class Notice:
    """A context in which a function is compiled, or loaded; `begin` says that it is compiled.

    Only the first process speaks: those that it starts wait for the same, or compile beside it.

    Parameters
    ----------
    directory : str or None
        Where machine code is saved.
    """

    def __init__(self, directory):
        self._directory, self._timer, self._began = directory, None, None

    def begin(self):
        """Nothing was found to load: from now on this process compiles, or waits for another one that does."""
        self._began = time.perf_counter()
        if _was_told or multiprocessing.parent_process() is not None:
            return
        self._timer = threading.Timer(max(0.0, PATIENCE_SECONDS - _seconds), self._tell)
        self._timer.daemon = True
        self._timer.start()

    def _tell(self):
        if _was_told:
            return
        silence()
        saved = (
            "It cannot be saved here, and every new process compiles again"
            if self._directory is None
            else f"The machine code is saved in {self._directory}, and later runs load it"
        )
        print(
            f"fastnet compiles its kernels for this machine, which takes 5 to 20 seconds, once. {saved}; "
            "`python -m fastnet warmup` does it ahead.",
            file=sys.stderr,
            flush=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        global _seconds
        if self._timer is not None:
            self._timer.cancel()
        if self._began is not None:
            _seconds += time.perf_counter() - self._began
