"""The barrier of the threads of a compiled call: it spins briefly, then yields, for the cores may be taken."""

from numba import types

from ..compiling.jit import kernel
from ..simd import atomic_add, atomic_load, make_call, spin_hint
from .team import ABANDONED, ARRIVED

_SPINS = 200

_call_yield = make_call(types.int32)


@kernel
def barrier(sync, arrivals, yield_address):
    """Wait until `arrivals` threads have arrived since the start; False if the others were abandoned."""
    atomic_add(sync + 8 * ARRIVED, 1)
    spins = 0
    while atomic_load(sync + 8 * ARRIVED) < arrivals:
        if atomic_load(sync + 8 * ABANDONED) != 0:
            return False
        spins += 1
        if spins < _SPINS:
            spin_hint()
        else:
            _call_yield(yield_address)
    return True
