"""The C signatures of row kernels: what `rows.py` makes and the engine calls.

T is the computation dtype.

===================  ===========================================================================
ACTIVATE             ``a = g(z)`` of n contiguous numbers; z may be a itself: each is read before it is written
ACTIVATE_AND_DERIVE  the same in place, with g' beside it where it is of the input z, and the derivative by what units
                     learn, if they do
DERIVE               ``delta *= g'(x)``; x is g' itself if that was kept
LOSS                 a tile of rows of ``padded`` numbers, ``stride`` apart (those of y `target_stride`): each
                     row's weighted loss and ``delta = scale * weight * gradient``, zero in the
                     padding; y may be used up
LINK                 raw outputs to predictions
PREPARE              once a group of parameters and mini-batch: eight numbers, the last times ``decay``
UPDATE               n parameters, with the eight numbers of their group
EXPAND               a strip of STRIP rows of a column to ``n_outputs`` strips; ``p`` are the column's numbers
REDUCE               adds a strip's part of the gradient by the column's numbers to ``g``
===================  ===========================================================================
"""

from ...kernels.compiling.signatures import DOUBLE, DOUBLES, INDEX, NUMBER, NUMBERS, Signature

# Numbers that an op's formulas get as parameters, and that an optimizer's `prepare` gives its `update`.
N_PARAMETERS, N_NUMBERS = 4, 8
# Rows of a column that a feature layer takes together.
STRIP = 64

# `units`: one number for each unit of a panel, where units learn one; else it is not read.
ACTIVATE = Signature(None, a=NUMBERS, z=NUMBERS, n=INDEX, p=NUMBERS, units=NUMBERS)
ACTIVATE_AND_DERIVE = Signature(
    None, a=NUMBERS, derivatives=NUMBERS, by_parameter=NUMBERS, n=INDEX, p=NUMBERS, units=NUMBERS
)
DERIVE = Signature(None, delta=NUMBERS, x=NUMBERS, n=INDEX, p=NUMBERS)
LOSS = Signature(
    None, z=NUMBERS, y=NUMBERS, weight=NUMBERS, delta=NUMBERS, stride=INDEX, rows=INDEX, n=INDEX, padded=INDEX,
    scale=NUMBER, p=NUMBERS, values=DOUBLES,
)  # fmt: skip
LINK = Signature(None, z=NUMBERS, stride=INDEX, rows=INDEX, n=INDEX, p=NUMBERS)
PREPARE = Signature(None, step=DOUBLE, rate=DOUBLE, decay=DOUBLE, p=DOUBLES, numbers=NUMBERS)
UPDATE = Signature(
    None, w=NUMBERS, g=NUMBERS, s0=NUMBERS, s1=NUMBERS, s2=NUMBERS, s3=NUMBERS, n=INDEX, numbers=NUMBERS, l1=NUMBER
)
EXPAND = Signature(None, outputs=NUMBERS, x=NUMBERS, p=NUMBERS, size=INDEX, n_outputs=INDEX)
REDUCE = Signature(None, g=NUMBERS, x=NUMBERS, delta=NUMBERS, p=NUMBERS, size=INDEX, n_outputs=INDEX)


def target_stride(loss, stride, panel):
    """How far apart rows of targets are, where rows of raw outputs are ``stride`` apart.

    A class index is one number a row; an offset needs a place behind targets that may fill their panels.
    """
    if loss.class_index_target:
        return 1
    return stride + (panel if loss.has_offset else 0)
