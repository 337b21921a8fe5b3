"""What cannot be done is refused by name, and a refused fit leaves no trace."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

import fastnet

NAMES = ["MLPClassifier", "MLPRegressor"]
QUICK = {"hidden_layer_sizes": 4, "max_iter": 2, "random_state": 0}

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def make(name, **params):
    return getattr(fastnet, name)(**{**QUICK, **params})


def snapshot(estimator):
    return copy.deepcopy(vars(estimator))


def assert_unchanged(estimator, before):
    after = vars(estimator)
    assert set(after) == set(before)
    for key, value in before.items():
        assert_same(after[key], value, key)


def assert_same(a, b, key):
    assert type(a) is type(b), key
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype and a.shape == b.shape, key
        assert a.tobytes() == b.tobytes() if a.dtype != object else list(a) == list(b), key
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), key
        for x, y in zip(a, b, strict=True):
            assert_same(x, y, key)
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), key
        for k in a:
            assert_same(a[k], b[k], f"{key}[{k}]")
    elif hasattr(a, "__dict__"):
        assert_same(vars(a), vars(b), key)
    elif isinstance(a, float | int | str | bool | type(None) | np.generic):
        assert a == b or (a != a and b != b), key


def refused(estimator, error, match, *args, method="fit", **kw):
    """The call raises, and leaves the estimator exactly as it was."""
    before = snapshot(estimator)
    with pytest.raises(error, match=match):
        getattr(estimator, method)(*args, **kw)
    assert_unchanged(estimator, before)


@pytest.fixture
def small(digits):
    return digits[0][:60], digits[1][:60] % 3


INVALID = {
    "hidden_layer_sizes": ["ten", None, 0, -3, 2.5],
    "activation": ["sigmoid", None],
    "solver": ["newton", None],
    "alpha": [-1.0, "big"],
    "batch_size": [0, -5, "all", 2.5],
    "learning_rate": ["fast", None],
    "learning_rate_init": [0.0, -0.1],
    "power_t": [-1.0],
    "max_iter": [0, 1.5],
    "shuffle": ["yes"],
    "random_state": ["seed"],
    "tol": [-1e-3],
    "verbose": ["loud"],
    "callbacks": ["table", 3, ["table"], [print, None]],
    "warm_start": ["yes"],
    "momentum": [-0.1, 1.1],
    "nesterovs_momentum": ["yes"],
    "early_stopping": ["yes"],
    "validation_fraction": [-0.1, 1.0],
    "validation_split": ["first", 5, 0.2],
    "scoring": ["losses", 3, ["losses"], [], ["r2", "r2"], {"a": "losses"}, {"": "r2"}],
    "restore_best_weights": ["yes"],
    "beta_1": [-0.1, 1.0],
    "beta_2": [-0.1, 1.0],
    "epsilon": [0.0],
    "n_iter_no_change": [0, 2.5],
    "max_fun": [0],
    "max_time": [0, -1.0, "an hour"],
    "l1_ratio": [-0.1, 1.1, "all"],
    "clip_value": [0, -1.0, "all"],
    "clip_norm": [0, -1.0, "all"],
    "max_norm": [0, -1.0, [1.0]],
    "ema_decay": [0, 1, 1.5, -0.1, "slow"],
    "dropout": [-0.1, 1.0, 2, "half"],
    "input_dropout": [-0.1, 1.0, "half", [0.5]],
    "drop_connect": [-0.1, 1.0, 2, "half"],
    "input_noise": [-0.1, np.inf, np.nan, "some", [0.5]],
    "rate_factors": [-1.0, "fan_out", [1.0], None],
    "bias_rate_factor": [-0.1, "slow", [1.0]],
    "dropout_schedule": ["fast", 3, "adaptive"],
    "decay_schedule": ["fast", 3, "invscaling", "cosine"],
    "features": ["pbld", 3, [1]],
    "input_scale": [None, 2],
    "init": ["he", None],
    "output_init": ["he", 3],
    "bias_init": ["ones", [0.0]],
    "use_bias": ["no", None],
    "freeze": [-1, 2, 0.5, None],
    "residual": ["projection", None, 2],
    "dtype": ["float16", "double", 32],
    "n_jobs": [0, 1.5, "all"],
}


@pytest.mark.parametrize(("parameter", "value"), [(k, v) for k, vs in INVALID.items() for v in vs], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_invalid_parameters_are_refused_by_name(name, parameter, value, small):
    # n_jobs=0 has no meaning in joblib either; InvalidParameterError is a ValueError
    refused(make(name, **{parameter: value}), (InvalidParameterError, ValueError), f"{parameter}", *small)


def test_an_invalid_loss_is_refused_by_name(small):
    refused(
        make("MLPRegressor", loss="hubert"), InvalidParameterError, "'loss' parameter of MLPRegressor", *small
    )


@pytest.mark.parametrize("name", NAMES)
def test_errors_of_constraints_are_scikit_learns(name, small):
    match = f"The 'alpha' parameter of {name} must be a float in the range \\[0.0, inf\\)"
    refused(make(name, alpha=-1.0), InvalidParameterError, match, *small)


@pytest.mark.parametrize("sizes", [[3, 0], (5, -1), [0]])
@pytest.mark.parametrize("name", NAMES)
def test_layers_without_units_are_refused(name, sizes, small):
    refused(make(name, hidden_layer_sizes=sizes), ValueError, "hidden_layer_sizes must be > 0, got", *small)


@pytest.mark.parametrize(
    "dropout", [[0.5], [0.1, 0.1, 0.1], (), [0.5, 1.0], [-0.1, 0.5], [0.5, np.nan], ["a", "b"]], ids=str
)
@pytest.mark.parametrize("name", NAMES)
def test_dropout_lists_have_one_probability_per_hidden_layer(name, dropout, small):
    refused(make(name, hidden_layer_sizes=(4, 3), dropout=dropout), ValueError, "dropout", *small)


@pytest.mark.parametrize(
    "rates", [[0.5], [0.1, 0.1], (), [0.5, 0.5, 1.0], [-0.1, 0.5, 0.5], [0.5, 0.5, np.nan], ["a", "b", "c"]], ids=str
)
@pytest.mark.parametrize("name", NAMES)
def test_drop_connect_lists_have_one_probability_per_layer_of_weights(name, rates, small):
    match = "drop_connect must .*each layer of weights.*got [0-2] for 3|Every drop_connect must"
    refused(make(name, hidden_layer_sizes=(4, 3), drop_connect=rates), ValueError, match, *small)


def test_the_length_of_a_dropout_list_is_named(small):
    model = make("MLPClassifier", hidden_layer_sizes=(4, 3), dropout=[0.5])
    refused(model, ValueError, r"dropout.*1.*2|dropout.*2.*1", *small)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("shape", [(60,), (60, 2)])
def test_infinite_targets_are_refused(small, shape, value):
    y = np.ones(shape)
    y[7] = value
    refused(make("MLPRegressor"), ValueError, "y contains (infinity|NaN)", small[0], y)
    refused(make("MLPRegressor"), ValueError, "y contains (infinity|NaN)", small[0], y, method="partial_fit")


def test_targets_too_large_for_the_type_of_the_computation_are_refused(small):
    y = np.full(60, 1e300)
    with pytest.raises(ValueError, match=r"(?i)\by\b|non-finite"):
        make("MLPRegressor", dtype="float32").fit(small[0], y)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weight", [np.ones(5), np.ones((60, 2)), np.full(60, np.nan), np.full(60, np.inf)])
def test_wrong_sample_weights_are_refused(name, weight, small):
    refused(make(name), ValueError, "(?i)sample.weight", *small, sample_weight=weight)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_of_different_lengths_are_refused(name, small):
    refused(make(name), ValueError, "inconsistent numbers of samples", small[0][:50], small[1])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_predicted_before_a_fit(name, small):
    with pytest.raises(NotFittedError, match=f"This {name} instance is not fitted yet"):
        make(name).predict(small[0])


@pytest.mark.parametrize("name", NAMES)
def test_reaching_max_iter_warns_as_scikit_learn(name, small):
    message = (
        r"Stochastic Optimizer: Maximum iterations \(2\) reached and the optimization hasn't converged yet."
    )
    with pytest.warns(ConvergenceWarning, match=message):
        make(name).fit(*small)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        make(name, solver="lbfgs").fit(*small)


@quiet
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("fitted", [False, True])
def test_non_finite_weights_are_reported(small, dtype, fitted):
    X, y = small
    model = make(
        "MLPRegressor", solver="sgd", activation="identity", dtype=dtype, batch_size=10, max_iter=100
    )
    if fitted:
        model.set_params(learning_rate_init=1e-3).fit(X, y)
    model.set_params(learning_rate_init=1e5)
    message = (
        "Solver produced non-finite parameter weights. The input data may contain large values and need to "
        "be preprocessed."
    )
    refused(model, ValueError, message, X, y)


@quiet
@pytest.mark.parametrize("name", NAMES)
def test_partial_fit_needs_a_stochastic_solver(name, small):
    model = make(name, solver="lbfgs")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as raised:
        model.partial_fit(*small)
    assert "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic." in str(
        raised.value.__cause__ or raised.value
    )
    assert not hasattr(model, "partial_fit")


@quiet
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fitted", [False, True])
def test_partial_fit_does_not_stop_early(name, fitted, small):
    model = make(name, early_stopping=True)
    if fitted:
        model.fit(*small)
    kw = {"classes": [0, 1, 2]} if name == "MLPClassifier" and not fitted else {}
    message = "partial_fit does not support early_stopping=True"
    refused(model, ValueError, message, *small, method="partial_fit", **kw)


def test_the_first_partial_fit_needs_the_classes(small):
    message = "classes must be passed on the first call to partial_fit"
    refused(make("MLPClassifier"), ValueError, message, *small, method="partial_fit")


def test_partial_fit_refuses_other_classes(small):
    X, y = small
    model = make("MLPClassifier").partial_fit(X, y, classes=[0, 1, 2])
    message = r"`classes=\[1, 2, 3\]` is not the same as on last call"
    refused(model, ValueError, message, X, y, method="partial_fit", classes=[1, 2, 3])
    message = "`y` has classes not in `self.classes_`"
    refused(model, ValueError, message, X, y + 1, method="partial_fit")
    refused(make("MLPClassifier"), ValueError, message, X, y + 1, method="partial_fit", classes=[0, 1, 2])


@pytest.mark.parametrize("name", NAMES)
def test_partial_fit_refuses_another_number_of_features(name, small):
    X, y = small
    kw = {"classes": [0, 1, 2]} if name == "MLPClassifier" else {}
    model = make(name).partial_fit(X, y, **kw)
    refused(model, ValueError, "X has 63 features", X[:, 1:], y, method="partial_fit")


def test_a_validation_set_of_one_sample_is_too_small():
    X, y = np.random.default_rng(0).normal(size=(2, 5)), np.array([1.0, 2.0])
    message = "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
    refused(make("MLPRegressor", early_stopping=True), ValueError, message, X, y)


def test_two_classes_too_small_for_a_stratified_split_are_refused():
    message = "The least populated classes? in y ha(s|ve) only 1 member"
    X = [[1, 2], [2, 3], [3, 4], [4, 5]]
    refused(make("MLPClassifier", early_stopping=True), ValueError, message, X, [0, 0, 0, 1])
    message = "validation_fraction=0.1 of n_samples=6 cannot be held out: .* or set early_stopping=False"
    refused(make("MLPClassifier", early_stopping=True), ValueError, message, [[1, 2]] * 6, [0, 0, 0, 1, 1, 1])


@quiet
def test_numbers_that_float32_cannot_hold_are_refused(small):
    X, y = small
    message = "X has values too large for float32"
    model = make("MLPClassifier", dtype="float32", max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match=message):
        model.predict_proba(np.full_like(X, 1e39))
    message = "sample_weight has values too small for float32"
    weight = np.full(len(y), 1e-42)
    refused(make("MLPClassifier", dtype="float32"), ValueError, message, X, y, weight)


@quiet
def test_warm_start_refuses_other_classes(small):
    X, y = small
    model = make("MLPClassifier", warm_start=True).fit(X, y)
    message = "warm_start can only be used where `y` has the same classes as in the previous call to fit"
    for other in [y + 1, y > 0, y % 2]:
        refused(model, ValueError, message, X, other)


@quiet
@pytest.mark.parametrize(("solver", "method"), [("adam", "fit"), ("adam", "partial_fit"), ("lbfgs", "fit")])
@pytest.mark.parametrize("sizes", [5, (4, 4), ()], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_warm_start_refuses_another_architecture(name, sizes, solver, method, small):
    model = make(name, warm_start=True, solver=solver).fit(*small)
    model.set_params(hidden_layer_sizes=sizes)
    refused(model, ValueError, "hidden_layer_sizes", *small, method=method)


@quiet
def test_a_warm_start_refuses_another_number_of_outputs(small):
    X, y = small
    model = make("MLPRegressor", warm_start=True).fit(X, y)
    refused(model, ValueError, "outputs|y ", X, np.column_stack([y, y]))


@quiet
@pytest.mark.parametrize("name", NAMES)
def test_a_warm_start_refuses_another_number_of_features(name, small):
    X, y = small
    model = make(name, warm_start=True).fit(X, y)
    refused(model, ValueError, "X has 63 features", X[:, 1:], y)


@quiet
@pytest.mark.parametrize("name", NAMES)
def test_a_failed_fit_leaves_a_fitted_estimator_as_it_was(name, small):
    X, y = small
    model = make(name).fit(X, y)
    broken = np.where(np.arange(64) == 3, np.nan, X)
    refused(model, ValueError, "contains NaN", broken, y)
    refused(model, ValueError, "contains NaN", broken[:, :10], y)
    refused(model, ValueError, "inconsistent numbers of samples", X[:5, :10], y)
    refused(model, ValueError, "requires y to be passed", sp.csr_array(X), None)
    refused(model.set_params(dropout=[0.1, 0.2]), ValueError, "dropout", X[:, :10], y)
    refused(model.set_params(dropout=1.5), ValueError, "dropout", X[:, :10], y)


@quiet
def test_a_failed_fit_leaves_the_old_classes(small):
    X, y = small
    model = make("MLPClassifier").fit(X, y)
    refused(model, ValueError, "(?i)sample_weight", X, y + 5, sample_weight=np.ones(3))
    refused(model.set_params(early_stopping=True), ValueError, "least populated", X, np.arange(60) == 1)


def test_complex_data_are_refused(small):
    refused(make("MLPRegressor"), ValueError, "Complex data not supported", small[0] * 1j, small[1])


def test_a_continuous_target_is_no_class(small):
    X, y = small
    refused(make("MLPClassifier"), ValueError, "Unknown label type|continuous", X, y + 0.5)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
def test_weights_without_any_sample_are_refused(name, solver, small):
    match = "(?i)sample.weight"
    refused(make(name, solver=solver), ValueError, match, *small, sample_weight=np.zeros(60))
    refused(make(name, solver=solver), ValueError, match, *small, sample_weight=np.full(60, -1.0))


@pytest.mark.parametrize("name", ["dropout", "input_dropout", "drop_connect", "input_noise"])
def test_a_random_loss_is_refused_by_lbfgs(name, small):
    refused(make("MLPClassifier", solver="lbfgs", **{name: 0.5}), ValueError, f"^{name} .*lbfgs", *small)


@pytest.mark.parametrize("make_sparse", [sp.csr_array, sp.csc_array])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_noise_on_sparse_input_is_refused(make_sparse, method, small):
    match = r"input_noise=0.1 would make sparse X dense: give X.toarray\(\)"
    model = make("MLPRegressor", input_noise=0.1)
    refused(model, ValueError, match, make_sparse(small[0]), small[1], method=method)


def test_soft_thresholding_without_a_step_is_refused(small):
    # with momentum=1 the velocity never comes to rest, and no weight has a step of its own
    model = make("MLPRegressor", solver="sgd", momentum=1.0, l1_ratio=0.5, alpha=1.0)
    refused(model, ValueError, "l1_ratio.*momentum", *small)


@pytest.mark.parametrize("sizes", [(3.5,), ("a",), [[3, 4]]], ids=str)
def test_sizes_that_are_no_integers_are_refused(sizes, small):
    refused(make("MLPRegressor", hidden_layer_sizes=sizes), ValueError, "hidden_layer_sizes", *small)


@quiet
def test_weights_that_make_no_network_are_refused(small):
    X, y = small
    model = make("MLPRegressor").fit(X, y)
    model.coefs_[0] = model.coefs_[0][:, :2]
    with pytest.raises(ValueError, match="coefs_"):
        model.predict(X)
    refused(model.set_params(warm_start=True), ValueError, "coefs_", X, y)


def test_every_partial_fit_validates_parameters():
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20.0)
    net = fastnet.MLPRegressor(hidden_layer_sizes=(), random_state=0).partial_fit(X, y)
    for name, value in (("freeze", -1), ("batch_size", 0), ("clip_norm", -1.0), ("bias_init", np.nan)):
        bad = clone(net).partial_fit(X, y).set_params(**{name: value})
        with pytest.raises(ValueError, match=name):
            bad.partial_fit(X, y)
