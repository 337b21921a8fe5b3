"""Labels in arrays of Python objects: those of one kind are taken as what they are."""

from contextlib import contextmanager
from numbers import Number

import numpy as np


def plain_labels(y, name="y"):
    """Labels of one column, those in an array of objects as an array of their own kind.

    Parameters
    ----------
    y : ndarray
        Class labels. Anything but one column of objects is returned as it is.
    name : str, default='y'
        For the message.

    Returns
    -------
    ndarray
        Of bool, of numbers, or as given.

    Raises
    ------
    ValueError
        If the objects are of kinds that cannot be sorted together.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.estimators.label_types import plain_labels
    >>> plain_labels(np.array([True, False], dtype=object)), plain_labels(np.array([2, 1.0], dtype=object))
    (array([ True, False]), array([2., 1.]))
    """
    if y.dtype.kind != "O" or y.ndim != 1:
        return y
    types = set(map(type, y))
    if all(issubclass(t, (str, bytes)) for t in types):
        return y
    if all(issubclass(t, (Number, np.bool_)) for t in types):
        plain = np.array(y.tolist())
        if plain.dtype.kind in "biuf":
            return plain
    raise ValueError(
        f"{name} has labels of types that cannot be sorted together, {sorted(t.__name__ for t in types)}: leave out "
        f"samples without a label, and make the others all strings, such as by {name}.astype(str), or all numbers."
    )


@contextmanager
def missing_labels_named(name="y"):
    """Around scikit-learn's validation: name the labels some of which are missing, whatever stands in their place."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if str(error) not in ("Input contains NaN", "boolean value of NA is ambiguous"):
            raise
        raise ValueError(f"Input {name} contains NaN: leave out samples without a label.") from None


def plain_given(y, name="y"):
    """The same of labels as a user gives them, whatever holds them."""
    return plain_labels(np.asarray(y), name) if getattr(getattr(y, "dtype", None), "kind", None) == "O" else y
