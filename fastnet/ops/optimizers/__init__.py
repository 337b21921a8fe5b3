"""Optimizers: per-parameter update rules, one entry each; ``base.py`` says what an entry consists of."""

from .adam import Adam, AdaMax, AdamW, AMSGrad, NAdam
from .adaptive import Adadelta, AdaGrad, RMSProp
from .base import OPTIMIZERS, Optimizer
from .momentum import SGD
from .schedule_free import ScheduleFreeAdamW
from .sign import Lion, Rprop

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AMSGrad",
    "AdaGrad",
    "AdaMax",
    "Adadelta",
    "Adam",
    "AdamW",
    "Lion",
    "NAdam",
    "Optimizer",
    "RMSProp",
    "Rprop",
    "ScheduleFreeAdamW",
]
