"""Floor 6: pictures of networks and of their training, drawn with matplotlib when they are asked for."""

from .activations import ActivationsDisplay
from .gradient_flow import GradientFlowDisplay
from .learning_curves import LearningCurvesDisplay
from .network import NetworkDisplay
from .weights import WeightsDisplay

__all__ = [
    "ActivationsDisplay",
    "GradientFlowDisplay",
    "LearningCurvesDisplay",
    "NetworkDisplay",
    "WeightsDisplay",
]
