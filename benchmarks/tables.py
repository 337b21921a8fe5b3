"""fastnet on tables beside gradient-boosted trees and other networks: quality, CPU time, and what they cost each other.

    python -m benchmarks.tables --data FOLDER              # measure what is not yet measured, then report
    python -m benchmarks.tables --data FOLDER --report     # report only
    python -m benchmarks.tables --data FOLDER --times      # ratios of times
    python -m benchmarks.plot_tables                       # the picture: quality against CPU seconds

``pip install -e ".[peers]"`` brings the peers; methods that are not installed are left out. ``--quick`` is a smoke run.

How it is measured
------------------
- Five splits of each table. A split's number is its seed, and the seed of the methods. Three quarters of the rows are
  to train with, at most 8,000; all the others are to test with. Classes keep their shares in both.
- Classes: the share of wrong ones, and the log loss with probabilities held above 1.2e-7. Numbers: the root of the mean
  squared error.
- All methods are at their defaults, but for ``tabular_td_s``, which has RealMLP-TD-S's settings. Networks that take
  numbers only get medians with indicators for what is missing, standardised columns and targets, and one-hot
  categories. RealMLP gets the medians and indicators.
- Seconds are of ``fit`` and of predictions: of the wall, and of all threads of the process together. All methods have
  the same number of threads, one unless told otherwise. Each method fits few rows of a table first, so that nothing is
  compiled or imported when it counts.
- Each result is a line of JSON in ``--results``: table, split, method, a digest of its settings, versions, machine,
  errors and seconds. What is there is not measured again, so a run can end at any time and go on later.
- CPU seconds depend on the machine and on what else it does. ``--times`` measures four tables in pairs: the methods
  take turns, and the ratio of each turn counts.

How it is reported
------------------
A method's error on a table, over the splits that both have, is divided by that of the reference, and the geometric
mean over tables is taken. The interval holds 95 % of the means of tables drawn anew with replacement. Ranks are of
tables that all the methods have.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from .tabular import ablation, candidates, data, measure, pairs, report
from .tabular.methods import METHODS
from .tabular.results import Results

QUICK_TABLES, QUICK_METHODS = ["diabetes", "iris"], ["hist_gradient_boosting", "fastnet_mlp", "tabular_fast"]


def parse(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small tables, few methods, one split")
    parser.add_argument(
        "--data", metavar="FOLDER",
        help=f"tables, with load.py and index.json; default: the variable {data.VARIABLE}, else scikit-learn's own",
    )  # fmt: skip
    parser.add_argument("--results", metavar="PATH", help="where results are kept; default: tables.jsonl, here")
    parser.add_argument("--only", nargs="+", metavar="TABLE", help="tables; default: all")
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help=f"of {', '.join(METHODS)}; default: all")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--train-rows", type=int, default=8_000, help="at most so many; 0: no limit")
    parser.add_argument("--threads", type=int, default=1, help="of each method")
    parser.add_argument("--again", action="store_true", help="measure what is there, too")
    parser.add_argument("--settings", nargs="+", default=[], metavar="NAME={…}", help="of TabularMLP, as JSON")
    parser.add_argument("--candidates", metavar="FILE", help="Python file with a dict CANDIDATES of settings by name")
    parser.add_argument("--ablation", metavar="PRESET", help="the preset, and without one of its parts at a time")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--reference", default=report.REFERENCE, metavar="METHOD", help="errors are relative to it")
    parser.add_argument("--csv", metavar="FOLDER", help="write the report's tables there, too")
    parser.add_argument("--times", action="store_true", help="measure pairs instead of quality")
    parser.add_argument("--against", default="catboost", metavar="METHOD", help="the other of each pair")
    parser.add_argument("--rounds", type=int, default=pairs.ROUNDS, help="of pairs")
    return parser.parse_args(arguments)


def chosen_methods(arguments):
    """Methods by name: those that the command line asks for and that can run here."""
    made = dict(map(candidates.from_text, arguments.settings))
    if arguments.candidates:
        made |= candidates.from_file(arguments.candidates)
    if arguments.ablation:
        made |= ablation.methods(arguments.ablation)
    known = METHODS | made
    names = arguments.methods or (QUICK_METHODS if arguments.quick else list(made) or list(METHODS))
    for name in names:
        if name not in known:
            sys.exit(f"There is no method {name!r}. Choose from {', '.join(known)}.")
    missing = [name for name in names if not known[name].is_installed]
    for name in missing:
        print(f"{known[name].title} is left out: {known[name].module} is not there.", file=sys.stderr)
    return {name: known[name] for name in names if name not in missing}, known


def chosen_tables(arguments):
    """Loaders by name of the tables that the command line asks for."""
    sources = data.sources(arguments.data)
    names = arguments.only or (QUICK_TABLES if arguments.quick else list(sources))
    for name in names:
        if name not in sources:
            sys.exit(f"There is no table {name!r}. Choose from {', '.join(sources)}.")
    return {name: sources[name] for name in names}


def shown(jobs, title):
    """The jobs one by one, with a bar if tqdm is there, else a line each."""
    try:
        from tqdm import tqdm
    except ImportError:
        for number, job in enumerate(jobs):
            print(f"{number} of {len(jobs)}: {title(job)}", file=sys.stderr, flush=True)
            yield job
        return
    with tqdm(jobs, unit="result") as bar:
        for job in bar:
            bar.set_postfix_str(title(job))
            yield job


def measure_quality(results, tables, methods, arguments):
    """Measure what the results lack. Returns what failed, a list of text."""
    jobs = []
    for table in tables:
        for name, method in methods.items():
            for number in range(arguments.splits):
                heading = measure.heading(name, method, table, number, arguments.train_rows, arguments.threads)
                if arguments.again or not results.has(heading):
                    jobs.append((heading, method))
    table, warm, failures = None, None, []
    for heading, method in shown(jobs, lambda job: "{table}, {method}, split {split}".format(**job[0])):
        try:
            if table is None or table.name != heading["table"]:
                table = tables[heading["table"]]()
            if table.task not in method.tasks:
                continue
            part = data.split(table, heading["split"], arguments.train_rows)
            if warm != (table.name, heading["method"]):
                measure.warm_up(method, table, part, arguments.threads)
                warm = table.name, heading["method"]
            results.add(measure.quality(heading, method, table, part, arguments.threads))
        except Exception as error:  # the others' results are worth having
            what = " ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
            failures.append(f"{heading['table']}, {heading['method']}, split {heading['split']}: {what}")
            print(failures[-1], file=sys.stderr, flush=True)
    return failures


def measure_times(results, tables, methods, known, arguments):
    """Measure pairs of each method with the one it is compared with, on the four named tables."""
    against = known.get(arguments.against)
    if against is None or not against.is_installed:
        sys.exit(f"--against must be a method that is installed, got {arguments.against!r}.")
    named = [name for name in (*pairs.NAMED, *pairs.NAMED_SHIPPED) if name in tables]
    names = arguments.only or named or sys.exit("None of the named tables is there. Name some with --only.")
    jobs = [(table, name) for table in names for name in methods if name != arguments.against]
    loaded = None
    for table, name in shown(jobs, ", ".join):
        if loaded is None or loaded.name != table:
            loaded = tables[table]()
        results.add(
            pairs.measure_pairs(
                name, methods[name], arguments.against, against, loaded, arguments.train_rows, arguments.threads,
                arguments.rounds,
            )
        )  # fmt: skip


def print_report(results, tables, methods, known, arguments):
    """Print the report, and write its tables."""
    lines = [line for line in results.lines if line["table"] in tables]
    found, older = report.current(lines, arguments.train_rows, arguments.threads)
    titles = {name: method.title for name, method in known.items()}
    reference = arguments.reference
    asked = arguments.methods or arguments.settings or arguments.candidates or arguments.ablation
    names = [name for name in dict.fromkeys([reference, *(methods if asked else [*known, *found])]) if name in found]
    parts = {}
    if reference in found:
        *parts["summary"], ranked = report.summary(found, names, titles, reference)
        parts["each"] = report.each_table(found, names, titles, reference)
    elif found:
        sys.exit(f"There is no result of the reference, {reference!r}. Measure it, or name another one by --reference.")
    heads, rows = report.pairs(lines, titles)
    if rows:
        parts["times"] = heads, rows
    if not parts:
        sys.exit(f"There are no results in {results.path} for these tables, rows and threads.")
    machines = sorted({line["machine"] for line in lines})
    limit = f"at most {arguments.train_rows:,}" if arguments.train_rows else "all"
    print(f"Rows to train with: {limit}. Threads: {arguments.threads}. {'; '.join(machines)}.")
    for name, (heads, rows) in parts.items():
        print(f"\n{report.markdown(heads, rows)}")
        if arguments.csv:
            report.write_csv(Path(arguments.csv) / f"tables_{name}.csv", heads, rows)
    if "summary" not in parts:
        return
    print(f"\n- Errors and times are divided by {titles[reference]}'s: geometric means, 95 % intervals over tables.")
    print(f"- Ranks are of {len(ranked)} tables that all these methods have.")
    for name in names:
        trees = [tree for tree in ("hist_gradient_boosting", "lightgbm", "catboost") if tree != name]
        worse = report.worst_against(found, name, trees) if name.startswith("tabular") else {}
        if worse:
            each = ", ".join(f"{table} ({value:.2f})" for table, value in worse.items())
            print(f"- {titles[name]} is more than 10 % worse than the best tree on {each}.")
        sources = {line["source"] for splits in found[name].values() for line in splits.values()}
        if len(sources) > 1:
            print(f"- Results of {titles[name]} come from {len(sources)} states of fastnet's files.")
    if older:
        print(f"- {older} results of other settings or versions are left out.")


def main(arguments=None):
    """Measure and report."""
    arguments = parse(arguments)
    methods, known = chosen_methods(arguments)
    tables = chosen_tables(arguments)
    if arguments.quick:
        arguments.splits = arguments.rounds = 1
    with tempfile.TemporaryDirectory() as folder:
        # A smoke run leaves nothing behind.
        results = Results(arguments.results or Path(folder if arguments.quick else "") / "tables.jsonl")
        failures = []
        if arguments.times:
            measure_times(results, tables, methods, known, arguments)
        elif not arguments.report:
            failures = measure_quality(results, tables, methods, arguments)
        print_report(results, tables, methods, known, arguments)
    if failures:
        sys.exit("\n".join(["These failed:", *failures]))


if __name__ == "__main__":
    main()
