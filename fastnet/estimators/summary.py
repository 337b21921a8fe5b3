"""What a fitted network is made of and costs: layers, parameters, memory, operations, and how fast it was trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

import numpy as np

from ..kernels.threads.team import allowed_threads
from ..network.cost import layer_operations, layer_parameters
from .parameters import settings_of, training_bytes
from .text import activation_names, chain_of_layers, percent, text_table

# Of so many measurements of the peak the fastest counts: others were disturbed.
_TRIALS = 5


@dataclass(frozen=True)
class LayerSummary:
    """A layer of weights.

    Attributes
    ----------
    name : str
        Its number, from 1 on, and its activation.
    shape : tuple of int
        Of its weights: inputs and outputs.
    n_parameters : int
        Weights, biases and whatever else its units have.
    n_bytes : int
        Of these.
    predict_flops, fit_flops : float
        Floating-point operations of its products for one sample: predicted, and trained on.
    """

    name: str
    shape: tuple[int, int]
    n_parameters: int
    n_bytes: int
    predict_flops: float
    fit_flops: float


@dataclass(frozen=True, repr=False)
class Summary:
    """What a fitted network is made of and costs. It prints as a table with a row for each layer.

    Operations are the multiplications and additions of the products with weights. The peak is the rate of a loop of
    multiply-adds that never waits for memory, measured in this process and only once; it depends on who else uses the
    machine meanwhile. Small networks cannot come near it: they end before the time to start is worth it.

    Attributes
    ----------
    name : str
        Of the estimator's class.
    chain : str
        The layers in a line.
    layers : list of LayerSummary
        From the input to the output.
    n_parameters : int
        Of all layers.
    n_bytes : int
        Of all parameters.
    fit_bytes : int
        What the network takes in training, about: parameters, gradients, the optimizer's state, without samples and
        activations.
    predict_flops, fit_flops : float
        Floating-point operations for one sample.
    seconds : float or None
        Of the last fit, validation included and compilation not; None of a network that was trained elsewhere.
    flops : float or None
        Floating-point operations in a second of it.
    share_of_core, share_of_machine : float or None
        ``flops`` as a share of the peak of one core, and of that of all threads that a fit may use, together.
    threads : int
        How many these are.
    n_networks : int
        How many networks an estimator for tables has. The first is described; seconds and ``flops`` are of all.
    """

    name: str
    chain: str
    layers: list[LayerSummary]
    n_parameters: int
    n_bytes: int
    fit_bytes: int
    predict_flops: float
    fit_flops: float
    seconds: float | None
    flops: float | None
    share_of_core: float | None
    share_of_machine: float | None
    threads: int
    n_networks: int = 1

    def _table(self) -> tuple[list[str], list[list[str]], list[str]]:
        """Heads, rows, and the lines below the table."""
        heads = ["layer", "shape", "parameters", "memory", "FLOPs to predict", "to train"]
        rows = [
            [
                layer.name, f"{layer.shape[0]} × {layer.shape[1]}", f"{layer.n_parameters:,}", size(layer.n_bytes),
                f"{layer.predict_flops:,.0f}", f"{layer.fit_flops:,.0f}",
            ]
            for layer in self.layers
        ]  # fmt: skip
        rows.append(
            [
                "all", "", f"{self.n_parameters:,}", size(self.n_bytes), f"{self.predict_flops:,.0f}",
                f"{self.fit_flops:,.0f}",
            ]
        )  # fmt: skip
        notes = [f"FLOPs are those of one sample. In training the network takes about {size(self.fit_bytes)}."]
        if self.n_networks > 1:
            notes.insert(0, f"This is the first of {self.n_networks} networks, whose outputs are averaged.")
        if self.seconds is None or self.flops is None:
            return heads, rows, notes
        shares = f"{percent(self.share_of_core or 0)} of the peak of one core"
        if self.threads > 1:
            shares += f", {percent(self.share_of_machine or 0)} of that of {self.threads} threads together"
        pace = f"The last fit took {self.seconds:.3g} s, at {self.flops / 1e9:.3g} GFLOP/s:"
        return heads, rows, [*notes, pace, f"{shares}."]

    def __repr__(self) -> str:
        heads, rows, notes = self._table()
        return "\n".join([f"{self.name}: {self.chain}", text_table(heads, rows), *notes])

    def _repr_html_(self) -> str:
        heads, rows, notes = self._table()
        lines = []
        for tag, row in [("th", heads), *(("td", row) for row in rows)]:
            sides = ["left", *["right"] * (len(row) - 1)]
            cells = [
                f'<{tag} style="text-align: {side}; padding: 0.1em 0.6em">{escape(cell)}</{tag}>'
                for side, cell in zip(sides, row, strict=True)
            ]
            lines.append(f"<tr>{''.join(cells)}</tr>")
        below = "<br>".join(map(escape, notes))
        return f"<p><b>{escape(self.name)}</b>: {escape(self.chain)}</p><table>{''.join(lines)}</table><p>{below}</p>"


def size(n_bytes: float) -> str:
    """A number of bytes in words."""
    for unit in ("B", "KB", "MB", "GB"):
        if n_bytes < 1024 or unit == "GB":
            break
        n_bytes /= 1024
    return f"{n_bytes:.0f} {unit}" if unit == "B" or n_bytes >= 100 else f"{n_bytes:.3g} {unit}"


@cache
def machine_peak(dtype: np.dtype, threads: int) -> tuple[float, float]:
    """FLOP/s of one thread, and of so many together, measured once."""
    from ..engine.peak import make_peak, peak_flops  # only here: the engine brings Numba along

    run, operations = make_peak(dtype)
    one, together = (max(peak_flops(run, operations, n) for _ in range(_TRIALS)) for n in (1, threads))
    return one, max(one, together)


def summarise(estimator: Any, networks: Sequence[Any] | None = None) -> Summary:
    """The summary of a fitted estimator: itself, or the networks inside of it."""
    networks = [estimator] if networks is None else networks
    name, estimator = type(estimator).__name__, networks[0]
    architecture, matrices, _ = estimator._network()
    dtype = matrices[0].dtype
    counts, (predicting, training) = layer_parameters(architecture), layer_operations(architecture)
    names = activation_names(architecture)
    layers = [
        LayerSummary(
            f"{i + 1} {names[i]}", (layer.fan_in, layer.units), counts[i], counts[i] * dtype.itemsize, predicting[i],
            training[i],
        )
        for i, layer in enumerate(architecture.layers)
    ]  # fmt: skip
    costs, threads = [getattr(network, "_cost", None) or {} for network in networks], allowed_threads()
    seconds = flops = of_core = of_machine = None
    if all(cost.get("operations") for cost in costs):
        seconds = sum(cost["seconds"] for cost in costs)
        flops = sum(cost["operations"] for cost in costs) / seconds
        core, machine = machine_peak(dtype, threads)
        of_core, of_machine = flops / core, flops / machine
    return Summary(
        name=name,
        chain=chain_of_layers(architecture.layer_units, names),
        layers=layers,
        n_parameters=sum(counts),
        n_bytes=sum(counts) * dtype.itemsize,
        fit_bytes=training_bytes(settings_of(estimator), architecture, dtype),
        predict_flops=sum(predicting),
        fit_flops=sum(training),
        seconds=seconds,
        flops=flops,
        share_of_core=of_core,
        share_of_machine=of_machine,
        threads=threads,
        n_networks=len(networks),
    )
