"""Feature layers of quantities."""

import math
from dataclasses import dataclass

import numpy as np

from ..registry import number, register
from .base import FEATURES, MAX_OUTPUTS, Feature


@register(FEATURES, "scale")
@dataclass(frozen=True)
class Scale(Feature):
    r"""A learnt scale, :math:`s x`.

    With a factor of the learning rate it lets a network choose among its inputs early in the training. Holzmüller,
    Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data", NeurIPS 2024,
    arXiv:2407.04491, which takes the factor 6.

    Its numbers are ``scales`` of shape (n_columns,), which begin as 1.

    Parameters
    ----------
    rate_factor : float, default=6.0
        Factor of the learning rate, above 0.

    Examples
    --------
    >>> from fastnet.features import Scale
    >>> Scale(rate_factor=1)
    Scale(rate_factor=1.0)
    """

    rate_factor: float = number(6.0, 0.0, closed="neither")
    kernel = "scale"

    def outputs_of(self, n_levels: int) -> int:
        return 1

    def shapes(self, n_levels: int) -> dict[str, tuple[int, ...]]:
        return {"scales": ()}

    def draw(self, n_levels: int, random_state: np.random.RandomState) -> dict[str, np.ndarray]:
        return {"scales": np.ones(())}


@register(FEATURES, "pbld")
@dataclass(frozen=True)
class PBLD(Feature):
    r"""Periodic bias linear DenseNet: :math:`[x,\; \cos(2 \pi w x + b)\, W + c]`.

    Cosines of learnt frequencies and phases go through a linear map, and the column itself stays beside them. Each
    column has numbers of its own. Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and
    Boosted Trees on Tabular Data", NeurIPS 2024, arXiv:2407.04491, after Gorishniy, Rubachev, Babenko: "On Embeddings
    for Numerical Features in Tabular Deep Learning", NeurIPS 2022. Columns should have a scale near 1.

    Its numbers, with K frequencies and d outputs: ``frequencies`` w, ~ N(0, sigma²), and ``phases`` b, uniform in
    [-π, π], of shape (n_columns, K); ``weights`` W of shape (n_columns, K, d - 1) and ``biases`` c of shape
    (n_columns, d - 1), uniform in [-1/√K, 1/√K].

    Parameters
    ----------
    n_frequencies : int, default=16
        Cosines of a column, K, at most 1024.
    n_outputs : int, default=4
        Outputs of a column, d, the column itself included: 2 to 128.
    sigma : float, default=0.1
        Standard deviation of the first frequencies, in cycles a unit of the column, above 0.
    rate_factor : float, default=0.1
        Factor of the learning rate, above 0.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from fastnet.features import PBLD
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> net = MLPRegressor(features=PBLD(sigma=0.5), max_iter=20, n_iter_no_change=None, random_state=0)
    >>> net.fit(X, np.sin(4 * X[:, 0])).features_[0]["frequencies"].shape
    (2, 16)
    """

    n_frequencies: int = number(16, 1, 1024, integral=True)
    n_outputs: int = number(4, 2, MAX_OUTPUTS, integral=True)
    sigma: float = number(0.1, 0.0, closed="neither")
    rate_factor: float = number(0.1, 0.0, closed="neither")
    kernel = "pbld"

    def outputs_of(self, n_levels: int) -> int:
        return self.n_outputs

    def size_of(self, n_levels: int) -> int:
        return self.n_frequencies

    def shapes(self, n_levels: int) -> dict[str, tuple[int, ...]]:
        k, n = self.n_frequencies, self.n_outputs - 1
        return {"frequencies": (k,), "phases": (k,), "weights": (k, n), "biases": (n,)}

    def draw(self, n_levels: int, random_state: np.random.RandomState) -> dict[str, np.ndarray]:
        k, n = self.n_frequencies, self.n_outputs - 1
        bound = 1.0 / math.sqrt(k)
        return {
            "frequencies": random_state.normal(0.0, self.sigma, k),
            "phases": random_state.uniform(-math.pi, math.pi, k),
            "weights": random_state.uniform(-bound, bound, (k, n)),
            "biases": random_state.uniform(-bound, bound, n),
        }


@register(FEATURES, "cosine")
@dataclass(frozen=True)
class Cosine(Feature):
    r"""Cosines of learnt frequencies: :math:`a \odot [x,\; \cos 2 \pi (w x + b)] + c`.

    Each column has numbers of its own. After TabPack, arXiv:2607.05380, which takes 8 to 32 outputs and draws the scale
    between 0.01 and 10. Columns should have a scale near 1.

    Its numbers, with d outputs: ``frequencies`` w, ~ scale · N(0, 1), and ``phases`` b, uniform in [0, 1], of shape
    (n_columns, d - 1); ``gains`` a, which begin as 1, and ``biases`` c, which begin as 0, of shape (n_columns, d).

    Parameters
    ----------
    n_outputs : int, default=16
        Outputs of a column, d, the column itself included: 2 to 128.
    scale : float, default=1.0
        Standard deviation of the first frequencies, in cycles a unit of the column, above 0.
    rate_factor : float, default=1.0
        Factor of the learning rate, above 0.

    Examples
    --------
    >>> from fastnet.features import Cosine
    >>> Cosine(n_outputs=8, scale=0.3)
    Cosine(n_outputs=8, scale=0.3)
    """

    n_outputs: int = number(16, 2, MAX_OUTPUTS, integral=True)
    scale: float = number(1.0, 0.0, closed="neither")
    rate_factor: float = number(1.0, 0.0, closed="neither")
    kernel = "cosine"

    def outputs_of(self, n_levels: int) -> int:
        return self.n_outputs

    def shapes(self, n_levels: int) -> dict[str, tuple[int, ...]]:
        n = self.n_outputs
        return {"frequencies": (n - 1,), "phases": (n - 1,), "gains": (n,), "biases": (n,)}

    def draw(self, n_levels: int, random_state: np.random.RandomState) -> dict[str, np.ndarray]:
        n = self.n_outputs
        return {
            "frequencies": random_state.normal(0.0, self.scale, n - 1),
            "phases": random_state.uniform(0.0, 1.0, n - 1),
            "gains": np.ones(n),
            "biases": np.zeros(n),
        }


@register(FEATURES, "piecewise_linear")
@dataclass(frozen=True)
class PiecewiseLinear(Feature):
    r"""Piecewise linear encoding: how far x has come in each bin, :math:`(x - b_j) / (b_{j+1} - b_j)` cut to [0, 1].

    The boundaries b are quantiles of the column's training samples, held-out ones left out, and are not trained. Where
    they coincide the bin is empty, and its output 0. Gorishniy, Rubachev, Babenko: "On Embeddings for Numerical
    Features in Tabular Deep Learning", NeurIPS 2022, section 3.2.1. Values beyond the training data count as its ends.

    Its numbers are ``boundaries`` of shape (n_columns, n_bins + 1), which ascend.

    Parameters
    ----------
    n_bins : int, default=16
        Bins of a column, and so its outputs: 1 to 128.

    Examples
    --------
    >>> from fastnet.features import PiecewiseLinear
    >>> PiecewiseLinear(8)
    PiecewiseLinear(n_bins=8)
    """

    n_bins: int = number(16, 1, MAX_OUTPUTS, integral=True)
    kernel = "piecewise_linear"
    is_learnt = False

    def outputs_of(self, n_levels: int) -> int:
        return self.n_bins

    def shapes(self, n_levels: int) -> dict[str, tuple[int, ...]]:
        return {"boundaries": (self.n_bins + 1,)}

    def draw(self, n_levels: int, random_state: np.random.RandomState) -> dict[str, np.ndarray]:
        return {"boundaries": np.zeros(self.n_bins + 1)}

    def from_data(self, numbers: dict[str, np.ndarray], x: np.ndarray) -> dict[str, np.ndarray]:
        return {"boundaries": np.quantile(np.asarray(x, np.float64), np.linspace(0.0, 1.0, self.n_bins + 1))}
