"""`benchmarks/tables.py`: the arithmetic of its report, its splits, and that a run goes on where another one ended."""

import json
import math

import numpy as np
import pytest
from sklearn.metrics import log_loss as sklearn_log_loss

from benchmarks import tables as benchmark
from benchmarks.plot_tables import frontier, points
from benchmarks.tabular import ablation, candidates, data, measure, pairs, report
from benchmarks.tabular.results import Results, read


def line(method, table, split, settings="a", n_test=100, fit_cpu=1.0, machine="here", **scores):
    return {
        "kind": "quality", "table": table, "split": split, "train_rows": 8_000, "threads": 1, "method": method,
        "settings": settings, "versions": {"x": "1"}, "n_test": n_test, "fit_cpu": fit_cpu, "machine": machine,
    } | scores  # fmt: skip


# errors of two tables and RMSE of a third, by hand: trees 0.2, 0.4 and 10
LINES = [
    line("trees", "a", 0, error=0.1, fit_cpu=1),
    line("trees", "a", 1, error=0.3, fit_cpu=3),
    line("trees", "b", 0, error=0.4),
    line("trees", "c", 0, rmse=10.0),
    line("net", "a", 0, error=0.05, fit_cpu=4),  # one split only: 0.5 of the trees' on it
    line("net", "b", 0, error=0.8, fit_cpu=2),
    line("net", "c", 0, rmse=10.0, fit_cpu=8, machine="there"),
]


def found_in(lines):
    return report.current(lines, 8_000, 1)[0]


def test_ratios_are_of_the_splits_that_both_have():
    ratios = report.ratios(found_in(LINES), "net", "trees", ["error", "rmse"])
    assert ratios == pytest.approx({"a": 0.5, "b": 2.0, "c": 1.0})
    assert report.ratios(found_in(LINES), "net", "trees", ["rmse"]) == pytest.approx({"c": 1.0})
    assert report.geometric_mean(list(ratios.values())) == pytest.approx(1.0)
    assert report.geometric_mean([1.0, 2.0, 4.0]) == pytest.approx(2.0)


def test_times_compare_on_one_machine_only():
    assert report.cpu_ratios(found_in(LINES), "net", "trees") == pytest.approx({"a": 4.0, "b": 2.0})


def test_mean_ranks_share_ties():
    ranks, tables = report.mean_ranks(found_in([*LINES, line("other", "a", 0, error=0.1)]), ["trees", "net", "other"])
    assert tables == ["a"]
    assert ranks == pytest.approx({"trees": 2.5, "net": 1.0, "other": 2.5})
    ranks, tables = report.mean_ranks(found_in(LINES), ["trees", "net"])
    assert tables == ["a", "b", "c"]
    assert ranks == pytest.approx({"trees": (2 + 1 + 1.5) / 3, "net": (1 + 2 + 1.5) / 3})


def test_no_wrong_row_counts_as_half_a_one():
    lines = [line("trees", "a", 0, error=0.1, n_test=50), line("net", "a", 0, error=0.0, n_test=50)]
    assert report.ratios(found_in(lines), "net", "trees", ["error"]) == pytest.approx({"a": 0.01 / 0.1})


def test_bootstrap_interval():
    assert report.bootstrap_interval([2.0] * 7) == pytest.approx((2.0, 2.0))
    ratios = np.exp(np.random.default_rng(1).normal(0.3, 0.5, 400))
    low, high = report.bootstrap_interval(ratios)
    # so many tables: a normal distribution's interval
    middle, half = np.log(ratios).mean(), 1.96 * np.log(ratios).std() / math.sqrt(400)
    assert np.log([low, high]) == pytest.approx([middle - half, middle + half], abs=0.004)
    assert report.bootstrap_interval(ratios) == (low, high)
    assert report.bootstrap_interval(ratios, seed=1) != (low, high)


def test_only_a_methods_latest_settings_count():
    lines = [*LINES, line("net", "a", 0, settings="b", error=0.02)]
    found, older = report.current(lines, 8_000, 1)
    assert set(found["net"]) == {"a"} and older == 3
    assert report.ratios(found, "net", "trees", ["error"]) == pytest.approx({"a": 0.2})


def test_what_is_worse_than_the_best_tree():
    lines = [*LINES, line("other trees", "b", 0, error=0.9), line("other trees", "c", 0, rmse=8.0)]
    worse = report.worst_against(found_in(lines), "net", ["trees", "other trees"])
    assert worse == pytest.approx({"b": 2.0, "c": 1.25})


def test_frontier():
    assert frontier({"slow": (9, 0.8), "quick": (1, 1.0), "worse": (2, 1.1), "same": (10, 0.8)}) == ["quick", "slow"]
    measured, tables = points(found_in(LINES), ["trees", "net"], "trees")
    assert tables == ["a", "b", "c"]
    assert measured["net"] == pytest.approx((4.0, 1.0)) and measured["trees"] == pytest.approx((2 ** (1 / 3), 1.0))


def test_log_loss_is_scikit_learns():
    rng = np.random.default_rng(0)
    y, p = rng.integers(3, size=50), rng.dirichlet(np.ones(3), 50)
    assert measure.log_loss(y, p) == pytest.approx(sklearn_log_loss(y, p))
    certain = np.eye(3, dtype="float32")[(y + 1) % 3]
    assert measure.log_loss(y, certain) == pytest.approx(-math.log(np.finfo(np.float32).eps))


def test_turns_alternate():
    order = []
    first, second = pairs.alternate(lambda: order.append("a"), lambda: order.append("b"), 3)
    assert "".join(order) == "abbaab" and len(first) == len(second) == 3


def test_splits_are_disjoint_and_fixed():
    table = data.sources()["wine"]()
    part, again = data.split(table, 3, 0), data.split(table, 3, 0)
    assert len(part.y_train) == 133 and len(part.y_test) == 45
    assert not set(part.X_train.index) & set(part.X_test.index)
    assert list(part.X_train.index) == list(again.X_train.index)
    assert list(part.X_train.index) != list(data.split(table, 4, 0).X_train.index)
    small = data.split(table, 3, 50)
    assert len(small.y_train) == 50 and len(small.y_test) == 128
    assert np.bincount(small.y_train) == pytest.approx(50 * np.bincount(table.y) / 178, abs=1)


def test_a_run_goes_on_after_what_is_there(tmp_path, capsys):
    path = tmp_path / "tables.jsonl"
    command = ["--results", str(path), "--only", "diabetes", "--methods", "hist_gradient_boosting", "--splits"]
    benchmark.main([*command, "1"])
    first = path.read_text()
    with path.open("a") as file:
        file.write(first[: len(first) // 2])  # a run that was killed
    benchmark.main([*command, "2"])
    lines = read(path)
    assert [line["split"] for line in lines] == [0, 1]
    assert json.loads(first) == lines[0]
    assert "line 2: not finished" in capsys.readouterr().err
    benchmark.main([*command, "2", "--report"])
    assert "| HistGradientBoosting | 1 | 1 | 1.000 (1.000–1.000) |" in capsys.readouterr().out
    benchmark.main([*command, "1", "--again"])
    assert len(read(path)) == 3


def test_other_settings_and_versions_are_other_results(tmp_path):
    results = Results(tmp_path / "tables.jsonl")
    results.add(LINES[0])
    assert results.has(LINES[0] | {"machine": "there"})
    assert not results.has(LINES[0] | {"settings": "b"})
    assert not results.has(LINES[0] | {"versions": {"x": "2"}})
    assert Results(results.path).has(LINES[0])


def test_candidates(tmp_path):
    name, method = candidates.from_text('wide={"preset": "fast", "hidden_layer_sizes": [512]}')
    assert name == "wide" and method.settings == {"preset": "fast", "hidden_layer_sizes": [512]}
    for text in ("wide", "wide={preset: fast}", '={"preset": "fast"}', "wide=3"):
        with pytest.raises(ValueError, match="--settings"):
            candidates.from_text(text)
    path = tmp_path / "mine.py"
    path.write_text("CANDIDATES = {'small': {'preset': 'fast'}, 'own': lambda table, seed, threads: (table, seed)}\n")
    made = candidates.from_file(path)
    assert made["small"].settings == {"preset": "fast"} and made["own"].make("x", 1, 1) == ("x", 1)
    before = made["own"].settings
    path.write_text(path.read_text().replace("(table, seed)", "(seed, table)"))
    assert candidates.from_file(path)["own"].settings != before
    path.write_text("CANDIDATES = {}\n")
    with pytest.raises(ValueError, match="not empty"):
        candidates.from_file(path)


def test_a_folder_without_a_loader_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="index.json is not there"):
        data.sources(tmp_path)


def test_an_ablation_leaves_one_part_out_at_a_time(capsys):
    made = ablation.methods("fast", parameters=["preset", "dropout", "loss"])
    assert {name: method.settings for name, method in made.items()} == {
        "tabular_fast": {"preset": "fast"},
        "fast without label smoothing": {"preset": "fast", "loss": "log_loss"},
        "fast without dropout": {"preset": "fast", "dropout": 0.0},
    }
    assert made["fast without label smoothing"].tasks == ("classification",)
    assert "members is left out: there is no parameter n_members" in capsys.readouterr().err
