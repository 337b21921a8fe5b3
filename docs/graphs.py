"""Graphs of the activations, drawn from their formulas when the documentation is built."""

import numpy as np

from fastnet.activations import Activation
from fastnet.ops.activations import ACTIVATIONS


def draw_activations(folder):
    """Draw each activation that has a name into ``folder``: the line g, dashed its derivative.

    Parameters
    ----------
    folder : pathlib.Path
        Is created if it is missing.
    """
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    z = np.linspace(-4, 4, 801)
    for name, activation in ACTIVATIONS.items():
        figure = Figure(figsize=(2.2, 1.6), layout="constrained")
        axes = figure.subplots()
        axes.axhline(0, color="0.8", linewidth=0.8)
        axes.axvline(0, color="0.8", linewidth=0.8)
        g, slope = evaluate(activation, z)
        axes.plot(z, g, color="#1b6ca8")
        axes.plot(z, slope, "--", color="#c0392b")
        axes.set(xlim=(-4, 4), ylim=(-2, 3), xticks=[-4, 0, 4], yticks=[-1, 0, 1, 2])
        axes.tick_params(labelsize=7)
        figure.savefig(folder / f"{name}.svg")


def evaluate(activation: Activation, z):
    """Values and slopes of an activation, from its plain Python formulas."""
    g = np.array([activation.function(float(x), activation.values) for x in z])
    read = z if activation.derivative_of == "input" else g
    return g, np.array([activation.derivative(float(x), activation.values) for x in read])
