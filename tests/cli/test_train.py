import json
import os
import signal
import subprocess
import sys
import threading

import pytest

import fastconv as fc
from fastconv.optim import OPTIMIZERS, SCHEDULES


def options(digits, tmp_path, *more):
    return ("--data", digits, "--epochs", 1, "--batch-size", 32, "--output", tmp_path / "m.safetensors", *more)


def test_training_prints_a_line_per_epoch_the_accuracy_and_where_the_model_is(run, digits, tmp_path):
    result = run("train", *options(digits, tmp_path), "--epochs", 2)
    assert result.exit_code == 0, result.output
    first, second, accuracy, saved = result.stdout.splitlines()
    assert first.startswith("epoch 1/2  loss ")
    assert second.startswith("epoch 2/2  loss ")
    assert "images/s" in second
    assert "200 images" in accuracy
    assert saved.endswith("m.safetensors")
    assert isinstance(fc.load(tmp_path / "m.safetensors"), fc.nn.Sequential)


def test_json_is_one_document_on_standard_output(run, digits, tmp_path):
    result = run("train", *options(digits, tmp_path, "--json"))
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["model"] == "lenet5"
    assert document["output"] == str(tmp_path / "m.safetensors")
    assert [epoch["epoch"] for epoch in document["epochs"]] == [1]
    assert document["test"] == document["epochs"][-1]["validation"]
    assert "epoch 1/1" in result.stderr


@pytest.mark.parametrize("more", [*(("--optimizer", name) for name in OPTIMIZERS),
                                  *(("--schedule", name) for name in SCHEDULES)], ids=" ".join)
def test_every_optimizer_and_schedule_trains(run, digits, tmp_path, more):
    result = run("train", *options(digits, tmp_path, *more, "--json"), "--epochs", 8)
    assert result.exit_code == 0, result.output
    losses = [epoch["loss"] for epoch in json.loads(result.stdout)["epochs"]]
    assert losses[-1] < losses[0]


def test_the_learning_rate_is_the_highest_of_the_run(run, digits, tmp_path):
    more = ("--optimizer", "momentum", "--lr", 0.03, "--schedule", "cosine", "--json", "--batch-size", 200)
    result = run("train", *options(digits, tmp_path, *more), "--epochs", 2)
    assert result.exit_code == 0, result.output
    assert [epoch["lr"] for epoch in json.loads(result.stdout)["epochs"]] == pytest.approx([0.03, 0.015])


def test_augmented_images_are_trained_on_where_asked_for(run, digits, tmp_path):
    losses = []
    for more in ((), ("--augment", "digits,mixup=0.2"), ("--augment", "shift=1")):
        result = run("train", *options(digits, tmp_path, *more, "--json"))
        assert result.exit_code == 0, result.output
        losses.append(json.loads(result.stdout)["epochs"][0]["loss"])
    assert len(set(losses)) == 3


@pytest.mark.parametrize(("text", "message"), [("faces", "got 'faces'"), ("crop=1.5", "expected crop=PIXELS")])
def test_an_augmentation_that_does_not_exist_is_wrong_usage(run, digits, tmp_path, text, message):
    result = run("train", *options(digits, tmp_path, "--augment", text))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "--augment" in result.stderr


def test_the_model_is_saved_under_its_name_unless_told_otherwise(run, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("train", "--data", digits, "--epochs", 1, "--model", "lenet5_classic")
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == ["lenet5_classic.safetensors"]


def test_the_same_seed_saves_the_same_weights_for_any_number_of_threads(run, digits, tmp_path):
    states = []
    for threads in (1, 2):
        output = tmp_path / f"{threads}.safetensors"
        result = run("train", *options(digits, tmp_path), "--seed", 3, "--threads", threads, "--output", output)
        assert result.exit_code == 0, result.output
        assert fc.get_num_threads() == threads
        states.append(fc.load(output).state_dict())
    for name, weights in states[0].items():
        assert weights.tobytes() == states[1][name].tobytes()


def test_output_is_checked_before_training(run, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(fc.Trainer, "fit", lambda *_, **__: pytest.fail("training began"))
    result = run("train", "--data", digits, "--output", tmp_path / "missing" / "m.safetensors")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_leaves_the_model_of_the_last_epoch(digits, tmp_path):
    output = tmp_path / "m.safetensors"
    command = [sys.executable, "-m", "fastconv_cli", "train", "--data", digits, "--epochs", "1000000"]
    process = subprocess.Popen(
        [*command, "--output", output], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"},
    )
    hanging = threading.Timer(300, process.kill)
    hanging.start()
    try:
        assert process.stdout.readline().startswith("epoch 1/")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    finally:
        hanging.cancel()
    assert process.returncode == 130, errors
    assert "Interrupted." in errors
    assert "Traceback" not in errors
    assert isinstance(fc.load(output), fc.nn.Sequential)
