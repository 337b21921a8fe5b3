"""Tables as short descriptions: columns of every kind, in every container that holds them."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

CONTAINERS = ("pandas", "polars", "pyarrow", "objects")
_MORNING = dt.datetime(2024, 2, 28, 6, 30)
_ZONE = dt.timezone(dt.timedelta(hours=-5))


def _words(n):
    """Values that are drawn from so many words."""
    return lambda rng, rows: [f"word {i}" for i in rng.integers(0, n, rows)]


def _normal(factor=1.0, shift=0.0):
    return lambda rng, rows: (factor * rng.normal(size=rows) + shift).tolist()


# Python values of each kind of column, of a generator and a number of rows.
NUMERIC = {
    "normal": _normal(),
    "huge": _normal(1e300),
    "tiny": _normal(1e-300),
    "close": _normal(1e-9, 1e6),
    "constant": lambda rng, rows: [3.5] * rows,
    "mostly zero": lambda rng, rows: (rng.exponential(size=rows) * (rng.random(rows) < 0.2)).tolist(),
    "integers": lambda rng, rows: rng.integers(-5, 5, rows).tolist(),
    "large integers": lambda rng, rows: rng.integers(2**60, 2**62, rows).tolist(),
    "durations": lambda rng, rows: [dt.timedelta(seconds=int(s)) for s in rng.integers(-(10**6), 10**6, rows)],
}
OTHERS = {
    "booleans": lambda rng, rows: (rng.random(rows) < 0.4).tolist(),
    "two words": _words(2),
    "words": _words(5),
    "many words": _words(400),
    "empty words": lambda rng, rows: rng.choice(["", " ", "missing", "rare", "ü", "nan"], rows).tolist(),
    "days": lambda rng, rows: [_MORNING.date() + dt.timedelta(days=int(d)) for d in rng.integers(-9999, 9999, rows)],
    "moments": lambda rng, rows: [_MORNING + dt.timedelta(seconds=int(s)) for s in rng.integers(0, 10**8, rows)],
    "zoned": lambda rng, rows: [(_MORNING + dt.timedelta(hours=int(h))).replace(tzinfo=_ZONE)
                                for h in rng.integers(0, 10**5, rows)],
}  # fmt: skip
# Only where a container has Python's objects: no type of a frame holds them beside each other.
OBJECTS = {
    "decimals": lambda rng, rows: [Decimal(int(i)) / 8 for i in rng.integers(-99, 99, rows)],
    "numbers of several types": lambda rng, rows: [int(i) if i % 2 else float(i) for i in rng.integers(-9, 9, rows)],
}
KINDS = {**NUMERIC, **OTHERS, **OBJECTS}


@dataclass(frozen=True)
class Described:
    """A column: what is in it, and which share of it is missing."""

    kind: str
    seed: int = 0
    missing: float = 0.0

    def values(self, rows, again=0):
        """Python values, None where they are missing; other ones for another ``again``."""
        rng = np.random.default_rng([self.seed, again])
        values = KINDS[self.kind](rng, rows)
        return [None if gap else value for gap, value in zip(rng.random(rows) < self.missing, values, strict=True)]


@dataclass(frozen=True)
class Frame:
    """A table of such columns."""

    columns: tuple
    rows: int
    container: str = "pandas"

    def given(self, again=0, rows=None):
        """The table in its container."""
        rows = self.rows if rows is None else rows
        columns = {f"column {i}": one.values(rows, again) for i, one in enumerate(self.columns)}
        kinds = [one.kind for one in self.columns]
        return in_container(self.container, columns, kinds)


def in_container(container, columns, kinds):
    """Python values in a frame, a table or an array of objects."""
    if container == "polars":
        return pl.DataFrame({n: pl.Series(n, v, dtype=pl.Object if k in OBJECTS else None, strict=False)
                             for k, (n, v) in zip(kinds, columns.items(), strict=True)})  # fmt: skip
    if container == "pyarrow":
        return pa.table({name: pa.array(values) for name, values in columns.items()})
    if container == "pandas":
        return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})
    table = np.empty((len(next(iter(columns.values()))), len(columns)), dtype=object)
    for i, values in enumerate(columns.values()):
        for row, value in enumerate(values):  # one by one: NumPy makes numbers of dates
            table[row, i] = value
    return table


@st.composite
def frames(draw, least_rows=1):
    """Descriptions of tables."""
    container = draw(st.sampled_from(CONTAINERS))
    names = sorted(set(KINDS) - ({"numbers of several types"} if container == "pyarrow" else set()))
    column = st.builds(
        Described, st.sampled_from(names), st.integers(0, 9), st.sampled_from([0.0, 0.0, 0.3, 1.0])
    )
    return Frame(tuple(draw(st.lists(column, min_size=1, max_size=5))), draw(st.integers(least_rows, 60)), container)
