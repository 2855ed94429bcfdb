"""Comparisons as files."""

from __future__ import annotations

import csv
import json

import pytest

from fastconv.errors import DataError
from fastconv.experiments.record import save_record
from tests.comparisons import comparison, run

RUNS = (run("a", 0, (0.5, 0.75)), run("b", 0, (0.25,), diverged="epoch 2: the loss became nan"))


def test_csv_has_a_row_for_each_run_and_epoch_and_one_for_a_divergence(tmp_path):
    path = tmp_path / "runs.csv"
    save_record(comparison(*RUNS), path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["optimizer"], row["seed"], row["epoch"], row["test_accuracy"], row["diverged"]) for row in rows] == [
        ("a", "0", "1", "0.5", ""), ("a", "0", "2", "0.75", ""), ("b", "0", "1", "0.25", ""),
        ("b", "0", "2", "", "epoch 2: the loss became nan")]
    assert [float(row["training_loss"]) for row in rows[:3]] == [0.75, 0.5, 1.0]


def test_json_has_everything(tmp_path):
    path = tmp_path / "runs.json"
    save_record(comparison(*RUNS), path)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document == json.loads(json.dumps(comparison(*RUNS).to_dict()))
    assert document["compared"] == "optimizer"
    assert document["setting"]["model"] == "lenet5"
    assert document["runs"][1]["diverged"] == "epoch 2: the loss became nan"
    assert document["runs"][0]["epochs"][1]["validation"]["accuracy"] == 0.75
    assert [each["name"] for each in document["standings"]] == ["a", "b"]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"runs\.txt: expected a name that ends in \.csv or \.json"):
        save_record(comparison(*RUNS), tmp_path / "runs.txt")
    assert not (tmp_path / "runs.txt").exists()
