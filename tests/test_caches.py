"""Caches: what the system says of them is read, and how work is cut by them changes no bit."""

import numpy as np
import pytest
from marks import crossed
from numpy.testing import assert_array_equal
from problems import Problem, same_bits

from fastnet.engine.memory.blocking import cuts, outgrows_cache
from fastnet.engine.predict import forward_many
from fastnet.kernels.caches import Caches, assumed, host_caches, read_caches
from fastnet.kernels.host import tile
from fastnet.ops.optimizers import Adam

DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]
# Bytes of L1 and of L2; the sizes in between make other numbers of stretches, slabs and sections.
SIZES = [(16 << 10, 16 << 10), (16 << 10, 256 << 10), (48 << 10, 2 << 20), (4 << 20, 16 << 10), (4 << 20, 4 << 20)]


def described(folder, *caches):
    for number, (level, kind, size) in enumerate(caches):
        index = folder / f"index{number}"
        index.mkdir()
        for name, value in (("level", level), ("type", kind), ("size", size)):
            (index / name).write_text(f"{value}\n")
    return folder


def test_the_systems_description_is_read(tmp_path):
    folder = described(
        tmp_path, (1, "Data", "48K"), (1, "Instruction", "64K"), (2, "Unified", "2M"), (3, "Unified", "32M")
    )
    assert read_caches(folder) == Caches(48 << 10, 2 << 20)


@pytest.mark.parametrize("size", ["", "K", "many", "0K", "12X"])
def test_what_is_not_described_is_as_by_default(size, tmp_path):
    assert read_caches(tmp_path / "nothing") == Caches()
    assert read_caches(described(tmp_path, (1, "Data", size), (2, "Unified", "1024K"))) == Caches(level_2=1 << 20)


def test_caches_can_be_assumed():
    before = host_caches()
    with assumed(Caches(1, 2)):
        assert host_caches() == Caches(1, 2)
    assert host_caches() == before


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("level_1", "level_2"), SIZES)
def test_cuts_are_whole_and_fit(level_1, level_2, dtype):
    shape = tile(dtype)
    with assumed(Caches(level_1, level_2)):
        found = cuts(shape, dtype)
        assert outgrows_cache(level_2) and not outgrows_cache(level_2 // 2)
    assert all(cut > 0 for cut in found.values()) and found["run_blocks"] * shape.block % shape.panel == 0
    assert found["stretch"] % shape.panel == found["slab"] % found["stretch"] == found["section"] % shape.rows == 0
    row = dtype.itemsize * shape.panel
    assert found["stretch"] * row <= level_1 / 2 and 2 * found["section"] * row <= level_1 / 2
    if level_2 > 8 * level_1:
        assert found["slab"] * found["block_tiles"] * shape.rows * dtype.itemsize <= level_2 / 2


@pytest.mark.paths
@pytest.mark.parametrize(
    ("layers", "dtype"),
    crossed(
        [(False, None, {}), ("projection", "layer", {"dropout": (0.2, 0.3)}), (True, "batch", {"input_dropout": 0.2})],
        DTYPES,
    ),
    ids=str,
)
def test_sizes_of_caches_do_not_change_a_bit(layers, dtype):
    residual, normalization, noise = layers
    # Wide enough for several stretches and slabs, deep enough for several sections.
    net = Problem(3, (1100, 300, 300, 20), "tanh", "log_loss", 300, True, dtype.type,
                  residual=residual, normalization=normalization, **noise)  # fmt: skip
    order, results, outputs = np.random.RandomState(0).permutation(300), [], []
    for level_1, level_2 in SIZES:
        with assumed(Caches(level_1, level_2)):
            with net.session(optimizer=Adam(), batch_size=150, l2=1e-3, n_jobs=2, seed=1) as session:
                losses = [session.run_epoch(order, 1e-3) for _ in range(2)]
                results.append((losses, *session.get_parameters()))
            if normalization is None:
                outputs.append(forward_many(net.architecture(), *net.cast(), net.X.astype(dtype), n_jobs=2))
    for other in results[1:]:
        assert results[0][0] == other[0]
        assert same_bits(results[0][1], other[1]) and same_bits(results[0][2], other[2])
    for other in outputs[1:]:
        assert_array_equal(outputs[0], other)
