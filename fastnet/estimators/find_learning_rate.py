"""Which learning rate serves: a range test, and trials below the rate at which the loss stops falling."""

import warnings
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from ..ops.numbers import Number, shown
from ..training.health import quiet
from .base import BaseMultilayerPerceptron
from .inputs.arrays import check_weights
from .parameters import settings_of
from .parameters.types import MatrixLike

# Steps of the range test, as far as so many epochs allow.
_STEPS, _FEWEST_EPOCHS, _MOST_EPOCHS = 2000, 20, 100
# A loss so many times the least one is divergence.
_DIVERGED = 4.0
# Trials span so many powers of ten below the rate at which the loss stops falling.
_DECADES = 3.0
_HELD_OUT = 0.25
# Rates below these that may be tried, each a half power of ten below the last.
_MORE_TRIALS = 4
# Scores that differ by less are as good as each other.
_AS_GOOD = 0.005


@dataclass
class LearningRateTest:
    """What `find_learning_rate` has tried.

    Attributes
    ----------
    suggestion : float
        The learning rate to train with: a value for ``learning_rate_init``.
    rates, losses : ndarray of shape (n_epochs,)
        Of the range test: the rate in the middle of each epoch, and the training loss.
    edge : float
        The rate at which the loss of the range test was least: from there on it does not fall any more.
    trial_rates : ndarray of shape (n_trials,)
        Rates that were tried in trainings of full length; more than were asked for where the lowest was the best.
    trial_scores : ndarray of shape (n_trials, n_splits)
        Scores on samples held out, as of the estimator's ``score``; nan where the training diverged.
    """

    suggestion: float
    rates: np.ndarray
    losses: np.ndarray
    edge: float
    trial_rates: np.ndarray
    trial_scores: np.ndarray

    def plot(self, ax: Any = None) -> Any:
        """Draw the losses of the range test and the scores of the trials over the rate.

        Needs matplotlib: ``pip install "fastnet[plot]"``.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        Axes
            That of the losses.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(figsize=(7, 4), layout="constrained")[1]
        is_positive = bool((self.losses > 0).all())
        ax.plot(self.rates, self.losses, color="#0072b2", label="training loss, range test")
        ax.set(xscale="log", yscale="log" if is_positive else "linear", xlabel="learning rate", ylabel="training loss")
        ax.axvline(self.suggestion, color="#d55e00", linestyle="--", label=f"suggestion: {self.suggestion:.2g}")
        handles, labels = ax.get_legend_handles_labels()
        if len(self.trial_rates):
            scores = ax.twinx()
            scores.plot(
                self.trial_rates, _means(self.trial_scores), "o-", color="#009e73", label="score on samples held out"
            )
            scores.set(ylabel="score")
            more = scores.get_legend_handles_labels()
            handles, labels = handles + more[0], labels + more[1]
        ax.figure.legend(
            handles, labels, loc="outside lower center", ncols=1 if len(labels) < 3 else 3, fontsize="small"
        )
        return ax


def find_learning_rate(
    estimator: Any, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None, *, n_trials: int = 7
) -> LearningRateTest:
    """Find a learning rate to train an estimator with.

    First a range test: a short training whose rate rises from 1e-6 to 10, epoch by epoch, until the loss is no longer
    finite or far above its least value. It shows which rates are too large, at little cost. Which of the others is best
    depends on how long the training is and where it begins to learn samples by heart, which a short training cannot
    show: so trainings with the estimator's own parameters try rates up to that one, spaced evenly on a logarithmic
    scale over three powers of ten, and are scored on a quarter of the samples, held out; where the lowest of them is
    the best one, up to four lower ones are tried. Scores are smoothed over neighbouring rates. The middle of the rates
    around the best one whose scores are within 0.005 of its own is suggested.

    It takes about as long as twice ``n_trials`` fits, or five times for fewer than 2,000 samples: they are split so
    often.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Its parameters are used, but for ``learning_rate_init``; it need not be fitted, and is not changed.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training data, as the network reads it.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.
    n_trials : int, default=7
        Rates to try; 0 for the range test alone, whose suggestion is a tenth of the rate at which the loss was least.

    Returns
    -------
    LearningRateTest
        ``suggestion`` is the rate, ``plot()`` shows how it was found.

    Raises
    ------
    TypeError
        If the estimator is of another kind.
    ValueError
        If an argument or parameter is invalid, the solver has no learning rate, or the training diverged at every rate.

    See Also
    --------
    diagnose : What is wrong with a fitted network.

    References
    ----------
    L. N. Smith: "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import MLPRegressor, find_learning_rate
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> net = MLPRegressor(hidden_layer_sizes=20, random_state=0, max_iter=30, n_iter_no_change=None)
    >>> test = find_learning_rate(net, X, X[:, 0] * X[:, 1], n_trials=3)
    >>> test.trial_scores.shape[1], 1e-5 < test.suggestion < 1
    (5, True)
    """
    if not isinstance(estimator, BaseMultilayerPerceptron):
        raise TypeError(
            f"estimator must be an MLPClassifier or MLPRegressor, got one of type {type(estimator).__name__}: give the "
            "network itself, and X as the network reads it."
        )
    if not Number(0, 100, integral=True).allows(n_trials):
        raise ValueError(f"n_trials must be an integer from 0 to 100, got {shown(n_trials)}: give 7, or 0 for none.")
    estimator._validate_params()
    rule = settings_of(estimator).optimizer
    if rule is None or not rule.has_schedule:
        raise ValueError(
            f"solver={estimator.solver!r} finds its step sizes by itself and has no learning rate: choose another "
            "solver, such as 'adam'."
        )
    sample_weight = check_weights(sample_weight, X)
    rates, losses = _range_test(estimator, X, y, sample_weight)
    edge = float(rates[np.argmin(_smoothed(losses))])
    tried = edge * 10.0 ** np.linspace(-_DECADES, 0, n_trials) if n_trials > 1 else np.full(n_trials, edge / 10)
    if not n_trials:
        return LearningRateTest(edge / 10, rates, losses, edge, tried, np.empty((0, 0)))
    rows = [_scores(estimator, X, y, sample_weight, float(rate)) for rate in tried]
    # Where the lowest rate is the best one, a lower one may be better still.
    for _ in range(_MORE_TRIALS):
        if np.argmax(_means(np.array(rows))) > 0:
            break
        tried = np.concatenate([[tried[0] / 10**0.5], tried])
        rows.insert(0, _scores(estimator, X, y, sample_weight, float(tried[0])))
    scores = np.array(rows)
    if not np.isfinite(scores).all(axis=1).any():
        raise ValueError("The training diverged at every rate that was tried: bring X and y to one scale first.")
    suggestion = float(f"{_middle_of_the_best(tried, _means(scores)):.3g}")
    return LearningRateTest(suggestion, rates, losses, edge, tried, scores)


def _middle_of_the_best(rates, scores):
    """The middle, on a logarithmic scale, of the rates around the best one whose smoothed scores are as good."""
    smoothed = _smoothed(scores)
    low = high = int(np.argmax(smoothed))
    best = smoothed[low]
    while low > 0 and smoothed[low - 1] >= best - _AS_GOOD:
        low -= 1
    while high + 1 < len(rates) and smoothed[high + 1] >= best - _AS_GOOD:
        high += 1
    return (rates[low] * rates[high]) ** 0.5


def _means(scores):
    """Means over the splits; minus infinity where one of them diverged."""
    return np.nan_to_num(scores.mean(axis=1), nan=-np.inf)


def _smoothed(values):
    """Means over three neighbours with the weights 1, 2, 1; at the ends over two."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4


def _range_test(estimator, X, y, sample_weight, low=1e-6, high=10.0):
    """The rates and the training losses of a training whose rate rises, until it diverges."""
    n_samples = _num_samples(X)
    n_batches = ceil(n_samples / settings_of(estimator).batch_rows(n_samples))
    n_epochs = int(np.clip(_STEPS // n_batches, _FEWEST_EPOCHS, _MOST_EPOCHS))
    settled = {
        "learning_rate": lambda progress: (high / low) ** progress, "learning_rate_init": low, "max_iter": n_epochs,
        "warmup": 0.0, "early_stopping": False, "validation_split": None, "n_iter_no_change": None, "max_time": None,
        "warm_start": False, "verbose": False,
    }  # fmt: skip
    net = clone(estimator).set_params(**settled)
    if "calibration" in net.get_params():
        net.set_params(calibration=None)
    losses = []
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with net._task(X, net._plain_targets(y), sample_weight).trainer() as trainer:
            while trainer.step():
                loss = trainer.history.loss
                if not np.isfinite(loss):
                    break
                losses.append(loss)
                least = min(losses)
                if loss > least + (_DIVERGED - 1) * max(abs(least), 1e-6) and len(losses) > 5 and loss > losses[0]:
                    break
    if not losses:
        raise ValueError("The training diverged at the least rate: bring X and y to one scale first.")
    middles = (np.arange(len(losses)) + 0.5) / n_epochs
    return low * (high / low) ** middles, np.array(losses)


def _scores(estimator, X, y, sample_weight, rate):
    """Scores of trainings with a rate on samples held out; nan where it diverged."""
    n_samples = _num_samples(X)
    n_splits = 5 if n_samples < 2000 else 2
    is_one_label = is_classifier(estimator) and np.ndim(y) == 1 and min(np.unique(y, return_counts=True)[1]) > 1
    kind = StratifiedShuffleSplit if is_one_label else ShuffleSplit
    scores = []
    for train, held_out in kind(n_splits, test_size=_HELD_OUT, random_state=0).split(np.zeros(n_samples), y):
        net = clone(estimator).set_params(learning_rate_init=rate, verbose=False)
        parts = [
            [None if values is None else _safe_indexing(values, rows) for values in (X, y, sample_weight)]
            for rows in (train, held_out)
        ]
        with warnings.catch_warnings():
            for category in (ConvergenceWarning, RuntimeWarning, UserWarning):
                warnings.simplefilter("ignore", category)
            try:
                scores.append(net.fit(*parts[0]).score(*parts[1]))
            except ValueError as error:
                if not str(error).startswith(("Solver produced", "Training diverged", "Predictions for X are not")):
                    raise
                scores.append(np.nan)
    return scores
