"""Draw quality against CPU seconds: each method a point, and the line of those that no other beats in both.

``python -m benchmarks.plot_tables --results tables.jsonl`` reads the results of ``benchmarks.tables``, writes
``docs/_static/tables_frontier.csv`` and draws ``docs/_static/tables_frontier.png``; ``--folder`` names another folder.
Needs matplotlib: ``pip install -e ".[bench,plot]"``.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from .tabular import report
from .tabular.methods import METHODS
from .tabular.results import read

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "_static"


def points(found, names, reference):
    """CPU seconds of a fit and error relative to the reference, by method; and the tables they are of.

    Geometric means over the tables that all methods have.

    Returns
    -------
    points : dict of tuple
        Seconds and ratio.
    tables : list of str
    """
    by_method = {name: report.ratios(found, name, reference, ["error", "rmse"]) for name in names}
    tables = sorted(set.intersection(*map(set, by_method.values()))) if names else []
    if not tables:
        return {}, tables
    result = {}
    for name, ratios in by_method.items():
        seconds = [np.mean([line["fit_cpu"] for line in found[name][table].values()]) for table in tables]
        result[name] = report.geometric_mean(seconds), report.geometric_mean([ratios[table] for table in tables])
    return result, tables


def frontier(points):
    """Names of the points that no other point beats in both, by their first number."""
    best, names = float("inf"), []
    for name in sorted(points, key=points.get):
        if points[name][1] < best:
            best = points[name][1]
            names.append(name)
    return names


def draw(points, titles, n_tables, target):
    """Draw the points, with their titles beside them."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.subplots()
    n_drawn = {"C0": 0, "C1": 0}
    for name, (seconds, ratio) in sorted(points.items(), key=lambda point: point[1]):
        color = "C0" if name in METHODS and "fastnet" not in METHODS[name].packages else "C1"
        axes.plot(seconds, ratio, "o", color=color)
        # Names above and below in turn: methods of one kind lie close together.
        offset = (4, -11 if n_drawn[color] % 2 else 4)
        axes.annotate(titles.get(name, name), (seconds, ratio), offset, textcoords="offset points", fontsize=8)
        n_drawn[color] += 1
    axes.plot(*zip(*(points[name] for name in frontier(points)), strict=True), color="gray", linewidth=1, zorder=0)
    axes.margins(x=0.12)
    axes.set(
        xscale="log", yscale="log", xlabel="CPU seconds of a fit", ylabel="error relative to HistGradientBoosting's"
    )
    ratios = [ratio for _, ratio in points.values()]
    ticks = [
        tick for tick in (0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3) if min(ratios) / 1.15 < tick < max(ratios) * 1.15
    ]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.2)
    axes.set_title(f"{n_tables} tables, geometric means", fontsize=10)
    axes.grid(alpha=0.3)
    figure.savefig(target, dpi=120)


def main():
    """Read, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", metavar="PATH", nargs="+", default=["tables.jsonl"])
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help="default: all that the results have")
    parser.add_argument("--reference", default=report.REFERENCE, metavar="METHOD")
    parser.add_argument("--train-rows", type=int, default=8_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the picture and its numbers")
    arguments = parser.parse_args()
    lines = [line for path in arguments.results for line in read(path)]
    found, _ = report.current(lines, arguments.train_rows, arguments.threads)
    names = [name for name in arguments.methods or found if name in found]
    machines = {line["machine"] for name in names for splits in found[name].values() for line in splits.values()}
    if len(machines) > 1:
        sys.exit(f"CPU seconds of different machines do not compare: {'; '.join(sorted(machines))}.")
    measured, tables = points(found, names, arguments.reference)
    if not measured:
        sys.exit("There is no table that all these methods and the reference have results of.")
    best = frontier(measured)
    titles = {name: method.title for name, method in METHODS.items()}
    rows = [
        [titles.get(name, name), f"{seconds:.3g}", f"{ratio:.3f}", "yes" if name in best else ""]
        for name, (seconds, ratio) in sorted(measured.items(), key=lambda item: item[1])
    ]
    heads = ["method", "CPU seconds of a fit", "error or RMSE", "on the frontier"]
    report.write_csv(arguments.folder / "tables_frontier.csv", heads, rows)
    print(report.markdown(heads, rows))
    target = arguments.folder / "tables_frontier.png"
    draw(measured, titles, len(tables), target)
    print(f"drew {target}, {target.stat().st_size / 1e3:.0f} kB, of {', '.join(tables)}")


if __name__ == "__main__":
    main()
