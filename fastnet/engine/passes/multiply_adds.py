"""A loop of nothing but multiply-adds in registers: how fast a core can be at most."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ...kernels.host import tile
from ...kernels.simd import Vectors, carray

# Sums that do not wait for one another: more than the latency of a multiply-add times the units that do them.
CHAINS = 12


def make_multiply_adds(dtype):
    """The function that does so many rounds of `CHAINS` independent multiply-adds, and writes their sum.

    On a path without the instruction they are a multiplication and an addition.
    """
    shape = tile(dtype)
    lanes = shape.lanes

    @intrinsic
    def loop(typingctx, count):
        def codegen(context, builder, signature, args):
            vectors = Vectors(builder, dtype.itemsize, lanes, shape.fma)
            vector = vectors.type
            half = ir.Constant(vector, [0.5] * lanes)
            entry, body, done = builder.block, builder.append_basic_block(), builder.append_basic_block()
            builder.branch(body)
            builder.position_at_end(body)
            index = builder.phi(ir.IntType(64))
            index.add_incoming(ir.IntType(64)(0), entry)
            sums = [builder.phi(vector) for _ in range(CHAINS)]
            for i, value in enumerate(sums):
                value.add_incoming(ir.Constant(vector, [i + 2.0] * lanes), entry)  # 1 would stay 1 and be folded
            new = [vectors.multiply_add(value, half, half) for value in sums]
            following = builder.add(index, ir.IntType(64)(1))
            index.add_incoming(following, body)
            for value, result in zip(sums, new, strict=True):
                value.add_incoming(result, body)
            builder.cbranch(builder.icmp_signed("<", following, args[0]), body, done)
            builder.position_at_end(done)
            total = new[0]
            for value in new[1:]:
                total = builder.fadd(total, value)
            number = builder.extract_element(total, ir.IntType(32)(0))
            return builder.fpext(number, ir.DoubleType()) if dtype.itemsize == 4 else number

        return types.float64(types.int64), codegen

    def multiply_adds(count, total):
        carray(total, 1)[0] = loop(count)

    return multiply_adds
