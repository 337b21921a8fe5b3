"""What the preprocessor learns of a column, and how the column's outputs are made: plain data and functions of it.

A column's *code* is a dict that says how it becomes outputs before scaling:

- ``{"encoding": "number", "has_missing": bool}``: one output, and perhaps an indicator of what is missing;
- ``{"encoding": "date", "parts": list of str, "has_missing": bool}``: one output for each part, and the same;
- ``{"encoding": "binary", "one_hot" or "codes", "levels": list, "index": dict, "missing": int, "names": list of str}``:
  a category. ``index`` has the group of each level, rare levels in one, ``missing`` that of missing values or -1, and
  ``names`` those of the groups.
"""

import numpy as np

from .columns import DATETIME, MICROSECONDS
from .scaling import centre_and_scale, centre_and_scale_of, scaled

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


def learn_numbers(kind, values, weight):
    """The code of a column of numbers or moments, and the centre and scale of each of its outputs."""
    if kind == DATETIME:
        there = ~np.isnat(values)
        parts = zip(PARTS, date_parts(values[there], PARTS), strict=True)
        changing = [name for name, part in parts if len(part) and np.ptp(part) > 0]
        names = changing or ["year"]  # a constant date is an output of 0
        code, numbers = {"encoding": "date", "parts": names}, date_parts(values, names)
    else:
        code, numbers = {"encoding": "number"}, [values]
    pairs = [centre_and_scale(part, weight) for part in numbers]
    missing = np.isnan(numbers[0])
    code["has_missing"] = bool(missing.any())
    if code["has_missing"]:
        pairs.append(centre_and_scale(missing.astype(np.float64), weight))
    return code, pairs


def scales_of_levels(code, groups, weight):
    """The centre and scale of each output of a column of categories, by the groups of its samples."""
    if code["encoding"] == "codes":
        return [(0.0, 1.0)]
    counts = np.bincount(groups + 1, weight, len(code["names"]) + 1)
    if code["encoding"] == "binary":
        return [centre_and_scale_of(BINARY[[-1, 0, 1]], counts)]
    total, hot = counts.sum(), np.array([0.0, 1.0])
    return [centre_and_scale_of(hot, np.array([total - count, count])) for count in counts[1:]]


def endings(code):
    """What stands behind a column's name in the names of its outputs; nothing where the column is its output."""
    if code["encoding"] == "codes":
        return [""]
    if code["encoding"] == "binary":
        return code["names"][1:]
    if code["encoding"] == "one_hot":
        return code["names"]
    return [*code.get("parts", [""]), *(["missing"] if code["has_missing"] else [])]


def quantities(code):
    """Whether each output of a column is a number or a part of a date: ndarray of bool."""
    is_quantity = np.full(len(endings(code)), code["encoding"] in ("number", "date"))
    if code.get("has_missing"):
        is_quantity[-1] = False  # an indicator
    return is_quantity


def write_outputs(outputs, code, values, centers, scales, smooth_clip):
    """Write the scaled outputs of one column, of what was read of it."""
    encoding = code["encoding"]
    if encoding in ("number", "date"):
        numbers = date_parts(values, code["parts"]) if encoding == "date" else [values]
        missing = np.isnan(numbers[0])
        for number, part in enumerate(numbers):
            part = np.where(missing, centers[number], part)
            outputs[:, number] = scaled(part, centers[number], scales[number], smooth_clip)
        if code["has_missing"]:
            outputs[:, -1] = scaled(np.array([0.0, 1.0]), centers[-1], scales[-1], smooth_clip)[missing.astype(np.intp)]
        return
    groups = groups_of(*values, code)
    if encoding == "codes":
        outputs[:, 0] = groups
    elif encoding == "binary":
        outputs[:, 0] = scaled(BINARY, centers, scales, smooth_clip)[groups]
    else:
        outputs[:] = scaled(np.zeros(len(scales)), centers, scales, smooth_clip)
        seen = np.flatnonzero(groups >= 0)
        groups = groups[seen]
        outputs[seen, groups] = scaled(np.ones(len(scales)), centers, scales, smooth_clip)[groups]
