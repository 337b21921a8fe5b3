"""What must not change a model: threads, the company of other rows, memory layouts, a pickle, another run."""

import pickle

import numpy as np
import pytest
from cases import cases
from hypothesis import assume, given
from hypothesis import strategies as st
from judge import attempt, dense, parts, predictions
from profiles import FAST, MANY
from sklearn.base import clone
from tables import SPARSE_FORMS, tables

SEEDED = {"random_state": 7, "max_time": None, "verbose": False}
DENSE = tables(forms=("C", "F", "strided", "reversed", "readonly"), kinds=("normal", "binary", "constant column"))
SPARSE = tables(forms=SPARSE_FORMS, kinds=("normal", "zeros", "binary"), dtypes=("float64", "float32"))


def trained(case, **changes):
    """A trained network; examples that are refused are no matter here."""
    net = case.estimator(**{**SEEDED, **changes})
    outcome = attempt(lambda: case.train(net), net)
    assume(outcome.error is None)
    return net


def weights(net):
    """All trained numbers."""
    more = [getattr(net, name, []) for name in ("gains_", "means_", "variances_", "slopes_", "projections_")]
    return [*net.coefs_, *net.intercepts_, *(a for part in more for a in part if a is not None)]


def history(net):
    """What a fit tells of itself."""
    names = ("loss_", "loss_curve_", "validation_scores_", "best_validation_score_", "n_iter_", "t_", "stop_reason_")
    return [getattr(net, name, None) for name in names]


def assert_same_bits(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes(), abs(x - y).max()


def assert_same_predictions(a, b):
    assert a.keys() == b.keys()
    for name in a:
        for x, y in zip(parts(a[name]), parts(b[name]), strict=True):
            assert x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind == "f"), name


def check_repeats(case):
    one = trained(case, n_jobs=1)
    for again in (trained(case, n_jobs=2), trained(case, n_jobs=None), clone(one)):
        if not hasattr(again, "coefs_"):
            attempt(lambda again=again: case.train(again))
        assert_same_bits(weights(one), weights(again))
        np.testing.assert_equal(history(again), history(one))
    before = [w.copy() for w in weights(one)]
    if case.method == "fit" and not case.parameters.get("warm_start"):
        attempt(lambda: case.train(one))
        assert_same_bits(before, weights(one))


def check_pickles(case):
    net = trained(case)
    loaded = pickle.loads(pickle.dumps(net))
    assert_same_bits(weights(net), weights(loaded))
    X = case.X()
    first, second = (attempt(lambda model=model: predictions(model, X)).result for model in (net, loaded))
    assert_same_predictions(first, second)
    if hasattr(net, "partial_fit") and case.method == "partial_fit":
        ends = [attempt(lambda model=model: case.train(model)) for model in (net, loaded)]
        assert (ends[0].error is None) == (ends[1].error is None)
        assert_same_bits(weights(net), weights(loaded))


def rows_of(X, rows):
    """Some rows of X, in the form that X has."""
    X = X if not hasattr(X, "tocsr") else X.tocsr()
    return [X[i] for i in rows] if isinstance(X, list) else X[rows]


def check_rows(case):
    net = trained(case)
    X = case.X()
    together = attempt(lambda: predictions(net, X)).result
    rows = np.random.default_rng(case.table.seed).permutation(case.table.rows)[:3]
    for chosen in ([rows[0]], rows, np.repeat(rows, 70)):
        alone = attempt(lambda chosen=chosen: predictions(net, rows_of(X, chosen))).result
        assert_same_predictions({k: [p[chosen] for p in parts(v)] for k, v in together.items()}, alone)


def check_layouts(case):
    X, y, arguments = case.table.numbers(), case.y(), case.arguments()
    models = []
    for given_X in (case.table.given(), np.ascontiguousarray(X)):
        net = case.estimator(**SEEDED)
        outcome = attempt(lambda net=net, X=given_X: getattr(net, case.method)(X, y, **arguments), net)
        assume(outcome.error is None)
        models.append(net)
    first, second = models
    if case.table.form not in SPARSE_FORMS:
        assert_same_bits(weights(first), weights(second))
    given_X = case.table.given()
    for name, values in attempt(lambda: predictions(first, given_X)).result.items():
        same = attempt(lambda name=name: dense(getattr(first, name)(X))).result
        for a, b in zip(parts(values), parts(same), strict=True):
            if case.table.form not in SPARSE_FORMS:
                assert a.tobytes() == b.tobytes(), name
            elif a.dtype.kind == "f":
                np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4, err_msg=name)


def check_whole_weights(case):
    """An integer weight counts as that many copies of its sample."""
    weight = case.sample_weight()
    copies = np.repeat(np.arange(case.table.rows), weight)
    weighted, repeated = case.estimator(**SEEDED), case.estimator(**SEEDED)
    X, y = case.X(), np.asarray(case.y())
    outcome = attempt(lambda: weighted.fit(X, y, sample_weight=weight))
    assume(outcome.error is None)
    # The classes and the number of samples a weight of 0 leaves out are still known.
    assume(not case.classifier or case.targets.kind == "labels" or len(np.unique(y[copies])) == len(np.unique(y)))
    assume(case.targets.kind != "columns")
    outcome = attempt(lambda: repeated.fit(X[copies], y[copies]))
    assert outcome.error is None, f"refused with copies, taken with weights: {outcome.error}"
    np.testing.assert_allclose(repeated.loss_, weighted.loss_, rtol=1e-6, atol=1e-9)
    for a, b in zip(weights(weighted), weights(repeated), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


CHECKS = {"repeats": check_repeats, "pickles": check_pickles, "rows": check_rows}
FULL_BATCH = {
    "batch_size": None, "dtype": "float64", "shuffle": False, "early_stopping": False, "calibration": None,
    "solver": "sgd", "activation": "tanh", "max_iter": 2,
}  # fmt: skip


def layouts(few):
    """Examples that may be given in any layout, those of sparse X without what is random."""
    return st.one_of(cases(few=few, table=DENSE), cases(few=few, table=SPARSE, most_set=4))


def weighted(few):
    """Examples of full batches with weights that are whole numbers."""
    table = tables(forms=("C", "F"), kinds=("normal",), dtypes=("float64",), rows=st.integers(5, 40))
    # Quantiles are those of the samples, whatever their weights.
    names = {
        "features": None, "dropout": 0.0, "drop_connect": 0.0, "input_dropout": 0.0, "input_noise": 0.0,
        "scoring": None,
    }  # fmt: skip
    # 'invscaling' counts samples, of which copies are more.
    always = {**FULL_BATCH, **names, "validation_split": None, "learning_rate": "constant"}
    drawn = cases(few=few, methods=("fit",), table=table, always=always, most=5)
    return drawn.filter(lambda case: case.weights == "whole").map(without_calibration)


def without_calibration(case):
    """A regressor has no calibration."""
    if not case.classifier:
        case.parameters.pop("calibration")
    return case


@pytest.mark.parametrize("name", CHECKS)
def test_a_model_is_the_same(name):
    @FAST
    @given(cases(few=True))
    def run(case):
        CHECKS[name](case)

    run()


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CHECKS)
def test_a_model_of_the_whole_vocabulary_is_the_same(name):
    @MANY
    @given(cases())
    def run(case):
        CHECKS[name](case)

    run()


@FAST
@given(layouts(few=True))
def test_the_layout_of_X_does_not_matter(case):
    check_layouts(case)


@pytest.mark.exhaustive
@MANY
@given(layouts(few=False))
def test_no_layout_of_X_matters(case):
    check_layouts(case)


@FAST
@given(weighted(few=True))
def test_a_whole_weight_is_so_many_copies(case):
    check_whole_weights(case)


@pytest.mark.exhaustive
@MANY
@given(weighted(few=False))
def test_every_whole_weight_is_so_many_copies(case):
    check_whole_weights(case)
