"""Weights of classes: the same as explicit weights of samples."""

import numpy as np
import pytest
from marks import crossed
from numpy.testing import assert_allclose
from problems import parameters, same_bits
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.estimator_checks import check_class_weight_balanced_classifiers

import fastnet
from fastnet.estimators.targets.class_weight import weigh_classes

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"hidden_layer_sizes": 6, "max_iter": 4, "random_state": 0}


def net(**params):
    return fastnet.MLPClassifier(**{**QUICK, **params})


@pytest.fixture(scope="module")
def problems(digits, cancer):
    """Kind to (X, y, a dict or list of dicts)."""
    X, y = digits
    several = np.column_stack([y > 7, y % 2, y == 3]).astype(int)
    names = np.array([str(n) for n in range(10)])
    return {
        "binary": (*cancer, {0: 0.3, 1: 4.0}),
        "multiclass": (X, y, {n: 0.5 + n for n in range(10)}),
        "strings": (X, names[y], {"3": 5.0, "7": 0.25}),
        "multilabel": (X, several, [{0: 1.0, 1: 3.0}, {1: 0.5}, {0: 0.1, 1: 2.0}]),
    }


def explicit(class_weight, y):
    """Weights of the samples, label by label."""
    if class_weight == "balanced":
        return compute_sample_weight("balanced", y)
    columns = y[:, None] if y.ndim == 1 else y
    dicts = class_weight if y.ndim == 2 else [class_weight]
    return np.array([np.prod([d.get(v, 1.0) for d, v in zip(dicts, row, strict=True)]) for row in columns.tolist()])


@pytest.mark.parametrize(
    ("weighted", "settings"),
    crossed([False, True], [{"solver": "sgd"}, {"early_stopping": True}, {"solver": "lbfgs"}]), ids=str,
)  # fmt: skip
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "strings", "multilabel"])
def test_class_weights_are_weights_of_samples(problems, kind, balanced, weighted, settings):
    X, y, class_weight = problems[kind]
    class_weight = "balanced" if balanced else class_weight
    weight = None
    if weighted:  # 'balanced' counts weights: whole numbers are repetitions
        weight = np.random.default_rng(0).integers(1, 4, len(y)).astype(float)
        own = weight * explicit(class_weight, y)
        if balanced:
            rows = np.repeat(np.arange(len(y)), weight.astype(int))
            own = np.empty(len(y))
            own[rows] = compute_sample_weight("balanced", y[rows])
            own *= weight
    else:
        own = explicit(class_weight, y)
    assert np.ptp(own) > 0
    ours = net(class_weight=class_weight, **settings).fit(X, y, sample_weight=weight)
    expected = net(**settings).fit(X, y, sample_weight=own)
    plain = net(**settings).fit(X, y, sample_weight=weight)
    assert ours.loss_ == expected.loss_ != plain.loss_
    assert same_bits(parameters(ours), parameters(expected))
    if "early_stopping" in settings:
        assert ours.validation_scores_ == expected.validation_scores_


@pytest.mark.parametrize("kind", ["binary", "multiclass", "strings", "multilabel"])
def test_partial_fit_weighs_classes_of_which_a_part_may_be_missing(problems, kind):
    X, y, class_weight = problems[kind]
    classes = np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])
    ours, expected = net(class_weight=class_weight), net()
    for rows in (np.arange(100), np.arange(100, 104)):
        ours.partial_fit(X[rows], y[rows], classes=classes)
        expected.partial_fit(X[rows], y[rows], explicit(class_weight, y[rows]), classes=classes)
        assert same_bits(parameters(ours), parameters(expected))


def test_warm_starts_weigh_classes(problems):
    X, y, class_weight = problems["binary"]
    ours, expected = net(class_weight=class_weight, warm_start=True), net(warm_start=True)
    for _ in range(2):
        ours.fit(X, y)
        expected.fit(X, y, explicit(class_weight, y))
    assert same_bits(parameters(ours), parameters(expected))


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 1: 0.7}])
def test_the_optimum_is_that_of_logistic_regression(class_weight):
    X, y = make_classification(120, 6, weights=[0.8], random_state=0)
    weight = np.random.default_rng(1).uniform(0.2, 2, len(y))
    params = {"class_weight": class_weight, "tol": 1e-9, "max_iter": 5000}
    expected = LogisticRegression(C=1.0, **params).fit(X, y, weight)
    ours = fastnet.MLPClassifier((), solver="lbfgs", alpha=1.0, random_state=0, dtype="float64", **params)
    ours.fit(X, y, weight)
    assert_allclose(ours.coefs_[0][:, 0], expected.coef_[0], atol=1e-4)
    assert_allclose(ours.intercepts_[0], expected.intercept_, atol=1e-4)


def test_hand_worked_weights():
    y = np.array([[0], [0], [0], [1]])
    labels = [np.array([0, 1])]
    assert weigh_classes("balanced", y, labels).tolist() == [4 / 6, 4 / 6, 4 / 6, 2]
    assert weigh_classes({1: 5}, y, labels).tolist() == [1, 1, 1, 5]
    # total 6, of which the classes hold 3 each
    assert weigh_classes("balanced", y, labels, np.array([1.0, 2, 0, 3])).tolist() == [1, 2, 0, 3]
    # a class without weight is absent, and leaves the others as they are
    assert weigh_classes("balanced", y, labels, np.array([1.0, 1, 1, 0])).tolist() == [1, 1, 1, 0]
    several = np.array([[0, 1], [1, 1], [1, 0]])
    assert weigh_classes([{1: 2}, {0: 3, 1: 5}], several, labels * 2).tolist() == [5, 10, 6]
    assert weigh_classes("balanced", several, labels * 2).tolist() == pytest.approx([9 / 8, 9 / 16, 9 / 8])
    # the sum over every class is the same
    assert weigh_classes("balanced", y, labels)[:3].sum() == pytest.approx(2)


def test_weight_zero_leaves_a_class_out(problems):
    X, y, _ = problems["multiclass"]
    model = net(class_weight={3: 0.0}, hidden_layer_sizes=20, solver="lbfgs", max_iter=100).fit(X, y)
    others = y != 3
    assert 3 not in model.predict(X)
    assert model.score(X[others], y[others]) == 1


@pytest.mark.parametrize("n_clusters", [2, 3])
def test_scikit_learns_check_of_balanced_weights(n_clusters):
    X, y = make_classification(
        n_samples=400, n_features=8, n_informative=6, n_classes=n_clusters, n_clusters_per_class=1,
        weights=[0.9, 0.1] if n_clusters == 2 else [0.8, 0.1, 0.1], class_sep=0.5, random_state=0,
    )  # fmt: skip
    parts = train_test_split(X, y, stratify=y, test_size=0.5, random_state=0)
    X_train, X_test, y_train, y_test = parts
    classifier = fastnet.MLPClassifier((), solver="lbfgs")
    weights = compute_class_weight("balanced", classes=np.unique(y), y=y_train)
    # the check asks for a better weighted F1, which counts frequent classes most: keep as many of each
    rows = np.concatenate([np.flatnonzero(y_test == c)[:15] for c in np.unique(y)])
    check_class_weight_balanced_classifiers(
        "MLPClassifier", classifier, X_train, y_train, X_test[rows], y_test[rows], weights
    )


def test_balanced_weights_find_more_of_a_rare_class():
    X, y = make_classification(500, 6, weights=[0.9], class_sep=0.3, random_state=0)
    models = [net(class_weight=w, hidden_layer_sizes=(), solver="lbfgs", max_iter=100) for w in (None, "balanced")]
    recalls = [recall_score(y, model.fit(X, y).predict(X)) for model in models]
    assert recalls[1] > recalls[0] + 0.4


def test_class_weight_is_searched_in_a_grid(problems):
    X, y, class_weight = problems["binary"]
    search = GridSearchCV(
        net(max_iter=20), {"class_weight": [None, "balanced", class_weight]}, cv=2, error_score="raise"
    )
    assert len(set(search.fit(X, y).cv_results_["mean_test_score"])) > 1


def test_inspect_weighs_classes_as_training_does(problems):
    X, y, class_weight = problems["multiclass"]
    model = net(class_weight=class_weight, solver="lbfgs").fit(X, y)
    assert_allclose(fastnet.inspect(model, X, y).loss, model.loss_, rtol=1e-9)
    weighed = fastnet.inspect(model.set_params(class_weight=None), X, y, explicit(class_weight, y))
    assert_allclose(weighed.loss, model.loss_, rtol=1e-9)


def refused(match, X, y, class_weight, **params):
    with pytest.raises(ValueError, match=match):
        net(class_weight=class_weight, **params).fit(X, y)


def test_what_makes_no_sense_is_refused(problems):
    X, y, _ = problems["multiclass"]
    _, several, dicts = problems["multilabel"]
    refused(r"labels that are not classes of y, \['three'\]", X, y, {"three": 2.0})
    refused("class_weight must be finite and at least 0", X, y, {3: -1.0})
    refused("class_weight must be finite and at least 0", X, y, {3: np.nan})
    for weight in ("a", None, 10**400, True, [1.0], np.inf):
        refused("class_weight must be finite and at least 0, .*, got .* for class 3", X, y, {3: weight})
    refused("class_weight leaves no sample a weight", X, y, dict.fromkeys(range(10), 0.0))
    refused("a dict or 'balanced' for one label", X, y, [{3: 2.0}])
    refused("a list of one dict for each label", X, several, dicts[0])
    refused("one dict for each of the 3 labels", X, several, dicts[:2])
    refused("one dict for each of the 3 labels", X, several, ["balanced"] * 3)
    refused("'class_weight' parameter of MLPClassifier", X, y, "heavy")


def test_partial_fit_refuses_balanced_weights_with_a_remedy(problems):
    X, y, _ = problems["multiclass"]
    classes = np.arange(10)
    model = net(class_weight="balanced")
    with pytest.raises(ValueError, match="compute_class_weight"):
        model.partial_fit(X, y, classes=classes)
    assert not hasattr(model, "classes_")
    # the remedy
    weights = dict(zip(classes, compute_class_weight("balanced", classes=classes, y=y), strict=True))
    model.set_params(class_weight=weights).partial_fit(X, y, classes=classes)
    expected = net().partial_fit(X, y, compute_sample_weight("balanced", y), classes=classes)
    assert same_bits(parameters(model), parameters(expected))


def test_weights_may_be_of_any_type_of_number(problems):
    X, y, _ = problems["binary"]
    expected = net(class_weight={0: 0.5, 1: 2.0}).fit(X, y)
    given = net(class_weight={0: np.float16(0.5), 1: np.int8(2)}).fit(X, y)
    assert same_bits(parameters(given), parameters(expected))
