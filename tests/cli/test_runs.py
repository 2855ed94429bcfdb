import csv
import json
from pathlib import Path

import pytest


@pytest.fixture
def two_runs(run, digits):
    """Runs called one and two."""
    for name, lr in (("one", 0.01), ("two", 0.001)):
        result = run("train", "--data", digits, "--epochs", 2, "--batch-size", 32, "--lr", lr, "--run", f"runs/{name}")
        assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("two_runs")
class TestRuns:
    def test_list_has_a_line_for_each(self, run):
        result = run("runs", "list")
        assert result.exit_code == 0, result.output
        lines = [line.split() for line in result.stdout.splitlines()]
        assert [line[:5] for line in lines if line and line[0] in ("one", "two")] == [
            [name, "finished", "lenet5", "adamw", "2/2"] for name in ("one", "two")]

    def test_a_damaged_run_is_listed_as_unreadable_beside_the_others(self, run):
        Path("runs/one/run.toml").write_text("epochs = ")
        result = run("runs", "list")
        assert result.exit_code == 0, result.output
        lines = [line.split()[:2] for line in result.stdout.splitlines()]
        assert ["one", "unreadable"] in lines
        assert ["two", "finished"] in lines
        assert "run.toml: not TOML" in result.stderr
        listed = json.loads(run("runs", "list", "--json").stdout)
        assert [each["state"] for each in listed["runs"]] == ["unreadable", "finished"]

    def test_show_has_configuration_environment_and_epochs(self, run, digits):
        result = run("runs", "show", "one")
        assert result.exit_code == 0, result.output
        assert "runs/one: finished" in result.stdout.replace("\\", "/")
        for word in ("lr 0.01", "numba", "cpu", "validation loss"):
            assert word in result.stdout

    def test_figures_are_saved_as_csv(self, run, tmp_path):
        assert run("runs", "show", "one", "--save", "one.csv").exit_code == 0
        rows = list(csv.DictReader((tmp_path / "one.csv").open()))
        assert [row["epoch"] for row in rows] == ["1", "2"]

    def test_compare_shows_what_differs(self, run):
        result = run("runs", "compare", "one", "runs/two")
        assert result.exit_code == 0, result.output
        rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.split()}
        assert rows["one"] == ["one", "two"]
        assert rows["lr"] == ["lr", "0.01", "0.001"]
        assert "batch_size" not in rows

    def test_each_is_one_json_document(self, run):
        listed = json.loads(run("runs", "list", "--json").stdout)
        assert [each["state"] for each in listed["runs"]] == ["finished", "finished"]
        shown = json.loads(run("runs", "show", "one", "--json").stdout)
        assert [each["epoch"] for each in shown["epochs"]] == [1, 2]
        compared = json.loads(run("runs", "compare", "one", "two", "--json").stdout)
        assert compared["differing"] == {"lr": [0.01, 0.001]}


@pytest.mark.parametrize(("arguments", "message"), [
    (("list",), "runs: found no such folder; `fastconv train` makes it"),
    (("show", "none"), "none: is not the folder of a run"), (("compare", "none"), "none: is not the folder of a run")])
def test_a_run_that_is_not_there_is_told_in_one_line(run, arguments, message):
    result = run("runs", *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_folder_without_runs_has_none(run, tmp_path):
    assert run("runs", "list", tmp_path).stdout == f"{tmp_path} has no runs.\n"
