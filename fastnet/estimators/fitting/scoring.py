"""What early stopping watches: the estimator's own score, a loss, or any scorer of scikit-learn."""

from contextlib import suppress
from inspect import signature

import numpy as np
from scipy.sparse import issparse
from sklearn.metrics import check_scoring

from ...network.layers import FEATURES
from ...ops.numbers import shown
from ..fitted import HIDDEN_ATTRIBUTES, parameter_attributes
from ..parameters import CALIBRATED_LOG_LOSS
from .calibration import calibrated_log_loss

# What an estimator that was fitted before may have, and the network in training has not.
_OF_THE_FITTED = (
    "coefs_", "intercepts_", FEATURES.attribute, *HIDDEN_ATTRIBUTES, "temperature_", "target_mean_", "target_scale_"
)  # fmt: skip


def score_function(estimator, architecture, validation, attributes):
    """The function that scores a session's parameters.

    Parameters
    ----------
    estimator : estimator
        Its ``scoring`` is read.
    architecture : Architecture
        The network.
    validation : ValidationSet
        Samples to score on.
    attributes : dict
        Fitted attributes that are known before the training.

    Returns
    -------
    callable
        ``score(session) -> float``; more is better.

    Raises
    ------
    ValueError
        If a scorer does not take the weights that there are.
    """
    targets, weight = validation.targets, validation.sample_weight
    if estimator.scoring is None:
        dtype = estimator._output_dtype(validation.given[0], validation.X)
        truth = targets[:, :-1] if architecture.loss.has_offset else targets
        return lambda session: estimator._score_outputs(truth, validation.outputs(architecture, session, dtype), weight)
    if estimator.scoring == CALIBRATED_LOG_LOSS:
        sizes = estimator._label_binarizer.sizes if estimator._has_columns else None
        return lambda session: -calibrated_log_loss(
            validation.outputs(architecture, session, np.dtype(np.float64), link=False), targets, weight, sizes
        )
    if estimator.scoring != "loss":
        return _ScorerOf(estimator, architecture, validation, attributes)

    from ...engine import mean_loss

    def score(session):
        # Of targets with an offset the loss adds it.
        outputs = session.predict_rows(validation.rows, link=False, X=validation.own_X)
        return -mean_loss(architecture.loss, outputs, targets, weight)

    return score


class _ScorerOf:
    """A scorer of scikit-learn, called with a fitted estimator that has the parameters of a session."""

    def __init__(self, estimator, architecture, validation, attributes):
        self._architecture = architecture
        self._scorer = check_scoring(estimator, estimator.scoring)
        self._validation, (self._X, y) = validation, validation.as_given()
        self._y = y.toarray() if issparse(y) else y  # not every metric takes sparse labels
        self._keywords = {}
        if validation.sample_weight is not None:
            if not _takes_weights(self._scorer):
                raise ValueError(
                    f"scoring={estimator.scoring!r} does not take sample_weight, which the validation samples have "
                    "(class_weight counts, too): choose another scoring, or give a function "
                    "scoring(estimator, X, y, sample_weight=None)."
                )
            self._keywords["sample_weight"] = validation.sample_weight
        # Not copy.copy: that may ask for more than the attributes.
        self._view = view = object.__new__(type(estimator))
        vars(view).update({name: value for name, value in vars(estimator).items() if name not in _OF_THE_FITTED})
        vars(view).update(attributes)
        view._set_network(architecture)
        view._outputs = self._outputs
        needed = getattr(self._scorer, "_response_method", "default")
        needed = ["predict"] if needed == "default" else [needed] if isinstance(needed, str) else list(needed)
        if not any(hasattr(view, name) for name in needed):
            raise ValueError(
                f"scoring={estimator.scoring!r} needs {' or '.join(needed)}, which a network with "
                f"loss={estimator.loss!r} has not: choose another scoring, or another loss."
            )
        self._session, self._name = None, f"scoring={shown(estimator.scoring)}"
        self.has_diverged = False

    def _outputs(self, X, link=True):
        """Of the validation samples the session's, of any others the estimator's own."""
        if X is self._X:
            outputs = self._of_session(link)
            if not np.isfinite(outputs).all():
                raise _Diverged
            return outputs
        return type(self._view)._outputs(self._view, X, link)

    def __call__(self, session):
        self._session, view = session, self._view
        vars(view).update(parameter_attributes(self._architecture, *session.get_parameters()))
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
        validation = self._validation
        dtype = self._view._output_dtype(validation.given[0], validation.X)
        return validation.outputs(self._architecture, self._session, dtype, link)


class _Diverged(Exception):
    """Outputs are not finite, of which no metric need be asked: the score is nan."""


def _takes_weights(scorer):
    takes = getattr(scorer, "_accept_sample_weight", None)
    return takes() if takes is not None else "sample_weight" in signature(scorer).parameters
