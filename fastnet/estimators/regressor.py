"""The regressor."""

from typing import Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..ops.features import Scale
from ..ops.losses import Loss
from ..training.health import quiet
from .base import BaseMultilayerPerceptron
from .fitting.transaction import unchanged_on_failure
from .fitting.validation import OwnData
from .inputs.arrays import check_weights, plain_numbers
from .parameters import PARAMETER_CONSTRAINTS, REGRESSION_LOSSES
from .parameters.constraints import Names
from .parameters.types import (
    Activations,
    Callbacks,
    Features,
    Initial,
    LearningRate,
    Losses,
    MatrixLike,
    Rates,
    Scoring,
    Solver,
)
from .parameters.unknown import names_unknown_arguments, names_unknown_parameters
from .targets.numbers import NumberTargets, of_targets, score_of


class MLPRegressor(NumberTargets, RegressorMixin, BaseMultilayerPerceptron):
    r"""Multilayer perceptron for regression.

    A drop-in for :class:`sklearn.neural_network.MLPRegressor`, trained by compiled kernels. It minimises the
    squared error or another loss, of one output or several.

    Parameters
    ----------
    loss : str or Loss, default='squared_error'
        'squared_error' for the mean, 'absolute_error' for the median, 'quantile'; 'huber' and 'log_cosh' between the
        first two; 'poisson', 'gamma' and 'tweedie', whose output is an exponential, for ``y >= 0`` ('gamma'
        for ``y > 0``); 'quantiles', several that never cross, and 'gaussian_nll', a mean and a standard deviation. Or
        an object of :mod:`fastnet.losses`, such as ``Quantile(0.9)``.
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Units of each hidden layer. ``()`` makes a linear model.
    activation : str, Activation, or list or tuple of these, default='relu'
        Activation of the hidden layers: a name, such as 'tanh', or an object of :mod:`fastnet.activations`,
        for all of them; or a sequence with one for each hidden layer.
    target_scaling : bool, default=False
        Whether the network learns each target minus its mean, divided by its standard deviation, both of the training
        samples (validation samples left out) with their weights; a constant target is divided by 1. Predictions are in
        the target's own unit; ``loss_``, ``loss_curve_``, ``scoring='loss'`` and the parameters of losses, such as
        Huber's δ, are in the scaled one. The first ``fit`` or ``partial_fit`` says for all that go on with its network.
        Not for 'poisson', 'gamma' and 'tweedie'.
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
        training with the NTK parametrisation [10]_. Not for 'lbfgs' and 'rprop'.
    bias_rate_factor : float, default=1.0
        The same for all biases; 0.1 in [11]_.
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
        it stalls, and keep the weights of the best epoch. The score is the coefficient of determination; for
        'quantile', 'quantiles' and 'absolute_error', which do not aim at the mean, its counterpart
        :func:`sklearn.metrics.d2_pinball_score`.
    validation_fraction : float, default=0.1
        Share of the data that early stopping holds out, in [0, 1). Not used if ``fit`` gets ``X_val``, or
        ``validation_split`` is a splitter.
    validation_split : 'last', splitter or None, default=None
        What early stopping holds out. None draws samples, as scikit-learn does; 'last' takes the last of them, for data
        in the order of time. A cross-validation splitter gives the rows by the last of its splits, such as
        ``TimeSeriesSplit()``, or ``GroupShuffleSplit(1)`` with ``groups`` in ``fit``; it draws from its own
        ``random_state``, and sees classes as numbers.
    scoring : str, callable, list of str, dict or None, default=None
        The score on the validation samples that early stopping watches, more being better. None is the coefficient of
        determination or, see ``early_stopping``, its counterpart. 'loss' is the negative mean loss, without penalties;
        any other name is one of scikit-learn's scorers, and a callable has their signature,
        ``scoring(estimator, X, y) -> float``. With weights it must take ``sample_weight``. Of a list of names, or a
        dict of names and scorers, all are in ``history_``, and the first is watched.
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
        such as 'flat_cosine', which holds it for half of ``max_iter`` and then lets it fall to 0 [11]_. Each epoch has
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
        samples, a random mixture of five of them [11]_. The weights do not depend on it, unless they are taken from
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
        Score on the validation samples (see ``scoring``) after every epoch; None without early
        stopping. Not set by 'lbfgs'.
    best_validation_score_ : float or None
        The largest of them. A warm start with ``X_val`` counts from the score on it of the weights to begin with.
    gradient_norms_ : dict of list of float
        Gradients before clipping, one entry for each epoch trained with ``clip_value`` or ``clip_norm``: 'mean' and
        'largest' are the mean and the largest Euclidean norm of the mini-batches' gradients, 'clipped' is the share of
        mini-batches that were clipped. Only set with clipping.
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
    target_mean_, target_scale_ : ndarray of shape (n_targets,)
        Mean and standard deviation of each target in training. Only set with ``target_scaling``.
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
        Number of outputs: one for each target, or for each quantile of it, or two for its mean and deviation.
    out_activation_ : str
        Activation of the output: 'identity', 'exp', 'quantiles' or 'mean_and_std'.

    See Also
    --------
    MLPClassifier : Multilayer perceptron for classification.

    Notes
    -----
    With ``dtype='float64'`` and the same ``random_state``, training follows scikit-learn's step by step, with
    these exceptions: 'lbfgs' minimises the squared error summed over the outputs, whose gradient it gets
    (``loss_`` of the squared error is the mean over the outputs, with every solver); a warm start keeps the optimizer's
    moments; ``partial_fit`` shuffles differently at each call. 'lbfgs' does not offer ``partial_fit``.

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
    .. [10] Jacot, Gabriel, Hongler: "Neural Tangent Kernel: Convergence and Generalization in Neural Networks", NeurIPS
       2018.
    .. [11] Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
       Data", NeurIPS 2024. Biases at points among the samples: Steinwart: "A Sober Look at Neural Network
       Initializations", 2019, arXiv:1903.11482.

    Examples
    --------
    >>> from fastnet import MLPRegressor
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(n_samples=200, n_features=5, random_state=0)
    >>> net = MLPRegressor(hidden_layer_sizes=(10,), solver="lbfgs", max_iter=500, tol=0.1, random_state=0)
    >>> net.fit(X, y).predict(X[:3]).shape
    (3,)
    >>> bool(net.score(X, y) > 0.9)
    True
    """

    @names_unknown_parameters
    def __init__(
        self,
        loss: Losses = "squared_error",
        hidden_layer_sizes: int | ArrayLike = (100,),
        activation: Activations = "relu",
        *,
        target_scaling: bool = False,
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
        dtype: str = "auto",
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            loss=loss,
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
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
        self.target_scaling = target_scaling

    _parameter_constraints: dict = {
        **PARAMETER_CONSTRAINTS,
        "loss": [Names(REGRESSION_LOSSES), Loss],
        "target_scaling": ["boolean"],
    }

    @names_unknown_arguments
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        offset_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        With ``warm_start=True`` training goes on from the current ``coefs_`` and ``intercepts_``, with the
        optimizer's moments and step count. If anything raises, the estimator stays as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64, in any memory order, and CSR are never copied; CSC becomes
            CSR once.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, at least 0 and not all 0; None means equal weights.
        offset : array-like of shape (n_samples,), default=None
            What is added to each sample's raw outputs, on the scale of the link: with 'poisson', 'gamma' and 'tweedie'
            the logarithm of its exposure, such as the years that a policy was in force. The network then learns what
            y is for an exposure of 1. None is 0.
        X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
            Samples to validate with, whose loss and scores are in ``history_``. Early stopping watches them, and holds
            none out of X. In a pipeline
            ``Pipeline(..., transform_input=["X_val"])`` transforms them like X.
        y_val : array-like of shape (n_validation,) or (n_validation, n_targets), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Their weights, at least 0 and not all 0; None means equal weights.
        offset_val : array-like of shape (n_validation,), default=None
            Their offset; needed if the others have one.
        groups : array-like of shape (n_samples,), default=None
            Group of each sample of X, for a ``validation_split`` that keeps groups together.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or parameter is invalid, or training produced weights that are not finite.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` was reached before convergence, unless ``n_iter_no_change`` is None.
        TrainingWarning
            Once, if the network is hardly better than a constant though more can be predicted, or most of its hidden
            units are dead or saturated.
        UserWarning
            If Ctrl-C ended the training; the weights it had reached are kept.
        RuntimeWarning
            If numbers became too large on the way, and weights may not have been trained.
        """
        with unchanged_on_failure(self), quiet():
            own = OwnData(X_val, y_val, sample_weight_val, groups, offset_val)
            return self._fit(X, plain_numbers(y), sample_weight, own, offset=offset)

    @available_if(lambda estimator: estimator._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on the given samples, going on from the current weights.

        Offered for stochastic solvers, except 'rprop'. The optimizer of the first call serves all later
        ones. If anything raises, the estimator stays as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, at least 0 and not all 0; None means equal weights.
        offset : array-like of shape (n_samples,), default=None
            What is added to each sample's raw outputs: see ``fit``. None is 0.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If an argument is invalid, or the layers no longer match the weights.
        """
        with unchanged_on_failure(self), quiet():
            return self._fit(X, plain_numbers(y), sample_weight, incremental=True, offset=offset)

    @overload
    def predict(
        self, X: MatrixLike, return_std: Literal[False] = ..., *, offset: ArrayLike | None = ...
    ) -> np.ndarray: ...

    @overload
    def predict(
        self, X: MatrixLike, return_std: Literal[True], *, offset: ArrayLike | None = ...
    ) -> tuple[np.ndarray, np.ndarray]: ...

    def predict(
        self, X: MatrixLike, return_std: bool = False, *, offset: ArrayLike | None = None
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        return_std : bool, default=False
            Whether to predict standard deviations, too: with ``loss='gaussian_nll'``.
        offset : array-like of shape (n_samples,), default=None
            What is added to each sample's raw outputs, such as the logarithm of its exposure: see ``fit``. None is 0.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions: float32 if X is and was in ``fit``, else float64. With ``loss='quantiles'`` of shape
            (n_samples, n_quantiles) or (n_samples, n_targets, n_quantiles).
        y_std : ndarray of the same shape
            Standard deviations. Only with ``return_std=True``.

        Raises
        ------
        ValueError
            If standard deviations are asked for that the loss does not give, or an offset is given without a log link.
        """
        check_is_fitted(self)
        if return_std and not self._loss.has_std:
            raise ValueError(
                f"return_std=True needs a network that predicts a standard deviation, this one has loss={self._loss!r}"
                ": fit with loss='gaussian_nll', or leave out return_std."
            )
        values = self._predictions(X, offset)
        if self._loss.has_std:
            mean, std = (part.ravel() if part.shape[1] == 1 else part for part in (values[:, :, 0], values[:, :, 1]))
            return (mean, std) if return_std else mean
        if self._loss.outputs_per_target == 1:
            values = values[:, :, 0]
        return values[:, 0] if values.shape[1] == 1 else values

    def score(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> float:
        """Coefficient of determination R², the mean over the targets.

        For several quantiles it is its counterpart, D² of the pinball loss (:func:`sklearn.metrics.d2_pinball_score`),
        the mean over the quantiles and the targets; for a mean and a standard deviation it is that of the mean.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.
        offset : array-like of shape (n_samples,), default=None
            What ``predict`` adds to each sample's raw outputs. None is 0.

        Returns
        -------
        score : float
            At most 1.
        """
        check_is_fitted(self)
        y, sample_weight, predicted = plain_numbers(y), check_weights(sample_weight, X), self.predict(X, offset=offset)
        if not np.isfinite(predicted).all():
            raise ValueError("Predictions for X are not finite, so there is no R²: rescale X like that of the fit.")
        with quiet():
            predicted = of_targets(self._loss, predicted) if self._loss.quantiles else predicted
            return score_of(self._loss, y, predicted, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
