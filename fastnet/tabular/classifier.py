"""The classifier for tables."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from scipy.special import logsumexp
from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Options
from sklearn.utils.multiclass import check_classification_targets

from ..estimators.classifier import MLPClassifier
from ..estimators.inputs.arrays import check_weights
from ..estimators.parameters import CLASSIFICATION_SCORING
from ..estimators.parameters.constraints import Names
from ..estimators.parameters.types import Activations, Initial, LearningRate, Losses, ManyArrays, Rates, Solver
from ..estimators.parameters.unknown import names_unknown_parameters
from ..estimators.targets.kinds import plain_labels
from ..ops.features import Embedding, Feature, Scale
from ..ops.losses import Loss
from .base import TABULAR_CONSTRAINTS, BaseTabularMLP


class TabularMLPClassifier(ClassifierMixin, BaseTabularMLP):
    r"""Multilayer perceptrons for classification on tables.

    Takes a table as it is: numbers of any scale, booleans, categories, strings, dates, and missing values anywhere.
    A :class:`TabularPreprocessor` makes numbers of one scale of it, and one :class:`MLPClassifier` or several are
    trained, whose probabilities are averaged.

    Parameters
    ----------
    preset : {'fast', 'default', 'best'}, default='default'
        What the parameters that are None stand for; ``parameters_`` has the values after ``fit``. All of them
        are RealMLP [1]_ with less training, of several networks whose probabilities are averaged: 'fast' has three of
        two layers of 128 units, 'default' five of two layers of 256, and 'best' eight of these.
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
        As for :class:`MLPClassifier`.
    hidden_layer_sizes : int, array-like of int or None, default=None
        Units of each hidden layer.
    activation : str, Activation, list or tuple of these, or None, default=None
        As for :class:`MLPClassifier`.
    loss : 'log_loss', Loss or None, default=None
        A loss that gives probabilities, such as ``LogLoss(label_smoothing=0.1)``. 'log_loss' is without smoothing.
    solver : str, Optimizer or None, default=None
        As for :class:`MLPClassifier`, but not 'lbfgs'.
    learning_rate_init : float or None, default=None
        The learning rate that schedules start from, or multiply.
    learning_rate : str, Schedule, callable or None, default=None
        As for :class:`MLPClassifier`.
    rate_factors : float, sequence of float, 'fan_in' or None, default=None
        As for :class:`MLPClassifier`.
    bias_rate_factor : float or None, default=None
        As for :class:`MLPClassifier`.
    alpha : float, sequence of float or None, default=None
        As for :class:`MLPClassifier`.
    batch_size : int, 'auto', 'all' or None, default=None
        Rows in a mini-batch. 'auto' is a fiftieth of the rows to train on, but not less than 32 and not more than
        256; 'all' is all rows.
    max_iter : int or None, default=None
        Epochs, and the length of the schedules.
    dropout : float, sequence of float or None, default=None
        As for :class:`MLPClassifier`.
    dropout_schedule : str, Schedule, callable or None, default=None
        As for :class:`MLPClassifier`; 'constant' changes nothing.
    decay_schedule : str, Schedule, callable or None, default=None
        As for :class:`MLPClassifier`; 'constant' changes nothing. The preset's is left out beside a ``solver`` without
        weight decay.
    ema_decay : float or None, default=None
        As for :class:`MLPClassifier`; 0 is no average.
    init : str, Initializer, fitted estimator or None, default=None
        As for :class:`MLPClassifier`.
    output_init : str, Initializer or None, default=None
        As for :class:`MLPClassifier`.
    bias_init : float, 'normal', 'data' or None, default=None
        As for :class:`MLPClassifier`.
    n_iter_no_change : int, inf or None, default=None
        Epochs in a row without a better score on the rows held out after which training stops; inf trains
        ``max_iter`` epochs. The best epoch is kept in either case, of equally good ones the last.
    validation_fraction : float or None, default=None
        Share of the rows that are held out, in [0, 1); 0 holds out none and keeps the last epoch.
    validation_split : 'last', splitter or None, default=None
        Which rows are held out, as for :class:`MLPClassifier`: None draws them and keeps the shares of the classes,
        'last' takes the last ones.
    scoring : str, callable or None, default=None
        The score on the rows held out, as for :class:`MLPClassifier`, 'calibrated_log_loss' included; it sees encoded
        columns. None is the loss.
    n_members : int or None, default=None
        Networks whose probabilities are averaged. They differ in their first weights, the order of rows and, where
        ``validation_split`` is None, in the rows that are held out: together they learn from all.
    class_weight : dict, 'balanced', list of dict or None, default=None
        Weights of the classes, as for :class:`MLPClassifier`.
    calibration : {'temperature', False, None}, default=None
        'temperature' divides each network's logits by a temperature that is fitted on the rows held out; False does
        not.
    refit : bool, default=False
        Whether the networks are then trained again on all rows, for the epochs after which they were best. They keep
        their temperatures.
    max_time : float or None, default=None
        Seconds that training may take at most. The first network may take all of it; another one begins only if as much
        is left as the longest has taken. ``refit`` has half of it.
    dtype : {'auto', 'input', 'float32', 'float64'}, default='auto'
        Type of the networks' computation, as for :class:`MLPClassifier`; columns are encoded in float64.
    random_state : int, RandomState instance or None, default=None
        Source of the rows held out, and of one seed for each network.
    n_jobs : int or None, default=None
        Threads at most, as for :class:`MLPClassifier`. The result has the same bits for every value.
    verbose : bool, int, 'table', 'bar' or 'log', default=False
        How to show the progress of each network, as for :class:`MLPClassifier`.
    callbacks : Callback, callable, or list or tuple of these, default=None
        What watches each network's training, one after the other, as for :class:`MLPClassifier`; not that of ``refit``.

    Attributes
    ----------
    parameters_ : dict
        Values of all parameters of the preset, as they were used.
    preprocessor_ : TabularPreprocessor
        That of the first network, fitted on the rows that it was trained on.
    preprocessors_ : list of TabularPreprocessor
        That of each network.
    estimators_ : list of MLPClassifier
        The networks, at most ``n_members``; they see encoded columns.
    classes_ : ndarray of shape (n_classes,) or list of these
        Class labels; a list with those of each column if there are several.
    history_ : MembersHistory
        Losses, scores and learning rates of every epoch: ``history_["loss"]`` is the mean over the networks,
        ``history_.to_frame()`` has each network's own.
    loss_curve_ : list of float
        Loss of every epoch, the mean over the networks.
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
    TabularMLPRegressor : The same for numbers.
    TabularPreprocessor : What makes numbers of columns.
    MLPClassifier : A network for numbers of one scale.

    Notes
    -----
    There is no ``partial_fit``: a part of the data does not tell levels and quartiles. To go on with new rows, use
    ``preprocessor_`` and ``estimators_[0].partial_fit``.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
       Data", NeurIPS 2024, arXiv:2407.04491.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import TabularMLPClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = np.empty((500, 2), dtype=object)
    >>> X[:, 0], X[:, 1] = rng.normal(size=500), rng.choice(["left", "right"], 500)
    >>> y = np.where((X[:, 0].astype(float) > 0) == (X[:, 1] == "left"), "yes", "no")
    >>> net = TabularMLPClassifier(preset="fast", hidden_layer_sizes=(64, 64), random_state=0).fit(X, y)
    >>> net.predict_proba(X[:4]).shape
    (4, 2)
    >>> bool(net.score(X, y) > 0.95)
    True
    """

    _parameter_constraints: dict = {
        **TABULAR_CONSTRAINTS,
        "loss": [Names({"log_loss"}), Loss, None],
        "scoring": CLASSIFICATION_SCORING,
        "class_weight": MLPClassifier._parameter_constraints["class_weight"],
        "calibration": [None, Names({"temperature"}), Options(bool, {False})],
    }
    _network = MLPClassifier

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
        class_weight: dict | list[dict] | str | None = None,
        calibration: str | bool | None = None,
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
        self.class_weight = class_weight
        self.calibration = calibration
        self.refit = refit
        self.max_time = max_time
        self.dtype = dtype
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.callbacks = callbacks

    @staticmethod
    def _plain_targets(y, name="y"):
        y = plain_labels(y, name)
        return y.toarray() if issparse(y) else y

    def _check_targets(self, y, loss):
        if not loss.has_probabilities:
            raise ValueError(
                f"loss={self.loss!r} gives no probabilities, which members are averaged by: leave it out, or use "
                "MLPClassifier behind a TabularPreprocessor."
            )
        if y.ndim == 1:
            check_classification_targets(y)

    def _own_parameters(self, parameters):
        return {"class_weight": self.class_weight, "calibration": parameters["calibration"] or None}

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict classes.

        Parameters
        ----------
        X : DataFrame, pyarrow table or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_columns)
            The most probable class; or for each label whether it is more likely than not (0/1); or for each column of
            classes its most probable class.
        """
        probabilities = self.predict_proba(X)
        if isinstance(probabilities, list):
            probabilities = np.hstack(probabilities)
        return self.estimators_[0]._labels_of(probabilities)

    def predict_proba(self, X: ArrayLike) -> ManyArrays:
        """Predict probabilities, the mean over the networks.

        Parameters
        ----------
        X : DataFrame, pyarrow table or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels), or list of ndarray
            Probability of each class in the order of ``classes_``, or of each label. For several columns of classes a
            list with one array for each.
        """
        return _over_members(self._members_outputs(X, "predict_proba"), _mean)

    def predict_log_proba(self, X: ArrayLike) -> ManyArrays:
        """Predict logarithms of probabilities, finite where these round to 0.

        Parameters
        ----------
        X : DataFrame, pyarrow table or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels), or list of ndarray
            Logarithms of what ``predict_proba`` gives.
        """
        return _over_members(self._members_outputs(X, "predict_log_proba"), _log_of_mean)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy: the share of samples whose prediction is right, with all of their labels or columns.

        Parameters
        ----------
        X : DataFrame, pyarrow table or array-like of shape (n_samples, n_features)
            The table.
        y : array-like of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_columns)
            Its labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            In [0, 1].
        """
        predicted, labels = self.predict(X), self._plain_targets(y)
        check_consistent_length(predicted, labels)
        if labels.shape[1:] != predicted.shape[1:]:
            raise ValueError(f"y has shape {labels.shape}, predictions have {predicted.shape}: give y as for fit.")
        hits = (predicted == labels).reshape(len(labels), -1).all(axis=1)
        return float(np.average(hits, weights=check_weights(sample_weight, X)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _over_members(outputs, mean):
    """The mean of what the members predict: arrays, or lists of them."""
    if not isinstance(outputs[0], list):
        return mean(outputs)
    return [mean(list(parts)) for parts in zip(*outputs, strict=True)]


def _mean(probabilities):
    return np.mean(probabilities, axis=0)


def _log_of_mean(log_probabilities):
    if len(log_probabilities) == 1:
        return log_probabilities[0]
    return logsumexp(log_probabilities, axis=0) - np.log(len(log_probabilities))
