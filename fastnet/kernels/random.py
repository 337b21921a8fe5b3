"""Counter-based random bits: a function of (seed, step, layer, row, column), never of a thread or of order.

``layer_key`` and ``row_key`` mix the coordinates of a row with SplitMix64's finaliser; ``bits`` hashes key and column
to 32 bits with the "lowbias32" mixer (Wellons, "Prospecting for Hash Functions", 2018), which vectorises.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiling.jit import kernel
from .simd import I32, I64, Loop, Vectors, scalar_type

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
def halves(key):
    """The two halves of a row's key, as `bits` takes them."""
    return np.uint32(key & np.uint64(0xFFFFFFFF)), np.uint32(key >> np.uint64(32))


def _mixed(builder, low, high, column):
    """Emits the hash of columns, one or a vector of them. All is of 32 bits: Numba would multiply in 64."""

    def constant(number):
        kind = column.type
        return ir.Constant(kind, [number] * kind.count if isinstance(kind, ir.VectorType) else number)

    def fold(x, shift):
        return builder.xor(x, builder.lshr(x, constant(shift)))

    x = builder.xor(builder.mul(column, constant(0x9E3779B9)), low)
    x = builder.mul(fold(x, 16), constant(0x7FEB352D))
    x = builder.mul(builder.xor(fold(x, 15), high), constant(0x846CA68B))
    return fold(x, 16)


@intrinsic
def bits(typingctx, low, high, column):
    """32 random bits of a column, from the two halves of its row's key."""

    def codegen(context, builder, signature, args):
        low, high, column = args
        return _mixed(builder, low, high, builder.trunc(column, I32))

    return types.uint32(types.uint32, types.uint32, types.int64), codegen


def make_drop_row(dtype, shape):
    """``drop(row, n, low, high, column, limit, scale)``: inverted dropout of n numbers at an address, whole vectors.

    The first one is of column `column`. A number whose bits are below the limit becomes zero, others are scaled.
    """
    lanes = shape.lanes

    @intrinsic
    def drop(typingctx, row, n, low, high, column, limit, scale):
        def codegen(context, builder, signature, args):
            row, n, low, high, column, limit, scale = args
            v = Vectors(builder, dtype.itemsize, lanes, shape.fma)
            low, high, limit, scale = map(v.splat, (low, high, limit, scale))
            steps = ir.Constant(low.type, list(range(lanes)))
            loop = Loop(builder, builder.sdiv(n, I64(lanes)), [v.pointer(row)])
            (at,) = loop.values
            first = builder.trunc(builder.add(column, builder.mul(loop.index, I64(lanes))), I32)
            found = _mixed(builder, low, high, builder.add(v.splat(first), steps))
            scaled = builder.fmul(v.load(at, I64(0)), scale)
            v.store(builder.select(builder.icmp_unsigned(">=", found, limit), scaled, v.zero), at, I64(0))
            loop.close([v.at(at, I64(lanes))])
            return context.get_dummy_value()

        kinds = [types.intp, types.intp, types.uint32, types.uint32, types.intp, types.uint32, scalar_type(dtype)]
        return types.void(*kinds), codegen

    return drop
