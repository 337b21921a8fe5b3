"""Floor 0: the host CPU, SIMD vocabulary, GEMM tiles, vector maths, random bits, threads, jit flags."""
