"""The architecture of a net: a plain value, known without data."""

from dataclasses import dataclass, replace
from functools import lru_cache

from ..ops.activations import Activation
from ..ops.losses import Loss
from .layers import UNDECAYED, UNIT_VECTORS, WEIGHTS, Group, Layer


@dataclass(frozen=True)
class Architecture:
    """Widths, activation, loss and noise of a multilayer perceptron.

    Attributes
    ----------
    layer_units : tuple of int
        Number of features, widths of the hidden layers, number of outputs.
    activations : tuple of Activation, or Activation
        One for each hidden layer; a single one stands for all of them.
    loss : Loss
        Loss on the raw outputs; it brings the output activation.
    dropout : tuple of float
        Probability of dropping a unit, one per hidden layer; empty for none.
    input_dropout : float
        Probability of dropping a feature of a sample.
    input_noise : float
        Standard deviation of the noise added to the features in training.
    drop_connect : tuple of float
        Probability of dropping a weight in a mini-batch, one per layer of weights; empty for none.
    use_bias : bool
        Whether biases are trained; else they are zeros and stay so.
    n_frozen : int
        Layers of weights, from the first on, that are not trained; less than all.
    residual : bool or 'projection'
        Whether a hidden layer as wide as the hidden layer below adds what it reads to its activation; with
        'projection' the other hidden layers do so through a matrix. The first never does: it reads features, not units.
    normalization : {None, 'batch', 'layer', 'rms'}
        How the hidden layers' z are normalised before the activation.
    weight_groups : tuple of Group
        Parameter groups of the matrices, one per layer of weights; empty for `WEIGHTS`.
    bias_group : Group
        Parameter group of the biases.
    features : FeatureLayer or None
        What becomes of the inputs; the first of `layer_units` is then the number of its outputs.
    """

    layer_units: tuple
    activations: tuple
    loss: Loss
    dropout: tuple = ()
    input_dropout: float = 0.0
    use_bias: bool = True
    n_frozen: int = 0
    input_noise: float = 0.0
    drop_connect: tuple = ()
    residual: bool | str = False
    normalization: str | None = None
    weight_groups: tuple = ()
    bias_group: Group = UNDECAYED
    features: object = None

    # Of the fields with a default those that predictions depend on, too: a fitted network keeps them.
    PREDICTING = ("residual", "normalization", "features")

    def __post_init__(self):
        n_hidden = self.n_layers - 1
        if isinstance(self.activations, Activation):
            object.__setattr__(self, "activations", (self.activations,) * n_hidden)
        if len(self.activations) != n_hidden:
            raise ValueError(f"{len(self.activations)} activations do not go with {n_hidden} hidden layer(s).")
        if len(self.weight_groups) not in (0, self.n_layers):
            raise ValueError(f"{len(self.weight_groups)} weight_groups do not go with {self.n_layers} layer(s).")
        if self.features is not None and self.features.n_outputs != self.layer_units[0]:
            raise ValueError(f"{self.features.n_outputs} features do not go with {self.layer_units[0]} inputs.")

    @property
    def n_layers(self):
        """Number of weight layers."""
        return len(self.layer_units) - 1

    @property
    def n_weights(self):
        """Number of weights, biases and other vectors not counted."""
        return sum(a * b for a, b in self.matrix_shapes())

    @property
    def n_inputs(self):
        """Columns of X."""
        return self.layer_units[0] if self.features is None else self.features.n_inputs

    @property
    def trains_features(self):
        """Whether the numbers of the feature layer are trained, so that a delta goes down to the inputs."""
        return self.features is not None and self.features.is_learnt and self.n_frozen == 0

    @property
    def is_noisy(self):
        """Whether training draws random bits."""
        return bool(self.input_noise) or any(layer.dropout or layer.drop_connect for layer in self.layers)

    @property
    def noiseless(self):
        """The same net without what is random in training."""
        return replace(self, dropout=(), input_dropout=0.0, input_noise=0.0, drop_connect=())

    @property
    def layers(self):
        """The layers of weights, a tuple of `Layer`: what each of them is stands there."""
        return _layers(self)

    @property
    def groups(self):
        """The parameter groups, a tuple of `Group`."""
        vectors = ((UNIT_VECTORS[name], self.layers[layer]) for name, layer in self.vectors())
        of_vectors = (vector.group(layer) for vector, layer in vectors if vector.terms is not None)
        of_features = () if self.features is None else self.features.groups
        return tuple(dict.fromkeys((*(layer.group for layer in self.layers), *of_vectors, *of_features)))

    def projections(self):
        """The layers of weights, as numbers, whose skip connection is a matrix of its own."""
        return tuple(i for i, layer in enumerate(self.layers) if layer.skip == "projection")

    def matrix_shapes(self):
        """Shapes of all matrices, in the order in which they are passed: each layer's weights, then `projections`."""
        return _matrix_shapes(self)

    def matrix_layers(self):
        """The layer to which each matrix belongs."""
        return (*range(self.n_layers), *self.projections())

    def vectors(self):
        """All vectors, in the order in which they are passed: pairs of the name of a `UnitVector` and a layer's number.

        Biases come first, what is not trained but measured comes last. Without batch normalisation what is left begins
        as with it.
        """
        return _vectors(self)

    def trained(self):
        """Whether each matrix, and each vector that can be trained at all, is trained: two lists of bool."""
        layers, vectors = self.layers, ((UNIT_VECTORS[name], i) for name, i in self.vectors())
        matrices = [layers[i].is_trained for i in self.matrix_layers()]
        return matrices, [
            layers[i].is_trained and vector.is_trained(layers[i]) for vector, i in vectors if not vector.is_measured
        ]


# Each prediction asks for these.
@lru_cache(256)
def _layers(net):
    units, n = net.layer_units, net.n_layers
    dropout = net.input_dropout, *(net.dropout or (0.0,) * (n - 1))
    drop_connect, groups = net.drop_connect or (0.0,) * n, net.weight_groups or (WEIGHTS,) * n
    layers = []
    for i in range(n):
        is_hidden, skip = i < n - 1, None
        if is_hidden and i > 0 and net.residual:
            is_as_wide = units[i] == units[i + 1]
            skip = "identity" if is_as_wide else "projection" if net.residual == "projection" else None
        layers.append(
            Layer(
                units[i], units[i + 1], net.activations[i] if is_hidden else None,
                net.normalization if is_hidden else None, skip, dropout[i], drop_connect[i],
                is_trained=i >= net.n_frozen, use_bias=net.use_bias, group=groups[i],
                bias_group=net.bias_group,
                features=net.features if i == 0 else None,
            )
        )  # fmt: skip
    return tuple(layers)


@lru_cache(256)
def _matrix_shapes(net):
    return tuple((net.layers[i].fan_in, net.layers[i].units) for i in net.matrix_layers())


@lru_cache(256)
def _vectors(net):
    layers = tuple(enumerate(net.layers))
    return tuple((name, i) for name, vector in UNIT_VECTORS.items() for i, layer in layers if vector.belongs(layer))
