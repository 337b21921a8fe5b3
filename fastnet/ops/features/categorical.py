"""Feature layers of codes: a column holds 0, 1, 2 and so on, one number for each level.

Any other number, such as -1, stands for a level that is missing or unknown, and gives zeros.
"""

from dataclasses import dataclass

import numpy as np

from ..registry import number, register
from .base import FEATURES, MAX_OUTPUTS, Feature

_MOST_LEVELS = 2**24  # single precision has all integers up to here


@register(FEATURES, "embedding")
@dataclass(frozen=True)
class Embedding(Feature):
    r"""A learnt table with a row of ``n_outputs`` numbers for each level of a column of codes.

    A product costs the same for any number of levels. Updates are lazy: in a mini-batch only the rows of its levels
    take a step, with the optimizer's own count of steps; all others, and what the optimizer keeps of them, stay as they
    are, so that their momentum does not move them on. There is no penalty and no decay. Codes that are no level, such
    as -1, give zeros; rows of levels that are not among the training samples begin as zeros. Guo, Berkhahn: "Entity
    Embeddings of Categorical Variables", 2016, arXiv:1604.06737; its lazy steps are those of PyTorch's ``SparseAdam``.

    Its numbers are ``tables``, for each column an array of shape (n_levels, n_outputs).

    Parameters
    ----------
    n_outputs : int, default=8
        Outputs of a column, 1 to 128.
    n_levels : int, default=0
        Levels of each column, at most 2**24. 0 takes one more than the largest code in X of the first fit.
    scale : float, default=1.0
        Standard deviation of the normal distribution from which the rows are drawn, above 0.
    rate_factor : float, default=1.0
        Factor of the learning rate, above 0.

    Examples
    --------
    >>> from fastnet import MLPClassifier
    >>> from fastnet.features import Embedding
    >>> import numpy as np
    >>> codes = np.arange(300) % 30
    >>> X, y = np.column_stack([codes, np.linspace(-1, 1, 300)]), codes % 2
    >>> net = MLPClassifier((8,), features=[(Embedding(4), 0)], max_iter=20, n_iter_no_change=None, random_state=0)
    >>> net.fit(X, y).features_[0]["tables"][0].shape
    (30, 4)
    """

    n_outputs: int = number(8, 1, MAX_OUTPUTS, integral=True)
    n_levels: int = number(0, 0, _MOST_LEVELS, integral=True)
    scale: float = number(1.0, 0.0, closed="neither")
    rate_factor: float = number(1.0, 0.0, closed="neither")
    kernel = "embedding"
    most_levels = _MOST_LEVELS
    takes_codes = True
    is_lazy = True

    def outputs_of(self, n_levels: int) -> int:
        return self.n_outputs

    def shapes(self, n_levels: int) -> dict[str, tuple[int, ...]]:
        return {"tables": (n_levels, self.n_outputs)}

    def draw(self, n_levels: int, random_state: np.random.RandomState) -> dict[str, np.ndarray]:
        return {"tables": random_state.normal(0.0, self.scale, (n_levels, self.n_outputs))}

    def from_data(self, numbers: dict[str, np.ndarray], x: np.ndarray) -> dict[str, np.ndarray]:
        table = numbers["tables"]
        levels = x[(x >= 0) & (x < len(table)) & (x == np.floor(x))].astype(np.intp)
        is_there = np.zeros(len(table), bool)
        is_there[levels] = True
        return {"tables": np.where(is_there[:, None], table, 0.0)}


@register(FEATURES, "one_hot")
@dataclass(frozen=True)
class OneHot(Feature):
    r"""A column of codes as one input for each of its levels, 1 for that of the sample and 0 for the others.

    For columns of few levels, at most 128; `Embedding` takes more. Codes that are no level, such as -1, give zeros. It
    has no numbers of its own.

    Parameters
    ----------
    n_levels : int, default=0
        Levels of each column, at most 128. 0 takes one more than the largest code in X of the first fit.

    Examples
    --------
    >>> from fastnet.features import OneHot
    >>> OneHot(n_levels=3)
    OneHot(n_levels=3)
    """

    n_levels: int = number(0, 0, MAX_OUTPUTS, integral=True)
    kernel = "one_hot"
    most_levels = MAX_OUTPUTS
    is_learnt = False
    takes_codes = True

    def outputs_of(self, n_levels: int) -> int:
        return n_levels

    def shapes(self, n_levels: int) -> dict[str, tuple[int, ...]]:
        return {}

    def draw(self, n_levels: int, random_state: np.random.RandomState) -> dict[str, np.ndarray]:
        return {}
