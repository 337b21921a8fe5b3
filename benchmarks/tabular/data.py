"""Tables, and how each is split into rows to train with and rows to test with."""

import importlib.util
import json
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

VARIABLE = "FASTNET_TABLES"
TRAIN_SHARE = 0.75
SHIPPED = {
    "breast_cancer": (datasets.load_breast_cancer, True),
    "diabetes": (datasets.load_diabetes, False),
    "digits": (datasets.load_digits, True),
    "iris": (datasets.load_iris, True),
    "wine": (datasets.load_wine, True),
}


@dataclass(frozen=True)
class Table:
    """Rows, and what is to be predicted of them.

    Attributes
    ----------
    name : str
    X : DataFrame of shape (n_samples, n_features)
        Numbers as float64, categories of dtype 'category', missing values as NaN.
    y : ndarray of shape (n_samples,)
        Numbers of the classes, int64, or numbers, float64.
    is_classification : bool
    """

    name: str
    X: Any
    y: np.ndarray
    is_classification: bool

    @property
    def task(self):
        """'classification' or 'regression'."""
        return "classification" if self.is_classification else "regression"

    @property
    def categorical(self):
        """Names of the columns of categories."""
        return [name for name, dtype in self.X.dtypes.items() if dtype == "category"]

    @property
    def numeric(self):
        """Names of the other columns."""
        return [name for name, dtype in self.X.dtypes.items() if dtype != "category"]


@dataclass(frozen=True)
class Split:
    """Rows of a table to train with and to test with, and the seed that drew them."""

    number: int
    X_train: Any
    X_test: Any
    y_train: np.ndarray
    y_test: np.ndarray


def sources(folder=None):
    """Names of the tables, each with a function that loads it.

    Parameters
    ----------
    folder : str, default=None
        With ``load.py``, whose ``load(name)`` gives X, y and the task, and ``index.json``, a dict by the tables' names.
        None is the folder that the environment variable FASTNET_TABLES names; without it, the tables that come with
        scikit-learn.

    Raises
    ------
    FileNotFoundError
        If the folder lacks one of the two files.
    """
    folder = folder or os.environ.get(VARIABLE)
    if not folder:
        return {name: partial(_load_shipped, name) for name in SHIPPED}
    index, loader = Path(folder) / "index.json", Path(folder) / "load.py"
    for path in (index, loader):
        if not path.is_file():
            raise FileNotFoundError(
                f"--data (or {VARIABLE}) must name a folder with load.py and index.json: {path} is not there. "
                "Leave it out for the tables that come with scikit-learn."
            )
    spec = importlib.util.spec_from_file_location("tables_loader", loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: partial(_load, module, name) for name in sorted(json.loads(index.read_text()))}


def _load(module, name):
    X, y, task = module.load(name)
    if task not in ("classification", "regression"):
        raise ValueError(f"{name}: the loader must say 'classification' or 'regression', got {task!r}.")
    if task == "classification":
        return Table(name, X, np.unique(np.asarray(y), return_inverse=True)[1], True)
    return Table(name, X, np.asarray(y, dtype=np.float64), False)


def _load_shipped(name):
    loader, is_classification = SHIPPED[name]
    X, y = loader(return_X_y=True, as_frame=True)
    X.columns = [column.replace(" ", "_") for column in X.columns]
    return Table(name, X.astype("float64"), y.to_numpy("int64" if is_classification else "float64"), is_classification)


def split(table, number, train_rows):
    """Three quarters of the rows to train with, at most ``train_rows`` (0: no limit), all others to test with.

    The number is the seed. Classes keep their shares in both parts.
    """
    n_samples = len(table.y)
    n_train = int(TRAIN_SHARE * n_samples)
    train, test = train_test_split(
        np.arange(n_samples),
        train_size=min(train_rows or n_train, n_train),
        test_size=None,
        random_state=number,
        stratify=table.y if table.is_classification else None,
    )
    X = table.X
    return Split(number, X.iloc[train], X.iloc[test], table.y[train], table.y[test])


def few_rows(part, count=200, of_each_class=10):
    """Some of a split's rows, all classes among them: enough to warm up with."""
    y = part.y_train
    chosen = np.zeros(len(y), dtype=bool)
    chosen[:count] = True
    if y.dtype.kind == "i":
        for label in np.unique(y):
            chosen[np.flatnonzero(y == label)[:of_each_class]] = True
    return part.X_train.iloc[chosen], y[chosen]
