"""The SIMD vocabulary: register tiles, loads by address, atomics, calls by address, as LLVM IR.

Numba's SLP vectoriser is off, so tiles unrolled by hand stay scalar; written as explicit vectors they run
at the machine's FMA rate. All arguments are addresses (``intp``) and counts of elements.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

I64 = ir.IntType(64)
I32 = ir.IntType(32)
_FLOATS = {4: ir.FloatType(), 8: ir.DoubleType()}
_NUMBERS = {4: types.float32, 8: types.float64}


def scalar_type(dtype):
    """The Numba type of a computation dtype."""
    return _NUMBERS[dtype.itemsize]


class Vectors:
    """Emits vector code of one element type and width."""

    def __init__(self, builder, itemsize, lanes, fma):
        self.builder, self.itemsize, self.lanes, self.fma = builder, itemsize, lanes, fma
        self.scalar = _FLOATS[itemsize]
        self.type = ir.VectorType(self.scalar, lanes)
        self.zero = ir.Constant(self.type, [0.0] * lanes)

    def pointer(self, address):
        return self.builder.inttoptr(address, self.scalar.as_pointer())

    def at(self, pointer, offset):
        return self.builder.gep(pointer, [offset])

    def load(self, pointer, offset):
        at = self.builder.bitcast(self.at(pointer, offset), self.type.as_pointer())
        value = self.builder.load(at, typ=self.type)
        value.align = self.itemsize  # the default assumes a whole vector's alignment and would fault
        return value

    def is_inside(self, first, n):
        """Which lanes of a vector that begins at column ``first`` are below n."""
        columns = ir.Constant(ir.VectorType(I64, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", columns, self.splat(self.builder.sub(n, first)))

    def splat(self, scalar):
        """All lanes the same run-time number."""
        undefined = ir.Constant(ir.VectorType(scalar.type, self.lanes), ir.Undefined)
        one = self.builder.insert_element(undefined, scalar, I32(0))
        everywhere = ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, undefined, everywhere)

    def masked_load(self, pointer, offset, inside):
        """Load the lanes that are inside, zero in the others, whose memory is not touched."""
        at = self.builder.bitcast(self.at(pointer, offset), self.type.as_pointer())
        kind = ir.FunctionType(self.type, [at.type, I32, inside.type, self.type])
        name = f"llvm.masked.load.v{self.lanes}f{8 * self.itemsize}.p0"
        load = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(load, [at, I32(self.itemsize), inside, self.zero])

    def store(self, value, pointer, offset):
        at = self.builder.bitcast(self.at(pointer, offset), self.type.as_pointer())
        self.builder.store(value, at).align = self.itemsize

    def broadcast(self, pointer, offset):
        return self.splat(self.builder.load(self.at(pointer, offset), typ=self.scalar))

    def multiply_add(self, a, b, c):
        if not self.fma:  # without the instruction llvm.fma is a slow library call
            return self.builder.fadd(self.builder.fmul(a, b), c)
        # declare_intrinsic() refuses vector types, so the intrinsic is declared by name
        kind = ir.FunctionType(self.type, [self.type] * 3)
        name = f"llvm.fma.v{self.lanes}f{8 * self.itemsize}"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [a, b, c])


class Loop:
    """A counted loop, run at least once, whose variables are carried in registers until ``close`` ends it."""

    def __init__(self, builder, count, initial):
        self.builder, self.count = builder, count
        self.entry = builder.block
        self.body, self.done = builder.append_basic_block(), builder.append_basic_block()
        builder.branch(self.body)
        builder.position_at_end(self.body)
        self.index = builder.phi(I64)
        self.index.add_incoming(I64(0), self.entry)
        self.values = []
        for value in initial:
            phi = builder.phi(value.type)
            phi.add_incoming(value, self.entry)
            self.values.append(phi)

    def close(self, new):
        following = self.builder.add(self.index, I64(1))
        self.index.add_incoming(following, self.body)
        for phi, value in zip(self.values, new, strict=True):
            phi.add_incoming(value, self.body)
        self.builder.cbranch(self.builder.icmp_signed("<", following, self.count), self.body, self.done)
        self.builder.position_at_end(self.done)


def make_row_tile(itemsize, shape, rows, vectors):
    """Register tile of ``C = start + A @ B``: ``rows`` rows by ``vectors`` vectors.

    ``tile(a, a_jump, b, start, start_row, c, c_row, depth)``. A is in panels of ``shape.panel`` columns; crossing
    into its next panel adds ``a_jump``. B is a panel of weights, contiguous, ``vectors`` wide. ``start`` is the bias
    (``start_row`` 0) or what C holds already. Every element is summed over k in order, so a row has the same bits in
    any tile. Vectors of C's panel that the tile leaves out are set to zero.
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
            loop = Loop(builder, depth, [v.pointer(a), v.pointer(b)] + sums)
            pa, pb, *sums = loop.values
            weights = [v.load(pb, I64(j * lanes)) for j in range(vectors)]
            new = []
            for i in range(rows):
                x = v.broadcast(pa, I64(i * panel))
                for j in range(vectors):
                    new.append(v.multiply_add(x, weights[j], sums[i * vectors + j]))
            last = builder.icmp_unsigned("==", builder.and_(loop.index, I64(panel - 1)), I64(panel - 1))
            step = builder.select(last, builder.add(a_jump, I64(1)), I64(1))
            loop.close([v.at(pa, step), v.at(pb, I64(vectors * lanes))] + new)
            for i in range(rows):
                at = v.at(c, builder.mul(I64(i), c_row))
                for j in range(panel // lanes):
                    v.store(new[i * vectors + j] if j < vectors else v.zero, at, I64(j * lanes))
            return context.get_dummy_value()

        return types.void(*[types.intp] * 8), codegen

    return tile


def make_gradient_tile(itemsize, shape, rows, vectors):
    """Register tile of a weight gradient ``G = A.T @ D`` over the rows of a mini-batch.

    ``tile(a, d, g, count)``: ``rows`` columns of one panel of A by ``vectors`` vectors of one of D, summed over
    ``count`` rows in order, stored contiguously at g.
    """
    lanes, panel = shape.lanes, shape.panel

    @intrinsic
    def tile(typingctx, a, d, g, count):
        def codegen(context, builder, signature, args):
            a, d, g, count = args
            v = Vectors(builder, itemsize, lanes, shape.fma)
            loop = Loop(builder, count, [v.pointer(a), v.pointer(d)] + [v.zero] * (rows * vectors))
            pa, pd, *sums = loop.values
            deltas = [v.load(pd, I64(j * lanes)) for j in range(vectors)]
            new = []
            for i in range(rows):
                x = v.broadcast(pa, I64(i))
                for j in range(vectors):
                    new.append(v.multiply_add(x, deltas[j], sums[i * vectors + j]))
            loop.close([v.at(pa, I64(panel)), v.at(pd, I64(panel))] + new)
            g = v.pointer(g)
            for i, value in enumerate(new):
                v.store(value, g, I64(i * lanes))
            return context.get_dummy_value()

        return types.void(*[types.intp] * 4), codegen

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


def make_pointer(numba_type):
    """``pointer(address)``: a typed pointer, for ``carray``."""

    @intrinsic
    def pointer(typingctx, address):
        def codegen(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return types.CPointer(numba_type)(types.intp), codegen

    return pointer


def make_call(return_type, *argument_types):
    """``call(address, *arguments)``: call a C function chosen at run time (about 2 ns)."""

    @intrinsic
    def call(typingctx, address, *arguments):
        def codegen(context, builder, signature, args):
            kinds = [context.get_value_type(t) for t in argument_types]
            result = ir.VoidType() if return_type == types.void else context.get_value_type(return_type)
            function = builder.inttoptr(args[0], ir.FunctionType(result, kinds).as_pointer())
            value = builder.call(function, [builder.extract_value(args[1], i) for i in range(len(kinds))])
            return context.get_dummy_value() if return_type == types.void else value

        return return_type(types.intp, types.StarArgTuple.from_types(argument_types)), codegen

    return call


@intrinsic
def atomic_add(typingctx, address, value):
    """Add to an int64 at an address, for all threads to see."""

    def codegen(context, builder, signature, args):
        return builder.atomic_rmw("add", builder.inttoptr(args[0], I64.as_pointer()), args[1], "seq_cst")

    return types.int64(types.intp, types.int64), codegen


@intrinsic
def atomic_load(typingctx, address):
    """Read an int64 at an address that other threads write."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(builder.inttoptr(args[0], I64.as_pointer()), "acquire", 8, typ=I64)

    return types.int64(types.intp), codegen


@intrinsic
def prefetch(typingctx, address):
    """Ask for the cache line at an address to be brought into L2; any address is allowed."""

    def codegen(context, builder, signature, args):
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        hint = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(hint, [builder.inttoptr(args[0], byte), I32(0), I32(2), I32(1)])  # read, L2, data
        return context.get_dummy_value()

    return types.void(types.intp), codegen


@intrinsic
def spin_hint(typingctx):
    """Tell the CPU that this is a spin loop, where it has an instruction for that."""

    def codegen(context, builder, signature, args):
        if context.codegen().magic_tuple()[0].startswith("x86_64"):
            pause = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, pause, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), codegen
