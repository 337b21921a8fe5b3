"""`fastnet.find_learning_rate`: what it suggests serves, and what it shows is so."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.preprocessing import StandardScaler

import fastnet

NET = {"hidden_layer_sizes": 10, "max_iter": 20, "n_iter_no_change": None, "random_state": 0}


@pytest.fixture(scope="module")
def found(cancer):
    net = fastnet.MLPClassifier(**NET)
    before = copy.deepcopy(vars(net))
    state = np.random.get_state()[1].copy()
    test = fastnet.find_learning_rate(net, *cancer, n_trials=4)
    assert vars(net) == before
    assert_array_equal(np.random.get_state()[1], state)
    return test


@pytest.mark.filterwarnings("ignore::fastnet.TrainingWarning")  # of the low rate
def test_the_suggestion_serves(found, cancer):
    X, y = cancer
    scores = {
        rate: fastnet.MLPClassifier(**NET, learning_rate_init=rate).fit(X[:200], y[:200]).score(X[200:], y[200:])
        for rate in (found.suggestion, 1e-5)
    }
    assert scores[found.suggestion] > 0.9 > scores[1e-5]


def test_the_same_is_found_again(found, cancer):
    again = fastnet.find_learning_rate(fastnet.MLPClassifier(**NET), *cancer, n_trials=4)
    assert again.suggestion == found.suggestion
    assert_array_equal(again.losses, found.losses)
    assert_array_equal(again.trial_scores, found.trial_scores)


def test_the_rate_of_the_range_test_rises_and_its_edge_is_where_the_loss_is_least(found):
    assert np.all(np.diff(found.rates) > 0) and found.rates[0] > 1e-6 and found.rates[-1] < 10
    assert len(found.losses) == len(found.rates) and np.isfinite(found.losses).all()
    near = np.abs(np.log10(found.rates / found.rates[found.losses.argmin()])) < 0.5
    assert found.edge in found.rates[near]
    assert np.all(np.diff(found.trial_rates) > 0)
    assert found.trial_rates[-1] == pytest.approx(found.edge)
    assert found.trial_scores.shape == (len(found.trial_rates), 5)
    assert found.trial_rates[0] <= found.suggestion <= found.trial_rates[-1] * 1.01


def test_the_range_test_alone_suggests_a_tenth_of_its_edge(diabetes):
    X, y = diabetes
    test = fastnet.find_learning_rate(fastnet.MLPRegressor(**NET), X, y, n_trials=0)
    assert test.suggestion == test.edge / 10 and test.trial_scores.size == 0


def test_sparse_samples_and_weights_and_parameters_of_one_fit_will_do(cancer):
    X, y = cancer
    net = fastnet.MLPClassifier(**NET, calibration="temperature", early_stopping=True, warmup=2, learning_rate="cosine")
    net.set_params(hidden_layer_sizes=5)
    test = fastnet.find_learning_rate(net, sp.csr_array(X), y, np.ones(len(y)), n_trials=1)
    assert np.isfinite(test.trial_scores).all()


def test_the_picture_shows_both(found):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    ax = found.plot()
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "learning rate"
    assert_array_equal(ax.lines[0].get_xdata(), found.rates)
    assert f"suggestion: {found.suggestion:.2g}" in [text.get_text() for text in ax.figure.legends[0].get_texts()]
    figure, other = plt.subplots()
    assert found.plot(ax=other) is other
    plt.close("all")


def test_what_cannot_be_tested_is_refused(cancer):
    X, y = cancer
    for solver in ("lbfgs", "rprop"):
        with pytest.raises(ValueError, match=f"solver='{solver}' finds its step sizes by itself"):
            fastnet.find_learning_rate(fastnet.MLPClassifier(solver=solver), X, y)
    with pytest.raises(TypeError, match="estimator must be an MLPClassifier or MLPRegressor"):
        fastnet.find_learning_rate(StandardScaler(), X, y)
    for n_trials in (-1, 2.5, True, "seven"):
        with pytest.raises(ValueError, match="n_trials must be an integer from 0 to 100"):
            fastnet.find_learning_rate(fastnet.MLPClassifier(), X, y, n_trials=n_trials)
    with pytest.raises(ValueError, match="alpha"):
        fastnet.find_learning_rate(fastnet.MLPClassifier(alpha=-1.0), X, y)
