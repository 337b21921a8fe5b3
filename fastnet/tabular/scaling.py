"""Robust scales: quartiles of weighted numbers, and the smooth clip."""

import numpy as np

_LARGEST = np.finfo(np.float64).max


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
    >>> from fastnet.tabular.scaling import weighted_quantiles
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

    Where a quarter of the values on either side are equal to the median, the scale is 2 / (the median distance of the
    others from it), and 0 for a constant. Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs
    and Boosted Trees on Tabular Data", NeurIPS 2024, section 3, has 2 / (max - min) there, which is the same for two
    values, but makes amounts that are mostly 0 with a long tail look alike.

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
    # numbers may be too close, or too far apart, for their difference to be one
    with np.errstate(over="ignore", divide="ignore"):
        scale = np.float64(1.0) / (high - low)
        if not 0.0 < scale < np.inf:
            distances = np.abs(values - centre)
            others = distances > 0.0
            if others.any():
                weight = None if weight is None else weight[others]
                scale = np.float64(2.0) / weighted_quantiles(distances[others], weight, [0.5])[0]
    return centre, float(scale) if 0.0 < scale < np.inf else 0.0


def scaled(values, centre, scale, smooth_clip):
    """``(values - centre) * scale``, and then x / sqrt(1 + (x / c)**2) with c ``smooth_clip`` unless that is None."""
    with np.errstate(over="ignore"):
        x = np.clip(np.clip(values - centre, -_LARGEST, _LARGEST) * scale, -_LARGEST, _LARGEST)
        if smooth_clip is None:
            return x
        x = np.clip(x, -1e150, 1e150)  # whose squares are finite
        return x / np.sqrt(1.0 + (x / smooth_clip) ** 2)


def centre_and_scale_of(values, counts):
    """Do what `centre_and_scale` does, of values that come so often."""
    there = counts > 0
    return centre_and_scale(values[there], counts[there].astype(np.float64))
