"""Checkpoints: a training on the disk, from which another process goes on to the same bits."""

from .callback import Checkpoint
from .resuming import resume

__all__ = ["Checkpoint", "resume"]
