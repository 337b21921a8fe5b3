"""The computation graph of a network: variables, parameters and operations, with what each has in both passes."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..estimators.inspect import Pass
from ..estimators.text import word_of
from ..network.architecture import Architecture
from ..ops.activations import ACTIVATIONS


@dataclass
class Node:
    """A node of the graph.

    Attributes
    ----------
    kind : {'variable', 'parameter', 'operation'}
        What it is.
    name : str
        As matplotlib's mathematical text.
    shape : tuple of int
        Of an array; empty for one number and for an operation.
    forward : float or None
        Mean of the magnitudes of its numbers; of the loss and its penalty, the number itself.
    backward : float or None
        Euclidean norm of the derivative of the loss by it.
    """

    kind: str
    name: str
    shape: tuple = ()
    forward: float | None = None
    backward: float | None = None


@dataclass
class Row:
    """One layer's part of the graph, from left to right.

    Attributes
    ----------
    chain : list of Node
        Variables and operations, each of which reads the one before.
    parameters : dict of int to Node
        By an operation's number in the chain, what it reads besides.
    skip_to : int or None
        The operation that adds what the layer reads, of a layer with a skip connection.
    """

    chain: list[Node]
    parameters: dict[int, Node] = field(default_factory=dict)
    skip_to: int | None = None

    def operate(self, name: str, parameter: Node | None = None) -> None:
        """Add an operation, and the parameter that it reads."""
        if parameter is not None:
            self.parameters[len(self.chain)] = parameter
        self.chain.append(Node("operation", name))


def build_graph(
    architecture: Architecture, coefs: list, parameters: dict[str, list], passed: Pass | None = None
) -> list[Row]:
    """The graph of a network, a row for each layer.

    Parameters
    ----------
    architecture : Architecture
        Of the network.
    coefs : list of ndarray
        Weights of each layer.
    parameters : dict of list
        The other fitted attributes with parameters, such as ``'intercepts_'``.
    passed : Pass, default=None
        A forward and backward pass, for the quantities; without it there are only the parameters' own.

    Returns
    -------
    list of Row
    """
    n, rows = architecture.n_layers, []
    errors = [None] * n if passed is None else _input_errors(architecture, coefs, parameters, passed)
    samples = "n" if passed is None else len(passed.layers[0].z)
    for i, layer in enumerate(architecture.layers):
        now = None if passed is None else passed.layers[i]
        number, is_last = i + 1, i == n - 1
        name = "$x$" if i == 0 else f"$a_{{{i}}}$"
        given = None if now is None or hasattr(now.input, "tocsr") else now.input
        row = Row([_variable(name, (samples, layer.fan_in), given, errors[i])])

        def parameter(symbol, attribute, i=i, number=number, now=now):
            array = np.asarray(coefs[i] if attribute == "coefs_" else parameters[attribute][i])
            gradient = None if now is None else getattr(now, f"{attribute.removesuffix('s_')}_gradient")
            return _array("parameter", f"${symbol}_{{{number}}}$", array.shape, array, gradient)

        delta = None if now is None else now.delta
        z = None if now is None else now.z
        row.operate(r"$\times$", parameter("W", "coefs_"))
        if layer.normalization is not None:
            row.chain.append(_variable(f"$s_{{{number}}}$", (samples, layer.units), None, delta))
            row.operate(f"{layer.normalization}\nnorm")
            row.operate(r"$\odot$", parameter(r"\gamma", "gains_"))
            delta = None
        row.operate("$+$", parameter("b", "intercepts_"))
        last_z = _variable(f"$z_{{{number}}}$", (samples, layer.units), z, delta)
        rows.append(row)
        if is_last:
            rows.append(_end(row, last_z, architecture, passed))
            break
        row.chain.append(last_z)
        slope = parameter(r"\alpha", "slopes_") if layer.activation.per_unit else None
        row.operate(word_of(ACTIVATIONS, layer.activation).replace("_", " "), slope)
        if layer.skip is not None:
            row.skip_to = len(row.chain)
            if layer.skip == "projection":
                row.operate("$+aP$", parameter("P", "projections_"))
            else:
                row.operate("$+$")
    return rows


def _end(row: Row, z: Node, architecture: Architecture, passed: Pass | None) -> Row:
    """Lead the last layer's row to the prediction; the row from there to the loss."""
    loss = architecture.loss
    if loss.out_activation == "identity":
        z.name = rf"$\hat{{y}} = ${z.name}"
        end = Row([z])
    else:
        row.chain.append(z)
        row.operate(loss.out_activation.replace("_", " "))
        end = Row([_variable(r"$\hat{y}$", z.shape, None if passed is None else passed.layers[-1].activation, None)])
    samples, units = z.shape
    shape = (samples,) if loss.class_index_target else (samples, units // loss.outputs_per_target)
    end.operate(_words(type(loss).__name__), Node("variable", "$y$", shape))
    if passed is not None and passed.penalty:
        end.operate("$+$", Node("variable", "penalty", (), passed.penalty))
    end.chain.append(Node("variable", "$L$", (), *((None, None) if passed is None else (passed.loss, 1.0))))
    return end


def _words(name: str) -> str:
    """The words of a class's name in lower case."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _variable(name: str, shape: tuple, array: Any, gradient: Any) -> Node:
    return _array("variable", name, shape, array, gradient)


def _array(kind: str, name: str, shape: tuple, array: Any, gradient: Any) -> Node:
    forward = None if array is None else float(np.abs(np.asarray(array, dtype=float)).mean())
    backward = None if gradient is None else float(np.linalg.norm(np.asarray(gradient, dtype=float)))
    return Node(kind, name, shape, forward, backward)


def _input_errors(architecture: Architecture, coefs: list, parameters: dict[str, list], passed: Pass) -> list:
    """The derivative of the loss by what each layer reads: by the weights from delta, and around them by the skip."""
    errors, above = [None] * architecture.n_layers, None
    for i in reversed(range(architecture.n_layers)):
        error = passed.layers[i].delta.astype(float) @ np.asarray(coefs[i], dtype=float).T
        if architecture.layers[i].skip == "identity":
            error = error + above
        elif architecture.layers[i].skip == "projection":
            error = error + above @ np.asarray(parameters["projections_"][i], dtype=float).T
        errors[i] = above = error
    return errors
