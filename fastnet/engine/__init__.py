"""Floor 3: a mini-batch, and the epoch that repeats it, in one compiled call."""

from .run import forward
from .session import Session

__all__ = ["Session", "forward"]
