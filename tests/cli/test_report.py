import json
import shutil

import pytest

pytest.importorskip("matplotlib")


def test_a_page_is_written(run, model_file, digits, tmp_path):
    page = tmp_path / "page.html"
    result = run("report", model_file, "--data", digits, "-o", page)
    assert result.exit_code == 0, result.output
    assert f"Report saved in {page}" in result.output
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert f"<h1>{model_file.stem}</h1>" in text
    assert f"200 images of {digits.name}" in text
    assert "Training" not in text


def test_a_runs_folder_has_its_best_model_and_its_history(run, model_file, digits, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(model_file, folder / "best.safetensors")
    (folder / "metrics.jsonl").write_text(json.dumps({"epoch": 1, "loss": 0.5, "lr": 0.1}) + "\n")
    result = run("report", folder, "--data", digits, "-o", tmp_path / "page.html")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>mine</h1>" in text
    assert "Training" in text


def test_a_run_brings_its_data(run, model_file, digits, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(model_file, folder / "best.safetensors")
    (folder / "metrics.jsonl").write_text(json.dumps({"epoch": 1, "loss": 0.5, "lr": 0.1}) + "\n")
    (folder / "run.toml").write_text(f'data = "{digits}"\n')
    result = run("report", folder, "-o", tmp_path / "page.html")
    assert result.exit_code == 0, result.output
    assert f"200 images of {digits.name}" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_history_that_is_none_is_an_error_in_one_line(run, model_file, digits, tmp_path):
    (tmp_path / "history.json").write_text("[]")
    result = run("report", model_file, "--data", digits, "--history", tmp_path / "history.json", "-o",
                 tmp_path / "page.html")
    assert result.exit_code == 1
    assert "history.json: expected what `fastconv train --json` prints" in result.stderr
    assert not (tmp_path / "page.html").exists()


def test_a_page_that_cannot_be_written_is_an_error_before_the_work(run, model_file, tmp_path):
    result = run("report", model_file, "-o", tmp_path / "none" / "page.html")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_a_run_whose_data_are_gone_asks_for_them(run, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "run.toml").write_text('data = "/gone/digits"\n')
    result = run("report", folder)
    assert result.exit_code == 1
    assert f"{folder}: this run's data are gone: /gone/digits; name them with --data" in result.stderr
