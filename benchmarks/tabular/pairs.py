"""Ratios of times from alternating pairs: two methods take turns, so that both see the same machine."""

from .data import split
from .measure import fitted, machine, versions, warm_up
from .results import digest

# A mixed table of two classes, a wide one of few rows, numbers only with many classes, a middling regression.
NAMED = ("adult", "ames", "letter", "california_housing")
NAMED_SHIPPED = ("breast_cancer", "diabetes", "digits", "wine")
ROUNDS = 3


def alternate(first, second, rounds):
    """Results of two functions that take turns; who begins changes with the round.

    Parameters
    ----------
    first, second : callable
        Without arguments.

    Returns
    -------
    of_first, of_second : list
        One of each round.
    """
    taken = [], []
    for number in range(rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        for which in order:
            taken[which].append((first, second)[which]())
    return taken


def measure_pairs(name, method, against_name, against, table, train_rows, threads, rounds):
    """A line of results: ratios of the seconds of fits, one of each round, on the table's first split."""
    part = split(table, 0, train_rows)
    for each in (method, against):
        warm_up(each, table, part, threads)
    ours, theirs = alternate(
        lambda: fitted(method, table, part, threads)[1], lambda: fitted(against, table, part, threads)[1], rounds
    )
    return {
        "kind": "pairs", "table": table.name, "method": name, "against": against_name, "train_rows": train_rows,
        "threads": threads, "settings": digest(method.settings), "machine": machine(),
        "versions": versions([*method.packages, *against.packages]),
        "cpu": sum(clock.cpu for clock in ours) / rounds, "against_cpu": sum(clock.cpu for clock in theirs) / rounds,
        "cpu_ratios": [a.cpu / b.cpu for a, b in zip(ours, theirs, strict=True)],
        "wall_ratios": [a.wall / b.wall for a, b in zip(ours, theirs, strict=True)],
    }  # fmt: skip
