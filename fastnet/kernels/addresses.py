"""Addresses of numbers, in compiled code."""

from functools import cache

from .compiling.jit import kernel


@cache
def make_element(itemsize):
    """``element(address, n)``: the address of the n-th number from there on."""

    @kernel
    def element(address, n):
        return address + n * itemsize

    return element
