"""Floor 3: a mini-batch, and the epoch that repeats it, in one compiled call."""

from .session import Session, forward

__all__ = ["Session", "forward"]
