"""What early stopping watches: the estimator's own score, the validation loss, or any scorer of scikit-learn."""

from contextlib import suppress
from inspect import signature
from numbers import Number

from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring

from .fitted import VECTOR_ATTRIBUTES, parameter_attributes
from .label_types import plain_given

# What an estimator that was fitted before may have, and the network in training has not.
_OF_THE_FITTED = ("coefs_", "intercepts_", "projections_", *VECTOR_ATTRIBUTES.values(), "temperature_")


def score_function(estimator, architecture, validation):
    """The function that scores a session's parameters.

    Parameters
    ----------
    estimator : estimator
        Its ``scoring`` is read.
    architecture : Architecture
        The network.
    validation : ValidationSet
        Samples to score on.

    Returns
    -------
    callable
        ``score(session) -> float``; more is better.

    Raises
    ------
    ValueError
        If a scorer does not take the weights that there are.
    """
    rows, targets, weight = validation.rows, validation.targets, validation.sample_weight
    X = None if validation.is_held_out else validation.X
    if estimator.scoring is None:
        dtype = estimator._output_dtype(validation.given[0], validation.X)
        return lambda session: estimator._score_outputs(
            targets, session.predict_rows(rows, X=X, output_dtype=dtype), weight
        )
    if estimator.scoring != "loss":
        return _ScorerOf(estimator, architecture, validation)

    from ..engine import mean_loss

    def score(session):
        return -mean_loss(architecture.loss, session.predict_rows(rows, link=False, X=X), targets, weight)

    return score


class _ScorerOf:
    """A scorer of scikit-learn, called with a fitted estimator that has the parameters of a session."""

    def __init__(self, estimator, architecture, validation):
        self._architecture = architecture
        self._scorer = check_scoring(estimator, estimator.scoring)
        self._validation, (self._X, y) = validation, validation.as_given()
        self._y = _for_metrics(y, is_classifier(estimator))
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
        view._set_network(architecture)
        view._outputs = self._outputs
        needed = getattr(self._scorer, "_response_method", "default")
        needed = ["predict"] if needed == "default" else [needed] if isinstance(needed, str) else list(needed)
        if not any(hasattr(view, name) for name in needed):
            raise ValueError(
                f"scoring={estimator.scoring!r} needs {' or '.join(needed)}, which a network with "
                f"loss={estimator.loss!r} has not: choose another scoring, or another loss."
            )
        self._session = None

    def _outputs(self, X, link=True):
        """Of the validation samples the session's, of any others the estimator's own."""
        if X is self._X:
            own = None if self._validation.is_held_out else self._validation.X
            dtype = self._view._output_dtype(X, self._validation.X)
            return self._session.predict_rows(self._validation.rows, link, own, dtype)
        return type(self._view)._outputs(self._view, X, link)

    def __call__(self, session):
        self._session, view = session, self._view
        vars(view).update(parameter_attributes(self._architecture, *session.get_parameters()))
        value = self._scorer(view, self._X, self._y, **self._keywords)
        with suppress(AttributeError, ValueError):
            value = value.item()
        if not isinstance(value, Number):
            raise ValueError(f"scoring must return one number, got {value!r} of {type(value)} from {self._scorer!r}.")
        return float(value)


def _for_metrics(y, is_labels):
    """Targets as scikit-learn's metrics take them, else as given: no bools as objects, no sparse numbers."""
    if not is_labels:
        return y.toarray() if issparse(y) else y
    plain = plain_given(y)
    return plain if getattr(plain, "dtype", None) is not None and plain.dtype.kind in "biuf" else y


def _takes_weights(scorer):
    takes = getattr(scorer, "_accept_sample_weight", None)
    return takes() if takes is not None else "sample_weight" in signature(scorer).parameters
