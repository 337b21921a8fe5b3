"""An optimizer between two fits."""

from dataclasses import dataclass

from ..ops.schedules import Schedule


@dataclass(frozen=True)
class OptimizerState:
    """An optimizer in the middle of its work, in plain data that pickles and holds no address.

    Parameters
    ----------
    rule : Op
        The update rule, such as ``SGD(momentum=0.9)``.
    schedule : Schedule
        The schedule of the learning rate.
    rate : float
        Learning rate of the next epoch.
    initial_rate : float
        Learning rate of the first epoch.
    epoch : int, default=0
        Epochs done under the schedule.
    step : int, default=0
        Mini-batches seen.
    moments : list of list of ndarray, default=None
        One list a state array of the rule: an array for each matrix, then one for each vector that can be
        trained. None means zeros.
    n_frozen : int, default=0
        Number of first layers that were not trained.
    use_bias : bool, default=True
        Whether biases were trained.
    offsets : list of ndarray, default=None
        Where the model's parameters are averages: what the trained ones are away from them, in the same order.
    average_start : int, default=0
        Mini-batches seen before the average began.
    """

    rule: object
    schedule: Schedule
    rate: float
    initial_rate: float
    epoch: int = 0
    step: int = 0
    moments: list | None = None
    n_frozen: int = 0
    use_bias: bool = True
    offsets: list | None = None
    average_start: int = 0

    @classmethod
    def begin(cls, settings, architecture):
        """A new optimizer, as settings ask for."""
        rate = settings.learning_rate
        trained = {"n_frozen": architecture.n_frozen, "use_bias": architecture.use_bias}
        return cls(settings.optimizer, settings.schedule, rate, initial_rate=rate, **trained)

    def fits(self, rule, shapes, architecture):
        """Whether the moments can serve ``rule`` on parameters of ``shapes``, all that can be trained.

        They cannot where the architecture trains parameters that were not trained: these have none yet.
        """
        return (
            rule.can_continue(self.rule)
            and self.moments is not None
            and len(self.moments) == rule.n_states
            and self.n_frozen <= architecture.n_frozen
            and self.use_bias >= architecture.use_bias
            and all([m.shape for m in moment] == shapes for moment in self.moments)
        )
