"""Parameters that are one value for all layers, or hold one for each: expanded to one for each."""

from collections.abc import Mapping, Set

from ...ops.activations import ACTIVATIONS, Activation, Identity
from ...ops.numbers import Number, shown
from ...ops.registry import resolve
from .plain import INTEGER, Shown

_UNITS = Number(1, 2**63 - 1, integral=True)
_RATE = Number(0.0, 1.0, closed="left")
_STRENGTH = Number(0.0)


def entries(given):
    """What a sequence holds, as a list; None if it is no sequence of one dimension."""
    if isinstance(given, (str, bytes, bytearray, Mapping, Set)) or getattr(given, "ndim", 1) != 1:
        return None
    try:
        len(given)  # what is read once, such as a generator, is gone at the next fit
        return list(given)
    except Exception:  # whatever an object of a user's raises: it is no sequence
        return None


def per_layer(name, given, n_layers, layer, number):
    """A parameter as a tuple of plain numbers, one a layer.

    Parameters
    ----------
    name : str
        Of the parameter.
    given : float or sequence of float
        Its value.
    n_layers : int
        Number of layers.
    layer : str
        What they are, for messages.
    number : Number
        What each may be.

    Raises
    ------
    ValueError
        If it is neither a number nor holds one for each layer.
    """
    what = f"{name} must be one number, or hold one for each {layer}"
    if number.allows(given):
        return (number.plain(given),) * n_layers
    each = entries(given)
    if each is None:
        raise ValueError(f"{what}, and be {number}: got {shown(given)}.")
    if len(each) != n_layers:
        raise ValueError(f"{what}: got {len(each)} for {n_layers} layer(s).")
    plain = tuple(map(number.plain, each))
    if None in plain:
        raise ValueError(f"Every {name} must be {number}, got {shown(given)}.")
    return plain


def drop_rates(name, given, n_layers, layer):
    """A parameter as a tuple of one probability a layer, () if all are 0; raises ValueError."""
    rates = per_layer(name, given, n_layers, layer, _RATE)
    return rates if any(rates) else ()


def penalties(asked, n_layers):
    """The L1 and the L2 penalty of each layer of weights, two tuples; raises ValueError."""
    alpha = per_layer("alpha", asked.alpha, n_layers, "layer of weights, the output's included", _STRENGTH)
    share = asked.l1_ratio
    return tuple(a * share for a in alpha), tuple(a * (1 - share) for a in alpha)


def rate_factors(given, n_layers):
    """``rate_factors`` as a tuple of one factor a layer of weights, or 'fan_in'; raises ValueError."""
    if isinstance(given, str) and given == "fan_in":
        return given
    return per_layer("rate_factors", given, n_layers, "layer of weights, the output's included", _STRENGTH)


def hidden_units(hidden_layer_sizes):
    """``hidden_layer_sizes`` as a tuple of int; raises ValueError if it is not one."""
    sizes = entries(hidden_layer_sizes)
    if sizes is None:
        sizes = [hidden_layer_sizes]
    units = tuple(map(_UNITS.plain, sizes))
    if None in units:
        are_integers = all(map(INTEGER.allows, sizes))
        must = "> 0" if are_integers else "integers, one for each hidden layer, of at most 64 bits"
        raise ValueError(f"hidden_layer_sizes must be {must}, got {shown(sizes)}.")
    return units


def layer_activations(activation, n_hidden):
    """The activation of each layer of weights: of the hidden layers, and what the output layer is initialised for.

    Parameters
    ----------
    activation : str, Activation, or list or tuple of these
        The estimators' parameter.
    n_hidden : int
        Number of hidden layers.

    Returns
    -------
    tuple of Activation
        ``n_hidden + 1`` of them. The last one is never applied.

    Raises
    ------
    ValueError
        If an entry is no activation, or there is not one for each hidden layer.
    """
    each = None if isinstance(activation, Activation) else entries(activation)
    if each is None:
        return (resolve("activation", activation, ACTIVATIONS, Activation),) * (n_hidden + 1)
    if len(each) != n_hidden:
        raise ValueError(
            f"activation must be one for all, or hold one for each hidden layer: got {len(each)} for {n_hidden} hidden "
            "layer(s)."
        )
    each = [a if isinstance(a, (str, type, Activation)) else Shown(a) for a in each]
    each = [resolve(f"activation[{i}]", a, ACTIVATIONS, Activation) for i, a in enumerate(each)]
    return (*each, each[-1] if each else Identity())
