"""Register tiles, and the moves around them, written as explicit vectors.

Numba's SLP vectoriser is off, so tiles unrolled by hand stay scalar; written as vectors they run at the machine's FMA
rate. All arguments are addresses (``intp``) and counts of elements.
"""

from functools import reduce

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .simd import I32, I64, Loop, Vectors

# Terms of a product that are added in one round of a row tile's loop; rows of weights are padded to a multiple of it.
TERMS = 4


def make_row_tile(itemsize, shape, rows, vectors):
    """Register tile of ``C = start + A @ B``: ``rows`` rows by ``vectors`` vectors.

    ``tile(a, a_jump, b, start, start_row, c, c_row, depth)``. A is in panels of ``shape.panel`` columns; crossing
    into its next panel adds ``a_jump``. B is a panel of weights, contiguous, ``vectors`` wide. ``start`` is the bias
    (``start_row`` 0) or what C holds already. Every element is summed over k in order, so a row has the same bits in
    any tile. Terms come in fours: those beyond ``depth`` are products with B's padding, which is zero. Vectors of C's
    panel that the tile leaves out are set to zero.
    """
    lanes, panel = shape.lanes, shape.panel

    @intrinsic
    def tile(typingctx, a, a_jump, b, start, start_row, c, c_row, depth):
        def codegen(context, builder, signature, args):
            a, a_jump, b, start, start_row, c, c_row, depth = args
            v = Vectors(builder, itemsize, lanes, shape.fma)
            start, c = v.pointer(start), v.pointer(c)
            sums = []
            for i in range(rows):
                at = v.at(start, builder.mul(I64(i), start_row))
                sums += [v.load(at, I64(j * lanes)) for j in range(vectors)]
            count = builder.sdiv(builder.add(depth, I64(TERMS - 1)), I64(TERMS))
            loop = Loop(builder, count, [v.pointer(a), v.pointer(b)] + sums)
            pa, pb, *new = loop.values
            for k in range(TERMS):
                sums, new = new, []
                weights = [v.load(pb, I64((k * vectors + j) * lanes)) for j in range(vectors)]
                for i in range(rows):
                    x = v.broadcast(pa, I64(i * panel + k))
                    new += [v.multiply_add(x, weights[j], sums[i * vectors + j]) for j in range(vectors)]
            ends = I64(panel // TERMS - 1)  # the bits of the index that are set where A's next panel begins
            last = builder.icmp_unsigned("==", builder.and_(loop.index, ends), ends)
            step = builder.select(last, builder.add(a_jump, I64(TERMS)), I64(TERMS))
            loop.close([v.at(pa, step), v.at(pb, I64(TERMS * vectors * lanes))] + new)
            for i in range(rows):
                at = v.at(c, builder.mul(I64(i), c_row))
                for j in range(panel // lanes):
                    v.store(new[i * vectors + j] if j < vectors else v.zero, at, I64(j * lanes))
            return context.get_dummy_value()

        return types.void(*[types.intp] * 8), codegen

    return tile


def make_vector_tile(itemsize, shape, vectors):
    """Tile of one row, ``c = start + a @ B``, with B row-major: ``vectors`` vectors of its columns, or what is left.

    ``tile(a, b, b_row, start, c, depth, left)``: rows of B are ``b_row`` apart and have ``left`` columns from b on;
    nothing beyond is read. c gets whole vectors, zero beyond. The order of the sums is that of a row tile.
    """
    lanes = shape.lanes

    @intrinsic
    def tile(typingctx, a, b, b_row, start, c, depth, left):
        def codegen(context, builder, signature, args):
            a, b, b_row, start, c, depth, left = args
            v = Vectors(builder, itemsize, lanes, shape.fma)
            columns = [I64(j * lanes) for j in range(vectors)]
            inside = [v.is_inside(column, left) for column in columns]
            start, c = v.pointer(start), v.pointer(c)
            sums = [v.masked_load(start, *each) for each in zip(columns, inside, strict=True)]
            loop = Loop(builder, depth, [v.pointer(a), v.pointer(b), *sums])
            pa, pb, *sums = loop.values
            x = v.broadcast(pa, I64(0))
            weights = [v.masked_load(pb, *each) for each in zip(columns, inside, strict=True)]
            sums = [v.multiply_add(x, weight, total) for weight, total in zip(weights, sums, strict=True)]
            loop.close([v.at(pa, I64(1)), v.at(pb, b_row), *sums])
            for column, total in zip(columns, sums, strict=True):
                v.store(total, c, column)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 7), codegen

    return tile


def make_gradient_tile(itemsize, shape, rows, vectors, of_panel=None):
    """Register tile of a weight gradient ``G = A.T @ D`` over the rows of a mini-batch.

    ``tile(a, a_panel, d, g, count)``: ``rows`` columns of A by ``vectors`` vectors of one panel of D, summed over
    ``count`` rows in order, on what is at g: contiguous, each row of it ``vectors`` vectors. Of A's columns the first
    ``of_panel`` end a panel and the others begin the next, ``a_panel`` elements from the one before; without
    ``of_panel`` all are of one panel.
    """
    lanes, panel = shape.lanes, shape.panel
    of_panel = rows if of_panel is None else of_panel

    @intrinsic
    def tile(typingctx, a, a_panel, d, g, count):
        def codegen(context, builder, signature, args):
            a, a_panel, d, g, count = args
            v = Vectors(builder, itemsize, lanes, shape.fma)
            g = v.pointer(g)
            sums = [v.load(g, I64(i * lanes)) for i in range(rows * vectors)]
            loop = Loop(builder, count, [v.pointer(a), v.pointer(d)] + sums)
            pa, pd, *sums = loop.values
            deltas = [v.load(pd, I64(j * lanes)) for j in range(vectors)]
            beyond = v.at(pa, builder.sub(a_panel, I64(panel)))
            new = []
            for i in range(rows):
                x = v.broadcast(pa if i < of_panel else beyond, I64(i))
                for j in range(vectors):
                    new.append(v.multiply_add(x, deltas[j], sums[i * vectors + j]))
            loop.close([v.at(pa, I64(panel)), v.at(pd, I64(panel))] + new)
            for i, value in enumerate(new):
                v.store(value, g, I64(i * lanes))
            return context.get_dummy_value()

        return types.void(*[types.intp] * 5), codegen

    return tile


def make_column_sums(itemsize, shape, vectors):
    """``sums(d, g, count)``: column sums over ``count`` rows of a panel, a positive multiple of 4, stored at g.

    Four sums run side by side, so that none waits for the one before it.
    """
    lanes, panel, chains = shape.lanes, shape.panel, 4

    @intrinsic
    def sums(typingctx, d, g, count):
        def codegen(context, builder, signature, args):
            v = Vectors(builder, itemsize, lanes, shape.fma)
            count = builder.sdiv(args[2], I64(chains))
            loop = Loop(builder, count, [v.pointer(args[0])] + [v.zero] * (chains * vectors))
            pd, *totals = loop.values
            new = []
            for i in range(chains):
                for j in range(vectors):
                    row = v.load(pd, I64(i * panel + j * lanes))
                    new.append(builder.fadd(totals[i * vectors + j], row))
            loop.close([v.at(pd, I64(chains * panel))] + new)
            g = v.pointer(args[1])
            for j in range(vectors):
                a, b, c, d = new[j::vectors]
                v.store(builder.fadd(builder.fadd(a, b), builder.fadd(c, d)), g, I64(j * lanes))
            return context.get_dummy_value()

        return types.void(*[types.intp] * 3), codegen

    return sums


def make_copy_row(itemsize, source_itemsize, shape):
    """``copy(source, target, target_step, n)``: a contiguous row of n elements into panels, converting its dtype.

    Panels of the target are `target_step` elements apart. Of the source nothing beyond n is read, and the rest of
    the target's last panel becomes zero.
    """
    lanes, panel = shape.lanes, shape.panel

    @intrinsic
    def copy(typingctx, source, target, target_step, n):
        def codegen(context, builder, signature, args):
            v = Vectors(builder, itemsize, lanes, shape.fma)
            given = Vectors(builder, source_itemsize, lanes, shape.fma)
            n = args[3]
            panels = builder.sdiv(builder.add(n, I64(panel - 1)), I64(panel))
            loop = Loop(builder, panels, [given.pointer(args[0]), v.pointer(args[1])])
            source, target = loop.values
            first = builder.mul(loop.index, I64(panel))
            for j in range(panel // lanes):
                inside = v.is_inside(builder.add(first, I64(j * lanes)), n)
                value = given.masked_load(source, I64(j * lanes), inside)
                if source_itemsize != itemsize:
                    value = (builder.fptrunc if source_itemsize > itemsize else builder.fpext)(value, v.type)
                v.store(value, target, I64(j * lanes))
            loop.close([given.at(source, I64(panel)), v.at(target, args[2])])
            return context.get_dummy_value()

        return types.void(*[types.intp] * 4), codegen

    return copy


def make_copy_out(itemsize, shape):
    """``copy(source, target, n)``: n elements, of which the source may be read to the end of its last vector."""
    lanes = shape.lanes

    @intrinsic
    def copy(typingctx, source, target, n):
        def codegen(context, builder, signature, args):
            v = Vectors(builder, itemsize, lanes, shape.fma)
            source, target, n = v.pointer(args[0]), v.pointer(args[1]), args[2]
            loop = Loop(builder, builder.sdiv(builder.add(n, I64(lanes - 1)), I64(lanes)), [])
            first = builder.mul(loop.index, I64(lanes))
            v.masked_store(v.load(source, first), target, first, v.is_inside(first, n))
            loop.close([])
            return context.get_dummy_value()

        return types.void(*[types.intp] * 3), codegen

    return copy


def make_is_finite(itemsize, shape):
    """``is_finite(a, count)``: whether so many rows of a panel, at least one, hold no nan and no infinity."""
    lanes, panel = shape.lanes, shape.panel
    bits, exponent, lowest = {4: (I32, 0x7F800000, 0x00800000), 8: (I64, 0x7FF << 52, 1 << 52)}[itemsize]
    kind = ir.VectorType(bits, lanes)

    @intrinsic
    def is_finite(typingctx, a, count):
        def codegen(context, builder, signature, args):
            v = Vectors(builder, itemsize, lanes, shape.fma)
            none, mask, one = (ir.Constant(kind, [number] * lanes) for number in (0, exponent, lowest))
            columns = [I64(first) for first in range(0, panel, lanes)]
            loop = Loop(builder, args[1], [v.pointer(args[0])] + [none] * len(columns))
            at, *seen = loop.values
            numbers = [builder.bitcast(v.load(at, column), kind) for column in columns]
            # An exponent of ones alone, of nan and infinity, carries into the sign.
            carried = [builder.add(builder.and_(x, mask), one) for x in numbers]
            seen = [builder.or_(before, now) for before, now in zip(seen, carried, strict=True)]
            loop.close([v.at(at, I64(panel)), *seen])
            signs = builder.icmp_signed("<", reduce(builder.or_, seen), none)
            return builder.icmp_unsigned("==", builder.bitcast(signs, ir.IntType(lanes)), ir.IntType(lanes)(0))

        return types.boolean(types.intp, types.intp), codegen

    return is_finite


def make_transpose(itemsize, size):
    """``transpose(source, source_row, target, target_row)``: a square of ``size`` elements, in registers."""

    @intrinsic
    def transpose(typingctx, source, source_row, target, target_row):
        def codegen(context, builder, signature, args):
            source, source_row, target, target_row = args
            v = Vectors(builder, itemsize, size, fma=True)
            source, target = v.pointer(source), v.pointer(target)
            block = [v.load(source, builder.mul(I64(i), source_row)) for i in range(size)]
            distance = 1
            while distance < size:  # exchange off-diagonal squares of 1, 2, 4 … elements
                low = [j if j & distance == 0 else size + j - distance for j in range(size)]
                high = [j + distance if j & distance == 0 else size + j for j in range(size)]
                masks = [ir.Constant(ir.VectorType(I32, size), mask) for mask in (low, high)]
                for i in range(size):
                    if i & distance == 0:
                        pair = block[i], block[i + distance]
                        block[i], block[i + distance] = (builder.shuffle_vector(*pair, mask) for mask in masks)
                distance *= 2
            for i in range(size):
                v.store(block[i], target, builder.mul(I64(i), target_row))
            return context.get_dummy_value()

        return types.void(*[types.intp] * 4), codegen

    return transpose
