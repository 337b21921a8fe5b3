"""Whether targets can be predicted at all: kernel ridge regression, each row left out in turn, on a few rows.

Where it finds nothing, a network that learns nothing is no sign of an illness.
"""

import numpy as np

# Ridge penalties as shares of the mean eigenvalue.
_PENALTIES = (0.01, 0.1, 1.0, 10.0)
_LEAST_ROWS = 20


def predictable_share(X, targets):
    """The share of the targets' variance that is surely predictable from X.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Rows, on any scale.
    targets : ndarray of shape (n_rows, n_columns)
        Numbers, or 0 and 1.

    Returns
    -------
    float
        In [0, 1]; 0 where the share is less than chance might make of it.

    Notes
    -----
    The residual of a row that is left out is that of the whole fit divided by 1 - h, with the diagonal h of the hat
    matrix (Hastie, Tibshirani, Friedman: "The Elements of Statistical Learning", 2009, section 7.10). A linear and a
    Gaussian kernel, whose width is the median distance, take four penalties each; the best counts.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.diagnosis.signal import predictable_share
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> predictable_share(X, X[:, :1]) > 0.9, predictable_share(X[:, 1:], X[:, :1])
    (True, 0.0)
    """
    n_rows = len(X)
    targets = targets[:, targets.std(axis=0) > 0]
    if n_rows < _LEAST_ROWS or not targets.shape[1]:
        return 0.0
    X = X.astype(np.float64)
    spread = X.std(axis=0)
    kept = spread > 1e-12 * np.abs(X).max(axis=0)
    X = np.clip((X[:, kept] - X[:, kept].mean(axis=0)) / spread[kept], -5, 5)
    if not X.shape[1]:
        return 0.0
    targets = (targets - targets.mean(axis=0)) / targets.std(axis=0)
    share = _best_share(X, targets)
    return share if share > max(0.1, 25 / n_rows) else 0.0


def _best_share(X, targets):
    """The largest share over kernels and penalties; X and targets are standardised."""
    n_rows, shares = len(X), []
    linear = X @ X.T
    norms = linear.diagonal()
    distances = np.maximum(norms[:, None] + norms - 2 * linear, 0)
    median = np.median(distances[np.triu_indices(n_rows, 1)])
    for kernel in (linear, np.exp(-2 * distances / median) if median > 0 else linear):
        values, vectors = np.linalg.eigh(kernel - kernel.mean(axis=0) - kernel.mean(axis=1)[:, None] + kernel.mean())
        values, rotated = np.maximum(values, 0), vectors.T @ targets
        for penalty in _PENALTIES:
            kept = values / (values + penalty * max(values.mean(), 1e-300))
            # The mean is one more parameter, with the leverage 1 / n of each row.
            leverage = np.minimum((vectors**2) @ kept + 1 / n_rows, 1 - 1e-9)
            residuals = (targets - vectors @ (kept[:, None] * rotated)) / (1 - leverage)[:, None]
            base = (targets / (1 - 1 / n_rows)) ** 2
            shares.append(1 - (residuals**2).sum(axis=0) / base.sum(axis=0))
    return float(np.mean(shares, axis=1).max())
