"""The softmax of a row as explicit vectors: with few outputs a loop's bookkeeping would cost more than its work."""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from . import vecmath
from .simd import I32, I64, Loop, Vectors, scalar_type

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

    def across(self, combine, value):
        """Combine all lanes, in one fixed order."""
        distance = self.lanes // 2
        while distance:
            mask = ir.Constant(ir.VectorType(I32, self.lanes), [i ^ distance for i in range(self.lanes)])
            value = combine(value, self.builder.shuffle_vector(value, value, mask))
            distance //= 2
        return self.builder.extract_element(value, I32(0))

    def exp(self, x):
        """exp of numbers that are not above 0; vecmath's constants. Below the smallest normal result it is 0."""
        b, single = self.builder, self.itemsize == 4
        constants = vecmath.EXP_SINGLE if single else vecmath.EXP_DOUBLE
        lowest, log2e, ln2_high, ln2_low, *coefficients = (self.constant(c) for c in constants)
        below = b.fcmp_ordered("<", x, lowest)  # false for NaN, which goes through
        x = b.select(below, lowest, x)
        rint = cgutils.get_or_insert_function(
            b.module, ir.FunctionType(self.type, [self.type]), f"llvm.rint.v{self.lanes}f{8 * self.itemsize}"
        )
        n = b.call(rint, [b.fmul(x, log2e)])
        r = self.multiply_add(b.fneg(n), ln2_high, x)
        r = self.multiply_add(b.fneg(n), ln2_low, r)
        q = coefficients[-1]
        for c in reversed(coefficients[:-1]):
            q = self.multiply_add(r, q, c)
        p = b.fadd(self.constant(1.0), self.multiply_add(b.fmul(r, r), q, r))
        # 2**n goes into the exponent by an addition. A NaN has no integer, but p is NaN whatever is added.
        n = b.select(b.fcmp_ordered("==", n, n), n, self.zero)
        exponent = b.fptosi(n, ir.VectorType(I32, self.lanes))
        exponent = exponent if single else b.sext(exponent, self.integer)
        shift = ir.Constant(self.integer, [23 if single else 52] * self.lanes)
        bits = b.add(b.bitcast(p, self.integer), b.shl(exponent, shift))
        return b.select(below, self.zero, b.bitcast(bits, self.type))


def make_softmax(dtype, shape):
    """``softmax(z, p, n, padded, factor) -> (top, total)``: a row's softmax times a factor.

    Reads whole vectors; writes p to column ``padded``, zero from column n on. ``top`` is the maximum of z, ``total``
    the sum of the exponentials of z - top.
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
            top = v.across(v.larger, top)

            tops = v.splat(top)
            loop = Loop(builder, vectors, [v.zero])
            first = builder.mul(loop.index, lanes)
            value = v.exp(builder.fsub(v.load(z, first), tops))
            value = builder.select(v.is_inside(first, n), value, v.zero)
            v.store(value, p, first)
            total = builder.fadd(loop.values[0], value)
            loop.close([total])
            total = v.across(builder.fadd, total)

            factors = v.splat(builder.fdiv(factor, total))
            loop = Loop(builder, builder.sdiv(padded, lanes), [])
            first = builder.mul(loop.index, lanes)
            value = builder.fmul(v.load(p, first), factors)
            v.store(builder.select(v.is_inside(first, n), value, v.zero), p, first)
            loop.close([])
            return context.make_tuple(builder, signature.return_type, [top, total])

        return types.UniTuple(number, 2)(*[types.intp] * 4, number), codegen

    return softmax
