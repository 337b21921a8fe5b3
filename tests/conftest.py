"""Small standardised data sets, read-only, so that a fit which writes into its input fails."""

import gc

import pytest

# Libraries are imported where they are used: the process that shares the tests out reads this file, too.


def pytest_collection_finish():
    """Garbage is looked for less often, and not among thousands of tests, where that took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _frozen(X, y):
    from sklearn.preprocessing import StandardScaler

    X = StandardScaler().fit_transform(X)
    y = y.copy()
    X.setflags(write=False)
    y.setflags(write=False)
    return X, y


@pytest.fixture(scope="session")
def digits():
    """(X, y): 300 digits, 64 features, 10 classes."""
    from sklearn import datasets

    X, y = datasets.load_digits(return_X_y=True)
    return _frozen(X[:300], y[:300])


@pytest.fixture(scope="session")
def cancer():
    """(X, y): 280 patients, 30 features, 2 classes."""
    from sklearn import datasets

    X, y = datasets.load_breast_cancer(return_X_y=True)
    return _frozen(X[:280], y[:280])


@pytest.fixture(scope="session")
def diabetes():
    """(X, y): 250 patients, 10 features, a standardised target."""
    from sklearn import datasets

    X, y = datasets.load_diabetes(return_X_y=True)
    X, y = X[:250], y[:250]
    return _frozen(X, (y - y.mean()) / y.std())


@pytest.fixture(scope="session")
def iris():
    """(X, y): 150 flowers as measured, 4 features, 3 classes."""
    from sklearn import datasets

    return datasets.load_iris(return_X_y=True)


@pytest.fixture
def allow_threads(monkeypatch):
    """``allow_threads(count)``: from now on so many threads are allowed, however many cores the machine has."""
    from fastnet.kernels.threads import limits

    def allow(count):
        for variable in limits.VARIABLES:
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setattr(limits, "count_cores", lambda *arguments: count)

    return allow
