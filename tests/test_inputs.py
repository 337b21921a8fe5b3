"""Every kind of input reaches the same computation."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from problems import parameters, same_bits
from sklearn.exceptions import DataConversionWarning
from sklearn.preprocessing import LabelBinarizer

import fastnet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {
    "mini-batch": {"dtype": "float32", "batch_size": 37, "max_iter": 3},
    "double": {"dtype": "float64", "batch_size": 37, "max_iter": 3},
    "full-batch": {"dtype": "float64", "batch_size": 120, "max_iter": 3},
    "lbfgs": {"dtype": "float64", "solver": "lbfgs", "max_iter": 5},
    "early-stopping": {"dtype": "float32", "early_stopping": True, "max_iter": 3},
}


def classifier(**params):
    return fastnet.MLPClassifier(**{"hidden_layer_sizes": (9, 5), "random_state": 0, **params})


@pytest.fixture(scope="module")
def data(digits):
    """120 digits as small integers, which every dtype holds exactly; a third of the pixels is 0."""
    X, y = digits
    return np.round(4 * np.clip(X[:120], 0, 2)), y[:120] % 3


@pytest.fixture(scope="module", params=SETTINGS)
def reference(request, data):
    """(settings, parameters, probabilities) of a fit on the dense C-ordered float64 array."""
    model = classifier(**SETTINGS[request.param]).fit(*data)
    return SETTINGS[request.param], parameters(model), model.predict_proba(data[0])


def strided(X):
    wide = np.full((2 * X.shape[0], 3 * X.shape[1]), np.nan)
    wide[1::2, ::3] = X
    return wide[1::2, ::3]


def reversed_view(X):
    return X[::-1, ::-1].copy()[::-1, ::-1]


def read_only(X):
    X = X.copy()
    X.setflags(write=False)
    return X


DENSE = {
    "fortran": np.asfortranarray,
    "strided": strided,
    "reversed": reversed_view,
    "read-only": read_only,
    "nested lists": lambda X: X.tolist(),
    "single": lambda X: X.astype(np.float32),
    "single fortran": lambda X: np.asfortranarray(X, dtype=np.float32),
    "integers": lambda X: X.astype(np.int32),
    "big-endian": lambda X: X.astype(">f8"),
}


@pytest.mark.parametrize("kind", DENSE)
def test_dense_arrays_of_any_layout_give_the_same_bits(reference, data, kind):
    settings, expected, probabilities = reference
    X = DENSE[kind](data[0])
    model = classifier(**settings).fit(X, data[1])
    assert same_bits(parameters(model), expected)
    assert same_bits([model.predict_proba(data[0])], [probabilities])
    given = model.predict_proba(X)  # of float32 as float32
    if "single" in kind:
        assert_allclose(given, probabilities, rtol=1e-6)
    else:
        assert same_bits([given], [probabilities])


def test_a_memory_map_gives_the_same_bits(reference, data, tmp_path):
    settings, expected, probabilities = reference
    np.save(tmp_path / "X.npy", data[0])
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = classifier(**settings).fit(X, data[1])
    assert same_bits(parameters(model), expected)
    assert same_bits([model.predict_proba(X)], [probabilities])


def with_indices(X, dtype):
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    return X


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("value", [np.float32, np.float64])
@pytest.mark.parametrize("container", [sp.csr_matrix, sp.csc_matrix, sp.csr_array, sp.csc_array])
def test_sparse_matrices_give_the_same_model(reference, data, container, value, index):
    settings, expected, probabilities = reference
    X = with_indices(container(data[0].astype(value)), index)
    model = classifier(**settings).fit(X, data[1])
    rtol = 1e-4 if settings["dtype"] == "float32" else 1e-9
    for a, b in zip(parameters(model), expected, strict=True):
        assert a.dtype == b.dtype
        assert_allclose(a, b, rtol=rtol, atol=rtol)
    assert_allclose(model.predict_proba(data[0]), probabilities, rtol=rtol, atol=rtol)
    # what the model predicts does not depend on how it is asked, but for the type
    if value == np.float32:
        rtol = max(rtol, 1e-6)
    assert_allclose(model.predict_proba(data[0]), model.predict_proba(X), rtol=rtol, atol=1e-12)


def test_sparse_input_is_left_as_it_is(data):
    X = sp.csr_matrix(data[0])
    before = X.copy()
    classifier(max_iter=2).fit(X, data[1])
    assert_array_equal(X.data, before.data)
    assert_array_equal(X.indices, before.indices)
    assert_array_equal(X.indptr, before.indptr)


@pytest.mark.parametrize("kind", ["contiguous", "strided"])
def test_csr_with_unsorted_and_repeated_indices(data, kind):
    X, y = data
    canonical = sp.csr_array(X)
    # every entry twice, in halves, the columns of each row in random order
    rng = np.random.default_rng(0)
    n_entries = 2 * np.diff(canonical.indptr)
    shuffled = np.concatenate(
        [start + rng.permutation(n) for start, n in zip(2 * canonical.indptr[:-1], n_entries, strict=True)]
    )
    values = np.repeat(canonical.data / 2, 2)[shuffled]
    indices = np.repeat(canonical.indices, 2)[shuffled]
    if kind == "strided":
        values, indices = values[::-1].copy()[::-1], np.repeat(indices, 3)[::3]
    halves = sp.csr_array((values, indices, 2 * canonical.indptr), shape=X.shape)
    assert_array_equal(halves.toarray(), X)
    settings = {"dtype": "float64", "max_iter": 2}
    sparse, dense = classifier(**settings).fit(halves, y), classifier(**settings).fit(X, y)
    for a, b in zip(parameters(sparse), parameters(dense), strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert_allclose(dense.predict_proba(halves), dense.predict_proba(X), rtol=1e-9)


def test_a_sparse_matrix_with_empty_rows_and_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 7))
    X[::3] = 0
    X[:, 2] = 0
    y = rng.normal(size=40)
    params = {"hidden_layer_sizes": 4, "dtype": "float64", "batch_size": 9, "random_state": 0, "max_iter": 3}
    dense = fastnet.MLPRegressor(**params).fit(X, y)
    sparse = fastnet.MLPRegressor(**params).fit(sp.csr_array(X), y)
    for a, b in zip(parameters(sparse), parameters(dense), strict=True):
        assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csc_array])
def test_nan_and_infinity_in_X_are_refused(data, container, value):
    X, y = data
    model = classifier(max_iter=2).fit(X, y)
    broken = X.copy()
    broken[3, 4] = value
    message = "Input (X )?contains (NaN|infinity)"
    with pytest.raises(ValueError, match=message):
        classifier().fit(container(broken), y)
    with pytest.raises(ValueError, match=message):
        model.predict(container(broken))


def test_feature_names_are_remembered_and_checked(data):
    pd = pytest.importorskip("pandas")
    X, y = data
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(X.shape[1])])
    model = classifier(max_iter=2, early_stopping=True).fit(frame, y)
    assert_array_equal(model.feature_names_in_, frame.columns)
    assert same_bits([model.predict_proba(frame)], [classifier(max_iter=2, early_stopping=True).fit(X, y)
                                                    .predict_proba(X)])  # fmt: skip
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"pixel 3": "pixel x"}))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X)


def test_a_wrong_number_of_features_is_refused(data):
    model = classifier(max_iter=2).fit(*data)
    with pytest.raises(ValueError, match="X has 5 features, but MLPClassifier is expecting 64"):
        model.predict(data[0][:, :5])


LABELS = {
    "integers": np.array([7, -2, 30]),
    "strings": np.array(["zebra", "ant", "cow"]),
    "objects": np.array(["zebra", "ant", "cow"], dtype=object),
    "floats": np.array([1.0, 2.0, 5.0]),
    "unsigned": np.array([9, 0, 200], dtype=np.uint8),
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_kind(data, kind, early_stopping):
    X, y = data
    labels = LABELS[kind]
    params = {"max_iter": 4, "early_stopping": early_stopping}
    model = classifier(**params).fit(X, labels[y])
    assert_array_equal(model.classes_, np.sort(labels))
    predicted = model.predict(X)
    assert predicted.dtype == model.classes_.dtype
    assert_array_equal(predicted, model.classes_[model.predict_proba(X).argmax(axis=1)])
    # the order of the classes is that of their values, whatever the labels are
    codes = np.searchsorted(np.sort(labels), labels)
    expected = classifier(**params).fit(X, codes[y])
    assert same_bits(parameters(model), parameters(expected))


def test_boolean_labels(data):
    X, y = data
    model = classifier(max_iter=5).fit(X, y > 0)
    assert_array_equal(model.classes_, [False, True])
    assert model.predict(X).dtype == bool
    assert model.n_outputs_ == 1
    assert model.predict_proba(X).shape == (120, 2)


@pytest.mark.filterwarnings("ignore:y looks one-hot encoded:UserWarning")
def test_multilabel_targets(data):
    X, y = data
    indicator = LabelBinarizer().fit_transform(y)
    model = classifier(max_iter=5).fit(X, indicator)
    assert model.out_activation_ == "logistic"
    assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)
    # the probabilities of a sample are independent: they need not sum to 1
    assert np.ptp(model.predict_proba(X).sum(axis=1)) > 0.01


def test_column_vectors_of_targets_are_flattened_with_a_warning(data):
    X, y = data
    expected = classifier(max_iter=2).fit(X, y)
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        model = classifier(max_iter=2).fit(X, y[:, None])
    assert same_bits(parameters(model), parameters(expected))

    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        regressor = fastnet.MLPRegressor(max_iter=2, random_state=0).fit(X, y[:, None])
    assert regressor.predict(X).shape == (120,)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_regression_targets_of_any_layout(data, dtype, order):
    X, y = data
    several = np.column_stack([y, 2 * y, -y]).astype(float)
    params = {"hidden_layer_sizes": 5, "max_iter": 2, "random_state": 0}
    expected = fastnet.MLPRegressor(**params).fit(X, several)
    model = fastnet.MLPRegressor(**params).fit(X, np.array(several, dtype=dtype, order=order))
    assert same_bits(parameters(model), parameters(expected))
    assert model.predict(X).shape == (120, 3)


def test_sample_weights_of_any_layout(data):
    X, y = data
    weight = np.arange(120) % 4
    expected = classifier(max_iter=2).fit(X, y, sample_weight=weight.astype(float))
    strided = np.repeat(weight.astype(np.float32), 2)[::2]
    for other in [weight, weight.tolist(), strided, read_only(weight)]:
        model = classifier(max_iter=2).fit(X, y, sample_weight=other)
        assert same_bits(parameters(model), parameters(expected))


def test_one_sample_and_one_feature():
    model = fastnet.MLPRegressor(hidden_layer_sizes=2, max_iter=2, random_state=0).fit([[1.0]], [2.0])
    assert model.predict([[1.0], [3.0]]).shape == (2,)


def test_a_rows_prediction_has_the_same_bits_alone_and_in_any_batch(digits):
    X, y = digits
    model = classifier(hidden_layer_sizes=(33, 17), max_iter=3).fit(X, y)
    together = model.predict_proba(X)
    alone = np.vstack([model.predict_proba(X[i : i + 1]) for i in range(50)])
    assert same_bits([alone], [together[:50]])
    assert same_bits([model.predict_proba(X[13:40:2])], [together[13:40:2]])
