"""The C functions of the engine: the signature of each, and where it is made.

Each is compiled when it is asked for, once a dtype, and stands alone: the others call it by address, so that nobody
waits for what a fit does not need. The modules that make them bring Numba along; this one does not.
"""

from functools import cache

from ..kernels.compiling.signatures import ADDRESS, DOUBLE, DOUBLES, INDEX, NUMBER, NUMBERS, Signature
from .memory.records import LAYER, NET, PANEL, PLAIN_LAYER

ENGINE = Signature(
    None, net=NET, layers=LAYER, panels=PANEL, thread=INDEX, first=INDEX, last=INDEX, step=INDEX
)  # fmt: skip
PREDICTOR = Signature(None, net=NET, layers=LAYER, thread=INDEX)
FEW_ROWS = Signature(
    None, layers=PLAIN_LAYER, n_layers=INDEX, x=ADDRESS, x_row=INDEX, x_column=INDEX, is_double=INDEX, n_rows=INDEX,
    space=ADDRESS, width=INDEX, link=ADDRESS, link_parameters=ADDRESS, outputs=ADDRESS, wide_link=ADDRESS,
    wide_parameters=ADDRESS, wide=ADDRESS,
)  # fmt: skip

CLIP = Signature(None, g=ADDRESS, n=INDEX, unit=INDEX, shares=DOUBLES, limit=NUMBER, store=ADDRESS)
AFTER_STEP = Signature(
    None, net=NET, layers=LAYER, panels=PANEL, thread=INDEX, numbers=ADDRESS, scale=DOUBLE, step=DOUBLE
)

ADD_NOISE = Signature(
    None, a=NUMBERS, panel_stride=INDEX, columns=INDEX, count=INDEX, seed=INDEX, step=INDEX, row=INDEX,
    deviation=NUMBER,
)  # fmt: skip
DROP_PANEL = Signature(
    None, a=ADDRESS, count=INDEX, column=INDEX, seed=INDEX, step=INDEX, layer=INDEX, row=INDEX, threshold=INDEX,
    scale=NUMBER,
)  # fmt: skip
MASK_WEIGHTS = Signature(
    None, w=ADDRESS, rows=INDEX, width=INDEX, k=INDEX, column=INDEX, seed=INDEX, step=INDEX, layer=INDEX,
    threshold=INDEX, scale=NUMBER,
)  # fmt: skip
DROP_WEIGHTS = Signature(INDEX, net=NET, layers=LAYER, thread=INDEX, step=INDEX, arrivals=INDEX)

EXPAND_FEATURES = Signature(None, net=NET, layers=LAYER, first=INDEX, count=INDEX)
UPDATE_FEATURES = Signature(
    None, net=NET, thread=INDEX, numbers=ADDRESS, count=INDEX, is_first=INDEX, is_last=INDEX
)  # fmt: skip

ROWS = Signature(
    None, z=NUMBERS, panel_stride=INDEX, count=INDEX, n=INDEX, gain=NUMBERS, shift=NUMBERS, normalized=NUMBERS,
    scales=NUMBERS, is_centred=INDEX,
)  # fmt: skip
ROWS_BACK = Signature(
    None, delta=NUMBERS, panel_stride=INDEX, count=INDEX, n=INDEX, gain=NUMBERS, normalized=NUMBERS, scales=NUMBERS,
    shift_terms=NUMBERS, gain_terms=NUMBERS, is_centred=INDEX,
)  # fmt: skip
COLUMNS = Signature(None, net=NET, layers=LAYER, number=INDEX, thread=INDEX, count=INDEX, step=DOUBLE)
LARGEST_COLUMNS = Signature(None, a=NUMBERS, n_rows=INDEX, n_columns=INDEX, found=ADDRESS)
MULTIPLY_ADDS = Signature(None, count=INDEX, total=DOUBLES)

_RECORDS = {"net": NET, "layer": LAYER}  # of the net and of its first layer
SPREAD_ENTRIES = Signature(None, **_RECORDS, fan_in=INDEX, row=INDEX, target=ADDRESS)
GATHER_ENTRIES = Signature(
    None, **_RECORDS, begin=INDEX, first=INDEX, last=INDEX, at=INDEX, step=INDEX, shift=INDEX
)  # fmt: skip
MULTIPLY_ENTRIES = Signature(None, **_RECORDS, first=INDEX, count=INDEX, n_tiles=INDEX)
TRANSPOSE_ENTRIES = Signature(INDEX, **_RECORDS, count=INDEX, low=INDEX, high=INDEX)
GRADIENT_OF_ENTRIES = Signature(
    None, **_RECORDS, k0=INDEX, k_rows=INDEX, width=INDEX, low=INDEX, base=INDEX, d=ADDRESS, g=ADDRESS
)  # fmt: skip

# Of each name: the signature, and the function of this package that makes it.
FUNCTIONS = {
    "engine": (ENGINE, "phases.batch:make_engine"),
    "predictor": (PREDICTOR, "phases.forward:make_predictor"),
    "few_rows": (FEW_ROWS, "phases.few_rows:make_few_rows"),
    "clip": (CLIP, "passes.after_step:make_clip"),
    "after_step": (AFTER_STEP, "passes.after_step:make_after_step"),
    "expand_features": (EXPAND_FEATURES, "phases.features:make_expand_features"),
    "update_features": (UPDATE_FEATURES, "phases.features:make_update_features"),
    "input_noise": (ADD_NOISE, "passes.noise:make_input_noise"),
    "drop_panel": (DROP_PANEL, "passes.noise:make_drop_panel"),
    "mask_weights": (MASK_WEIGHTS, "passes.noise:make_mask_weights"),
    "drop_connect": (DROP_WEIGHTS, "passes.noise:make_drop_connect"),
    "normalize_rows": (ROWS, "passes.normalize:make_rows"),
    "normalize_rows_back": (ROWS_BACK, "passes.normalize:make_rows_back"),
    "normalize_columns": (COLUMNS, "passes.normalize:make_columns"),
    "normalize_columns_back": (COLUMNS, "passes.normalize:make_columns_back"),
    "spread_entries": (SPREAD_ENTRIES, "passes.sparse:make_spread"),
    "gather_entries": (GATHER_ENTRIES, "passes.sparse:make_gather"),
    "multiply_entries": (MULTIPLY_ENTRIES, "passes.sparse:make_multiply"),
    "transpose_entries": (TRANSPOSE_ENTRIES, "passes.sparse:make_transpose"),
    "gradient_of_entries": (GRADIENT_OF_ENTRIES, "passes.sparse:make_gradient"),
    "largest_columns": (LARGEST_COLUMNS, "passes.largest:make_largest_columns"),
    "multiply_adds": (MULTIPLY_ADDS, "passes.multiply_adds:make_multiply_adds"),
}


@cache
def address(name, dtype):
    """Address of a function of the engine."""
    signature, maker = FUNCTIONS[name]
    return signature.compile(f"{__package__}.{maker}", (name,), dtype)


@cache
def from_python(name, dtype):
    """The same for Python to call: it takes pointers as addresses, and runs without the GIL."""
    return FUNCTIONS[name][0].function(address(name, dtype), dtype)
