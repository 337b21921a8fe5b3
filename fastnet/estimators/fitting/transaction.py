"""All or nothing: a fit that fails leaves no trace, unless a callback asks for the training that was done."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# What scikit-learn keeps on an estimator while callbacks watch it, and takes away by itself.
_OF_CALLBACKS = ("_callback_fit_ctx", "_skl_callbacks_to_teardown", "_skl_callbacks", "_parent_callback_ctx")
# Set where a fit that fails shall leave what it has done.
_KEPT = "_keeps_training"


def keep_in_spite_of(estimator: Any, error: BaseException) -> None:
    """Raise an error with its own traceback, within `unchanged_on_failure`, that leaves the estimator as it is now."""
    setattr(estimator, _KEPT, True)
    raise error


@contextmanager
def unchanged_on_failure(estimator: Any) -> Iterator[None]:
    """Put the estimator's attributes back if the block raises."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        attributes = vars(estimator)
        if attributes.pop(_KEPT, False):
            raise
        watched = {name: attributes[name] for name in _OF_CALLBACKS if name in attributes}
        attributes.clear()
        attributes.update(before | watched)
        raise
