"""The classifier."""

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_expit
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from ..ops.features import Scale
from ..ops.losses import Loss
from ..training.health import quiet
from .base import BaseMultilayerPerceptron
from .fitting.calibration import log_probabilities, probabilities
from .fitting.transaction import unchanged_on_failure
from .inputs.arrays import check_weights
from .parameters import CLASSIFICATION_LOSSES, CLASSIFICATION_SCORING, PARAMETER_CONSTRAINTS
from .parameters.constraints import Names
from .parameters.types import (
    Activations,
    Callbacks,
    Features,
    Initial,
    LearningRate,
    Losses,
    ManyArrays,
    MatrixLike,
    Rates,
    Scoring,
    Solver,
)
from .parameters.unknown import names_unknown_parameters
from .targets.kinds import plain_labels
from .targets.labels import LabelTargets


def _gives_probabilities(classifier):
    loss = classifier._loss_of_outputs()
    if not loss.has_probabilities:
        raise AttributeError(
            f"loss={loss!r} gives no probabilities: use decision_function, or fit with loss='log_loss'."
        )
    return True


def _gives_scores(classifier):
    loss = classifier._loss_of_outputs()
    if loss.has_probabilities:
        raise AttributeError(f"loss={loss!r} gives probabilities: use predict_proba or predict_log_proba.")
    return True


class MLPClassifier(LabelTargets, ClassifierMixin, BaseMultilayerPerceptron):
    r"""Multilayer perceptron for classification.

    A drop-in for :class:`sklearn.neural_network.MLPClassifier`, trained by compiled kernels. It minimises the
    cross-entropy (of a softmax for several classes, of a sigmoid for two, of independent sigmoids for
    several labels at once) or a loss of margins.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Units of each hidden layer. ``()`` makes a logistic or softmax model.
    activation : str, Activation, or list or tuple of these, default='relu'
        Activation of the hidden layers: a name, such as 'tanh', or an object of :mod:`fastnet.activations`,
        for all of them; or a sequence with one for each hidden layer.
    loss : str or Loss, default='log_loss'
        'log_loss' is the cross-entropy of a softmax, and for two classes or several labels of sigmoids; 'hinge',
        'squared_hinge' and 'perceptron' are losses of margins, which give scores (``decision_function``)
        instead of probabilities. Or an object of :mod:`fastnet.losses`, such as
        ``LogLoss(label_smoothing=0.1, focal_gamma=2.0)``.
    solver : str or Optimizer, default='adam'
        'sgd' is mini-batch gradient descent with momentum, 'adam' the method of [2]_, 'lbfgs' SciPy's
        L-BFGS-B on all samples at once. Any other name or object of :mod:`fastnet.optimizers` is a stochastic
        solver, too, such as 'adamw'. An object carries its own parameters; the names 'sgd' and 'adam' take
        ``momentum``, ``beta_1`` and the like from here, other names stand for default parameters.
    alpha : float or sequence of float, default=0.0001
        Strength of the penalty: each weight w costs ``l1_ratio * |w| + (1 - l1_ratio) * w**2 / 2``, times
        ``alpha``, divided by the number of samples (the sum of their weights). Biases cost nothing. A sequence
        has one strength for each layer of weights, the output layer included.
    batch_size : int, 'auto' or None, default='auto'
        Samples in a mini-batch. None is all samples; 'auto' is ``min(200, n_samples)``, and all samples for
        'rprop'. Not used by 'lbfgs'.
    learning_rate : str, Schedule or callable, default='constant'
        Learning rate over the epochs. 'invscaling' divides it by ``(t + 1)**power_t`` where t samples have
        been seen; 'adaptive' divides it by 5 instead of stopping when training stalls, until it is 1e-6 or
        less. ``solver='adam'`` keeps it constant with these two names, as in scikit-learn. Any other name or
        object of :mod:`fastnet.schedules` applies to every optimizer, mini-batch by mini-batch, and so does a
        callable, ``learning_rate(progress) -> factor`` with the progress in [0, 1]. The progress is the
        number of epochs done, divided by ``max_iter``; each call of ``partial_fit`` is one epoch, and after
        ``max_iter`` of them the progress stays 1.
    warmup : float, default=0.0
        Epochs over which the learning rate grows linearly before its schedule begins, which then has the rest
        of ``max_iter``; below 1, a fraction of ``max_iter``.
    rate_factors : float, sequence of float or 'fan_in', default=1.0
        Factors of the learning rate for the weights, at least 0; a sequence has one for each layer of weights, the
        output layer included. A decoupled weight decay goes with the rate. 'fan_in' is :math:`1 / \sqrt{n_{in}}` for
        each layer, of which the decay is left out: with 'adam' and its like, and ``init='lecun_normal'``, that is
        training with the NTK parametrisation [11]_. Not for 'lbfgs' and 'rprop'.
    bias_rate_factor : float, default=1.0
        The same for all biases; 0.1 in [12]_.
    learning_rate_init : float, default=0.001
        The learning rate that schedules start from, or multiply; for 'rprop' the first step of each weight.
    power_t : float, default=0.5
        Exponent of 'invscaling'.
    max_iter : int, default=200
        Epochs, or iterations of 'lbfgs', at most; also the length of learning-rate schedules.
    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the validation split, the key of the noise and the shuffles, drawn in
        this order. An int gives the same model at each ``fit``. ``partial_fit`` takes a new order at each
        call, also with an int.
    tol : float, default=1e-4
        Least improvement of the loss (with early stopping, of the score) that counts: the minimum delta. For 'lbfgs'
        the largest component of the projected gradient at which to stop.
    verbose : bool, int, 'table', 'bar' or 'log', default=False
        Whether to print scikit-learn's lines about the progress; or 'table' prints a row for each epoch, 'bar' shows a
        bar of tqdm, and 'log' writes to the logger 'fastnet'. These three also say why training ended, and which epoch
        was kept; among fits in other processes or threads 'table' and 'bar' say nothing else.
    callbacks : Callback, callable, or list or tuple of these, default=None
        What watches the training: objects of :mod:`fastnet.callbacks`, or functions of the trainer that are called
        after each epoch and end the training by returning True.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the current weights, with the optimizer's moments and step count,
        instead of beginning anew. A changed ``activation`` then works on the old weights, if both learn slopes or
        neither does; a changed ``loss`` must have the same output activation; another ``solver``, or training what
        was frozen, begins with moments of zero.
    momentum : float, default=0.9
        Momentum of 'sgd', in [0, 1].
    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's momentum.
    early_stopping : bool, default=False
        Whether stochastic solvers hold out part of the data, or watch ``X_val`` of ``fit``, stop when the score on
        it stalls, and keep the weights of the best epoch. The split is stratified by class, except with several labels
        at once.
    validation_fraction : float, default=0.1
        Share of the data that early stopping holds out, in [0, 1). Not used if ``fit`` gets ``X_val``, or
        ``validation_split`` is a splitter.
    validation_split : 'last', splitter or None, default=None
        What early stopping holds out. None draws samples, as scikit-learn does; 'last' takes the last of them, for data
        in the order of time. A cross-validation splitter gives the rows by the last of its splits, such as
        ``TimeSeriesSplit()``, or ``GroupShuffleSplit(1)`` with ``groups`` in ``fit``; it draws from its own
        ``random_state``, and sees classes as numbers.
    scoring : str, callable, list of str, dict or None, default=None
        The score on the validation samples that early stopping watches, more being better. None is the accuracy. 'loss'
        is the negative mean loss, without penalties; 'calibrated_log_loss' the negative log loss of probabilities after
        temperature scaling on the same samples, which being too sure does not worsen. Any other name is one of
        scikit-learn's scorers, and a callable has their signature, ``scoring(estimator, X, y) -> float``. With weights
        it must take ``sample_weight``. Of a list of names, or a dict of names and scorers, all are in ``history_``, and
        the first is watched.
    restore_best_weights : bool or 'latest', default=True
        Whether early stopping keeps the weights of the epoch with the best score. If not, those of the last one. Of
        epochs with equal scores, which accuracies often are, True keeps the first, and 'latest' the last.
    beta_1 : float, default=0.9
        Decay rate of the mean of the gradient in 'adam', in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the mean of the squared gradient in 'adam', in [0, 1).
    epsilon : float, default=1e-8
        Keeps 'adam' from dividing by zero.
    n_iter_no_change : int, inf or None, default=10
        Patience: epochs in a row without an improvement by ``tol`` that stochastic solvers bear. None and inf run all
        ``max_iter`` epochs; at their end None is quiet, inf warns of what has not converged, as in scikit-learn.
    max_fun : int, default=15000
        Evaluations of the loss in 'lbfgs' at most.
    max_time : float or None, default=None
        Seconds that training may take at most, with every solver; data validation and the compilation of kernels at
        first use are not counted. Time may be up in the middle of an epoch.
    l1_ratio : float, default=0.0
        Share of the absolute values in the penalty, in [0, 1]. Above 0, weights become exactly 0.
    clip_value : float or None, default=None
        Bound of each number of a mini-batch's gradient, which is cut to [-clip_value, clip_value]. The L2 penalty is
        in the gradient; L1 and decoupled decay are not. For stochastic solvers.
    clip_norm : float or None, default=None
        Bound of the Euclidean norm of a mini-batch's gradient, over all weights and biases that are trained: a longer
        one is scaled down to it. Not with ``clip_value``. See [6]_.
    max_norm : float or None, default=None
        Bound of the Euclidean norm of each unit's incoming weights, a column of ``coefs_``. After each step longer
        ones are scaled down to it [3]_. Biases do not count. For stochastic solvers.
    ema_decay : float or None, default=None
        Decay in (0, 1), such as 0.99, of an exponential moving average of weights and biases over the steps, which
        then validates, predicts and stands in ``coefs_``. For stochastic solvers.
    dropout : float or sequence of float, default=0.0
        Probability to drop a hidden unit in training, in [0, 1); a sequence has one for each hidden layer.
        The units kept are scaled by ``1 / (1 - dropout)``. For stochastic solvers. See [3]_.
    input_dropout : float, default=0.0
        The same for the features.
    dropout_schedule : str, Schedule, callable or None, default=None
        Factor in [0, 1] of ``dropout`` and ``input_dropout`` over the epochs, as ``learning_rate`` has it for the rate;
        such as 'flat_cosine', which holds it for half of ``max_iter`` and then lets it fall to 0 [12]_. Each epoch has
        the factor of the progress at its beginning. None and 'constant' keep the probabilities. For stochastic solvers;
        none that follows the course of training, such as 'reduce_on_plateau'.
    decay_schedule : str, Schedule, callable or None, default=None
        The same for the ``weight_decay`` of the solver, such as that of ``AdamW(weight_decay=0.02)``; mini-batch by
        mini-batch, and beside the schedule of the learning rate, which the decay follows as well.
    drop_connect : float or sequence of float, default=0.0
        DropConnect: probability to drop a weight, in [0, 1); a sequence has one for each layer of weights, the
        output's included. Each mini-batch has one mask; the weights kept are scaled by ``1 / (1 - drop_connect)``.
        Biases are not dropped, penalties are those of all weights. For stochastic solvers. See [4]_.
    input_noise : float, default=0.0
        Standard deviation of Gaussian noise added to each feature of each sample in training, in the features'
        own unit. For dense X and stochastic solvers.
    features : Feature, list of (Feature, columns) or None, default=None
        Feature layers, objects of :mod:`fastnet.features`, which make more inputs of each column of X before the first
        layer reads them, and are trained with the network: one for all columns, or pairs of a feature layer and the
        columns that it gets, by number, name, slice or a list. The first layer reads the outputs of the pairs in their
        order, those of a column side by side, then the columns that no pair names. For dense X. ``input_dropout``
        and ``input_noise`` act on X itself.
    input_scale : bool or Scale, default=False
        Whether a learnt scale multiplies each input of the first layer, what feature layers make included. True is
        ``Scale()`` of :mod:`fastnet.features`. For dense X.
    init : str, Initializer or fitted estimator, default='glorot_uniform'
        Initial weights, by name or as an object of :mod:`fastnet.initializers`. 'glorot_uniform' [1]_ draws
        weights and biases within scikit-learn's bounds; the others have zero biases. A fitted network, of
        fastnet or scikit-learn, gives its first layers, as far as their shapes match; the others are drawn by
        'glorot_uniform'. Cross-validation and grid search clone an estimator and lose its weights: give them
        ``FrozenEstimator(network)`` of :mod:`sklearn.frozen`.
    output_init : str, Initializer or None, default=None
        Initial weights and biases of the output layer, such as 'zeros', with which all outputs begin as 0. None draws
        them as those of the hidden layers.
    bias_init : float, 'normal', 'data' or None, default=None
        Initial value of all biases that ``init`` draws. None leaves it to ``init``. 'normal' draws them with mean 0 and
        variance 1. 'data' is for hidden layers and lets each unit begin with z = 0 at a point among the training
        samples, a random mixture of five of them [12]_. The weights do not depend on it, unless they are taken from
        the data themselves.
    use_bias : bool, default=True
        Whether units have biases. If not, ``intercepts_`` are zeros.
    freeze : int, default=0
        Number of layers, from the first on, whose weights and biases are not trained; at most the number of
        hidden layers. Their weights cost no penalty.
    residual : bool or 'projection', default=False
        Whether every hidden layer as wide as the hidden layer below adds what it reads to its activation, a skip
        connection [5]_: ``a = g(z) + a_below``. The first hidden layer has none; those of another width only with
        'projection': ``a = g(z) + a_below @ P``, where P is trained and penalised like weights. ``dropout`` drops
        ``g(z)``, not what is added.
    normalization : {None, 'batch', 'layer', 'rms'}, default=None
        How z of the hidden layers is normalised before the activation: 'batch', each unit over the mini-batch [7]_;
        'layer', each sample over the units of the layer [8]_; 'rms', the same without subtracting the mean [9]_. Then
        comes a gain of each unit, trained without penalty, and the bias. Predictions after 'batch' use running means
        and variances; the rows of a mini-batch then stand in memory together.
    class_weight : dict, list of dict, 'balanced' or None, default=None
        Class label to weight, by which the weights of its samples are multiplied, in training and in the score
        of early stopping; a class left out weighs 1. 'balanced' weighs a class by ``n_samples / (n_classes *
        count)``, all counted in ``sample_weight``, and is not for ``partial_fit``. For several labels at once a
        list holds a dict ``{0: weight, 1: weight}`` for each, and the weights of a sample's labels are
        multiplied.
    calibration : 'temperature' or None, default=None
        'temperature' divides the logits by a number, ``temperature_``, that minimises the log loss on the
        validation samples [10]_, so that probabilities come closer to frequencies; predicted classes stay. It needs
        ``early_stopping`` or, with any solver, ``X_val`` in ``fit``. Several labels or columns share one temperature.
    dtype : {'auto', 'input', 'float32', 'float64'}, default='auto'
        Type of the computation and of ``coefs_``. 'auto' is float32 for mini-batches, ``partial_fit`` included, and
        the type of X when all samples make one batch ('lbfgs', ``batch_size`` as large as the training data).
        'input' is the type of X. ``warm_start`` and ``partial_fit`` keep the model's. Predictions have
        scikit-learn's type, whatever this is: float32 if X is and was in ``fit``, else float64.
    n_jobs : int or None, default=None
        Threads of one fit or prediction, at most: a fit times smaller numbers, too, and goes on with the
        fastest. -1 means all; so does None, unlike in scikit-learn. The result has the same bits for every value.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of these
        Class labels; for several labels at once, the numbers of the columns; for several columns of classes, a list
        with the labels of each.
    loss_ : float
        Loss of the last epoch, penalties included.
    best_loss_ : float or None
        Least loss of an epoch; None with early stopping. Not set by 'lbfgs'.
    loss_curve_ : list of float
        Loss of every epoch. Not set by 'lbfgs'.
    history_ : History
        What was measured in every epoch, of 'lbfgs' in every iteration, over warm starts and partial fits: lists, such
        as ``history_["loss"]``, and ``history_.to_frame()``. See :class:`fastnet.callbacks.History`.
    validation_loss_ : float
        Loss on the validation samples after the last epoch, without penalties. Only set if there are such samples.
    validation_scores_ : list of float or None
        Accuracy, or what ``scoring`` says, on the validation samples after every epoch; None without early
        stopping. Not set by 'lbfgs'.
    best_validation_score_ : float or None
        The largest of them. A warm start with ``X_val`` counts from the score on it of the weights to begin with.
    gradient_norms_ : dict of list of float
        Gradients before clipping, one entry for each epoch trained with ``clip_value`` or ``clip_norm``: 'mean' and
        'largest' are the mean and the largest Euclidean norm of the mini-batches' gradients, 'clipped' is the share of
        mini-batches that were clipped. Only set with clipping.
    temperature_ : float
        What logits are divided by before they become probabilities. Only set with ``calibration``.
    t_ : int
        Training samples seen, counted once an epoch; 0 for 'lbfgs'.
    coefs_ : list of ndarray of shape (fan_in, fan_out)
        Weights of every layer. Edits in place take effect.
    intercepts_ : list of ndarray of shape (fan_out,)
        Biases of every layer. Edits in place take effect.
    features_ : list of dict of ndarray
        Numbers of the feature layers by their names, with shapes as :mod:`fastnet.features` gives them: a dict for each
        pair of ``features``; with ``input_scale`` a last one of 'scales', one for each input of the first layer. Only
        set with either. Edits in place take effect.
    projections_ : list of ndarray of shape (fan_in, fan_out) or None
        Matrices of the skip connections of the hidden layers, None where a layer has none. Only set with
        ``residual='projection'``. Edits in place take effect, here and below.
    gains_ : list of ndarray of shape (fan_out,)
        Gains of the hidden layers' units. Only set with ``normalization``.
    means_, variances_ : list of ndarray of shape (fan_out,)
        Running means and variances of the hidden layers' z, biases left out. Only set with ``normalization='batch'``.
    slopes_ : list of ndarray of shape (fan_out,) or None
        Learnt slopes of the hidden layers' units, None for other activations than 'prelu' and
        'parametric', whose mix with the identity it is. Only set if there are any.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X had names that are all strings.
    n_iter_ : int
        Epochs or iterations of the last fit.
    stop_reason_ : str or None
        Why training ended: 'no_improvement' or, of 'lbfgs', 'converged'; 'max_iter', 'max_time' or 'interrupt'
        (Ctrl-C); of 'lbfgs' also 'max_fun' or 'line_search', where it found no better point. None after
        ``partial_fit``, unless its epoch was cut short. 'callback' where one stopped it, 'error' where one failed that
        keeps the training.
    n_layers_ : int
        Number of layers, input and output included.
    n_transferred_layers_ : int
        Number of layers, from the first on, that began with the weights of ``init``. Only set if that is an
        estimator.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Activation of the output: 'softmax' or 'logistic', 'identity' for a loss without probabilities.

    See Also
    --------
    MLPRegressor : Multilayer perceptron for regression.

    Notes
    -----
    With ``dtype='float64'`` and the same ``random_state``, training follows scikit-learn's step by step, with
    these exceptions: the validation split is stratified for more than two classes too; a warm start keeps
    the optimizer's moments; ``partial_fit`` shuffles differently at each call.

    References
    ----------
    .. [1] Glorot, Bengio: "Understanding the difficulty of training deep feedforward neural networks",
       AISTATS 2010.
    .. [2] Kingma, Ba: "Adam: A Method for Stochastic Optimization", ICLR 2015.
    .. [3] Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov: "Dropout: A Simple Way to Prevent Neural
       Networks from Overfitting", JMLR 15, 2014.
    .. [4] Wan, Zeiler, Zhang, LeCun, Fergus: "Regularization of Neural Networks using DropConnect", ICML 2013.
    .. [5] He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition", CVPR 2016.
    .. [6] Pascanu, Mikolov, Bengio: "On the difficulty of training recurrent neural networks", ICML 2013.
    .. [7] Ioffe, Szegedy: "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
       Shift", ICML 2015.
    .. [8] Ba, Kiros, Hinton: "Layer Normalization", 2016, arXiv:1607.06450.
    .. [9] Zhang, Sennrich: "Root Mean Square Layer Normalization", NeurIPS 2019.
    .. [10] Guo, Pleiss, Sun, Weinberger: "On Calibration of Modern Neural Networks", ICML 2017.
    .. [11] Jacot, Gabriel, Hongler: "Neural Tangent Kernel: Convergence and Generalization in Neural Networks", NeurIPS
       2018.
    .. [12] Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
       Data", NeurIPS 2024. Biases at points among the samples: Steinwart: "A Sober Look at Neural Network
       Initializations", 2019, arXiv:1903.11482.

    Examples
    --------
    >>> from fastnet import MLPClassifier
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(n_samples=400, random_state=0)
    >>> net = MLPClassifier((20,), max_iter=300, learning_rate_init=0.01, random_state=0).fit(X, y)
    >>> net.predict(X[:4]).shape, net.predict_proba(X[:4]).shape
    ((4,), (4, 2))
    >>> bool(net.score(X, y) > 0.9)
    True
    """

    @names_unknown_parameters
    def __init__(
        self,
        hidden_layer_sizes: int | ArrayLike = (100,),
        activation: Activations = "relu",
        *,
        loss: Losses = "log_loss",
        solver: Solver = "adam",
        alpha: Rates = 0.0001,
        batch_size: int | str | None = "auto",
        learning_rate: LearningRate = "constant",
        warmup: float = 0.0,
        rate_factors: Rates | str = 1.0,
        bias_rate_factor: float = 1.0,
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int | str = False,
        callbacks: Callbacks = None,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        validation_split: object = None,
        scoring: Scoring = None,
        restore_best_weights: bool | str = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float | None = 10,
        max_fun: int = 15000,
        max_time: float | None = None,
        l1_ratio: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        max_norm: float | None = None,
        ema_decay: float | None = None,
        dropout: Rates = 0.0,
        input_dropout: float = 0.0,
        dropout_schedule: LearningRate | None = None,
        decay_schedule: LearningRate | None = None,
        drop_connect: Rates = 0.0,
        input_noise: float = 0.0,
        features: Features = None,
        input_scale: bool | Scale = False,
        init: Initial = "glorot_uniform",
        output_init: Initial | None = None,
        bias_init: float | str | None = None,
        use_bias: bool = True,
        freeze: int = 0,
        residual: bool | str = False,
        normalization: str | None = None,
        class_weight: dict | list[dict] | str | None = None,
        calibration: str | None = None,
        dtype: str = "auto",
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            loss=loss,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=warmup,
            rate_factors=rate_factors,
            bias_rate_factor=bias_rate_factor,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            callbacks=callbacks,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            validation_split=validation_split,
            scoring=scoring,
            restore_best_weights=restore_best_weights,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            max_time=max_time,
            l1_ratio=l1_ratio,
            clip_value=clip_value,
            clip_norm=clip_norm,
            max_norm=max_norm,
            ema_decay=ema_decay,
            dropout=dropout,
            input_dropout=input_dropout,
            dropout_schedule=dropout_schedule,
            decay_schedule=decay_schedule,
            drop_connect=drop_connect,
            input_noise=input_noise,
            features=features,
            input_scale=input_scale,
            init=init,
            output_init=output_init,
            bias_init=bias_init,
            use_bias=use_bias,
            freeze=freeze,
            residual=residual,
            normalization=normalization,
            dtype=dtype,
            n_jobs=n_jobs,
        )
        self.class_weight = class_weight
        self.calibration = calibration

    _parameter_constraints: dict = {
        **PARAMETER_CONSTRAINTS,
        "loss": [Names(CLASSIFICATION_LOSSES), Loss],
        "scoring": CLASSIFICATION_SCORING,
        "class_weight": [None, dict, list, Names({"balanced"})],
        "calibration": [None, Names({"temperature"})],
    }

    @available_if(lambda estimator: estimator._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | Sequence[ArrayLike] | None = None,
    ) -> Self:
        """Train for one epoch on the given samples, going on from the current weights.

        Offered for stochastic solvers, except 'rprop'. The optimizer of the first call serves all later
        ones. If anything raises, the estimator stays as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_columns)
            Class labels, a 0/1 matrix of several labels, or several columns of class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, at least 0 and not all 0; None means equal weights.
        classes : array-like of shape (n_classes,) or list of these, default=None
            All classes there will be; a list with the classes of each column if there are several. Needed at the
            first call, may be left out later.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If ``classes`` is missing at the first call or differs later, y has a label that is not among
            them, ``class_weight`` is 'balanced', or the layers no longer match the weights.
        """
        with unchanged_on_failure(self), quiet():
            if isinstance(self.class_weight, str) and self.class_weight == "balanced":
                raise ValueError(
                    "class_weight='balanced' needs to see all of y, which partial_fit does not: give the weights as "
                    "a dict, such as dict(zip(classes, compute_class_weight('balanced', classes=classes, y=y))) with "
                    "scikit-learn's compute_class_weight and a large sample y."
                )
            y = plain_labels(y)
            self._learn_classes(y, classes)
            return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_columns)
            The most probable class, or that of the largest score; or for each label whether it is more likely
            than not, or its score above 0 (0/1); or for each column of classes its most probable class.
        """
        check_is_fitted(self)
        return self._labels_of(self._probabilities(X) if self._loss.has_probabilities else self._outputs(X))

    @available_if(_gives_scores)
    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """Predict scores, the raw outputs of the network.

        Offered for a loss without probabilities, such as ``loss='hinge'``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes) or (n_samples, n_labels)
            For two classes one score, above 0 for ``classes_[1]``; for several the score of each, whose largest
            decides; for several labels at once the score of each, above 0 if the sample has it. float32 if X is and
            was in ``fit``, else float64.
        """
        check_is_fitted(self)
        scores = self._outputs(X)
        return scores.ravel() if self.n_outputs_ == 1 else scores

    @available_if(_gives_probabilities)
    def predict_proba(self, X: MatrixLike) -> ManyArrays:
        """Predict probabilities.

        Not offered for a loss without them, such as ``loss='hinge'``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels), or list of ndarray
            Probability of each class in the order of ``classes_``; rows sum to 1 as exactly as their dtype allows,
            which is float32 if X is and was in ``fit``, else float64. For several labels at once, the probability
            of each; rows then do not sum to 1. For several columns of classes a list with one array for each.
        """
        check_is_fitted(self)
        if self._has_one_class:
            return np.ones_like(self._outputs(X))
        if hasattr(self, "temperature_"):
            logits = self._logits(X)
            if self._has_columns:
                return [probabilities(part, "softmax") for part in self._label_binarizer.split(logits)]
            return probabilities(logits, self.out_activation_)
        result = self._probabilities(X)
        return self._label_binarizer.split(result) if self._has_columns else result

    @available_if(_gives_probabilities)
    def staged_predict_proba(self, X: MatrixLike) -> Iterator[ManyArrays]:
        """Predict probabilities with the weights of each epoch that was kept, from the first on.

        As ``staged_predict`` does classes. With ``calibration`` all have the temperature of the last epoch. Not offered
        for a loss without probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : iterator of ndarray or list of ndarray
            What ``predict_proba`` gave at each of these epochs.

        Raises
        ------
        AttributeError
            If no weights were kept.
        """
        return (stage.predict_proba(X) for stage in self._stages())

    def _logits(self, X):
        """With calibration."""
        logits = self._outputs(X, link=False)
        if hasattr(self, "temperature_"):
            with np.errstate(over="ignore"):
                logits /= self.temperature_
        return logits

    def _probabilities(self, X):
        """Without calibration."""
        if self.n_outputs_ > 1:
            return self._outputs(X)
        return probabilities(self._outputs(X, link=False), self.out_activation_)

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: MatrixLike) -> ManyArrays:
        """Predict logarithms of probabilities.

        They come from the logits, so that they are finite where the probabilities round to 0. Not offered for a
        loss without probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels), or list of ndarray
            Logarithms of what ``predict_proba`` gives, in the same dtype.
        """
        check_is_fitted(self)
        if self._has_one_class:
            return np.zeros_like(self._outputs(X))
        if self.n_outputs_ > 1 and self.out_activation_ == "logistic" and not hasattr(self, "temperature_"):
            # In the order of the probabilities, several of which may round to 1.
            result = self._outputs(X)
            rounded = result < np.finfo(result.dtype).tiny
            result = np.log(np.where(rounded, 1, result))
            return np.where(rounded, log_expit(self._outputs(X, link=False)), result) if rounded.any() else result
        logits = self._logits(X)
        if self._has_columns:
            return [log_probabilities(part, "softmax") for part in self._label_binarizer.split(logits)]
        return log_probabilities(logits, self.out_activation_)

    def score(self, X: MatrixLike, y: MatrixLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy: the share of samples whose prediction is right, with all of their labels or columns.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_columns)
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            In [0, 1].
        """
        check_is_fitted(self)
        y, sample_weight = plain_labels(y), check_weights(sample_weight, X)
        if not self._has_columns:
            return super().score(X, y, sample_weight)
        y = check_array(y, dtype=None)
        predicted = self.predict(X)
        check_consistent_length(y, predicted, sample_weight)
        if y.shape[1] != predicted.shape[1]:
            raise ValueError(f"y has {y.shape[1]} columns of classes, the network was trained on {predicted.shape[1]}.")
        weights = None if sample_weight is None else np.asarray(sample_weight)
        return float(np.average((predicted == y).all(axis=1), weights=weights))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags
