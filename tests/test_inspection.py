"""The displays: their numbers against plain NumPy, and that what they draw is on the axes and does not overlap."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastnet
from fastnet.features import PBLD
from fastnet.inspection import (
    ActivationsDisplay,
    GradientFlowDisplay,
    LearningCurvesDisplay,
    NetworkDisplay,
    WeightsDisplay,
)
from fastnet.ops.activations import ACTIVATIONS
from fastnet.training.unit_states import unit_states

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WITH_DATA = [NetworkDisplay, GradientFlowDisplay, ActivationsDisplay]
ALL = [*WITH_DATA, LearningCurvesDisplay, WeightsDisplay]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def net(digits):
    return fastnet.MLPClassifier((24, 12), max_iter=8, random_state=0, early_stopping=True, alpha=0.5).fit(*digits)


def drawn(Display, net, digits, **options):
    return Display.from_estimator(net, *(digits if Display in WITH_DATA else ()), **options)


def texts(display):
    """All words that a figure shows, with their places in it."""
    figure, found = display.figure_, []
    figure.draw_without_rendering()
    for ax in figure.axes:
        found += [*ax.texts, ax.title, ax._left_title]
        found += ax.get_legend().get_texts() if ax.get_legend() else []
        for axis in (ax.xaxis, ax.yaxis) if ax.axison else ():
            found.append(axis.label)
            low, high = sorted(axis.get_view_interval())
            for is_minor in (False, True):
                pairs = zip(axis.get_ticklocs(minor=is_minor), axis.get_ticklabels(minor=is_minor), strict=False)
                found += [label for at, label in pairs if low <= at <= high]  # others are not drawn
    renderer = figure.canvas.get_renderer()
    return [(t.get_text(), t.get_window_extent(renderer)) for t in found if t.get_text().strip() and t.get_visible()]


def area(box):
    return max(box.width, 0) * max(box.height, 0)


@pytest.mark.parametrize("size", [(3.6, 2.8), None])
@pytest.mark.parametrize("Display", ALL)
def test_words_do_not_overlap_and_are_inside_of_the_figure(net, digits, Display, size):
    ax = None if size is None else plt.subplots(figsize=size, layout="constrained")[1]
    display = drawn(Display, net, digits, ax=ax)
    if size is not None:
        assert tuple(display.figure_.get_size_inches()) == size  # the figure that was given
    places = texts(display)
    assert len(places) > 5
    frame = display.figure_.bbox.padded(1)
    for i, (word, box) in enumerate(places):
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1, word
        for other, its in places[:i]:
            common = matplotlib.transforms.Bbox.intersection(box, its)
            assert common is None or area(common) < 0.05 * min(area(box), area(its)), f"{word!r} and {other!r}"


def test_learning_curves_have_the_losses_and_scores(net):
    display = LearningCurvesDisplay.from_estimator(net)
    assert_allclose(display.axes_[0].lines[0].get_ydata(), net.loss_curve_)
    assert_allclose(display.axes_[1].lines[0].get_ydata(), net.validation_scores_)
    assert display.best_epoch == np.argmax(net.validation_scores_) + 1
    assert f"best epoch {display.best_epoch}" in display.ax_.get_title()


def test_learning_curves_without_losses_are_refused(iris):
    net = fastnet.from_sklearn(fastnet.MLPClassifier(3, max_iter=2, random_state=0).fit(*iris).to_sklearn())
    for name in ("loss_curve_", "history_"):
        vars(net).pop(name, None)
    with pytest.raises(ValueError, match="estimator has no loss of any epoch"):
        LearningCurvesDisplay.from_estimator(net)


def test_gradient_flow_has_the_norms_of_each_layer(net, digits):
    display = GradientFlowDisplay.from_estimator(net, *digits)
    layers = fastnet.inspect(net, *digits).layers
    expected = [np.sqrt((a.coef_gradient**2).sum() / (w**2).sum()) for a, w in zip(layers, net.coefs_, strict=True)]
    assert_allclose(display.ax_.lines[0].get_ydata(), expected, rtol=1e-5)
    assert display.layer_names == ["1 relu", "2 relu", "3 softmax"]


def test_a_layer_outside_of_the_band_is_named(digits):
    norms = np.array([1e-5, 1.0, 0.5, 300.0, 1.0])
    display = GradientFlowDisplay(gradient_norms=norms).plot()
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["vanishing", "exploding", "healthy"]
    marked = {line.get_label(): line.get_xdata().tolist() for line in display.ax_.lines}
    assert marked["vanishing"] == [1] and marked["exploding"] == [4]
    healthy = GradientFlowDisplay(gradient_norms=np.ones(3)).plot()
    assert [text.get_text() for text in healthy.ax_.get_legend().get_texts()] == ["healthy"]


@pytest.mark.parametrize("n_layers", [3, 12])
def test_gradient_flow_over_epochs_has_a_line_for_each_layer(n_layers):
    norms = np.exp(np.random.default_rng(0).normal(size=(20, n_layers)))
    norms[3, 0] = 0.0  # has no place on a logarithmic axis, and is drawn at its lower end
    display = GradientFlowDisplay(gradient_norms=norms, epochs=np.arange(5, 25)).plot()
    assert len(display.ax_.lines) == n_layers
    assert_allclose(display.ax_.lines[1].get_ydata(), norms[:, 1])
    assert 0 < display.ax_.lines[0].get_ydata()[3] < norms[norms > 0].min()
    assert display.ax_.get_yscale() == "log"


def test_gradient_flow_of_the_epochs_that_were_measured(net):
    model = copy.copy(net)
    norms = np.random.default_rng(0).uniform(1, 2, (2, 8, 3))
    norms[:, 1::2] = np.nan  # every other epoch was looked at
    kinds = ("gradient", "weight")
    epochs = {f"{kind}_norm_{i}": norms[k, :, i].tolist() for k, kind in enumerate(kinds) for i in range(3)}
    model.history_ = SimpleNamespace(epochs={"loss": net.loss_curve_, **epochs})
    display = GradientFlowDisplay.from_estimator(model)
    assert_allclose([line.get_xdata() for line in display.ax_.lines], [[1, 3, 5, 7]] * 3)
    assert_allclose([line.get_ydata() for line in display.ax_.lines], (norms[0] / norms[1])[::2].T)
    model.history_ = SimpleNamespace(epochs={})
    with pytest.raises(ValueError, match="give X and y"):
        GradientFlowDisplay.from_estimator(model)
    with pytest.raises(ValueError, match="y is given without X"):
        GradientFlowDisplay.from_estimator(model, y=[1.0])


def test_learning_curves_of_a_history(net):
    model, n = copy.copy(net), len(net.loss_curve_)
    rates, losses = np.geomspace(1, 0.1, n), np.linspace(3, 2, n)
    model.history_ = SimpleNamespace(
        epochs={
            "loss": net.loss_curve_, "validation_loss": losses, "validation_accuracy": net.validation_scores_,
            "learning_rate": rates, "penalty": [np.nan] * n, "seconds": [0.1] * n,
        }
    )  # fmt: skip
    display = LearningCurvesDisplay.from_estimator(model)
    drawn = [[line.get_ydata() for line in ax.lines if len(line.get_ydata()) == n] for ax in display.axes_]
    assert_allclose(np.concatenate(drawn), [net.loss_curve_, losses, net.validation_scores_, rates])
    assert display.axes_[1].get_ylabel() == "validation\naccuracy"


def test_gradient_flow_refuses_what_does_not_go_together():
    with pytest.raises(ValueError, match="weight_norms has shape"):
        GradientFlowDisplay(gradient_norms=np.ones((5, 3)), weight_norms=np.ones((5, 2))).plot()
    with pytest.raises(ValueError, match="layer_names has 2 entries"):
        GradientFlowDisplay(gradient_norms=np.ones((5, 3)), layer_names=["a", "b"]).plot()
    with pytest.raises(ValueError, match="gradient_norms has shape"):
        GradientFlowDisplay(gradient_norms=[]).plot()


@pytest.mark.parametrize(
    ("activation", "z", "dead", "saturated"),
    [
        ("relu", [-3.0, -0.1, -9.0], True, False),
        ("relu", [-3.0, 0.1, -9.0], False, False),
        ("tanh", [5.0, -6.0, 9.0], False, True),
        ("tanh", [5.0, -6.0, 0.5], False, True),
        ("logistic", [9.0, 12.0, 20.0], False, True),
        ("logistic", [-9.0, -12.0, -20.0], False, True),
        ("tanh", [5.0, -6.0, 0.5, 0.1], False, False),
        ("relu", [-3.0, -0.1, -9.0, -8.0, 0.5], False, False),
        ("hard_tanh", [-3.0, 2.0, 9.0], True, False),
        ("elu", [-9.0, -12.0, -20.0], False, True),
        ("leaky_relu", [-9.0, -12.0, -20.0], False, False),
        ("identity", [-9.0, 12.0, 1e6], False, False),
        ("softplus", [90.0, 50.0, 20.0], False, False),
    ],
)
def test_dead_and_saturated_units(activation, z, dead, saturated):
    states = unit_states(ACTIVATIONS[activation], np.array(z)[:, None])
    assert (states.dead.tolist(), states.saturated.tolist()) == ([dead], [saturated])


def test_units_with_slopes_of_their_own_are_told_apart():
    z = np.full((10, 2), -3.0)
    states = unit_states(ACTIVATIONS["prelu"], z, np.array([0.0, 0.5]))
    assert states.dead.tolist() == [True, False]


def test_activations_have_the_shares_of_dead_units(digits):
    X, y = digits
    net = fastnet.MLPClassifier((24, 12), max_iter=2, random_state=0).fit(X, y)
    net.intercepts_[0][:6] = -1e4
    display = ActivationsDisplay.from_estimator(net, X, y)
    layers = fastnet.inspect(net, X, y).layers[:-1]
    assert_allclose(display.dead, [(layer.activation == 0).all(axis=0).mean() for layer in layers])
    assert display.dead[0] >= 0.25
    widths = [bar.get_width() for bar in display.axes_[1].containers[0]]
    assert_allclose(widths, 100 * np.asarray(display.dead))
    with pytest.raises(ValueError, match="no hidden layer"):
        ActivationsDisplay.from_estimator(fastnet.MLPClassifier((), max_iter=1, random_state=0).fit(X, y), X, y)


def test_images_of_weights_are_the_weights(net):
    display = WeightsDisplay.from_estimator(net, max_units=5)
    weights = net.coefs_[0]
    norms = np.linalg.norm(weights, axis=0)
    assert_allclose(norms[display.units_], np.sort(norms)[::-1][:5])
    canvas = display.ax_.images[0].get_array().filled(np.nan)
    assert_allclose(canvas[:8, :8], weights[:, display.units_[0]].reshape(8, 8), rtol=1e-6)
    assert_allclose(canvas[:8, 9:17], weights[:, display.units_[1]].reshape(8, 8), rtol=1e-6)
    assert np.isnan(canvas[:, 8]).all()


def test_what_a_feature_layer_makes_is_no_image(iris):
    X, y = iris
    model = fastnet.MLPClassifier((4,), features=PBLD(), max_iter=2, random_state=0).fit(X, y)
    assert model.coefs_[0].shape[0] == 16  # a square
    assert not WeightsDisplay.from_estimator(model).ax_.images
    with pytest.raises(ValueError, match="feature layer"):
        WeightsDisplay.from_estimator(model, image_shape=(4, 4))
    for display in WITH_DATA:
        display.from_estimator(model, X, y)


def test_features_that_are_no_images_give_histograms(iris):
    net = fastnet.MLPClassifier(5, max_iter=2, random_state=0).fit(*iris)
    display = WeightsDisplay.from_estimator(net)
    assert not display.ax_.images and display.ax_.get_xlabel() == "weight"
    counts = [patch.get_data().values - patch.get_data().baseline for patch in display.ax_.patches]
    assert len(counts) == 2
    with pytest.raises(ValueError, match="4 features are no images as image_shape"):
        WeightsDisplay.from_estimator(net, image_shape=(3, 2))
    with pytest.raises(ValueError, match="kind must be one of 'images', 'histograms'"):
        WeightsDisplay.from_estimator(net, kind="image")
    with pytest.raises(ValueError, match="max_units must be at least 1"):
        WeightsDisplay.from_estimator(net, max_units=0)


SETTINGS = {
    "plain": {},
    "everything": {"normalization": "layer", "residual": "projection", "activation": "prelu"},
    "identity skips": {"hidden_layer_sizes": (8, 8, 8), "residual": True},
    "no hidden layer": {"hidden_layer_sizes": ()},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_graph_has_the_derivatives_by_what_each_layer_reads(digits, setting):
    # by central differences of the loss in a factor of one layer's input: the derivative along that input
    X, y = digits[0][:60].astype(float), digits[1][:60]
    params = {"hidden_layer_sizes": (8, 6, 8), "dtype": "float64", "max_iter": 3, "random_state": 0, "alpha": 0.3}
    net = fastnet.MLPClassifier(**params | SETTINGS[setting]).fit(X, y)
    display = NetworkDisplay.from_estimator(net, X, y)
    passed = fastnet.inspect(net, X, y)
    first = display.rows[0].chain[0]
    assert first.shape == (60, 64)
    assert_allclose(first.forward, np.abs(X).mean(), rtol=1e-6)
    rng, step, slopes = np.random.default_rng(0), 1e-5, []
    directions = rng.normal(size=(3, *X.shape))
    for direction in directions:
        high, low = (fastnet.inspect(net, X + sign * step * direction, y).loss for sign in (1, -1))
        slopes.append((high - low) / (2 * step))
    from fastnet.estimators.fitted import parameter_attributes
    from fastnet.inspection.graph import _input_errors

    architecture, matrices, vectors = net._network()
    attributes = parameter_attributes(architecture, matrices, vectors)
    errors = _input_errors(architecture, attributes.pop("coefs_"), attributes, passed)
    assert_allclose([np.vdot(errors[0], direction) for direction in directions], slopes, rtol=1e-5)
    assert_allclose(first.backward, np.linalg.norm(errors[0]))
    weights = [row.parameters[1] for row in display.rows[:-1]]
    assert_allclose([w.backward for w in weights], [np.linalg.norm(a.coef_gradient) for a in passed.layers])
    end = display.rows[-1]
    assert end.chain[-1].forward == passed.loss
    penalty = 0.3 / 2 * sum((w**2).sum() for w in matrices) / 60
    assert_allclose([node.forward for node in end.parameters.values() if node.name == "penalty"], [penalty], rtol=1e-6)


def test_the_graph_without_samples_has_the_shapes(diabetes):
    net = fastnet.MLPRegressor(hidden_layer_sizes=4, max_iter=2, random_state=0).fit(*diabetes)
    display = NetworkDisplay.from_estimator(net)
    assert [row.chain[0].shape for row in display.rows] == [("n", 10), ("n", 4), ("n", 1)]
    assert all(node.backward is None for row in display.rows for node in row.chain)
    with pytest.raises(ValueError, match="X is given without y"):
        NetworkDisplay.from_estimator(net, diabetes[0])


@pytest.mark.parametrize("Display", ALL)
def test_what_is_no_fitted_network_is_refused(digits, Display):
    with pytest.raises(NotFittedError):
        drawn(Display, fastnet.MLPClassifier(), digits)
    with pytest.raises(TypeError, match=r"estimator is no MLPClassifier .* pipeline\[-1\]"):
        drawn(Display, make_pipeline(StandardScaler(), fastnet.MLPClassifier()), digits)


@pytest.mark.parametrize("Display", ALL)
def test_without_matplotlib_the_error_says_how_to_install_it(net, digits, Display, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.pyplot", None)
    monkeypatch.delattr(matplotlib, "pyplot")
    with pytest.raises(ImportError, match=r"Display draws with matplotlib.*fastnet\[plot\]"):
        drawn(Display, net, digits)


def test_displays_leave_the_estimator_as_it_was(net, digits):
    before = dict(vars(net))
    for Display in ALL:
        drawn(Display, net, digits)
    assert vars(net) == before


@pytest.mark.parametrize("response_method", ["predict_proba", "predict"])
def test_decision_boundaries_of_scikit_learn(iris, response_method):
    X, y = iris
    net = fastnet.MLPClassifier(8, max_iter=30, random_state=0).fit(X[:, 2:], y)
    display = DecisionBoundaryDisplay.from_estimator(net, X[:, 2:], response_method=response_method, grid_resolution=9)
    points = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    expected = getattr(net, response_method)(points)
    assert_allclose(np.reshape(display.response, expected.shape), expected)
