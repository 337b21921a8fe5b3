"""How work is cut, so that what is used again is still in the host's caches. No cut changes a sum, or its order.

The sizes are those of one core's caches, as the system tells them (`kernels/caches.py`). Cuts are numbers in records,
read at run time: nothing about caches is compiled.
"""

from ...kernels.caches import host_caches

# Terms of a product for which half of L2 holds the inputs of a block of rows.
SLAB = 256


def cuts(tile, dtype):
    """Cuts of the row phase, in which a block of rows passes the weights of a layer, and of the weight phase.

    Parameters
    ----------
    tile : Tile
        The register tile.
    dtype : numpy.dtype
        Of the computation.

    Returns
    -------
    dict
        Fields of the record WORKSPACE:

        ``stretch``: of a panel of weights the rows that take half of L1 and stay there while the block passes them.
        ``slab``: terms of a product that are added, for all of its columns, before the next ones: about 256, however
        wide the layer. More would leave room for fewer rows, and fewer would move partial sums more often.
        ``block_tiles``: row tiles that pass a layer before the next layer. What they have of a slab takes half of L2;
        more rows would leave L2, fewer would read the weights more often.
        ``section``: samples whose activations and deltas, of one panel each, take half of L1 and stay there while a
        run of weights takes the terms of its gradient from them.
        ``run_blocks``: blocks of weights of a run. Their gradients take a quarter of L1, beside a section's samples;
        they are at least those of one panel of activations, which all of it reads.
    """
    caches, size = host_caches(), dtype.itemsize
    stretch = _multiple(caches.level_1 // 2 // (tile.panel * size), tile.panel)
    slab = _multiple(SLAB, stretch)
    block_tiles = max(1, caches.level_2 // 2 // (slab * size) // tile.rows)
    section = _multiple(caches.level_1 // 2 // (2 * tile.panel * size), tile.rows)
    of_block = tile.block * tile.panel * size
    run_blocks = max(tile.panel // tile.block, caches.level_1 // 4 // of_block)
    return {
        "block_tiles": block_tiles, "slab": slab, "stretch": stretch, "section": section, "run_blocks": run_blocks
    }  # fmt: skip


def outgrows_cache(n_bytes):
    """Whether weights and states of so many bytes leave L2, and are to be asked for ahead of time."""
    return n_bytes > host_caches().level_2 * 5 // 8


def _multiple(n, of):
    """The largest multiple of a number that is not above n, or the number."""
    return max(1, n // of) * of
