"""Labels of users, whatever holds them, as arrays of their own kind."""

import warnings
from numbers import Number

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.utils import check_array
from sklearn.utils.multiclass import type_of_target

from ...ops.numbers import shown
from ...training.health import quiet
from ...training.user_line import stacklevel_of_user
from ..inputs.entries import is_missing, refuse_masked

# Rows with one label each: fewer may have them by chance.
_ENOUGH = 20


def plain_labels(y, name="y"):
    """Labels in an array of their own kind, whatever holds them; None stays None.

    Parameters
    ----------
    y : array-like, sparse matrix or None
        Class labels as the user gave them.
    name : str, default='y'
        For messages.

    Returns
    -------
    ndarray or CSR array
        Of the same shape. Sparse only are labels that are there or not.

    Raises
    ------
    ValueError
        If labels are missing or infinite, or are objects of kinds that cannot be sorted together.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.estimators.targets.kinds import plain_labels
    >>> plain_labels(np.array([True, False], dtype=object)), plain_labels(np.array([2, 1.0], dtype=object))
    (array([ True, False]), array([2., 1.]))
    """
    if y is None:
        return None
    if issparse(y):
        y = y.tocsr()
        if type_of_target(y, input_name=name).startswith("multilabel"):
            return y
        y = y.toarray()
    y = _checked(y, name)
    return y if y.dtype.kind != "O" else _checked(own_kind(y, name), name)


def check_kind(y):
    """Raise ValueError if labels are numbers that measure something; warn if each row has the one label of a class.

    Parameters
    ----------
    y : ndarray or CSR array
        Plain labels.
    """
    if y.dtype.kind in "OUS":
        return
    kind = type_of_target(y)
    if kind.startswith("continuous"):
        example = y[y != np.trunc(y)].flat[0]
        raise ValueError(
            f"Unknown label type: {kind}. y has numbers such as {shown(float(example))}, which measure something: use "
            "MLPRegressor. If they are classes, make them strings, such as by y.astype(str)."
        )
    if kind == "multilabel-indicator" and y.shape[0] >= _ENOUGH and y.shape[1] > 1 and (y.sum(axis=1) == 1).all():
        warnings.warn(
            "y looks one-hot encoded: each row has exactly one label. It is learnt as several labels at once, each by "
            "itself. If a sample belongs to one class, give y.argmax(axis=1).",
            UserWarning,
            stacklevel=stacklevel_of_user(),
        )


def plain_classes(classes, name="classes"):
    """All classes there will be, as `partial_fit` is told them, in an array.

    Parameters
    ----------
    classes : array-like
        As the user gave them.
    name : str, default='classes'
        For messages.

    Returns
    -------
    ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If they are not one column of labels, each of them once.
    """
    if isinstance(classes, (list, tuple)) and not all(isinstance(label, (str, bytes)) for label in classes):
        array = np.empty(len(classes), dtype=object)
        array[:] = classes  # NumPy would make strings of numbers beside strings
        classes = own_kind(array, name) if all(map(np.isscalar, classes)) else classes
    array = plain_labels(classes, name)
    if issparse(array) or array.ndim != 1 or not array.size:
        raise ValueError(
            f"{name} must hold all classes, as an array-like of shape (n_classes,); with several columns of classes a "
            f"list of one for each column; got an array of shape {array.shape}."
        )
    labels, counts = np.unique(array, return_counts=True)
    if counts.max() > 1:
        raise ValueError(f"{name} must hold each class once, got {labels[counts > 1].tolist()} more than once.")
    return array


def own_kind(y, name="y"):
    """Labels in an array of objects, as an array of their own kind.

    Parameters
    ----------
    y : ndarray of object
        Labels; columns of different kinds are left as objects.
    name : str, default='y'
        For messages.

    Returns
    -------
    ndarray
        Of bool, of numbers, or as given.

    Raises
    ------
    ValueError
        If objects of one column are of kinds that cannot be sorted together.
    """
    types = set(map(type, y.flat))
    if all(issubclass(t, (str, bytes)) for t in types) and not {str, bytes} <= types:
        return y
    if all(issubclass(t, (Number, np.bool_)) for t in types):
        plain = np.array(y.tolist()).reshape(y.shape)
        if plain.dtype.kind in "biuf":
            return plain
        raise ValueError(
            f"{name} has numbers as labels that NumPy has no type for, {shown(y.flat[0])} among them: make them "
            f"strings, such as by {name}.astype(str)."
        )
    if y.ndim == 2:
        for number, column in enumerate(y.T):
            try:
                own_kind(column)
            except ValueError:
                raise ValueError(
                    f"Column {number} of {name} has classes of types that cannot be compared: make them all numbers or "
                    "all strings."
                ) from None
        return y
    names = sorted(t.__name__ for t in types)
    raise ValueError(
        f"{name} has labels of types that cannot be sorted together, {names}: leave out samples without a label, and "
        f"make the others all strings, such as by {name}.astype(str), or all numbers."
    )


def _checked(y, name):
    """The array that scikit-learn makes of labels, if none is missing or infinite."""
    missing = f"Input {name} contains NaN: leave out samples without a label."
    refuse_masked(name, y)
    # Whether there are enough of them is seen beside X.
    of_any_shape = {"ensure_2d": False, "allow_nd": True, "ensure_min_samples": 0, "ensure_min_features": 0}
    try:
        # NumPy's whatever the namespace: the engine takes no other.
        with quiet(), config_context(array_api_dispatch=False):
            labels = check_array(y, dtype=None, input_name=name, **of_any_shape)
    except TypeError:
        if any(map(is_missing, np.asarray(y).flat)):
            raise ValueError(missing) from None
        raise
    except ValueError as error:
        if str(error).startswith(("Input contains NaN", missing.partition(":")[0])):
            raise ValueError(missing) from None
        if str(error).startswith("Complex data not supported"):
            raise ValueError(f"Complex data not supported: {name} has complex labels, make them strings.") from None
        raise
    if labels.dtype.kind in "mM" and np.isnat(labels).any():
        raise ValueError(missing)
    return labels
