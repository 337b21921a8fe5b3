"""scikit-learn's callbacks, such as its progress bar and its monitor of scores, on our training."""

from ...training.callbacks import Callback
from ..fitted import parameter_attributes, view_of


def watch_by_scikit_learn(estimator, trainer, architecture, attributes, data):
    """Let scikit-learn's callbacks watch a training, if there are any, or an estimator outside that has tasks.

    Parameters
    ----------
    estimator : estimator
        On which ``set_callbacks`` has set them.
    trainer : Trainer
        At the beginning.
    architecture : Architecture
        The network.
    attributes : dict
        Fitted attributes that are known before the training.
    data : tuple
        X, y and sample_weight, as ``fit`` got them.
    """
    if is_watched(estimator):
        trainer.callbacks += (_ScikitLearns(estimator, architecture, attributes, data),)


def is_watched(estimator):
    """Whether scikit-learn's callbacks watch an estimator, or one outside that has tasks."""
    return hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx")


def known_of_fit(estimator, X, y, sample_weight):
    """What every hook of scikit-learn's callbacks gets: X, y and sample_weight as ``fit`` got them."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return {"estimator": estimator, "X": X, "y": y, "metadata": metadata}


class _ScikitLearns(Callback):
    """Calls the hooks of scikit-learn's callbacks: a fit is a task, its epochs are tasks within it."""

    def __init__(self, estimator, architecture, attributes, data):
        self._estimator, self._architecture, self._known_before = estimator, architecture, attributes
        self._known = known_of_fit(estimator, *data)

    def on_fit_begin(self, trainer):
        n_epochs = trainer.settings.max_iter
        self._fit = self._estimator._init_callback_context(max_subtasks=n_epochs)
        self._fit.call_on_fit_task_begin(**self._known)
        self._begin_epoch()

    def _begin_epoch(self):
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._known)

    def on_epoch_end(self, trainer):
        stops = self._epoch.call_on_fit_task_end(
            **self._known, reconstruction_attributes=lambda: self._attributes(trainer)
        )
        self._epoch = None
        if stops:
            trainer.stop()
        elif trainer.goes_on and trainer.history.n_iter < trainer.settings.max_iter:
            self._begin_epoch()

    def _attributes(self, trainer):
        """Fitted attributes as of now."""
        parameters = parameter_attributes(self._architecture, *trainer.current_parameters())
        view = view_of(self._estimator, parameters | self._known_before)
        view._set_network(self._architecture)
        return vars(view)

    def on_fit_end(self, trainer):
        if trainer.error is None:
            self._fit.call_on_fit_task_end(
                **self._known, reconstruction_attributes=lambda: self._attributes(trainer)
            )
