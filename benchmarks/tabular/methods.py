"""What is compared: each method as an estimator with scikit-learn's interface, made for a table.

All are at their defaults, but for seeds, threads, and what a column needs to be accepted at all.
"""

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import fastnet
from fastnet.optimizers import Adam

# What the two plain networks get: what a careful person puts before scikit-learn's.
PLAIN = {"numbers": "median, indicator, standardised", "categories": "one-hot", "target": "standardised"}
# scikit-learn's trees take at most 255 levels of a category.
MOST_LEVELS = 254
BOTH = ("classification", "regression")
# RealMLP-TD-S as fastnet's network for tables: what its presets have otherwise.
RECIPE = {
    "hidden_layer_sizes": (256, 256, 256), "n_members": 1, "max_iter": 256, "batch_size": 256, "dropout": 0.0,
    "numeric_embedding": False, "embedding": False, "solver": Adam(beta_2=0.95),
}  # fmt: skip
RECIPE_BY_TASK = {
    "classification": {"activation": "selu", "scoring": "accuracy", "calibration": False},
    "regression": {"activation": "mish", "learning_rate_init": 0.07, "clip_predictions": False},
}


@dataclass(frozen=True)
class Method:
    """A way to learn from a table.

    Attributes
    ----------
    title : str
        In reports.
    make : callable of (Table, seed, threads)
        Gives the estimator, not fitted.
    settings : dict
        What was chosen, so that another choice makes another result.
    packages : tuple of str
        Distributions whose versions count.
    module : str
        What has to be installed.
    tasks : tuple of str
        What it is for.
    """

    title: str
    make: Callable[[Any, int, int], Any]
    settings: dict
    packages: tuple
    module: str
    tasks: tuple = BOTH

    @property
    def is_installed(self):
        """Whether it can run here."""
        if self.module == "fastnet.tabular":
            return "TabularMLPClassifier" in fastnet.__all__
        return importlib.util.find_spec(self.module) is not None


def encoded(table, estimator):
    """Behind scikit-learn's preprocessing for networks; a target of numbers is standardised, too."""
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore")
    columns = [("numbers", numbers, table.numeric), ("categories", categories, table.categorical)]
    model = make_pipeline(ColumnTransformer([column for column in columns if column[2]]), estimator)
    if table.is_classification:
        return model
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def sklearn_mlp(table, seed, threads):
    """scikit-learn's network."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    return encoded(table, (MLPClassifier if table.is_classification else MLPRegressor)(random_state=seed))


def fastnet_mlp(table, seed, threads):
    """fastnet's network, at the defaults that it shares with scikit-learn's."""
    cls = fastnet.MLPClassifier if table.is_classification else fastnet.MLPRegressor
    return encoded(table, cls(random_state=seed, n_jobs=threads))


def hist_gradient_boosting(table, seed, threads):
    """scikit-learn's trees, which read categories from the dtype.

    Of a column with more levels than they take, the most frequent ones keep their own, and the others share one.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    cls = HistGradientBoostingClassifier if table.is_classification else HistGradientBoostingRegressor
    many = [name for name in table.categorical if table.X[name].nunique() > MOST_LEVELS]
    if not many:
        return cls(random_state=seed)
    codes = OrdinalEncoder(max_categories=MOST_LEVELS, handle_unknown="use_encoded_value", unknown_value=float("nan"))
    columns = ColumnTransformer(
        [("many", codes, many)], remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    return make_pipeline(columns, cls(random_state=seed, categorical_features=table.categorical))


def lightgbm(table, seed, threads):
    """LightGBM, which reads categories from the dtype."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    cls = LGBMClassifier if table.is_classification else LGBMRegressor
    return cls(random_state=seed, n_jobs=threads, verbosity=-1)


def catboost(table, seed, threads):
    """CatBoost, whose categories have to be texts."""
    from catboost import CatBoostClassifier, CatBoostRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    cls = CatBoostClassifier if table.is_classification else CatBoostRegressor
    texts = FunctionTransformer(_categories_as_texts, kw_args={"names": table.categorical})
    return make_pipeline(
        texts,
        cls(
            random_seed=seed,
            thread_count=threads,
            verbose=False,
            allow_writing_files=False,
            cat_features=table.categorical,
        ),
    )


def _categories_as_texts(X, names):
    return X.assign(**{name: X[name].astype(object).where(X[name].notna(), "missing").astype(str) for name in names})


def realmlp(table, seed, threads, variant):
    """pytabkit's RealMLP on PyTorch. It takes categories by their dtype, and no missing numbers."""
    from pytabkit.models.sklearn import sklearn_interfaces
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    cls = getattr(sklearn_interfaces, f"{variant}_{'Classifier' if table.is_classification else 'Regressor'}")
    model = cls(device="cpu", random_state=seed, n_threads=threads)
    if not table.X[table.numeric].isna().any(axis=None):
        return model
    columns = ColumnTransformer(
        [("numbers", SimpleImputer(strategy="median", add_indicator=True), table.numeric)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    return make_pipeline(columns, model)


def tabular_mlp(table, seed, threads, **settings):
    """fastnet's network for tables."""
    cls = fastnet.TabularMLPClassifier if table.is_classification else fastnet.TabularMLPRegressor
    return cls(random_state=seed, n_jobs=threads, **settings)


def tabular_recipe(table, seed, threads):
    """fastnet's network for tables with RealMLP-TD-S's settings: one network, long training, its best epoch."""
    return tabular_mlp(table, seed, threads, **RECIPE, **RECIPE_BY_TASK[table.task])


def tabular_method(title, settings):
    """The method of some settings of fastnet's network for tables."""
    return Method(title, partial(tabular_mlp, **settings), settings, ("fastnet",), "fastnet.tabular")


METHODS = {
    "hist_gradient_boosting": Method(
        "HistGradientBoosting", hist_gradient_boosting, {"levels": MOST_LEVELS}, ("scikit-learn",), "sklearn"
    ),
    "lightgbm": Method("LightGBM", lightgbm, {}, ("lightgbm",), "lightgbm"),
    "catboost": Method("CatBoost", catboost, {}, ("catboost",), "catboost"),
    "sklearn_mlp": Method("scikit-learn's MLP", sklearn_mlp, PLAIN, ("scikit-learn",), "sklearn"),
    "fastnet_mlp": Method("fastnet's MLP", fastnet_mlp, PLAIN, ("fastnet",), "fastnet"),
    "realmlp_td_s": Method(
        "RealMLP-TD-S", partial(realmlp, variant="RealMLP_TD_S"), {}, ("pytabkit", "torch"), "pytabkit"
    ),
    "realmlp_td": Method("RealMLP-TD", partial(realmlp, variant="RealMLP_TD"), {}, ("pytabkit", "torch"), "pytabkit"),
    **{
        f"tabular_{preset}": tabular_method(f"TabularMLP, {preset}", {"preset": preset})
        for preset in ("fast", "default", "best")
    },
    "tabular_td_s": Method(
        "TabularMLP as RealMLP-TD-S", tabular_recipe, RECIPE | RECIPE_BY_TASK, ("fastnet",), "fastnet.tabular"
    ),
}
