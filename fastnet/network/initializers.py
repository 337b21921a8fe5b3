"""Initial weights and biases of a layer: one entry each.

An initialiser is a frozen value. ``weights(fan_in, fan_out, random_state)`` draws a layer's weights in float64, row by
row; where biases are drawn too, or the activation matters, ``draw`` does both. Layers are drawn from the input to the
output. ``activation`` is the layer's own; an output layer's is that of the hidden layer below it.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import erf, erfinv

from ..ops.activations import Activation, Logistic
from ..ops.registry import Value, number, one_of, register

INITIALIZERS: "dict[str, Initializer]" = {}


@dataclass(frozen=True)
class Initializer(Value):
    """An initialiser; subclasses give ``weights``, or ``draw``.

    Attributes
    ----------
    breaks_symmetry : bool
        Whether the units of a layer begin different.
    scales_to_data : bool
        Whether the weights are then scaled, so that the units' z have variance 1 over the training data.
    """

    breaks_symmetry = True
    scales_to_data = False

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        """Weights of shape (fan_in, fan_out)."""
        raise NotImplementedError(f"{type(self).__name__} gives neither weights nor draw: write one of them.")

    def draw(
        self, fan_in: int, fan_out: int, activation: Activation, random_state: np.random.RandomState
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weights of shape (fan_in, fan_out) and biases of shape (fan_out,)."""
        return self.weights(fan_in, fan_out, random_state), np.zeros(fan_out)


@register(INITIALIZERS, "glorot_uniform")
@dataclass(frozen=True)
class GlorotUniform(Initializer):
    r"""Uniform weights and biases within :math:`\pm\sqrt{6 / (n_{in} + n_{out})}`.

    The 6 is a 2 for the logistic activation. Bounds, and biases drawn within them, are scikit-learn's.

    Glorot, Bengio: "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, equation 16.
    """

    def draw(
        self, fan_in: int, fan_out: int, activation: Activation, random_state: np.random.RandomState
    ) -> tuple[np.ndarray, np.ndarray]:
        bound = np.sqrt((2.0 if isinstance(activation, Logistic) else 6.0) / (fan_in + fan_out))
        weights = random_state.uniform(-bound, bound, (fan_in, fan_out))
        return weights, random_state.uniform(-bound, bound, fan_out)


@register(INITIALIZERS, "glorot_normal")
@dataclass(frozen=True)
class GlorotNormal(Initializer):
    r"""Normal weights of standard deviation :math:`\sqrt{2 / (n_{in} + n_{out})}`, zero biases.

    Glorot, Bengio: "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, equation 12.
    """

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        return random_state.normal(0.0, np.sqrt(2.0 / (fan_in + fan_out)), (fan_in, fan_out))


@register(INITIALIZERS, "he_uniform")
@dataclass(frozen=True)
class HeUniform(Initializer):
    r"""Uniform weights within :math:`\pm\sqrt{6 / ((1 + s^2)\, n_{in})}`, zero biases: for rectified units.

    He, Zhang, Ren, Sun: "Delving Deep into Rectifiers", ICCV 2015, equation 15; their distribution is normal.

    Parameters
    ----------
    slope : float, default=0.0
        The slope s of a leaky ReLU below 0.
    """

    slope: float = number(0.0)

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        bound = np.sqrt(6.0 / fan_in) / math.hypot(1.0, self.slope)
        return random_state.uniform(-bound, bound, (fan_in, fan_out))


@register(INITIALIZERS, "he_normal")
@dataclass(frozen=True)
class HeNormal(Initializer):
    r"""Normal weights of standard deviation :math:`\sqrt{2 / ((1 + s^2)\, n_{in})}`, zero biases: for rectified units.

    He, Zhang, Ren, Sun: "Delving Deep into Rectifiers", ICCV 2015, equation 15.

    Parameters
    ----------
    slope : float, default=0.0
        The slope s of a leaky ReLU below 0.
    """

    slope: float = number(0.0)

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        return random_state.normal(0.0, np.sqrt(2.0 / fan_in) / math.hypot(1.0, self.slope), (fan_in, fan_out))


@register(INITIALIZERS, "lecun_uniform")
@dataclass(frozen=True)
class LeCunUniform(Initializer):
    r"""Uniform weights within :math:`\pm\sqrt{3 / n_{in}}`, zero biases.

    LeCun, Bottou, Orr, Müller: "Efficient BackProp", 1998, section 4.6.
    """

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        bound = np.sqrt(3.0 / fan_in)
        return random_state.uniform(-bound, bound, (fan_in, fan_out))


@register(INITIALIZERS, "lecun_normal")
@dataclass(frozen=True)
class LeCunNormal(Initializer):
    r"""Normal weights of standard deviation :math:`1 / \sqrt{n_{in}}`, zero biases: for tanh and SELU.

    LeCun, Bottou, Orr, Müller: "Efficient BackProp", 1998, section 4.6. For SELU: Klambauer, Unterthiner, Mayr,
    Hochreiter: "Self-Normalizing Neural Networks", NeurIPS 2017.
    """

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        return random_state.normal(0.0, np.sqrt(1.0 / fan_in), (fan_in, fan_out))


@register(INITIALIZERS, "orthogonal")
@dataclass(frozen=True)
class Orthogonal(Initializer):
    r"""A random matrix whose columns, or rows if they are fewer, are orthogonal and of length g; zero biases.

    Uniform over all such matrices: Q of the QR decomposition of normal draws, R's diagonal made positive. Saxe,
    McClelland, Ganguli: "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    ICLR 2014; Mezzadri: "How to generate random matrices from the classical compact groups", Notices AMS 54, 2007.

    Parameters
    ----------
    gain : float, default=1.0
        The factor g, above 0; :math:`\sqrt 2` suits ReLU.
    """

    gain: float = number(1.0, 0.0, closed="neither")

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        q, r = np.linalg.qr(random_state.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out))))
        q *= np.where(np.diag(r) < 0.0, -self.gain, self.gain)
        return q if fan_in >= fan_out else np.ascontiguousarray(q.T)


@register(INITIALIZERS, "normal")
@dataclass(frozen=True)
class Normal(Initializer):
    """Normal weights of mean 0, zero biases.

    Where the scale is known, such as from a paper. Krizhevsky, Sutskever, Hinton: "ImageNet Classification with Deep
    Convolutional Neural Networks", NeurIPS 2012, section 5, took 0.01.

    Parameters
    ----------
    scale : float, default=0.05
        Standard deviation, above 0.
    """

    scale: float = number(0.05, 0.0, closed="neither")

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        return random_state.normal(0.0, self.scale, (fan_in, fan_out))


@register(INITIALIZERS, "truncated_normal")
@dataclass(frozen=True)
class TruncatedNormal(Initializer):
    """Normal weights of mean 0 among which large ones do not occur, zero biases.

    Drawn by the inverse of the error function. The standard deviation of what is drawn is less than ``scale``:
    0.88 times that for a cut at 2.

    Parameters
    ----------
    scale : float, default=0.05
        Standard deviation before the cut, above 0.
    cut : float, default=2.0
        Largest magnitude, in units of ``scale``, above 0.
    """

    scale: float = number(0.05, 0.0, closed="neither")
    cut: float = number(2.0, 0.0, closed="neither")

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        end = erf(self.cut / math.sqrt(2.0))
        draws = math.sqrt(2.0) * erfinv(random_state.uniform(-end, end, (fan_in, fan_out)))
        return self.scale * np.clip(draws, -self.cut, self.cut)


@register(INITIALIZERS, "uniform")
@dataclass(frozen=True)
class Uniform(Initializer):
    """Uniform weights around 0, zero biases.

    As 'normal', with no draw beyond the bound. Small random weights, to break symmetry: Rumelhart, Hinton, Williams:
    "Learning representations by back-propagating errors", Nature 323, 1986.

    Parameters
    ----------
    bound : float, default=0.05
        Largest magnitude, above 0.
    """

    bound: float = number(0.05, 0.0, closed="neither")

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        # Half of it, doubled: the interval may be longer than the largest number.
        return 2.0 * random_state.uniform(-self.bound / 2.0, self.bound / 2.0, (fan_in, fan_out))


@register(INITIALIZERS, "constant")
@dataclass(frozen=True)
class Constant(Initializer):
    """All weights the same, zero biases. Units of a hidden layer then stay the same.

    With hidden layers, to show why symmetry must be broken; to begin a linear model. Goodfellow, Bengio, Courville:
    "Deep Learning", 2016, section 8.4.

    Parameters
    ----------
    value : float, default=0.1
        The weight.
    """

    value: float = number(0.1)
    breaks_symmetry = False

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        return np.full((fan_in, fan_out), self.value)


@register(INITIALIZERS, "zeros")
@dataclass(frozen=True)
class Zeros(Initializer):
    """Zero weights, zero biases: the start of a perceptron. Units of a hidden layer stay the same.

    For networks without hidden layers, whose loss is convex. Rosenblatt: "The Perceptron", Psychological Review 65,
    1958.
    """

    breaks_symmetry = False

    def weights(self, fan_in: int, fan_out: int, random_state: np.random.RandomState) -> np.ndarray:
        return np.zeros((fan_in, fan_out))


@register(INITIALIZERS, "data_dependent")
@dataclass(frozen=True)
class DataDependent(Initializer):
    r"""Weights of another initialiser, scaled layer by layer so that the z of each unit has variance 1 over the data.

    The variance is that of the training samples, by their weights, or of 512 of them if there are more. A unit whose z
    is the same for all of them keeps its weights. Krähenbühl, Doersch, Donahue, Darrell: "Data-dependent
    Initializations of Convolutional Neural Networks", ICLR 2016, section 3.1; of each unit as here: Holzmüller,
    Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data", NeurIPS 2024.

    Parameters
    ----------
    initializer : str or Initializer, default=LeCunNormal()
        What draws the weights, and biases; only the weights are scaled.
    """

    initializer: Initializer = one_of(
        LeCunNormal(), INITIALIZERS, Initializer, lambda drawn: drawn.breaks_symmetry and not drawn.scales_to_data,
        "an initialiser by which units begin different",
    )  # fmt: skip
    scales_to_data = True

    def draw(
        self, fan_in: int, fan_out: int, activation: Activation, random_state: np.random.RandomState
    ) -> tuple[np.ndarray, np.ndarray]:
        return self.initializer.draw(fan_in, fan_out, activation, random_state)

    def check_dtype(self, dtype: np.dtype) -> None:
        self.initializer.check_dtype(dtype)
