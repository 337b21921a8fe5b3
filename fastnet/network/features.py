"""The feature layer of a net: which columns of the inputs become what, and where their numbers stand.

All numbers of the layer are one vector: block after block, in a block column after column, so that a column's numbers
lie together; the scale behind all of it comes last. `FeatureLayer` is plain data, known before any training, but for
the numbers of levels.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from ..ops.features import Feature, Scale
from .layers import Group


@dataclass(frozen=True)
class FeatureBlock:
    """Columns that go through one feature layer.

    Attributes
    ----------
    op : Feature or None
        The feature layer; None passes the columns through.
    columns : tuple of int
        Columns of the inputs.
    levels : tuple of int
        Levels of each column; 0 where columns hold no codes.
    """

    op: Feature | None
    columns: tuple
    levels: tuple


class FeatureColumn(NamedTuple):
    """Where a column of the inputs goes, and where its numbers stand.

    Attributes
    ----------
    op : Feature or None
        What it goes through.
    column : int
        Of the inputs.
    output, n_outputs : int
        Its outputs: the first one's number, and how many.
    offset, n_numbers : int
        Its numbers in the layer's vector.
    n_levels : int
        Levels, or 0.
    """

    op: Feature | None
    column: int
    output: int
    n_outputs: int
    offset: int
    n_numbers: int
    n_levels: int


@dataclass(frozen=True)
class FeatureLayer:
    """The feature layer of a net.

    Attributes
    ----------
    n_inputs : int
        Columns of the inputs.
    blocks : tuple of FeatureBlock
        In the order of the outputs; of a block each column's outputs lie together.
    scale : Scale or None
        The learnt scale of all outputs.
    """

    n_inputs: int
    blocks: tuple
    scale: Scale | None = None

    @property
    def columns(self):
        """A `FeatureColumn` for each column of each block, in the order of the outputs."""
        return _columns(self)

    @property
    def n_outputs(self):
        """What the first layer of weights reads."""
        return self.columns[-1].output + self.columns[-1].n_outputs

    @property
    def scale_offset(self):
        """Where the numbers of the scale begin in the vector."""
        return self.columns[-1].offset + self.columns[-1].n_numbers

    @property
    def size(self):
        """Length of the vector."""
        return self.scale_offset + (self.n_outputs if self.scale is not None else 0)

    @property
    def is_learnt(self):
        """Whether any of the numbers are trained."""
        return self.scale is not None or any(block.op is not None and block.op.is_learnt for block in self.blocks)

    @property
    def is_lazy(self):
        """Whether only some of a table's rows take a step."""
        return any(block.op is not None and block.op.is_lazy for block in self.blocks)

    @property
    def groups(self):
        """Parameter groups of the numbers that are trained."""
        ops = [block.op for block in self.blocks if block.op is not None and block.op.is_learnt]
        return tuple(dict.fromkeys(map(group_of, [*ops, *([self.scale] if self.scale is not None else [])])))

    def _by_block(self):
        """Each block with its columns' records."""
        columns = iter(self.columns)
        for block in self.blocks:
            yield block, [next(columns) for _ in block.columns]

    def unpack(self, vector):
        """The numbers by their names.

        Parameters
        ----------
        vector : ndarray of shape (size,)
            All of them.

        Returns
        -------
        list of dict
            For each block but one that passes columns through: each name with an array of shape (n_columns, …), or,
            of tables, which may differ in their levels, with a list of arrays. With a scale, then 'scales'.
        """
        result = []
        for block, columns in self._by_block():
            if block.op is None:
                continue
            each = []
            for at in columns:
                numbers, start = {}, at.offset
                for name, shape in block.op.shapes(at.n_levels).items():
                    numbers[name] = vector[start : start + prod(shape)].reshape(shape)
                    start += prod(shape)
                each.append(numbers)
            stack = _as_list if block.op.is_lazy else np.stack
            result.append({name: stack([numbers[name] for numbers in each]) for name in each[0]})
        if self.scale is not None:
            result.append({"scales": vector[self.scale_offset :].copy()})
        return result

    def pack(self, given):
        """The other way round; raises ValueError where an array has another shape, or is missing.

        Parameters
        ----------
        given : list of dict
            As from `unpack`.

        Returns
        -------
        ndarray of shape (size,)
        """
        parts, left = [np.empty(0, np.float32)], list(given)
        expected = [block.op for block in self.blocks if block.op is not None] + ([self.scale] if self.scale else [])
        if len(left) != len(expected):
            raise ValueError(f"features_ must hold {len(expected)} dict(s), got {len(left)}: leave them as fitted.")
        left = iter(left)
        for block, columns in self._by_block():
            if block.op is None:
                continue
            numbers = next(left)
            arrays = {name: [np.asarray(a) for a in numbers[name]] for name in block.op.shapes(block.levels[0])}
            for number, at in enumerate(columns):
                for name, shape in block.op.shapes(at.n_levels).items():
                    _check_shape(name, arrays[name], number, len(columns), shape)
                    parts.append(arrays[name][number].ravel())
        if self.scale is not None:
            scales = np.asarray(next(left)["scales"])
            _check_shape("scales", [scales], 0, 1, (self.n_outputs,))
            parts.append(scales)
        # An empty one in single precision changes no type.
        return np.concatenate(parts)

    def draw(self, random_state, dtype):
        """The vector that training begins with, drawn column after column."""
        vector = np.ones(self.size, dtype)
        for at in self.columns:
            if at.op is not None:
                drawn = at.op.draw(at.n_levels, random_state)
                vector[at.offset : at.offset + at.n_numbers] = _joined(at, drawn)
        return vector

    def look_at(self, vector, X, rows):
        """Change, in place, what a fit takes from its training samples, rows of X: quantiles, levels that are there."""
        for at in self.columns:
            if at.op is not None and at.op.looks_at_data:
                numbers, start = {}, at.offset
                for name, shape in at.op.shapes(at.n_levels).items():
                    numbers[name] = vector[start : start + prod(shape)].reshape(shape)
                    start += prod(shape)
                vector[at.offset : at.offset + at.n_numbers] = _joined(at, at.op.from_data(numbers, X[rows, at.column]))


def group_of(op):
    """Parameter group of a feature layer's numbers: no decay."""
    return Group(rate=op.group_rate, decay=0.0)


def _as_list(arrays):
    return [a.copy() for a in arrays]


def _joined(at, numbers):
    if not at.n_numbers:
        return np.empty(0)
    return np.concatenate([np.ravel(numbers[name]) for name in at.op.shapes(at.n_levels)])


def _check_shape(name, arrays, number, n_columns, shape):
    if len(arrays) != n_columns or arrays[number].shape != shape:
        found = [a.shape for a in arrays]
        raise ValueError(
            f"features_ has {name} of shapes {found}, the fitted network needs {n_columns} of shape {shape}: leave "
            "them as they were fitted."
        )


# Each prediction asks for these.
@lru_cache(256)
def _columns(layer):
    columns, output, offset = [], 0, 0
    for block in layer.blocks:
        for column, n_levels in zip(block.columns, block.levels, strict=True):
            n_outputs = 1 if block.op is None else block.op.outputs_of(n_levels)
            n_numbers = 0 if block.op is None else sum(map(prod, block.op.shapes(n_levels).values()))
            columns.append(FeatureColumn(block.op, column, output, n_outputs, offset, n_numbers, n_levels))
            output, offset = output + n_outputs, offset + n_numbers
    return tuple(columns)
