"""Norms of the gradients by layer: whether what the loss says reaches the first layer."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..estimators.base import BaseMultilayerPerceptron
from ..estimators.inspect import check_network, inspect
from ..estimators.parameters.types import MatrixLike
from .drawing import (
    BLUE,
    GREEN,
    MANY,
    ORANGE,
    PURPLE,
    check_both,
    layer_colours,
    layer_names,
    legend_beside,
    name_layers,
    one_axes,
    whole_numbers,
)

# How many times more or less than the last layer a layer may have before it learns too little or too much.
HEALTHY_FACTOR = 100.0


class GradientFlowDisplay:
    r"""Norms of the gradients by layer, with a band in which they are healthy.

    The picture shows :math:`\|\nabla W\| / \|W\|`, the gradient of a layer's weights relative to the weights, or
    :math:`\|\nabla W\|` alone if no norms of weights are given. Layers learn at a similar pace if these are of a
    similar size. The band reaches from a hundredth of the last layer's, where the way back begins, to a hundred times
    it. A layer below it hardly learns (gradients vanish); a layer above it is torn about (gradients explode). How small
    all of them are together says nothing: at a minimum they are all 0. Where the last layer has none, the median layer
    takes its place.

    Use :meth:`from_estimator` for the network as it is. Of one epoch, the layers are on the horizontal axis; of
    several, each layer is a line over the epochs. All parameters are attributes.

    Parameters
    ----------
    gradient_norms : array-like of shape (n_epochs, n_layers) or (n_layers,)
        Euclidean norms of the gradients by each layer's weights.
    weight_norms : array-like of the same shape, default=None
        Euclidean norms of the weights.
    epochs : array-like of shape (n_epochs,), default=None
        Numbers of the epochs; None counts from 1.
    layer_names : list of str, default=None
        None numbers the layers from 1.
    estimator_name : str, default=None
        Stands in the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    ActivationsDisplay : Units that are dead or saturated, a common reason of gradients that vanish.
    fastnet.inspect : The gradients themselves.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnet import MLPClassifier
    >>> from fastnet.inspection import GradientFlowDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> net = MLPClassifier((64, 32), max_iter=5, n_iter_no_change=None, random_state=0).fit(X / 16, y)
    >>> display = GradientFlowDisplay.from_estimator(net, X / 16, y)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        gradient_norms: ArrayLike,
        weight_norms: ArrayLike | None = None,
        epochs: ArrayLike | None = None,
        layer_names: list[str] | None = None,
        estimator_name: str | None = None,
    ) -> None:
        """Keep the data; nothing is drawn yet."""
        self.gradient_norms = gradient_norms
        self.weight_norms = weight_norms
        self.epochs = epochs
        self.layer_names = layer_names
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMultilayerPerceptron,
        X: MatrixLike | None = None,
        y: MatrixLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        ax: Any = None,
    ) -> Self:
        """Draw the norms of a fitted network.

        With samples, those of the network as it is, of one pass over them; without, those of the epochs of its
        training, if they were measured (columns 'gradient_norm_0' and so on of ``history_``).

        Parameters
        ----------
        estimator : MLPClassifier or MLPRegressor
            Fitted.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Samples; a few hundred are enough.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        GradientFlowDisplay
            With the picture drawn.

        Raises
        ------
        ValueError
            If only one of X and y is given, or neither, and nothing was measured.
        """
        check_network(estimator)
        check_is_fitted(estimator)
        check_both(X, y)
        architecture, matrices, _ = estimator._network()
        if X is None or y is None:
            norms = _measured(estimator, architecture.n_layers)
        else:
            layers = inspect(estimator, X, y, sample_weight).layers
            norms = {
                "gradient_norms": [np.linalg.norm(layer.coef_gradient) for layer in layers],
                "weight_norms": [np.linalg.norm(w.astype(np.float64)) for w in matrices[: len(layers)]],
            }
        names = layer_names(architecture)
        return cls(**norms, layer_names=names, estimator_name=type(estimator).__name__).plot(ax=ax)

    def plot(self, *, ax: Any = None, show_band: bool = True) -> Self:
        """Draw the norms.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        show_band : bool, default=True
            Whether to show the band in which norms are healthy.

        Returns
        -------
        GradientFlowDisplay
            The display itself.

        Raises
        ------
        ValueError
            If the shapes of the data do not go together.
        """
        norms, epochs, names = self._checked()
        ax = one_axes(self, ax, (6.4, 4.0))
        self.ax_, self.figure_ = ax, ax.figure
        # A norm of 0 has no place on a logarithmic axis: it is drawn at the lower end.
        positive = norms[np.isfinite(norms) & (norms > 0)]
        floor = positive.min() / 10 if len(positive) else 1e-12
        last = norms[:, -1]
        middle = np.where(np.isfinite(last) & (last > 0), last, np.maximum(np.nanmedian(norms, axis=1), floor))
        draw = self._draw_layers if len(norms) == 1 else self._draw_epochs
        draw(ax, np.maximum(norms, floor), epochs, names, middle, show_band)
        ax.set(yscale="log", ylabel=r"$\|\nabla W\|$" if self.weight_norms is None else r"$\|\nabla W\|\,/\,\|W\|$")
        ax.grid(alpha=0.3)
        if self.estimator_name:
            ax.set_title(f"{self.estimator_name}: gradients by layer", loc="left", fontsize="medium")
        return self

    def _checked(self) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """The norms to show, epochs and names; what does not go together is refused."""
        norms = np.atleast_2d(np.asarray(self.gradient_norms, dtype=float))
        if norms.ndim != 2 or norms.size == 0:
            raise ValueError(
                f"gradient_norms has shape {np.shape(self.gradient_norms)}: give one row for each epoch and one column "
                "for each layer."
            )
        if self.weight_norms is not None:
            weights = np.atleast_2d(np.asarray(self.weight_norms, dtype=float))
            if weights.shape != norms.shape:
                raise ValueError(
                    f"weight_norms has shape {np.shape(self.weight_norms)}, gradient_norms "
                    f"{np.shape(self.gradient_norms)}: give both for the same epochs and layers."
                )
            norms = norms / np.where(weights > 0, weights, np.nan)
        n_epochs, n_layers = norms.shape
        epochs = np.arange(1, n_epochs + 1) if self.epochs is None else np.asarray(self.epochs)
        names = [str(i) for i in range(1, n_layers + 1)] if self.layer_names is None else list(self.layer_names)
        for what, given, wanted in (("epochs", len(epochs), n_epochs), ("layer_names", len(names), n_layers)):
            if given != wanted:
                raise ValueError(f"{what} has {given} entries, gradient_norms has {wanted} of them: give one for each.")
        return norms, epochs, names

    @staticmethod
    def _draw_layers(
        ax: Any, norms: np.ndarray, epochs: np.ndarray, names: list[str], middle: np.ndarray, show_band: bool
    ) -> None:
        """The layers of one epoch side by side."""
        values, places = norms[0], np.arange(1, len(names) + 1)
        low, high = middle[0] / HEALTHY_FACTOR, middle[0] * HEALTHY_FACTOR
        ax.plot(places, values, color=BLUE, linewidth=1)
        kinds = (
            [("vanishing", values < low, "v", ORANGE), ("exploding", values > high, "^", PURPLE)] if show_band else []
        )
        normal = np.ones(len(values), dtype=bool)
        for label, belongs, marker, colour in kinds:
            if belongs.any():
                ax.plot(places[belongs], values[belongs], marker, color=colour, markersize=9, label=label, linestyle="")
                normal &= ~belongs
        ax.plot(places[normal], values[normal], "o", color=BLUE)
        if show_band:
            ax.axhspan(low, high, color=GREEN, alpha=0.12, linewidth=0, label="healthy")
        ax.set(xlabel="layer", xlim=(0.5, len(names) + 0.5))
        if len(names) <= 12:
            turned = sum(map(len, names)) > 50
            ax.set_xticks(places, names, rotation=30 if turned else 0, ha="right" if turned else "center")
        else:
            whole_numbers(ax.xaxis)
        if show_band:
            legend_beside(ax)

    @staticmethod
    def _draw_epochs(
        ax: Any, norms: np.ndarray, epochs: np.ndarray, names: list[str], middle: np.ndarray, show_band: bool
    ) -> None:
        """A line over the epochs for each layer."""
        if show_band:
            low, high = middle / HEALTHY_FACTOR, middle * HEALTHY_FACTOR
            band = ax.fill_between(epochs, low, high, color=GREEN, alpha=0.12, linewidth=0, label="healthy")
            if len(names) > MANY:
                ax.legend(handles=[band], loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2, frameon=False)
        colours, styles = layer_colours(len(names)), ["-", "--", "-.", ":"]
        for i, name in enumerate(names):
            ax.plot(epochs, norms[:, i], styles[i % 4], color=colours[i], label=f"layer {name}")
        ax.set(xlabel="epoch", xlim=(epochs[0], epochs[-1]))
        whole_numbers(ax.xaxis)
        name_layers(ax, names, colours)


def _measured(estimator: Any, n_layers: int) -> dict[str, Any]:
    """The norms of the epochs at which a training has measured them, as parameters of the display."""
    columns = getattr(getattr(estimator, "history_", None), "epochs", {})
    wanted = [[f"{kind}_norm_{i}" for i in range(n_layers)] for kind in ("gradient", "weight")]
    if not all(name in columns for names in wanted for name in names):
        raise ValueError(
            "estimator has no norms of its layers in history_: give X and y to draw those of the network as it is, or "
            "fit with callbacks=LayerStatistics() of fastnet.callbacks to have them of each epoch."
        )
    gradients, weights = (np.column_stack([columns[name] for name in names]) for names in wanted)
    rows = np.flatnonzero(np.isfinite(gradients).any(axis=1))
    return {"gradient_norms": gradients[rows], "weight_norms": weights[rows], "epochs": rows + 1}
