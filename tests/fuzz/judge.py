"""What may come of a call: a usable model, a warning of ours, or a refusal that names its reason."""

import re
import warnings
from dataclasses import dataclass, field

import numpy as np
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, UndefinedMetricWarning

SKLEARNS = (ConvergenceWarning, DataConversionWarning, UndefinedMetricWarning)
# Warnings that are announced in the documentation, by how they begin; scikit-learn's metrics have some of their own.
ANNOUNCED = (
    "Numbers in training were too large",
    "Outputs for ",
    "Training interrupted",
    "Every validation sample",
    "Got `batch_size` less than 1 or larger than sample size",
    "init=",
    "early_stopping=True has no effect",
    "y looks one-hot encoded",
)


@dataclass
class Outcome:
    """What came of a call."""

    result: object = None
    error: Exception | None = None
    warnings: list = field(default_factory=list)

    def said(self, start):
        """Whether a warning began so."""
        return any(str(w.message).startswith(start) for w in self.warnings)


def fingerprint(value):
    """The whole content of a value, to be compared with what it was before."""
    if isinstance(value, np.ndarray):
        shape = (value.dtype.str, value.shape)
        return (*shape, value.tobytes()) if value.dtype != object else (*shape, [fingerprint(v) for v in value.ravel()])
    if isinstance(value, (list, tuple)):
        return type(value), [fingerprint(v) for v in value]
    if isinstance(value, dict):
        return [(key, fingerprint(v)) for key, v in value.items()]
    if isinstance(value, np.random.RandomState):
        return id(value)  # belongs to the user, and draws move it
    if hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        return id(value), fingerprint(vars(value))
    return type(value), value if isinstance(value, (int, str, bool, type(None))) else repr(value)


def attempt(call, estimator=None, errors=(ValueError,)):
    """Call, and judge its error and its warnings; a refusal must leave the estimator as it was."""
    before = None if estimator is None else fingerprint(vars(estimator))
    outcome = Outcome()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome.result = call()
        except errors as error:
            outcome.error = error
    outcome.warnings = caught
    for warning in caught:
        is_known = issubclass(warning.category, SKLEARNS) or "/sklearn/metrics/" in warning.filename.replace("\\", "/")
        assert is_known or str(warning.message).startswith(ANNOUNCED), (
            f"unannounced {warning.category.__name__}: {warning.message} ({warning.filename}:{warning.lineno})"
        )
    if outcome.error is not None and estimator is not None:
        assert fingerprint(vars(estimator)) == before, f"changed by a refusal: {outcome.error}"
    return outcome


def names_one_of(error, names):
    """Whether the message has one of the names as a word."""
    return bool(set(re.findall(r"\w+", str(error))) & set(names))


def assert_usable(estimator, X, trained):
    """The model's numbers are finite, or a warning has told that they are not."""
    assert np.all([np.isfinite(w).all() for w in estimator.coefs_ + estimator.intercepts_])
    loss = getattr(estimator, "loss_", 0.0)
    assert np.isfinite(loss) or trained.said("Numbers in training"), f"loss_ is {loss}, without a warning"
    rows = X.shape[0] if hasattr(X, "shape") else len(X)
    predicted = attempt(lambda: predictions(estimator, X))
    assert predicted.error is None, f"predictions are refused: {predicted.error!r}"
    for name, given in predicted.result.items():
        for values in given if isinstance(given, list) else [given]:
            assert values.shape[0] == rows, f"{name} of {rows} rows has shape {values.shape}"
            if values.dtype.kind == "f" and name != "predict_log_proba":
                assert np.isfinite(values).all() or predicted.said("Outputs for"), f"{name} is not finite"
            if name == "predict_proba":
                assert not ((values < 0) | (values > 1)).any()  # nan is neither, and was told


def predictions(estimator, X):
    """What all methods of prediction that the estimator offers return."""
    names = ("predict", "predict_proba", "predict_log_proba", "decision_function")
    return {name: dense(getattr(estimator, name)(X)) for name in names if hasattr(estimator, name)}


def dense(values):
    """Sparse predictions as arrays."""
    return values.toarray() if hasattr(values, "toarray") else values


def parts(values):
    """A prediction as a list of arrays."""
    return values if isinstance(values, list) else [values]
