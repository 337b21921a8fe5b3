"""The losses and scores of several networks that were trained one after the other."""

from dataclasses import dataclass

import numpy as np

from ..training.history import History


def mean_curve(curves):
    """The mean of curves that may end early, epoch by epoch, over those that have the epoch; None if there are none."""
    if any(curve is None for curve in curves):
        return None
    longest = max(map(len, curves))
    return [float(np.mean([curve[i] for curve in curves if i < len(curve)])) for i in range(longest)]


@dataclass(frozen=True, repr=False)
class MembersHistory:
    """Losses and scores of several networks, epoch by epoch: the fitted attribute ``history_``.

    ``history["loss"]`` is a list with the mean over the networks for each epoch, over those that have the epoch;
    ``members`` has each network's own.

    Attributes
    ----------
    members : list of History
        One for each network.
    """

    members: list[History]

    @property
    def epochs(self):
        """The means over the networks, by the names of the columns."""
        columns = {name: None for member in self.members for name in member.epochs}
        return {name: self[name] for name in columns}

    def __getitem__(self, column):
        return mean_curve([member[column] for member in self.members])

    def __len__(self):
        return max(map(len, self.members))

    def __repr__(self):
        return f"History of {len(self.members)} networks, up to {len(self)} epochs: {', '.join(self.epochs)}"

    def to_frame(self):
        """The columns as a frame, with a row for each epoch of each network.

        Returns
        -------
        pandas.DataFrame
            Its index has two levels, 'member', which counts from 0 as ``estimators_`` does, and 'epoch' from 1.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        frames = [member.to_frame() for member in self.members]
        import pandas as pd

        return pd.concat(frames, keys=range(len(frames)), names=["member"])
