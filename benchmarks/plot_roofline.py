"""Draw the share of the FMA peak that an epoch reaches, against the width of the layers and the batch.

``python -m benchmarks.plot_roofline`` measures, writes ``docs/_static/roofline.csv`` and draws
``docs/_static/roofline.png`` from it; ``--draw`` draws without measuring, ``--quick`` measures few points and writes
nothing into docs. Needs matplotlib: ``pip install -e ".[bench,plot]"``.
"""

import argparse
import csv
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "_static"
WIDTHS = [16, 32, 64, 128, 256, 512, 1024]
BATCHES = [32, 128, 512]
INPUTS, OUTPUTS = 64, 10


def measure_all(path, widths, batches, rounds):
    """Measure nets with two hidden layers of each width, and write a CSV."""
    import numpy as np

    from fastnet.engine.peak import make_peak

    from .roofline import measure

    dtype = np.dtype(np.float32)
    peak = make_peak(dtype)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["width", "batch", "gflops", "peak_gflops", "share"])
        for batch in batches:
            for width in widths:
                rows = max(2_048, 2 * batch) // batch * batch
                rate, top, _ = measure((INPUTS, width, width, OUTPUTS), batch, dtype, 1, rounds, rows, peak)
                writer.writerow([width, batch, f"{rate / 1e9:.1f}", f"{top / 1e9:.1f}", f"{rate / top:.3f}"])
                print(f"width {width}, batch {batch}: {rate / top:.0%} of {top / 1e9:.0f} GFLOP/s", flush=True)


def draw(source, target):
    """Draw what the CSV holds, a line for each batch."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator, PercentFormatter

    with source.open(newline="") as file:
        points = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for batch in sorted({p["batch"] for p in points}):
        line = sorted((p["width"], p["share"]) for p in points if p["batch"] == batch)
        axes.plot(*zip(*line, strict=True), marker="o", label=f"batch {batch:.0f}")
    widths = sorted({p["width"] for p in points})
    axes.axhline(1, color="black", linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_xticks(widths, [f"{w:.0f}" for w in widths])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(ylim=(0, 1.05), xlabel="units of each of the two hidden layers", ylabel="share of the FMA peak")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(target, dpi=120)
    print(f"drew {target}, {target.stat().st_size / 1e3:.0f} kB")


def main():
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="four points, one round, in a temporary folder")
    parser.add_argument("--draw", action="store_true", help="draw from the CSV as it is")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    if arguments.quick:
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "roofline.csv"
            measure_all(table, [16, 64], [32, 128], 1)
            draw(table, Path(folder) / "roofline.png")
        return
    if not arguments.draw:
        measure_all(FOLDER / "roofline.csv", WIDTHS, BATCHES, arguments.rounds)
    draw(FOLDER / "roofline.csv", FOLDER / "roofline.png")


if __name__ == "__main__":
    main()
