"""Mini-batch training: a step is an epoch.

Order of the draws from ``random_state``, as scikit-learn's: initial weights, the split for validation, then one shuffle
an epoch. Between the split and the first shuffle are drawn what starting values take from the data, where they do, and
the key of the noise's random bits, where there is noise (dropout, DropConnect, Gaussian).
"""

import warnings
from copy import deepcopy
from dataclasses import replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..ops.rates import factors_of_epoch, rates_of_epoch
from .continuation import Continuation
from .history import History
from .optimizer_state import OptimizerState
from .trainer import Trainer
from .user_line import stacklevel_of_user

# Settings that the engine has by the same name.
_PASSED_ON = ("optimizer", "clip_value", "clip_norm", "max_norm", "ema_decay")


class StochasticTrainer(Trainer):
    """Trains until the loss (or the validation score) stalls, or for ``max_iter`` epochs.

    `begin` and `resume` make one.

    Parameters
    ----------
    problem : Problem
        What there is to train; its starting point is taken over.
    settings : Settings
        What was asked for. ``max_iter`` is the number of epochs at most, and what schedules take for the whole. Of the
        two values of ``n_iter_no_change`` that end no training, inf warns if it has not converged by ``max_iter``, and
        None asks for just so many epochs. ``max_time`` may end in the middle of an epoch, which then counts as one,
        with the mean loss of its mini-batches done. ``restore_best_weights`` predicts with the parameters of the epoch
        with the best score, not with those of the last one.
    history : History
        Losses and scores so far.
    seed : int
        Key of the noise.
    single_epoch : bool
        Whether this is one epoch of an incremental fit: no epoch follows it.

    Attributes
    ----------
    single_epoch : bool
        As given.
    order : ndarray of intp
        Rows to train on: each epoch shuffles the order of the one before it.
    rate : float
        Learning rate of the next epoch, without the factors of the schedule and the warm-up.
    epoch : int
        Epochs done under the schedule.
    """

    def __init__(self, problem, settings, history, seed, single_epoch):
        self.order = problem.rows
        self._architecture = problem.architecture
        size = min(settings.batch_rows(len(self.order)), len(self.order))
        options = {name: getattr(settings, name) for name in _PASSED_ON}
        session = problem.session(settings.l1, settings.l2, settings.n_jobs, batch_size=size, seed=seed, **options)
        super().__init__(problem, settings, history, session)
        self._seed, self.single_epoch, self._watches = seed, single_epoch, settings.stops_early
        self.rate, self.epoch, self._best = settings.learning_rate, 0, None
        self._restores_best = settings.restore_best_weights and self._watches

    @classmethod
    def begin(cls, problem, settings, continuation=None, single_epoch=False):
        """Begin a fit.

        Parameters
        ----------
        problem : Problem
            What there is to train.
        settings : Settings
            What was asked for.
        continuation : Continuation, default=None
            What the last fit has left, to go on with.
        single_epoch : bool, default=False
            Whether this is one epoch of an incremental fit.

        Returns
        -------
        StochasticTrainer
        """
        last = continuation or Continuation()
        optimizer = last.next_optimizer(settings, problem, single_epoch)
        history = last.next_history(settings, problem.has_own_validation)
        history.n_iter, history.stop_reason = 0, None
        # A partial fit goes on with the rule and the schedule of the one before it.
        begun = {"optimizer": optimizer.rule, "schedule": optimizer.schedule, "learning_rate": optimizer.initial_rate}
        seed = 0
        if problem.architecture.is_noisy:
            seed = int(problem.random_state.randint(np.iinfo(np.int64).max, dtype=np.int64))
        trainer = cls(problem, replace(settings, **begun), history, seed, single_epoch)
        with trainer.closed_on_failure():
            trainer._take_up_optimizer(optimizer)
            trainer._score_the_start()
            trainer._limit_time()
        return trainer

    @classmethod
    def resume(cls, problem, settings, state):
        """Go on, to the same bits, with a training of which there is a state.

        Parameters
        ----------
        problem : Problem
            As of that training; its parameters and its random state are not used.
        settings : Settings
            As of that training: its trainer's.
        state : dict
            What `state` gave.

        Returns
        -------
        StochasticTrainer

        Raises
        ------
        ValueError
            If the state is of another training.
        """
        arrays = state["parameters"]
        cls._check_state(
            problem,
            state,
            ("number of the optimizer's arrays", len(arrays["moments"]), settings.optimizer.n_states),
            ("number of averages", int(arrays["average"] is not None), int(settings.ema_decay is not None)),
            ("number of rows to train on", len(state["order"]), len(problem.rows)),
        )
        trainer = cls(problem, settings, History.from_dict(state["history"]), state["seed"], state["single_epoch"])
        with trainer.closed_on_failure():
            trainer._take_up(state)
            trainer._limit_time()
        return trainer

    def state(self):
        matrices, vectors = self._best or (None, None)
        return {
            **super().state(),
            "parameters": self.session.state.arrays(),
            "best": None if matrices is None else [[a.copy() for a in matrices], [a.copy() for a in vectors]],
            "step": self.session.step,
            "rate": float(self.rate),
            "epoch": self.epoch,
            "order": self.order.copy(),
            "seed": self._seed,
            "single_epoch": self.single_epoch,
        }

    def _take_up(self, state):
        super()._take_up(state)
        self.session.state.set_arrays(state["parameters"])
        self.session.step = state["step"]
        self.rate, self.epoch, self.order = state["rate"], state["epoch"], state["order"].copy()
        self._best = deepcopy(state["best"])

    def _take_up_optimizer(self, optimizer):
        """Go on with an optimizer, on the parameters that the session has."""
        session, self.rate, self.epoch = self.session, optimizer.rate, optimizer.epoch
        if optimizer.moments is not None:
            session.state.set_moments(optimizer.moments)
        session.step = optimizer.step
        start = optimizer.step if optimizer.offsets is None else optimizer.average_start
        session.state.set_offsets(optimizer.offsets, start)

    def _score_the_start(self):
        """Where a score to compare with is missing, take that of the parameters to begin with."""
        if self._restores_best:
            self._best, self.kept_epoch = self.session.get_parameters(), 0
        if self._watches and self.history.best_validation_score is None:
            start = self.problem.measures.score(self.session)
            self.history.best_validation_score = -np.inf if np.isnan(start) else start

    def step(self):
        if not self.goes_on:
            return False
        self.begin_epoch()
        self.draw_order()
        if not self.run_epoch():
            return self.stop("max_time")
        self.watch()
        self.end_epoch()
        if self.has_diverged():
            return self.stop(None)
        if not self.reduce_rate():
            return self.stop(None if self.single_epoch else "no_improvement")
        return self.check_limits()

    def draw_order(self):
        """Shuffle the rows for the next epoch."""
        if self.settings.shuffle:
            # The draws of sklearn.utils.shuffle, in place and without its checks, which cost more than an
            # epoch of a small net.
            self.random_state.shuffle(self.order)

    def run_epoch(self):
        """Train on all rows, as far as the time allows; returns whether it allowed a mini-batch."""
        session, settings, history = self.session, self.settings, self.history
        n_batches = -(-len(self.order) // session.batch_size)
        course = self.rate, self.epoch, n_batches, settings.max_iter, settings.warmup
        decays = self._factors("decay_schedule", n_batches)
        self._set_dropout()
        self.rates = rates_of_epoch(settings.schedule, *course)
        loss = session.run_epoch(self.order, self.rates, decays)
        if session.samples_done == 0:
            return False
        history.add_epoch(loss, session.samples_done, penalty=session.mean_penalty, learning_rate=self.rates[0])
        self.epoch += 1
        if session.steps.measures_gradients:
            history.add_gradient_norms(*session.steps.gradient_norms())
        self._say(f"Iteration {history.n_iter}, loss = {history.loss:.8f}")
        return True

    def _factors(self, parameter, n_batches):
        """Factors of the mini-batches of the next epoch, by the schedule of a parameter."""
        schedule = getattr(self.settings, parameter)
        return factors_of_epoch(parameter, schedule, self.epoch, n_batches, self.settings.max_iter)

    def _set_dropout(self):
        """Let the next epoch drop as much as its schedule says."""
        schedule = self.settings.dropout_schedule
        if schedule is None:
            return
        factor = float(self._factors("dropout_schedule", 1)[0])
        if factor > 1.0:
            raise ValueError(
                f"dropout_schedule={schedule!r} must give factors of at most 1, got {factor} after {self.epoch} "
                "epoch(s): give dropout the largest probability, and let the schedule lower it."
            )
        self.session.set_dropout(factor)

    def watch(self):
        """Compare the epoch's loss or validation score with the best, and keep the best epoch's parameters."""
        settings, history = self.settings, self.history
        tol = settings.tol
        self.measure()
        if not self._watches:
            history.watch_loss(tol)
            return
        score, keeps_ties = self.problem.measures.last_score, settings.restore_best_weights == "latest"
        is_tie = score == history.best_validation_score
        if (history.watch_score(score, tol) or keeps_ties and is_tie) and self._restores_best:
            self.keep_parameters()
        self._say(f"Validation score: {history.validation_scores[-1]:f}")

    def has_diverged(self):
        """Whether parameters are not finite: these never recover, and the epochs left would be wasted."""
        if self._watches or np.isfinite(self.history.loss):
            return False
        matrices, vectors = self.session.get_parameters()
        return not all(np.isfinite(p).all() for p in matrices + vectors)

    def reduce_rate(self):
        """Set the next epoch's rate by the course of training; returns whether there is one to go on with."""
        settings, history = self.settings, self.history
        stalled, schedule = history.epochs_without_improvement, settings.schedule
        self.rate = schedule.after_epoch(self.rate, settings.learning_rate, history.samples_seen, stalled)
        patience = np.inf if settings.n_iter_no_change is None else settings.n_iter_no_change
        if stalled <= patience:
            return True
        rate, remark = schedule.on_plateau(self.rate)
        watched = "Validation score" if self._watches else "Training loss"
        self._say(
            f"{watched} did not improve more than tol={settings.tol:f} for {patience} consecutive epochs. {remark}"
        )
        if rate is None:
            return False
        self.rate = rate
        history.epochs_without_improvement = 0
        return True

    def check_limits(self):
        """End the training if time or epochs are used up; returns whether it goes on."""
        settings = self.settings
        if self.session.is_out_of_time:
            self._say(f"max_time={settings.max_time:g} seconds are over. Stopping.")
            return self.stop("max_time")
        if self.single_epoch:
            return self.stop(None)
        if self.history.n_iter < settings.max_iter:
            return True
        self.stop("max_iter")
        if settings.n_iter_no_change is not None:
            # What has grown does not want larger steps.
            has_grown = self.history.loss > self.history.loss_curve[-self.history.n_iter]
            remedy = "Increase max_iter" if has_grown else "Increase max_iter or learning_rate_init"
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and the optimization "
                f"hasn't converged yet. {remedy}. If exactly so many epochs are wanted, set n_iter_no_change=None, "
                "which does not warn.",
                ConvergenceWarning,
                stacklevel=stacklevel_of_user(),
            )
        return False

    def _say(self, text):
        if self.settings.prints:
            print(text)

    def parameters(self):
        if self._best is None:
            return self.session.get_parameters()
        matrices, vectors = self._best
        return [a.copy() for a in matrices], [a.copy() for a in vectors]

    def current_parameters(self):
        return self.session.get_parameters()

    def keep_parameters(self):
        self._best = None  # the old ones go before the new ones come
        self._best, self.kept_epoch = self.session.get_parameters(), self.history.n_iter

    def finish(self):
        session, settings, architecture = self.session, self.settings, self._architecture
        average_start = session.state.average_start
        offsets = session.state.get_offsets()
        parameters, moments = session.take_results(with_parameters=self._best is None)
        matrices, vectors = self._best or parameters
        optimizer = OptimizerState(
            settings.optimizer,
            settings.schedule,
            self.rate,
            settings.learning_rate,
            epoch=self.epoch,
            step=session.step,
            moments=moments,
            n_frozen=architecture.n_frozen,
            use_bias=architecture.use_bias,
            offsets=offsets,
            average_start=average_start,
        )
        return matrices, vectors, optimizer
