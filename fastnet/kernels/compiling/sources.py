"""The sources that machine code is made from, and a digest of them."""

import hashlib
from functools import cache
from pathlib import Path

# The floors whose constants and formulas can be compiled in. Imports go down only: code of the engine, and of what it
# calls, reads nothing from the floors above.
COMPILED_FLOORS = ("kernels", "ops", "network", "engine")

PACKAGE = Path(__file__).resolve().parents[2]


@cache
def source_digest(package=PACKAGE):
    """Digest of the sources that machine code is made from: what older sources gave is not loaded.

    Parameters
    ----------
    package : Path
        The package's folder.

    Returns
    -------
    str
        In hexadecimal.
    """
    digest = hashlib.sha256()
    for floor in COMPILED_FLOORS:
        for path in sorted((package / floor).rglob("*.py")):
            source = path.read_bytes()
            digest.update(f"{path.relative_to(package).as_posix()} {len(source)} ".encode() + source)
    return digest.hexdigest()
