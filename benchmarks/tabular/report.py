"""What the results say: ranks, errors relative to a reference with intervals, and seconds, as Markdown and CSV."""

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

REFERENCE = "hist_gradient_boosting"
DRAWS, COVERED = 10_000, 0.95
METRICS = {"error": "error", "log_loss": "log loss", "rmse": "RMSE"}


def geometric_mean(values):
    """Of positive numbers."""
    return float(np.exp(np.mean(np.log(values))))


def bootstrap_interval(ratios, draws=DRAWS, covered=COVERED, seed=0):
    """Between which the geometric mean lies when the tables are drawn anew, with replacement (percentiles).

    Parameters
    ----------
    ratios : list of float
        One for each table.

    Returns
    -------
    low, high : float
    """
    logarithms = np.log(ratios)
    rows = np.random.default_rng(seed).integers(len(ratios), size=(draws, len(ratios)))
    tail = 50 * (1 - covered)
    low, high = np.percentile(logarithms[rows].mean(axis=1), [tail, 100 - tail])
    return math.exp(low), math.exp(high)


def current(lines, train_rows, threads):
    """The results that count, and how many of them do not.

    Of a method, only those of its latest settings and versions; of a repeated result, the latest.

    Returns
    -------
    found : dict of dict of dict of dict
        Results by method, table and split.
    older : int
        Results of other settings or versions.
    """
    chosen = [
        line
        for line in lines
        if line["kind"] == "quality" and (line["train_rows"], line["threads"]) == (train_rows, threads)
    ]
    latest = {line["method"]: (line["settings"], line["versions"]) for line in chosen}
    found, older = defaultdict(lambda: defaultdict(dict)), 0
    for line in chosen:
        if (line["settings"], line["versions"]) == latest[line["method"]]:
            found[line["method"]][line["table"]][line["split"]] = line
        else:
            older += 1
    return found, older


def mean_of(splits, numbers, metric):
    """Mean of a metric over some splits. No wrong row counts as half a one, so that ratios exist."""
    mean = float(np.mean([splits[number][metric] for number in numbers]))
    if metric == "error":
        return max(mean, 0.5 / sum(splits[number]["n_test"] for number in numbers))
    return mean


def ratio(splits, reference, metric):
    """A method's metric divided by that of another one, over the splits that both have; None if there is none."""
    common = sorted(splits.keys() & reference.keys())
    if not common or not all(metric in own[number] for own in (splits, reference) for number in common):
        return None
    return mean_of(splits, common, metric) / mean_of(reference, common, metric)


def ratios(found, method, reference, metrics):
    """By table, a method's ratio to the reference, of the first of the metrics that the table has."""
    result = {}
    for table, splits in found[method].items():
        against = found.get(reference, {}).get(table, {})
        for metric in metrics:
            value = ratio(splits, against, metric)
            if value is not None:
                result[table] = value
                break
    return result


def time_ratios(found, method, reference, field="fit_cpu"):
    """By table, CPU seconds divided by the reference's, of the splits that one machine measured of both."""
    result = {}
    for table, splits in found[method].items():
        against = found.get(reference, {}).get(table, {})
        common = [n for n in splits.keys() & against.keys() if splits[n]["machine"] == against[n]["machine"]]
        if common:
            result[table] = sum(splits[n][field] for n in common) / sum(against[n][field] for n in common)
    return result


def mean_ranks(found, methods):
    """Mean ranks by error or RMSE, 1 the best, ties sharing theirs.

    Only tables that all the methods have a split of, and of these the splits that all have.

    Returns
    -------
    ranks : dict of float
        By method; empty without such a table.
    tables : list of str
    """
    ranks, tables = [], []
    for table in sorted(set.intersection(*(set(found[method]) for method in methods)) if methods else ()):
        common = set.intersection(*(set(found[method][table]) for method in methods))
        if not common:
            continue
        first = next(iter(found[methods[0]][table].values()))
        metric = "error" if "error" in first else "rmse"
        ranks.append(rankdata([mean_of(found[method][table], common, metric) for method in methods]))
        tables.append(table)
    return dict(zip(methods, np.mean(ranks, axis=0), strict=True)) if ranks else {}, tables


@dataclass(frozen=True)
class Cell:
    """A geometric mean over tables with its interval; NaN without tables."""

    mean: float
    low: float
    high: float

    def __str__(self):
        return "–" if math.isnan(self.mean) else f"{self.mean:.3f} ({self.low:.3f}–{self.high:.3f})"


def cell(by_table):
    """The geometric mean over tables of a dict of ratios."""
    values = list(by_table.values())
    return Cell(geometric_mean(values), *bootstrap_interval(values)) if values else Cell(*[math.nan] * 3)


def number(value):
    """Three digits, or a dash for NaN."""
    return "–" if math.isnan(value) else f"{value:.3g}"


def summary(found, methods, titles, reference=REFERENCE):
    """A line for each method, as heads and rows of text."""
    ranks, ranked = mean_ranks(found, methods)
    heads = [
        "method", "tables", "mean rank", "error or RMSE", "error", "log loss", "RMSE", "CPU seconds of a fit",
        "CPU time of a fit", "CPU time of predictions",
    ]  # fmt: skip
    rows = []
    for method in methods:
        cells = [
            cell(ratios(found, method, reference, metrics))
            for metrics in (["error", "rmse"], ["error"], ["log_loss"], ["rmse"])
        ]
        seconds = [np.mean([line["fit_cpu"] for line in splits.values()]) for splits in found[method].values()]
        times = [list(time_ratios(found, method, reference, field).values()) for field in ("fit_cpu", "predict_cpu")]
        rows.append([
            titles.get(method, method), str(len(found[method])), number(ranks.get(method, math.nan)),
            *map(str, cells), number(geometric_mean(seconds)),
            *(number(geometric_mean(values) if values else math.nan) for values in times),
        ])  # fmt: skip
    return heads, rows, ranked


def each_table(found, methods, titles, reference=REFERENCE):
    """A line for each table and metric: the reference's mean, and the others' divided by it."""
    others = [method for method in methods if method != reference]
    heads = ["table", "metric", titles.get(reference, reference), *(titles.get(name, name) for name in others)]
    rows = []
    for table, splits in sorted(found.get(reference, {}).items()):
        for metric, title in METRICS.items():
            if metric not in next(iter(splits.values())):
                continue
            values = [ratio(found[method].get(table, {}), splits, metric) for method in others]
            rows.append([
                table, title, f"{mean_of(splits, splits, metric):.4g}",
                *("–" if value is None else f"{value:.3f}" for value in values),
            ])  # fmt: skip
    return heads, rows


def worst_against(found, method, rivals, most=1.1):
    """Tables on which a method is worse than the best of its rivals by more than a factor: dict of the ratios."""
    worse = {}
    for table in found.get(method, {}):
        against = [ratios(found, method, rival, ["error", "rmse"]).get(table) for rival in rivals if rival in found]
        largest = max((value for value in against if value is not None), default=0)
        if largest > most:
            worse[table] = largest
    return worse


def pairs(lines, titles):
    """A line for each method and table of the latest pairs: median of the ratios, and the least and the largest."""
    latest = {(x["method"], x["against"], x["table"]): x for x in lines if x["kind"] == "pairs"}
    heads = ["method", "against", "table", "CPU seconds", "CPU time", "wall time", "rounds"]
    rows, by_method = [], defaultdict(list)
    for (method, against, table), line in latest.items():
        cpu, wall = line["cpu_ratios"], line["wall_ratios"]
        by_method[method, against].append(float(np.median(cpu)))
        names = [titles.get(method, method), titles.get(against, against)]
        rows.append([*names, table, number(line["cpu"]), spread(cpu), spread(wall), str(len(cpu))])
    for (method, against), medians in by_method.items():
        names = [titles.get(method, method), titles.get(against, against)]
        rows.append([*names, "geometric mean", "", number(geometric_mean(medians)), "", ""])
    return heads, rows


def spread(values):
    """Median, in brackets the least and the largest."""
    return f"{np.median(values):.3g} ({min(values):.3g}–{max(values):.3g})"


def markdown(heads, rows):
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_csv(path, heads, rows):
    """A table as CSV."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([heads, *rows])
