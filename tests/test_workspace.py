"""The memory of a chunk of rows: counted from the same table that it is allocated by."""

import numpy as np
import pytest

from fastnet.engine.memory import workspace
from fastnet.kernels.host import tile
from fastnet.kernels.memory import allocated_by
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES


@pytest.mark.parametrize("dtype", [np.dtype(np.float32), np.dtype(np.float64)])
@pytest.mark.parametrize("normalization", [None, "layer"])
@pytest.mark.parametrize("residual", [False, True, "projection"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("activation", ["relu", "gelu", "prelu"])
@pytest.mark.parametrize("units", [(100, 200, 200, 150, 3), (5, 64, 64, 64, 300), (400, 2)])
def test_a_chunk_takes_no_more_than_the_bound(units, activation, dropout, residual, normalization, dtype, monkeypatch):
    n_hidden, shape = len(units) - 2, tile(dtype)
    architecture = Architecture(
        units, (ACTIVATIONS[activation],) * n_hidden, LOSSES["squared_error"], (dropout,) * n_hidden,
        residual=residual, normalization=normalization,
    )  # fmt: skip
    bound = 1 << 20
    monkeypatch.setattr(workspace, "MAX_WORKSPACE_BYTES", bound)
    sizes = []

    def counted(n_bytes):
        sizes.append(n_bytes)
        return np.zeros(n_bytes, np.uint8)

    with allocated_by(counted):
        space = workspace.Workspace(architecture, shape, dtype, 4096, True)
    # Panels of each array may begin a little apart, and what has one number a row or a unit is not counted.
    slack = 2 * shape.rows * sum(space.widths) * dtype.itemsize * 10
    assert bound // 2 < sum(sizes) < bound + slack
