import json

import pytest


def test_the_table_names_layers_and_tells_the_difference(run):
    result = run("profile", "--batch-size", 16, "--repeats", 2)
    assert result.exit_code == 0, result.output
    assert "lenet5, training step, batch 16, one core" in result.stdout
    assert "Conv2d + ReLU" in result.stdout
    assert "the fastest of 2 runs" in result.stdout
    assert "a difference of" in result.stdout
    assert "KiB of scratch memory" in result.stdout


def test_json_has_every_cost(run, model_file):
    result = run("profile", model_file, "--batch-size", 16, "--repeats", 2, "--json")
    document = json.loads(result.stdout)
    assert document["images"] == 16
    assert document["peak"] > 1e9
    assert set(document["rows"][1]["costs"]["backward"]) == {"best", "median", "flop"}
    total = sum(cost["best"] for row in document["rows"] for cost in row["costs"].values())
    assert document["total"] == pytest.approx(total)
    assert document["difference"] == pytest.approx(total / document["whole"]["best"] - 1)


def test_inference_has_no_backward_columns(run):
    result = run("profile", "lenet5", "--inference", "--batch-size", 16, "--repeats", 1)
    assert "inference, batch 16" in result.stdout
    assert "backward" not in result.stdout


def test_images_that_do_not_fit_are_an_error_that_names_the_layer(run):
    result = run("profile", "--input", 3, 28, 28)
    assert result.exit_code == 1
    assert 'Conv2d "0"' in result.stderr
