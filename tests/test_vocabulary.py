"""Parameters that are names or objects: what they resolve to, nested parameters, and ops of a user's own."""

import copy
import pickle
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import pytest
from marks import exhaustive
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

import fastnet
from fastnet import MLPClassifier, MLPRegressor, activations, formulas, initializers, losses, optimizers, schedules
from fastnet.formulas import choice, flag, number
from fastnet.kernels import functions
from fastnet.kernels.compiling.jit import compiled_keys
from fastnet.network.architecture import Architecture
from fastnet.ops.compiled.digest import formulas_digest
from fastnet.ops.registry import Value

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

small = partial(MLPClassifier, (7, 5), max_iter=3, random_state=0, dtype="float64")
MODULES = {activations: "Activation", losses: "Loss", optimizers: "Optimizer", schedules: "Schedule",
           initializers: "Initializer"}  # fmt: skip
BEND = 0.25


def _bend(z):
    return BEND * z


@dataclass(frozen=True)
class Bent(activations.Activation):
    """max(z, slope z) and the like: an activation that only this file knows."""

    slope: float = number(0.5, 0.0, 1.0)
    derivative_of = "input"

    @staticmethod
    def function(z, parameters):
        return z if z > 0.0 else parameters[0] * z

    @staticmethod
    def derivative(z, parameters):
        return 1.0 if z > 0.0 else parameters[0]


@dataclass(frozen=True)
class Fourth(losses.Loss):
    """weight (z - y)^4 with an output that is doubled."""

    weight: float = number(0.25, 0.0)
    out_activation = "doubled"

    @staticmethod
    def value(z, y, parameters):
        return parameters[0] * (z - y) ** 4

    @staticmethod
    def gradient(z, y, parameters):
        return 4.0 * parameters[0] * (z - y) ** 3

    @staticmethod
    def link(z, parameters):
        return 2.0 * z


@dataclass(frozen=True)
class Bounded(activations.Activation):
    """tanh, from the functions that are offered for formulas, by the module's name."""

    @staticmethod
    def function(z, parameters):
        return formulas.tanh(z)

    @staticmethod
    def derivative(a, parameters):
        return 1.0 - a * a


# ---- formulas ----------------------------------------------------------------------------------------


def test_formulas_offer_every_function_that_becomes_vector_code():
    public = {name for name, f in vars(functions).items() if callable(f) and f.__module__ == functions.__name__}
    assert public == set(formulas.__all__) - {"choice", "flag", "increasing", "number"}


def test_an_activation_from_the_formulas_has_the_bits_of_the_one_that_comes_with_fastnet(digits):
    ours, theirs = (small(activation=activation).fit(*digits) for activation in (Bounded(), "tanh"))
    assert_array_equal(ours.predict_proba(digits[0]), theirs.predict_proba(digits[0]))


# ---- names and objects -------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_public_modules_hold_every_class_that_has_a_name(module):
    base = getattr(module, MODULES[module])
    assert len(module.__all__) == len(set(module.__all__)) > 2
    for name in module.__all__:
        assert issubclass(getattr(module, name), base) and issubclass(base, Value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ({"activation": "tanh"}, {"activation": activations.Tanh()}),
        ({"activation": "tanh"}, {"activation": ["tanh", activations.Tanh()]}),
        ({"activation": "logistic"}, {"activation": ("logistic", activations.Logistic())}),
        ({"init": "glorot_normal"}, {"init": initializers.GlorotNormal()}),
        ({"loss": "log_loss"}, {"loss": losses.LogLoss()}),
        ({"solver": "adam", "beta_1": 0.5, "epsilon": 1e-3}, {"solver": optimizers.Adam(beta_1=0.5, epsilon=1e-3)}),
        (
            {"solver": "sgd", "momentum": 0.3, "nesterovs_momentum": False},
            # an object carries its own values
            {"solver": optimizers.SGD(0.3, False), "momentum": 0.7},
        ),
        (
            {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
            {"solver": "sgd", "learning_rate": schedules.InverseScaling(0.3)},
        ),
        (
            {"solver": "sgd", "learning_rate": "adaptive", "tol": 10, "n_iter_no_change": 1},
            {"solver": "sgd", "learning_rate": schedules.Adaptive(), "tol": 10, "n_iter_no_change": 1},
        ),
    ],
    ids=str,
)
def test_an_object_trains_as_its_name(digits, name, given):
    a, b = small(**name).fit(*digits), small(**given).fit(*digits)
    assert same_bits(parameters(a), parameters(b)) and a.loss_curve_ == b.loss_curve_
    assert same_bits([a.predict_proba(digits[0])], [b.predict_proba(digits[0])])


def test_the_two_class_form_of_the_softmax_is_the_sigmoid(cancer):
    a, b, c = (small(loss=loss).fit(*cancer) for loss in ("log_loss", losses.LogLoss(),
                                                          losses.SigmoidCrossEntropy()))  # fmt: skip
    assert same_bits(parameters(a), parameters(b)) and same_bits(parameters(a), parameters(c))


def test_a_schedule_object_applies_to_every_optimizer(digits):
    # scikit-learn's 'adam' ignores the schedule's name
    constant = small(solver="adam", learning_rate_init=0.01).fit(*digits)
    named = small(solver="adam", learning_rate_init=0.01, learning_rate="invscaling").fit(*digits)
    objects = small(
        solver="adam", learning_rate_init=0.01, learning_rate=schedules.InverseScaling(2.0)
    ).fit(*digits)
    assert same_bits(parameters(constant), parameters(named))
    assert constant.loss_curve_[0] == objects.loss_curve_[0]
    # after the first epoch the rate is nearly 0
    assert np.ptp(objects.loss_curve_[1:]) < 1e-5 < np.ptp(constant.loss_curve_[1:])


def test_the_weights_of_each_layer_are_drawn_for_its_own_activation(digits):
    still = {"solver": "sgd", "learning_rate_init": 1e-30, "alpha": 0.0}
    plain = small(activation="tanh", **still).fit(*digits)
    mixed = small(activation=["logistic", "tanh"], **still).fit(*digits)
    assert_allclose(mixed.coefs_[0], plain.coefs_[0] / np.sqrt(3), rtol=1e-12)
    # the output layer is drawn for the activation of the layer below it
    assert same_bits(mixed.coefs_[1:], plain.coefs_[1:])


def test_layers_may_differ_in_activation_and_in_its_parameters(digits):
    X, y = digits
    given = [Bent(0.1), "tanh", Bent(0.7), activations.Identity()]
    model = MLPClassifier((9, 8, 33, 6), activation=given, max_iter=4, random_state=0, dtype="float64").fit(X, y)
    functions = [lambda z: np.where(z > 0, z, 0.1 * z), np.tanh, lambda z: np.where(z > 0, z, 0.7 * z), lambda z: z]
    slopes = [
        lambda z: np.where(z > 0, 1, 0.1),
        lambda z: 1 - np.tanh(z) ** 2,
        lambda z: np.where(z > 0, 1, 0.7),
        np.ones_like,
    ]
    passed = fastnet.inspect(model, X, y)
    a = X
    for i, layer in enumerate(passed.layers):
        assert_allclose(layer.z, a @ model.coefs_[i] + model.intercepts_[i], rtol=1e-9, atol=1e-12)
        if i < 4:
            a = functions[i](layer.z)
            assert_allclose(layer.activation, a, rtol=1e-12, atol=1e-14)
            back = passed.layers[i + 1].delta @ model.coefs_[i + 1].T
            assert_allclose(layer.delta, back * slopes[i](layer.z), rtol=1e-9, atol=1e-15)
    assert_allclose(passed.layers[-1].activation, model.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_mixed_layers_with_dropout_and_lbfgs_train(digits, solver):
    X, y = digits
    dropout = 0.2 if solver == "adam" else 0.0
    model = MLPClassifier((30, 20), activation=(Bent(0.1), "tanh"), solver=solver, dropout=dropout, max_iter=60,
                          learning_rate_init=0.01, random_state=0, dtype="float64").fit(X, y)  # fmt: skip
    assert model.score(X, y) > 0.97


# ---- refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"activation": "rely"}, "'relu'.*an instance of 'fastnet.activations.Activation'"),
        ({"activation": activations.Tanh}, "instance of 'fastnet.activations.Activation'"),
        ({"activation": losses.SquaredError()}, "'activation' parameter"),
        ({"solver": "sdg"}, "'adam'.*an instance of 'fastnet.optimizers.Optimizer'"),
        ({"solver": schedules.Constant()}, "'solver' parameter"),
        ({"learning_rate": "fast"}, "'invscaling'.*an instance of 'fastnet.schedules.Schedule'"),
        ({"init": "he"}, "'glorot_normal'.*an instance of 'fastnet.initializers.Initializer'"),
        ({"loss": "squared_error"}, "'loss' parameter of MLPClassifier must be a str among {.*'log_loss'"),
    ],
    ids=str,
)
def test_what_is_neither_name_nor_object_is_refused(digits, params, message):
    with pytest.raises(InvalidParameterError, match=message):
        small(**params).fit(*digits)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"activation": ["relu"]}, r"one for each hidden layer: got 1 for 2 hidden layer\(s\)"),
        ({"activation": ("relu",) * 3}, r"got 3 for 2 hidden layer\(s\)"),
        ({"activation": ["relu", "rely"]}, r"'activation\[1\]' parameter must be one of 'elu', 'gelu'"),
        ({"activation": ["relu", None]}, r"'activation\[1\]' parameter .* Got None"),
        ({"loss": losses.SquaredError()}, "is a loss of numbers: use one of .*'hinge'"),
        ({"loss": losses.SigmoidCrossEntropy()}, "y has 10 classes: use loss='log_loss'"),
        ({"solver": "lbfgs", "learning_rate": schedules.Adaptive()}, "has no learning rate"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_before_training(digits, params, message):
    model = small(**params)
    before = copy.copy(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(*digits)
    assert vars(model) == before


def test_a_regressor_refuses_losses_of_classes(diabetes):
    with pytest.raises(ValueError, match=r"is a loss of classes: use one of .*'squared_error'"):
        MLPRegressor(loss=losses.SigmoidCrossEntropy()).fit(*diabetes)
    with pytest.raises(ValueError, match="needs y >= 0"):
        MLPRegressor(loss=losses.Poisson()).fit(*diabetes)


def test_an_architecture_has_one_activation_a_hidden_layer():
    relu, loss = activations.ReLU(), losses.SquaredError()
    assert Architecture((3, 4, 5, 1), relu, loss).activations == (relu, relu)
    assert Architecture((3, 1), relu, loss).activations == ()
    with pytest.raises(ValueError, match="1 activations do not go with 2 hidden"):
        Architecture((3, 4, 5, 1), (relu,), loss)


# ---- values ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thing(Value):
    rate: float = number(0.5, 0.0, 1.0, closed="left")
    count: int = number(3, 1, integral=True)
    kind: str = choice("none", "none", "tanh")
    on: bool = flag(True)


def test_values_print_as_written_and_check_their_parameters():
    assert repr(Thing()) == "Thing()"
    assert repr(Thing(0.25, on=False)) == "Thing(rate=0.25, on=False)"
    assert repr(Thing(np.float32(0.25), np.int64(4))) == "Thing(rate=0.25, count=4)"
    assert repr(Thing(rate=0)) == "Thing(rate=0.0)"
    for params, message in [
        ({"rate": 1.0}, r"The 'rate' parameter of Thing must be a number in the range \[0.0, 1.0\). Got 1.0 instead."),
        ({"rate": np.nan}, "Got nan"),
        ({"rate": True}, "Got True"),
        ({"count": 0}, r"an integer in the range \[1, inf\). Got 0"),
        ({"count": 2.0}, "Got 2.0"),
        ({"kind": "sigh"}, "one of 'none', 'tanh'. Got 'sigh'"),
        ({"on": 1}, "one of True, False. Got 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            Thing(**params)
    assert Thing(on=np.True_).on and Thing(count=np.int8(2)).count == 2


def test_what_a_subclass_forgets_is_said():
    class Undecorated(activations.Tanh):
        slope: float = 0.5

    with pytest.raises(TypeError, match=r"'slope' is no parameter of Undecorated yet: decorate it with @dataclass"):
        Undecorated()

    @dataclass(frozen=True)
    class Flat(activations.Activation):
        @staticmethod
        def function(z, parameters):
            return z

    with pytest.raises(TypeError, match="Flat has no derivative"):
        Flat()

    @dataclass(frozen=True)
    class Rich(activations.Tanh):
        a: float = 1.0
        b: float = 1.0
        c: float = 1.0
        d: float = 1.0
        e: float = 1.0

    with pytest.raises(TypeError, match="Rich has 5 parameters: at most 4"):
        Rich()
    for given in (10**400, "half", None):
        with pytest.raises(ValueError, match="Parameters of Rich must be numbers.*: declare each with number"):
            Rich(given)


# ---- nested parameters -------------------------------------------------------------------------------


def test_nested_parameters_are_seen_and_replaced():
    first = optimizers.Adam(beta_2=0.9)
    model = small(solver=first, activation=Bent(), learning_rate=schedules.InverseScaling())
    deep = model.get_params()
    assert deep["solver__beta_1"] == 0.9 and deep["activation__slope"] == 0.5 and deep["learning_rate__power_t"] == 0.5
    assert "solver__beta_1" not in model.get_params(deep=False)
    assert model.set_params(solver__beta_1=0.3, solver__epsilon=1e-4, activation__slope=0.1, alpha=0.5) is model
    assert model.solver == optimizers.Adam(0.3, 0.9, 1e-4) and first == optimizers.Adam(beta_2=0.9)
    assert model.activation == Bent(0.1) and model.alpha == 0.5
    # an object that comes in the same call is changed, in any order
    model.set_params(solver__momentum=0.2, solver=optimizers.SGD(nesterov=False))
    assert model.solver == optimizers.SGD(0.2, False)
    assert model.set_params() is model
    pipe = make_pipeline(StandardScaler(), model).set_params(mlpclassifier__solver__momentum=0.4)
    assert pipe[-1].solver.momentum == 0.4


def test_nested_parameters_that_are_none_are_refused():
    model = small(solver=optimizers.Adam())
    for params, message in [
        ({"solver__momentum": 1}, r"Invalid parameter 'momentum' of solver=Adam\(\).*\['beta_1', 'beta_2',"),
        ({"solver__beta_1": 1.0}, "The 'beta_1' parameter of Adam must be"),
        ({"activation__slope": 1.0}, "needs an object with a parameter 'slope', got activation='relu'"),
        ({"nothing__slope": 1.0}, "Invalid parameter 'nothing'"),
        ({"nothing": 1.0}, "Invalid parameter 'nothing'"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.set_params(**params)
    assert model.solver == optimizers.Adam()


def test_objects_live_in_a_grid(digits):
    X, y = digits
    grid = [
        {"solver": [optimizers.Adam(), optimizers.SGD(0.5)], "activation": ["tanh", Bent(), ("tanh", Bent(0.2))]},
        {"solver": [optimizers.Adam()], "solver__beta_1": [0.5, 0.8]},
        {"activation": [Bent()], "activation__slope": [0.1, 0.3]},
    ]
    search = GridSearchCV(small(learning_rate_init=0.01), grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 10
    found = clone(search.best_estimator_).fit(X, y)
    assert same_bits(parameters(found), parameters(search.best_estimator_))


def test_estimators_with_objects_clone_pickle_and_print(digits):
    model = small(activation=[Bent(0.2), "relu"], solver=optimizers.Adam(beta_1=0.5), loss=losses.LogLoss())
    text = repr(model)
    assert "activation=[Bent(slope=0.2), 'relu']" in text and "solver=Adam(beta_1=0.5)" in text
    for twin in (clone(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.get_params() == model.get_params()
        assert same_bits(parameters(twin.fit(*digits)), parameters(clone(model).fit(*digits)))
    again = pickle.loads(pickle.dumps(model.fit(*digits)))
    assert same_bits([again.predict_proba(digits[0])], [model.predict_proba(digits[0])])
    assert same_bits(parameters(again.partial_fit(*digits)), parameters(model.partial_fit(*digits)))


# ---- changes between fits ----------------------------------------------------------------------------


def test_a_fitted_network_predicts_with_what_it_was_fitted_with(digits):
    model = small(activation="tanh").fit(*digits)
    before = model.predict_proba(digits[0])
    model.set_params(activation="relu")
    assert same_bits([model.predict_proba(digits[0])], [before])


def test_a_warm_start_puts_a_new_activation_on_the_old_weights(digits):
    X, y = digits
    still = {"learning_rate_init": 1e-30, "solver": "sgd"}
    model = small(activation="tanh").fit(X, y).set_params(activation="relu", warm_start=True, **still).fit(X, y)
    (u, v, w), (a, b, c) = model.coefs_, model.intercepts_
    z = np.maximum(np.maximum(X @ u + a, 0) @ v + b, 0) @ w + c
    assert_allclose(model.predict_log_proba(X), z - np.log(np.exp(z).sum(axis=1, keepdims=True)), rtol=1e-9)


def test_a_warm_start_takes_another_loss_of_the_same_output_only(diabetes):
    X, y = diabetes
    model = MLPRegressor(hidden_layer_sizes=(5,), warm_start=True, max_iter=3, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="output activation is 'identity'"):
        model.set_params(loss="poisson").fit(X, np.abs(y))
    model.set_params(loss=Same()).fit(X, y)
    assert len(model.loss_curve_) == 6


class Same(losses.SquaredError):
    """Another loss with the squared error's output."""


# ---- a user's own ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", *exhaustive(["float64"])])
def test_a_users_loss_trains_and_predicts(diabetes, dtype):
    X, y = diabetes
    model = MLPRegressor(loss=Fourth(0.5), hidden_layer_sizes=(), dtype=dtype, random_state=0, max_iter=400, alpha=0,
                         solver="lbfgs").fit(X, y)  # fmt: skip
    assert model.out_activation_ == "doubled"
    w, b = model.coefs_[0], model.intercepts_[0]
    z = (X @ w + b)[:, 0]
    assert_allclose(model.predict(X), 2 * z, rtol=1e-5, atol=1e-6)
    assert_allclose(model.loss_, np.mean(0.5 * (z - y) ** 4), rtol=1e-4)
    # at the minimum the gradient vanishes
    assert np.abs(X.T @ (2 * (z - y) ** 3) / len(X)).max() < 0.01
    assert same_bits([pickle.loads(pickle.dumps(model)).predict(X)], [model.predict(X)])


@pytest.mark.exhaustive  # that they can be pickled is shown above
def test_a_users_ops_work_in_other_processes(digits, diabetes):
    model = small(activation=Bent(0.2))
    alone = cross_val_score(model, *digits, cv=2)
    assert_allclose(cross_val_score(model, *digits, cv=2, n_jobs=2), alone, rtol=0)
    grid = {"loss": [Fourth(0.1), Fourth(0.5)], "loss__weight": [0.2, 0.3]}
    model = MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, random_state=0)
    scores = [GridSearchCV(model, grid, cv=2, n_jobs=n).fit(*diabetes).cv_results_ for n in (1, 2)]
    assert_allclose(scores[0]["mean_test_score"], scores[1]["mean_test_score"], rtol=0)


def test_parameters_of_a_users_op_compile_nothing(digits):
    small(activation=Bent(0.2)).fit(*digits)
    before = set(compiled_keys())
    small(activation=[Bent(0.3), Bent(0.9)]).fit(*digits)
    assert set(compiled_keys()) == before


def own_activation(scale):
    """A class of the same name each time, whose formula reads what is around it."""

    @dataclass(frozen=True)
    class Own(activations.Activation):
        @staticmethod
        def function(z, parameters):
            return scale * z

        @staticmethod
        def derivative(a, parameters):
            return scale

    return Own()


@dataclass(frozen=True)
class Clipped(activations.Activation):
    @staticmethod
    def function(z, parameters):
        return z.clip(0.0, 1.0)  # an array has it, a number has not

    derivative = function


def test_a_formula_that_does_not_compile_is_named_with_what_may_stand_in_it(diabetes):
    X, y = diabetes
    model = MLPRegressor(activation=Clipped(), max_iter=1)
    with pytest.raises(TypeError, match=r"The formulas of Clipped\(\) do not compile: they must be plain arithmetic"):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


def test_a_parameter_within_a_sequence_cannot_be_reached():
    model = MLPRegressor((3, 3), activation=[activations.ELU(), "tanh"])
    with pytest.raises(ValueError, match="'activation__alpha' needs an object.*Set the whole sequence"):
        model.set_params(activation__alpha=2.0)


def test_two_formulas_of_one_name_do_not_share_their_code(diabetes):
    X, y = diabetes
    still = {"solver": "sgd", "learning_rate_init": 1e-30, "random_state": 0, "hidden_layer_sizes": (4,),
             "dtype": "float64", "max_iter": 1}  # fmt: skip
    for scale in (2.0, 3.0):
        model = MLPRegressor(activation=own_activation(scale), **still).fit(X, y)
        (w, v), (b, c) = model.coefs_, model.intercepts_
        assert_allclose(model.predict(X), ((scale * (X @ w + b)) @ v + c)[:, 0], rtol=1e-9)


def test_the_digest_follows_what_a_formula_reads(monkeypatch):
    @dataclass(frozen=True)
    class Reader(activations.Activation):
        @staticmethod
        def function(z, parameters):
            return BEND * z

        @staticmethod
        def derivative(a, parameters):
            return _bend(1.0)

    digests = [formulas_digest(Reader()) for _ in range(2)]
    monkeypatch.setitem(globals(), "BEND", 0.5)
    digests.append(formulas_digest(Reader()))
    monkeypatch.setitem(globals(), "_bend", lambda z: z)
    digests.append(formulas_digest(Reader()))
    assert digests[0] == digests[1] and len(set(digests)) == 3
    assert formulas_digest(Bent(0.1)) == formulas_digest(Bent(0.7)) != formulas_digest(activations.ReLU())


def test_formulas_need_no_module(diabetes):
    source = """
from fastnet.activations import Activation
class Half(Activation):
    @staticmethod
    def function(z, parameters):
        return 0.5 * z
    @staticmethod
    def derivative(a, parameters):
        return 0.5
"""
    namespace = {}
    exec(source, namespace)  # as doctests and some consoles do: no __name__
    assert namespace["Half"].function.__module__ is None
    model = MLPRegressor(hidden_layer_sizes=(4,), activation=namespace["Half"](), max_iter=1).fit(*diabetes)
    (w, v), (b, c) = model.coefs_, model.intercepts_
    assert_allclose(model.predict(diabetes[0]), (0.5 * (diabetes[0] @ w + b) @ v + c)[:, 0], rtol=1e-4, atol=1e-4)


def test_the_digest_follows_the_derivative_by_a_learnt_parameter():
    @dataclass(frozen=True)
    class Same(activations.PReLU):
        pass

    @dataclass(frozen=True)
    class Other(activations.PReLU):
        @staticmethod
        def by_parameter(z, parameters):
            return 2.0 * z

    assert formulas_digest(activations.PReLU()) == formulas_digest(Same()) != formulas_digest(Other())


def test_a_learnt_parameter_is_the_first_and_reads_the_input():
    def learnt(**attributes):
        return type("Learnt", (activations.LeakyReLU,), {"per_unit": True, **attributes})

    good = {"derivative_of": "input", "by_parameter": staticmethod(lambda z, parameters: z)}
    assert learnt(**good)().formulas == ("function", "derivative", "by_parameter")
    with pytest.raises(TypeError, match="Learnt has no by_parameter: write it as a static method"):
        learnt(derivative_of="input")()
    with pytest.raises(TypeError, match="Learnt with per_unit=True must have a parameter.* derivative_of='input'"):
        learnt(**good | {"derivative_of": "output"})()
    with pytest.raises(TypeError, match="must have a parameter, the first of which its units learn"):
        type("Learnt", (activations.ReLU,), {"per_unit": True, **good})()


def test_named_constants_of_a_formula_take_the_dtype_of_the_net():
    from numba import carray, cfunc, types

    from fastnet.kernels.compiling.jit import retyped

    def scaled(z, parameters):
        return BEND * z

    function, pointer = retyped(scaled, np.dtype(np.float32)), types.CPointer(types.float32)

    def once(x):
        x = carray(x, 1)
        x[0] = function(x[0], (x[0],))

    assert "double" not in cfunc(types.void(pointer), cache=False)(once).inspect_llvm()


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_every_public_class_says_what_its_parameters_are(module):
    for name in module.__all__[1:]:
        text = getattr(module, name).__doc__
        assert text and all(f.name in text for f in fields(getattr(module, name))), name
