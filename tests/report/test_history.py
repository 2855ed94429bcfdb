"""Histories of training runs in files."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import pytest

from fastconv.errors import DataError
from fastconv.report.history import read_history
from fastconv.trainer import EpochResult

EPOCHS = [EpochResult(1, 0.5, 0.1, 2.0, 100.0, {"loss": 0.4, "accuracy": 0.9}), EpochResult(2, 0.3, 0.05, 2.0, 100.0)]


def lines(*results):
    return "".join(json.dumps(asdict(each)) + "\n" for each in results)


@pytest.mark.parametrize("text", [
    json.dumps({"model": "lenet5", "epochs": [asdict(each) for each in EPOCHS]}, indent=2),
    json.dumps([asdict(each) for each in EPOCHS]),
    lines(*EPOCHS), lines(*EPOCHS).rstrip(), lines(*EPOCHS) + "\n\n",
], ids=["what train prints", "a list", "lines", "no last line's end", "empty lines"])
def test_a_history_is_read(tmp_path, text):
    (tmp_path / "history").write_text(text)
    assert read_history(tmp_path / "history") == EPOCHS


def test_a_runs_folder_has_its_lines(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(lines(*EPOCHS[:1]))
    assert read_history(tmp_path) == EPOCHS[:1]


def test_a_last_line_that_is_cut_off_is_left_out(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(lines(*EPOCHS)[:-20])
    assert read_history(tmp_path) == EPOCHS[:1]


def test_null_and_what_is_missing_is_no_number(tmp_path):
    (tmp_path / "history").write_text('{"epoch": 3, "loss": null}')
    (epoch,) = read_history(tmp_path / "history")
    assert epoch.epoch == 3
    assert math.isnan(epoch.loss)
    assert math.isnan(epoch.lr)
    assert epoch.validation is None


@pytest.mark.parametrize("text", [
    "", "[]", "{}", "3", "null", '"x"', "[1]", '{"epoch": 1}', '{"epochs": 7}', "not json", "[" * 100_000,
    '[{"epoch": "x", "loss": 1}]', '{"epoch": 1, "loss": [1]}', '{"epoch": 1e999, "loss": 1}',
    '{"epoch": 1, "loss": 1, "validation": 5}'])
def test_anything_else_is_an_error_that_names_the_file(tmp_path, text):
    (tmp_path / "history.json").write_text(text)
    with pytest.raises(DataError, match=r"history\.json: expected what"):
        read_history(tmp_path / "history.json")


def test_a_file_that_is_not_there_or_no_text_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DataError, match=r"none: cannot be read"):
        read_history(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"binary: cannot be read"):
        read_history(tmp_path / "binary")
