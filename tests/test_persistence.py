"""Pickles, joblib, copies and skops: small, exact, and training goes on from where it was."""

import copy
import io
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from marks import crossed, exhaustive
from problems import parameters, same_bits
from sklearn import neural_network
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

import fastnet
from fastnet import MLPClassifier, MLPRegressor
from fastnet.estimators.exchange import portable
from fastnet.losses import Huber
from fastnet.optimizers import SGD, AdamW
from fastnet.schedules import Cosine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OLD = Path(__file__).parent / "data" / "classifier-0.1.0.pickle"
QUICK = {"hidden_layer_sizes": (12, 9), "max_iter": 4, "random_state": 0, "batch_size": 32}
CASES = {
    "adam": {},
    "float64": {"dtype": "float64"},
    "sgd": {"solver": "sgd", "learning_rate": "invscaling"},
    "adaptive": {"solver": SGD(averaged=True), "learning_rate": "adaptive"},
    "adamw, cosine": {"solver": AdamW(weight_decay=0.1), "learning_rate": Cosine(), "warmup": 1},
    "rmsprop, plateau": {"solver": "rmsprop", "learning_rate": "reduce_on_plateau"},
    "nadam, noise": {"solver": "nadam", "dropout": 0.3, "drop_connect": 0.1, "input_noise": 0.1},
    "schedule-free": {"solver": "schedule_free_adamw"},
    "average, clipped": {"ema_decay": 0.9, "clip_norm": 0.1, "max_norm": 1.0},
    "frozen": {"freeze": 1, "solver": "lion", "use_bias": False},
    "normalised": {"normalization": "batch", "activation": "prelu", "residual": "projection"},
    "residual": {"hidden_layer_sizes": (9, 9), "residual": True, "activation": ["gelu", "tanh"]},
}
WAYS = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "oldest protocol": lambda model: pickle.loads(pickle.dumps(model, protocol=0)),
    "deepcopy": copy.deepcopy,
    "joblib": lambda model: _through_joblib(model),
}


def _through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def arrays_in(value, seen=None):
    """All arrays that an object holds, at any depth."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        yield value
        value = [value.base] if value.base is not None else []
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    elif hasattr(value, "__dict__"):
        value = list(vars(value).values())
    if isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from arrays_in(item, seen)


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@pytest.mark.parametrize(("case", "way"), crossed(CASES, WAYS))
def test_a_copy_predicts_the_same_bits_and_goes_on_from_where_it_was(case, way, digits):
    X, y = digits
    model = MLPClassifier(**{**QUICK, **CASES[case]}).fit(X, y)
    twin = WAYS[way](model)
    assert same_bits([twin.predict_proba(X)], [model.predict_proba(X)])
    for part in np.split(np.arange(300), 3):
        for m in (model, twin):
            m.partial_fit(X[part], y[part])
    assert same_bits(parameters(twin), parameters(model))
    for m in (model, twin):
        m.set_params(warm_start=True).fit(X, y)
    assert same_bits(parameters(twin), parameters(model))
    assert twin.loss_curve_ == model.loss_curve_ and twin.t_ == model.t_


@pytest.mark.parametrize("way", WAYS)
def test_calibration_and_columns_of_classes_are_kept(way, digits):
    X, y = digits
    model = MLPClassifier(calibration="temperature", **QUICK).fit(X, y, X_val=X[:50], y_val=y[:50])
    twin = WAYS[way](model)
    assert twin.temperature_ == model.temperature_ != 1
    assert same_bits([twin.predict_proba(X)], [model.predict_proba(X)])
    model = MLPClassifier(**QUICK).fit(X, np.column_stack([y, np.array(["even", "odd"])[y % 2]]))
    twin = WAYS[way](model)
    assert same_bits(twin.predict_proba(X), model.predict_proba(X))
    assert (twin.predict(X) == model.predict(X)).all()


@pytest.mark.parametrize("params", [{"solver": "lbfgs"}, {"early_stopping": True}, {"batch_size": None}], ids=str)
def test_regressors_go_on_in_a_warm_start(params, diabetes):
    X, y = diabetes
    model = MLPRegressor(Huber(0.5), warm_start=True, **{**QUICK, **params}).fit(X, y)
    twin = pickle.loads(pickle.dumps(model))
    assert same_bits([twin.predict(X)], [model.predict(X)])
    for m in (model, twin):
        m.fit(X, y)
    assert same_bits(parameters(twin), parameters(model))


def test_an_unfitted_estimator_is_what_it_was():
    model = MLPClassifier(solver=AdamW(weight_decay=0.1), activation=["gelu", "tanh"], hidden_layer_sizes=(3, 2))
    assert pickle.loads(pickle.dumps(model)).get_params() == model.get_params()
    assert not hasattr(pickle.loads(pickle.dumps(model)), "coefs_")


@pytest.mark.parametrize(
    "params",
    [{}, {"solver": "sgd"}, {"solver": "lbfgs"}, {"early_stopping": True, "scoring": "loss"},
     {"dropout": 0.2, "ema_decay": 0.9}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_fitted_estimator_carries_no_training_data(kind, params):
    rng = np.random.default_rng(0)
    sizes = []
    for n_samples in (40, 4001):
        X, y = rng.normal(size=(n_samples, 3)), np.arange(n_samples) % 2
        weight = rng.uniform(1, 2, n_samples)
        own = {"X_val": X + 1, "y_val": y, "sample_weight_val": weight} if params.get("early_stopping") else {}
        model = kind(hidden_layer_sizes=4, dtype="float32", max_iter=2, random_state=0, **params)
        model.fit(X, y, sample_weight=weight, **own)
        sizes.append(len(pickle.dumps(model)))
        assert all(len(a) < 700 for a in arrays_in(vars(model)) if a.ndim)  # the random state has 624
        if not params:
            model.partial_fit(X, y)
            assert len(pickle.dumps(model)) < sizes[-1] + 100  # the numbers of an epoch
    assert abs(sizes[1] - sizes[0]) < 20  # numbers of samples and steps


FRESH = """
import pickle, sys, warnings
import numpy as np
warnings.simplefilter("ignore")
with open(sys.argv[1], "rb") as file:
    repr(pickle.load(file))  # of an earlier version, whose names fastnet has to explain, and which imports it
model, X, y = pickle.load(sys.stdin.buffer)
before = "numba" in sys.modules
first = model.predict_proba(X)
model.partial_fit(X, y)
sys.stdout.buffer.write(pickle.dumps((before, first, model.coefs_ + model.intercepts_)))
"""


def test_a_fresh_process_predicts_the_same_bits_and_goes_on(digits):
    X, y = digits
    model = MLPClassifier(**QUICK).fit(X, y)
    done = subprocess.run(
        [sys.executable, "-c", FRESH, OLD], input=pickle.dumps((model, X, y)), capture_output=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    compiler_loaded, probabilities, trained = pickle.loads(done.stdout)
    assert not compiler_loaded
    assert same_bits([probabilities], [model.predict_proba(X)])
    assert same_bits(trained, parameters(model.partial_fit(X, y)))


@pytest.mark.parametrize(
    ("hidden", "solver"), crossed([(10,), (100,), (200, 100)], ["lbfgs", "sgd", "adam"]), ids=str
)
def test_pickles_are_smaller_than_scikit_learns_at_float32(solver, hidden, digits):
    X, y = digits[0].astype(np.float32), digits[1]
    params = {"hidden_layer_sizes": hidden, "solver": solver, "max_iter": 2, "random_state": 0}
    ours = len(pickle.dumps(MLPClassifier(**params).fit(X, y)))
    theirs = len(pickle.dumps(neural_network.MLPClassifier(**params).fit(X, y)))
    n_parameters = sum(a * b + b for a, b in zip((64, *hidden), (*hidden, 10), strict=True))
    # The weights, the optimizer's states and no other array of that size; scikit-learn keeps the weights twice.
    n_states = {"adam": 2, "sgd": 1, "lbfgs": 0}[solver]
    assert ours < 4 * n_parameters * (1 + n_states) + 9000
    assert ours < theirs
    if hidden == (200, 100):
        assert ours < {"adam": 0.76, "sgd": 0.68, "lbfgs": 0.51}[solver] * theirs


def test_weights_in_a_read_only_map_predict_and_go_on(digits, tmp_path):
    X, y = digits
    model = MLPClassifier(**QUICK).fit(X, y)
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    mapped = joblib.load(path, mmap_mode="r")
    assert isinstance(mapped.coefs_[0], np.memmap) and not mapped.coefs_[0].flags.writeable
    assert same_bits([mapped.predict_proba(X)], [model.predict_proba(X)])
    content = path.read_bytes()
    assert same_bits(parameters(mapped.partial_fit(X, y)), parameters(model.partial_fit(X, y)))
    assert path.read_bytes() == content


@pytest.mark.parametrize("case", ["adamw, cosine", *exhaustive(["adam", "average, clipped"])])
def test_skops(case, digits):
    sio = pytest.importorskip("skops.io")
    X, y = digits
    model = MLPClassifier(**{**QUICK, **CASES[case]}).fit(X, y)
    data = sio.dumps(model)
    unknown = sio.get_untrusted_types(data=data)
    assert all(name.startswith("fastnet.") for name in unknown)
    with pytest.raises(TypeError, match="fastnet"):
        sio.loads(data)
    twin = sio.loads(data, trusted=unknown)
    assert same_bits([twin.predict_proba(X)], [model.predict_proba(X)])
    assert same_bits(parameters(twin.partial_fit(X, y)), parameters(model.partial_fit(X, y)))


# ---- versions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_pickle_of_another_version_warns(kind, monkeypatch):
    model = kind(alpha=0.5).fit([[0.0], [1.0]], [0, 1])
    monkeypatch.setattr(portable, "__version__", "0.0.7")
    data = pickle.dumps(model)
    assert pickle.loads(data).alpha == 0.5  # the same version: no warning
    monkeypatch.undo()
    message = f"Trying to unpickle estimator fastnet.{kind.__name__} from version 0.0.7 when using version 0.1.0"
    with pytest.warns(InconsistentVersionWarning, match=message) as caught:
        old = pickle.loads(data)
    assert len(caught) == 1
    assert caught[0].message.original_sklearn_version == "0.0.7"
    assert "_fastnet_version" not in vars(old)
    assert same_bits(parameters(old), parameters(model))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickle.loads(pickle.dumps(old))  # written by this version now


def test_a_pickle_without_a_version_warns():
    model, old = MLPRegressor(), MLPRegressor.__new__(MLPRegressor)
    state = dict(vars(model))
    with pytest.warns(InconsistentVersionWarning, match="from version unknown"):
        old.__setstate__(state)
    assert state == vars(model) == vars(old)


def test_subclasses_know_the_version_too(monkeypatch):
    model = Subclass(alpha=0.3)
    monkeypatch.setattr(portable, "__version__", "0.0.7")
    data = pickle.dumps(model)
    monkeypatch.undo()
    with pytest.warns(InconsistentVersionWarning, match="fastnet.Subclass from version 0.0.7"):
        assert pickle.loads(data).alpha == 0.3


class Subclass(MLPClassifier):
    pass


def test_the_state_holds_the_version_and_nothing_else_new():
    model = MLPClassifier().fit([[0.0], [1.0]], [0, 1])
    state = model.__getstate__()
    assert state.pop("_fastnet_version") == fastnet.__version__
    # What only fastnet knows is plain data in it.
    assert state.pop("_optimizer") == vars(vars(model)["_optimizer"])
    assert state.pop("history_") == vars(vars(model)["history_"])
    assert state == {name: value for name, value in vars(model).items() if name not in ("_optimizer", "history_")}
    assert "_fastnet_version" not in vars(model)


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_a_pickle_that_lacks_newer_parameters_has_their_defaults(Estimator, digits):
    X, y = digits[0][:100], digits[1][:100]
    model = Estimator(**QUICK).fit(X, y)
    state = model.__getstate__()
    for name in ("max_norm", "residual", "ema_decay", "scoring", "n_jobs", "freeze", "dtype"):
        del state[name]
    older = Estimator.__new__(Estimator)
    older.__setstate__(state)
    assert repr(older) == repr(model)
    assert older.get_params() == model.get_params()
    assert same_bits([older.predict(X)], [model.predict(X)])
    assert same_bits(parameters(clone(older).fit(X, y)), parameters(model))
    older.partial_fit(X, y)
    assert same_bits(parameters(older), parameters(model.partial_fit(X, y)))


def test_a_pickle_of_a_subclass_with_a_parameter_of_its_own():
    class Named(MLPRegressor):
        def __init__(self, name, max_iter=7):
            super().__init__(max_iter=max_iter)
            self.name = name

    state = Named("a").__getstate__()
    del state["max_iter"]
    older = Named.__new__(Named)
    older.__setstate__(state)
    assert (older.name, older.max_iter) == ("a", 7)
