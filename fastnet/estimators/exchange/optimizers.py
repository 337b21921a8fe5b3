"""Solvers, schedules and optimizers in the middle of their work, as scikit-learn's and back."""

from copy import deepcopy

import numpy as np
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from ...ops.optimizers import SGD, Adam
from ...ops.schedules import SCHEDULES, Adaptive, Constant, InverseScaling
from ...training.state import OptimizerState
from ..parameters import optimizer, plain_parameters, schedule

_NAMES = {Constant: "constant", InverseScaling: "invscaling", Adaptive: "adaptive"}


def solver_parameters(net):
    """scikit-learn's parameters for a stochastic solver, and the names of ours that it cannot express."""
    asked = plain_parameters(net)
    rule, rates, lost = optimizer(asked), schedule(asked), []
    if type(rule) is Adam:
        params = {"solver": "adam", "beta_1": rule.beta_1, "beta_2": rule.beta_2, "epsilon": rule.epsilon}
    elif type(rule) is SGD and not rule.averaged:
        params = {"solver": "sgd", "momentum": rule.momentum, "nesterovs_momentum": rule.nesterov}
    else:
        params = {}
        lost.append("solver")
    # With their 'adam' the rate is constant, whatever the name.
    if type(rates) not in _NAMES or params.get("solver") == "adam" and rates != Constant():
        lost.append("learning_rate")
    elif not isinstance(net.learning_rate, str):
        params["learning_rate"] = _NAMES[type(rates)]
        params["power_t"] = getattr(rates, "power_t", net.power_t)
    return params, lost


def state_from_sklearn(mlp, dtype):
    """scikit-learn's optimizer in the middle of its work, as ours; None if it has none."""
    theirs = getattr(mlp, "_optimizer", None)
    if isinstance(theirs, AdamOptimizer):
        rule = Adam(beta_1=theirs.beta_1, beta_2=theirs.beta_2, epsilon=theirs.epsilon)
        rates, rate, step, moments = Constant(), theirs.learning_rate_init, theirs.t, (theirs.ms, theirs.vs)
    elif isinstance(theirs, SGDOptimizer):
        rule = SGD(momentum=theirs.momentum, nesterov=theirs.nesterov)
        rates = type(SCHEDULES[theirs.lr_schedule]).of(theirs)
        rate, step, moments = theirs.learning_rate, 0, (theirs.velocities,)
    else:
        return None
    moments = [[np.array(m, dtype=dtype, order="C") for m in moment] for moment in moments]
    return OptimizerState(
        rule, rates, float(rate), float(theirs.learning_rate_init), epoch=mlp.n_iter_, step=step, moments=moments
    )


def optimizer_to_sklearn(net, mlp):
    """Our optimizer in the middle of its work, as scikit-learn's; None if it has no such."""
    state = getattr(net, "_optimizer", None)
    if state is None or state.moments is None:
        return None
    params, moments, rule = mlp.coefs_ + mlp.intercepts_, deepcopy(state.moments), state.rule
    if type(rule) is Adam:
        theirs = AdamOptimizer(params, state.initial_rate, rule.beta_1, rule.beta_2, rule.epsilon)
        theirs.t = state.step
        theirs.ms, theirs.vs = moments
        return theirs
    if type(rule) is SGD and not rule.averaged:
        rates = state.schedule
        name, power_t = _NAMES.get(type(rates), "constant"), getattr(rates, "power_t", net.power_t)
        theirs = SGDOptimizer(params, state.initial_rate, name, rule.momentum, rule.nesterov, power_t)
        theirs.learning_rate, (theirs.velocities,) = state.rate, moments
        return theirs
    return None
