"""Layout, pace and validation splits for whatever Hypothesis thinks of."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from fastnet.engine.pace import Pace
from fastnet.kernels.host import tile
from fastnet.network.architecture import Architecture
from fastnet.network.layout import Layout, Panels, round_up
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.training.splits import split_last, split_rows

generated = settings(max_examples=60, deadline=None, derandomize=True, database=None)
SIZES = st.integers(1, 70)


# ---- panels -------------------------------------------------------------------------------------------


@generated
@given(SIZES, SIZES, st.sampled_from([1, 2, 4, 8, 16]), st.integers(1, 8), st.integers(0, 40), st.integers(0, 40))
def test_a_packed_matrix_comes_back_and_padding_and_surroundings_stay(rows, columns, lanes, tile_rows, before, after):
    panels = Panels(rows, columns, round_up(rows, tile_rows), 2 * lanes, lanes, before)
    assert rows * columns <= panels.size
    matrix = 1.0 + np.arange(rows * columns).reshape(rows, columns)
    flat = np.zeros(before + panels.size + after)
    flat[:before] = flat[before + panels.size :] = -1
    panels.pack(flat, matrix)
    assert_array_equal(panels.unpack(flat), matrix)
    assert (flat[:before] == -1).all() and (flat[before + panels.size :] == -1).all()
    # each number stands once, and everything else is zero
    packed = flat[before : before + panels.size]
    assert_array_equal(np.sort(packed[packed != 0]), matrix.ravel())
    # where the kernels look for it: panel by panel, row by row
    for row, column in ((0, 0), (rows - 1, columns - 1), (rows // 2, columns // 2)):
        panel, within = divmod(column, 2 * lanes)
        width = panels.last_width if panel == panels.n_panels - 1 else 2 * lanes
        assert packed[panel * panels.padded_rows * 2 * lanes + row * width + within] == matrix[row, column]


HIDDEN = st.lists(st.tuples(st.integers(1, 40), st.sampled_from(sorted(ACTIVATIONS))), max_size=3)
# whatever is drawn, here is every activation
EVERY = [(1 + 7 * i % 40, name) for i, name in enumerate(ACTIVATIONS)]


@generated
@given(
    SIZES, HIDDEN, SIZES, st.sampled_from([None, "batch", "layer", "rms"]),
    st.sampled_from([False, True, "projection"]), st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
@example(9, EVERY, 3, "batch", "projection", np.float32)
@example(9, EVERY, 3, None, True, np.float64)
def test_a_layout_keeps_every_array_apart(n_features, hidden, n_outputs, normalization, residual, dtype):
    assume(hidden or (normalization is None and not residual))
    units = n_features, *(n for n, _ in hidden), n_outputs
    activations = tuple(ACTIVATIONS[name] for _, name in hidden)
    architecture = Architecture(
        units, activations, LOSSES["squared_error"], normalization=normalization, residual=residual
    )
    layout, rng = Layout(architecture, tile(np.dtype(dtype))), np.random.default_rng(0)
    matrices = [rng.normal(size=shape).astype(dtype) for shape in architecture.matrix_shapes()]
    vectors = [rng.normal(size=units[layer + 1]).astype(dtype) for _, layer in architecture.vectors()]
    flat, twins = np.zeros(layout.size, dtype), np.zeros(layout.twin_size, dtype)
    layout.pack(flat, matrices, vectors)
    layout.pack_twins(twins, matrices)
    again = layout.unpack(flat)
    for a, b in zip(sum(again, []), matrices + vectors, strict=True):
        assert_array_equal(a, b)
    for panels, matrix in zip(layout.twins, matrices, strict=True):
        assert panels is None or np.array_equal(panels.unpack(twins), matrix.T)
    assert np.count_nonzero(flat) == sum(a.size for a in matrices + vectors)
    assert np.count_nonzero(twins) == sum(matrix.size for matrix in matrices[1:])


# ---- pace ---------------------------------------------------------------------------------------------


@generated
@given(
    st.integers(1, 8), st.booleans(), st.floats(1e-9, 1e3),
    st.lists(
        st.tuples(st.integers(1, 10**6), st.floats(0, 1e3), st.floats(-1, 10), st.none() | st.integers(1, 9)),
        min_size=1, max_size=50,
    ),
)  # fmt: skip
def test_a_slice_has_some_of_the_chunks_that_are_left_and_threads_that_are_allowed(most, adaptive, guess, slices):
    pace, allowed = Pace(most, adaptive, guess), most
    for left, seconds, seconds_left, limit in slices:
        if limit is not None:
            pace.limit(limit)
            allowed = min(limit, most)
        count = pace.next_slice(left, seconds_left)
        assert isinstance(count, int) and 1 <= count <= left
        assert pace.n_threads in ({-(-allowed // 2**i) for i in range(4)} if adaptive else {allowed})
        pace.took(count, seconds)


# ---- splits -------------------------------------------------------------------------------------------


def check_parts(train, validation, n_samples, fraction):
    assert_array_equal(np.sort(np.concatenate([train, validation])), np.arange(n_samples))
    assert len(validation) == math.ceil(fraction * n_samples)


@generated
@given(
    st.integers(2, 200), st.floats(0.01, 0.99), st.integers(0, 5), st.integers(1, 6), st.booleans(), st.integers(0, 3)
)
def test_a_split_has_the_promised_size_and_the_shares_of_the_classes(
    n_samples, fraction, seed, n_classes, optional, skew
):
    n_validation = math.ceil(fraction * n_samples)
    assume(2 <= n_validation < n_samples)
    y = np.random.default_rng(seed).integers(0, n_classes, n_samples) // (1 + skew)
    counts = np.unique(y, return_counts=True)[1]
    can_stratify = counts.min() >= 2 and min(n_validation, n_samples - n_validation) >= len(counts)
    if not can_stratify and not optional:
        with pytest.raises(ValueError, match="class"):
            split_rows(n_samples, fraction, np.random.RandomState(seed), stratify=y)
        return
    train, validation = split_rows(
        n_samples, fraction, np.random.RandomState(seed), stratify=y, optional_strata=optional
    )
    check_parts(train, validation, n_samples, fraction)
    if can_stratify:
        for label, count in zip(*np.unique(y, return_counts=True), strict=True):
            # of a share that is no whole number there is one more or less
            assert abs((y[validation] == label).sum() - count * n_validation / n_samples) <= 1


@generated
@given(st.integers(2, 200), st.floats(0.01, 0.99))
def test_the_last_rows_are_held_out_in_their_order(n_samples, fraction):
    assume(2 <= math.ceil(fraction * n_samples) < n_samples)
    train, validation = split_last(n_samples, fraction)
    check_parts(train, validation, n_samples, fraction)
    assert_array_equal(np.concatenate([train, validation]), np.arange(n_samples))


@generated
@given(st.integers(1, 30), st.floats(0.01, 0.99), st.data())
def test_parts_that_cannot_serve_are_refused(n_samples, fraction, data):
    n_validation = math.ceil(fraction * n_samples)
    weight = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n_samples, max_size=n_samples)))
    train, validation = weight[: n_samples - n_validation], weight[n_samples - n_validation :]
    if n_validation >= 2 and train.any() and validation.any():
        check_parts(*split_last(n_samples, fraction, weight), n_samples, fraction)
    else:
        with pytest.raises(ValueError, match="validation|train"):
            split_last(n_samples, fraction, weight)
