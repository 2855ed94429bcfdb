import json
import signal

import numpy as np
import pytest

import fastconv as fc
from fastconv.data.cifar import BATCHES
from fastconv.optim import OPTIMIZERS, SCHEDULES
from fastconv.runs.checkpoint import read_checkpoint
from fastconv.runs.configuration import read_configuration
from fastconv.runs.record import read_record
from fastconv.runs.run import LAST
from fastconv_cli.progress import TrainingProgress
from tests.networks import assert_same_bits
from tests.processes import interrupted


def options(digits, tmp_path, *more):
    return ("--data", digits, "--epochs", 1, "--batch-size", 32, "--output", tmp_path / "m.safetensors",
            "--run", tmp_path / "run", *more)


def test_training_prints_a_line_per_epoch_the_accuracy_and_where_the_model_is(run, digits, tmp_path):
    result = run("train", *options(digits, tmp_path), "--epochs", 2)
    assert result.exit_code == 0, result.output
    first, second, accuracy, saved, folder = result.stdout.splitlines()
    assert first.startswith("epoch 1/2  loss ")
    assert second.startswith("epoch 2/2  loss ")
    assert "images/s" in second
    assert "200 images" in accuracy
    assert saved.endswith("m.safetensors")
    assert folder.startswith("Run in ")
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
        result = run("train", *options(digits, tmp_path, *more, "--json"), "--run", tmp_path / f"run{len(losses)}")
        assert result.exit_code == 0, result.output
        losses.append(json.loads(result.stdout)["epochs"][0]["loss"])
    assert len(set(losses)) == 3


def test_the_model_is_saved_under_its_name_unless_told_otherwise(run, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("train", "--data", digits, "--epochs", 1, "--model", "lenet5_classic")
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {"lenet5_classic.safetensors", "runs"}
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("lenet5_classic-")


def test_the_same_seed_saves_the_same_weights_for_any_number_of_threads(run, digits, tmp_path):
    states = []
    for threads in (1, 2):
        output = tmp_path / f"{threads}.safetensors"
        result = run("train", *options(digits, tmp_path), "--seed", 3, "--threads", threads, "--output", output,
                     "--run", tmp_path / str(threads))
        assert result.exit_code == 0, result.output
        assert fc.get_num_threads() == threads
        states.append(fc.load(output).state_dict())
    for name, weights in states[0].items():
        assert weights.tobytes() == states[1][name].tobytes()


# --- Runs ---


def test_a_file_describes_a_run_and_options_change_it(run, digits, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(f'data = "{digits.as_posix()}"\nepochs = 3\nbatch_size = 50\nactivation = "tanh"\n'
                    f'output = "{(tmp_path / "m.safetensors").as_posix()}"\n[options]\nweight_decay = 0.1\n')
    result = run("train", file, "--epochs", 2, "--run", tmp_path / "run", "--json")
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["epochs"]) == 2
    written = read_configuration(tmp_path / "run" / "run.toml")
    assert (written.epochs, written.batch_size, written.activation) == (2, 50, "tanh")
    assert written.options == {"weight_decay": 0.1}
    again = run("train", tmp_path / "run" / "run.toml", "--run", tmp_path / "again", "--json")
    assert json.loads(again.stdout)["test"] == json.loads(result.stdout)["test"]


def test_a_run_that_ctrl_c_ended_goes_on_to_the_same_bits(run, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = run("train", *options(digits, tmp_path), "--epochs", 3, "--run", "whole", "--output", "whole.safetensors",
                "--augment", "elastic,mixup=0.2")
    assert whole.exit_code == 0, whole.output
    steps = []

    def interrupt(self, *arguments):
        steps.append(None)
        if len(steps) == 10:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(TrainingProgress, "on_batch_end", interrupt)
        ended = run("train", *options(digits, tmp_path), "--epochs", 3, "--run", "runs/ended",
                    "--augment", "elastic,mixup=0.2")
    assert ended.exit_code == 130
    assert "Interrupted in epoch 2, after batch 3. Go on with: fastconv train --resume runs/ended" in ended.stderr
    result = run("train", "--resume", "ended")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("going on after epoch 1/3, batch 3 of 7\nepoch 2/3")
    assert_same_bits(fc.load("m.safetensors").state_dict(), fc.load("whole.safetensors").state_dict())
    assert result.stdout.splitlines()[-3] == whole.stdout.splitlines()[-3]


def test_a_run_is_not_begun_where_there_is_one(run, digits, tmp_path):
    assert run("train", *options(digits, tmp_path)).exit_code == 0
    result = run("train", *options(digits, tmp_path))
    assert result.exit_code == 1
    assert "has a run already; continue it with --resume" in result.stderr


@pytest.mark.parametrize("more", [("--epochs", 3), ("--run", "other"), ("file.toml",)])
def test_a_run_that_goes_on_takes_no_other_description(run, more):
    result = run("train", "--resume", "run", *more)
    assert result.exit_code == 2
    assert "--resume continues a run as it was begun" in result.stderr


def test_what_can_change_the_bits_is_told(run, digits, tmp_path):
    assert run("train", *options(digits, tmp_path)).exit_code == 0
    path = tmp_path / "run" / "environment.toml"
    path.write_text(path.read_text().replace('target = "', 'target = "a'))
    result = run("train", "--resume", tmp_path / "run")
    assert result.exit_code == 0
    assert "The last bits may differ: target was a" in result.stderr


def test_held_out_images_judge_the_epochs_and_the_test_images_the_end(run, digits, tmp_path):
    result = run("train", *options(digits, tmp_path, "--hold-out", 0.25, "--json"))
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["epochs"][0]["validation"] != document["test"]
    assert "held-out accuracy" in result.stderr


def test_patience_ends_a_run_early(run, digits, tmp_path):
    result = run("train", *options(digits, tmp_path, "--patience", 1, "--lr", 1e-30), "--epochs", 9)
    assert result.exit_code == 0, result.output
    assert "epoch 2/9" in result.stdout
    assert "epoch 3/9" not in result.stdout
    assert read_record(tmp_path / "run").state == "stopped early"


def test_event_files_are_written_where_asked_for(run, digits, tmp_path):
    pytest.importorskip("tensorboardX")
    result = run("train", *options(digits, tmp_path, "--tensorboard"))
    assert result.exit_code == 0, result.output
    assert list((tmp_path / "run" / "events").glob("events.out.tfevents*"))


# --- Images of other shapes ---


def test_cifars_binaries_train_resnet8_with_no_other_change(run, tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "cifar"
    folder.mkdir()
    for name in (*BATCHES, "test_batch.bin"):
        labels = np.arange(20, dtype=np.uint8)[:, None] % 10
        pixels = rng.integers(0, 256, (20, 3072), dtype=np.uint8)
        (folder / name).write_bytes(np.hstack([labels, pixels]).tobytes())
    result = run("train", *options(folder, tmp_path), "--model", "resnet8")
    assert result.exit_code == 0, result.output
    model = fc.load(tmp_path / "m.safetensors")
    assert model.input_shape == (3, 32, 32)
    assert model.classes[0] == "airplane"
    shown = run("summary", tmp_path / "m.safetensors")
    assert "images 3×32×32" in shown.stdout


def test_idx_files_of_other_images_train_with_no_change_but_the_folder(run, tmp_path, write_idx):
    rng = np.random.default_rng(0)
    labels = np.arange(60, dtype=np.uint8) % 10
    folder = write_idx(tmp_path / "fashion", rng.integers(0, 256, (60, 28, 28), dtype=np.uint8), labels)
    result = run("train", *options(folder, tmp_path))
    assert result.exit_code == 0, result.output
    assert fc.load(tmp_path / "m.safetensors").input_shape == (1, 28, 28)


def test_a_model_for_images_of_another_shape_is_refused_by_its_layer(run, digits, tmp_path):
    result = run("train", *options(digits, tmp_path), "--model", "resnet8")
    assert result.exit_code == 1
    assert 'Conv2d "conv1": expected (N, 3, H, W), got (200, 1, 28, 28)' in result.stderr


def test_output_is_checked_before_training(run, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(fc.Trainer, "fit", lambda *_, **__: pytest.fail("training began"))
    result = run("train", "--data", digits, "--output", tmp_path / "missing" / "m.safetensors")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_ctrl_c_leaves_the_model_of_the_last_epoch(digits, tmp_path):
    output = tmp_path / "m.safetensors"
    _, errors = interrupted("train", "--data", digits, "--epochs", 1000000, "--output", output,
                            "--run", tmp_path / "a run", after="epoch 1/")
    lines = errors.splitlines()
    assert lines[-1].startswith("Interrupted in epoch ")
    assert lines[-1].endswith(f"Go on with: fastconv train --resume '{tmp_path / 'a run'}'")
    assert read_checkpoint(tmp_path / "a run" / LAST).epochs >= 1
    assert isinstance(fc.load(output), fc.nn.Sequential)


def test_a_training_that_does_not_begin_leaves_no_folder(run, tmp_path):
    assert run("train", "--data", tmp_path / "none").exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_checkpoint_is_cut_short_says_how_to_go_on(run, digits, tmp_path):
    assert run("train", *options(digits, tmp_path)).exit_code == 0
    last = tmp_path / "run" / LAST
    last.write_bytes(last.read_bytes()[:-100])
    result = run("train", "--resume", tmp_path / "run")
    assert result.exit_code == 1
    best, description = last.with_name("best.safetensors"), last.with_name("run.toml")
    assert result.stderr.endswith(
        f"{last}: cannot be read as a checkpoint: it is damaged or cut short, or not a safetensors file; {best} has "
        f"the model of the best epoch; `fastconv train {description}` begins anew\n")
    assert run("train", description).exit_code == 0


def test_a_model_that_another_training_has_saved_meanwhile_is_not_overwritten_in_silence(run, digits, tmp_path,
                                                                                         monkeypatch):
    again, output = options(digits, tmp_path, "--epochs", 3), tmp_path / "m.safetensors"
    assert "overwrites" not in run("train", *again).stderr
    assert "overwrites" not in run("train", *again, "--run", tmp_path / "second").stderr
    monkeypatch.setattr(TrainingProgress, "on_batch_end", lambda *_: fc.save(fc.nn.Linear(1, 1), output))
    result = run("train", *again, "--run", tmp_path / "third")
    assert result.exit_code == 0, result.output
    assert result.stderr.count(f"{output}: overwrites a file that another training has written meanwhile") == 1
