"""What the preprocessor learns of a column, and how the column's outputs are made: plain data and functions of it.

A column's *code* is a dict that says how it becomes outputs before scaling:

- ``{"encoding": "number", "has_missing": bool}``: one output, and perhaps an indicator of what is missing;
- ``{"encoding": "date", "parts": list of str, "has_missing": bool}``: one output for each part, and the same;
- ``{"encoding": "binary", "one_hot" or "codes", "levels": list, "index": dict, "missing": int, "names": list of str}``:
  a category. ``index`` has the group of each level, rare levels in one, ``missing`` that of missing values or -1, and
  ``names`` those of the groups.
"""

import numpy as np

from .columns import MICROSECONDS

_LARGEST = np.finfo(np.float64).max

# The parts of a moment that a date column may have.
PARTS = {
    "year": lambda moments: moments.astype("M8[Y]").astype(np.int64) + 1970,
    "month": lambda moments: moments.astype("M8[M]").astype(np.int64) % 12 + 1,
    "day": lambda moments: (moments.astype("M8[D]") - moments.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1,
    # 1970 began with a Thursday; Monday is 0
    "weekday": lambda moments: (moments.astype("M8[D]").astype(np.int64) + 3) % 7,
    "hour": lambda moments: (moments - moments.astype("M8[D]")) // np.timedelta64(1, "h"),
    "second": lambda moments: (moments - moments.astype("M8[D]")) / np.timedelta64(1, "s"),
}


def date_parts(moments, names):
    """Parts of moments, one column of float64 for each name, NaN where a moment is missing."""
    missing = np.isnat(moments)
    moments = np.where(missing, np.datetime64(0, "us"), moments).astype(MICROSECONDS)
    parts = [np.asarray(PARTS[name](moments), np.float64) for name in names]
    return [np.where(missing, np.nan, part) for part in parts]


def weighted_quantiles(values, weight, probabilities):
    """Quantiles of weighted values, as if each stood there as often as its weight says.

    Parameters
    ----------
    values : ndarray of shape (n,)
        At least one finite number.
    weight : ndarray of shape (n,) or None
        Weights above 0; None means equal weights.
    probabilities : sequence of float
        Which quantiles.

    Returns
    -------
    list of float
        By the averaged inverse of the distribution function, method 2 of Hyndman, Fan: "Sample Quantiles in Statistical
        Packages", The American Statistician 50, 1996: the median is the usual one.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.tabular.encoding import weighted_quantiles
    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0]), np.array([2.0, 1.0, 1.0]), [0.25, 0.5])
    [1.5, 2.5]
    """
    last = len(values) - 1
    if weight is None:
        at = np.asarray(probabilities) * len(values)
        below = np.maximum(np.ceil(at).astype(np.intp) - 1, 0)
        above = np.minimum(np.floor(at).astype(np.intp), last)
        values = np.partition(values, np.union1d(below, above))
    else:
        order = np.argsort(values, kind="stable")
        values, cumulated = values[order], np.cumsum(weight[order])
        at = np.asarray(probabilities) * cumulated[-1]
        rounding = 1e-12 * cumulated[-1]  # sums of fractions are not exact
        below = np.minimum(np.searchsorted(cumulated, at - rounding), last)
        above = np.minimum(np.searchsorted(cumulated, at + rounding, side="right"), last)
    return (0.5 * values[below] + 0.5 * values[above]).tolist()


def centre_and_scale(values, weight=None):
    """Centre and scale of an output: the median, and 1 / (q75 - q25).

    Where a quarter of the values on either side are equal to the median, the scale is 2 / (max - min), and 0 for a
    constant. Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
    Data", NeurIPS 2024, section 3.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Of which NaN are left out.
    weight : ndarray of shape (n,), default=None
        Weights, above 0.

    Returns
    -------
    centre, scale : float
    """
    there = ~np.isnan(values)
    if not there.all():
        values, weight = values[there], None if weight is None else weight[there]
    if not len(values):
        return 0.0, 0.0
    low, centre, high = weighted_quantiles(values, weight, [0.25, 0.5, 0.75])
    with np.errstate(over="ignore", divide="ignore"):
        scales = np.float64(1.0) / (high - low), np.float64(2.0) / (values.max() - values.min())
    # numbers may be too close, or too far apart, for their difference to be one
    return centre, next((float(scale) for scale in scales if 0.0 < scale < np.inf), 0.0)


def scaled(values, centre, scale, smooth_clip):
    """``(values - centre) * scale``, and then x / sqrt(1 + (x / c)**2) with c ``smooth_clip`` unless that is None."""
    with np.errstate(over="ignore"):
        x = np.clip(np.clip(values - centre, -_LARGEST, _LARGEST) * scale, -_LARGEST, _LARGEST)
        if smooth_clip is None:
            return x
        x = np.clip(x, -1e150, 1e150)  # whose squares are finite
        return x / np.sqrt(1.0 + (x / smooth_clip) ** 2)


def is_free_text(levels, codes):
    """Whether strings are texts rather than names of levels: long ones of which hardly any comes twice."""
    counts = np.bincount(codes + 1, minlength=len(levels) + 1)[1:]
    n_values, n_levels = counts.sum(), np.count_nonzero(counts)
    return n_values >= 50 and n_levels > 0.9 * n_values and np.mean([len(level) for level in levels]) > 20


def learn_levels(codes, levels, weight, options):
    """The code of a column of categories.

    Parameters
    ----------
    codes : ndarray of int of shape (n_samples,)
        Levels of the samples, -1 where they are missing.
    levels : list
        What the codes count in.
    weight : ndarray of shape (n_samples,) or None
        Weights above 0; None means equal weights.
    options : TabularPreprocessor
        With ``min_frequency``, ``max_categories``, ``max_one_hot`` and ``codes``.

    Returns
    -------
    dict
    """
    counts = np.bincount(codes + 1, weight, len(levels) + 1)
    has_missing, total, counts = counts[0] > 0, counts.sum(), counts[1:]
    seen = sorted(np.flatnonzero(counts), key=lambda i: (type(levels[i]).__name__, levels[i]))
    least = options.min_frequency
    least = 0 if least is None else least * total if isinstance(least, float) else least
    frequent = [i for i in seen if counts[i] >= least]
    is_rare_needed = len(frequent) < len(seen)
    n_groups = len(frequent) + is_rare_needed
    as_codes = options.codes and n_groups > max(options.max_one_hot, 2)
    if not as_codes and options.max_categories is not None and n_groups > options.max_categories:
        kept = set(sorted(frequent, key=lambda i: -counts[i])[: options.max_categories - 1])
        frequent, is_rare_needed = [i for i in frequent if i in kept], True
        n_groups = len(frequent) + 1
    index = dict.fromkeys((levels[i] for i in seen), len(frequent))  # the group of the rare ones
    index.update((levels[i], group) for group, i in enumerate(frequent))
    names = [str(levels[i]) for i in frequent] + ["rare"] * is_rare_needed
    encoding = "codes" if as_codes else "binary" if n_groups == 2 else "one_hot"
    code = {"encoding": encoding, "levels": [levels[i] for i in frequent], "index": index, "missing": -1}
    if has_missing and encoding != "binary":
        code["missing"] = n_groups
        names.append("missing")
    return {**code, "names": names}


def groups_of(codes, levels, code):
    """Groups that levels were put into in training: ndarray of int, -1 for unseen levels."""
    groups = np.array([code["index"].get(level, -1) for level in levels] + [code["missing"]], np.intp)
    return groups[codes]  # -1, missing, is the last


# The output of the first group, of the second, and of what is missing or unseen, by its group -1.
BINARY = np.array([-1.0, 1.0, 0.0])
