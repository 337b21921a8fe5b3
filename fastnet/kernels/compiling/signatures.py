"""C signatures, each written once: who makes a function and who calls it by address read the same.

A function whose arguments have other names is refused when it is made; a call with another number of arguments does not
compile. Counted integers on both sides would only crash.

Numba is imported where something is compiled, and not before: that takes longer than all else in a process whose
machine code is there already.
"""

import ctypes
import inspect
from importlib import import_module

import numpy as np

from . import prebuilt

# What an argument may be, besides a record's dtype, which stands for a pointer to such a record. T is the computation
# dtype. The caller passes pointers as addresses, which are integers; the maker gets typed pointers that do not overlap,
# but for an `ADDRESS`, which says nothing of what is there.
INDEX, ADDRESS, NUMBER, DOUBLE, NUMBERS, DOUBLES = "index", "address", "T", "double", "T *", "double *"


class Signature:
    """The C signature of a function that is called by address.

    Parameters
    ----------
    result : {None, 'index'}
        What it returns.
    **arguments : str or dtype
        Kinds of the arguments, by name.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.kernels.compiling.signatures import INDEX, NUMBERS, Signature
    >>> Signature(None, a=NUMBERS, n=INDEX).argument_types(np.dtype(np.float32))
    [float32*, int64]
    """

    def __init__(self, result, **arguments):
        self._result, self._arguments = result, arguments

    def argument_types(self, dtype):
        """Types of the arguments as the function itself has them, a list."""
        return [self._type(kind, dtype) for kind in self._arguments.values()]

    def result_type(self):
        """Type of the result as the function itself has it."""
        from numba import types

        return types.void if self._result is None else types.intp

    @staticmethod
    def _type(kind, dtype):
        import numba
        from numba import types

        from ..simd import scalar_type

        if isinstance(kind, np.dtype):
            return types.CPointer(numba.from_dtype(kind))
        number = scalar_type(dtype)
        plain = {INDEX: types.intp, ADDRESS: types.intp, NUMBER: number, DOUBLE: types.float64}
        pointers = {NUMBERS: types.CPointer(number), DOUBLES: types.CPointer(types.float64)}
        return (plain | pointers)[kind]

    def compile(self, maker, key, dtype, *arguments):
        """Compile a function, or find it again.

        Parameters
        ----------
        maker : str
            Who returns the function, in plain Python: ``'package.module:name'`` of a callable, which gets
            `arguments` and the dtype. Its module is imported if there is something to compile.
        key : tuple of str
            Names what is compiled, besides the dtype.
        dtype : dtype
            Of the computation.
        *arguments : object
            For the maker.

        Returns
        -------
        int
            The address.
        """
        whole_key = (*key, dtype.name)
        address = prebuilt.address(whole_key)
        if address is not None:
            return address
        from .jit import c_function

        def make():
            module, name = maker.split(":")
            function = getattr(import_module(module), name)(*arguments, dtype)
            names = list(inspect.signature(function).parameters)
            if names != list(self._arguments):
                raise TypeError(f"{'-'.join(key)} takes {names}, its signature says {list(self._arguments)}.")
            return function

        return c_function(make, self.result_type(), self.argument_types(dtype), whole_key)

    def function(self, address, dtype):
        """For Python: the function at an address, which runs without the GIL; it takes pointers as addresses."""
        result = None if self._result is None else ctypes.c_ssize_t
        return ctypes.CFUNCTYPE(result, *(self._python_type(kind, dtype) for kind in self._arguments.values()))(address)

    @staticmethod
    def _python_type(kind, dtype):
        if kind in (NUMBER, DOUBLE):
            return ctypes.c_float if kind == NUMBER and dtype.itemsize == 4 else ctypes.c_double
        return ctypes.c_ssize_t if kind == INDEX else ctypes.c_void_p

    def caller(self, dtype):
        """For compiled code: ``call(address, *arguments)``, with pointers as addresses."""
        from numba import types

        from ..simd import make_call

        kinds = self.argument_types(dtype)
        return make_call(self.result_type(), *(types.intp if isinstance(t, types.CPointer) else t for t in kinds))
