"""How a training is shown while it goes on: what ``verbose`` names. None of this changes a number of the training."""

import logging
import multiprocessing
import threading
import time

from .callbacks import Callback, is_score

# What to write above the columns of the history, of those that have a shorter name.
_HEADINGS = {"learning_rate": "rate"}
# Of the history, what few want to see while it goes on.
_LEFT_OUT = ("penalty",)
# Seconds between two sights of a bar's numbers: more often nobody reads them.
_BAR_SECONDS = 0.1

_ENDINGS = {
    "no_improvement": "no improvement by tol={settings.tol:g} for {settings.n_iter_no_change} epochs",
    "converged": "converged to tol={settings.tol:g}",
    "max_iter": "max_iter={settings.max_iter} is reached",
    "max_fun": "max_fun={settings.max_fun} evaluations are used up",
    "max_time": "max_time={settings.max_time:g} seconds are over",
    "line_search": "no better point was found",
    "interrupt": "interrupted by the user",
    "callback": "a callback ended it",
    "error": "a callback failed",
    None: "weights are not finite",
}


def closing_line(trainer):
    """Why a training ended, and which epoch is kept, in one line.

    Parameters
    ----------
    trainer : Trainer
        At the end.

    Returns
    -------
    str
    """
    history, settings = trainer.history, trainer.settings
    unit = "epoch" if settings.is_stochastic else "iteration"
    done = f"Ended after {history.n_iter} of {settings.max_iter} {unit}s in {trainer.seconds:.3g} s"
    if trainer.error is not None and trainer.goes_on:
        return f"{done}: {type(trainer.error).__name__}."
    kept = ""
    if trainer.kept_epoch == 0:
        kept = " The weights to begin with are kept: no epoch was better."
    elif trainer.kept_epoch is not None:
        kept = f" The weights of {unit} {trainer.kept_epoch} are kept."
    return f"{done}: {_ENDINGS[history.stop_reason].format(settings=settings)}.{kept}"


def is_alone():
    """Whether output of this fit is not among that of others: it is in the first thread of the first process."""
    return multiprocessing.parent_process() is None and threading.current_thread() is threading.main_thread()


class _Progress(Callback):
    """What is shown of an epoch, and which is the best so far."""

    def on_fit_begin(self, trainer):
        self._best = None

    def is_best(self, history):
        """Whether the last epoch is the best so far: by its first score, or else its loss, on validation samples."""
        of_validation = [name for name in history.epochs if name.startswith("validation_")]
        watched = next(filter(is_score, of_validation), of_validation[0] if of_validation else "loss")
        value = history[watched][-1]
        value = -value if is_score(watched) else value
        if self._best is None or value < self._best:
            self._best = value
            return True
        return False


def _shown(column, value):
    """A number of a column as a table has it."""
    if column in ("learning_rate", "seconds"):
        return f"{value:.3g}"
    return f"{value:.5f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.3e}"


class TableProgress(_Progress):
    """A row for each epoch, a star at the best so far, and a closing line.

    Among fits in other processes or threads it is the closing line alone: rows of several tables cannot be read.
    """

    def on_fit_begin(self, trainer):
        super().on_fit_begin(trainer)
        self._columns, self._shows_rows = None, is_alone()

    def on_epoch_end(self, trainer):
        if not self._shows_rows:
            return
        history, settings = trainer.history, trainer.settings
        if self._columns is None:
            self._columns = [name for name in history.epochs if name not in _LEFT_OUT]
            self._begin(trainer)
        cells = [f"{_shown(name, history[name][-1]):>{width}}" for name, width in self._widths]
        star = "*" if self.is_best(history) else " "
        # A partial fit is an epoch of no one knows how many.
        epoch = str(len(history)) if trainer.single_epoch else f"{history.n_iter}/{settings.max_iter}"
        print(f"{epoch:>{self._epoch_width}} {star}", *cells)

    def _begin(self, trainer):
        """Lay out the columns, and print what stands above them."""
        headings = [_HEADINGS.get(name, name) for name in self._columns]
        widths = [max(len(heading), 11) for heading in headings]
        self._widths = list(zip(self._columns, widths, strict=True))
        most = len(str(trainer.settings.max_iter))
        self._epoch_width = max(2 * most + 1, len("epoch"))
        if trainer.single_epoch and len(trainer.history) > 1:
            return
        print(f"{'epoch':>{self._epoch_width}}  ", *(f"{h:>{w}}" for h, w in zip(headings, widths, strict=True)))

    def on_fit_end(self, trainer):
        if not trainer.single_epoch:
            print(closing_line(trainer))


class BarProgress(Callback):
    """A bar of tqdm, in terminals and notebooks, and a closing line; which is all there is among other fits."""

    def on_fit_begin(self, trainer):
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError(
                "verbose='bar' shows a bar of tqdm, which is not installed: install it by `pip install tqdm`, or set "
                "verbose='table'."
            ) from error
        is_shown = is_alone() and not trainer.single_epoch
        unit = " epochs" if trainer.settings.is_stochastic else " iterations"
        self._bar = tqdm(total=trainer.settings.max_iter, unit=unit) if is_shown else None
        self._shown_at, self._waiting = 0.0, 0

    def on_epoch_end(self, trainer):
        self._waiting += 1
        if self._bar is None or time.perf_counter() - self._shown_at < _BAR_SECONDS:
            return
        self._show(trainer.history)

    def _show(self, history):
        names = [name for name in history.epochs if name == "loss" or name.startswith("validation_")]
        self._bar.set_postfix({name: f"{history[name][-1]:.4g}" for name in names}, refresh=False)
        self._bar.update(self._waiting)
        self._shown_at, self._waiting = time.perf_counter(), 0

    def on_fit_end(self, trainer):
        if getattr(self, "_bar", None) is not None:
            if self._waiting:
                self._show(trainer.history)
            self._bar.close()
            self._bar = None
        if not trainer.single_epoch:
            print(closing_line(trainer))


class LogProgress(_Progress):
    """Records of the logger 'fastnet', level INFO, for each epoch and at the end; each names its columns."""

    logger = logging.getLogger("fastnet")

    def on_epoch_end(self, trainer):
        history, is_best = trainer.history, self.is_best(trainer.history)
        if self.logger.isEnabledFor(logging.INFO):
            measured = ", ".join(f"{name}={values[-1]:.6g}" for name, values in history.epochs.items())
            self.logger.info("epoch %d: %s%s", len(history), measured, " (best)" if is_best else "")

    def on_fit_end(self, trainer):
        if not trainer.single_epoch:
            self.logger.info("%s", closing_line(trainer))


PROGRESS = {"table": TableProgress, "bar": BarProgress, "log": LogProgress}


def progress_of(verbose):
    """The callbacks that show what ``verbose`` names: none for flags and numbers, which print by themselves."""
    return (PROGRESS[verbose](),) if isinstance(verbose, str) else ()
