"""Losses of a raw output plus a number that comes with each sample, such as the logarithm of an exposure.

The targets then have one more column, the offset. Predictions need no such loss: the offset is added to raw outputs.
"""

from functools import lru_cache


def with_offset(loss):
    """The form of a loss that adds each sample's offset to its raw outputs.

    Parameters
    ----------
    loss : Loss
        As asked for.

    Returns
    -------
    Loss
        Its targets have the offset as their last column.

    Raises
    ------
    ValueError
        If the loss has no log link.

    Examples
    --------
    >>> from fastnet.ops.losses import Tweedie
    >>> from fastnet.ops.losses.offsets import with_offset
    >>> with_offset(Tweedie(1.2)), with_offset(Tweedie(1.2)).for_prediction()
    (TweedieWithOffset(power=1.2), Tweedie(power=1.2))
    """
    check_offset_link(loss)
    return _form(type(loss))(**loss.get_params())


def check_offset_link(loss):
    """Raise ValueError unless an offset has a meaning for a loss."""
    if loss.out_activation != "exp" or loss.kernel != "elementwise":
        raise ValueError(
            f"offset is added on the scale of a log link, which loss={loss!r} has not: leave offset out, or set "
            "loss='poisson', 'gamma' or 'tweedie'."
        )


@lru_cache
def _form(cls):
    """The form's class, made once of the loss's own: users' losses with a log link have one, too."""

    def check_targets(self, y):
        cls.check_targets(self, y[:, :-1])

    def for_prediction(self):
        return cls(**self.get_params())

    members = {
        "__module__": cls.__module__, "is_form": True, "has_offset": True, "kernel": "offset",
        "check_targets": check_targets, "for_prediction": for_prediction,
    }  # fmt: skip
    return type(f"{cls.__name__}WithOffset", (cls,), members)
