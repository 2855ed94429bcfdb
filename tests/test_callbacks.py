import math

import pytest

import fastconv as fc
from fastconv.callbacks import Best, best_of
from tests.trainings import StopAfter, fit, trainer


def results(losses, accuracies=None):
    accuracies = accuracies or losses
    return [fc.EpochResult(epoch, loss, 0.1, 1.0, 1.0, {"loss": loss, "accuracy": accuracy})
            for epoch, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True), 1)]


def ended_after(stopping, losses, start=()):
    """The epoch after which a training ends."""
    stopping.on_fit_start(fc.Plan(len(losses), 1, 1, 0), fc.Progress(tuple(start)))
    return next((each.epoch for each in results(losses)[len(start):] if stopping.on_epoch_end(each)), None)


@pytest.mark.parametrize(("monitor", "epoch"), [("loss", 3), ("validation_loss", 3), ("validation_accuracy", 2)])
def test_the_best_epoch_has_the_lowest_loss_or_the_highest_accuracy(monitor, epoch):
    best = Best(monitor)
    for result in results([3.0, 2.0, 1.0, 1.0], [0.1, 0.9, 0.9, 0.2]):
        best.update(result)
    assert best.epoch == epoch


def test_nan_is_never_the_best():
    best = Best("loss")
    assert [best.update(each) for each in results([math.nan, 1.0, math.nan])] == [False, True, False]


def test_the_best_of_equal_epochs_is_the_first_and_of_none_none():
    assert best_of(results([math.nan, 2.0, 1.0, 1.0]), "loss").epoch == 3
    assert best_of(results([math.nan, math.nan]), "validation_loss") is None
    assert best_of([], "loss") is None


def test_a_monitor_that_needs_validation_says_so():
    with pytest.raises(ValueError, match="validation_accuracy needs validation images"):
        Best("validation_accuracy").update(fc.EpochResult(1, 1.0, 0.1, 1.0, 1.0))
    with pytest.raises(ValueError, match="monitor must be one of loss, validation_loss, validation_accuracy, got 'f1'"):
        Best("f1")


@pytest.mark.parametrize(("patience", "losses", "epoch"), [
    (1, [3, 2, 2, 1], 3), (2, [3, 2, 2, 1], None), (2, [3, 2, 2, 2, 1], 4), (3, [1, 2, 3], None), (3, [1, 2, 3, 4], 4),
    (2, [math.nan, math.nan], 2)])
def test_a_training_ends_when_patience_is_lost(patience, losses, epoch):
    assert ended_after(fc.EarlyStopping(patience), losses) == epoch


def test_an_improvement_below_min_delta_is_none():
    assert ended_after(fc.EarlyStopping(2, min_delta=0.5), [3, 2.6, 2.4, 2.3, 2.2]) == 5


def test_a_training_that_goes_on_remembers_the_epochs_before():
    losses = [3, 2, 2, 2, 1]
    assert ended_after(fc.EarlyStopping(2), losses, results(losses)[:3]) == 4
    complete = fc.Progress(tuple(results(losses)[:4]))
    assert fc.EarlyStopping(2).on_fit_start(fc.Plan(5, 1, 1, 0), complete)


def test_patience_is_at_least_one():
    with pytest.raises(ValueError, match="patience must be at least 1, got 0"):
        fc.EarlyStopping(0)


def test_fit_ends_after_the_epoch_in_which_patience_is_lost():
    found = fit(trainer(), fc.EarlyStopping(1, min_delta=100.0))
    assert [result.epoch for result in found] == [1, 2]


def test_fit_ends_after_the_step_in_which_a_callback_returns_true():
    training = trainer()
    assert [result.epoch for result in fit(training, StopAfter(7))] == [1]
    assert training.steps == 7


def test_all_callbacks_are_told_although_one_ends_the_training():
    class Count(fc.Callback):
        told = 0

        def on_batch_end(self, epoch, images, loss):
            self.told += 1

    count = Count()
    fit(trainer(), StopAfter(3), count)
    assert count.told == 3


def test_a_callback_may_end_a_training_before_it_begins():
    class Never(fc.Callback):
        def on_fit_start(self, plan, progress):
            assert plan == fc.Plan(epochs=3, batch_size=16, images=70, seed=5)
            assert (plan.batches, progress, progress.epoch) == (5, fc.Progress(), 1)
            return True

    training = trainer()
    assert fit(training, Never()) == []
    assert training.steps == 0
