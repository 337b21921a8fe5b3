"""Floor 3: a mini-batch, and the epoch that repeats it, in one compiled call."""

from .evaluate import Link, MeanLoss, WideLink, activation_derivatives
from .predict import forward
from .session import Session

__all__ = ["Link", "MeanLoss", "Session", "WideLink", "activation_derivatives", "forward"]
