"""Compiles everything for one level and dtype: ``python compile_objects.py DTYPE FOLDER``, with the target's variables.

The build hook runs this, with `NUMBA_CPU_NAME` set to a level and an empty cache. It writes one object file a function,
and the names of the symbols to ``DTYPE.txt``.
"""

import sys
from pathlib import Path

import fastnet.engine.ahead
from fastnet.kernels.compiling import jit, prebuilt
from fastnet.kernels.compiling.objects import object_code


def main(dtype, folder):
    for _, compile_one in fastnet.engine.ahead.ahead(dtype):
        compile_one()
    symbols = {}
    for key, is_loaded in jit.compiled_keys().items():
        assert not is_loaded, f"{key} came from a cache: give NUMBA_CACHE_DIR an empty folder"
        symbols.setdefault(prebuilt.symbol(key), []).append(key)
    for symbol, keys in symbols.items():
        assert len(keys) == 1, f"{keys} have one symbol"
        # A float32 network's links of doubles are compiled with the doubles, too.
        if keys[0][-1] == dtype:
            Path(folder, f"{symbol}.o").write_bytes(object_code(keys[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
