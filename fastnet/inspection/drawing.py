"""What all displays share: matplotlib, imported when it is used, colours, axes, and names of layers."""

from typing import Any

import numpy as np

from ..estimators.text import activation_names
from ..network.architecture import Architecture

# Colours that all common kinds of colour blindness tell apart: Okabe and Ito, "Color Universal Design" (2008).
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "0.45"
# More lines than this are named by a colour bar instead of a legend.
MANY = 8


def require_matplotlib(display: object) -> Any:
    """The module ``matplotlib.pyplot``, or an error that says how to install it.

    Parameters
    ----------
    display : object
        Whose method draws.

    Returns
    -------
    module
        matplotlib.pyplot.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{type(display).__name__} draws with matplotlib, which is not installed: install it by `pip install "
            'matplotlib`, or with this package by `pip install "fastnet[plot]"`.'
        ) from error
    return plt


def one_axes(display: object, ax: Any, size: tuple[float, float]) -> Any:
    """The axes to draw on: those that are given, or new ones of a size in inches."""
    plt = require_matplotlib(display)
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def panels(display: object, ax: Any, size: tuple[float, float], **grid: Any) -> np.ndarray:
    """Several axes in the place of one, an array of (rows, columns).

    Parameters
    ----------
    display : object
        Whose method draws.
    ax : matplotlib Axes or None
        Whose place they take; None for a new figure.
    size : tuple of float
        Its width and height in inches.
    **grid : dict
        Arguments of matplotlib's ``GridSpec.subgridspec``, ``nrows`` and ``ncols`` among them.
    """
    ax = one_axes(display, ax, size)
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "ax has no place in a grid of subplots, in which several panels could stand: make it with plt.subplots "
            "or figure.add_subplot, or give ax=None."
        )
    ax.set_axis_off()
    return place.subgridspec(**grid).subplots(squeeze=False)


def check_both(X: Any, y: Any) -> None:
    """Raise ValueError if only one of samples and targets is given."""
    if (X is None) != (y is None):
        given, missing = ("X", "y") if y is None else ("y", "X")
        raise ValueError(f"{given} is given without {missing}: give both, for the numbers of a pass, or neither.")


def layer_names(architecture: Architecture) -> list[str]:
    """A name for each layer of weights: its number, from 1 on, and what becomes of its z."""
    return [f"{number} {name}" for number, name in enumerate(activation_names(architecture), 1)]


def layer_colours(n_layers: int) -> list[Any]:
    """A colour for each layer, from the first, dark, to the last, light: their order is seen without any hue."""
    from matplotlib import colormaps

    return [colormaps["viridis"](0.82 * i / max(n_layers - 1, 1)) for i in range(n_layers)]


def name_layers(ax: Any, names: list[str], colours: list[Any]) -> None:
    """Say beside the axes which colour is which layer: in a legend, or of many layers in a colour bar."""
    if len(names) <= MANY:
        legend_beside(ax)
        return
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    norm = BoundaryNorm(np.arange(len(names) + 1) + 0.5, len(names))
    bar = ax.figure.colorbar(ScalarMappable(norm, ListedColormap(colours)), ax=ax, label="layer")
    bar.minorticks_off()
    bar.set_ticks(np.unique(np.linspace(1, len(names), 6).round()).astype(int))


def legend_beside(ax: Any) -> None:
    """A legend at the right of the axes, where it covers nothing."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, frameon=False)


def whole_numbers(axis: Any) -> None:
    """Let an axis, of epochs or of layers, have ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
