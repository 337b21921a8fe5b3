"""Floor 3: a mini-batch, and the epoch that repeats it, in one compiled call."""

from .evaluate import activation_derivatives, mean_loss, predictions
from .predict import forward
from .session import Session

__all__ = ["Session", "activation_derivatives", "forward", "mean_loss", "predictions"]
