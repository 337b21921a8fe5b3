"""Graphs of activations, losses and schedules, drawn from their formulas when the documentation is built."""

import numpy as np

from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.rates import rates_of_epoch
from fastnet.ops.schedules import SCHEDULES

# What the graphs of a folder show, the head of their column.
HEADS = {
    "activations": "g (line) and g' (dashed)",
    "losses": "Loss (line) and gradient (dashed) over z",
    "schedules": "Factor over 100 epochs",
}
_BLUE, _RED = "#1b6ca8", "#c0392b"


def draw_all(folder):
    """Draw each activation, loss and schedule that has a name into a folder of its family.

    Parameters
    ----------
    folder : pathlib.Path
        Is created if it is missing.
    """
    z = np.linspace(-4, 4, 801)
    frame = {"xlim": (-4, 4), "xticks": [-4, 0, 4]}
    for name, activation in ACTIVATIONS.items():
        curves = dict(zip(["-", "--"], evaluate(activation, z), strict=True))
        draw(folder / "activations" / f"{name}.svg", z, curves, ylim=(-2, 3), yticks=[-1, 0, 1, 2], **frame)
    for name, loss in LOSSES.items():
        curves = dict(zip(["-", "--"], evaluate_loss(loss, z), strict=True))
        draw(folder / "losses" / f"{name}.svg", z, curves, ylim=(-3, 5), yticks=[-2, 0, 2, 4], **frame)
    epochs = np.arange(0, 100, 0.25)
    for name, schedule in SCHEDULES.items():
        curves = {"-": course(schedule)}
        draw(folder / "schedules" / f"{name}.svg", epochs, curves, xlim=(0, 100), ylim=(-0.1, 1.1), yticks=[0, 1])


def draw(path, x, curves, **frame):
    """One small figure: ``curves`` are the values at ``x`` by their style of line."""
    from matplotlib.figure import Figure

    path.parent.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(2.2, 1.6), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.axvline(0, color="0.8", linewidth=0.8)
    for style, values in curves.items():
        axes.plot(x, values, style, color=_BLUE if style == "-" else _RED)
    axes.set(**frame)
    axes.tick_params(labelsize=7)
    figure.savefig(path)


def evaluate(activation, z):
    """Values and slopes of an activation, from its plain Python formulas."""
    g = np.array([activation.function(float(x), activation.values) for x in z])
    read = z if activation.derivative_of == "input" else g
    return g, np.array([activation.derivative(float(x), activation.values) for x in read])


def evaluate_loss(loss, z):
    """Values and gradients of a loss by one raw output.

    Of classes, it is the output of the sample's own class, beside two others of 0; of numbers, the target is 0, or 1
    where predictions are positive. Of several outputs for a target it is that of the middle or of the mean, the others
    are 0.
    """
    if loss.outputs_per_target > 1:
        return _by_the_middle(loss, z)
    if not loss.class_index_target:
        target = 1.0 if loss.is_classification or loss.out_activation == "exp" else 0.0
        formulas = loss.value, loss.gradient
        return tuple(np.array([formula(float(x), target, loss.values) for x in z]) for formula in formulas)
    values, gradients = [], []
    for x in z:
        delta = np.zeros(3)
        values.append(loss.row(np.array([x, 0.0, 0.0]), 0, delta, loss.values))
        gradients.append(delta[0])
    return np.array(values), np.array(gradients)


def _by_the_middle(loss, z):
    place, values, gradients = (loss.outputs_per_target - 1) // 2, [], []
    for x in z:
        outputs, delta = np.zeros((2, loss.outputs_per_target))
        outputs[place] = x
        values.append(loss.target(outputs, 0.0, delta, loss.values, np.array(loss.table[1:])))
        gradients.append(delta[place])
    return np.array(values), np.array(gradients)


def course(schedule, n_epochs=100, batches=4, patience=10, stalls_from=20):
    """Factors of a schedule where the loss improves no more from an epoch on, as long as training goes on."""
    rate, stalled, factors = 1.0, 0, []
    for epoch in range(n_epochs):
        factors += [*rates_of_epoch(schedule, rate, epoch, batches, n_epochs)]
        stalled = stalled + 1 if epoch >= stalls_from else 0
        rate = schedule.after_epoch(rate, 1.0, epoch + 1, stalled)
        if stalled > patience:
            rate, stalled = schedule.on_plateau(rate)[0] or rate, 0
    return factors
