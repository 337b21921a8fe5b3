"""Words of other libraries, and slips, are refused with the word that is meant."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastnet
from fastnet import activations, initializers, losses, optimizers
from fastnet.ops.losses import LOSSES
from fastnet.ops.suggestions import ALIASES

X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 3


class ReLU:
    """As of another library."""


def of_another_library(x):
    return x


of_another_library.__name__ = "sigmoid"

VALUES = [
    ({"activation": "sigmoid"}, "'logistic'"),
    ({"activation": "rleu"}, "'relu'"),
    ({"activation": "LeakyReLU"}, "'leaky_relu'"),
    ({"activation": activations.GELU}, r"write GELU\(\)"),
    ({"activation": ["sigmoid"]}, "'logistic'"),
    ({"activation": [activations.GELU]}, r"write GELU\(\)"),
    ({"activation": ReLU()}, "'relu'"),
    ({"activation": ReLU}, "'relu'"),
    ({"activation": of_another_library}, "'logistic'"),
    ({"loss": "cross_entropy"}, "'log_loss'"),
    ({"loss": "mse"}, "'squared_error' is a loss of numbers: use MLPRegressor"),
    ({"loss": losses.LogLoss}, r"write LogLoss\(\)"),
    ({"init": "xavier"}, "'glorot_uniform'"),
    ({"output_init": initializers.Zeros}, r"write Zeros\(\)"),
    ({"solver": "Adam"}, "'adam'"),
    ({"solver": optimizers.AdamW}, r"write AdamW\(\)"),
    ({"learning_rate": 0.01}, "say learning_rate_init=0.01"),
    ({"learning_rate": "ReduceLROnPlateau"}, "'reduce_on_plateau'"),
    ({"validation_split": 0.2}, "say validation_fraction=0.2"),
    ({"early_stopping": 5}, "n_iter_no_change=5"),
    ({"normalization": "BatchNorm"}, "'batch'"),
    ({"normalization": True}, "normalization='batch'"),
    ({"dtype": "double"}, "'float64'"),
    ({"scoring": "acuracy"}, "'accuracy'"),
]


def name_of(value):
    return value if isinstance(value, str) else next(iter(value))


@pytest.mark.parametrize(("params", "match"), VALUES, ids=name_of)
def test_a_value_that_is_none_is_refused_with_the_one_that_is_meant(params, match):
    with pytest.raises(ValueError, match=match) as caught:
        fastnet.MLPClassifier(hidden_layer_sizes=4, **params).fit(X, Y)
    assert "fastnet.ops" not in str(caught.value) and "fastnet.estimators" not in str(caught.value)


def test_names_stand_in_the_order_of_the_alphabet():
    for params in ({"solver": "newton"}, {"activation": ["newton"]}):
        with pytest.raises(ValueError) as caught:
            fastnet.MLPRegressor(hidden_layer_sizes=4, **params).fit(X, Y)
        names = str(caught.value).split("'")[3::2]
        names = names[: next(i for i, name in enumerate(names) if "." in name or "newton" in name)]
        assert len(names) > 10 or names == sorted(names)
        assert names == sorted(names)


@pytest.mark.parametrize("value", ["newton", "xyz", "q", ""])
def test_nothing_is_suggested_for_what_is_like_nothing(value):
    with pytest.raises(ValueError) as caught:
        fastnet.MLPRegressor(activation=value).fit(X, Y)
    assert "mean" not in str(caught.value)


def test_every_alias_leads_to_a_name_that_there_is():
    constraints = {**fastnet.MLPClassifier._parameter_constraints}
    for parameter, aliases in ALIASES.items():
        names = {name for name in LOSSES if not LOSSES[name].is_form} if parameter == "loss" else set()
        for one in constraints[parameter]:
            names |= set(getattr(one, "options", ()))
        assert set(aliases.values()) <= names, parameter
        assert not set(aliases) & {name.replace("_", "") for name in names}, parameter


PARAMETERS = [
    ("lr", "learning_rate_init"),
    ("epochs", "max_iter"),
    ("optimizer", "solver"),
    ("hidden_layer_size", "hidden_layer_sizes"),
    ("weight_decay", "alpha"),
    ("seed", "random_state"),
    ("patience", "n_iter_no_change"),
    ("batchsize", "batch_size"),
    ("dropout_rate", "dropout"),
]


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor", "TabularMLPClassifier", "TabularMLPRegressor"])
@pytest.mark.parametrize(("given", "meant"), PARAMETERS)
def test_a_parameter_that_is_none_is_refused_with_the_one_that_is_meant(name, given, meant):
    Estimator = getattr(fastnet, name)
    with pytest.raises(TypeError, match=f"^{name} has no parameter '{given}': did you mean {meant}"):
        Estimator(**{given: 1})
    with pytest.raises(ValueError, match=f"Invalid parameter '{given}'.* Did you mean {meant}"):
        Estimator().set_params(**{given: 1})


def test_one_word_may_stand_for_two_parameters():
    with pytest.raises(TypeError, match="no parameter 'betas': did you mean beta_1 and beta_2"):
        fastnet.MLPRegressor(betas=(0.9, 0.99))


def test_a_parameter_like_none_is_refused_with_all_of_them():
    with pytest.raises(TypeError, match="^MLPClassifier has no parameter 'qqq'. Its parameters are activation, alpha"):
        fastnet.MLPClassifier(qqq=1)
    with pytest.raises(ValueError, match=r"Valid parameters are: \[.*\]\.$"):
        fastnet.MLPClassifier().set_params(qqq=1)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor", "TabularMLPRegressor"])
def test_an_argument_of_fit_that_is_none_is_refused_with_the_one_that_is_meant(name):
    net = getattr(fastnet, name)()
    for given, meant in [
        ("validation_data", "say X_val and y_val"),
        ("eval_set", "say X_val and y_val"),
        ("sample_weights", "say sample_weight"),
        ("max_iter", "it is a parameter of the estimator, say max_iter"),
        ("epochs", "it is a parameter of the estimator, say max_iter"),
        ("qqq", "Its arguments are X, y"),
    ]:
        with pytest.raises(TypeError, match=rf"^{name}\.fit has no argument '{given}'.*{meant}"):
            net.fit(X, Y, **{given: 1})
    assert not hasattr(net, "n_features_in_")


def test_subclasses_with_parameters_of_their_own_are_not_in_the_way():
    class Mine(fastnet.MLPClassifier):
        def __init__(self, lr=1, **others):
            super().__init__(**others)
            self.lr = lr

    assert Mine(lr=2, max_iter=3).lr == 2


def test_numbers_that_measure_are_no_classes_and_the_message_is_short():
    for y in (Y + 0.5, np.column_stack([Y, Y]) + 0.25):
        with pytest.raises(ValueError, match="^Unknown label type: continuous.*use MLPRegressor") as caught:
            fastnet.MLPClassifier().fit(X, y)
        assert len(str(caught.value)) < 250


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_missing_targets_are_refused_with_the_remedy(name):
    y = np.where(Y == 1, np.nan, Y)
    with pytest.raises(ValueError, match="^Input y contains NaN: leave out"):
        getattr(fastnet, name)().fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_one_hot_targets_are_told_in_the_users_line():
    net = fastnet.MLPClassifier(hidden_layer_sizes=4, max_iter=2)
    for model in (net, make_pipeline(StandardScaler(), net)):
        with pytest.warns(UserWarning, match=r"^y looks one-hot encoded.*y.argmax\(axis=1\)") as caught:
            model.fit(X, np.eye(3)[Y])
        assert caught[0].filename == __file__
    several = np.eye(3)[Y]
    several[0] = 1
    net.fit(X, several)  # really several labels: no warning


def test_early_stopping_beside_lbfgs_is_told_in_the_users_line():
    net = fastnet.MLPClassifier(hidden_layer_sizes=2, solver="lbfgs", early_stopping=True, max_iter=1000, tol=0.1)
    with pytest.warns(UserWarning, match="^early_stopping=True has no effect with solver='lbfgs'") as caught:
        make_pipeline(StandardScaler(), net).fit(X, Y)
    assert [w.filename for w in caught] == [__file__]
