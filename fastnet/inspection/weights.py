"""Weights: what each unit of the first layer looks for, as images, and how large those of each layer are."""

from math import isqrt
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..estimators.base import BaseMultilayerPerceptron
from ..estimators.inspect import check_network
from .activations import draw_ridges
from .drawing import layer_names, one_axes

KINDS = ("images", "histograms")


class WeightsDisplay:
    """The weights of a network: those of the first layer as images, or histograms of those of each layer.

    Where features are the pixels of an image, the weights of a unit of the first layer are an image, too: what the unit
    looks for. Orange pixels raise its z, purple ones lower it. All images have one scale; the units with the largest
    weights come first.

    Use :meth:`from_estimator` to make one of a fitted network. All parameters are attributes.

    Parameters
    ----------
    coefs : list of array-like of shape (fan_in, fan_out)
        Weights of each layer.
    image_shape : tuple of int, default=None
        Height and width of the images that are the samples. None takes square ones if the number of features is a
        square.
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
    units_ : ndarray of int
        Of images: which unit of the first layer each is, row by row.

    See Also
    --------
    NetworkDisplay : The whole computation, with the norm of each array.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnet import MLPClassifier
    >>> from fastnet.inspection import WeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> net = MLPClassifier((64, 32), max_iter=5, n_iter_no_change=None, random_state=0).fit(X / 16, y)
    >>> display = WeightsDisplay.from_estimator(net)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        coefs: list[ArrayLike],
        image_shape: tuple[int, int] | None = None,
        layer_names: list[str] | None = None,
        estimator_name: str | None = None,
    ) -> None:
        """Keep the data; nothing is drawn yet."""
        self.coefs = coefs
        self.image_shape = image_shape
        self.layer_names = layer_names
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMultilayerPerceptron,
        *,
        kind: str | None = None,
        image_shape: tuple[int, int] | None = None,
        max_units: int = 36,
        bins: int = 80,
        ax: Any = None,
    ) -> Self:
        """Draw the weights of a fitted network.

        Parameters
        ----------
        estimator : MLPClassifier or MLPRegressor
            Fitted.
        kind : {'images', 'histograms'}, default=None
            See :meth:`plot`.
        image_shape : tuple of int, default=None
            Height and width of the images that are the samples; None takes square ones.
        max_units : int, default=36
            See :meth:`plot`.
        bins : int, default=80
            See :meth:`plot`.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        WeightsDisplay
            With the picture drawn.

        Raises
        ------
        ValueError
            If images are asked for, and the network has a feature layer.
        """
        check_network(estimator)
        check_is_fitted(estimator)
        architecture, matrices, _ = estimator._network()
        if architecture.features is not None:
            if kind == "images" or image_shape is not None:
                raise ValueError(
                    "The first layer reads what a feature layer makes of the samples, which are no images: leave out "
                    "image_shape, and set kind='histograms' or leave it out."
                )
            kind = "histograms"
        display = cls(
            coefs=matrices[: architecture.n_layers],
            image_shape=image_shape,
            layer_names=layer_names(architecture),
            estimator_name=type(estimator).__name__,
        )
        return display.plot(kind=kind, max_units=max_units, bins=bins, ax=ax)

    def plot(self, *, kind: str | None = None, max_units: int = 36, bins: int = 80, ax: Any = None) -> Self:
        """Draw the weights.

        Parameters
        ----------
        kind : {'images', 'histograms'}, default=None
            None draws images if ``image_shape`` is given or the number of features is a square of at least 16, else
            histograms.
        max_units : int, default=36
            Units of which there is an image, at most.
        bins : int, default=80
            Number of the histograms' bins.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        WeightsDisplay
            The display itself.

        Raises
        ------
        ValueError
            If ``kind`` is another word, or features do not make images.
        """
        coefs = [np.asarray(w, dtype=float) for w in self.coefs]
        if kind is not None and kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}, or None, got {kind!r}.")
        if max_units < 1:
            raise ValueError(f"max_units must be at least 1, got {max_units}.")
        n_features = coefs[0].shape[0]
        if kind is None:
            is_square = n_features >= 16 and isqrt(n_features) ** 2 == n_features
            kind = "images" if self.image_shape is not None or is_square else "histograms"
        if kind == "images":
            self._draw_images(coefs[0], self._height_and_width(n_features), max_units, ax)
        else:
            self._draw_histograms(coefs, bins, ax)
        return self

    def _height_and_width(self, n_features: int) -> tuple[int, int]:
        side = isqrt(n_features)
        shape = (side, side) if self.image_shape is None else tuple(self.image_shape)
        if len(shape) != 2 or shape[0] * shape[1] != n_features:
            given = "without image_shape" if self.image_shape is None else f"as image_shape={self.image_shape!r}"
            raise ValueError(
                f"{n_features} features are no images {given}: give their height and width, such as image_shape=(8, 8) "
                "for 64 pixels, or set kind='histograms'."
            )
        return shape

    def _draw_images(self, weights: np.ndarray, shape: tuple[int, int], max_units: int, ax: Any) -> None:
        height, width = shape
        self.units_ = np.argsort(-np.linalg.norm(weights, axis=0), kind="stable")[:max_units]
        n_columns = min(len(self.units_), max(1, round((len(self.units_) * height / width) ** 0.5)))
        n_rows = -(-len(self.units_) // n_columns)
        # Images a line apart: the gaps have no number and so no colour.
        gap = max(1, min(shape) // 12)
        canvas = np.full((n_rows * (height + gap) - gap, n_columns * (width + gap) - gap), np.nan)
        for place, unit in enumerate(self.units_):
            row, column = divmod(place, n_columns)
            top, left = row * (height + gap), column * (width + gap)
            canvas[top : top + height, left : left + width] = weights[:, unit].reshape(height, width)
        size = 5.0
        ax = one_axes(self, ax, (size + 1.0, max(1.5, size * canvas.shape[0] / canvas.shape[1] + 0.35)))
        self.ax_, self.figure_ = ax, ax.figure
        limit = np.abs(weights[:, self.units_]).max() or 1.0
        image = ax.imshow(canvas, cmap="PuOr_r", vmin=-limit, vmax=limit, interpolation="nearest")
        self.figure_.colorbar(image, ax=ax, label="weight", shrink=0.8)
        ax.set_axis_off()
        of = "all" if len(self.units_) == weights.shape[1] else f"{len(self.units_)} of"
        name = f"{self.estimator_name}: " if self.estimator_name else ""
        ax.set_title(f"{name}first layer, {of} {weights.shape[1]} units", fontsize="medium")

    def _draw_histograms(self, coefs: list[np.ndarray], bins: int, ax: Any) -> None:
        ax = one_axes(self, ax, (5.6, 1.4 + 0.6 * len(coefs)))
        self.ax_, self.figure_ = ax, ax.figure
        numbers = range(1, len(coefs) + 1)
        names = list(map(str, numbers)) if self.layer_names is None else list(self.layer_names)
        shaped = [f"{name}, {w.shape[0]} × {w.shape[1]}" for name, w in zip(names, coefs, strict=True)]
        draw_ridges(ax, coefs, shaped, bins)
        ax.set(xlabel="weight", ylabel="layer")
        if self.estimator_name:
            ax.set_title(f"{self.estimator_name}: weights", fontsize="medium")
