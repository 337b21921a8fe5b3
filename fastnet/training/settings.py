"""What one fit is asked to do: a frozen value, complete and checked before any work begins.

It is made once from an estimator's parameters (``estimators/parameters/settings.py``). Names are resolved to their ops,
what may differ from layer to layer has one entry a layer, numbers are Python's own. Nothing that trains looks at an
estimator.
"""

from dataclasses import dataclass

import numpy as np

from ..network.architecture import Architecture
from ..network.initializers import Initializer
from ..network.layers import UNDECAYED, Group
from ..ops.losses import Loss
from ..ops.optimizers import Optimizer
from ..ops.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a fit is asked to do.

    Attributes
    ----------
    hidden_units : tuple of int
        Units of each hidden layer.
    activations : tuple of Activation
        One for each layer of weights; the last is what the output layer is initialised for.
    loss : Loss
        As it is named; that of the network is known with the targets.
    dropout, drop_connect : tuple of float
        Probabilities, of each hidden layer and of each layer of weights; empty for none.
    features : tuple of (Feature, columns)
        Feature layers and the columns of each, as they were named; None for all.
    input_scale : Scale or None
        The learnt scale behind them.
    input_dropout, input_noise : float
        Probability of dropping a feature, and standard deviation of the noise added to it.
    use_bias : bool
        Whether biases are trained.
    n_frozen : int
        First layers that are not trained.
    residual : bool or 'projection'
        Skip connections.
    normalization : {None, 'batch', 'layer', 'rms'}
        Normalisation of the hidden layers.
    initializer : Initializer or None
        What draws the weights; None where they come from `source`.
    source : object
        The fitted network whose first layers training begins with, or None.
    output_initializer : Initializer or None
        What draws the output layer; None is `initializer`.
    bias_init : float, 'normal', 'data' or None
        First value of all biases, or where it comes from; None leaves it to the initialiser.
    random_state : int, numpy.random.RandomState or None
        Source of the draws.
    optimizer : Optimizer or None
        Of mini-batches; None is L-BFGS.
    schedule : Schedule or None
        Of the learning rate; None with L-BFGS.
    learning_rate : float
        The first one.
    warmup : float
        Epochs of the warm-up.
    rate_factors : tuple of float, or 'fan_in'
        Factors of the learning rate for each layer of weights.
    bias_rate_factor : float
        That for all biases.
    dropout_schedule, decay_schedule : Schedule or None
        Of the factors of dropout, and of the optimizer's decoupled weight decay.
    batch_size : int, 'auto' or None
        As asked for; `batch_rows` resolves it.
    l1, l2 : tuple of float
        Penalties of each layer of weights.
    clip_value, clip_norm, max_norm, ema_decay : float or None
        What is done beyond a plain step.
    max_iter, max_fun : int
        Epochs or iterations, and L-BFGS's evaluations, at most.
    max_time : float or None
        Seconds at most.
    shuffle : bool
        Whether each epoch has an order of its own.
    tol : float
        Least improvement that counts.
    n_iter_no_change : int, inf or None
        Epochs without one to bear.
    early_stopping : bool
        Whether a validation score decides; see `stops_early`.
    validation_fraction : float
        Share of the samples to hold out.
    validation_split : None, 'last' or splitter
        Which samples to hold out.
    scoring : None, str, callable, list of str or dict
        What is measured on the validation samples; early stopping watches the first.
    restore_best_weights : bool or 'latest'
        Whether the epoch with the best score is kept, of several the first or the 'latest'.
    calibration : {None, 'temperature'}
        Of probabilities.
    target_scaling : bool
        Whether the network learns standardised targets.
    warm_start : bool
        Whether to go on with a fitted network.
    dtype : {'auto', 'input', 'float32', 'float64'}
        Of the computation.
    n_jobs : int or None
        Threads.
    verbose : bool, int or str
        Whether to print, or how to show the progress.
    callbacks : tuple of Callback
        What watches the training.
    """

    hidden_units: tuple
    activations: tuple
    loss: Loss
    dropout: tuple
    drop_connect: tuple
    features: tuple
    input_scale: object
    input_dropout: float
    input_noise: float
    use_bias: bool
    n_frozen: int
    residual: bool | str
    normalization: str | None
    initializer: Initializer | None
    source: object
    output_initializer: Initializer | None
    bias_init: float | str | None
    random_state: object
    optimizer: Optimizer | None
    schedule: Schedule | None
    learning_rate: float
    warmup: float
    rate_factors: tuple | str
    bias_rate_factor: float
    dropout_schedule: Schedule | None
    decay_schedule: Schedule | None
    batch_size: int | str | None
    l1: tuple
    l2: tuple
    clip_value: float | None
    clip_norm: float | None
    max_norm: float | None
    ema_decay: float | None
    max_iter: int
    max_fun: int
    max_time: float | None
    shuffle: bool
    tol: float
    n_iter_no_change: float | None
    early_stopping: bool
    validation_fraction: float
    validation_split: object
    scoring: object
    restore_best_weights: bool | str
    calibration: str | None
    target_scaling: bool
    warm_start: bool
    dtype: str
    n_jobs: int | None
    verbose: bool | int | str
    callbacks: tuple = ()

    @property
    def is_stochastic(self):
        """Whether training takes mini-batches."""
        return self.optimizer is not None

    @property
    def prints(self):
        """Whether to print scikit-learn's lines."""
        return bool(self.verbose) and not isinstance(self.verbose, str)

    @property
    def needs_all_samples(self):
        """Whether each step needs the gradient of all samples."""
        return self.optimizer is not None and self.optimizer.full_batch

    @property
    def stops_early(self):
        """Whether a score on samples held out, or of their own, ends the training."""
        return self.early_stopping and self.is_stochastic

    def batch_rows(self, n_samples):
        """Samples in a mini-batch, as asked for: it may be more than there are."""
        if self.batch_size is None or (self.batch_size == "auto" and self.needs_all_samples):
            return n_samples
        return min(200, n_samples) if self.batch_size == "auto" else self.batch_size

    def computation_dtype(self, given, n_samples, is_part):
        """The dtype of a new network: that of X, or float32 for mini-batches of the samples, or of a part of them."""
        if self.dtype in ("float32", "float64"):
            return np.dtype(self.dtype)
        if self.dtype == "input" or not self.is_stochastic:
            return given
        # What partial_fit sees is a part of the data, never a full batch.
        full_batch = not is_part and self.batch_rows(n_samples) >= n_samples
        return given if full_batch else np.dtype(np.float32)

    def architecture(self, n_features, loss, n_outputs, features=None):
        """The network: with the features and outputs that the data has, and the loss that goes with the targets."""
        n_features = n_features if features is None else features.n_outputs
        return Architecture(
            (n_features, *self.hidden_units, n_outputs), self.activations[:-1], loss, self.dropout, self.input_dropout,
            self.use_bias, self.n_frozen, self.input_noise, self.drop_connect, self.residual, self.normalization,
            self._weight_groups(n_features), Group(self.bias_rate_factor, UNDECAYED.decay),
            features,
        )  # fmt: skip

    def _weight_groups(self, n_features):
        """Parameter groups of the layers of weights."""
        if self.rate_factors == "fan_in":
            # The decay goes with the rate, and shall not depend on the number of inputs.
            return tuple(Group(n**-0.5, n**0.5) for n in (n_features, *self.hidden_units))
        return tuple(map(Group, self.rate_factors))
