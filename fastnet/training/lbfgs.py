"""Full-batch training: SciPy's L-BFGS-B on the engine's loss and gradient, in float64.

An L1 penalty is smooth on the split w = u - v with u, v >= 0, where abs(w) is u + v; L-BFGS-B's bounds keep u
and v there, so that weights become exactly zero (Schmidt, Fung, Rosales: "Fast Optimization Methods for L1
Regularization", ECML 2007, section 2.3). Biases are not penalised and not split.
"""

import time
import warnings
from functools import cache

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.fixes import _get_additional_lbfgs_options_dict
from threadpoolctl import ThreadpoolController


@cache
def _libraries():
    """The native libraries of this process whose threads can be limited; to find them takes a while."""
    return ThreadpoolController()


class _OutOfTime(Exception):
    """The deadline has passed, perhaps in the middle of an evaluation."""


class _Objective:
    """The penalised loss of a flat vector: weights layer by layer (u, then v, with L1), then biases.

    What is not trained is kept out of the vector, and its weights out of the penalty.
    """

    def __init__(self, session, coefs, intercepts, l1):
        self.session = session
        frozen, use_bias = session.architecture.n_frozen, session.architecture.use_bias
        self.trained = slice(frozen, None), slice(frozen if use_bias else len(intercepts), None)
        self.all_parameters = coefs, intercepts
        coefs, intercepts = self.only_trained(coefs, intercepts)
        self.shapes = [w.shape for w in coefs] + [b.shape for b in intercepts]
        self.n_layers = len(coefs)
        self.n_weights = sum(w.size for w in coefs)
        # Of each weight; None without L1.
        self.l1 = np.repeat(l1[frozen:], [w.size for w in coefs]) if any(l1[frozen:]) else None
        flat = np.concatenate([p.ravel() for p in (*coefs, *intercepts)], dtype=np.float64)
        weights, biases = np.split(flat, [self.n_weights])
        if self.l1 is not None:
            # A weight without L1, in a layer of alpha 0, is a free u, and its v stays 0.
            split, free = self.l1 > 0, np.full(biases.size, np.inf)
            u, v = np.where(split, np.maximum(weights, 0), weights), np.where(split, np.maximum(-weights, 0), 0)
            self.start = np.concatenate([u, v, biases])
            lower = np.concatenate([np.where(split, 0, -np.inf), np.zeros(self.n_weights), -free])
            upper = np.concatenate([np.full(self.n_weights, np.inf), np.where(split, np.inf, 0), free])
            self.bounds = scipy.optimize.Bounds(lower, upper)
        else:
            self.start, self.bounds = flat, None
        # Where an interruption leaves us: the last iterate, at first the start.
        self.n_iter, self.x, self.value = 0, self.start, None

    def only_trained(self, coefs, intercepts):
        """Those of the arrays, a list by layer each, that are trained."""
        return coefs[self.trained[0]], intercepts[self.trained[1]]

    def unpack(self, x):
        """The lists of all coefs and intercepts, with those in ``x``."""
        if self.l1 is not None:
            u, v, biases = np.split(x, [self.n_weights, 2 * self.n_weights])
            x = np.concatenate([u - v, biases])
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in self.shapes])[:-1]
        parts = [p.reshape(s) for p, s in zip(np.split(x, ends), self.shapes, strict=True)]
        coefs, intercepts = map(list, self.all_parameters)
        coefs[self.trained[0]], intercepts[self.trained[1]] = parts[: self.n_layers], parts[self.n_layers :]
        return coefs, intercepts

    def __call__(self, x):
        if self.value is not None and self.session.is_out_of_time:
            raise _OutOfTime
        self.session.set_parameters(*self.unpack(x))
        evaluated = self.session.loss_and_gradient()
        if evaluated is None:
            raise _OutOfTime
        value, coef_grads, intercept_grads = evaluated
        coef_grads, intercept_grads = self.only_trained(coef_grads, intercept_grads)
        gradient = np.concatenate([g.ravel() for g in (*coef_grads, *intercept_grads)], dtype=np.float64)
        if self.l1 is not None:
            weights, biases = np.split(gradient, [self.n_weights])
            gradient = np.concatenate([weights + self.l1, self.l1 - weights, biases])
            u, v, _ = np.split(x, [self.n_weights, 2 * self.n_weights])
            value += self.l1 @ (u + v)
        if self.value is None:
            self.value = value
        return value, gradient

    def after_iteration(self, intermediate_result):
        self.n_iter += 1
        self.x, self.value = intermediate_result.x.copy(), float(intermediate_result.fun)


def minimize(
    session, coefs, intercepts, *, total_weight, l1, l2, mean_over_outputs, tol, max_iter, max_fun,
    max_time=None, verbose=False,
):  # fmt: skip
    """Minimise the penalised loss over all samples.

    Ctrl-C ends the training with a warning and keeps the last iterate.

    Parameters
    ----------
    session : Session
        The engine, with data set; it knows of ``l2``.
    coefs, intercepts : list of ndarray
        Where to start.
    total_weight : float
        Sum of the samples' weights, by which penalties are divided.
    l1, l2 : ndarray of shape (n_layers,)
        Strengths of the penalties of each layer's weights.
    mean_over_outputs : bool
        Whether the loss to *report* is the mean over outputs; minimised is always the sum, whose gradient
        the engine gives.
    tol : float
        Training stops when no component of the projected gradient is larger.
    max_iter, max_fun : int
        Number of iterations, and of evaluations of the loss, at most.
    max_time : float, default=None
        Seconds that training may take; then the last iterate is kept.
    verbose : bool or int, default=False
        Passed to SciPy where it still prints.

    Returns
    -------
    coefs, intercepts : list of ndarray
        Trained parameters, in float64.
    loss : float or None
        The penalised loss at the end; None if not even the first evaluation was.
    n_iter : int
        Number of iterations.
    stop_reason : str
        'converged', 'max_iter', 'max_fun', 'line_search' (it found no better point), 'max_time' or 'interrupt'.

    Warns
    -----
    ConvergenceWarning
        If the solver did not converge, and no limit of time kept it from that.
    UserWarning
        If training was interrupted.
    """
    objective = _Objective(session, coefs, intercepts, l1 / total_weight)
    if max_time is not None:
        session.deadline = time.perf_counter() + max_time
    try:
        # SciPy calls BLAS between two evaluations. OpenBLAS's threads would go on spinning on the cores that the engine
        # then wants: an evaluation would take twice as long.
        with _libraries().limit(limits=1, user_api="blas"):
            result = scipy.optimize.minimize(
                objective,
                objective.start,
                method="L-BFGS-B",
                jac=True,
                bounds=objective.bounds,
                callback=objective.after_iteration,
                options={
                    "maxfun": max_fun,
                    "maxiter": max_iter,
                    "gtol": tol,
                    **_get_additional_lbfgs_options_dict("iprint", 1 if verbose >= 1 else -1),
                },
            )
        n_iter, x, loss = min(result.nit, max_iter), result.x, float(result.fun)
        stop_reason = _stop_reason(result, n_iter, max_iter, max_fun, tol, session.dtype)
    except (KeyboardInterrupt, _OutOfTime) as stop:
        stop_reason = "max_time" if isinstance(stop, _OutOfTime) else "interrupt"
        if stop_reason == "interrupt":
            warnings.warn("Training interrupted by user.", stacklevel=2)
        n_iter, x, loss = objective.n_iter, objective.x, objective.value

    coefs, intercepts = objective.unpack(x)
    n_outputs = len(intercepts[-1])
    if mean_over_outputs and n_outputs > 1 and loss is not None:
        penalised = objective.only_trained(list(zip(coefs, l1, l2, strict=True)), intercepts)[0]
        penalty = sum(a * np.abs(w).sum() + b / 2 * np.vdot(w, w) for w, a, b in penalised) / total_weight
        loss = float((loss - penalty) / n_outputs + penalty)
    return coefs, intercepts, loss, n_iter, stop_reason


def _stop_reason(result, n_iter, max_iter, max_fun, tol, dtype):
    """Why SciPy stopped; warns unless it converged."""
    if result.status == 0:
        return "converged"
    if n_iter >= max_iter:
        reason, remedy = "max_iter", f"Increase max_iter, which is {max_iter}"
    elif result.nfev >= max_fun:
        reason, remedy = "max_fun", f"Increase max_fun, which is {max_fun}"
    else:
        reason = "line_search"
        remedy = f"Increase tol, which is {tol:g}" if dtype == np.float64 else "Set dtype='float64'"
    warnings.warn(
        f"lbfgs failed to converge after {n_iter} iteration(s) (status={result.status}):\n{result.message}\n\n"
        f"{remedy}, or bring the features to one scale, such as by StandardScaler.",
        ConvergenceWarning,
        stacklevel=3,
    )
    return reason
