"""Full-batch training: SciPy's L-BFGS-B on the engine's loss and gradient, in float64.

An L1 penalty is smooth on the split w = u - v with u, v >= 0, where abs(w) is u + v; L-BFGS-B's bounds keep u
and v there, so that weights become exactly zero (Schmidt, Fung, Rosales: "Fast Optimization Methods for L1
Regularization", ECML 2007, section 2.3). Biases are not penalised and not split.
"""

import threading
import time
import warnings
from contextlib import contextmanager
from functools import cache

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.fixes import _get_additional_lbfgs_options_dict
from threadpoolctl import ThreadpoolController


@cache
def _libraries():
    """The BLAS libraries of this process, whose threads can be limited; to find them takes a while."""
    return ThreadpoolController().select(user_api="blas")


_limiting = threading.Lock()


@contextmanager
def _one_blas_thread():
    """Keep BLAS to one thread.

    Of fits at the same time, in threads, one does it for all: another would find the one thread, and give that back in
    the end.
    """
    if not _limiting.acquire(blocking=False):
        yield
        return
    try:
        with _libraries().limit(limits=1, user_api="blas"):
            yield
    finally:
        _limiting.release()


class _OutOfTime(Exception):
    """The deadline has passed, perhaps in the middle of an evaluation."""


class _Objective:
    """The penalised loss of a flat vector: matrix by matrix (u, then v, with L1), then the other vectors.

    What is not trained is kept out of the vector, and its weights out of the penalty.
    """

    def __init__(self, session, matrices, vectors, l1):
        self.session, self.all_parameters = session, (matrices, vectors)
        self.trained = session.architecture.trained()
        matrices, vectors = self.only_trained(matrices, vectors)
        self.shapes = [p.shape for p in (*matrices, *vectors)]
        self.n_matrices = len(matrices)
        self.n_weights = sum(w.size for w in matrices)
        l1 = [strength for strength, trained in zip(l1, self.trained[0], strict=True) if trained]
        # Of each weight; None without L1.
        self.l1 = np.repeat(l1, [w.size for w in matrices]) if any(l1) else None
        flat = np.concatenate([p.ravel() for p in (*matrices, *vectors)], dtype=np.float64)
        weights, others = np.split(flat, [self.n_weights])
        if self.l1 is not None:
            # A weight without L1, in a layer of alpha 0, is a free u, and its v stays 0.
            split, free = self.l1 > 0, np.full(others.size, np.inf)
            u, v = np.where(split, np.maximum(weights, 0), weights), np.where(split, np.maximum(-weights, 0), 0)
            self.start = np.concatenate([u, v, others])
            lower = np.concatenate([np.where(split, 0, -np.inf), np.zeros(self.n_weights), -free])
            upper = np.concatenate([np.full(self.n_weights, np.inf), np.where(split, np.inf, 0), free])
            self.bounds = scipy.optimize.Bounds(lower, upper)
        else:
            self.start, self.bounds = flat, None
        # Where an interruption leaves us: the last iterate, at first the start.
        self.n_iter, self.x, self.value = 0, self.start, None

    def only_trained(self, matrices, vectors):
        """Those of the arrays that are trained, as two lists."""
        # What is merely measured comes last among the vectors.
        pairs = zip((matrices, vectors), self.trained, strict=True)
        return [[a for a, t in zip(arrays, trained, strict=False) if t] for arrays, trained in pairs]

    def unpack(self, x):
        """The lists of all matrices and vectors, with those in ``x``."""
        if self.l1 is not None:
            u, v, others = np.split(x, [self.n_weights, 2 * self.n_weights])
            x = np.concatenate([u - v, others])
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in self.shapes])[:-1]
        parts = [p.reshape(s) for p, s in zip(np.split(x, ends), self.shapes, strict=True)]
        filled = []
        given = parts[: self.n_matrices], parts[self.n_matrices :]
        for arrays, trained, new in zip(self.all_parameters, self.trained, given, strict=True):
            arrays, new = list(arrays), iter(new)
            for i, is_trained in enumerate(trained):
                arrays[i] = next(new) if is_trained else arrays[i]
            filled.append(arrays)
        return filled

    def __call__(self, x):
        if self.value is not None and self.session.is_out_of_time:
            raise _OutOfTime
        self.session.set_parameters(*self.unpack(x))
        evaluated = self.session.loss_and_gradient()
        if evaluated is None:
            raise _OutOfTime
        value, *gradients = evaluated
        gradients = sum(self.only_trained(*gradients), [])
        gradient = np.concatenate([g.ravel() for g in gradients], dtype=np.float64)
        if self.l1 is not None:
            weights, others = np.split(gradient, [self.n_weights])
            gradient = np.concatenate([weights + self.l1, self.l1 - weights, others])
            u, v, _ = np.split(x, [self.n_weights, 2 * self.n_weights])
            value += self.l1 @ (u + v)
        if self.value is None:
            self.value = value
        return value, gradient

    def after_iteration(self, intermediate_result):
        self.n_iter += 1
        self.x, self.value = intermediate_result.x.copy(), float(intermediate_result.fun)


def minimize(
    session, matrices, vectors, *, total_weight, l1, l2, mean_over_outputs, tol, max_iter, max_fun,
    max_time=None, verbose=False,
):  # fmt: skip
    """Minimise the penalised loss over all samples.

    Ctrl-C ends the training with a warning and keeps the last iterate.

    Parameters
    ----------
    session : Session
        The engine, with data set; it knows of ``l2``.
    matrices, vectors : list of ndarray
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
    matrices, vectors : list of ndarray
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
    architecture = session.architecture
    l1, l2 = (strength[list(architecture.matrix_layers())] for strength in (l1, l2))
    objective = _Objective(session, matrices, vectors, l1 / total_weight)
    if max_time is not None:
        session.deadline = time.perf_counter() + max_time
    try:
        # SciPy calls BLAS between two evaluations. OpenBLAS's threads would go on spinning on the cores that the engine
        # then wants: an evaluation would take twice as long.
        with _one_blas_thread():
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

    if objective.l1 is not None and loss is not None:
        # Before the end u and v of a weight may both be above 0: its cost is that of its size.
        u, v, _ = np.split(x, [objective.n_weights, 2 * objective.n_weights])
        loss -= float(objective.l1 @ (u + v - np.abs(u - v)))
    matrices, vectors = objective.unpack(x)
    if architecture.normalization == "batch":  # with the mean and variance that go with the last parameters
        session.deadline = np.inf
        objective(x)
        n_trained = session.state.layout.n_trained
        vectors[n_trained:] = session.get_parameters()[1][n_trained:]
    n_outputs = architecture.layer_units[-1]
    if mean_over_outputs and n_outputs > 1 and loss is not None:
        penalised = objective.only_trained(list(zip(matrices, l1, l2, strict=True)), vectors)[0]
        penalty = sum(a * np.abs(w).sum() + b / 2 * np.vdot(w, w) for w, a, b in penalised) / total_weight
        loss = float((loss - penalty) / n_outputs + penalty)
    return matrices, vectors, loss, n_iter, stop_reason


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
