"""What several checks for illnesses conclude from what is measured."""

from dataclasses import dataclass

import numpy as np

from ..network.initializers import Constant, Normal, TruncatedNormal, Uniform, Zeros
from ..ops.optimizers import SGD

# Starting values whose size does not follow the numbers of units.
_UNSCALED_STARTS = (Constant, Normal, TruncatedNormal, Uniform, Zeros)


@dataclass(frozen=True)
class Case:
    """What is measured, what was asked for, the loss of each epoch; and what several checks conclude from them."""

    findings: object
    settings: object
    curve: np.ndarray

    @property
    def rate(self):
        """The learning rate at the beginning; None where there is none."""
        rule = self.settings.optimizer
        return self.settings.learning_rate if rule is not None and rule.has_schedule else None

    @property
    def blew_up(self):
        """Whether the loss was, in some epoch, far above what outputs of 0 have."""
        found = self.findings
        top = max(self.curve.max(initial=-np.inf), found.loss)
        scale = max(abs(found.start_loss), abs(found.constant_loss), 1e-6)
        return top > max(found.start_loss, found.constant_loss) + 2 * scale

    @property
    def is_poor(self):
        """Whether less than half of what can be predicted was learnt, or the loss tells so."""
        found = self.findings
        return found.fails or (found.predictable > 0 and found.learnt < 0.5 * found.predictable)

    @property
    def is_unscaled(self):
        """Whether columns of X are large, or of different scales."""
        sizes = self.findings.column_sizes
        return len(sizes) > 0 and (sizes.max() > 30 or sizes.max() > 100 * np.median(sizes))

    @property
    def starts_unscaled(self):
        """Whether weights or biases began with a size that was given, not with one for these numbers of units."""
        start, bias = self.settings.initializer, self.settings.bias_init
        return isinstance(start, _UNSCALED_STARTS) or isinstance(bias, float) and abs(bias) >= 1

    @property
    def starts_wrong(self):
        """Whether that explains what is wrong."""
        return self.starts_unscaled and not self.has_large_rate

    @property
    def start(self):
        """The starting values as written."""
        start, bias = self.settings.initializer, self.settings.bias_init
        return f"init={start!r}" if isinstance(start, _UNSCALED_STARTS) else f"bias_init={bias!r}"

    @property
    def usual_rate(self):
        """A learning rate that often serves."""
        return 0.01 if isinstance(self.settings.optimizer, SGD) else 0.001

    @property
    def lower_rate(self):
        """A remedy: a rate to try."""
        rate = min(self.usual_rate, self.rate / 10)
        return f"lower learning_rate_init, which was {self.rate:g}, such as to {rate:g}"

    @property
    def has_large_rate(self):
        return self.rate is not None and self.rate > 20 * self.usual_rate

    @property
    def standing_still(self):
        """Why units stand still, and the remedy."""
        if self.is_unscaled:
            return UNSCALED_CAUSE, SCALE
        if self.starts_wrong:
            return f"the starting values, {self.start}", DEFAULT_START
        if self.rate is None:
            return "starting values or inputs that are too large", SCALE
        return "steps that were too large", self.lower_rate


UNSCALED_CAUSE = "columns of X that are large, or of different scales"
DEFAULT_START = "leave init and bias_init at their defaults"
SCALE = "bring the columns of X to one scale, such as by StandardScaler in a pipeline"
