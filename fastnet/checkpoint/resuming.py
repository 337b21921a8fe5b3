"""Going on with a training from its file."""

import warnings
from os import PathLike
from typing import Any

from numpy.typing import ArrayLike

from ..estimators import MLPClassifier, MLPRegressor
from ..estimators.fitting.validation import OwnData
from ..estimators.parameters.types import MatrixLike
from ..training.trainer import generator_from
from .callback import class_name, versions
from .digests import digests_of
from .files import read
from .values import are_same, decode, encode, missing_in, shown

# They change no bit of what is learnt by themselves, and may be others than before.
_FREE = ("callbacks", "n_jobs", "verbose")


def resume(
    path: str | PathLike,
    X: MatrixLike,
    y: MatrixLike,
    sample_weight: ArrayLike | None = None,
    *,
    X_val: MatrixLike | None = None,
    y_val: MatrixLike | None = None,
    sample_weight_val: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    estimator: Any = None,
    offset: ArrayLike | None = None,
    offset_val: ArrayLike | None = None,
) -> Any:
    """Go on with a training that :class:`fastnet.Checkpoint` wrote, to the bits that it would have come to.

    All arguments but the first are those that ``fit`` was given: the file has no data, only its digests. A training
    that had come to its end is not trained any more; its estimator is what you get. The Checkpoint goes on to write its
    file. L-BFGS goes on from its last iterate, without what it has learnt of the curvature, and so comes to other bits.

    Parameters
    ----------
    path : str or path-like
        The file.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training data, as given to ``fit``.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Its targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Their weights.
    X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
        Samples to validate with, if ``fit`` was given any.
    y_val : array-like of shape (n_validation,) or (n_validation, n_outputs), default=None
        Their targets.
    sample_weight_val : array-like of shape (n_validation,), default=None
        Their weights.
    groups : array-like of shape (n_samples,), default=None
        Group of each sample, for the splitter.
    estimator : MLPClassifier or MLPRegressor, default=None
        An estimator with the same parameters, which is then fitted in place. None makes one from the file. It is needed
        for what a file without code cannot hold: functions, splitters, another network to begin with, classes of
        your own; and, fitted as it was before, to go on with a warm start. Its ``callbacks``, ``n_jobs`` and
        ``verbose`` may be others than before.
    offset : array-like of shape (n_samples,), default=None
        Offset of a regressor's samples.
    offset_val : array-like of shape (n_validation,), default=None
        That of the samples to validate with.

    Returns
    -------
    MLPClassifier or MLPRegressor
        The fitted estimator.

    Raises
    ------
    ValueError
        If the file is no checkpoint or needs ``estimator``, or data or a parameter differ from those of the file; the
        message names it.

    Warns
    -----
    UserWarning
        If the file is from another version or another instruction set, so that bits may differ.

    See Also
    --------
    Checkpoint : Writes the file.

    Examples
    --------
    >>> import fastnet
    >>> net = fastnet.MLPClassifier(callbacks=fastnet.Checkpoint("training.npz", every=10))
    >>> net.fit(X, y)  # doctest: +SKIP
    >>> net = fastnet.resume("training.npz", X, y)  # doctest: +SKIP
    """
    written = Written(path)
    estimator = written.estimator() if estimator is None else written.checked(estimator)
    written.warn_of_versions()
    if (offset is not None or offset_val is not None) and not isinstance(estimator, MLPRegressor):
        raise ValueError("offset and offset_val are for MLPRegressor, the training is of a classifier: leave them out.")
    own = OwnData(X_val, y_val, sample_weight_val, groups, offset_val)
    return estimator._resume(written, X, y, sample_weight, own, offset)


class Written:
    """A training as it is in a file.

    Parameters
    ----------
    path : str or path-like
        The file.
    """

    def __init__(self, path):
        self._path, self._tree = path, read(path)

    def first_draws(self):
        """The generator as it was before all draws of the fit."""
        return generator_from(decode(self._tree["first_draws"]))

    def estimator(self):
        """A new estimator with the parameters of the file; raises ValueError if it cannot hold one."""
        kinds = {class_name_of(cls): cls for cls in (MLPClassifier, MLPRegressor)}
        name, parameters = self._tree["estimator"], self._tree["parameters"]
        missing = [] if name in kinds else [f"the class {name}"]
        missing += [f"{parameter} ({kind})" for parameter, value in parameters.items() for kind in missing_in(value)]
        if not self._tree["is_first_fit"]:
            missing.append("the fitted estimator that the warm start went on with")
        if missing:
            raise ValueError(
                f"{self._path} cannot hold {', '.join(missing)}: give it as estimator=..., an estimator with the same "
                "parameters."
            )
        return kinds[name](**{parameter: decode(value) for parameter, value in parameters.items()})

    def checked(self, estimator):
        """The estimator, if it has the parameters of the file; raises ValueError."""
        theirs, ours = self._tree["estimator"], class_name(estimator)
        if theirs != ours:
            raise ValueError(f"estimator is a {ours}, the training in {self._path} is of a {theirs}: give such a one.")
        parameters = estimator.get_params(deep=False)
        for name, value in self._tree["parameters"].items():
            now = encode(parameters.get(name))
            if name not in _FREE and not are_same(value, now):
                raise ValueError(
                    f"{name} of estimator is {shown(now)}, the training in {self._path} has {shown(value)}: give the "
                    "parameters that it was begun with, or begin a new fit."
                )
        return estimator

    def warn_of_versions(self):
        """Warn if bits may differ, since something that they depend on is another one."""
        now, then = versions(), self._tree["versions"]
        changed = [f"{name} {then.get(name)} instead of {now[name]}" for name in now if then.get(name) != now[name]]
        if changed:
            warnings.warn(
                f"{self._path} was written with {', '.join(changed)}: training goes on, but the last bits may differ "
                "from those of the uninterrupted fit.",
                stacklevel=3,
            )

    def state_for(self, estimator, task):
        """The trainer's state; raises ValueError if the data are others than those it was trained on."""
        if self._tree["is_first_fit"] != (task.continuation is None):
            begun = "a new fit" if self._tree["is_first_fit"] else "a warm start"
            unfit = "is fitted" if self._tree["is_first_fit"] else "is not"
            raise ValueError(
                f"the training in {self._path} is {begun}, but estimator {unfit} and has warm_start="
                f"{estimator.warm_start}: give the estimator as it was before that fit."
            )
        theirs, ours = self._tree["data"], digests_of(estimator, task)
        for name in ours:
            if theirs[name] != ours[name]:
                raise ValueError(
                    f"{name} differs from what the training in {self._path} was given: give the same data in the same "
                    "order, or begin a new fit."
                )
        return decode(self._tree["state"])


def class_name_of(cls):
    """The public name of a class of estimators."""
    return f"{cls.__module__}.{cls.__qualname__}"
