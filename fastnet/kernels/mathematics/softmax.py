"""The softmax of a row as explicit vectors: with few outputs a loop's bookkeeping would cost more than its work."""

from functools import reduce

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..simd import I32, I64, Loop, Vectors, scalar_type
from . import exponential

_INTEGER = {4: ir.IntType(32), 8: ir.IntType(64)}


class _Row(Vectors):
    """Vector code on a row whose last vector may be partly padding."""

    def __init__(self, builder, itemsize, shape):
        super().__init__(builder, itemsize, shape.lanes, shape.fma)
        self.integer = ir.VectorType(_INTEGER[itemsize], shape.lanes)

    def constant(self, value):
        return ir.Constant(self.type, [float(value)] * self.lanes)

    def larger(self, a, b):
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def shuffle(self, a, b, lanes):
        """The given lanes of two vectors, counted on from a to b."""
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, self.lanes), lanes))

    def across(self, combine, value):
        """Combine all lanes, in one fixed order; every lane then holds the result."""
        return self._halves(combine, value, 1)

    def across_four(self, combine, values):
        """Combine all lanes of each of four vectors: lane i of the result is that of vector i % 4."""
        even = [i + j for i in range(0, self.lanes, 4) for j in (0, 2, self.lanes, self.lanes + 2)]
        a, b, c, d = values
        pairs = [
            combine(self.shuffle(x, y, even), self.shuffle(x, y, [i + 1 for i in even])) for x, y in ((a, b), (c, d))
        ]
        return self._halves(
            combine, combine(self.shuffle(*pairs, even), self.shuffle(*pairs, [i + 1 for i in even])), 4
        )

    def _halves(self, combine, value, least):
        distance = self.lanes // 2
        while distance >= least:
            value = combine(value, self.shuffle(value, value, [i ^ distance for i in range(self.lanes)]))
            distance //= 2
        return value

    def exp(self, x):
        """exp of numbers that are not above 0. Below the smallest normal result it is 0."""
        b, single = self.builder, self.itemsize == 4
        constants = exponential.EXP_SINGLE if single else exponential.EXP_DOUBLE
        lowest, log2e, ln2_high, ln2_low, *coefficients = (self.constant(c) for c in constants)
        given, x = x, b.select(b.fcmp_ordered("<", x, lowest), lowest, x)
        # At this magnitude a unit in the last place is 1: the sum rounds, and holds the integer in its last bits.
        digits = 23 if single else 52
        magic = self.constant(1.5 * 2**digits)
        rounded = self.multiply_add(x, log2e, magic)
        if self.fma:
            n = b.fsub(rounded, magic)
        else:  # of a plain sum the compiler, which may reassociate, would take the rounding away
            bits = b.sub(b.bitcast(rounded, self.integer), b.bitcast(magic, self.integer))
            n = b.sitofp(bits, self.type)
        r = self.multiply_add(b.fneg(n), ln2_high, x)
        r = self.multiply_add(b.fneg(n), ln2_low, r)
        q = coefficients[-1]
        for c in reversed(coefficients[:-1]):
            q = self.multiply_add(r, q, c)
        p = b.fadd(self.constant(1.0), self.multiply_add(b.fmul(r, r), q, r))
        # 2**n goes into the exponent by an addition.
        shift = ir.Constant(self.integer, [digits] * self.lanes)
        bits = b.add(b.bitcast(p, self.integer), b.shl(b.bitcast(rounded, self.integer), shift))
        small_or_nan = b.select(b.fcmp_ordered("<", given, lowest), self.zero, given)
        return b.select(b.fcmp_ordered(">=", given, lowest), b.bitcast(bits, self.type), small_or_nan)


def make_softmax(dtype, shape):
    """``softmax(z, p, n, padded, factor) -> (top, total)``: a row's softmax times a factor.

    Reads whole vectors; writes p to column ``padded``, the end of n's last panel of two vectors, zero from column n
    on. ``top`` is the maximum of z, ``total`` the sum of the exponentials of z - top.
    """
    number = scalar_type(dtype)

    @intrinsic
    def softmax(typingctx, z, p, n, padded, factor):
        def codegen(context, builder, signature, args):
            v = _Row(builder, dtype.itemsize, shape)
            lanes = I64(v.lanes)
            z, p, n, padded, factor = v.pointer(args[0]), v.pointer(args[1]), *args[2:]
            vectors = builder.sdiv(builder.add(n, I64(v.lanes - 1)), lanes)
            lowest = v.constant(-np.inf)

            loop = Loop(builder, vectors, [lowest])
            first = builder.mul(loop.index, lanes)
            value = builder.select(v.is_inside(first, n), v.load(z, first), lowest)
            top = v.larger(value, loop.values[0])
            loop.close([top])
            tops = v.across(v.larger, top)

            loop = Loop(builder, vectors, [v.zero])
            first = builder.mul(loop.index, lanes)
            value = v.exp(builder.fsub(v.load(z, first), tops))
            value = builder.select(v.is_inside(first, n), value, v.zero)
            v.store(value, p, first)
            total = builder.fadd(loop.values[0], value)
            loop.close([total])
            totals = v.across(builder.fadd, total)

            factors = builder.fdiv(v.splat(factor), totals)
            loop = Loop(builder, vectors, [])
            first = builder.mul(loop.index, lanes)
            value = builder.fmul(v.load(p, first), factors)
            v.store(builder.select(v.is_inside(first, n), value, v.zero), p, first)
            loop.close([])
            end = builder.mul(vectors, lanes)
            with builder.if_then(builder.icmp_signed("<", end, padded)):
                v.store(v.zero, p, end)
            results = [builder.extract_element(each, I32(0)) for each in (tops, totals)]
            return context.make_tuple(builder, signature.return_type, results)

        return types.UniTuple(number, 2)(*[types.intp] * 4, number), codegen

    return softmax


def make_softmax_four(dtype, shape, vectors):
    """``softmax(z, p, n, i0 … i3, f0 … f3) -> 4 tops, 4 totals``: the same for rows that begin at i0 … i3.

    For outputs that fill one vector or two, of which there must be four lanes; p is written to the end of a panel.
    One row alone is a chain of some hundred cycles; four share them, their sums and their division. A row has the same
    bits in each place.
    """
    number = scalar_type(dtype)

    @intrinsic
    def softmax(typingctx, z, p, n, i0, i1, i2, i3, f0, f1, f2, f3):
        def codegen(context, builder, signature, args):
            v = _Row(builder, dtype.itemsize, shape)
            z, p, n, starts, factors = v.pointer(args[0]), v.pointer(args[1]), args[2], args[3:7], args[7:]
            places = [[row] * v.lanes for row in range(4)]  # of a row's result in that of all four
            firsts, lowest = [I64(i * v.lanes) for i in range(vectors)], v.constant(-np.inf)
            inside = [v.is_inside(first, n) for first in firsts]
            masked = list(zip(firsts, inside, strict=True))
            values = [
                [builder.select(mask, v.load(z, builder.add(start, first)), lowest) for first, mask in masked]
                for start in starts
            ]
            tops = v.across_four(v.larger, [reduce(v.larger, row) for row in values])
            tops = [v.shuffle(tops, tops, place) for place in places]
            values = [[v.exp(builder.fsub(x, top)) for x in row] for row, top in zip(values, tops, strict=True)]
            totals = v.across_four(builder.fadd, [reduce(builder.fadd, row) for row in values])
            shares = v.zero
            for row, factor in enumerate(factors):
                shares = builder.insert_element(shares, factor, I32(row))
            shares = builder.fdiv(shares, totals)
            for start, row, place in zip(starts, values, places, strict=True):
                share = v.shuffle(shares, shares, place)
                for value, (first, mask) in zip(row, masked, strict=True):
                    value = builder.select(mask, builder.fmul(value, share), v.zero)
                    v.store(value, p, builder.add(start, first))
                if vectors == 1:
                    v.store(v.zero, p, builder.add(start, I64(v.lanes)))
            results = [builder.extract_element(top, I32(0)) for top in tops]
            results += [builder.extract_element(totals, I32(row)) for row in range(4)]
            return context.make_tuple(builder, signature.return_type, results)

        return types.UniTuple(number, 8)(*[types.intp] * 7, *[number] * 4), codegen

    return softmax
