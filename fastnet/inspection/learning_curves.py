"""Loss, validation and learning rate over the epochs."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..estimators.base import BaseMultilayerPerceptron
from ..estimators.inspect import check_network
from ..tabular.base import BaseTabularMLP
from ..training.history import best_epoch
from .drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, panels, whole_numbers

_SCORE_STYLES = [(ORANGE, "-"), (GREEN, "--"), (PURPLE, "-."), (GREY, ":")]


class LearningCurvesDisplay:
    """Curves of a training: the loss, what was validated, and the learning rate, over the epochs.

    Use :meth:`from_estimator` to make one of a fitted network. All parameters are attributes. What is not given has no
    panel of its own.

    Parameters
    ----------
    loss : array-like of shape (n_epochs,)
        Training loss of each epoch.
    validation_loss : array-like of shape (n_epochs,), default=None
        Loss of the validation samples.
    validation_scores : dict of array-like of shape (n_epochs,), default=None
        Validation scores by their names; more is better.
    learning_rate : array-like of shape (n_epochs,), default=None
        Learning rate of each epoch.
    best_epoch : int, default=None
        The epoch whose weights the network has, counted from 1.
    estimator_name : str, default=None
        Stands in the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of the loss.
    axes_ : ndarray of matplotlib Axes
        All panels, from top to bottom.
    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    GradientFlowDisplay : Norms of the gradients by layer.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastnet import MLPClassifier
    >>> from fastnet.inspection import LearningCurvesDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> net = MLPClassifier(max_iter=5, n_iter_no_change=None, random_state=0).fit(X / 16, y)
    >>> display = LearningCurvesDisplay.from_estimator(net)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        loss: ArrayLike,
        validation_loss: ArrayLike | None = None,
        validation_scores: Mapping[str, ArrayLike] | None = None,
        learning_rate: ArrayLike | None = None,
        best_epoch: int | None = None,
        estimator_name: str | None = None,
    ) -> None:
        """Keep the data; nothing is drawn yet."""
        self.loss = loss
        self.validation_loss = validation_loss
        self.validation_scores = validation_scores
        self.learning_rate = learning_rate
        self.best_epoch = best_epoch
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls, estimator: BaseMultilayerPerceptron | BaseTabularMLP, *, ax: Any = None, log_loss_axis: bool | None = None
    ) -> Self:
        """Draw the curves of a fitted network's training.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, TabularMLPClassifier or TabularMLPRegressor
            Fitted. Of an estimator for tables the curves are means over its networks, each of which has a best epoch of
            its own.
        ax : matplotlib Axes, default=None
            Whose place the panels take; None makes a new figure.
        log_loss_axis : bool, default=None
            See :meth:`plot`.

        Returns
        -------
        LearningCurvesDisplay
            With the picture drawn.

        Raises
        ------
        ValueError
            If no loss was kept, as of a network that was converted.
        """
        if not isinstance(estimator, BaseTabularMLP):
            check_network(estimator)
        check_is_fitted(estimator)
        curves = _columns(estimator)
        if not len(curves.get("loss", ())):
            raise ValueError(
                "estimator has no loss of any epoch to draw: it was trained elsewhere. Fit it here."
            )
        scores = {
            name.removeprefix("validation_"): values
            for name, values in curves.items()
            if name.startswith("validation_") and name != "validation_loss"
        }
        watched = getattr(estimator, "validation_scores_", None)
        best = None
        restores = getattr(estimator, "restore_best_weights", False)
        if watched is not None and restores and np.isfinite(watched).any():
            # Warm starts may have begun to watch later.
            best = len(curves["loss"]) - len(watched) + best_epoch(watched, restores)
        display = cls(
            loss=curves["loss"],
            validation_loss=curves.get("validation_loss"),
            validation_scores=scores or None,
            learning_rate=curves.get("learning_rate"),
            best_epoch=best,
            estimator_name=type(estimator).__name__,
        )
        return display.plot(ax=ax, log_loss_axis=log_loss_axis)

    def plot(self, *, ax: Any = None, log_loss_axis: bool | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Whose place the panels take; None makes a new figure.
        log_loss_axis : bool, default=None
            Whether the axis of the loss is logarithmic. None decides it: if all losses are positive and the largest
            is more than ten times the least.

        Returns
        -------
        LearningCurvesDisplay
            The display itself.
        """
        parts = [("loss", 3.0)]
        parts += [("score", 2.0)] if self.validation_scores else []
        parts += [("rate", 1.0)] if self.learning_rate is not None else []
        size = 6.4, 1.4 + 0.8 * sum(height for _, height in parts)
        ratios = [height for _, height in parts]
        axes = panels(self, ax, size, nrows=len(parts), ncols=1, height_ratios=ratios)[:, 0]
        by_part = dict(zip([name for name, _ in parts], axes, strict=True))
        self.ax_, self.axes_, self.figure_ = axes[0], axes, axes[0].figure
        self._draw_losses(by_part["loss"], log_loss_axis)
        if "score" in by_part:
            self._draw_scores(by_part["score"])
        if "rate" in by_part:
            self._draw_rate(by_part["rate"])
        for panel in axes:
            panel.grid(alpha=0.3)
            panel.set_xlim(0.5, max(len(np.asarray(self.loss)), 2) + 0.5)
            whole_numbers(panel.xaxis)
            panel.tick_params(labelbottom=panel is axes[-1])
            if self.best_epoch is not None:
                panel.axvline(self.best_epoch, color=GREY, linestyle=":", linewidth=1.2)
        axes[-1].set_xlabel("epoch")
        title = [self.estimator_name] if self.estimator_name else []
        title += [f"best epoch {self.best_epoch}"] if self.best_epoch is not None else []
        self.ax_.set_title(", ".join(title), fontsize="medium")
        return self

    def _draw_losses(self, ax: Any, is_log: bool | None) -> None:
        lines = [("training", self.loss, BLUE, "-"), ("validation", self.validation_loss, ORANGE, "--")]
        lines = [line for line in lines if line[1] is not None]
        for name, values, colour, style in lines:
            _draw(ax, values, color=colour, linestyle=style, label=name)
        numbers = np.concatenate([np.asarray(values, dtype=float) for _, values, *_ in lines])
        numbers = numbers[np.isfinite(numbers)]
        if is_log is None:
            is_log = bool(len(numbers)) and numbers.min() > 0 and numbers.max() > 10 * numbers.min()
        ax.set(ylabel="loss", yscale="log" if is_log else "linear")
        ax.legend(frameon=False)

    def _draw_scores(self, ax: Any) -> None:
        scores = self.validation_scores or {}
        for i, (name, values) in enumerate(scores.items()):
            colour, style = _SCORE_STYLES[i % len(_SCORE_STYLES)]
            _draw(ax, values, color=colour, linestyle=style, label=name)
        ax.set_ylabel(
            "validation\nscore" if set(scores) == {"score"} or len(scores) > 1 else "validation\n" + [*scores][0]
        )
        if len(scores) > 1:
            ax.legend(frameon=False)

    def _draw_rate(self, ax: Any) -> None:
        rates = np.asarray(self.learning_rate, dtype=float)
        _draw(ax, rates, color=GREEN)
        if len(rates) and rates.min() > 0 and rates.max() > 10 * rates.min():
            ax.set_yscale("log")
        else:
            ax.set_ylim(0, 1.15 * np.nanmax(rates, initial=1e-300))
        ax.set_ylabel("learning\nrate")


def _columns(estimator: Any) -> dict[str, Any]:
    """What is known of each epoch, by name: of the history, or of scikit-learn's attributes."""
    history = getattr(estimator, "history_", None)
    if history is not None:
        return {name: values for name, values in history.epochs.items() if np.isfinite(values).any()}
    scores = getattr(estimator, "validation_scores_", None)
    known = {"loss": getattr(estimator, "loss_curve_", None), "validation_score": scores}
    return {name: values for name, values in known.items() if values is not None}


def _draw(ax: Any, values: Any, **style: Any) -> None:
    """A line over the epochs, counted from 1; a single epoch is a dot."""
    values = np.asarray(values, dtype=float)
    ax.plot(np.arange(1, len(values) + 1), values, marker="o" if len(values) < 2 else None, **style)
