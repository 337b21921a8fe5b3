"""To scikit-learn and back: the same predictions, and training that goes on."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import fastnet
from fastnet.activations import Tanh
from fastnet.losses import LogLoss
from fastnet.optimizers import SGD, Adam
from fastnet.schedules import Adaptive, Cosine, InverseScaling

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
QUICK = {"hidden_layer_sizes": (6, 5), "max_iter": 4, "random_state": 3, "learning_rate_init": 0.01}


def problem(kind, dtype=np.float64):
    """(name of the class, parameters, X, y)"""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 7)).astype(dtype)
    z = X @ rng.normal(size=(7, 3))
    return {
        "binary": ("MLPClassifier", {}, X, np.where(z[:, 0] > 0, "yes", "no")),
        "multiclass": ("MLPClassifier", {}, X, np.array([7, 3, 5])[z.argmax(axis=1)]),
        "multilabel": ("MLPClassifier", {}, X, (z > 0).astype(int)),
        "regression": ("MLPRegressor", {}, X, z[:, 0]),
        "several outputs": ("MLPRegressor", {}, X, z),
        "poisson": ("MLPRegressor", {"loss": "poisson"}, X, rng.poisson(np.exp(0.3 * z[:, 0]))),
    }[kind]


KINDS = ["binary", "multiclass", "multilabel", "regression", "several outputs", "poisson"]


def assert_same_predictions(a, b, X):
    tolerance = {"rtol": 1e-6, "atol": 1e-6}
    for rows in (X, sp.csr_array(X)):
        if hasattr(a, "classes_"):
            assert_array_equal(a.predict(rows), b.predict(rows))
            assert_allclose(a.predict_proba(rows), b.predict_proba(rows), **tolerance)
            assert_allclose(a.predict_log_proba(rows), b.predict_log_proba(rows), rtol=1e-5, atol=1e-5)
        else:
            assert_allclose(a.predict(rows), b.predict(rows), **tolerance)


def assert_same_attributes(a, b):
    names, others = ({name for name in vars(m) if name[-1] == "_" and name[0] != "_"} for m in (a, b))
    assert names ^ others <= {"stop_reason_", "history_"}
    for name in names & others - {"coefs_", "intercepts_"}:
        assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
        if isinstance(getattr(a, name), (list, np.ndarray)):
            assert getattr(a, name) is not getattr(b, name), name
    assert same_bits(parameters(a), parameters(b))
    assert not any(np.shares_memory(p, q) for p, q in zip(parameters(a), parameters(b), strict=True))


# ---- fitted networks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_predictions_of_scikit_learns_networks_are_kept(kind, activation, dtype):
    name, params, X, y = problem(kind, dtype)
    mlp = getattr(neural_network, name)(activation=activation, **params, **QUICK).fit(X, y)
    net = fastnet.from_sklearn(mlp)
    assert type(net) is getattr(fastnet, name)
    assert_same_predictions(net, mlp, X)
    assert_same_attributes(net, mlp)
    assert net.coefs_[0].dtype == dtype
    ours = net.get_params()
    assert ours["dtype"] == "input"
    assert {key: ours[key] for key in mlp.get_params()} == mlp.get_params()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_predictions_of_fastnets_networks_are_kept(kind, activation, dtype):
    name, params, X, y = problem(kind, dtype)
    net = getattr(fastnet, name)(activation=activation, dtype=dtype, n_jobs=1, **params, **QUICK).fit(X, y)
    mlp = net.to_sklearn()
    assert type(mlp) is getattr(neural_network, name)
    assert_same_predictions(net, mlp, X)
    assert_same_attributes(net, mlp)
    theirs = mlp.get_params()
    assert theirs == {key: net.get_params()[key] for key in theirs}
    # there and back
    again = fastnet.from_sklearn(mlp)
    assert again.set_params(dtype=dtype, n_jobs=1).get_params() == net.get_params()
    assert same_bits([again.predict(X)] if name == "MLPRegressor" else [again.predict_proba(X)],
                     [net.predict(X)] if name == "MLPRegressor" else [net.predict_proba(X)])  # fmt: skip


@pytest.mark.parametrize("params", [{"solver": "lbfgs"}, {"early_stopping": True}, {"hidden_layer_sizes": ()}], ids=str)
@pytest.mark.parametrize("kind", ["multiclass", "several outputs"])
def test_other_ways_to_train_are_kept(kind, params):
    name, _, X, y = problem(kind)
    mlp = getattr(neural_network, name)(**{**QUICK, **params}).fit(X, y)
    net = fastnet.from_sklearn(mlp)
    assert_same_predictions(net, mlp, X)
    assert_same_attributes(net, mlp)
    assert_same_attributes(net.to_sklearn(), mlp)


def test_names_of_features_and_sparse_labels_are_kept():
    pd = pytest.importorskip("pandas")
    X, y = make_multilabel_classification(60, 4, n_classes=3, random_state=0)
    X = pd.DataFrame(X, columns=list("abcd"))
    mlp = neural_network.MLPClassifier(**QUICK).fit(X, sp.csr_matrix(y))
    net = fastnet.from_sklearn(mlp)
    assert list(net.feature_names_in_) == list("abcd")
    assert sp.issparse(net.predict(X)) and (net.predict(X) != mlp.predict(X)).nnz == 0
    with pytest.raises(ValueError, match="feature names"):
        net.predict(X[list("dcba")])


# ---- training goes on ---------------------------------------------------------------------------------

SOLVERS = [
    {"solver": "adam"},
    {"solver": "adam", "beta_1": 0.7, "beta_2": 0.99, "epsilon": 1e-4},
    {"solver": "sgd"},
    {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    # the rate falls while the first part trains
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1},
]


def go_on(model, X, y):
    for part in np.split(np.arange(120), 3):
        model.partial_fit(X[part], y[part])
    return model


@pytest.mark.parametrize("params", SOLVERS, ids=str)
@pytest.mark.parametrize("kind", ["multiclass", "several outputs"])
@pytest.mark.parametrize("direction", ["from", "to"])
def test_partial_fit_goes_on_with_the_optimizers_moments(direction, kind, params):
    name, _, X, y = problem(kind)
    params = {**QUICK, "shuffle": False, "batch_size": 16, "max_iter": 10, **params}
    if direction == "from":
        source = getattr(neural_network, name)(**params).fit(X, y)
        copy = fastnet.from_sklearn(source)
    else:
        source = getattr(fastnet, name)(dtype="float64", **params).fit(X, y)
        copy = source.to_sklearn()
    before = pickle.dumps(source)
    fresh = clone(source).set_params(**params)  # without moments it would come out otherwise
    fresh.partial_fit(X, y, **({"classes": np.unique(y)} if "Cl" in name else {}))
    for attribute in ("coefs_", "intercepts_"):
        for new, old in zip(getattr(fresh, attribute), getattr(source, attribute), strict=True):
            new[:] = old
    del fresh._optimizer
    go_on(copy, X, y)
    assert pickle.dumps(source) == before
    go_on(source, X, y)
    go_on(fresh, X, y)
    for a, b in zip(parameters(copy), parameters(source), strict=True):
        assert_allclose(a, b, rtol=1e-7, atol=1e-9)
    assert max(np.abs(a - b).max() for a, b in zip(parameters(fresh), parameters(source), strict=True)) > 1e-4
    assert_allclose(copy.loss_curve_, source.loss_curve_, rtol=1e-7)
    assert (copy.t_, copy.n_iter_) == (source.t_, source.n_iter_)


def test_early_stopping_goes_on_in_scikit_learn():
    name, _, X, y = problem("multiclass")
    net = fastnet.MLPClassifier(warm_start=True, early_stopping=True, **QUICK).fit(X, y)
    best = net.best_validation_score_
    mlp = net.to_sklearn()
    mlp.set_params(learning_rate_init=1e-12).fit(X, y)  # no better than before, whose weights come back
    assert mlp.best_validation_score_ >= best and len(mlp.validation_scores_) > len(net.validation_scores_)
    assert_same_predictions(net, mlp, X)


def test_an_average_of_the_weights_is_what_is_converted():
    name, _, X, y = problem("regression")
    net = fastnet.MLPRegressor(ema_decay=0.9, **QUICK).fit(X, y)
    with pytest.warns(UserWarning, match="ema_decay=0.9"):
        assert_same_predictions(net, net.to_sklearn(), X)


# ---- parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_unfitted_estimators(name):
    mlp = getattr(neural_network, name)(
        hidden_layer_sizes=(3, 4), activation="tanh", alpha=0.5, random_state=np.random.RandomState(0)
    )
    net = fastnet.from_sklearn(mlp)
    assert not hasattr(net, "coefs_")
    assert net.random_state is not mlp.random_state
    back = net.set_params(random_state=0).to_sklearn()
    assert back.get_params() == mlp.set_params(random_state=0).get_params()
    assert getattr(fastnet, name)().to_sklearn().get_params() == type(mlp)().get_params()


def test_a_converted_estimator_trains_as_the_original():
    name, _, X, y = problem("multiclass")
    mlp = neural_network.MLPClassifier(**QUICK)
    net = fastnet.from_sklearn(mlp).fit(X, y)
    assert_allclose(net.loss_curve_, mlp.fit(X, y).loss_curve_, rtol=1e-7)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"activation": Tanh()}, {"activation": "tanh"}),
        ({"activation": ["tanh", "tanh"], "hidden_layer_sizes": (4, 3)}, {"activation": "tanh"}),
        ({"solver": Adam(beta_1=0.8)}, {"solver": "adam", "beta_1": 0.8}),
        ({"solver": SGD(momentum=0.3, nesterov=False)},
         {"solver": "sgd", "momentum": 0.3, "nesterovs_momentum": False}),
        ({"solver": "sgd", "learning_rate": InverseScaling(power_t=0.2)},
         {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.2}),
        ({"solver": "sgd", "learning_rate": Adaptive()}, {"solver": "sgd", "learning_rate": "adaptive"}),
        ({"learning_rate": "adaptive"}, {"learning_rate": "adaptive"}),  # which 'adam' ignores, here as there
        ({"alpha": [0.5, 0.5]}, {"alpha": 0.5}),
        ({"dropout": [0.0], "drop_connect": [0.0, 0.0]}, {}),
        ({"loss": LogLoss()}, {}),
        ({"n_iter_no_change": np.inf}, {"n_iter_no_change": np.inf}),
        ({"n_iter_no_change": None}, {"n_iter_no_change": np.inf}),
        ({"dtype": "float64", "n_jobs": 2}, {}),
    ],
    ids=str,
)  # fmt: skip
def test_other_words_for_the_same(ours, theirs):
    expected = neural_network.MLPClassifier((4,)).set_params(**theirs).get_params()
    params = fastnet.MLPClassifier((4,)).set_params(**ours).to_sklearn().get_params()
    assert params | {"hidden_layer_sizes": (4,)} == expected


class Flat:
    """A callable that prints alike in every process, so that test runners can share its tests out."""

    def __call__(self, progress):
        return 1.0

    def __repr__(self):
        return "flat"


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "adamw"}, {"solver": SGD(averaged=True)}, {"learning_rate": "cosine"}, {"learning_rate": Cosine()},
        {"learning_rate": Flat()}, {"solver": Adam(), "learning_rate": Adaptive()}, {"warmup": 1},
        {"max_time": 100.0}, {"early_stopping": True, "scoring": "loss"}, {"restore_best_weights": False},
        {"early_stopping": True, "validation_split": "last"},
        {"l1_ratio": 0.5}, {"clip_value": 1.0}, {"clip_norm": 1.0}, {"max_norm": 3.0}, {"ema_decay": 0.9},
        {"dropout": 0.5}, {"dropout": [0.2]}, {"input_dropout": 0.1}, {"drop_connect": 0.1}, {"input_noise": 0.1},
        {"init": "he_uniform"}, {"bias_init": 0.0}, {"rate_factors": [1.0, 0.5]}, {"bias_rate_factor": 0.1},
        {"dropout": 0.1, "dropout_schedule": "cosine"},
        {"output_init": "zeros"}, {"use_bias": False}, {"freeze": 1}, {"alpha": [0.1, 0.2]},
        {"batch_size": None}, {"class_weight": {0: 2, 1: 1}}, {"loss": LogLoss(label_smoothing=0.1)},
    ],
    ids=str,
)  # fmt: skip
def test_what_only_training_knows_is_refused_before_a_fit_and_left_out_after_it(params):
    _, _, X, y = problem("binary")
    y = (y == "yes").astype(int)
    name = next(reversed(params))
    net = fastnet.MLPClassifier(**{**QUICK, "hidden_layer_sizes": (4,), **params})
    refusal = f"scikit-learn's MLPClassifier cannot train with .*{name}=.*before you convert"
    with pytest.raises(ValueError, match=refusal):
        net.to_sklearn()
    net.fit(X, y)
    with pytest.warns(UserWarning, match=f"cannot train with .*{name}=.*predicts the same") as caught:
        mlp = net.to_sklearn()
    assert len(caught) == 1 and caught[0].filename == __file__
    assert_same_predictions(net, mlp, X)
    # valid, and able to go on
    if not mlp.early_stopping:
        mlp.partial_fit(X, y)
    clone(mlp).fit(X, y)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "gamma", "tweedie"])
def test_losses_with_a_known_link_keep_their_predictions(loss):
    _, _, X, y = problem("poisson")
    net = fastnet.MLPRegressor(loss, **QUICK).fit(X, y + 1.0)
    with pytest.warns(UserWarning, match=f"cannot train with loss='{loss}'"):
        mlp = net.to_sklearn()
    assert mlp.loss == ("poisson" if loss in ("gamma", "tweedie") else "squared_error")
    assert_same_predictions(net, mlp, X)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"activation": "elu"}, r"activation=ELU\(\) cannot be converted"),
        ({"activation": ["relu", "tanh"]}, r"one activation for all layers.*activation=\[ReLU\(\), Tanh\(\)\]"),
        ({"activation": "prelu"}, r"activation=PReLU\(\) cannot be converted"),
        ({"normalization": "batch"}, "scikit-learn's MLPClassifier cannot predict with normalization='batch'"),
        ({"residual": True}, "scikit-learn's MLPClassifier cannot predict with residual=True"),
        ({"loss": "hinge"}, "scikit-learn's MLPClassifier cannot predict with loss="),
    ],
    ids=str,
)
@pytest.mark.parametrize("fitted", [False, True])
def test_what_scikit_learn_cannot_predict_is_refused(params, match, fitted):
    _, _, X, y = problem("multiclass")
    net = fastnet.MLPClassifier(**{**QUICK, "hidden_layer_sizes": (6, 6), **params})
    if fitted:
        net.fit(X, y)
        other = {"activation": "relu", "residual": False, "loss": "log_loss", "normalization": None}
        net.set_params(**{name: other[name] for name in params})  # it still predicts with what it was fitted with
        before = pickle.dumps(net)
    with pytest.raises(ValueError, match=match):
        net.to_sklearn()
    if fitted:
        assert pickle.dumps(net) == before


def test_calibrated_probabilities_and_columns_of_classes_are_refused():
    _, _, X, y = problem("multiclass")
    net = fastnet.MLPClassifier(calibration="temperature", **QUICK)
    with pytest.raises(ValueError, match="cannot predict with calibration='temperature'"):
        net.to_sklearn()
    net.fit(X, y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="cannot predict with temperature_="):
        net.set_params(calibration=None).to_sklearn()
    net = fastnet.MLPClassifier(**QUICK).fit(X, np.column_stack([y, y % 2]))
    with pytest.raises(ValueError, match="has no such targets: y has several columns of classes"):
        net.to_sklearn()


def test_a_changed_activation_does_not_change_the_fitted_network():
    _, _, X, y = problem("regression")
    net = fastnet.MLPRegressor(activation="tanh", **QUICK).fit(X, y).set_params(activation="relu")
    mlp = net.to_sklearn()
    assert mlp.activation == "tanh"
    assert_same_predictions(net, mlp, X)


@pytest.mark.parametrize(
    "mlp",
    [LogisticRegression(), make_pipeline(neural_network.MLPClassifier()), fastnet.MLPClassifier(), None,
     neural_network.MLPClassifier],
    ids=lambda mlp: type(mlp).__name__,
)  # fmt: skip
def test_only_scikit_learns_networks_are_converted(mlp):
    with pytest.raises(ValueError, match="mlp must be an MLPClassifier or MLPRegressor of sklearn.neural_network, got"):
        fastnet.from_sklearn(mlp)


def test_invalid_parameters_are_refused_by_name():
    with pytest.raises(ValueError, match="'activation'"):
        fastnet.MLPClassifier(activation="sigmoid").to_sklearn()
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        fastnet.MLPRegressor(hidden_layer_sizes=(0,)).to_sklearn()


def test_subclasses_become_the_base():
    class Mine(neural_network.MLPClassifier):
        def __init__(self, alpha=0.2, extra=3):
            super().__init__(alpha=alpha)
            self.extra = extra

    class Ours(fastnet.MLPRegressor):
        pass

    net = fastnet.from_sklearn(neural_network.MLPClassifier(alpha=0.2))
    assert type(net) is fastnet.MLPClassifier and net.alpha == 0.2
    assert type(Ours(alpha=0.3).to_sklearn()) is neural_network.MLPRegressor


def test_requests_of_metadata_are_kept():
    with sklearn.config_context(enable_metadata_routing=True):
        mlp = neural_network.MLPClassifier().set_fit_request(sample_weight="w").set_score_request(sample_weight=False)
        net = fastnet.from_sklearn(mlp)
        requests = net.get_metadata_routing()
        assert requests.fit.requests["sample_weight"] == "w"
        assert requests.score.requests["sample_weight"] is False
        assert requests.partial_fit.requests == fastnet.MLPClassifier().get_metadata_routing().partial_fit.requests
        back = net.to_sklearn().get_metadata_routing()
        assert back.fit.requests == mlp.get_metadata_routing().fit.requests


def test_a_pickle_of_a_converted_network_names_nothing_of_ours():
    _, _, X, y = problem("multiclass")
    assert b"fastnet" not in pickle.dumps(fastnet.MLPClassifier(**QUICK).fit(X, y).to_sklearn(), protocol=0)


@pytest.mark.exhaustive
def test_a_converted_network_needs_scikit_learn_alone():
    _, _, X, y = problem("multiclass")
    net = fastnet.MLPClassifier(**QUICK).fit(X, y)
    code = "import pickle, sys; m = pickle.load(sys.stdin.buffer); print(m.n_iter_, 'fastnet' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(net.to_sklearn()), capture_output=True)
    assert done.stdout.split() == [b"4", b"False"], done.stderr
