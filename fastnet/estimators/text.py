"""Tables in plain text, and the names of ops in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def text_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in columns of equal width: the first flush left, the others flush right.

    Parameters
    ----------
    heads : sequence of str
        Names of the columns.
    rows : iterable of sequence of str
        Its cells.

    Returns
    -------
    str
        Lines, the last one without an end.

    Examples
    --------
    >>> from fastnet.estimators.text import text_table
    >>> print(text_table(["layer", "units"], [["1 relu", "100"], ["2 softmax", "3"]]))
    layer      units
    1 relu       100
    2 softmax      3
    """
    cells = [list(heads), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        first, *others = zip(row, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def word_of(registry: Mapping[str, Any], op: Any) -> str:
    """The name under which an op stands in a registry; one with parameters of its own as it is written."""
    return next((name for name, entry in registry.items() if entry == op), repr(op))
