"""Networks in words: tables in plain text, names of activations, and the layers in a line."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from ..network.architecture import Architecture
from ..ops.activations import ACTIVATIONS


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


def percent(share: float) -> str:
    """A share as a whole percentage."""
    return f"{100 * share:.0f} %"


def word_of(registry: Mapping[str, Any], op: Any) -> str:
    """The name under which an op stands in a registry; one with parameters of its own as it is written."""
    return next((name for name, entry in registry.items() if entry == op), repr(op))


def activation_names(architecture: Architecture) -> list[str]:
    """What becomes of each layer's z: names of the hidden layers' activations, and of the output activation."""
    return [
        architecture.loss.out_activation if layer.activation is None else word_of(ACTIVATIONS, layer.activation)
        for layer in architecture.layers
    ]


def chain_of_layers(units: Sequence[object], names: Sequence[str]) -> str:
    """The layers in a line, equal ones in a row as one: '64 → 2 × 256 relu → 10 softmax'.

    Parameters
    ----------
    units : sequence
        Number of features, then units of each layer.
    names : sequence of str
        Name of each layer's activation.
    """
    layers = [f"{n} {name}".rstrip() for n, name in zip(units[1:], names, strict=True)]
    words = [str(units[0])]
    for layer, group in groupby(layers):
        count = len(list(group))
        words.append(layer if count == 1 else f"{count} × {layer}")
    return " → ".join(words)
