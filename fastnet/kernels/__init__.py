"""Floor 0: the host CPU, SIMD vocabulary, GEMM tiles, vector maths, random bits, threads, jit flags."""

from .threads import limits  # noqa: F401  registers with threadpoolctl
