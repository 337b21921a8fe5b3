"""What watches a fit of several networks: scikit-learn's callbacks, and one warning for all."""

import warnings
from contextlib import contextmanager

from ..diagnosis.warning import TrainingWarning
from ..estimators.fitting.watching import is_watched, known_of_fit

# Of what a preset has chosen: its schedule ends after so many epochs, and where no temperature is the best, 1 serves.
_OF_PRESETS = ("Stochastic Optimizer: Maximum iterations", "Every validation sample is classified right")


class Watch:
    """Calls scikit-learn's callbacks, if there are any: a fit is a task, its networks are tasks within it.

    Parameters
    ----------
    estimator : BaseTabularMLP
        On which ``set_callbacks`` has set them, or a meta-estimator.
    X, y, sample_weight : object
        As ``fit`` got them.
    n_networks : int
        That are trained at most.
    attributes_of : callable of (list of Member)
        Gives the fitted attributes that the estimator has with these members.
    """

    def __init__(self, estimator, X, y, sample_weight, n_networks, attributes_of):
        self._known = known_of_fit(estimator, X, y, sample_weight)
        self._attributes_of, self._fit, self._task, self._has_warned = attributes_of, None, None, False
        if is_watched(estimator):
            self._fit = estimator._init_callback_context(max_subtasks=n_networks)
            self._fit.call_on_fit_task_begin(**self._known)

    def train(self, network, *data, **own):
        """Fit a network, as a task."""
        with self._one_warning():
            if self._fit is None:
                return network.fit(*data, **own)
            self._task = self._fit.subcontext(task_name="network")
            self._task.call_on_fit_task_begin(**self._known)
            with self._task.propagate_callback_context(network):
                return network.fit(*data, **own)

    @contextmanager
    def _one_warning(self):
        """Leave out warnings of what a preset has chosen, and all but the first that training has not worked."""
        caught = []
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                yield
        finally:  # the user's filters decide what becomes of the others
            for one in caught:
                if not self._is_left_out(one):
                    warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)

    def _is_left_out(self, warning):
        if not issubclass(warning.category, TrainingWarning):
            return str(warning.message).startswith(_OF_PRESETS)
        has_warned, self._has_warned = self._has_warned, True
        return has_warned

    def after(self, members):
        """End the task of the last member. Returns whether a callback ends the fit."""
        task, self._task = self._task, None
        return task is not None and self._end(task, members)

    def end(self, members):
        """End the fit."""
        if self._fit is not None:
            self._end(self._fit, members)

    def _end(self, task, members):
        return task.call_on_fit_task_end(
            **self._known, reconstruction_attributes=lambda: self._attributes_of(members)
        )
