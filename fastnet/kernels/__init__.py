"""Floor 0: the host CPU, SIMD vocabulary, GEMM tiles, vector maths, random bits, threads, jit flags."""

from . import thread_limits  # noqa: F401  registers with threadpoolctl
