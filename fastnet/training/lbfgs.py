"""Full-batch training: SciPy's L-BFGS-B on the engine's loss and gradient, in float64. All of it is one step."""

import warnings
from copy import deepcopy

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.fixes import _get_additional_lbfgs_options_dict

from .blas import one_blas_thread
from .history import History
from .objective import Objective, OutOfTime, Stopped
from .trainer import Trainer
from .user_line import stacklevel_of_user


class LbfgsTrainer(Trainer):
    """Minimises the penalised loss over all samples.

    `begin` and `resume` make one. At the end of each iteration SciPy calls back: where a limit of time or Ctrl-C ends
    the training, the last iterate counts. A state from within the step is that of the last iterate, too: what L-BFGS
    has learnt of the curvature is SciPy's own, and begins anew.

    Parameters
    ----------
    problem : Problem
        What there is to train; its starting point is taken over.
    settings : Settings
        What was asked for. ``tol`` bounds the components of the projected gradient; ``max_iter``, ``max_fun`` and
        ``max_time`` limit the iterations, the evaluations of the loss, and the seconds.
    history : History
        Samples seen so far.
    """

    def __init__(self, problem, settings, history):
        self._architecture, self._dtype, self._total_weight = problem.architecture, problem.dtype, problem.total_weight
        layers = list(problem.architecture.matrix_layers())
        self._l1, self._l2 = (np.array(strength)[layers] for strength in (settings.l1, settings.l2))
        start = problem.matrices, problem.vectors
        session = problem.session(settings.l1, settings.l2, settings.n_jobs)
        super().__init__(problem, settings, history, session)
        with self.closed_on_failure():
            self._objective = Objective(session, *start, self._l1 / self._total_weight)
        self._trained = self._kept = None
        self._is_minimizing = False

    @classmethod
    def begin(cls, problem, settings, continuation=None, single_epoch=False):
        """Begin a fit, as `StochasticTrainer.begin` does; there are no partial fits, and samples seen go on."""
        history = History()
        if continuation is not None:
            history.samples_seen = continuation.history.samples_seen
            history.epochs = continuation.history.copy_of_epochs()
        trainer = cls(problem, settings, history)
        trainer._limit_time()
        return trainer

    @classmethod
    def resume(cls, problem, settings, state):
        """Go on with a training of which there is a state, as `StochasticTrainer.resume` does."""
        cls._check_state(problem, state)
        problem.matrices, problem.vectors = ([a.copy() for a in arrays] for arrays in state["parameters"]["trained"])
        trainer = cls(problem, settings, History.from_dict(state["history"]))
        trainer._take_up(state)
        trainer._limit_time()
        return trainer

    def state(self):
        trained = [[np.array(a) for a in arrays] for arrays in self._in_double_precision()]
        kept = None if self._kept is None else [[*arrays] for arrays in self._kept]
        return {**super().state(), "parameters": {"trained": trained}, "kept": kept}

    def _take_up(self, state):
        super()._take_up(state)
        self._kept, self._objective.n_iter = deepcopy(state["kept"]), self.history.n_iter
        if not self.goes_on:
            self._trained = self._objective.all_parameters

    def step(self):
        if self.goes_on:
            self.begin_epoch()
            self._is_minimizing = True
            try:
                reason = self._minimize()
            finally:
                self._is_minimizing = False
            self.stop(reason)
        return False

    def stop(self, reason="callback"):
        if not self._is_minimizing:  # else the minimisation ends first
            self._settle()
        return super().stop(reason)

    def _after_iteration(self, intermediate_result):
        """Enter what SciPy has found, and call the callbacks."""
        objective, history = self._objective, self.history
        objective.after_iteration(intermediate_result)
        history.n_iter = objective.n_iter
        history.loss, penalty = self._reported(objective.loss(), *objective.unpack(objective.x))
        history.begin_row()
        history.enter(loss=history.loss, penalty=penalty)
        if self.problem.measures is not None or self.callbacks:
            objective.evaluate_at(objective.x)
        self.measure()
        self.end_epoch()
        self.tell_epoch()
        self.begin_epoch()
        if not self.goes_on:
            raise Stopped

    def _minimize(self):
        """Let SciPy minimise; returns why it stopped."""
        objective, settings = self._objective, self.settings
        begun = objective.n_iter
        if begun >= settings.max_iter:  # resumed after the last iteration
            objective(objective.x)
            return "max_iter"
        try:
            # SciPy calls BLAS between two evaluations. OpenBLAS's threads would go on spinning on the cores that the
            # engine then wants: an evaluation would take twice as long.
            with one_blas_thread():
                result = scipy.optimize.minimize(
                    objective,
                    objective.start,
                    method="L-BFGS-B",
                    jac=True,
                    bounds=objective.bounds,
                    callback=self._after_iteration,
                    options={
                        "maxfun": settings.max_fun,
                        "maxiter": settings.max_iter - begun,
                        "gtol": settings.tol,
                        **_get_additional_lbfgs_options_dict("iprint", 1 if settings.prints else -1),
                    },
                )
        except OutOfTime:
            return "max_time"
        except Stopped:
            return self.history.stop_reason
        objective.n_iter = min(begun + result.nit, settings.max_iter)
        objective.x, objective.value = result.x, float(result.fun)
        return _stop_reason(result, objective.n_iter, settings, self._dtype)

    def _settle(self):
        """Take the last iterate as the result, with the loss that belongs to it."""
        objective, history, session = self._objective, self.history, self.session
        history.n_iter, history.loss = objective.n_iter, objective.loss()
        matrices, vectors = objective.unpack(objective.x)
        if self._architecture.normalization == "batch":  # with the mean and variance that go with the last parameters
            session.deadline = np.inf
            objective(objective.x)
            n_trained = session.state.layout.n_trained
            vectors[n_trained:] = session.get_parameters()[1][n_trained:]
        if history.loss is not None:
            history.loss = self._reported(history.loss, matrices, vectors)[0]
        self._trained = matrices, vectors

    def _reported(self, loss, matrices, vectors):
        """The loss as it is told, of some losses the mean over outputs and not their sum, and the penalties in it."""
        n_outputs = self._architecture.layer_units[-1]
        penalised = self._objective.only_trained(list(zip(matrices, self._l1, self._l2, strict=True)), vectors)[0]
        l1 = sum(a * np.abs(w).sum() for w, a, _ in penalised if a)
        penalty = (l1 + sum(b / 2 * np.vdot(w, w) for w, _, b in penalised)) / self._total_weight
        if n_outputs == 1 or not self._architecture.loss.mean_over_outputs:
            return loss, float(penalty)
        return float((loss - penalty) / n_outputs + penalty), float(penalty)

    def _in_double_precision(self):
        return self._trained or self._objective.unpack(self._objective.x)

    def parameters(self):
        # Copies: no array shall be a view that keeps the solver's whole vector alive.
        return tuple([np.array(p, dtype=self._dtype) for p in arrays] for arrays in self._in_double_precision())

    def current_parameters(self):
        return self.parameters()

    def keep_parameters(self):
        self._kept, self.kept_epoch = self.parameters(), self.history.n_iter

    def finish(self):
        if self._trained is None:
            self._settle()
        return *(self._kept or self.parameters()), None


def _stop_reason(result, n_iter, settings, dtype):
    """Why SciPy stopped; warns unless it converged."""
    if result.status == 0:
        return "converged"
    if n_iter >= settings.max_iter:
        reason, remedy = "max_iter", f"Increase max_iter, which is {settings.max_iter}"
    elif result.nfev >= settings.max_fun:
        reason, remedy = "max_fun", f"Increase max_fun, which is {settings.max_fun}"
    else:
        reason = "line_search"
        remedy = f"Increase tol, which is {settings.tol:g}" if dtype == np.float64 else "Set dtype='float64'"
    warnings.warn(
        f"lbfgs failed to converge after {n_iter} iteration(s) (status={result.status}):\n{result.message}\n\n"
        f"{remedy}, or bring the features to one scale, such as by StandardScaler.",
        ConvergenceWarning,
        stacklevel=stacklevel_of_user(),
    )
    return reason
