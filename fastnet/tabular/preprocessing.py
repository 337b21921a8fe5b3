"""The preprocessor: columns of all kinds become numbers of one scale."""

from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ..estimators.fitting.transaction import unchanged_on_failure
from ..estimators.inputs.arrays import check_weights
from ..estimators.parameters import check_each
from ..ops.numbers import shown
from .columns import DATETIME, NUMERIC, STRING, read
from .encoding import (
    endings,
    groups_of,
    is_free_text,
    learn_levels,
    learn_numbers,
    quantities,
    scales_of_levels,
    write_outputs,
)
from .frames import columns_of
from .table import checked_table, read_table


class TabularPreprocessor(TransformerMixin, BaseEstimator):
    r"""Columns of a table, of any kind, as numbers that a network learns well from.

    It recognises each column by its type, and encodes and scales it:

    - **Numbers** are centred by the median and divided by the distance of the quartiles. Missing ones become the
      median, and get an indicator column if there were any in training. Durations are numbers of seconds.
    - **Booleans, categories and strings** with two levels become -1 and 1, with 0 for what is missing. Several levels
      become one column each (one-hot), and so do missing values if there were any in training. A level that
      training has not seen is 0 in all of them. With ``codes=True`` a column of many levels becomes one column of
      codes instead.
    - **Dates and times** become year, month, day, weekday (Monday is 0), hour, and second of the day, as a clock on
      the wall of their time zone shows them, each a number; parts that never change are left out.

    Every output x but codes is scaled, also those of categories, and clipped smoothly to
    :math:`x / \sqrt{1 + (x / c)^2}`, which leaves small numbers alone and no number beyond :math:`\pm c`. Scaling and
    clipping are those of RealMLP-TD-S [1]_. All is computed in float64.

    Parameters
    ----------
    categorical_features : 'from_dtype' or array-like of {bool, int, str}, default='from_dtype'
        Columns of categories. 'from_dtype' recognises them by their type: booleans, categories and strings. A mask,
        numbers or names of columns make categories of others too, such as of numbers that are codes.
    max_one_hot : int, default=8
        Most levels, without missing ones, that become one column each where ``codes`` is True; two levels always
        become one column.
    codes : bool, default=False
        Whether columns of more levels become one column of codes: 0, 1 and so on, the last ones for rare
        and for missing values, and -1 for levels that training has not seen. For networks with embeddings;
        ``cardinalities_`` has the number of codes.
    max_categories : int or None, default=255
        Most one-hot columns of a column, without that of missing values; the rarest levels beyond share one.
        None is no limit.
    min_frequency : int, float or None, default=None
        Levels with fewer samples share one column, or code: an int is a number of samples (or their total weight), a
        float a share of them. None has no rare levels.
    smooth_clip : float or None, default=3.0
        The largest magnitude c of an output, which is approached smoothly. None does not clip.
    dtype : {'float64', 'float32'}, default='float64'
        Type of the output. It is computed in float64.

    Attributes
    ----------
    kinds_ : list of str
        What each column was taken for: 'numeric', 'boolean', 'categorical', 'string' or 'datetime'.
    categories_ : list of (list or None)
        Levels of each column of categories, in their order, rare ones left out; None for other columns.
    centers_ : ndarray of float64 of shape (n_features_out,)
        What is subtracted from each output; missing numbers are replaced by it. 0 for codes.
    scales_ : ndarray of float64 of shape (n_features_out,)
        What the difference is multiplied by; 0 for an output that was constant in training, 1 for codes.
    cardinalities_ : ndarray of int of shape (n_features_out,)
        Number of codes of each output that is a code; 0 for others.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    TabularMLPClassifier : Classifier for tables, which has it inside.
    TabularMLPRegressor : Regressor for tables, which has it inside.
    sklearn.compose.ColumnTransformer : Gives each column a transformer of its own.

    Notes
    -----
    Sample weights count samples: levels and quartiles are those of a table that repeats each row as often as its weight
    says, and rows of weight 0 are not seen. Quartiles are the averaged inverse of the distribution function.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
       Data", NeurIPS 2024, arXiv:2407.04491.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import TabularPreprocessor
    >>> X = np.array([[20.5, "red"], [np.nan, "blue"], [22.5, "green"], [21.5, "red"]], dtype=object)
    >>> table = TabularPreprocessor().fit(X)
    >>> table.kinds_
    ['numeric', 'string']
    >>> table.get_feature_names_out().tolist()
    ['x0', 'x0_missing', 'x1_blue', 'x1_green', 'x1_red']
    >>> table.transform(X).round(2).tolist()[0]
    [-0.49, 0.0, 0.0, 0.0, 0.49]
    """

    _parameter_constraints: dict = {
        "categorical_features": [StrOptions({"from_dtype"}), "array-like"],
        "max_one_hot": [Interval(Integral, 2, None, closed="left")],
        "codes": ["boolean"],
        "max_categories": [Interval(Integral, 2, None, closed="left"), None],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
            None,
        ],
        "smooth_clip": [Interval(Real, 0, None, closed="neither"), None],
        "dtype": [StrOptions({"float64", "float32"})],
    }

    def __init__(
        self,
        categorical_features: str | ArrayLike = "from_dtype",
        *,
        max_one_hot: int = 8,
        codes: bool = False,
        max_categories: int | None = 255,
        min_frequency: float | None = None,
        smooth_clip: float | None = 3.0,
        dtype: str = "float64",
    ) -> None:
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.codes = codes
        self.max_categories = max_categories
        self.min_frequency = min_frequency
        self.smooth_clip = smooth_clip
        self.dtype = dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn what the columns are, their levels and their scales.

        If anything raises, the preprocessor stays as it was.

        Parameters
        ----------
        X : DataFrame, pyarrow table or array-like of shape (n_samples, n_features)
            The table. Frames of pandas and polars, tables of pyarrow, and arrays, also of Python objects.
        y : array-like of shape (n_samples,), default=None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, at least 0 and not all 0; None means equal weights.

        Returns
        -------
        self : object
            The fitted preprocessor.

        Raises
        ------
        ValueError
            If a column holds infinite numbers, values of several kinds, or free text, with its name.
        """
        with unchanged_on_failure(self):
            X = checked_table(self, X, reset=True)
            return self._learn_table(read_table(X, self.categorical_features), check_weights(sample_weight, X))

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(
        self, X: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Fit, and transform the same table: what ``fit(X).transform(X)`` does, in less time.

        Parameters
        ----------
        X : DataFrame, pyarrow table or array-like of shape (n_samples, n_features)
            The table.
        y : array-like of shape (n_samples,), default=None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, at least 0 and not all 0; None means equal weights.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features_out)
            Or a frame, as ``set_output`` says.
        """
        with unchanged_on_failure(self):
            X = checked_table(self, X, reset=True)
            table = read_table(X, self.categorical_features)
            return self._learn_table(table, check_weights(sample_weight, X))._encode_values(table.values, self.dtype)

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Encode and scale a table.

        Parameters
        ----------
        X : DataFrame, pyarrow table or array-like of shape (n_samples, n_features)
            With the columns of ``fit``, in their order.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features_out)
            Or a frame, as ``set_output`` says.

        Raises
        ------
        ValueError
            If columns are missing, in another order or hold what does not go with their kind.
        """
        check_is_fitted(self)
        return self._encode_values(self._read(checked_table(self, X, reset=False)), self.dtype)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Set what holds the output.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            An array, or a frame of pandas or polars named by ``get_feature_names_out``; None leaves it as it is.

        Returns
        -------
        self : object
            The preprocessor.
        """
        return super().set_output(transform=transform)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Get the names of the outputs.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns, which must be those of ``fit``. None takes these or else x0, x1 and so on.

        Returns
        -------
        names : ndarray of str objects of shape (n_features_out,)
            The name of a column, with the level, the part of a date, 'rare' or 'missing' behind it.
        """
        check_is_fitted(self)
        names, taken = [], set()
        for name, code in zip(_check_feature_names_in(self, input_features), self._codes, strict=True):
            for ending in endings(code):
                full = f"{name}_{ending}" if ending else str(name)
                while full in taken:  # a level may be called 'missing'
                    full += "_"
                taken.add(full)
                names.append(full)
        return np.array(names, dtype=object)

    def _read(self, X):
        """What is in the columns of a checked table, by their kinds in training."""
        pairs = list(zip(columns_of(X), self.kinds_, strict=True))
        # what a category holds now is not asked: it need not be of one kind
        found = [one.kind() if kind in (NUMERIC, DATETIME) else kind for one, kind in pairs]
        return [read(*pair, now) for pair, now in zip(pairs, found, strict=True)]

    def _learn_table(self, table, weight, rows=slice(None)):
        """Learn everything from some rows of a `Table`, with weights or None; returns the preprocessor."""
        columns, kinds, values = table
        self.n_features_in_ = len(columns)
        if weight is not None:
            rows = np.arange(len(weight))[rows]
            rows = rows[weight[rows] > 0]
            weight = weight[rows]
        learnt = [self._learn(*one, rows, weight) for one in zip(columns, kinds, values, strict=True)]
        self.kinds_, self._codes = kinds, [code for code, _, _ in learnt]
        self.categories_ = [code.get("levels") for code in self._codes]
        centers_and_scales = np.array([pair for _, pairs, _ in learnt for pair in pairs], np.float64)
        self.centers_, self.scales_ = centers_and_scales.reshape(-1, 2).T.copy()
        self.cardinalities_ = np.array([n for _, _, sizes in learnt for n in sizes], np.int64)
        self._is_quantity = np.concatenate([quantities(code) for code in self._codes])
        return self

    def _learn(self, column, kind, values, rows, weight):
        """A column's code, the centre and scale of each of its outputs, and the number of codes of each."""
        if kind in (NUMERIC, DATETIME):
            code, pairs = learn_numbers(kind, values[rows], weight)
            return code, pairs, [0] * len(pairs)
        codes, levels = values
        codes = codes[rows]
        if kind == STRING and is_free_text(levels, codes):
            column.refuse(
                f"holds free text, such as {shown(levels[0])}, hardly any of it twice: leave it out, or make numbers "
                "of it by a ColumnTransformer with a TfidfVectorizer before. If it is a category, name it in "
                "categorical_features."
            )
        code = learn_levels(codes, levels, weight, self)
        pairs = scales_of_levels(code, groups_of(codes, levels, code), weight)
        n_codes = len(code["names"]) if code["encoding"] == "codes" else 0
        return code, pairs, [n_codes] * len(pairs)

    def _encode_values(self, values, dtype):
        """Scaled outputs of what was read of each column."""
        n_samples = len(values[0][0] if isinstance(values[0], tuple) else values[0])
        outputs, at = np.empty((n_samples, len(self.scales_)), dtype), 0
        for code, one in zip(self._codes, values, strict=True):
            n_outputs = len(endings(code))
            part = slice(at, at + n_outputs)
            write_outputs(outputs[:, part], code, one, self.centers_[part], self.scales_[part], self.smooth_clip)
            at += n_outputs
        return outputs

    def _validate_params(self):
        check_each(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        # `string` stays False, as in HistGradientBoosting: True would promise to take any Python object in a column.
        tags.transformer_tags.preserves_dtype = []
        return tags
