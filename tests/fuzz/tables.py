"""Data as short descriptions, so that a counterexample can be read and shrinks well."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from scipy import sparse

ROWS = st.integers(1, 40)
FORMS = ("C", "F", "strided", "reversed", "readonly", "list", "csr", "csc", "coo", "csr_array")
SPARSE_FORMS = ("csr", "csc", "coo", "csr_array")
KINDS = ("normal", "zeros", "constant column", "binary", "duplicates", "large", "tiny", "one large")


@dataclass(frozen=True)
class Table:
    """What X is."""

    rows: int
    columns: int
    seed: int = 0
    kind: str = "normal"
    form: str = "C"
    dtype: str = "float64"

    def numbers(self):
        """The numbers as a new dense array."""
        rng = np.random.default_rng(self.seed)
        X = rng.normal(size=(self.rows, self.columns))
        if self.form in SPARSE_FORMS:
            X[rng.random(X.shape) < 0.8] = 0.0
        if self.kind == "zeros":
            X[:] = 0.0
        elif self.kind == "constant column":
            X[:, 0] = 3.0
        elif self.kind == "binary":
            X = (X > 0).astype(np.float64)
        elif self.kind == "duplicates":
            X[:] = X[0]
        elif self.kind == "large":
            X *= 1e12
        elif self.kind == "tiny":
            X *= 1e-30
        elif self.kind == "one large":
            X[0, 0] = 1e25
        if self.dtype in ("int64", "bool"):
            X = np.clip(X, -1e15, 1e15)
        return X.astype(self.dtype)

    def given(self, numbers=None):
        """The numbers in the form of the table."""
        X = self.numbers() if numbers is None else numbers
        if self.form in SPARSE_FORMS:
            make = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "coo": sparse.coo_matrix}
            return make.get(self.form, sparse.csr_array)(X)
        if self.form == "F":
            return np.asfortranarray(X)
        if self.form == "strided":
            return np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3]
        if self.form == "reversed":
            return np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1]
        if self.form == "list":
            return X.tolist()
        X.setflags(write=self.form != "readonly")
        return X


@st.composite
def tables(draw, *, rows=ROWS, kinds=KINDS, forms=FORMS, dtypes=("float64", "float32", "int64", "bool")):
    """Descriptions of X."""
    return Table(
        draw(rows), draw(st.integers(1, 20)), draw(st.integers(0, 50)),
        draw(st.sampled_from(kinds)) if draw(st.booleans()) else "normal",
        draw(st.sampled_from(forms)), draw(st.sampled_from(dtypes)),
    )  # fmt: skip


@dataclass(frozen=True)
class Targets:
    """What y is: ``kind``, and the number of classes, labels, columns or outputs."""

    kind: str
    n: int = 2
    seed: int = 0

    def given(self, rows, seed=0):
        """y of so many samples; the first ones have every class, if there are enough."""
        rng = np.random.default_rng([self.seed, seed])
        classes = np.concatenate([np.arange(self.n), rng.integers(0, self.n, rows)])[:rows]
        if self.kind == "classes":
            return classes
        if self.kind == "names":
            return np.array([f"class {i}" for i in classes])
        if self.kind == "objects":
            return np.array([f"class {i}" for i in classes], dtype=object)
        if self.kind == "floats":
            return classes.astype(np.float64)
        if self.kind == "bools":
            return classes % 2 == 0
        if self.kind == "list":
            return classes.tolist()
        if self.kind == "labels":
            return rng.integers(0, 2, (rows, self.n))
        if self.kind == "sparse labels":
            return sparse.csr_matrix(rng.integers(0, 2, (rows, self.n)))
        if self.kind == "columns":
            return np.column_stack([classes, *(rng.integers(0, 3, rows) for _ in range(self.n - 1))])
        shape = (rows,) if self.n == 1 else (rows, self.n)
        numbers = rng.normal(size=shape)
        if self.kind == "column":
            return numbers.reshape(rows, -1)
        if self.kind == "positive":
            return np.exp(numbers)
        if self.kind == "counts":
            return rng.poisson(2.0, shape)
        if self.kind == "float32":
            return numbers.astype(np.float32)
        if self.kind == "fortran":
            return np.asfortranarray(numbers)
        if self.kind == "large":
            return numbers * 1e10
        return numbers if self.kind == "numbers" else np.zeros(shape)

    def classes(self):
        """``classes`` of partial_fit."""
        many = self.given(200)
        if self.kind in ("labels", "sparse labels"):
            return np.arange(self.n)
        if self.kind == "columns":
            return [np.unique(column) for column in many.T]
        return np.unique(many)


CLASSES = ("classes", "names", "objects", "floats", "bools", "list", "labels", "sparse labels", "columns")
NUMBERS = ("numbers", "column", "float32", "fortran", "counts", "positive", "zeros", "large")


@st.composite
def targets(draw, classifier, *, positive=False, most=70):
    """Descriptions of y."""
    if classifier:
        kind = draw(st.sampled_from(CLASSES))
        few = {"labels": (2, 12), "sparse labels": (2, 12), "columns": (2, 4), "bools": (2, 2)}
        low, high = few.get(kind, (1, most))
        n = draw(st.one_of(st.integers(low, min(high, 4)), st.integers(low, high)))
    else:
        kind = draw(st.sampled_from(("counts", "positive") if positive else NUMBERS))
        n = draw(st.one_of(st.integers(1, 3), st.integers(1, most)))
    return Targets(kind, n, draw(st.integers(0, 20)))
