"""The machine code on disk: where it is, what makes it stale, who compiles it, and how to live with a bad file.

Numba's own cache key does not see edits in callees of other files, and holds the identity of jitted
functions in closures, which no second process can hit. The key here is the name, the dtype and a digest
of this package's sources.
"""

import hashlib
import os
import pickle
import re
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.misc.appdirs import AppDirs

from .filelock import FileLock
from .sources import PACKAGE, source_digest

KEEP_SECONDS = 7 * 24 * 3600


@cache
def cache_directory():
    """The first writable directory of NUMBA_CACHE_DIR, the package's __pycache__, the user's cache; or None."""
    candidates = [PACKAGE / "__pycache__", Path(AppDirs("fastnet", False).user_cache_dir)]
    if config.CACHE_DIR:
        candidates.insert(0, Path(config.CACHE_DIR) / "fastnet")
    for directory in candidates:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=directory).close()
        except OSError:
            continue
        return str(directory)
    return None


class _Locator:
    """Where the cache files of one C function are and what makes them stale."""

    def __init__(self, directory):
        self.directory = directory

    def get_cache_path(self):
        return self.directory

    def get_source_stamp(self):
        return source_digest()

    def ensure_cache_path(self):
        os.makedirs(self.directory, exist_ok=True)


class _Implementation(CompileResultCacheImpl):
    def __init__(self, locator):  # the parent's would search a directory by the function's file
        self._locator = locator
        self._lineno = 0


class _Files(IndexDataCacheFile):
    """Index and data files, the data behind a digest of it: machine code that a disk has damaged must not run."""

    def _save_data(self, name, data):
        data = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(data).digest())
            file.write(data)

    def _load_data(self, name):
        with open(self._data_path(name), "rb") as file:
            digest, data = file.read(hashlib.sha256().digest_size), file.read()
        if hashlib.sha256(data).digest() != digest:
            raise ValueError(f"{name} is damaged")
        return pickle.loads(data)


class Cache(FunctionCache):
    """Numba's function cache with a key of our own, and no way to fail.

    Of several processes that miss the same function, one compiles it and the others wait for that. The lock is
    taken by a load that found nothing and given back by the save, or at the end of the ``with`` block.

    Attributes
    ----------
    failure : Exception or None
        Why the machine code could not be saved.
    """

    def __init__(self, function, key, directory, on_miss=lambda: None):
        self._on_miss = on_miss
        self._name = "-".join("".join(c if c.isalnum() or c in "._" else "_" for c in part) for part in key)
        self._py_func = function
        self._key = key
        self._impl = _Implementation(_Locator(directory))
        self._cache_path = directory
        # The digest is in the name too: an index is written before its data, and a process that reads in
        # between must not find the machine code of older sources under the same name.
        base = self._base = f"fastnet-{self._name}-{source_digest()[:12]}"
        self._cache_file = _Files(directory, base, source_digest())
        self.failure = None
        self._lock = FileLock(os.path.join(directory, base + ".lock"))
        self.enable()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._lock.release()

    @property
    def seconds_waited(self):
        """Seconds spent waiting for another process that compiles the same."""
        return self._lock.waited

    def _index_key(self, signature, codegen):
        return str(signature), codegen.magic_tuple(), self._key

    def load_overload(self, signature, target_context):
        found = self._load(signature, target_context)
        if found is None:
            self._on_miss()
        if found is None and self._enabled:
            self._lock.acquire()
            if self._is_saved(signature, target_context):  # meanwhile, by another process
                self._lock.release()  # now: all who waited load at once
                found = self._load(signature, target_context)
        return found

    def _load(self, signature, target_context):
        try:
            # Not Numba's own load_overload: it first imports all that a compilation needs, which takes longer than
            # everything else here.
            with self._guard_against_spurious_io_errors():
                return self._load_overload(signature, target_context)
        except Exception:  # a truncated or foreign file: forget it and compile again
            self._forget()
            return None

    def _is_saved(self, signature, target_context):
        try:
            data = self._cache_file._load_index().get(self._index_key(signature, target_context.codegen()))
            return data is not None and os.path.exists(self._cache_file._data_path(data))
        except Exception:
            return False

    def save_overload(self, signature, data):
        try:
            super().save_overload(signature, data)
        except Exception as error:  # a full disk: the function works, the next process compiles again
            self.failure = error
            self._forget()
        finally:
            self._lock.release()
        with suppress(OSError):
            self._tidy()

    def _tidy(self):
        """Remove what other sources, or killed processes, left of this function and nobody has used for a week."""
        name = re.compile(rf"(fastnet-{re.escape(self._name)}-[0-9a-f]{{12}})\.(nbi|\d+\.nbc|lock)(\.tmp\.\w+)?")
        with os.scandir(self._cache_path) as entries:
            for entry in entries:
                match = name.fullmatch(entry.name)
                if match and (match[1] != self._base or match[3]):
                    with suppress(OSError):
                        # Reading moves st_atime, a day late at most; where it is off, the time of saving counts.
                        status = entry.stat(follow_symlinks=False)
                        if time.time() - max(status.st_mtime, status.st_atime) > KEEP_SECONDS:
                            os.unlink(entry.path)

    def _forget(self):
        try:
            self.flush()
        except OSError as error:
            self.failure = error
            self.disable()
