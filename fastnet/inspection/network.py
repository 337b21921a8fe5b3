"""The computation graph of a network, drawn as lectures draw it."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..estimators.base import BaseMultilayerPerceptron
from ..estimators.fitted import parameter_attributes
from ..estimators.inspect import check_network, inspect
from ..estimators.parameters.types import MatrixLike
from .drawing import BLUE, GREY, ORANGE, check_both, require_matplotlib
from .graph import Node, Row, build_graph

# Inches, at the size at which the picture is drawn best; axes that are given scale all of it.
_BOX, _BOX_HEIGHT, _CIRCLE, _GAP = 1.12, 0.56, 0.2, 0.24
# From a row's middle to the middle of its parameters, to a skip connection below it, and to the way to the next row.
_ABOVE, _BELOW, _BETWEEN = 0.95, 0.42, 0.58
_ROW = _ABOVE + _BOX_HEIGHT / 2 + _BETWEEN + 0.14
_LEGEND = 0.1
_FONT = 8.0


class NetworkDisplay:
    """The computation graph of a network, a row for each layer, with what flows through it in both passes.

    Boxes are arrays: variables are white, parameters grey; circles and rounded boxes are operations. Each array has its
    shape, in blue the mean magnitude of its numbers (forward), and in orange the Euclidean norm of the loss's
    derivative by it (backward). The loss L and its penalty have their values. Where a layer is normalised, its product
    with the weights is s, and z is what the activation reads.

    Use :meth:`from_estimator` to make one of a fitted network. All parameters are attributes.

    Parameters
    ----------
    rows : list of Row
        The graph, from the input to the loss.
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
    fastnet.inspect : The arrays of both passes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnet import MLPClassifier
    >>> from fastnet.inspection import NetworkDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> net = MLPClassifier((64, 32), max_iter=5, n_iter_no_change=None, random_state=0).fit(X / 16, y)
    >>> display = NetworkDisplay.from_estimator(net, X / 16, y)  # doctest: +SKIP
    """

    def __init__(self, *, rows: list[Row], estimator_name: str | None = None) -> None:
        """Keep the graph; nothing is drawn yet."""
        self.rows = rows
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
        """Draw the graph of a fitted network.

        Parameters
        ----------
        estimator : MLPClassifier or MLPRegressor
            Fitted.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Samples for a forward and backward pass. None shows the shapes and the parameters alone.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure, as large as the graph.

        Returns
        -------
        NetworkDisplay
            With the picture drawn.

        Raises
        ------
        ValueError
            If only one of X and y is given.
        """
        check_network(estimator)
        check_is_fitted(estimator)
        check_both(X, y)
        architecture, matrices, vectors = estimator._network()
        attributes = parameter_attributes(architecture, matrices, vectors)
        coefs = attributes.pop("coefs_")
        passed = None if X is None or y is None else inspect(estimator, X, y, sample_weight)
        rows = build_graph(architecture, coefs, attributes, passed)
        return cls(rows=rows, estimator_name=type(estimator).__name__).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw the graph.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, scaled to its size; None makes a new figure, as large as the graph.

        Returns
        -------
        NetworkDisplay
            The display itself.
        """
        plt = require_matplotlib(self)
        places = [_places(row) for row in self.rows]
        width = max(x[-1] + _half_width(row.chain[-1]) for row, x in zip(self.rows, places, strict=True)) + 0.35
        title = 0.3 if self.estimator_name else 0.0
        height = _ROW * len(self.rows) + _LEGEND + title
        if ax is None:
            figure = plt.figure(figsize=(width + 0.2, height + 0.1))
            ax = figure.add_axes((0, 0, 1, 1))
        self.ax_, self.figure_ = ax, ax.figure
        box = ax.get_position()
        inches = self.figure_.get_size_inches()
        scale = min(box.width * inches[0] / (width + 0.2), box.height * inches[1] / (height + 0.1))
        pen = _Pen(ax, scale)
        ax.set(xlim=(-0.1, width + 0.1), ylim=(-0.05, height + 0.05), aspect="equal")
        ax.set_axis_off()
        for number, (row, x) in enumerate(zip(self.rows, places, strict=True)):
            middle = height - title - number * _ROW - _ABOVE - _BOX_HEIGHT / 2 - 0.05
            pen.row(row, x, middle)
            if number < len(self.rows) - 1:
                pen.elbow(x[-1] + _half_width(row.chain[-1]), middle, x[0], middle - _ROW)
        if self.estimator_name:
            pen.write(width / 2, height - 0.12, self.estimator_name, size=_FONT + 1.5)
        has_pass = any(node.backward is not None for row in self.rows for node in row.chain)
        pen.write(0.0, 0.12, "forward: mean magnitude", colour=BLUE, align="left")
        if has_pass:
            pen.write(1.75, 0.12, "backward: norm of the derivative of $L$", colour=ORANGE, align="left")
        return self


class _Pen:
    """Draws on axes whose unit is an inch, at a scale."""

    def __init__(self, ax: Any, scale: float) -> None:
        self.ax, self.scale = ax, scale

    def write(
        self, x: float, y: float, text: str, colour: str = "black", size: float = _FONT, align: str = "center"
    ) -> None:
        self.ax.text(x, y, text, color=colour, fontsize=size * self.scale, ha=align, va="center", zorder=4)

    def row(self, row: Row, x: list[float], middle: float) -> None:
        for i, node in enumerate(row.chain):
            self.node(node, x[i], middle)
            if i:
                self.arrows([(x[i - 1] + _half_width(row.chain[i - 1]), middle), (x[i] - _half_width(node), middle)])
        for i, node in row.parameters.items():
            if i == row.skip_to:  # the projection stands on the way of the skip connection
                continue
            self.node(node, x[i], middle + _ABOVE)
            self.arrows([(x[i], middle + _ABOVE - _BOX_HEIGHT / 2), (x[i], middle + _CIRCLE)], node.kind == "parameter")
        if row.skip_to is not None:
            self.skip(row, row.skip_to, x, middle)

    def skip(self, row: Row, at: int, x: list[float], middle: float) -> None:
        """The way of what a layer reads around the layer: from below its box, and up into the sum."""
        y = middle - _BELOW
        begin, end = (x[0] + 0.2, middle - _BOX_HEIGHT / 2), (x[at], middle - _CIRCLE)
        self.arrows([begin, (begin[0], y), (end[0], y), end])
        if at in row.parameters:
            self.node(row.parameters[at], x[at], middle + _ABOVE)
            self.arrows([(x[at], middle + _ABOVE - _BOX_HEIGHT / 2), (x[at], middle + _CIRCLE)])

    def elbow(self, x: float, y: float, left: float, below: float) -> None:
        """From the end of a row around the corner, and from above into the first box of the next."""
        right, between, top = x + _GAP, y - _BETWEEN, below + _BOX_HEIGHT / 2
        self.arrows([(x, y), (right, y), (right, between), (left, between), (left, top)])

    def arrows(self, points: list[tuple[float, float]], is_differentiated: bool = True) -> None:
        """A blue line with its head at the end, and beside it an orange one the other way."""
        from matplotlib.path import Path

        for colour, shift, way in ((BLUE, 0.025, 1), (ORANGE, -0.025, -1)):
            if way < 0 and not is_differentiated:
                continue
            path = Path(_beside(points, shift)[::way])
            self.ax.add_patch(self.arrow(path, colour))

    def arrow(self, path: Any, colour: str) -> Any:
        from matplotlib.patches import FancyArrowPatch

        return FancyArrowPatch(
            path=path, arrowstyle="-|>", mutation_scale=6 * self.scale, color=colour, linewidth=0.9 * self.scale,
            shrinkA=0, shrinkB=0, joinstyle="miter", zorder=1,
        )  # fmt: skip

    def node(self, node: Node, x: float, y: float) -> None:
        from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

        line: dict[str, Any] = {"linewidth": 0.9 * self.scale, "zorder": 3}
        if node.kind == "operation":
            half = _half_width(node)
            if half == _CIRCLE:
                self.ax.add_patch(Circle((x, y), half, facecolor="white", edgecolor="black", **line))
            else:
                style = f"round,pad=0,rounding_size={_CIRCLE}"
                corner = (x - half, y - _CIRCLE)
                box = FancyBboxPatch(corner, 2 * half, 2 * _CIRCLE, boxstyle=style, facecolor="white", **line)
                self.ax.add_patch(box)
            self.write(x, y, node.name)
            return
        colour = "0.9" if node.kind == "parameter" else "white"
        corner = (x - _BOX / 2, y - _BOX_HEIGHT / 2)
        self.ax.add_patch(Rectangle(corner, _BOX, _BOX_HEIGHT, facecolor=colour, edgecolor=GREY, **line))
        shape = f"   {' × '.join(map(str, node.shape))}" if node.shape else ""
        has_numbers = node.forward is not None or node.backward is not None
        self.write(x, y + 0.12 * has_numbers, f"{node.name}{shape}")
        both = node.forward is not None and node.backward is not None
        if node.forward is not None:
            self.write(x - 0.27 * both, y - 0.14, f"{node.forward:.2g}", colour=BLUE)
        if node.backward is not None:
            self.write(x + 0.27 * both, y - 0.14, f"{node.backward:.2g}", colour=ORANGE)


def _half_width(node: Node) -> float:
    """Half of a node's width: words need a rounded box."""
    if node.kind != "operation":
        return _BOX / 2
    lines = [line for line in node.name.split("\n") if "$" not in line]
    return max([_CIRCLE, *(0.12 + 0.035 * len(line) for line in lines)])


def _places(row: Row) -> list[float]:
    """Where the middles of a chain's nodes are: as near as they and the parameters above them allow."""
    places: list[float] = []
    end, end_above = -_GAP, -_GAP
    for i, node in enumerate(row.chain):
        half = _half_width(node)
        x = end + _GAP + half
        if i in row.parameters:
            x = max(x, end_above + _GAP + _BOX / 2)
            end_above = x + _BOX / 2
        end = x + half
        places.append(x)
    return places


def _beside(points: list[tuple[float, float]], shift: float) -> list[tuple[float, float]]:
    """A line of horizontal and vertical pieces, moved to its left by so much."""
    points_ = np.array(points)
    steps = np.sign(np.diff(points_, axis=0))
    normals = np.column_stack([-steps[:, 1], steps[:, 0]])
    moved = points_.copy()
    moved[0] += shift * normals[0]
    moved[-1] += shift * normals[-1]
    moved[1:-1] += shift * (normals[:-1] + normals[1:])
    return [tuple(point) for point in moved]
