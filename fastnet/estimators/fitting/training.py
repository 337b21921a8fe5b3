"""From an estimator's parameters to a training run, and from its result to fitted attributes.

Nothing here sets anything on the estimator: a run that fails leaves no trace.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from ...ops.numbers import shown
from ...training.health import DIVERGED
from ...training.lbfgs import minimize
from ...training.state import History, OptimizerState
from ...training.stochastic import train_epochs
from .scoring import score_function
from .validation import ValidationSet


@dataclass
class Problem:
    """What there is to train: data in the form the engine takes, rows of it to train on, and where training starts.

    A session takes over the starting point: large nets should not stand in memory twice.
    """

    architecture: object
    X: object
    targets: np.ndarray
    sample_weight: np.ndarray | None
    matrices: list
    vectors: list
    random_state: np.random.RandomState | None
    rows: np.ndarray | None = None
    validation: ValidationSet | None = None

    def __post_init__(self):
        self.dtype = self.matrices[0].dtype

    @property
    def trainable(self):
        """All parameters that can be trained: matrices, then vectors that are not merely measured."""
        return self.matrices + self.vectors[: len(self.architecture.trained()[1])]

    @property
    def total_weight(self):
        """Sum of the samples' weights."""
        weight = self.sample_weight
        return float(len(self.targets) if weight is None else weight.sum(dtype=np.float64))

    def session(self, l1, l2, n_jobs, **options):
        """An engine session with the data and the starting point set."""
        from ...engine import Session

        session = Session(
            self.architecture,
            self.X,
            self.targets,
            sample_weight=self.sample_weight,
            dtype=self.dtype,
            l1=l1,
            l2=l2,
            n_jobs=n_jobs,
            adaptive=True,
            **options,
        )
        try:
            session.set_parameters(self.matrices, self.vectors)
        except BaseException:
            session.close()
            raise
        self.matrices = self.vectors = None
        return session


def train_stochastic(estimator, settings, problem, first_pass, incremental):
    """Matrices, vectors and fitted attributes after mini-batch training; of the estimator what was fitted is read."""
    order, score = problem.rows, None
    if settings.stops_early:
        score = score_function(estimator, problem.architecture, problem.validation)
    state = _optimizer_state(estimator, settings, problem, first_pass, incremental)
    history = _history(estimator, settings, first_pass)
    if score is not None and history.validation_scores and not problem.validation.is_held_out:
        history.best_validation_score = None  # these samples may be others than those of the fit before
    architecture, seed = problem.architecture, 0
    if architecture.is_noisy:
        seed = int(problem.random_state.randint(np.iinfo(np.int64).max, dtype=np.int64))

    options = {"optimizer": state.rule, "batch_size": _batch_size(estimator, settings, len(order)), "seed": seed}
    for name in ("clip_value", "clip_norm", "max_norm", "ema_decay"):
        options[name] = getattr(settings, name)
    with problem.session(settings.l1, settings.l2, settings.n_jobs, **options) as session:
        matrices, vectors, state = train_epochs(
            session,
            order,
            state,
            history,
            settings,
            random_state=problem.random_state,
            score=score,
            single_epoch=incremental,
        )
    _check_scores(settings, history, score)
    fitted = {
        "n_iter_": history.n_iter,
        "t_": history.samples_seen,
        "loss_curve_": history.loss_curve,
        "best_loss_": history.best_loss,
        "validation_scores_": history.validation_scores,
        "best_validation_score_": history.best_validation_score,
        "_no_improvement_count": history.epochs_without_improvement,
        "stop_reason_": history.stop_reason,
        "_optimizer": state,
        "_scoring": settings.scoring,
    }
    if history.gradient_norms is not None:
        fitted["gradient_norms_"] = history.gradient_norms
    # Missing only if the very first epoch was interrupted or had no time.
    if history.loss is not None:
        fitted["loss_"] = history.loss
    return matrices, vectors, fitted


def _check_scores(settings, history, score):
    """Raise ValueError if a scorer told no epoch of this fit from another: none of them would be kept."""
    scores = (history.validation_scores or [])[-history.n_iter :] if history.n_iter else []
    if scores and np.isnan(scores).all() and np.isfinite(history.loss):  # of another loss `check_training` tells
        if settings.scoring in (None, "loss") or score.has_diverged:
            raise ValueError(DIVERGED)
        raise ValueError(
            f"scoring={shown(settings.scoring)} was nan after every epoch, so that none is the best: validate with "
            "samples that it is defined for, such as of every class, or choose another scoring."
        )


def train_lbfgs(estimator, settings, problem, first_pass, incremental):
    """Matrices, vectors and fitted attributes after full-batch training."""
    start = problem.matrices, problem.vectors
    with problem.session(settings.l1, settings.l2, settings.n_jobs) as session:
        matrices, vectors, loss, n_iter, stop_reason = minimize(
            session,
            *start,
            total_weight=problem.total_weight,
            l1=np.array(settings.l1),
            l2=np.array(settings.l2),
            mean_over_outputs=problem.architecture.loss.mean_over_outputs,
            tol=settings.tol,
            max_iter=settings.max_iter,
            max_fun=settings.max_fun,
            max_time=settings.max_time,
            verbose=settings.verbose,
        )
    fitted = {"n_iter_": n_iter, "t_": 0 if first_pass else estimator.t_, "stop_reason_": stop_reason}
    if loss is not None:
        fitted["loss_"] = loss
    # Copies: no array shall be a view that keeps the solver's whole vector alive.
    matrices, vectors = ([np.array(p, dtype=problem.dtype) for p in arrays] for arrays in (matrices, vectors))
    return matrices, vectors, fitted


def _batch_size(estimator, settings, n_samples):
    size = settings.batch_rows(n_samples)
    if size < n_samples and settings.needs_all_samples:
        raise ValueError(
            f"solver={estimator.solver!r} compares the signs of gradients over all {n_samples} training samples, got "
            f"batch_size={size}: set batch_size=None, or choose another solver."
        )
    if size > n_samples:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=2,
        )
    return min(size, n_samples)


def _optimizer_state(estimator, settings, problem, first_pass, incremental):
    """A new optimizer, or the fitted one: whole in a partial fit, its moments in a warm start."""
    rule, rate = settings.optimizer, settings.learning_rate
    trained = {"n_frozen": problem.architecture.n_frozen, "use_bias": problem.architecture.use_bias}
    new = OptimizerState(rule, settings.schedule, rate, initial_rate=rate, **trained)

    old = None if first_pass else getattr(estimator, "_optimizer", None)
    # Without an average to go on with, the fitted parameters are those to train.
    if old is not None and (settings.ema_decay is None or not _has_shapes(old.offsets, problem)):
        old = replace(old, offsets=None)
    if old is None or not old.fits(rule, problem.trainable, problem.architecture):
        return new
    if incremental:
        return replace(old, **trained)
    kept = ("step", "moments", "offsets", "average_start")
    return replace(new, **{name: getattr(old, name) for name in kept})


def _has_shapes(arrays, problem):
    return arrays is not None and [a.shape for a in arrays] == [p.shape for p in problem.trainable]


def _history(estimator, settings, first_pass):
    """A new history, or a copy of the fitted one, which warm starts and partial fits carry on."""
    history = History.begin(settings.early_stopping)
    if first_pass:
        return history
    history.samples_seen = estimator.t_
    history.loss = getattr(estimator, "loss_", None)
    if not hasattr(estimator, "loss_curve_"):
        return history
    history.loss_curve = list(estimator.loss_curve_)
    if hasattr(estimator, "gradient_norms_"):
        history.gradient_norms = {name: list(values) for name, values in estimator.gradient_norms_.items()}
    history.epochs_without_improvement = estimator._no_improvement_count
    # Early stopping may have been switched on or off since, or may watch another score: then its half begins anew.
    same_scoring = settings.scoring == getattr(estimator, "_scoring", None)
    if settings.early_stopping and estimator.validation_scores_ is not None and same_scoring:
        history.validation_scores = list(estimator.validation_scores_)
        history.best_validation_score = estimator.best_validation_score_
    elif not settings.early_stopping and estimator.best_loss_ is not None:
        history.best_loss = estimator.best_loss_
    return history
