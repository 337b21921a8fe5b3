"""Share of the machine's limit: FLOP/s of a training epoch beside the FMA peak measured in the same run.

A mini-batch of B rows costs ``2 * B * (3 * all weights - the first layer's)`` floating-point operations. The
peak is the rate of independent fused multiply-adds in the registers of one core.

Run ``python -m benchmarks.roofline``; ``--quick`` is a smoke run, ``--dtype float64`` the other engine.
"""

import argparse
import statistics
import time

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from fastnet.engine import Session
from fastnet.kernels.host import target, target_features, tile
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import Adam

from .problems import SHAPES, glorot

# Each time taken is of about so many operations: a tenth of a second at most, except of the largest networks.
OPERATIONS = 1e10


def make_peak(dtype):
    """A jitted loop of independent fused multiply-adds, and their number an iteration."""
    lanes, chains = tile(dtype).lanes, 12
    scalar = {4: ir.FloatType(), 8: ir.DoubleType()}[dtype.itemsize]
    vector = ir.VectorType(scalar, lanes)

    @intrinsic
    def loop(typingctx, count):
        def codegen(context, builder, signature, args):
            name = f"llvm.fma.v{lanes}f{8 * dtype.itemsize}"
            fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
            half = ir.Constant(vector, [0.5] * lanes)
            entry, body, done = builder.block, builder.append_basic_block(), builder.append_basic_block()
            builder.branch(body)
            builder.position_at_end(body)
            index = builder.phi(ir.IntType(64))
            index.add_incoming(ir.IntType(64)(0), entry)
            sums = [builder.phi(vector) for _ in range(chains)]
            for i, value in enumerate(sums):
                value.add_incoming(ir.Constant(vector, [i + 2.0] * lanes), entry)  # 1 would stay 1 and be folded
            new = [builder.call(fma, [value, half, half]) for value in sums]
            following = builder.add(index, ir.IntType(64)(1))
            index.add_incoming(following, body)
            for value, result in zip(sums, new, strict=True):
                value.add_incoming(result, body)
            builder.cbranch(builder.icmp_signed("<", following, args[0]), body, done)
            builder.position_at_end(done)
            total = new[0]
            for value in new[1:]:
                total = builder.fadd(total, value)
            return builder.fpext(builder.extract_element(total, ir.IntType(32)(0)), ir.DoubleType()) if (
                dtype.itemsize == 4
            ) else builder.extract_element(total, ir.IntType(32)(0))

        return types.float64(types.int64), codegen

    @njit(nogil=True)
    def run(count):
        return loop(count)

    run(1)
    return run, chains * lanes * 2


def peak_flops(run, flops, count=2_000_000):
    """FLOP/s of one core."""
    start = time.perf_counter()
    run(count)
    return count * flops / (time.perf_counter() - start)


def measure(sizes, batch, dtype, n_jobs, rounds, rows, peak):
    """Median FLOP/s of an epoch and of the peak, taken in turn."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((rows, sizes[0])).astype(dtype)
    y = rng.randint(sizes[-1], size=(rows, 1)).astype(dtype)
    architecture = Architecture(sizes, ACTIVATIONS["relu"], LOSSES["log_loss"])
    order = rng.permutation(rows)
    weights = [a * b for a, b in zip(sizes, sizes[1:], strict=False)]
    flops = 2 * rows * (3 * sum(weights) - weights[0])
    epochs = max(1, int(OPERATIONS / flops))
    rates, peaks = [], []
    with Session(architecture, X, y, dtype=dtype, optimizer=Adam(), batch_size=batch, l2=1e-4, n_jobs=n_jobs) as s:
        s.set_parameters(*glorot(sizes, rng, dtype))
        s.run_epoch(order, 1e-3)
        for _ in range(rounds):
            peaks.append(peak_flops(*peak))
            start = time.perf_counter()
            for _ in range(epochs):
                s.run_epoch(order, 1e-3)
            rates.append(flops * epochs / (time.perf_counter() - start))
    return statistics.median(rates), statistics.median(peaks), s.n_threads


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small shapes, one round")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    dtype = np.dtype(arguments.dtype)
    names, rounds = (list(SHAPES)[:2], 1) if arguments.quick else (list(SHAPES), arguments.rounds)
    width = 512 if "avx512f" in target_features() else tile(dtype).lanes * dtype.itemsize * 8
    print(f"CPU {target().cpu}, vectors of {width} bits, {arguments.dtype}, medians of {rounds} rounds\n")
    peak = make_peak(dtype)
    print("| network, batch | threads | GFLOP/s | FMA peak of one core | share of peak |\n|---|---|---|---|---|")
    for name in names:
        sizes, batch, rows = SHAPES[name]
        rows = 2_000 if arguments.quick else rows
        for n_jobs in (1, 2):
            rate, top, threads = measure(sizes, batch, dtype, n_jobs, rounds, rows, peak)
            share = rate / top / threads
            print(f"| {name} | {threads} | {rate / 1e9:.0f} | {top / 1e9:.0f} | {share:.0%} |", flush=True)


if __name__ == "__main__":
    main()
