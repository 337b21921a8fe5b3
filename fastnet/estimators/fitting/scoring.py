"""What is measured on validation samples: the loss, the estimator's own score, or any scorer of scikit-learn."""

from contextlib import suppress
from inspect import signature

import numpy as np
from scipy.sparse import issparse
from sklearn.metrics import check_scoring

from ...network.layers import FEATURES
from ...ops.numbers import shown
from ...training.health import quiet
from ..fitted import HIDDEN_ATTRIBUTES, add_offset, parameter_attributes, view_of
from ..parameters import CALIBRATED_LOG_LOSS
from .calibration import calibrated_log_loss

# What an estimator that was fitted before may have, and the network in training has not.
_OF_THE_FITTED = (
    "coefs_", "intercepts_", FEATURES.attribute, *HIDDEN_ATTRIBUTES, "temperature_", "target_mean_", "target_scale_"
)  # fmt: skip


def named_scorings(scoring):
    """What ``scoring`` asks for, by the names of the history's columns; early stopping watches the first.

    Parameters
    ----------
    scoring : None, str, callable, list of str or dict
        The estimators' parameter, valid.

    Returns
    -------
    dict
    """
    if isinstance(scoring, dict):
        return {f"validation_{name}": one for name, one in scoring.items()}
    if isinstance(scoring, (list, tuple)):
        return {f"validation_{name}": name for name in scoring}
    return {"validation_score": scoring}


class Measures:
    """What is measured on the validation samples: the loss, and the scores that ``scoring`` asks for.

    Parameters
    ----------
    estimator : estimator
        Its ``scoring`` is read.
    architecture : Architecture
        The network.
    validation : ValidationSet
        Samples to measure on.
    attributes : dict
        Fitted attributes that are known before the training.

    Attributes
    ----------
    columns : tuple of str
        Names of what is measured.
    watched : None, str or callable
        The first of ``scoring``, which early stopping watches.
    last_score : float
        What it was last; more is better.

    Raises
    ------
    ValueError
        If a scorer does not take the weights that there are.
    """

    def __init__(self, estimator, architecture, validation, attributes):
        self._outputs = _Outputs(architecture, validation)
        scorings = named_scorings(estimator.scoring)
        self.watched = next(iter(scorings.values()))
        common = estimator, architecture, validation, attributes, self._outputs
        self._scores = {name: _score_function(one, *common) for name, one in scorings.items()}
        self.columns = tuple(dict.fromkeys(("validation_loss", *self._scores)))

    @property
    def has_diverged(self):
        """Whether a scorer was not asked, because outputs were not finite."""
        return any(getattr(score, "has_diverged", False) for score in self._scores.values())

    def score(self, session):
        """The score that is watched, of the parameters of a session."""
        self._outputs.renew(session)
        return next(iter(self._scores.values()))()

    def __call__(self, session):
        """All that is measured, of the parameters of a session."""
        self._outputs.renew(session)
        measured = {name: score() for name, score in self._scores.items()}
        self.last_score = next(iter(measured.values()))
        return measured | {"validation_loss": self._outputs.loss()}


class _Outputs:
    """Outputs of a network in training for the validation samples: one forward pass, whoever asks how often.

    They have the bits of a forward pass with the link, and belong to whoever gets them.
    """

    def __init__(self, architecture, validation):
        self._architecture, self._validation = architecture, validation
        self._mean_loss, self._links = None, {}

    def renew(self, session):
        """From now on those of the session's parameters as they are."""
        validation, self.parameters = self._validation, session.get_parameters
        self._raw = session.predict_rows(validation.rows, link=False, X=validation.own_X)

    def loss(self):
        """The mean loss, without penalties. Of targets with an offset the loss adds it."""
        if self._mean_loss is None:
            from ...engine import MeanLoss

            validation = self._validation
            self._mean_loss = MeanLoss(
                self._architecture.loss, self._raw.shape[1], validation.targets, validation.sample_weight
            )
        return self._mean_loss(self._raw)

    def _link(self, dtype):
        if dtype not in self._links:
            from ...engine import WideLink

            self._links[dtype] = WideLink(self._architecture.loss, self._raw.dtype, dtype)
        return self._links[dtype]

    def __call__(self, dtype, link=True):
        """Predictions, or raw outputs without the link, in a dtype."""
        loss = self._architecture.loss
        if link and not loss.has_offset:
            return self._link(dtype)(self._raw)
        with quiet():
            raw = self._raw.astype(dtype)
        return add_offset(loss.for_prediction(), raw, self._validation.targets[:, -1], link) if loss.has_offset else raw


def _score_function(scoring, estimator, architecture, validation, attributes, outputs):
    """The function without arguments that gives a score of ``outputs``; more is better."""
    targets, weight = validation.targets, validation.sample_weight
    if scoring is None:
        dtype = estimator._output_dtype(validation.given[0], validation.X)
        truth = targets[:, :-1] if architecture.loss.has_offset else targets
        return lambda: estimator._score_outputs(truth, outputs(dtype), weight)
    if scoring == CALIBRATED_LOG_LOSS:
        sizes = estimator._label_binarizer.sizes if estimator._has_columns else None
        return lambda: -calibrated_log_loss(outputs(np.dtype(np.float64), link=False), targets, weight, sizes)
    if scoring == "loss":
        return lambda: -outputs.loss()
    return _ScorerOf(scoring, estimator, architecture, validation, attributes, outputs)


class _ScorerOf:
    """A scorer of scikit-learn, called with a fitted estimator that has the parameters of a session."""

    def __init__(self, scoring, estimator, architecture, validation, attributes, outputs):
        self._architecture, self._of_network = architecture, outputs
        self._scorer = check_scoring(estimator, scoring)
        self._validation, (self._X, y) = validation, validation.as_given()
        self._y = y.toarray() if issparse(y) else y  # not every metric takes sparse labels
        self._keywords = {}
        if validation.sample_weight is not None:
            if not _takes_weights(self._scorer):
                raise ValueError(
                    f"scoring={scoring!r} does not take sample_weight, which the validation samples have "
                    "(class_weight counts, too): choose another scoring, or give a function "
                    "scoring(estimator, X, y, sample_weight=None)."
                )
            self._keywords["sample_weight"] = validation.sample_weight
        self._view = view = view_of(estimator, {})
        for name in _OF_THE_FITTED:
            vars(view).pop(name, None)
        vars(view).update(attributes)
        view._set_network(architecture)
        view._outputs = self._outputs
        needed = getattr(self._scorer, "_response_method", "default")
        needed = ["predict"] if needed == "default" else [needed] if isinstance(needed, str) else list(needed)
        if not any(hasattr(view, name) for name in needed):
            raise ValueError(
                f"scoring={scoring!r} needs {' or '.join(needed)}, which a network with "
                f"loss={estimator.loss!r} has not: choose another scoring, or another loss."
            )
        self._name = f"scoring={shown(scoring)}"
        self.has_diverged = False

    def _outputs(self, X, link=True):
        """Of the validation samples the session's, of any others the estimator's own."""
        if X is self._X:
            outputs = self._of_session(link)
            if not np.isfinite(outputs).all():
                raise _Diverged
            return outputs
        return type(self._view)._outputs(self._view, X, link)

    def __call__(self):
        view = self._view
        vars(view).update(parameter_attributes(self._architecture, *self._of_network.parameters()))
        try:
            value = self._scorer(view, self._X, self._y, **self._keywords)
        except _Diverged:
            return self._nan()
        except Warning:  # which a filter made an error
            raise
        except Exception as error:
            if not np.isfinite(self._of_session(link=False)).all():
                return self._nan()
            reason = f"{type(error).__name__}: {error}".rstrip(".")
            raise ValueError(
                f"{self._name} failed on the validation samples, with {reason}. It has to give one number for "
                "(estimator, X, y): choose a scoring that suits the estimator and y, or validate with samples that it "
                "is defined for, such as of every class, by X_val and y_val."
            ) from error
        with suppress(AttributeError, ValueError):
            value = value.item()
        if hasattr(value, "__float__") and not isinstance(value, bool):
            with suppress(OverflowError, TypeError, ValueError):
                return float(value)
        raise ValueError(
            f"{self._name} must give one number, got {shown(value)} of type {type(value).__name__}: return a float, "
            "such as a mean."
        )

    def _nan(self):
        self.has_diverged = True
        return np.nan

    def _of_session(self, link):
        return self._of_network(self._view._output_dtype(self._validation.given[0], self._validation.X), link)


class _Diverged(Exception):
    """Outputs are not finite, of which no metric need be asked: the score is nan."""


def _takes_weights(scorer):
    takes = getattr(scorer, "_accept_sample_weight", None)
    return takes() if takes is not None else "sample_weight" in signature(scorer).parameters
