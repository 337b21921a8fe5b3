"""The registry of activations and their base class."""

from dataclasses import dataclass

from ..registry import Op

ACTIVATIONS = {}


@dataclass(frozen=True)
class Activation(Op):
    """An activation; subclasses give ``function``, ``derivative`` and ``derivative_of``.

    Attributes
    ----------
    derivative_of : {'output', 'input'}
        What ``derivative`` reads: the activation's output, or its input z.
    """

    derivative_of = "output"
    formulas = ("function", "derivative")
