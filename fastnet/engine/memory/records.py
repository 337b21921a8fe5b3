"""What the engine reads: plain records of addresses, strides and numbers.

Configuration is data, never a type: depth, widths, ops, penalties and input format stand here, and the engine
is compiled once per computation dtype. Addresses are bytes, strides are elements.
"""

import numpy as np

from ...network.layers import BIAS, TRAINED_VECTORS, UNIT_VECTORS

_I, _F = np.int64, np.float64

# Terms whose sums over the rows are the gradients of units' vectors: `UnitVector.terms`.
N_TERMS = 1 + max(vector.terms for vector in TRAINED_VECTORS)


def vector_field(vector, layer):
    """The field of LAYER and PLAIN_LAYER that holds the address of a layer's vector."""
    if vector is BIAS:
        return "shift" if layer.normalization else "start"
    return vector.name


def _record(**fields):
    return np.dtype([(name, kind) for name, kind in fields.items()])


def _addresses_of(vectors):
    """A field for each of the vectors that has its name, as `vector_field` says."""
    return {vector.name: _I for vector in vectors if vector is not BIAS}


# What the net is. Written by `tables.py`.
SHAPE = _record(
    n_layers=_I,
    n_matrices=_I,  # records of layers: one a layer of weights, then the projections
    segment_layers=_I,  # through which rows go before all meet: all, but with batch normalisation one
    n_frozen=_I,  # layers, from the first on, that are not trained
    n_panels=_I,  # panels of all trained layers together
    n_terms=_I,  # of which a layer may have gradients of vectors: those of biases, or more
    total_cost=_I,  # of all panels, to share them out
)

# Who runs it. Written by `team.py`.
TEAM = _record(
    n_threads=_I,
    sync=_I,
    yield_function=_I,
)

# What is trained on, or predicted. Written by `samples.py`.
SAMPLES = _record(
    n_samples=_I,  # in the epoch's order
    order=_I,  # int64 row numbers, or 0 for 0, 1, 2 …
    fetch_rows=_I,  # so many rows ahead a row's first bytes are asked for
    fetch_bytes=_I,
    x=_I,
    x_row=_I,  # bytes
    x_column=_I,  # bytes
    x_kind=_I,  # bit 0: float64; bit 1: CSR; bit 2: 64-bit indices
    x_indices=_I,
    x_indptr=_I,
    targets=_I,
    target_width=_I,
    sample_weight=_I,  # or 0
)

# The memory of a chunk of rows. Written by `workspace.py`.
WORKSPACE = _record(
    chunk_rows=_I,  # rows of the workspace; larger batches run in chunks
    thread_rows=_I,  # forward only: rows of the workspace that are one thread's own
    panel_stride=_I,  # from panel to panel of activations and deltas
    block_tiles=_I,  # row tiles taken through a layer before the next layer
    stretch=_I,  # of a panel of weights: rows that stay in L1 while row tiles pass them; whole panels
    slab=_I,  # of a product: terms that are added, for all of its columns, before the next ones; whole stretches
    section=_I,  # of a weight's gradient: samples that stay in L1 while a run of weights takes their terms
    run_blocks=_I,  # blocks of weights that are updated in one go
    batch_targets=_I,
    target_row=_I,  # stride of the targets
    batch_weights=_I,
    row_losses=_I,  # double
    scratch=_I,
    scratch_size=_I,  # elements a thread
    zeros=_I,  # a panel's width of zeros
    errors=_I,  # panels: the loss's derivative by the output of the layer with an identity skip that comes next
    loss_delta=_I,  # the loss writes its rows here; the last layer's delta itself if that is one panel
    entry_columns=_I,  # the chunk's non-zeros by rows, int32, or 0: X is made dense
    entry_values=_I,
    entry_spans=_I,  # int64: begin and end of each workspace row's entries
    entry_capacity=_I,  # forward only: entries that are one thread's own
    column_rows=_I,  # the same by columns: workspace rows, int32
    column_values=_I,
    column_ends=_I,  # int32
)

# What training changes. Written by `state.py`.
STATE = _record(
    flat=_I,
    states=(_I, 4),
    n_states=_I,
    gradient=_I,  # or 0: chunks of a batch add up here; in double if there is no update
    average=_I,  # or 0: of the weights
    average_start=_I,  # steps before the average began
)

# What happens to raw outputs. Written by `tables.py` and `predict.py`.
HEAD = _record(
    training=_I,  # 0: forward only, into `outputs`
    loss=_I,
    loss_parameters=_I,
    link=_I,  # or 0
    outputs=_I,
    wide=_I,  # or 0: outputs are written as doubles by way of this workspace
    wide_size=_I,  # of it, doubles a thread
    wide_link=_I,  # or 0: of doubles, instead of `link`
    wide_parameters=_I,
    check_inputs=_I,  # forward only, of dense X: whether `not_finite` shall tell of numbers that were met
)

# What a mini-batch is, and what its gradient does. Written by `steps.py` and `session.py`.
STEPS = _record(
    batch_size=_I,
    chunks=_I,  # of a batch
    rates=_I,  # double, one a batch
    decays=_I,  # likewise: factors of the decoupled weight decay
    prepare=_I,
    update=_I,  # 0: only store the gradient
    optimizer_parameters=_I,
    groups=_I,  # double, two a group of parameters: factors of the rate and of the decay
    n_groups=_I,
    fetch_ahead=_I,  # whether weights and state outgrow L2
    has_penalty=_I,  # of any layer
    penalties=_I,  # double, one a block of weights
    n_penalties=_I,
    clip=_I,  # or 0; this and the next: `after_step.py`
    after_step=_I,  # or 0
    is_deferred=_I,  # whether `after_step` takes the step
    shares=_I,  # or 0: double, two a block of weights and a panel's vector: of the gradient's norm
    n_shares=_I,
    clip_value=_F,  # or infinite
    clip_norm=_F,  # or infinite
    max_norm=_F,  # or 0
    decay=_F,  # of the average
    seed=_I,
)

# Functions that only some fits need, or 0. Written by those who make them: `noise.py` and `sparse.py`.
PASSES = _record(
    input_noise=_I,
    noise_deviation=_F,
    drop_panel=_I,
    drop_connect=_I,
    mask_weights=_I,
    spread_entries=_I,
    gather_entries=_I,
    multiply_entries=_I,
    transpose_entries=_I,
    gradient_of_entries=_I,
)

# The feature layer, if there is one. Written by `features.py`.
FEATURE_LAYER = _record(
    n_inputs=_I,  # columns of X
    inputs=_I,  # panels of them
    expanded=_I,  # panels of the outputs before the scale, or 0
    delta=_I,  # panels, or 0 if nothing of it is trained
    columns=_I,  # records of FEATURE
    n_columns=_I,
    total_cost=_I,  # of all columns, to share them out
    scratch=_I,
    scratch_size=_I,  # elements a thread
    first_share=_I,  # of the gradient's norm: two a column, of its numbers and of its outputs' scales
    expand=_I,  # functions, or 0
    update=_I,
)

# What mini-batches and predictions leave. Written by the engine; `Session` begins it anew for each epoch.
RESULTS = _record(
    step=_I,  # optimizer steps taken
    loss_sum=_F,
    penalty_sum=_F,
    rows_done=_I,
    norm_sum=_F,
    largest_norm=_F,
    n_clipped=_I,
    n_measured=_I,  # batches whose norm was taken
    not_finite=_I,  # whether an input is nan, or infinite in the computation dtype
)

# All of it; the addresses of this record and of the first of others are for functions called by address.
NET = _record(
    address=_I,
    first_layer=_I,
    first_panel=_I,
    shape=SHAPE,
    team=TEAM,
    samples=SAMPLES,
    workspace=WORKSPACE,
    state=STATE,
    head=HEAD,
    steps=STEPS,
    passes=PASSES,
    features=FEATURE_LAYER,
    results=RESULTS,
)

# One layer: weights, the activations it reads and writes, and its ops.
LAYER = _record(
    fan_in=_I,
    fan_out=_I,
    n_panels=_I,
    padded_in=_I,
    last_width=_I,
    weights=_I,
    start=_I,  # what the sums over inputs begin with: the biases, or zeros if those come after a normalisation
    start_panel=_I,  # elements from panel to panel of it
    twin=_I,  # or 0
    twin_panels=_I,
    twin_rows=_I,  # padded rows of a panel of the twin
    twin_last_width=_I,
    input=_I,
    output=_I,
    output_row=_I,  # strides of the output: those of panels, but the last layer's is row-major
    output_panel=_I,
    delta=_I,
    z=_I,  # or 0: a copy of z is kept here
    raw=_I,  # or 0: the activation before dropout and skip is kept here
    derivative=_I,  # or 0: the activation's derivative is kept here
    source=_I,  # what the derivative reads
    activate=_I,  # or 0
    derive=_I,
    parameters=_I,
    drop_threshold=_I,  # of 2**32, for the layer's inputs; 0 keeps all
    drop_scale=_F,
    all_weights=_I,  # those that are trained; `weights` is a masked copy if some are dropped
    connect_threshold=_I,  # of 2**32, for the weights; 0 keeps all
    connect_scale=_F,
    l1=_F,  # penalties of the weights, before they are divided by the batch's weight sum
    l2=_F,
    residual=_I,  # whether the input is added to the output
    projection=_I,  # or the record, after those of all layers, of the matrix through which it is added; 0 for none
    is_projection=_I,
    terms=(_I, N_TERMS),  # panels; the gradients of the units' vectors are sums over their rows
    # normalisation (normalize.py): functions, or 0
    normalize=_I,
    normalize_back=_I,
    is_centred=_I,
    shift=_I,
    normalized=_I,  # panels, or 0
    scales=_I,  # 1 / standard deviation, one a row, or one a unit of batch normalisation
    **_addresses_of(UNIT_VECTORS.values()),  # learnt slope, gain, running mean and variance
)

# One panel of weights, as the update shares them out.
PANEL = _record(
    layer=_I,
    column=_I,  # first column
    width=_I,
    offset=_I,  # elements into the flat vector
    group=_I,  # of parameters
    vectors=(_I, N_TERMS),  # offsets of the units' vectors, as `terms`; -1 if there are none or they are not trained
    vector_groups=(_I, N_TERMS),
    cost=_I,  # of all panels before it
    first_penalty=_I,
)

# One column of the inputs on its way through the feature layer. Written by `features.py`.
FEATURE = _record(
    column=_I,  # of X
    output=_I,  # the first
    n_outputs=_I,
    offset=_I,  # of its numbers, elements into the flat vector
    n_trained=_I,  # of them; of a table, a row
    size=_I,  # what its formulas get
    group=_I,  # of parameters
    scale=_I,  # offset of its outputs' scales, or -1
    scale_group=_I,
    cost=_I,  # of all columns before it
    expand=_I,  # functions, or 0
    reduce=_I,
    # of a table whose rows take steps in mini-batches that have their level
    is_lazy=_I,
    slots=_I,  # of each level its place among those of the mini-batch, or -1
    touched=_I,  # the levels of the mini-batch, in the order in which they came
    n_touched=_I,
    gradients=_I,  # a row for each of them
)

# One layer of a fitted model whose weights are read where they are.
PLAIN_LAYER = _record(
    fan_in=_I,
    fan_out=_I,
    weights=_I,  # row-major
    start=_I,
    activate=_I,  # or 0
    parameters=_I,
    residual=_I,
    projection=_I,  # row-major, or 0
    normalize=_I,  # or 0
    is_centred=_I,
    shift=_I,
    **_addresses_of(TRAINED_VECTORS),  # learnt slope, gain
)

IS_DOUBLE, IS_CSR, WIDE_INDICES = 1, 2, 4
