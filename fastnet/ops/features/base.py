"""The registry of feature layers and their base class."""

from dataclasses import dataclass

import numpy as np

from ..registry import Value

FEATURES: "dict[str, Feature]" = {}

# Outputs of one column, which are computed in memory on the stack.
MAX_OUTPUTS = 128


@dataclass(frozen=True)
class Feature(Value):
    """A feature layer: it makes ``n_outputs`` inputs of the first product of each column that it is given.

    Attributes
    ----------
    kernel : str
        Name of its formulas in ``compiled/feature_kernels.py``.
    is_learnt : bool
        Whether its numbers are trained.
    takes_codes : bool
        Whether columns hold codes of levels, 0, 1, 2 and so on, and no quantities.
    most_levels : int
        Levels that such a column may have.
    is_lazy : bool
        Whether its numbers are rows of a table, of which only those of the levels in a mini-batch take a step.
    """

    kernel = ""
    is_learnt = True
    takes_codes = False
    most_levels = 0
    is_lazy = False

    @property
    def group_rate(self) -> float:
        """Factor of the learning rate of its numbers."""
        return getattr(self, "rate_factor", 1.0)

    def outputs_of(self, n_levels: int) -> int:
        """Number of outputs of one column; ``n_levels`` is 0 where columns hold no codes."""
        raise NotImplementedError

    def size_of(self, n_levels: int) -> int:
        """The number that its formulas get beside the number of outputs."""
        return n_levels

    def shapes(self, n_levels: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of one column's numbers, in the order in which they stand in memory."""
        raise NotImplementedError

    def draw(self, n_levels: int, random_state: np.random.RandomState) -> dict[str, np.ndarray]:
        """The values that one column's numbers begin with."""
        raise NotImplementedError

    def from_data(self, numbers: dict[str, np.ndarray], x: np.ndarray) -> dict[str, np.ndarray]:
        """The same after a look at the column's training samples, an array of one dimension, in its own dtype."""
        return numbers

    @property
    def looks_at_data(self) -> bool:
        """Whether `from_data` does anything."""
        return type(self).from_data is not Feature.from_data

    def _numbers(self):
        # Counts are never read in the type of the computation.
        return (one for one in super()._numbers() if not one[2].integral)
