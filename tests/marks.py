"""Marks for some of a test's parameters."""

from itertools import product

import pytest


def exhaustive(values):
    """Parameters that only an exhaustive run takes: they repeat what others have shown."""
    return [pytest.param(*v, marks=pytest.mark.exhaustive) if isinstance(v, tuple)
            else pytest.param(v, marks=pytest.mark.exhaustive) for v in values]  # fmt: skip


def each_in_turn(*parameters):
    """Every value of each parameter at least once, together with the others' next: where they do not interact."""
    parameters = [list(values) for values in parameters]
    n = max(map(len, parameters))
    return [tuple(values[i % len(values)] for values in parameters) for i in range(n)]


def crossed(*parameters):
    """Every combination; a plain run takes those of `each_in_turn`."""
    few = each_in_turn(*parameters)
    return [values if values in few else exhaustive([values])[0] for values in product(*parameters)]
