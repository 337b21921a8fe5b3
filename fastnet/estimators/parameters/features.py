"""The parameter ``features``: from what users give to the feature layer of a net."""

from numbers import Integral

import numpy as np

from ...network.features import FeatureBlock, FeatureLayer
from ...ops.features import MAX_OUTPUTS, Feature, Scale
from ...ops.numbers import shown
from .sequences import entries


def feature_pairs(features):
    """The parameter as a tuple of pairs of a feature layer and columns as they were given; None stands for all.

    Parameters
    ----------
    features : Feature, list of (Feature, columns), or None
        The estimators' parameter.

    Raises
    ------
    ValueError
        If it is nothing of this.
    """
    if features is None:
        return ()
    if isinstance(features, Feature):
        return ((features, None),)
    pairs = entries(features)
    example = "such as [(PBLD(), [0, 1]), (Embedding(), 'city')]"
    if not pairs:
        raise ValueError(
            f"features must be an object of fastnet.features, or a list of (feature layer, columns), {example}. Got "
            f"{shown(features)}."
        )
    for number, pair in enumerate(pairs):
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[0], Feature)):
            raise ValueError(
                f"features[{number}] must be a pair (feature layer, columns) with an object of fastnet.features, "
                f"{example}. Got {shown(pair)}."
            )
    return tuple((op, columns) for op, columns in pairs)


def feature_scale(input_scale):
    """The parameter ``input_scale`` as a Scale, or None."""
    return input_scale if isinstance(input_scale, Scale) else Scale() if input_scale else None


def feature_layer(settings, X, names, fitted=None):
    """The feature layer of a net, or None.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    X : ndarray of shape (n_samples, n_features)
        All samples of the fit, from which levels are counted.
    names : ndarray of str or None
        Names of its columns.
    fitted : FeatureLayer, default=None
        That of the network to go on with, whose levels hold.

    Returns
    -------
    FeatureLayer or None

    Raises
    ------
    ValueError
        If columns do not exist, or a column of codes has too many levels.
    """
    if not settings.features and settings.input_scale is None:
        return None
    n = X.shape[1]
    names = None if names is None else list(names)
    blocks, used = [], set()
    for number, (op, given) in enumerate(settings.features):
        columns = tuple(range(n)) if given is None else _columns(f"features[{number}]", given, n, names)
        used.update(columns)
        blocks.append((op, columns))
    rest = tuple(column for column in range(n) if column not in used)
    if rest:
        blocks.append((None, rest))
    if fitted is not None and [(b.op, b.columns) for b in fitted.blocks] == blocks:
        return FeatureLayer(n, fitted.blocks, settings.input_scale)
    return FeatureLayer(n, tuple(_with_levels(op, columns, X, names) for op, columns in blocks), settings.input_scale)


def _with_levels(op, columns, X, names):
    if op is None or not op.takes_codes:
        return FeatureBlock(op, columns, (0,) * len(columns))
    levels = []
    for column in columns:
        n_levels = op.n_levels or int(max(X[:, column].max() + 1, 1))
        if n_levels > op.most_levels:
            name = column if names is None else repr(names[column])
            remedy = "use Embedding()" if op.most_levels == MAX_OUTPUTS else "number the levels 0, 1, 2 and so on"
            raise ValueError(
                f"Column {name} of X has codes up to {n_levels - 1}, {op!r} takes {op.most_levels} levels at most: "
                f"{remedy}."
            )
        levels.append(n_levels)
    return FeatureBlock(op, columns, tuple(levels))


def _columns(what, given, n, names):
    """Columns as a tuple of numbers."""
    if isinstance(given, slice):
        start = _column(what, given.start, n, names) if isinstance(given.start, str) else given.start
        # Of names both ends belong to it, as in pandas.
        stop = _column(what, given.stop, n, names) + 1 if isinstance(given.stop, str) else given.stop
        return _some(what, tuple(range(n)[slice(start, stop, given.step)]), given)
    each = None if isinstance(given, (str, Integral)) else entries(given)
    if each is None:
        return (_column(what, given, n, names),)
    if len(each) == n and all(isinstance(e, (bool, np.bool_)) for e in each):
        return _some(what, tuple(np.flatnonzero(each).tolist()), given)
    columns = tuple(_column(what, e, n, names) for e in each)
    if len(set(columns)) < len(columns):
        raise ValueError(f"{what} names a column twice, got {shown(given)}: name each of them once.")
    return _some(what, columns, given)


def _some(what, columns, given):
    if not columns:
        raise ValueError(f"{what} names no column, got {shown(given)}: name at least one, or leave the pair out.")
    return columns


def _column(what, given, n, names):
    """The number of a column by its name or number."""
    if isinstance(given, str):
        if names is None:
            raise ValueError(
                f"{what} names the column {given!r}, but X has no names: give X as a DataFrame, or columns by numbers."
            )
        if given not in names:
            raise ValueError(f"{what} names the column {given!r}, which X has not: its columns are {shown(names)}.")
        return names.index(given)
    if isinstance(given, Integral) and not isinstance(given, (bool, np.bool_)):
        if -n <= given < n:
            return int(given) % n
        raise ValueError(f"{what} names column {given}, but X has {n} column(s), from 0 on.")
    raise ValueError(f"{what} must name columns by numbers, names or a slice, got {shown(given)}.")
