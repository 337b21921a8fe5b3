"""The SIMD vocabulary: vectors and loops, memory by address, atomics, calls by address, as LLVM IR."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic
from numba.np import arrayobj

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
        """Which lanes of a vector that begins at column ``first`` are below n; both are below 2**31."""
        columns = ir.Constant(ir.VectorType(I32, self.lanes), list(range(self.lanes)))
        left = self.builder.trunc(self.builder.sub(n, first), I32)
        return self.builder.icmp_signed("<", columns, self.splat(left))

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

    def masked_store(self, value, pointer, offset, inside):
        """Store the lanes that are inside; the memory of the others is not touched."""
        at = self.builder.bitcast(self.at(pointer, offset), self.type.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [self.type, at.type, I32, inside.type])
        name = f"llvm.masked.store.v{self.lanes}f{8 * self.itemsize}.p0"
        store = cgutils.get_or_insert_function(self.builder.module, kind, name)
        self.builder.call(store, [value, at, I32(self.itemsize), inside])

    def broadcast(self, pointer, offset):
        return self.splat(self.builder.load(self.at(pointer, offset), typ=self.scalar))

    def multiply_add(self, a, b, c):
        if not self.fma:  # without the instruction llvm.fma is a slow library call
            # Numba adds its fastmath flags, which allow another order of sums, to instructions that have none.
            flags = ("contract",)
            return self.builder.fadd(self.builder.fmul(a, b, flags=flags), c, flags=flags)
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


def make_pointer(numba_type):
    """``pointer(address)``: a typed pointer, for ``carray``."""

    @intrinsic
    def pointer(typingctx, address):
        def codegen(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return types.CPointer(numba_type)(types.intp), codegen

    return pointer


@intrinsic
def carray(typingctx, pointer, n):
    """An array of n numbers, or records, at a pointer. Numba's own is compiled anew for each type of either."""
    kind = types.Array(pointer.dtype, 1, "C")

    def codegen(context, builder, signature, args):
        pointer, n = args
        itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        array = context.make_array(kind)(context, builder)
        data = builder.bitcast(pointer, array.data.type)
        arrayobj.populate_array(array, data=data, shape=[n], strides=[itemsize], itemsize=itemsize, meminfo=None)
        return array._getvalue()

    return kind(pointer, types.intp), codegen


def make_local(numba_type, count):
    """``local()``: a pointer to `count` numbers on the stack, for ``carray``; the same ones each time it is reached."""

    @intrinsic
    def local(typingctx):
        def codegen(context, builder, signature, args):
            return cgutils.alloca_once(builder, context.get_value_type(numba_type), size=count)

        return types.CPointer(numba_type)(), codegen

    return local


def make_call(return_type, *argument_types):
    """``call(address, *arguments)``: call a C function chosen at run time (about 2 ns)."""

    @intrinsic
    def call(typingctx, address, *arguments):
        if len(arguments) != len(argument_types):
            raise TypingError(f"a function of {len(argument_types)} arguments is called with {len(arguments)}")

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


def _make_prefetch(locality, text):
    @intrinsic
    def prefetch(typingctx, address):
        def codegen(context, builder, signature, args):
            byte = ir.IntType(8).as_pointer()
            kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
            hint = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            builder.call(hint, [builder.inttoptr(args[0], byte), I32(0), I32(locality), I32(1)])  # read, data
            return context.get_dummy_value()

        return types.void(types.intp), codegen

    prefetch.__doc__ = text
    return prefetch


prefetch = _make_prefetch(2, "Ask for the cache line at an address to be brought into L2; any address is allowed.")
prefetch_near = _make_prefetch(3, "The same, into L1.")


@intrinsic
def spin_hint(typingctx):
    """Tell the CPU that this is a spin loop, where it has an instruction for that."""

    def codegen(context, builder, signature, args):
        if context.codegen().magic_tuple()[0].startswith("x86_64"):
            pause = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, pause, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), codegen
