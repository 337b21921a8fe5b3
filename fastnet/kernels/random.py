"""Counter-based random bits: a function of (seed, step, layer, row, column), never of a thread or of order.

``layer_key`` and ``row_key`` mix the coordinates of a row with SplitMix64's finaliser; ``bits`` hashes key and column
to 32 bits with the "lowbias32" mixer (Wellons, "Prospecting for Hash Functions", 2018), which vectorises.
"""

import numpy as np

from .compiling.jit import kernel

# Streams that are no layer's dropout, in the place of its number; to DROP_CONNECT the layer's number is added.
INPUT_NOISE, DROP_CONNECT = 1 << 32, 2 << 32


@kernel
def mix64(x):
    """SplitMix64's finaliser (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014)."""
    x = np.uint64(x)
    x = np.uint64((x ^ np.uint64(x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9))
    x = np.uint64((x ^ np.uint64(x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB))
    return np.uint64(x ^ np.uint64(x >> np.uint64(31)))


@kernel
def layer_key(seed, step, layer):
    """Key of one layer's random bits in one step."""
    key = mix64(np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15))
    key = mix64(key ^ np.uint64(step))
    return mix64(key ^ np.uint64(layer))


@kernel
def row_key(key, row):
    """Key of one row's random bits, from its layer's."""
    return mix64(key ^ np.uint64(row))


@kernel
def bits(low, high, column):
    """32 random bits of a column, from the two halves of its row's key."""
    x = np.uint32(np.uint32(column) * np.uint32(0x9E3779B9)) ^ low
    x = np.uint32(x ^ np.uint32(x >> np.uint32(16)))
    x = np.uint32(x * np.uint32(0x7FEB352D))
    x = np.uint32(np.uint32(x ^ np.uint32(x >> np.uint32(15))) ^ high)
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ np.uint32(x >> np.uint32(16)))
