"""Bars of an epoch's time in four libraries, for three networks: ``python -m benchmarks.plot_peers``.

Reads ``docs/_static/peers_avx2.csv``, one run of ``python -m benchmarks.peers`` with one thread, and draws
``docs/_static/peers.png``; ``--folder`` names another folder. A peer's time is fastnet's times the ratio in the table.
"""

import argparse
import csv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "_static"
NETWORKS = ["20-64-10, 32", "64-256-256-10, 256", "784-1024-1024-10, 256"]
PEERS = {"JAX": "JAX", "PyTorch": "PyTorch", "scikit-learn float32": "scikit-learn"}  # all compute in float32
BLUE, GREY = "#0072b2", "#a6a6a6"
UNITS = {"ms": 1.0, "s": 1000.0}


def read(path):
    """Milliseconds of an epoch with one thread, by network and library."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = {row["network, batch"]: row for row in csv.DictReader(file) if row["threads"] == "1"}
    times = {}
    for network in NETWORKS:
        number, unit = rows[network]["fastnet, an epoch"].split()
        ours = float(number) * UNITS[unit]
        times[network] = {"fastnet": ours} | {name: ours * float(rows[network][key]) for key, name in PEERS.items()}
    return times


def words(milliseconds):
    """A time of two or three digits with its unit."""
    return f"{milliseconds:.3g} ms" if milliseconds < 999.5 else f"{milliseconds / 1000:.2f} s"


def draw(times, target):
    """One panel for each network, a bar for each library, fastnet on top: still legible on the screen of a phone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    for axes, (network, bars) in zip(figure.subplots(len(times), 1), times.items(), strict=True):
        colors = [BLUE if name == "fastnet" else GREY for name in bars]
        drawn = axes.barh(list(bars), list(bars.values()), color=colors)
        axes.bar_label(drawn, [words(time) for time in bars.values()], padding=4, fontsize=11)
        layers, batch = network.split(", ")
        axes.set_title(f"{layers}, batches of {batch}", fontsize=11, loc="left")
        axes.set_xlim(0, 1.18 * max(bars.values()))
        axes.tick_params(labelsize=11, length=0)
        axes.set_xticks([])
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.invert_yaxis()
    figure.supxlabel("Time of a training epoch (one thread, float32): shorter is better", fontsize=11)
    figure.savefig(target, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where peers.png is written")
    folder = parser.parse_args().folder
    draw(read(FOLDER / "peers_avx2.csv"), folder / "peers.png")


if __name__ == "__main__":
    main()
