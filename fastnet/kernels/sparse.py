"""The vector kernel of sparse input: a sum of rows of a matrix, chosen and scaled by a list of entries."""

from numba import types
from numba.extending import intrinsic

from .simd import I32, I64, Vectors


def make_entry_sum(itemsize, shape, vectors):
    """``out = start + sum of values[e] * base[indices[e], :]`` over `count` entries, ``vectors`` wide.

    ``entry_sum(indices, values, count, base, row, start, out)``. Indices are int32; rows of the base are `row`
    elements apart. Every element is summed in the order of the entries, in registers, so that sorted entries
    give the bits of a dense product. Vectors of the panel that are left out are set to zero.
    """
    lanes, panel = shape.lanes, shape.panel

    @intrinsic
    def entry_sum(typingctx, indices, values, count, base, row, start, out):
        def codegen(context, builder, signature, args):
            indices, values, count, base, row, start, out = args
            v = Vectors(builder, itemsize, lanes, shape.fma)
            indices = builder.inttoptr(indices, I32.as_pointer())
            values, base, start, out = v.pointer(values), v.pointer(base), v.pointer(start), v.pointer(out)
            initial = [v.load(start, I64(j * lanes)) for j in range(vectors)]
            entry, body, done = builder.block, builder.append_basic_block(), builder.append_basic_block()
            builder.cbranch(builder.icmp_signed(">", count, I64(0)), body, done)
            builder.position_at_end(body)
            e = builder.phi(I64)
            sums = [builder.phi(v.type) for _ in range(vectors)]
            index = builder.sext(builder.load(builder.gep(indices, [e]), typ=I32), I64)
            source = v.at(base, builder.mul(index, row))
            x = v.broadcast(values, e)
            new = [v.multiply_add(x, v.load(source, I64(j * lanes)), sums[j]) for j in range(vectors)]
            following = builder.add(e, I64(1))
            e.add_incoming(I64(0), entry)
            e.add_incoming(following, body)
            builder.cbranch(builder.icmp_signed("<", following, count), body, done)
            builder.position_at_end(done)
            results = [builder.phi(v.type) for _ in range(vectors)]
            for j in range(vectors):
                sums[j].add_incoming(initial[j], entry)
                sums[j].add_incoming(new[j], body)
                results[j].add_incoming(initial[j], entry)
                results[j].add_incoming(new[j], body)
            for j in range(panel // lanes):
                v.store(results[j] if j < vectors else v.zero, out, I64(j * lanes))
            return context.get_dummy_value()

        return types.void(*[types.intp] * 7), codegen

    return entry_sum
