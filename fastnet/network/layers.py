"""What a layer is, and what its units have one number of each."""

from collections.abc import Callable
from dataclasses import dataclass

from ..ops.activations import Activation


@dataclass(frozen=True)
class Group:
    """Parameters that take steps of one length: a parameter group.

    Attributes
    ----------
    rate : float
        Factor of the learning rate, and so of a decay that goes with it.
    decay : float
        Factor of the optimizer's decoupled weight decay.
    """

    rate: float = 1.0
    decay: float = 1.0


WEIGHTS, UNDECAYED = Group(), Group(decay=0.0)


@dataclass(frozen=True)
class Layer:
    """A layer of weights and the units that it leads to.

    Attributes
    ----------
    fan_in, units : int
        What it reads and what it gives.
    activation : Activation or None
        None for the outputs: the loss brings theirs.
    normalization : {None, 'batch', 'layer', 'rms'}
        How z is normalised before the activation.
    skip : {None, 'identity', 'projection'}
        Whether what the layer reads is added to its activation: as it is, or times a matrix of its own.
    dropout : float
        Probability of dropping one of the numbers that the layer reads.
    drop_connect : float
        Probability of dropping a weight.
    is_trained : bool
        Whether anything of it is.
    use_bias : bool
        Whether biases are.
    group, bias_group : Group
        Of its matrices, and of its biases.
    features : FeatureLayer or None
        What becomes of the inputs before the first layer reads them.
    """

    fan_in: int
    units: int
    activation: Activation | None
    normalization: str | None
    skip: str | None
    dropout: float
    drop_connect: float
    is_trained: bool
    use_bias: bool
    group: Group
    bias_group: Group = UNDECAYED
    features: object = None


@dataclass(frozen=True)
class UnitVector:
    """What a layer has in a vector, mostly one number of each unit.

    Attributes
    ----------
    name, attribute : str
        What it is, and the fitted attribute that holds one for each layer.
    belongs : callable
        ``belongs(layer)``: whether a layer has it.
    begin : callable or None
        ``begin(layer)``: the value at the start; None if it is drawn with the weights.
    terms : int or None
        The number of the terms whose sums over the rows are the gradient; None if its gradient is no such sum.
    own_terms : callable
        ``own_terms(layer)``: whether these terms are others than the derivatives by z.
    is_trained : callable
        ``is_trained(layer)``: whether a layer that is trained trains it.
    group : callable
        ``group(layer)``: its parameter group there.
    is_measured : bool
        Whether it is measured in training, not trained.
    size : callable
        ``size(layer)``: its length.
    """

    name: str
    attribute: str
    belongs: Callable
    begin: Callable | None
    terms: int | None
    own_terms: Callable = lambda layer: True
    is_trained: Callable = lambda layer: True
    group: Callable = lambda layer: UNDECAYED
    is_measured: bool = False
    size: Callable = lambda layer: layer.units


def _is_normalized(layer):
    return layer.normalization is not None


def _measures(layer):
    return layer.normalization == "batch"


BIAS = UnitVector(
    "bias", "intercepts_", lambda layer: True, None, 0, _is_normalized, lambda layer: layer.use_bias,
    lambda layer: layer.bias_group,
)  # fmt: skip
SLOPE = UnitVector(
    "slope", "slopes_", lambda layer: layer.activation is not None and layer.activation.per_unit,
    lambda layer: layer.activation.values[0], 2, group=lambda layer: Group(layer.activation.unit_rate, 0.0),
)  # fmt: skip
GAIN = UnitVector("gain", "gains_", _is_normalized, lambda layer: 1.0, 1)
# The numbers of the feature layer, of several groups: `FeatureLayer` knows them, `engine/features.py` trains them.
FEATURES = UnitVector(
    "features", "features_", lambda layer: layer.features is not None and layer.features.size > 0, None, None,
    is_trained=lambda layer: layer.features.is_learnt, size=lambda layer: layer.features.size,
)  # fmt: skip
MEAN = UnitVector("mean", "means_", _measures, lambda layer: 0.0, None, is_measured=True)
VARIANCE = UnitVector("variance", "variances_", _measures, lambda layer: 1.0, None, is_measured=True)

# In the order in which they are passed; what is measured comes last.
UNIT_VECTORS = {vector.name: vector for vector in (BIAS, SLOPE, GAIN, FEATURES, MEAN, VARIANCE)}
# Those that are sums of terms over the rows.
TRAINED_VECTORS = tuple(vector for vector in UNIT_VECTORS.values() if vector.terms is not None)
