r"""What an optimizer is.

``prepare(step, rate, parameters)`` turns the step count (from 1), the learning rate and the op's values into
eight numbers, once a mini-batch, in float64. ``update(w, g, states, numbers)`` then moves one weight: it
returns the change of ``w``, the threshold per unit of L1 penalty (the weight's own step at a stationary point,
so that the soft-thresholded fixed point is the penalised minimum), and the new states.

The last of the eight numbers is for decoupled weight decay and nothing else: when biases are updated it is 0.
A weight, a gradient and states that are all 0 must stay 0, at least the weight: so is the padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ..registry import Op, lost_number, too_large_or_small

OPTIMIZERS: "dict[str, Optimizer]" = {}


@dataclass(frozen=True)
class Optimizer(Op):
    """An optimizer; subclasses give ``prepare``, ``update`` and the number of state arrays (at most four).

    Attributes
    ----------
    n_states : int
        State arrays, each as large as the weights.
    has_schedule : bool
        Whether learning-rate schedules apply.
    full_batch : bool
        Whether each step needs the gradient of all samples.
    takes_l1 : bool
        Whether ``update`` knows the threshold of an L1 penalty.
    parameter_names : dict
        The fields that the optimizer's name takes from the estimator, and their names there.
    """

    n_states = 0
    has_schedule = True
    full_batch = False
    takes_l1 = True
    parameter_names: ClassVar[dict[str, str]] = {}
    formulas = ("prepare", "update")

    def check_dtype(self, dtype: np.dtype) -> None:
        # `prepare` reads them in double precision. Of what it gives, a divisor such as epsilon must not become 0, also
        # times a root of 1 - beta_2, which is at least 1e-8; other small numbers may.
        for name, value, allowed in self._numbers():
            is_divisor = allowed.low == 0 and not allowed.allows(0.0)
            lost = too_large_or_small(value, dtype, 1e8 if is_divisor else 0.0)
            if lost is not None:
                raise ValueError(lost_number(f"{name}={value!r} of {type(self).__name__}", lost, dtype))

    @classmethod
    def of(cls, estimator: Any) -> Self:
        return cls(**{field: getattr(estimator, name) for field, name in cls.parameter_names.items()})

    @property
    def averages_itself(self) -> bool:
        """Whether the point to predict with is another than the one that is trained."""
        return type(self).evaluated is not Optimizer.evaluated

    def can_continue(self, other: "Optimizer") -> bool:
        """Whether the states that the optimizer ``other`` has left mean the same to this one."""
        return type(other) is type(self)

    def evaluated(self, w: np.ndarray, states: Sequence[np.ndarray]) -> np.ndarray:
        """The point to predict with, from the point that is trained, ``w``, and the states: arrays of one shape."""
        return w

    def trained(self, w: np.ndarray, states: Sequence[np.ndarray]) -> np.ndarray:
        """The inverse of `evaluated`: the point to go on training from."""
        return w
