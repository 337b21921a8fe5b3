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
        Whether its one parameter is learnt, from the given value on, by each unit for itself. Then the subclass also
        gives ``by_parameter(z)``, the derivative by the parameter, and ``derivative_of`` is 'input'.
    """

    derivative_of = "output"
    per_unit = False

    @property
    def formulas(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the functions that it must have, and that its machine code is made from."""
        return ("function", "derivative", "by_parameter") if self.per_unit else ("function", "derivative")

    def __post_init__(self):
        super().__post_init__()
        if self.per_unit and (len(self.values) != 1 or self.derivative_of != "input"):
            raise TypeError(
                f"{type(self).__name__} with per_unit=True must have one parameter, which its units learn, and "
                "derivative_of='input'."
            )
