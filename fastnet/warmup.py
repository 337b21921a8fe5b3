"""Compiling before the first fit: what fills the cache of an image or a server."""

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence


def warmup(dtypes: Sequence[str] = ("float32", "float64"), everything: bool = False) -> None:
    """Compile what fits need and save it, so that later processes only load it; what is there already is skipped.

    Parameters
    ----------
    dtypes : sequence of {'float32', 'float64'}
        Of the computation.
    everything : bool, default=False
        Whether to compile all activations, losses and optimizers, and what only some parameters need; else what the
        default parameters need.

    Raises
    ------
    RuntimeError
        If the machine code cannot be saved.
    """
    from .engine.ahead import ahead
    from .kernels.compiling import prebuilt
    from .kernels.compiling.jit import compile_seconds, compiled_keys
    from .kernels.compiling.notice import silence

    silence()  # what is compiled is shown here

    steps = [(f"{name}, {dtype}", step) for dtype in dtypes for name, step in ahead(dtype, everything)]
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            for step in _shown(steps):
                step()
        except RuntimeWarning as warning:
            raise RuntimeError(str(warning)) from None
    compiled = sum(not is_loaded for is_loaded in compiled_keys().values())
    loaded = len(compiled_keys()) - compiled
    print(
        f"{len(prebuilt.used_keys())} functions came with the package, {loaded} were in the cache, {compiled} were "
        f"compiled, in {time.perf_counter() - start:.0f} s, of which {compile_seconds():.0f} s compiling."
    )
    if compiled or loaded:
        from .kernels.compiling.cache import cache_directory

        print(f"The cache is {cache_directory()}.")


def _shown(steps: list[tuple[str, Callable[[], object]]]) -> Iterator[Callable[[], object]]:
    """The steps one by one, with a progress bar if tqdm is there, else a line each tenth of the way."""
    try:
        from tqdm import tqdm
    except ImportError:
        for number, (name, step) in enumerate(steps):
            if number * 10 // len(steps) != (number - 1) * 10 // len(steps):
                print(f"{number} of {len(steps)}: {name}", file=sys.stderr, flush=True)
            yield step
        return
    with tqdm(steps, unit="function") as bar:
        for name, step in bar:
            bar.set_postfix_str(name)
            yield step
