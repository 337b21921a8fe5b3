"""The architecture of a net: a plain value, known without data."""

from dataclasses import dataclass
from functools import lru_cache

from ..ops.activations import Activation
from ..ops.losses import Loss

# Vectors that are measured in training, not trained.
MEASURED = ("mean", "variance")


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
        Whether hidden layers as wide as the hidden layer below have a skip connection, see `skips`, and the others
        one through a matrix, see `projections`.
    normalization : {None, 'batch', 'layer', 'rms'}
        How the hidden layers' z are normalised before the activation.
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

    def __post_init__(self):
        n_hidden = self.n_layers - 1
        if isinstance(self.activations, Activation):
            object.__setattr__(self, "activations", (self.activations,) * n_hidden)
        if len(self.activations) != n_hidden:
            raise ValueError(f"{len(self.activations)} activations do not go with {n_hidden} hidden layer(s).")

    @property
    def n_layers(self):
        """Number of weight layers."""
        return len(self.layer_units) - 1

    @property
    def n_weights(self):
        """Number of weights, biases and other vectors not counted."""
        return sum(a * b for a, b in self.matrix_shapes())

    @property
    def is_noisy(self):
        """Whether training draws random bits."""
        return bool(any(self.drop_rates()) or self.input_noise or any(self.drop_connect))

    def drop_rates(self):
        """Dropout of the input and of each hidden layer, as one tuple."""
        return (self.input_dropout, *(self.dropout or (0.0,) * (self.n_layers - 1)))

    def skips(self):
        """Whether each layer of weights has a skip connection, a tuple of bool.

        A hidden layer that reads as many hidden units as it has adds what it reads to its activation. The first hidden
        layer never does: it reads features, not units.
        """
        units, last = self.layer_units, self.n_layers - 1
        return tuple(bool(self.residual) and 0 < i < last and units[i] == units[i + 1] for i in range(self.n_layers))

    def projections(self):
        """The layers of weights, as numbers, whose skip connection is a matrix of its own."""
        if self.residual != "projection":
            return ()
        skips = self.skips()
        return tuple(i for i in range(1, self.n_layers - 1) if not skips[i])

    def matrix_shapes(self):
        """Shapes of all matrices, in the order in which they are passed: each layer's weights, then `projections`."""
        return _matrix_shapes(self)

    def matrix_layers(self):
        """The layer to which each matrix belongs."""
        return (*range(self.n_layers), *self.projections())

    def vectors(self):
        """All vectors, in the order in which they are passed: pairs of what they are and a layer's number.

        Biases; 'slope' where the activation learns one for each unit; 'gain' of each normalised layer. Last what is not
        trained but measured: with batch normalisation 'mean' and 'variance' of each normalised layer. Without batch
        normalisation what is left begins as with it.
        """
        return _vectors(self)

    def trained(self):
        """Whether each matrix, and each vector that can be trained at all, is trained: two lists of bool."""
        matrices = [layer >= self.n_frozen for layer in self.matrix_layers()]
        vectors = [
            layer >= self.n_frozen and (self.use_bias or kind != "bias")
            for kind, layer in self.vectors()
            if kind not in MEASURED
        ]
        return matrices, vectors


# Each prediction asks for these.
@lru_cache(256)
def _matrix_shapes(net):
    units = net.layer_units
    weights = tuple(zip(units, units[1:], strict=False))
    return (*weights, *(weights[i] for i in net.projections()))


@lru_cache(256)
def _vectors(net):
    hidden = range(net.n_layers - 1)
    normalized = hidden if net.normalization else ()
    measured = hidden if net.normalization == "batch" else ()
    return (
        *(("bias", i) for i in range(net.n_layers)),
        *(("slope", i) for i in hidden if net.activations[i].per_unit),
        *(("gain", i) for i in normalized),
        *(("mean", i) for i in measured),
        *(("variance", i) for i in measured),
    )
