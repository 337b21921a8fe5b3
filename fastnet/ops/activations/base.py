"""The registry of activations and their base class."""

from dataclasses import dataclass

from ..registry import Op

ACTIVATIONS: "dict[str, Activation]" = {}


@dataclass(frozen=True)
class Activation(Op):
    """An activation; subclasses give ``function``, ``derivative`` and ``derivative_of``.

    Attributes
    ----------
    derivative_of : {'output', 'input'}
        What ``derivative`` reads: the activation's output, or its input z.
    per_unit : bool
        Whether its first parameter is learnt, from the given value on, by each unit for itself. Then the subclass also
        gives ``by_parameter(z, parameters)``, the derivative by that one, and ``derivative_of`` is 'input'.
    unit_rate : float
        Factor of the learning rate with which it is learnt.
    """

    derivative_of = "output"
    per_unit = False
    unit_rate = 1.0

    @property
    def formulas(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the functions that it must have, and that its machine code is made from."""
        return ("function", "derivative", "by_parameter") if self.per_unit else ("function", "derivative")

    def __post_init__(self):
        super().__post_init__()
        if self.per_unit and (not self.values or self.derivative_of != "input"):
            raise TypeError(
                f"{type(self).__name__} with per_unit=True must have a parameter, the first of which its units learn, "
                "and derivative_of='input'."
            )
