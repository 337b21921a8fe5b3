"""Distributions of the hidden layers' activations, and shares of dead and saturated units."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..estimators.base import BaseMultilayerPerceptron
from ..estimators.inspect import inspect
from ..estimators.parameters.types import MatrixLike
from ..estimators.text import percent
from ..training.unit_states import unit_states
from .drawing import GREY, ORANGE, PURPLE, layer_colours, layer_names, panels


class ActivationsDisplay:
    """Distributions of the activations of each hidden layer, and its shares of dead and saturated units.

    On the left, a histogram for each layer, over samples and units, without the zeros, whose share stands beside it. On
    the right, the shares of units that hardly learn: *dead* ones have slope 0 at every sample; *saturated* ones are
    flat at more than half of the samples, with an output that is not 0. A unit is flat where its activation's slope is
    below 1 % of the steepest.

    Use :meth:`from_estimator` to make one of a fitted network. All parameters are attributes.

    Parameters
    ----------
    activations : list of array-like of shape (n_samples, n_units)
        What each hidden layer gives to the next.
    dead, saturated : array-like of shape (n_layers,), default=None
        Shares of such units in each layer, from 0 to 1.
    layer_names : list of str, default=None
        None numbers the layers from 1.
    estimator_name : str, default=None
        Stands in the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of the distributions.
    axes_ : ndarray of matplotlib Axes
        All panels, from left to right.
    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    GradientFlowDisplay : Whether gradients vanish or explode.
    fastnet.inspect : The activations themselves.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnet import MLPClassifier
    >>> from fastnet.inspection import ActivationsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> net = MLPClassifier((64, 32), max_iter=5, n_iter_no_change=None, random_state=0).fit(X / 16, y)
    >>> display = ActivationsDisplay.from_estimator(net, X / 16, y)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        activations: list[ArrayLike],
        dead: ArrayLike | None = None,
        saturated: ArrayLike | None = None,
        layer_names: list[str] | None = None,
        estimator_name: str | None = None,
    ) -> None:
        """Keep the data; nothing is drawn yet."""
        self.activations = activations
        self.dead = dead
        self.saturated = saturated
        self.layer_names = layer_names
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls, estimator: BaseMultilayerPerceptron, X: MatrixLike, y: MatrixLike, *, bins: int = 60, ax: Any = None
    ) -> Self:
        """Draw the activations of a fitted network, of one pass over the samples.

        Parameters
        ----------
        estimator : MLPClassifier or MLPRegressor
            Fitted, with a hidden layer.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples; a few hundred are enough.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets, which the pass needs.
        bins : int, default=60
            See :meth:`plot`.
        ax : matplotlib Axes, default=None
            Whose place the panels take; None makes a new figure.

        Returns
        -------
        ActivationsDisplay
            With the picture drawn.

        Raises
        ------
        ValueError
            If the network has no hidden layer.
        """
        hidden = inspect(estimator, X, y).layers[:-1]
        if not hidden:
            raise ValueError(
                "estimator has no hidden layer, and so no activations to draw: WeightsDisplay shows its weights."
            )
        architecture = estimator._network()[0]
        slopes = getattr(estimator, "slopes_", [None] * len(hidden))
        states = []
        for layer, passed, of_units in zip(architecture.layers[:-1], hidden, slopes, strict=True):
            states.append(unit_states(layer.activation, np.ascontiguousarray(passed.z), of_units))
        display = cls(
            activations=[layer.activation for layer in hidden],
            dead=[state.dead.mean() for state in states],
            saturated=[state.saturated.mean() for state in states],
            layer_names=layer_names(architecture)[:-1],
            estimator_name=type(estimator).__name__,
        )
        return display.plot(bins=bins, ax=ax)

    def plot(self, *, bins: int = 60, ax: Any = None) -> Self:
        """Draw the distributions and the shares.

        Parameters
        ----------
        bins : int, default=60
            Number of the histograms' bins.
        ax : matplotlib Axes, default=None
            Whose place the panels take; None makes a new figure.

        Returns
        -------
        ActivationsDisplay
            The display itself.
        """
        arrays = [np.asarray(a, dtype=float) for a in self.activations]
        n = len(arrays)
        has_shares = self.dead is not None or self.saturated is not None
        names = [str(i) for i in range(1, n + 1)] if self.layer_names is None else list(self.layer_names)
        axes = panels(
            self, ax, (6.4, 1.6 + 0.6 * n), nrows=1, ncols=1 + has_shares, width_ratios=[2.2, 1][: 1 + has_shares]
        )[0]
        self.ax_, self.axes_, self.figure_ = axes[0], axes, axes[0].figure
        draw_ridges(axes[0], arrays, names, bins, without_zeros=True)
        axes[0].set(xlabel="activation", ylabel="hidden layer")
        if self.estimator_name:
            axes[0].set_title(self.estimator_name, fontsize="medium")
        if has_shares:
            self._draw_shares(axes[1], n)
        return self

    def _draw_shares(self, ax: Any, n: int) -> None:
        """Bars of the units that learn nothing, those of the dead from the left, the saturated ones after them."""
        places, left = np.arange(n, 0, -1), np.zeros(n)
        for name, shares, colour, hatch in (
            ("dead", self.dead, ORANGE, ""), ("saturated", self.saturated, PURPLE, "///")
        ):  # fmt: skip
            if shares is not None:
                widths = 100 * np.asarray(shares, dtype=float)
                ax.barh(places + 0.35, widths, 0.5, left=left, color=colour, hatch=hatch, edgecolor="white", label=name)
                left = left + widths
        for place, share in zip(places, left, strict=True):
            at_right = share < 60
            ax.annotate(
                percent(share / 100), (share if at_right else 0, place + 0.35), (4, 0), textcoords="offset points",
                va="center", color="black", bbox=None if at_right else {"color": "white", "pad": 1},
            )  # fmt: skip
        ax.set(xlim=(0, 100), ylim=(0.9, n + 1.05), xlabel="units (%)", yticks=[])
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize="small",
            handlelength=1.0, columnspacing=0.8, handletextpad=0.4,
        )  # fmt: skip


def draw_ridges(ax: Any, arrays: list[np.ndarray], names: list[str], bins: int, without_zeros: bool = False) -> None:
    """Histograms one above the other, the first array's on top, each scaled to the same height.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    arrays : list of ndarray
        Numbers of each.
    names : list of str
        Stand at the left.
    bins : int
        Number of bins.
    without_zeros : bool, default=False
        Whether to leave zeros out, and to write their share below the name; else there stands the standard deviation.
    """
    flat = [a[np.isfinite(a)] for a in arrays]
    shown = [a[a != 0] if without_zeros else a for a in flat]
    # The outermost numbers would leave all others a few bins.
    ends = [np.quantile(a, [0.001, 0.999]) for a in shown if len(a)]
    low, high = (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (0.0, 1.0)
    if without_zeros and 0 < low < 0.2 * high:
        low = 0.0
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    edges = np.linspace(low, high, bins + 1)
    places = range(len(arrays), 0, -1)
    for place, numbers, colour in zip(places, shown, layer_colours(len(arrays)), strict=True):
        counts = np.histogram(numbers, edges)[0]
        heights = place + 0.85 * counts / max(counts.max(), 1)
        ax.stairs(heights, edges, baseline=place, fill=True, color=colour, alpha=0.85)
        ax.axhline(place, color=GREY, linewidth=0.6)
    ax.set(xlim=(low, high), ylim=(0.9, len(arrays) + 1.05))
    if without_zeros:
        notes = [f"zeros {percent(np.mean(a == 0))}" if len(a) else "" for a in flat]
    else:
        notes = [f"std {a.std():.2g}" if len(a) else "" for a in flat]
    ax.set_yticks(
        [place + 0.35 for place in places], [f"{name}\n{note}" for name, note in zip(names, notes, strict=True)],
        fontsize="small",
    )  # fmt: skip
    ax.locator_params(axis="x", nbins=5)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)
