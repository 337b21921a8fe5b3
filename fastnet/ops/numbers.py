"""The one door for numbers that users give: what is let in is a plain Python number from then on.

A NumPy scalar computes in its own type, an integer may be larger than any float, and its repr longer than Python is
willing to write: nothing behind this door has to think of that.
"""

import math
import reprlib
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np


@dataclass(frozen=True)
class Number:
    """Finite numbers of an interval; never a bool.

    Parameters
    ----------
    low, high : float, default=-inf, inf
        Ends of the interval.
    closed : {'both', 'left', 'right', 'neither'}, default='both'
        The ends that belong to it.
    integral : bool, default=False
        Whether only integers will do.
    """

    low: float = -math.inf
    high: float = math.inf
    closed: str = "both"
    integral: bool = False

    def plain(self, value):
        """The value as a Python float, or int if ``integral``; None if it is none of these numbers.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet.ops.numbers import Number
        >>> Number(0.0, 1.0).plain(np.float16(0.5)), Number(0.0).plain(10**400), Number(0.0).plain(True)
        (0.5, None, None)
        """
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral if self.integral else Real):
            return None
        try:
            number = int(value) if self.integral else float(value)
            # Compared as given, too: a number just outside of the interval may round to its end.
            is_inside = self._contains(number) and bool(self._contains(value))
            return number if is_inside and math.isfinite(number) else None
        except (OverflowError, TypeError, ValueError):  # too large for a float, or no number after all
            return None

    def allows(self, value):
        """Whether the value is one."""
        return self.plain(value) is not None

    def _contains(self, value):
        above = self.low <= value if self.closed in ("both", "left") else self.low < value
        below = value <= self.high if self.closed in ("both", "right") else value < self.high
        return above and below

    def __str__(self):
        left = "[" if self.closed in ("both", "left") and math.isfinite(self.low) else "("
        right = "]" if self.closed in ("both", "right") and math.isfinite(self.high) else ")"
        return f"{'an integer' if self.integral else 'a number'} in the range {left}{self.low}, {self.high}{right}"


class _Shown(reprlib.Repr):
    """Short reprs that never fail."""

    def __init__(self):
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdict = 8
        self.maxstring, self.maxlong, self.maxother = 80, 40, 160

    def repr_int(self, value, level):
        try:
            return super().repr_int(value, level)
        except ValueError:  # Python refuses to write thousands of digits
            return f"<an integer of {value.bit_length()} bits>"


_shown = _Shown()


def shown(value):
    """A value for a message: its repr, cut where it is long.

    Examples
    --------
    >>> from fastnet.ops.numbers import shown
    >>> shown(0.5), shown(10**5000)
    ('0.5', '<an integer of 16610 bits>')
    """
    return _shown.repr(value)
