"""The cross-entropy of several columns of classes: the form that `LogLoss` takes for them."""

from dataclasses import dataclass

from .classification import LogLoss


@dataclass(frozen=True)
class ColumnsLogLoss(LogLoss):
    """Sum of the cross-entropies of several columns, each with a softmax of outputs of its own.

    The target of a column is the index of a class among those of the column.

    Parameters
    ----------
    label_smoothing, focal_gamma : float, default=0.0
        As those of `LogLoss`.
    sizes : tuple of int
        Number of classes of each column; their outputs lie side by side.
    """

    sizes: tuple = ()
    class_index_target = False
    is_form = True

    @property
    def kernel(self) -> str:
        return "columns"

    @property
    def values(self) -> tuple[float, ...]:
        return float(self.label_smoothing), float(self.focal_gamma)

    @property
    def table(self):
        return len(self.sizes), *self.sizes


def columns_loss(loss, sizes):
    """The loss to train with on several columns of classes.

    Parameters
    ----------
    loss : Loss
        As asked for.
    sizes : sequence of int
        Number of classes of each column.

    Returns
    -------
    ColumnsLogLoss

    Raises
    ------
    ValueError
        If the loss has no form for several columns.
    """
    if type(loss) is not LogLoss:
        raise ValueError(
            f"loss={loss!r} is a loss of one column of classes or of labels that are there or not, but y has "
            f"{len(sizes)} columns of classes: use loss='log_loss', or MultiOutputClassifier of scikit-learn."
        )
    return ColumnsLogLoss(loss.label_smoothing, loss.focal_gamma, tuple(int(n) for n in sizes))
