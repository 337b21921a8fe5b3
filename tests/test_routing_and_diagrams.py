"""Metadata routing, set_output, clones and diagrams in notebooks."""

import html
import re

import numpy as np
import pytest
import sklearn
from networks import classifier, regressor
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from sklearn import neural_network
from sklearn.base import clone
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import fastnet
import fastnet.estimators.parameters.doc_link
import fastnet.optimizers

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# Metadata routing


@pytest.mark.parametrize("method", ["fit", "partial_fit", "score"])
@pytest.mark.parametrize("Estimator", [fastnet.MLPClassifier, fastnet.MLPRegressor])
def test_sample_weight_can_be_requested_by_every_method_that_takes_it(Estimator, method, routing):
    model = getattr(Estimator(), f"set_{method}_request")(sample_weight="importance")
    assert getattr(model.get_metadata_routing(), method).requests["sample_weight"] == "importance"
    assert getattr(clone(model).get_metadata_routing(), method).requests["sample_weight"] == "importance"
    theirs = getattr(neural_network, Estimator.__name__)().get_metadata_routing()
    assert set(getattr(theirs, method).requests) <= set(getattr(model.get_metadata_routing(), method).requests)


@pytest.fixture
def weights(cancer):
    return np.where(cancer[1] == 0, 5.0, 0.2)


def test_weights_reach_a_fit_through_a_pipeline(cancer, weights, routing):
    X, y = cancer
    weighted = classifier().set_fit_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    fitted = make_pipeline(scaler, weighted).fit(X, y, sample_weight=weights)
    expected = classifier().fit(StandardScaler().fit_transform(X), y, sample_weight=weights)
    assert same_bits(parameters(fitted[-1]), parameters(expected))


def test_weights_reach_fits_and_scores_of_a_grid_search(cancer, weights, routing):
    X, y = cancer
    weighted = classifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    search = GridSearchCV(weighted, {"alpha": [1e-4, 1.0]}, cv=2, error_score="raise").fit(X, y, sample_weight=weights)
    expected = classifier(**search.best_params_).fit(X, y, sample_weight=weights)
    assert same_bits(parameters(search.best_estimator_), parameters(expected))
    unweighted = GridSearchCV(classifier(), {"alpha": [1e-4, 1.0]}, cv=2).fit(X, y)
    assert not same_bits(parameters(unweighted.best_estimator_), parameters(search.best_estimator_))


def test_weights_reach_fits_and_scorers_of_a_cross_validation(cancer, weights, routing):
    X, y = cancer
    weighted = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False), classifier().set_fit_request(sample_weight=True)
    )
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
    done = cross_validate(
        weighted, X, y, cv=2, params={"sample_weight": weights}, scoring=scorer, return_estimator=True,
        return_indices=True, error_score="raise",
    )  # fmt: skip
    for model, score, train, test in zip(
        done["estimator"], done["test_score"], done["indices"]["train"], done["indices"]["test"], strict=True
    ):
        net = classifier().fit(StandardScaler().fit_transform(X[train]), y[train], sample_weight=weights[train])
        assert same_bits(parameters(model[-1]), parameters(net))
        assert_allclose(score, accuracy_score(y[test], model.predict(X[test]), sample_weight=weights[test]))


def test_an_unrequested_weight_is_refused(cancer, weights, routing):
    with pytest.raises(ValueError, match="sample_weight"):
        GridSearchCV(classifier(), {"alpha": [1e-4]}, cv=2).fit(*cancer, sample_weight=weights)


def test_a_pipeline_transforms_inputs_of_a_step(cancer, weights, routing):
    # transform_input sends what the last step takes besides X through the steps before
    X, y = cancer
    weighted = classifier().set_fit_request(sample_weight=True)
    pipeline = make_pipeline(FunctionTransformer(np.exp2), weighted, transform_input=["sample_weight"])
    pipeline.fit(X, y, sample_weight=weights)
    expected = classifier().fit(np.exp2(X), y, sample_weight=np.exp2(weights))
    assert same_bits(parameters(pipeline[-1]), parameters(expected))


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output_around_a_network(iris, container):
    pytest.importorskip(container)
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), classifier()).set_output(transform=container).fit(X, y)
    expected = make_pipeline(StandardScaler(), classifier()).fit(X, y)
    assert same_bits(parameters(pipeline[-1]), parameters(expected[-1]))
    assert list(pipeline[-1].feature_names_in_) == ["x0", "x1", "x2", "x3"]
    assert_array_equal(pipeline.predict(X), expected.predict(X))  # and no warning about names


@pytest.mark.parametrize("make", [classifier, regressor])
def test_a_clone_has_the_parameters_and_nothing_fitted(make, iris):
    model = make(alpha=[0.1, 0.2], solver=fastnet.optimizers.AdamW(weight_decay=0.1)).fit(*iris)
    other = clone(model)
    assert other.get_params() == model.get_params()
    assert set(vars(other)) == set(model.get_params(deep=False))
    assert same_bits(parameters(other.fit(*iris)), parameters(model))


# The diagram in a notebook


@pytest.mark.parametrize("Estimator", [fastnet.MLPClassifier, fastnet.MLPRegressor])
@pytest.mark.parametrize("fitted", [False, True])
def test_the_diagram_has_a_tooltip_and_a_link_for_every_parameter(Estimator, fitted, iris):
    model = Estimator(max_iter=3, alpha=0.5)
    page = (model.fit(*iris) if fitted else model)._repr_html_()
    tips = re.findall(r'<span class="param-doc-description"[^>]*>\s*(.*?)</span>', page, re.S)
    links = re.findall(r'<a class="param-doc-link"[^>]*href="([^"]*)"', page)
    names = [tip.split(":")[0] for tip in tips]
    assert set(model.get_params()) <= set(names)
    assert len(links) == len(tips) == len(names)
    if fitted:
        assert {"coefs_", "loss_curve_", "n_iter_"} <= set(names)
    assert all(link.startswith("https://") and "#:~:text=" in link for link in links)
    assert "Strength of the penalty" in html.unescape(tips[names.index("alpha")])
    assert f'href="{model._get_doc_link()}"' in page
    assert 'class="user-set"' in page


def test_the_diagram_links_to_the_published_documentation_if_there_is_one(monkeypatch):
    module = fastnet.estimators.parameters.doc_link
    monkeypatch.setattr(module, "documentation", lambda: None)
    assert fastnet.MLPRegressor()._get_doc_link() == neural_network.MLPRegressor()._get_doc_link()
    monkeypatch.setattr(module, "documentation", lambda: "https://example.org/fastnet/")
    assert fastnet.MLPRegressor()._get_doc_link() == "https://example.org/fastnet/generated/fastnet.MLPRegressor.html"

    class Own(fastnet.MLPRegressor):
        """Not this package's."""

    assert Own()._get_doc_link() == ""


def test_the_diagram_of_a_pipeline_shows_the_network(iris):
    page = make_pipeline(StandardScaler(), classifier()).fit(*iris)._repr_html_()
    assert "MLPClassifier" in page and "param-doc-description" in page


def test_the_diagram_shows_the_layers_first(iris):
    model = classifier(hidden_layer_sizes=(7, 7, 3), activation=["relu", "relu", "tanh"])
    assert "features → 2 × 7 relu → 3 tanh → outputs" in model._repr_html_()
    page = model.fit(*iris)._repr_html_()
    assert "4 → 2 × 7 relu → 3 tanh → 3 softmax" in page
    layers, differs, others = (page.index(f"<summary>{title}") for title in ("Layers", "Differs from", "Parameters"))
    rows = r'<td class="param">([\w ]+)</td><td class="value">([^<]*)</td>'
    assert re.findall(rows, page[layers:differs]) == [
        ("1 relu", "4 × 7, 35 parameters"), ("2 relu", "7 × 7, 56 parameters"), ("3 tanh", "7 × 3, 24 parameters"),
        ("4 softmax", "3 × 3, 12 parameters"),
    ]  # fmt: skip
    changed = dict(re.findall(rows, page[differs:others]))
    assert changed["hidden_layer_sizes"] == "(7, 7, 3)"
    defaults = fastnet.MLPClassifier().get_params()
    assert set(changed) == {name for name, value in model.get_params().items() if value != defaults[name]}


def test_a_diagram_of_what_is_no_network_is_shown_all_the_same(iris):
    model = classifier(hidden_layer_sizes="wide")
    assert "MLPClassifier" in model._repr_html_()
    model = classifier().fit(*iris)
    model.coefs_ = model.coefs_[:1]
    assert "MLPClassifier" in model._repr_html_()
