"""One warning at the end of a fit that has not worked."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..training.blas import one_blas_thread
from ..training.user_line import stacklevel_of_user
from .findings import N_ROWS, few_rows, find
from .illnesses import illnesses_of

_FEW_EPOCHS = 10
# Operations of a fit beside which a look takes less than a hundredth of the time.
_WORTH_A_LOOK = 4e10
# Of what there is, what a network that has not failed has learnt: no illness is told of others, but of their units.
_ENOUGH = 0.1


class TrainingWarning(ConvergenceWarning):
    """Warning at the end of a fit that is no better than a constant, or whose hidden units or gradients are ill.

    It says what is seen, why probably, and what to do. Fits of fewer than 10 epochs, or that
    ``max_time`` ended, warn only if they diverged, and those of samples without any signal do not.

    Examples
    --------
    >>> import warnings
    >>> from fastnet import TrainingWarning
    >>> warnings.simplefilter("ignore", TrainingWarning)
    >>> warnings.resetwarnings()
    """


def warn_of_training(problem, settings, history, parameters):
    """Warn if a fit has not worked.

    Parameters
    ----------
    problem : Problem
        What was trained.
    settings : Settings
        What was asked for.
    history : History
        Of the training.
    parameters : tuple of list of ndarray
        Matrices and vectors to predict with, in the architecture's order.

    Warns
    -----
    TrainingWarning
        Once.
    """
    curve = history.loss_curve[-history.n_iter :] if history.n_iter else []
    if history.loss is None or not history.n_iter or history.stop_reason == "interrupt":
        return
    was_short = history.n_iter < _FEW_EPOCHS or history.stop_reason == "max_time"
    if was_short and not (len(curve) > 1 and _rose(curve)):
        return
    architecture, n_rows = problem.architecture, len(problem.targets)
    work = float(history.n_iter) * n_rows * architecture.n_weights
    if _is_good(problem, history.loss) and (work < _WORTH_A_LOOK or history.n_iter * n_rows < 500 * N_ROWS):
        return
    with np.errstate(all="ignore"), one_blas_thread():  # more would wait for each other
        findings = find(problem, *parameters, history.loss, settings.l2, enough=_ENOUGH)
        if findings is None:
            return
        illnesses = illnesses_of(findings, settings, curve)
    if was_short:
        illnesses = [one for one in illnesses if one.name in ("rate too large", "unscaled inputs")]
    fails = findings.fails
    stand_still = [one for one in illnesses if one.name in ("dead units", "saturated units")]
    if not illnesses or not (fails or stand_still):
        return
    first = illnesses[0] if fails else stand_still[0]
    told = [one.symptom for one in illnesses[:2]] if fails else [first.symptom]
    constant = "the class frequencies" if architecture.loss.is_classification else "the mean"
    told = [f"the loss is hardly better than that of predicting {constant}"] * fails + told
    warnings.warn(
        f"Training has not worked: {'; '.join(told)}. The likely cause: {first.cause}. Remedy: {first.remedy}. "
        "fastnet.diagnose(estimator, X, y) tells more.",
        TrainingWarning,
        stacklevel=stacklevel_of_user(),
    )


def _rose(curve):
    return curve[-1] > 1.5 * curve[0] or max(curve) > 100 * min(curve)


def _is_good(problem, loss):
    """Whether a loss, penalty included, is surely well below that of a constant: cheap, and so not for every loss."""
    from ..engine import MeanLoss

    trained, weight = problem.architecture.loss, problem.sample_weight
    rows = few_rows(np.arange(len(problem.targets)) if problem.rows is None else problem.rows)
    targets, weight = np.ascontiguousarray(problem.targets[rows]), None if weight is None else weight[rows]
    if trained.has_offset or weight is not None and not weight.any():
        return False
    n_outputs = problem.architecture.layer_units[-1]
    tried = [np.broadcast_to(one, (len(rows), n_outputs)) for one in _constants(trained, targets, weight, n_outputs)]
    mean_loss = MeanLoss(trained, n_outputs, targets, weight)
    least = min((mean_loss(one.astype(targets.dtype)) for one in tried), default=-np.inf)
    return loss < 0.6 * least


def _constants(loss, targets, weight, n_outputs):
    """Outputs that are nearly the best constant ones; none where they are not known beforehand."""
    mean = np.average(targets.astype(np.float64), axis=0, weights=weight)  # 1 - 1e-12 is 1 in single precision
    if loss.class_index_target and targets.shape[1] == 1:
        shares = np.bincount(targets[:, 0].astype(np.intp), weight, minlength=n_outputs)
        return np.log(np.maximum(shares / shares.sum(), 1e-12)), np.eye(n_outputs)[shares.argmax()]
    if loss.is_classification and targets.shape[1] == n_outputs:
        p = np.clip(mean, 1e-12, 1 - 1e-12)
        return np.log(p / (1 - p)), np.sign(p - 0.5)
    if loss.is_classification or loss.outputs_per_target > 1:
        return ()
    if loss.out_activation == "exp":
        return (np.log(np.maximum(mean, 1e-12)),)
    return mean, np.median(targets, axis=0)
