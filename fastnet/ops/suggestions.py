"""What was probably meant by a name that is none: other libraries' words, other spellings, slips of the keyboard."""

from difflib import get_close_matches
from types import BuiltinFunctionType, FunctionType

# Of each parameter the names that PyTorch, Keras, skorch, XGBoost and textbooks have; keys as `_key` makes them.
_ACTIVATIONS = {
    "sigmoid": "logistic", "logsigmoid": "logistic", "linear": "identity", "none": "identity", "swish": "silu",
    "hardswish": "silu", "leaky": "leaky_relu", "lrelu": "leaky_relu", "rectifier": "relu", "relu6": "relu",
    "sin": "sine", "snake": "sine", "hardtan": "hard_tanh", "softrelu": "softplus", "geluapprox": "gelu",
}  # fmt: skip
_LOSSES = {
    "mse": "squared_error", "mseloss": "squared_error", "meansquarederror": "squared_error", "l2": "squared_error",
    "squaredloss": "squared_error", "rmse": "squared_error", "regsquarederror": "squared_error",
    "mae": "absolute_error", "l1": "absolute_error", "l1loss": "absolute_error",
    "meanabsoluteerror": "absolute_error", "smoothl1": "huber", "smoothl1loss": "huber", "huberloss": "huber",
    "pinball": "quantile", "poissonnllloss": "poisson", "countpoisson": "poisson",
    "gaussiannllloss": "gaussian_nll", "normal": "gaussian_nll", "crossentropy": "log_loss",
    "crossentropyloss": "log_loss", "categoricalcrossentropy": "log_loss", "sparsecategoricalcrossentropy": "log_loss",
    "binarycrossentropy": "log_loss", "bce": "log_loss", "bceloss": "log_loss", "bcewithlogitsloss": "log_loss",
    "bcewithlogits": "log_loss", "nll": "log_loss", "nllloss": "log_loss", "logistic": "log_loss",
    "binarylogistic": "log_loss", "multisoftmax": "log_loss", "multisoftprob": "log_loss", "deviance": "log_loss",
    "softmax": "log_loss", "ce": "log_loss", "hingeloss": "hinge",
}  # fmt: skip
_SOLVERS = {
    "bfgs": "lbfgs", "lbfgsb": "lbfgs", "momentum": "sgd", "nesterov": "sgd", "nag": "sgd",
    "gd": "sgd", "gradientdescent": "sgd", "asgd": "schedule_free_adamw", "schedulefree": "schedule_free_adamw",
}  # fmt: skip
_INITIALIZERS = {
    "xavier": "glorot_uniform", "xavieruniform": "glorot_uniform", "glorot": "glorot_uniform",
    "xaviernormal": "glorot_normal", "he": "he_normal", "kaiming": "he_normal", "kaimingnormal": "he_normal",
    "kaiminguniform": "he_uniform", "lecun": "lecun_normal", "gaussian": "normal", "randomnormal": "normal",
    "randomuniform": "uniform", "zero": "zeros",
}  # fmt: skip
_SCHEDULES = {
    "cosineannealing": "cosine", "cosineannealinglr": "cosine", "cosinedecay": "cosine", "onecyclelr": "one_cycle",
    "1cycle": "one_cycle", "steplr": "step", "exponentiallr": "exponential", "reducelronplateau": "reduce_on_plateau",
    "plateau": "reduce_on_plateau", "fixed": "constant", "coslog": "multi_cosine",
}  # fmt: skip
_NORMALIZATIONS = {
    "batchnorm": "batch", "bn": "batch", "batchnormalization": "batch", "batchnorm1d": "batch", "layernorm": "layer",
    "ln": "layer", "layernormalization": "layer", "rmsnorm": "rms",
}  # fmt: skip
_DTYPES = {"float": "float32", "double": "float64", "single": "float32", "f4": "float32", "f8": "float64"}
ALIASES = {
    "activation": _ACTIVATIONS,
    "loss": _LOSSES,
    "solver": _SOLVERS,
    "init": _INITIALIZERS,
    "output_init": _INITIALIZERS,
    "learning_rate": _SCHEDULES,
    "dropout_schedule": _SCHEDULES,
    "decay_schedule": _SCHEDULES,
    "normalization": _NORMALIZATIONS,
    "dtype": _DTYPES,
}


def suggested_name(parameter, value, names, base=None):
    """What to write instead of a value that a parameter does not take, as a sentence that begins with a space.

    Parameters
    ----------
    parameter : str
        Its name; an index in brackets behind it does not count.
    value : object
        A name; or a class, a function or an object of another library, which is known by its own name.
    names : iterable of str
        Names that the parameter takes.
    base : type, default=None
        Of the objects that it takes.

    Returns
    -------
    str
        '' if nothing is like it.

    Examples
    --------
    >>> from fastnet.ops.suggestions import suggested_name
    >>> suggested_name("activation", "sigmoid", ["logistic", "relu"])
    " Did you mean 'logistic'?"
    >>> suggested_name("activation", "rleu", ["logistic", "relu"])
    " Did you mean 'relu'?"
    """
    if base is not None and isinstance(value, type) and issubclass(value, base):
        return f" It must be an object, not its class: write {value.__name__}()."
    name = value
    if not isinstance(value, str):
        name = value.__name__ if isinstance(value, (type, FunctionType, BuiltinFunctionType)) else type(value).__name__
    found = close_name(name, names, ALIASES.get(parameter.partition("[")[0], {}), isinstance(value, str))
    return "" if found is None else f" Did you mean {found!r}?"


def close_name(name, names, aliases, allows_slips=True):
    """The one of some names that another one stands for, or is a slip of; None if there is none."""
    by_key, key = {_key(one): one for one in names}, _key(name)
    if key in by_key:
        return by_key[key]
    if aliases.get(key) in by_key.values():
        return aliases[key]
    if not allows_slips:
        return None
    # A slip is one letter in four at most: anything looser guesses.
    close = get_close_matches(
        key, [*by_key, *(alias for alias in aliases if aliases[alias] in by_key.values())], 1, 0.75
    )
    return by_key.get(close[0], aliases.get(close[0])) if close else None


def _key(name):
    """A name without case, blanks and signs between words."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
