"""Optimizers and schedules in the estimators: they learn, go on where they stopped, and refuse what makes no sense."""

import pickle
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import Problem, name_of, parameters, same_bits
from sklearn.model_selection import GridSearchCV

from fastnet import MLPClassifier, MLPRegressor
from fastnet.estimators.fitting import validation
from fastnet.ops.optimizers import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    AdaMax,
    AdamW,
    AMSGrad,
    Lion,
    NAdam,
    RMSProp,
    Rprop,
    ScheduleFreeAdamW,
)
from fastnet.ops.rates import rates_of_epoch
from fastnet.ops.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    Custom,
    Exponential,
    FlatCosine,
    InverseScaling,
    MultiCosine,
    OneCycle,
    ReduceOnPlateau,
    Step,
)
from fastnet.training.splits import split_rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# rule and a rate for 40 epochs of the digits
RULES = [
    (SGD(0.0, False), 0.3),
    (SGD(), 0.03),
    (SGD(0.9, False, averaged=True), 0.3),
    (AdaGrad(), 0.02),
    (Adadelta(), 1.0),
    (RMSProp(), 0.003),
    (RMSProp(momentum=0.9), 0.001),
    (RMSProp(epsilon=1e-3, momentum=0.5, centred=True), 0.003),
    (Adam(), 0.01),
    (AdamW(), 0.01),
    (AMSGrad(), 0.01),
    (AdaMax(), 0.01),
    (NAdam(), 0.01),
    (Lion(weight_decay=0.1), 0.01),
    (Rprop(), 0.01),
    (ScheduleFreeAdamW(), 0.02),
]
rules = pytest.mark.parametrize("rule, rate", RULES, ids=[repr(rule) for rule, _ in RULES])
net = partial(MLPClassifier, hidden_layer_sizes=(20,), max_iter=40, random_state=0, n_iter_no_change=np.inf)


def test_every_rule_is_tested_here():
    assert {type(rule) for rule, _ in RULES} == {type(rule) for rule in OPTIMIZERS.values()}


@rules
def test_each_learns_the_digits(digits, rule, rate):
    X, y = digits
    model = net(solver=rule, learning_rate_init=rate, dtype="float64").fit(X, y)
    assert model.score(X, y) > 0.97
    assert model.loss_curve_[-1] < 0.2 * model.loss_curve_[0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_name_is_an_object_with_default_parameters(digits, name):
    named = net(solver=name, max_iter=3, dtype="float64").fit(*digits)
    given = net(solver=OPTIMIZERS[name], max_iter=3, dtype="float64").fit(*digits)
    assert same_bits(parameters(named), parameters(given))


def assert_same(a, b, rule):
    # a schedule-free model holds the average: the point that is trained comes back with a rounding
    tolerance = {"rtol": 1e-9, "atol": 1e-11} if isinstance(rule, ScheduleFreeAdamW) else {"rtol": 0, "atol": 0}
    for x, y in zip(parameters(a), parameters(b), strict=True):
        assert_allclose(x, y, **tolerance)


@rules
def test_a_warm_start_goes_on_with_the_states(digits, rule, rate):
    model = partial(net, solver=rule, learning_rate_init=rate, shuffle=False, dtype="float64")
    whole = model(max_iter=6).fit(*digits)
    parts = model(max_iter=3, warm_start=True).fit(*digits)
    parts = pickle.loads(pickle.dumps(parts)).fit(*digits)
    assert len(parts._optimizer.moments) == rule.n_states
    assert_same(parts, whole, rule)
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-9)
    # without the moments it would be another training
    if rule.n_states and rule != SGD(0.0, False):
        forgetful = model(max_iter=3, warm_start=True).fit(*digits)
        del forgetful._optimizer
        forgetful.fit(*digits)
        assert not np.allclose(forgetful.loss_curve_, whole.loss_curve_, rtol=1e-6)


@rules
def test_partial_fits_go_on_with_the_states(digits, rule, rate):
    if rule.full_batch:
        pytest.skip("has no partial_fit")
    model = partial(net, solver=rule, learning_rate_init=rate, shuffle=False, dtype="float64")
    whole, parts = model(max_iter=4).fit(*digits), model()
    for _ in range(4):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(*digits, classes=range(10))))
    assert_same(parts, whole, rule)


def test_states_that_do_not_fit_begin_anew(digits):
    model = net(solver=RMSProp(), warm_start=True, max_iter=2).fit(*digits)
    model.set_params(solver__centred=True).fit(*digits)
    assert len(model._optimizer.moments) == 3 and model._optimizer.step == 2 * 2


@pytest.mark.parametrize("averaged", [False, True])
def test_a_velocity_is_no_mean_of_gradients(digits, averaged):
    model = net(solver=SGD(averaged=averaged), warm_start=True, max_iter=2).fit(*digits)
    model.set_params(solver__averaged=not averaged)
    forgetful = pickle.loads(pickle.dumps(model))
    del forgetful._optimizer
    assert same_bits(parameters(model.fit(*digits)), parameters(forgetful.fit(*digits)))


# ---- full batches ------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "adam", "rprop"])
def test_batch_size_none_is_all_samples(digits, solver):
    X, y = digits
    none = net(solver=solver, batch_size=None, max_iter=5).fit(X, y)
    assert none._optimizer.step == 5
    assert none.coefs_[0].dtype == X.dtype == np.float64  # the type of the input, as for any full batch
    given = net(solver=solver, batch_size=len(X), max_iter=5).fit(X, y)
    assert same_bits(parameters(none), parameters(given))
    # the training part of them with early stopping
    held_out = net(solver=solver, batch_size=None, early_stopping=True, max_iter=5).fit(X, y)
    assert held_out._optimizer.step == 5


def test_auto_is_all_samples_for_rprop(digits):
    model = net(solver="rprop", max_iter=4).fit(*digits)
    assert model._optimizer.step == 4 and model.coefs_[0].dtype == np.float64


def test_gradient_descent_by_hand(diabetes):
    X, y = diabetes
    model = MLPRegressor(
        hidden_layer_sizes=(), solver=SGD(0.0, False), batch_size=None, learning_rate_init=0.1, max_iter=30, alpha=0,
        init="glorot_normal", random_state=0, n_iter_no_change=np.inf,
    )  # fmt: skip
    still = MLPRegressor(**{**model.get_params(deep=False), "learning_rate_init": 1e-30, "max_iter": 1}).fit(X, y)
    w, b = still.coefs_[0][:, 0], still.intercepts_[0][0]
    for _ in range(30):
        error = X @ w + b - y
        w, b = w - 0.1 * X.T @ error / len(X), b - 0.1 * error.mean()
    model.fit(X, y)
    assert_allclose(model.coefs_[0][:, 0], w, rtol=1e-9)
    assert_allclose(model.intercepts_[0], b, atol=1e-9)


# ---- schedule-free -----------------------------------------------------------------------------------


def test_a_schedule_free_model_is_the_average(digits, monkeypatch):
    X, y = digits
    model = net(solver=ScheduleFreeAdamW(beta_1=0.8), learning_rate_init=0.02, max_iter=5, dtype="float64")
    model.fit(X, y)
    assert_allclose(model._optimizer.moments[2][0], 5 * 2 * 0.02**2)
    # it validates with the average, too: the best epoch's score is that of the model
    parts = []
    monkeypatch.setattr(validation, "split_rows", lambda *args, **kw: parts.append(split_rows(*args, **kw)) or parts[0])
    stopped = net(solver=ScheduleFreeAdamW(), learning_rate_init=0.05, early_stopping=True, max_iter=15).fit(X, y)
    held_out = parts[0][1]
    assert stopped.score(X[held_out], y[held_out]) == stopped.best_validation_score_ > 0.9
    assert len(set(stopped.validation_scores_)) > 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_session_predicts_with_the_average_and_trains_on(dtype):
    problem, order = Problem(3, (5, 9, 2), n_samples=30, dtype=dtype), np.arange(30)
    settings = {"optimizer": ScheduleFreeAdamW(), "batch_size": 7}
    with problem.session(**settings) as one, problem.session(**settings) as other:
        assert same_bits(sum(one.get_parameters(), []), [p.astype(dtype) for p in problem.coefs + problem.intercepts])
        for _ in range(3):
            one.run_epoch(order, 0.05)
            other.run_epoch(order, 0.05)
            predicted = one.predict_rows(order)  # must leave no trace
        coefs, intercepts = one.get_parameters()
        hidden = np.maximum(problem.X @ coefs[0] + intercepts[0], 0)
        assert_allclose(predicted, hidden @ coefs[1] + intercepts[1], rtol=1e-4, atol=1e-5)
        assert same_bits(sum(one.get_parameters(), []), sum(other.get_parameters(), []))
        trained = one.state.layout.unpack(one.state.flat)[0][0]
        assert not np.allclose(trained, coefs[0], rtol=1e-3)


@pytest.mark.parametrize("rule", [ScheduleFreeAdamW(weight_decay=0.1), AdamW(), Lion(weight_decay=0.1)], ids=repr)
def test_frozen_layers_and_missing_biases_stay_as_they_are(digits, rule):
    model = net(
        hidden_layer_sizes=(12, 8), solver=rule, learning_rate_init=0.01, max_iter=3, use_bias=False, warm_start=True
    )
    model.fit(*digits)
    for freeze in (1, 2):
        before = [w.copy() for w in model.coefs_]
        model.set_params(freeze=freeze).fit(*digits)
        assert same_bits(model.coefs_[:freeze], before[:freeze])
        assert not np.allclose(model.coefs_[-1], before[-1])
        assert not any(b.any() for b in model.intercepts_)
    # what thaws begins with states of its own
    before = [w.copy() for w in model.coefs_]
    model.set_params(freeze=0).fit(*digits)
    distances = [np.abs(a - b).max() for a, b in zip(model.coefs_, before, strict=True)]
    assert 0 < min(distances) and max(distances) < 0.1


# ---- schedules ---------------------------------------------------------------------------------------

SOME = [
    Constant(), Step(10, 0.5), Exponential(0.9), Cosine(), Cosine(cycles=2), OneCycle(), MultiCosine(), FlatCosine(),
    InverseScaling(0.2), Adaptive(), ReduceOnPlateau(), Custom(lambda p: 1 - p),
]  # fmt: skip


def test_every_schedule_is_among_some():
    assert {type(s) for s in SOME} - {Custom} == {type(s) for s in SCHEDULES.values()}


@pytest.mark.parametrize("schedule", SOME, ids=lambda s: type(s).__name__)
def test_rates_of_a_fit_are_the_schedules(digits, schedule):
    """Seen through SGD: of a constant gradient the step is the rate. Here through the sum of squared rates."""
    X, y = digits
    schedule_or_callable = schedule.function if isinstance(schedule, Custom) else schedule
    model = net(solver="schedule_free_adamw", learning_rate=schedule_or_callable, learning_rate_init=0.02, tol=0.0,
                max_iter=12, dtype="float64").fit(X, y)  # fmt: skip
    rate, squares, best, stalled = 0.02, 0.0, np.inf, 0
    for epoch, loss in enumerate(model.loss_curve_):
        squares += (rates_of_epoch(schedule, rate, epoch, 2, 12) ** 2).sum()
        stalled = stalled + 1 if loss > best else 0
        best = min(best, loss)
        rate = schedule.after_epoch(rate, 0.02, (epoch + 1) * len(X), stalled)
    assert len(model.loss_curve_) == 12
    assert_allclose(model._optimizer.moments[2][0], squares, rtol=1e-12)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "lion"])
@pytest.mark.parametrize("schedule", [Cosine(), OneCycle(), MultiCosine(), Step(10, 0.3)], ids=repr)
def test_schedules_apply_to_every_optimizer(digits, schedule, solver):
    rate = {"sgd": 0.1, "lion": 0.01}.get(solver, 0.01)
    model = net(solver=solver, learning_rate=schedule, learning_rate_init=rate).fit(*digits)
    plain = net(solver=solver, learning_rate_init=rate).fit(*digits)
    assert model.score(*digits) > 0.97
    assert not same_bits(parameters(model), parameters(plain))


def test_new_names_apply_to_adam_and_scikit_learns_do_not(digits):
    model = partial(net, max_iter=4)
    constant = model().fit(*digits)
    for name in SCHEDULES:
        fitted = model(learning_rate=name).fit(*digits)
        ignored = name in ("constant", "invscaling", "adaptive", "reduce_on_plateau", "step")
        assert same_bits(parameters(fitted), parameters(constant)) == ignored, name


def test_reduce_on_plateau_reduces(digits):
    model = net(solver="adamw", learning_rate=ReduceOnPlateau(0.5, patience=1), learning_rate_init=0.01, tol=10.0)
    model.fit(*digits)
    # no epoch improves by 10, the first counts as the best
    assert model._optimizer.rate == max(0.01 * 0.5 ** (39 // 2), 1e-6)
    stopped = net(learning_rate=ReduceOnPlateau(patience=3), tol=10.0, n_iter_no_change=5).fit(*digits)
    assert stopped.n_iter_ == 7 and stopped._optimizer.rate == pytest.approx(1e-4)


def test_warmup_counts_epochs_or_a_fraction(digits):
    def squares(**kw):
        model = net(solver="schedule_free_adamw", learning_rate_init=0.1, max_iter=8, dtype="float64", **kw)
        return model.fit(*digits)._optimizer.moments[2][0][0, 0]

    ramp = 0.1**2 * (sum((k / 8) ** 2 for k in range(1, 9)) + 8)
    assert_allclose([squares(warmup=4), squares(warmup=0.5), squares()], [ramp, ramp, 0.1**2 * 16])


def test_the_progress_of_partial_fits_counts_their_calls(digits):
    seen = []
    model = net(solver="adamw", learning_rate=lambda p: seen.append(p) or 1.0, max_iter=4, batch_size=150)
    for _ in range(6):
        model.partial_fit(*digits, classes=range(10))
    assert seen == [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 1, 1, 1]
    # a warm start begins its schedule anew
    seen.clear()
    model.set_params(warm_start=True, max_iter=2).fit(*digits)
    assert seen == [0, 0.25, 0.5, 0.75]


def test_objects_in_a_grid(digits):
    grid = [
        {"learning_rate": [Cosine(), OneCycle(), Cosine(0.1, 2), "multi_cosine"]},
        {"learning_rate": [Cosine()], "learning_rate__cycles": [1, 2], "solver__weight_decay": [0.0, 0.1]},
    ]
    search = GridSearchCV(net(solver=AdamW(), max_iter=4), grid, cv=2, error_score="raise").fit(*digits)
    assert len(search.cv_results_["params"]) == 8
    model = search.best_estimator_
    assert "learning_rate=Cosine(end=0.1, cycles=2)" in repr(model.set_params(learning_rate=Cosine(0.1, 2)))
    assert same_bits([pickle.loads(pickle.dumps(model)).predict_proba(digits[0])], [model.predict_proba(digits[0])])


# ---- refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params, message",
    [
        ({"solver": "rprop", "batch_size": 100}, r"gradients over all 300 training samples.*set batch_size=None"),
        ({"solver": Rprop(), "learning_rate": "cosine"}, r"finds its step sizes by itself"),
        ({"solver": "rprop", "warmup": 1}, "finds its step sizes by itself"),
        ({"solver": "rprop", "l1_ratio": 0.5}, "l1_ratio > 0 has no meaning"),
        ({"solver": "rprop", "dropout": 0.1, "input_noise": 1}, "dropout and input_noise above 0 changes signs"),
        ({"solver": Rprop(), "drop_connect": [0.1, 0]}, "drop_connect above 0 changes signs .* choose another"),
        ({"hidden_layer_sizes": (), "dropout": 0.1}, "dropout=0.1 is for hidden layers.* by input_dropout"),
        ({"solver": "lion", "l1_ratio": 0.5}, "l1_ratio > 0 has no meaning"),
        ({"solver": ScheduleFreeAdamW(), "l1_ratio": 0.5}, "l1_ratio > 0 has no meaning"),
        ({"solver": "lbfgs", "learning_rate": Cosine()}, "has no learning rate"),
        ({"solver": "lbfgs", "learning_rate": lambda p: 1.0}, "has no learning rate"),
        ({"solver": "lbfgs", "learning_rate": "cosine"}, "has no learning rate"),
        ({"solver": "lbfgs", "warmup": 0.1}, "has no learning rate"),
        ({"learning_rate": Cosine}, r"an object, not its class: write Cosine\(\)"),
        ({"learning_rate": OneCycle(), "warmup": 2}, "begins with a low rate by itself: set warmup=0"),
        ({"learning_rate": "multi_cosine", "warmup": 2}, "begins with a low rate by itself"),
        ({"warmup": 40}, "must be fewer than max_iter=40"),
        ({"warmup": -1}, "'warmup' parameter"),
        ({"learning_rate": ReduceOnPlateau(), "n_iter_no_change": 4}, "would never reduce the rate"),
        ({"learning_rate": lambda p: -p - 1}, "must return a finite factor of at least 0, got -1.0 at progress 0.0"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"learning_rate": "cosines"}, "'learning_rate' parameter"),
    ],
    ids=name_of,
)
def test_what_makes_no_sense_is_refused(digits, params, message):
    model = net(**params)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(*digits)
    assert vars(model) == before


def test_averaged_gradients_need_momentum_below_one():
    with pytest.raises(ValueError, match="averaged=True needs momentum < 1"):
        SGD(1.0, averaged=True)


def test_the_bounds_of_rprop_leave_room():
    assert Rprop(smallest=0.1, largest=0.1).largest == 0.1
    with pytest.raises(ValueError, match="smallest <= largest"):
        Rprop(smallest=0.2, largest=0.1)


def test_rprop_has_no_partial_fit(digits):
    assert not hasattr(net(solver="rprop"), "partial_fit") and not hasattr(net(solver=Rprop()), "partial_fit")
    assert hasattr(net(solver="adamw"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit") as caught:
        net(solver="rprop").partial_fit(*digits)
    assert "needs all of them: choose another solver" in str(caught.value.__cause__)
