"""Runs: what a folder holds, and that a training goes on from it with the same bits."""

from __future__ import annotations

import errno

import pytest

import fastconv as fc
from fastconv import durable, optim
from fastconv.errors import CheckpointError, DivergenceError, RunError, ShapeError
from fastconv.runs import run as module
from fastconv.runs.checkpoint import read_checkpoint
from fastconv.runs.metrics import read_results
from fastconv.runs.run import LAST, read_toml
from tests.networks import assert_same_bits, small_network
from tests.trainings import BATCH_SIZE, DATA, EPOCHS, SEED, StopAfter, everything, fit, trainer

STEPS = 5 * EPOCHS  # batches of 16 of 70 images


def continued(folder, *callbacks, optimizer=None, **options):
    """A training that goes on from what is in the folder."""
    training = trainer(optimizer)
    with fc.Run(folder, training, **options) as run:
        fit(training, run, *callbacks, start=run.progress)
    return training


# --- Going on ---


@pytest.mark.parametrize("steps", range(1, STEPS + 1))
def test_a_training_that_was_ended_at_any_step_goes_on_to_the_same_bits(tmp_path, uninterrupted, steps):
    continued(tmp_path, StopAfter(steps))
    assert everything(continued(tmp_path)) == uninterrupted


def test_a_training_goes_on_after_every_single_step(tmp_path, uninterrupted):
    for _ in range(STEPS):
        training = continued(tmp_path, StopAfter(1))
    assert everything(continued(tmp_path)) == uninterrupted
    assert training.steps == STEPS


@pytest.mark.parametrize("optimizer", [
    optim.SGD(0.05, momentum=0.9, nesterov=True), optim.Adam(0.01, amsgrad=True), optim.RMSprop(1e-3, centered=True),
    optim.Adadelta(1.0), optim.SWATS(0.01, tolerance=1.0)], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("steps", [1, 7])
def test_every_optimizer_goes_on_to_the_same_bits(tmp_path, optimizer, steps):
    whole = trainer(optimizer)
    fit(whole)
    continued(tmp_path, StopAfter(steps), optimizer=optimizer)
    assert everything(continued(tmp_path, optimizer=optimizer)) == everything(whole)


def test_the_results_are_those_of_an_uninterrupted_training(tmp_path):
    whole = trainer()
    expected = [(each.epoch, each.loss, each.lr, each.validation) for each in fit(whole)]
    for steps in (3, 4, 5):
        continued(tmp_path, StopAfter(steps))
    training = trainer()
    with fc.Run(tmp_path, training) as run:
        results = fit(training, run, start=run.progress)
    assert [(each.epoch, each.loss, each.lr, each.validation) for each in results] == expected
    assert read_results(tmp_path) == results


def test_a_training_that_is_complete_stays_as_it_is(tmp_path, uninterrupted):
    first = continued(tmp_path)
    again = continued(tmp_path, StopAfter(1))
    assert everything(first) == everything(again) == uninterrupted
    assert read_toml(tmp_path / "outcome.toml") == {"state": "finished"}


def test_epochs_after_the_last_checkpoint_come_again(tmp_path, uninterrupted):
    continued(tmp_path, StopAfter(6))
    checkpoint = (tmp_path / LAST).read_bytes()
    continued(tmp_path)
    (tmp_path / LAST).write_bytes(checkpoint)
    assert everything(continued(tmp_path)) == uninterrupted
    assert [result.epoch for result in read_results(tmp_path)] == [1, 2, 3]


# --- What is in the folder ---


def test_the_folder_has_the_configuration_the_environment_the_metrics_and_the_models(tmp_path):
    training = continued(tmp_path, configuration={"model": "small", "lr": 0.01})
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.toml", "environment.toml", "metrics.jsonl", "best.safetensors", "last.safetensors", "outcome.toml", "lock"}
    assert read_toml(tmp_path / "run.toml") == {
        "model": "small", "lr": 0.01, "epochs": EPOCHS, "batch_size": BATCH_SIZE, "seed": SEED}
    assert {"fastconv", "numpy", "numba", "python", "cpu", "started"} <= read_toml(tmp_path / "environment.toml").keys()
    assert_same_bits(dict(read_checkpoint(tmp_path / LAST).model), training.model.state_dict())


def test_without_a_configuration_the_training_describes_itself(tmp_path):
    continued(tmp_path)
    assert read_toml(tmp_path / "run.toml")["batch_size"] == 16
    assert read_toml(tmp_path / "run.toml")["optimizer"].startswith("AdamW(lr=0.01")


@pytest.mark.parametrize(("monitor", "key"), [
    (None, lambda each: -each.validation["accuracy"]),
    ("validation_accuracy", lambda each: -each.validation["accuracy"]),
    ("validation_loss", lambda each: each.validation["loss"]), ("loss", lambda each: each.loss)])
def test_the_best_model_is_that_of_the_best_epoch(tmp_path, monitor, key):
    class Keep(fc.Callback):
        def on_epoch_end(self, result):
            states.append(training.model.state_dict())

    training, keep, states = trainer(), Keep(), []
    with fc.Run(tmp_path, training, monitor=monitor) as run:
        results = fit(training, run, keep)
    best = min(results, key=key)
    assert_same_bits(fc.load(tmp_path / "best.safetensors").state_dict(), states[best.epoch - 1])


def test_checkpoints_come_after_every_epoch_and_inside_it_when_their_time_has_come(tmp_path, monkeypatch):
    clock, saved = [0.0], []
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])

    class Tick(fc.Callback):
        def on_batch_end(self, epoch, images, loss):
            clock[0] += 6.0

    training = trainer()
    with fc.Run(tmp_path, training, seconds=10.0) as run:
        save, run.checkpoint = run.checkpoint, lambda: (saved.append(training.steps), save())
        fit(training, Tick(), run)
    assert saved == [2, 4, 5, 7, 9, 10, 12, 14, 15]


def test_checkpoints_that_take_long_become_rarer_so_that_they_take_a_twentieth_at_most(tmp_path, monkeypatch):
    clock, saved = [0.0], []
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])

    class Tick(fc.Callback):
        def on_batch_end(self, epoch, images, loss):
            clock[0] += 6.0

    def slowly(self, path):
        clock[0] += 2.0
        saved.append(training.steps)

    monkeypatch.setattr(module.Checkpoint, "save", slowly)
    training = trainer()
    with fc.Run(tmp_path, training) as run:
        fit(training, Tick(), run)
    assert saved == [2, 9, 15]


# --- What is refused ---


def test_two_trainings_in_one_folder_are_refused(tmp_path):
    with (fc.Run(tmp_path, trainer()), pytest.raises(RunError, match="another process is training in this run")):
        fc.Run(tmp_path, trainer())
    continued(tmp_path)


def test_a_training_that_does_not_say_where_it_goes_on_is_refused(tmp_path):
    continued(tmp_path, StopAfter(7))
    training = trainer()
    with (fc.Run(tmp_path, training) as run,
          pytest.raises(RunError, match=r"after epoch 1, batch 2.*start=run\.progress")):
        fit(training, run)


@pytest.mark.parametrize("change", [{"epochs": EPOCHS + 1}, {"seed": 6}])
def test_a_training_of_another_plan_is_refused(tmp_path, change):
    continued(tmp_path, StopAfter(7))
    training = trainer()
    with fc.Run(tmp_path, training) as run, pytest.raises(RunError, match="was begun as Plan"):
        fit(training, run, start=run.progress, **change)


def test_another_configuration_is_refused_by_name(tmp_path):
    continued(tmp_path, StopAfter(7), configuration={"lr": 0.1})
    training = trainer()
    with (fc.Run(tmp_path, training, configuration={"lr": 0.2}) as run,
          pytest.raises(RunError, match=r"lr was 0\.1 when the run was begun, got 0\.2")):
        fit(training, run, start=run.progress)


def test_another_model_is_refused(tmp_path):
    continued(tmp_path, StopAfter(7))
    with pytest.raises(ShapeError, match="does not fit this training"):
        fc.Run(tmp_path, fc.Trainer(small_network(), optim.AdamW()))
    continued(tmp_path)  # the folder is free again


def test_metrics_that_lack_an_epoch_of_the_checkpoint_are_refused(tmp_path):
    continued(tmp_path)
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:1]))
    with pytest.raises(CheckpointError, match="one after 3 epochs, its metrics know 1"):
        fc.Run(tmp_path, trainer())


# --- What goes wrong ---


def test_a_training_that_diverges_leaves_its_checkpoint_and_says_so(tmp_path):
    class Jump:
        def lr(self, step, steps, lr):
            return lr if step < 7 else 1e30

    training = trainer(optim.SGD(0.01))
    with pytest.raises(DivergenceError), fc.Run(tmp_path, training) as run:
        training.fit(DATA, EPOCHS, BATCH_SIZE, schedule=Jump(), callbacks=[run])
    assert read_toml(tmp_path / "outcome.toml")["state"] == "diverged"
    assert read_checkpoint(tmp_path / LAST).epochs == 1


def test_a_full_disk_is_told_with_the_file_and_leaves_the_checkpoint_before(tmp_path, monkeypatch, uninterrupted):
    continued(tmp_path, StopAfter(6))
    before = (tmp_path / LAST).read_bytes()

    def full(*names):
        raise OSError(errno.ENOSPC, "No space left on device")

    class Fill(fc.Callback):
        def on_batch_end(self, epoch, images, loss):
            monkeypatch.setattr(durable.os, "replace", full)

    training = trainer()
    with (pytest.raises(OSError, match=r"No space left.*last\.safetensors"),
          fc.Run(tmp_path, training, seconds=0.0) as run):
        fit(training, Fill(), run, start=run.progress)
    monkeypatch.undo()
    assert (tmp_path / LAST).read_bytes() == before
    assert not list(tmp_path.glob(".*"))
    assert everything(continued(tmp_path)) == uninterrupted
