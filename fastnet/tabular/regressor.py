"""The regressor for tables."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from ..estimators.inputs.arrays import check_weights, plain_numbers
from ..estimators.parameters import REGRESSION_LOSSES
from ..estimators.parameters.constraints import Names
from ..estimators.parameters.types import Activations, Initial, LearningRate, Losses, Rates, Solver
from ..estimators.parameters.unknown import names_unknown_parameters
from ..estimators.regressor import MLPRegressor
from ..estimators.targets.numbers import of_targets, score_of
from ..ops.features import Embedding, Feature, Scale
from ..ops.losses import LOSSES, Loss
from ..training.health import quiet
from .base import TABULAR_CONSTRAINTS, BaseTabularMLP


class TabularMLPRegressor(RegressorMixin, BaseTabularMLP):
    r"""Multilayer perceptrons for regression on tables.

    Takes a table as it is: numbers of any scale, booleans, categories, strings, dates, and missing values anywhere.
    A :class:`TabularPreprocessor` makes numbers of one scale of it, the target is standardised, and one
    :class:`MLPRegressor` or several are trained and averaged. Predictions are in the target's own unit.

    Parameters
    ----------
    preset : {'fast', 'default', 'best'}, default='default'
        What the parameters that are None stand for; ``parameters_`` has the values after ``fit``. All of them
        are RealMLP [1]_ with less training, of several networks whose predictions are averaged: 'fast' has three of two
        layers of 128 units, 'default' five of two layers of 256, and 'best' eight of these.
    categorical_features : 'from_dtype' or array-like of {bool, int, str}, default='from_dtype'
        Columns of categories, as for :class:`TabularPreprocessor`.
    max_one_hot : int or None, default=None
        As for :class:`TabularPreprocessor`.
    min_frequency : int, float or None, default=None
        As for :class:`TabularPreprocessor`.
    numeric_embedding : Feature, False or None, default=None
        Feature layer of :mod:`fastnet.features` that numbers and parts of dates go through, such as ``PBLD()``; False
        leaves them as they are.
    embedding : Embedding, False or None, default=None
        Feature layer of columns of categories with more than ``max_one_hot`` levels; with False these are one-hot, too.
    input_scale : bool, Scale or None, default=None
        As for :class:`MLPRegressor`.
    hidden_layer_sizes : int, array-like of int or None, default=None
        Units of each hidden layer.
    activation : str, Activation, list or tuple of these, or None, default=None
        As for :class:`MLPRegressor`.
    loss : str, Loss or None, default=None
        As for :class:`MLPRegressor`. It sees the standardised target, Huber's ``delta`` too; losses with a log link,
        such as 'poisson', see the target as it is.
    solver : str, Optimizer or None, default=None
        As for :class:`MLPRegressor`, but not 'lbfgs'.
    learning_rate_init : float or None, default=None
        The learning rate that schedules start from, or multiply.
    learning_rate : str, Schedule, callable or None, default=None
        As for :class:`MLPRegressor`.
    rate_factors : float, sequence of float, 'fan_in' or None, default=None
        As for :class:`MLPRegressor`.
    bias_rate_factor : float or None, default=None
        As for :class:`MLPRegressor`.
    alpha : float, sequence of float or None, default=None
        As for :class:`MLPRegressor`.
    batch_size : int, 'auto', 'all' or None, default=None
        Rows in a mini-batch. 'auto' is a fiftieth of the rows to train on, but not less than 32 and not more than
        256; 'all' is all rows.
    max_iter : int or None, default=None
        Epochs, and the length of the schedules.
    dropout : float, sequence of float or None, default=None
        As for :class:`MLPRegressor`.
    dropout_schedule : str, Schedule, callable or None, default=None
        As for :class:`MLPRegressor`; 'constant' changes nothing.
    decay_schedule : str, Schedule, callable or None, default=None
        As for :class:`MLPRegressor`; 'constant' changes nothing. The preset's is left out beside a ``solver`` without
        weight decay.
    ema_decay : float or None, default=None
        As for :class:`MLPRegressor`; 0 is no average.
    init : str, Initializer, fitted estimator or None, default=None
        As for :class:`MLPRegressor`.
    output_init : str, Initializer or None, default=None
        As for :class:`MLPRegressor`.
    bias_init : float, 'normal', 'data' or None, default=None
        As for :class:`MLPRegressor`.
    n_iter_no_change : int, inf or None, default=None
        Epochs in a row without a better score on the rows held out after which training stops; inf trains
        ``max_iter`` epochs. The best epoch is kept in either case, of equally good ones the last.
    validation_fraction : float or None, default=None
        Share of the rows that are held out, in [0, 1); 0 holds out none and keeps the last epoch.
    validation_split : 'last', splitter or None, default=None
        Which rows are held out, as for :class:`MLPRegressor`: None draws them, 'last' takes the last ones.
    scoring : str, callable or None, default=None
        The score on the rows held out, as for :class:`MLPRegressor`; it sees encoded columns and the standardised
        target. None is R², or its counterpart for the loss.
    n_members : int or None, default=None
        Networks whose predictions are averaged. They differ in their first weights, the order of rows and, where
        ``validation_split`` is None, in the rows that are held out: together they learn from all.
    clip_predictions : bool or None, default=None
        Whether predictions are kept between the least and the largest target of training.
    refit : bool, default=False
        Whether the networks are then trained again on all rows, for the epochs after which they were best.
    max_time : float or None, default=None
        Seconds that training may take at most. The first network may take all of it; another one begins only if as much
        is left as the longest has taken. ``refit`` has half of it.
    dtype : {'auto', 'input', 'float32', 'float64'}, default='auto'
        Type of the networks' computation, as for :class:`MLPRegressor`; columns are encoded in float64.
    random_state : int, RandomState instance or None, default=None
        Source of the rows held out, and of one seed for each network.
    n_jobs : int or None, default=None
        Threads at most, as for :class:`MLPRegressor`. The result has the same bits for every value.
    verbose : bool, int, 'table', 'bar' or 'log', default=False
        How to show the progress of each network, as for :class:`MLPRegressor`.
    callbacks : Callback, callable, or list or tuple of these, default=None
        What watches each network's training, one after the other, as for :class:`MLPRegressor`; not that of ``refit``.

    Attributes
    ----------
    parameters_ : dict
        Values of all parameters of the preset, as they were used.
    preprocessor_ : TabularPreprocessor
        That of the first network, fitted on the rows that it was trained on.
    preprocessors_ : list of TabularPreprocessor
        That of each network.
    estimators_ : list of MLPRegressor
        The networks, at most ``n_members``; they see encoded columns.
    history_ : MembersHistory
        Losses, scores and learning rates of every epoch: ``history_["loss"]`` is the mean over the networks,
        ``history_.to_frame()`` has each network's own.
    loss_curve_ : list of float
        Loss of every epoch, the mean over the networks, in the unit of the standardised target.
    validation_scores_ : list of float or None
        Score on the rows held out after every epoch, the mean over the networks; None if there are none.
    n_iter_ : int
        Epochs, the most of a network.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    TabularMLPClassifier : The same for classes.
    TabularPreprocessor : What makes numbers of columns.
    MLPRegressor : A network for numbers of one scale.

    Notes
    -----
    There is no ``partial_fit``: a part of the data does not tell levels, quartiles or the scale of the target. To go on
    with new rows, use ``preprocessor_`` and ``estimators_[0].partial_fit``.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
       Data", NeurIPS 2024, arXiv:2407.04491.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import TabularMLPRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = np.empty((500, 2), dtype=object)
    >>> X[:, 0], X[:, 1] = rng.normal(size=500), rng.choice(["low", "high"], 500)
    >>> y = 1000.0 * (X[:, 0].astype(float) ** 2 + (X[:, 1] == "high"))
    >>> net = TabularMLPRegressor(preset="fast", hidden_layer_sizes=(64, 64), random_state=0).fit(X, y)
    >>> bool(net.score(X, y) > 0.95)
    True
    """

    _parameter_constraints: dict = {
        **TABULAR_CONSTRAINTS,
        "loss": [Names(REGRESSION_LOSSES), Loss, None],
        "clip_predictions": ["boolean", None],
    }
    _network = MLPRegressor
    _plain_targets = staticmethod(plain_numbers)

    @names_unknown_parameters
    def __init__(
        self,
        preset: str = "default",
        *,
        categorical_features: str | ArrayLike = "from_dtype",
        max_one_hot: int | None = None,
        min_frequency: float | None = None,
        numeric_embedding: Feature | bool | None = None,
        embedding: Embedding | bool | None = None,
        input_scale: Scale | bool | None = None,
        hidden_layer_sizes: int | ArrayLike | None = None,
        activation: Activations | None = None,
        loss: Losses | None = None,
        solver: Solver | None = None,
        learning_rate_init: float | None = None,
        learning_rate: LearningRate | None = None,
        rate_factors: Rates | str | None = None,
        bias_rate_factor: float | None = None,
        alpha: Rates | None = None,
        batch_size: int | str | None = None,
        max_iter: int | None = None,
        dropout: Rates | None = None,
        dropout_schedule: LearningRate | None = None,
        decay_schedule: LearningRate | None = None,
        ema_decay: float | None = None,
        init: Initial | None = None,
        output_init: Initial | None = None,
        bias_init: float | str | None = None,
        n_iter_no_change: float | None = None,
        validation_fraction: float | None = None,
        validation_split: object = None,
        scoring: str | Callable[..., float] | None = None,
        n_members: int | None = None,
        clip_predictions: bool | None = None,
        refit: bool = False,
        max_time: float | None = None,
        dtype: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: bool | int | str = False,
        callbacks: object = None,
    ) -> None:
        self.preset = preset
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.min_frequency = min_frequency
        self.numeric_embedding = numeric_embedding
        self.embedding = embedding
        self.input_scale = input_scale
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.rate_factors = rate_factors
        self.bias_rate_factor = bias_rate_factor
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.dropout = dropout
        self.dropout_schedule = dropout_schedule
        self.decay_schedule = decay_schedule
        self.ema_decay = ema_decay
        self.init = init
        self.output_init = output_init
        self.bias_init = bias_init
        self.n_iter_no_change = n_iter_no_change
        self.validation_fraction = validation_fraction
        self.validation_split = validation_split
        self.scoring = scoring
        self.n_members = n_members
        self.clip_predictions = clip_predictions
        self.refit = refit
        self.max_time = max_time
        self.dtype = dtype
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.callbacks = callbacks

    def _check_targets(self, y, loss):
        loss.check_targets(y)

    def _own_parameters(self, parameters):
        loss = parameters["loss"]
        return {"target_scaling": (LOSSES[loss] if isinstance(loss, str) else loss).takes_scaled_targets}

    def _learn_targets(self, y, parameters):
        self._bounds = (y.min(axis=0), y.max(axis=0)) if parameters["clip_predictions"] else None

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : DataFrame, pyarrow table or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        y : ndarray of float64 of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, in the unit of the targets; of several quantiles with one more axis, as of
            :class:`MLPRegressor`.
        """
        y = np.mean(self._members_outputs(X, "predict"), axis=0)
        if self._bounds is None:
            return y
        # All quantiles of a target have its bounds.
        axes = (..., None) if self.estimators_[0]._loss.quantiles else ...
        return np.clip(y, *(np.asarray(bound)[axes] for bound in self._bounds))

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Coefficient of determination R², the mean over the outputs; of several quantiles as of :class:`MLPRegressor`.

        Parameters
        ----------
        X : DataFrame, pyarrow table or array-like of shape (n_samples, n_features)
            The table.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Its targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            At most 1.
        """
        predicted = self.predict(X)
        with quiet():
            y, sample_weight, loss = plain_numbers(y), check_weights(sample_weight, X), self.estimators_[0]._loss
            return score_of(loss, y, of_targets(loss, predicted) if loss.quantiles else predicted, sample_weight)
