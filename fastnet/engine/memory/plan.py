"""How a fit is laid out: records of panels, loop order, what is fetched ahead, number of threads."""

import numpy as np
from scipy.sparse import issparse

from ...kernels.memory import aligned_zeros
from ...kernels.threads.team import allowed_threads
from ...network.layers import UNIT_VECTORS
from .records import N_TERMS, PANEL

# The samples of a mini-batch lie anywhere in X. Their first bytes are asked for a batch ahead if L2 holds as much:
# asked for at once, they would also come at once.
FETCH_ROW_BYTES, FETCH_BYTES = 1 << 10, 64 << 10
# Weights times rows above which a second thread may pay: for a mini-batch, and in each thread's part of a prediction.
BATCH_PRODUCTS, PREDICTION_PRODUCTS = 50_000, 25_000_000


def panel_records(architecture, layout, tile, sparse=False):
    """Records of all panels of weights that are trained, with the running cost that shares them out among threads.

    The first layer's panels cost nothing if the input is sparse: they are shared out by columns of the input.

    Returns
    -------
    records : ndarray of PANEL
    cost : int
        Of all panels.
    """
    records = []
    cost = penalty = 0
    groups, starts = architecture.groups, np.full((architecture.n_layers, N_TERMS), -1)  # of vectors that are trained
    vector_groups = np.zeros_like(starts)
    for (name, layer), is_trained in zip(architecture.vectors(), architecture.trained()[1], strict=False):
        vector = UNIT_VECTORS[name]
        if is_trained and vector.terms is not None:
            starts[layer, vector.terms] = layout.offset(name, layer)
            vector_groups[layer, vector.terms] = groups.index(vector.group(architecture.layers[layer]))
    for number, (layer, weights) in enumerate(zip(architecture.matrix_layers(), layout.matrices, strict=True)):
        if not architecture.layers[layer].is_trained:
            continue
        group = groups.index(architecture.layers[layer].group)
        n_blocks = -(-weights.rows // tile.block)
        of_layer = starts[layer] if number < architecture.n_layers else np.full(N_TERMS, -1)
        for p in range(weights.n_panels):
            width = tile.panel if p < weights.n_panels - 1 else weights.last_width
            column = p * tile.panel
            offset = weights.offset + column * weights.padded_rows
            places = np.where(of_layer < 0, -1, of_layer + column)
            records.append((number, column, width, offset, group, places, vector_groups[layer], cost, penalty))
            cost += 0 if sparse and layer == 0 else n_blocks * tile.block * width
            penalty += n_blocks
    table = aligned_zeros(len(records), PANEL)
    table[:] = records
    return table, cost


def penalty_count(layout, tile):
    """Number of blocks of weights, each of which leaves its share of the penalty."""
    return sum(weights.n_panels * -(-weights.rows // tile.block) for weights in layout.matrices)


def rows_ahead(X, batch_size):
    """How far ahead rows of X are asked for, and how many bytes of each: 0 if they do not lie together."""
    n_bytes = X.shape[1] * X.dtype.itemsize
    if issparse(X) or X.strides[1] != X.dtype.itemsize:
        return 0, 0
    n_bytes = min(-(-n_bytes // 64) * 64, FETCH_ROW_BYTES)
    return min(batch_size, max(8, FETCH_BYTES // n_bytes)), n_bytes


def slow_seconds(architecture, rows):
    """Seconds that a slow machine takes for a chunk of rows: a guess until one has been timed."""
    return 20e-6 + 6 * architecture.n_weights * rows / 20e9


def choose_threads(architecture, n_rows, n_jobs, training=True):
    """Threads wanted for a mini-batch, or for a prediction.

    Parameters
    ----------
    architecture : Architecture
        The net.
    n_rows : int
        Rows of the mini-batch, or to predict.
    n_jobs : int or None
        The user's wish; -1 for all cores, -2 for all but one; None for what pays off.
    training : bool, default=True
        Whether it is a mini-batch.

    Returns
    -------
    int
        At least 1.
    """
    allowed = allowed_threads()
    wanted = allowed if n_jobs is None else max(1, allowed + 1 + n_jobs if n_jobs < 0 else n_jobs)
    products = architecture.n_weights * n_rows
    if not training:
        # Threads are started for each prediction: they must be worth that.
        return min(wanted, max(1, products // PREDICTION_PRODUCTS))
    # A barrier and a share of the weights must be worth it.
    return 1 if n_jobs is None and products <= BATCH_PRODUCTS else wanted
