"""L-BFGS keeps BLAS to one thread while it runs, and gives back what there was."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from fastnet import MLPRegressor
from fastnet.training.objective import Objective


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("fails", [False, True])
def test_fit_limits_blas_and_restores_it(monkeypatch, fails):
    seen, call = [], Objective.__call__

    def spy(self, x):
        seen.append(blas_threads())
        if fails:
            raise MemoryError
        return call(self, x)

    monkeypatch.setattr(Objective, "__call__", spy)
    X = np.random.RandomState(0).standard_normal((30, 3))
    net = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", tol=1e-2)
    with threadpool_limits(3, user_api="blas"):
        if blas_threads() != {3}:
            pytest.skip("the number of BLAS threads cannot be set here")
        if fails:
            with pytest.raises(MemoryError):
                net.fit(X, X[:, 0])
        else:
            net.fit(X, X[:, 0])
        assert blas_threads() == {3}
    assert seen and all(threads == {1} for threads in seen)


def test_fits_in_threads_restore_it_together(monkeypatch):
    inside, began, ended, call = *(threading.Event() for _ in range(3)), Objective.__call__
    X = np.random.RandomState(0).standard_normal((30, 3))

    def first_ends_before_second(self, x):
        if threading.current_thread().name == "first":
            inside.set()
            assert began.wait(60)  # the second begins while the first runs
        else:
            began.set()
            assert ended.wait(60)
        return call(self, x)

    monkeypatch.setattr(Objective, "__call__", first_ends_before_second)

    def fit():
        MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", tol=1e-2).fit(X, X[:, 0])

    before = blas_threads()
    if before == {1}:
        pytest.skip("BLAS has one thread anyway")
    first, second = (threading.Thread(target=fit, name=name) for name in ("first", "second"))
    first.start()
    assert inside.wait(60) and blas_threads() == {1}
    second.start()
    first.join()
    ended.set()
    second.join()
    assert blas_threads() == before
