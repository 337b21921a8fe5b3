"""Floor 3: a mini-batch, and the epoch that repeats it, in one compiled call."""

from .evaluate import Link, MeanLoss, WideLink, activations_and_derivatives
from .outputs import largest_columns
from .predict import forward
from .session import Session

__all__ = ["Link", "MeanLoss", "Session", "WideLink", "activations_and_derivatives", "forward", "largest_columns"]
