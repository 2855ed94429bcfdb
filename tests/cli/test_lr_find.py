import json

import pytest


def test_a_rate_is_suggested_under_the_curve(run):
    result = run("lr-find", "--steps", 100)
    assert result.exit_code == 0, result.output
    curve, axis, read, suggestion = result.stdout.splitlines()
    assert set(curve) >= set("▁█")
    assert axis.split()[0] == "1e-05"
    assert read.startswith("falls fastest at ")
    assert suggestion.startswith("Suggestion: --lr 0.")


def test_json_has_the_curve(run):
    document = json.loads(run("lr-find", "--steps", 100, "--json").stdout)
    assert len(document["rates"]) == len(document["losses"]) == len(document["smoothed"])
    assert document["steepest"] < document["suggestion"] < document["lowest"]


def test_the_curve_is_drawn(run, tmp_path):
    pytest.importorskip("matplotlib")
    assert run("lr-find", "--steps", 100, "--plot", tmp_path / "lr.png").exit_code == 0
    assert (tmp_path / "lr.png").read_bytes().startswith(b"\x89PNG")


def test_a_loss_that_falls_nowhere_suggests_nothing(run):
    result = run("lr-find", "--steps", 30, "--low", 1e-20, "--high", 1e-19)
    assert result.exit_code == 0
    assert "Suggestion" not in result.stdout
    assert "The loss hardly falls anywhere" in result.stdout


@pytest.mark.parametrize(("more", "message"), [
    (("--low", 1, "--high", 1), "--high must be above --low"), (("--optimizer", "adan"), "'adan'"),
    (("--steps", 5), "'--steps'"),
    (("--plot", "lr.txt"), "lr.txt: expected a name that ends in .png, .svg or .pdf")])
def test_wrong_usage_has_status_2(run, more, message):
    result = run("lr-find", *more)
    assert result.exit_code == 2
    assert message in result.stderr
