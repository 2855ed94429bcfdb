import csv
import json
import math

import pytest

import fastconv as fc
from fastconv.errors import CheckpointError
from fastconv.runs.metrics import COLUMNS, Metrics, as_row, read_results, to_csv

RESULTS = [fc.EpochResult(1, 0.1 + 0.2, 1e-3, 1.5, 1 / 3, {"loss": 0.7, "accuracy": 0.9}),
           fc.EpochResult(2, 0.25, 1e-7, 1.25, 100.0, None)]


def write(folder, results):
    metrics = Metrics(folder, [])
    for result in results:
        metrics.append(result)
    metrics.sync()
    metrics.close()
    return folder / "metrics.jsonl"


def test_results_are_read_as_they_were_to_the_last_bit(tmp_path):
    write(tmp_path, RESULTS)
    assert read_results(tmp_path) == RESULTS


def test_every_line_is_an_object_of_its_own(tmp_path):
    lines = write(tmp_path, RESULTS).read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def test_no_file_is_no_results(tmp_path):
    assert read_results(tmp_path) == []


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    path = write(tmp_path, RESULTS)
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert read_results(tmp_path) == RESULTS[:int(length >= first)]


def test_a_run_that_goes_on_keeps_the_results_it_is_given(tmp_path):
    write(tmp_path, RESULTS)
    metrics = Metrics(tmp_path, RESULTS[:1])
    metrics.append(RESULTS[1])
    metrics.close()
    assert read_results(tmp_path) == RESULTS


def test_what_is_no_number_is_null(tmp_path):
    lost = fc.EpochResult(1, 0.5, 1e-3, 1.0, 1.0, {"loss": math.nan, "accuracy": 0.1})
    assert as_row(lost)["validation"] == {"loss": None, "accuracy": 0.1}
    write(tmp_path, [lost])
    assert math.isnan(read_results(tmp_path)[0].validation["loss"])


@pytest.mark.parametrize(("line", "message"), [
    ("nonsense", "line 1: not the result of an epoch"), ("[]", "line 1"), ("{}", "line 1.*'validation'"),
    ("[" * 100_000, "line 1"), (json.dumps(as_row(RESULTS[1])), "line 1.*expected epoch 1, found 2")])
def test_a_damaged_line_is_named(tmp_path, line, message):
    (tmp_path / "metrics.jsonl").write_text(line + "\n")
    with pytest.raises(CheckpointError, match=message):
        read_results(tmp_path)


def test_csv_has_a_row_for_each_epoch():
    rows = list(csv.reader(to_csv(RESULTS).splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [float(each) for each in rows[1]] == [1, 0.1 + 0.2, 1e-3, 1.5, 1 / 3, 0.7, 0.9]
    assert rows[2][-2:] == ["", ""]
