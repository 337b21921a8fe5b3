"""Why training ends: the reason that is kept, the warning with its remedy, and limits of time."""

import re
import time

import numpy as np
import pytest
from marks import crossed
from numpy.testing import assert_allclose
from scipy.optimize import OptimizeResult
from sklearn.exceptions import ConvergenceWarning

import fastnet
from fastnet.engine.slices import Slices
from fastnet.estimators.parameters import settings_of
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import OPTIMIZERS
from fastnet.training.lbfgs import _stop_reason

SMALL = {"hidden_layer_sizes": (8,), "random_state": 0}


@pytest.fixture
def long_data():
    """(X, y): an epoch with batches of 10 takes well above the limits below."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200_000, 20)).astype(np.float32)
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def same_bits(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True))


@pytest.mark.filterwarnings("ignore::fastnet.TrainingWarning")  # of so few epochs
def test_a_stalled_loss_or_score_is_the_reason_without_a_warning(digits):
    model = fastnet.MLPClassifier(tol=0.5, max_iter=100, **SMALL).fit(*digits)
    assert (model.stop_reason_, model.n_iter_ < 100) == ("no_improvement", True)
    model = fastnet.MLPClassifier(early_stopping=True, tol=0.5, max_iter=100, **SMALL).fit(*digits)
    assert (model.stop_reason_, model.n_iter_ < 100) == ("no_improvement", True)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_max_iter_warns_once_and_says_what_to_do(digits, early_stopping):
    model = fastnet.MLPClassifier(max_iter=3, early_stopping=early_stopping, **SMALL)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(*digits)
    (warning,) = caught
    assert str(warning.message) == (
        "Stochastic Optimizer: Maximum iterations (3) reached and the optimization hasn't converged yet. Increase "
        "max_iter or learning_rate_init. If exactly so many epochs are wanted, set n_iter_no_change=None, which "
        "does not warn."
    )
    assert model.stop_reason_ == "max_iter"


@pytest.mark.filterwarnings("ignore::fastnet.TrainingWarning")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fixed_number_of_epochs_is_run_without_a_warning(digits, early_stopping):
    params = {"early_stopping": early_stopping, "n_iter_no_change": None, "max_iter": 12, "tol": 1e9, **SMALL}
    model = fastnet.MLPClassifier(**params).fit(*digits)  # warnings are errors
    assert (model.n_iter_, model.stop_reason_) == (12, "max_iter")
    with pytest.warns(ConvergenceWarning, match="hasn't converged yet"):  # as in scikit-learn
        unlimited = fastnet.MLPClassifier(**params | {"n_iter_no_change": np.inf}).fit(*digits)
    assert same_bits(model, unlimited) and unlimited.n_iter_ == 12


@pytest.mark.filterwarnings("ignore::fastnet.TrainingWarning")  # of so few epochs
def test_a_fixed_number_of_epochs_goes_with_schedules_that_watch(digits):
    params = {"n_iter_no_change": None, "max_iter": 12, "tol": 1e9, **SMALL}
    for rate in ("adaptive", "reduce_on_plateau"):
        model = fastnet.MLPClassifier(solver="sgd", learning_rate=rate, **params).fit(*digits)
        assert (model.n_iter_, model.stop_reason_) == (12, "max_iter")


@pytest.mark.parametrize(
    ("params", "reason", "message"),
    [
        ({"max_iter": 3}, "max_iter", "lbfgs failed to converge after 3 iteration.*Increase max_iter, which is 3, or"),
        ({"max_fun": 4, "max_iter": 50}, "max_fun", "Increase max_fun, which is 4, or bring the features to one scale"),
    ],
)
def test_lbfgs_says_which_limit_it_met(diabetes, params, reason, message):
    model = fastnet.MLPRegressor(solver="lbfgs", tol=1e-9, **params, **SMALL)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(*diabetes)
    assert len(caught) == 1
    caught_text = str(caught[0].message).replace("\n", " ")
    assert re.search(message, caught_text), caught_text
    assert model.stop_reason_ == reason


@pytest.mark.parametrize(
    ("dtype", "remedy"), [("float32", "Set dtype='float64', or"), ("float64", "Increase tol, which is 0, or")]
)
def test_lbfgs_says_when_it_finds_no_better_point(dtype, remedy):
    result = OptimizeResult(status=2, message="ABNORMAL: ", nit=3, nfev=40)
    with pytest.warns(ConvergenceWarning, match=re.escape(remedy)):
        settings = settings_of(fastnet.MLPRegressor(solver="lbfgs", tol=0.0))
        assert _stop_reason(result, 3, settings, np.dtype(dtype)) == "line_search"


def test_lbfgs_that_converged_says_so(diabetes):
    model = fastnet.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", tol=1e-3, random_state=0).fit(*diabetes)
    assert model.stop_reason_ == "converged"


@pytest.mark.filterwarnings("ignore::fastnet.TrainingWarning")  # of so few epochs
def test_partial_fit_leaves_no_reason(digits):
    model = fastnet.MLPClassifier(tol=0.5, **SMALL).fit(*digits)
    assert model.partial_fit(*digits).stop_reason_ is None


@pytest.mark.parametrize(("batch_size", "early_stopping"), crossed([10, None], [False, True]))
def test_time_ends_within_an_epoch(long_data, early_stopping, batch_size):
    X, y = long_data
    params = {"hidden_layer_sizes": (200, 200), "batch_size": batch_size, "early_stopping": early_stopping}
    fastnet.MLPClassifier(**params, max_iter=1, n_iter_no_change=None).fit(X[:3000], y[:3000])  # compile
    model = fastnet.MLPClassifier(max_time=0.4, random_state=0, **params)
    model.fit(X, y)  # no warning: this is what was asked for
    assert model.stop_reason_ == "max_time"
    assert model.predict_proba(X[:5]).shape == (5, 2)
    # the epoch cut short counts with what it came to
    assert len(model.loss_curve_) == model.n_iter_
    assert model.t_ < model.n_iter_ * 200_000 or batch_size is None
    assert model.t_ % (batch_size or (180_000 if early_stopping else 200_000)) == 0
    if early_stopping:
        assert len(model.validation_scores_) == model.n_iter_
    if batch_size == 10:
        assert model.n_iter_ >= 1 and 0.0 < model.loss_ < 0.7
    # and it can go on
    model.set_params(warm_start=True, max_time=None, max_iter=1, batch_size=1000, n_iter_no_change=None)
    assert model.fit(X[:3000], y[:3000]).n_iter_ == 1


def test_a_limit_that_is_not_reached_changes_no_bit(digits):
    params = {"max_iter": 4, "n_iter_no_change": None, **SMALL}
    for more in ({}, {"early_stopping": True}, {"batch_size": None}):
        a, b = (fastnet.MLPClassifier(max_time=t, **params, **more).fit(*digits) for t in (None, 1000))
        assert same_bits(a, b) and a.loss_curve_ == b.loss_curve_
    params = {"solver": "lbfgs", "max_iter": 1000, "tol": 0.1, **SMALL}
    a, b = (fastnet.MLPClassifier(max_time=t, **params).fit(*digits) for t in (None, 1000))
    assert same_bits(a, b)


def test_time_ends_lbfgs(long_data):
    X, y = long_data
    params = {"hidden_layer_sizes": (200, 200), "solver": "lbfgs", "random_state": 0, "tol": 0.0}
    model = fastnet.MLPClassifier(max_time=1.0, max_iter=10**6, max_fun=10**9, **params)
    model.fit(X, y)
    assert model.stop_reason_ == "max_time"
    assert model.predict(X[:5]).shape == (5,)


def test_time_ends_lbfgs_between_evaluations_of_one_slice(diabetes, monkeypatch):
    X, y = diabetes
    times = iter([False] * 20 + [True])
    monkeypatch.setattr(Slices, "is_out_of_time", property(lambda session: next(times)))
    model = fastnet.MLPRegressor(hidden_layer_sizes=(50,), solver="lbfgs", tol=0.0, max_time=1000).fit(X, y)
    assert model.stop_reason_ == "max_time" and 10 < model.n_iter_ <= 20
    # the last iterate, with its loss
    residual = model.predict(X) - y
    penalty = 0.0001 / 2 * sum(np.vdot(w, w) for w in model.coefs_) / len(y)
    assert_allclose(model.loss_, np.mean(residual**2) / 2 + penalty, rtol=1e-6)


def test_partial_fit_keeps_to_the_limit_of_each_call(long_data):
    X, y = long_data
    model = fastnet.MLPClassifier((200, 200), batch_size=10, max_time=0.1).partial_fit(X, y, classes=[0, 1])
    assert model.stop_reason_ == "max_time" and 0 < model.t_ < 200_000
    seen = model.t_
    model.partial_fit(X, y)
    assert seen < model.t_ < 400_000 and model.n_iter_ == 1


def test_verbose_says_that_time_is_up(long_data, capsys):
    fastnet.MLPClassifier((200, 200), batch_size=10, max_time=0.05, verbose=True).fit(*long_data)
    assert "max_time=0.05 seconds are over. Stopping." in capsys.readouterr().out


def session_of(n_samples, batch_size, **options):
    from fastnet.engine import Session

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_samples, 4)), rng.normal(size=(n_samples, 1))
    identity = ACTIVATIONS["identity"]
    architecture = Architecture((4, 3, 1), (identity,), LOSSES["squared_error"])
    session = Session(architecture, X, y, dtype=np.float64, batch_size=batch_size, **options)
    session.set_parameters([np.ones((4, 3)), np.ones((3, 1))], [np.zeros(3), np.zeros(1)])
    return session


@pytest.mark.parametrize(("batch_size", "slice_end"), [(50, 3), (2500, 2), (2500, 4)])
def test_the_loss_of_a_cut_epoch_is_that_of_its_whole_mini_batches(batch_size, slice_end):
    """Batches of one chunk, and of three, of which the deadline may leave one half done."""
    order = np.arange(10_000)
    options = {"batch_size": batch_size, "optimizer": OPTIMIZERS["sgd"], "l2": 0.5}
    with session_of(10_000, **options) as cut, session_of(10_000, **options) as whole:
        calls = []

        def next_slice(count, left):
            calls.append(left)
            if len(calls) == slice_end:
                cut.deadline = time.perf_counter()
            return min(1, count)

        cut.slices.pace.next_slice, cut.deadline = next_slice, 1e300
        loss = cut.run_epoch(order, 1e-3)
        n_batches = slice_end // cut.slices.chunks
        assert cut.samples_done == n_batches * batch_size
        if n_batches:
            assert loss == whole.run_epoch(order[: n_batches * batch_size], 1e-3)
            for a, b in zip(cut.get_parameters()[0], whole.get_parameters()[0], strict=True):
                assert np.array_equal(a, b)
        else:
            assert loss == 0.0


def test_a_gradient_that_the_deadline_cut_is_none():
    with session_of(10_000, 200) as session:
        session.deadline = 0.0
        assert session.is_out_of_time
        assert session.loss_and_gradient() is None
        session.deadline = np.inf
        assert len(session.loss_and_gradient()) == 3
