"""Everything in scikit-learn that works around an estimator, with real data."""

import numpy as np
import pytest
from networks import classifier, regressor
from numpy.testing import assert_allclose
from problems import parameters, same_bits
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, log_loss, make_scorer, mean_squared_error, r2_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    LearningCurveDisplay,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# Meta-estimators


@pytest.mark.parametrize(
    ("make", "least"),
    [
        (lambda net: BaggingClassifier(net, 3, random_state=0), 0.9),
        (lambda net: BaggingClassifier(net, 3, max_features=0.5, random_state=0), 0.9),
        (lambda net: AdaBoostClassifier(net, n_estimators=3, random_state=0), 0.9),
        (lambda net: CalibratedClassifierCV(net, cv=2), 0.9),
        (lambda net: CalibratedClassifierCV(net, cv=2, method="isotonic"), 0.9),
        (lambda net: CalibratedClassifierCV(net, cv=2, method="temperature"), 0.9),
        (lambda net: VotingClassifier([("a", net), ("b", clone(net).set_params(alpha=1.0))], voting="soft"), 0.9),
        (lambda net: StackingClassifier([("a", net), ("b", clone(net).set_params(alpha=1.0))], cv=2), 0.9),
        (lambda net: TunedThresholdClassifierCV(net, scoring="balanced_accuracy", cv=2), 0.9),
        (lambda net: FixedThresholdClassifier(net, threshold=0.3), 0.9),
        (lambda net: OneVsRestClassifier(net), 0.9),
        (lambda net: OneVsOneClassifier(net), 0.9),
    ],
)
def test_a_classifier_in_a_meta_estimator(cancer, make, least):
    X, y = cancer
    words = np.array(["malignant", "benign"])[y]
    model = make(classifier()).fit(X[::2], words[::2])
    assert model.score(X[1::2], words[1::2]) > least
    if hasattr(model, "predict_proba"):
        p = model.predict_proba(X[1::2])
        assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        assert log_loss(words[1::2], p, labels=model.classes_) < 0.7


@pytest.mark.parametrize(
    "make",
    [
        lambda net: BaggingRegressor(net, 3, random_state=0),
        lambda net: AdaBoostRegressor(net, n_estimators=3, random_state=0),
        lambda net: StackingRegressor([("net", net), ("ridge", Ridge())], final_estimator=Ridge(), cv=2),
        lambda net: TransformedTargetRegressor(net, transformer=StandardScaler()),
    ],
)
def test_a_regressor_in_a_meta_estimator(diabetes, make):
    X, y = diabetes
    model = make(regressor(alpha=1.0)).fit(X[::2], y[::2])
    assert r2_score(y[1::2], model.predict(X[1::2])) > 0.25


def test_a_transformed_target_is_that_of_the_network(diabetes):
    X, y = diabetes
    model = TransformedTargetRegressor(regressor(), func=np.arcsinh, inverse_func=np.sinh).fit(X, y)
    expected = np.sinh(regressor().fit(X, np.arcsinh(y)).predict(X))
    assert_allclose(model.predict(X), expected, rtol=1e-5)
    several = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, np.column_stack([y, -y]))
    assert several.predict(X).shape == (250, 2)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_one_network_for_each_output(digits, diabetes, method):
    X, y = digits
    labels = np.column_stack([y % 2, y > 4, y == 3]).astype(int)
    model = MultiOutputClassifier(classifier())
    for _ in range(1 if method == "fit" else 20):
        options = {} if method == "fit" else {"classes": [np.array([0, 1])] * 3}
        getattr(model, method)(X, labels, **options)
    assert (model.predict(X) == labels).mean() > 0.95
    expected = classifier()
    for _ in range(1 if method == "fit" else 20):
        options = {} if method == "fit" else {"classes": [0, 1]}
        getattr(expected, method)(X, labels[:, 1], **options)
    assert same_bits(parameters(model.estimators_[1]), parameters(expected))
    X, y = diabetes
    model = MultiOutputRegressor(regressor())
    getattr(model, method)(X, np.column_stack([y, X[:, 0]]))
    assert model.predict(X).shape == (250, 2)


def test_chains(digits, diabetes):
    X, y = digits
    labels = np.column_stack([y % 2, y > 4, y == 3]).astype(int)
    chain = ClassifierChain(classifier(), random_state=0).fit(X, labels)
    assert (chain.predict(X) == labels).mean() > 0.95
    assert chain.predict_proba(X).shape == (300, 3)
    assert chain.estimators_[2].n_features_in_ == 66
    X, y = diabetes
    chain = RegressorChain(regressor(), cv=2).fit(X, np.column_stack([y, X[:, 0]]))
    assert chain.predict(X).shape == (250, 2)


# Model selection


@pytest.mark.parametrize("Search", [HalvingGridSearchCV, HalvingRandomSearchCV])
def test_a_halving_search(digits, Search):
    X, y = digits
    grid = {"hidden_layer_sizes": [(2,), (20,)], "alpha": [1e-3, 1e3]}
    options = {"n_candidates": 4} if Search is HalvingRandomSearchCV else {}
    for resource in ("n_samples", "max_iter"):
        if resource == "max_iter":
            options |= {"resource": "max_iter", "max_resources": 30, "min_resources": 10}
        search = Search(classifier(), grid, cv=2, random_state=0, error_score="raise", **options).fit(X, y)
        assert grid["alpha"][0] == search.best_params_["alpha"]
        assert search.best_params_["hidden_layer_sizes"] == (20,)
        assert search.n_iterations_ >= 2


def test_curves_of_learning_and_validation(iris):
    X, y = iris
    net = make_pipeline(StandardScaler(), classifier())
    options = {"cv": 3, "shuffle": True, "random_state": 0, "error_score": "raise"}
    sizes, train, test = learning_curve(net, X, y, train_sizes=[0.3, 1.0], **options)
    assert train.shape == test.shape == (2, 3)
    assert test[-1].mean() > 0.8
    train, test = validation_curve(
        net, X, y, param_name="mlpclassifier__alpha", param_range=[1e-3, 1e4], cv=3, error_score="raise"
    )
    assert test[0].mean() > 0.8 > test[1].mean()


def test_a_learning_curve_goes_on_by_partial_fits(iris):
    X, y = iris
    order = np.random.default_rng(0).permutation(len(y))
    options = {"train_sizes": [0.2, 0.5, 1.0], "cv": 3, "exploit_incremental_learning": True, "error_score": "raise"}
    _, train, _ = learning_curve(classifier(batch_size=10), X[order], y[order], **options)
    assert train.shape == (3, 3) and np.isfinite(train).all()


def test_a_display_of_a_learning_curve(iris):
    pytest.importorskip("matplotlib").use("Agg")
    display = LearningCurveDisplay.from_estimator(classifier(), *iris, train_sizes=[0.5, 1.0], cv=2)
    assert display.test_scores.shape == (2, 2)


def test_a_tuned_threshold_moves_the_decision(cancer):
    X, y = cancer
    scorer = make_scorer(lambda truth, guess: (guess == 0).mean() * ((guess == 1) | (truth == 0)).mean())
    tuned = TunedThresholdClassifierCV(classifier(), scoring=scorer, cv=2, random_state=0).fit(X, y)
    assert (tuned.predict(X) == 0).sum() >= (classifier().fit(X, y).predict(X) == 0).sum()
    assert 0 <= tuned.best_threshold_ <= 1


def test_cross_validated_predictions(iris):
    X, y = iris
    net = make_pipeline(StandardScaler(), classifier())
    p = cross_val_predict(net, X, y, method="predict_proba", cv=3)
    assert p.shape == (150, 3) and p.dtype.kind == "f"
    assert accuracy_score(y, p.argmax(axis=1)) > 0.8
    log_p = cross_val_predict(net, X, y, method="predict_log_proba", cv=3)
    assert_allclose(log_p, np.log(p), rtol=1e-3, atol=1e-5)
    assert cross_val_score(net, X, y, cv=3, scoring="neg_log_loss").mean() > -0.7


# Feature selection and inspection


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_sequential_feature_selector(iris, direction):
    X, y = iris
    X = StandardScaler().fit_transform(X)
    selector = SequentialFeatureSelector(classifier(), n_features_to_select=2, direction=direction, cv=2).fit(X, y)
    assert selector.get_support()[2:].any()  # a petal's length and width tell the species
    assert selector.transform(X).shape == (150, 2)


def test_permutation_importance_finds_the_feature_that_counts(diabetes):
    X = diabetes[0]
    y = 2 * X[:, 3]
    importance = permutation_importance(regressor(max_iter=100).fit(X, y), X, y, n_repeats=3, random_state=0)
    assert importance.importances_mean.argmax() == 3
    assert (np.delete(importance.importances_mean, 3) < 0.2 * importance.importances_mean[3]).all()


@pytest.mark.parametrize("kind", ["average", "individual"])
def test_partial_dependence_is_that_of_the_predictions(diabetes, iris, kind):
    X, y = diabetes
    model = regressor().fit(X, y)
    result = partial_dependence(model, X, [2], grid_resolution=5, kind=kind)
    for value, at in zip(result["grid_values"][0], np.moveaxis(result[kind][0], -1, 0), strict=True):
        Z = X.copy()
        Z[:, 2] = value
        expected = model.predict(Z)
        assert_allclose(at, expected if kind == "individual" else expected.mean(), rtol=1e-4, atol=1e-6)
    X, y = iris
    result = partial_dependence(classifier().fit(X, y), X, [(2, 3)], grid_resolution=4)
    assert result["average"].shape == (3, 4, 4)


def test_scores_are_scikit_learns(diabetes, iris):
    X, y = diabetes
    weight = np.linspace(0.1, 2, len(y))
    model = regressor().fit(X, y)
    assert_allclose(model.score(X, y, weight), r2_score(y, model.predict(X), sample_weight=weight))
    assert mean_squared_error(y, model.predict(X)) < 1
    X, y = iris
    model = classifier().fit(X, y)
    assert model.score(X, y) == accuracy_score(y, model.predict(X))
