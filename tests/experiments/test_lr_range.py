import numpy as np
import pytest

from fastconv import data
from fastconv.errors import DataError
from fastconv.experiments import lr_range as module
from fastconv.experiments.lr_range import Growing, LrRange, lr_range
from fastconv.experiments.setting import Setting

RATES = np.geomspace(1e-4, 1.0, 41)


def made(losses):
    return LrRange(tuple(RATES[:len(losses)]), tuple(losses), tuple(losses))


def test_rates_grow_by_the_same_factor_from_low_to_high():
    growing = Growing(1e-4, 1.0, 5)
    assert [growing.lr(step, 99, 7.0) for step in range(5)] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])


def test_the_suggestion_lies_between_the_steepest_fall_and_the_lowest_point():
    # A fall around step 20 and a minimum at step 30.
    steps = np.arange(41)
    losses = 2 - np.tanh((steps - 20) / 4) + np.where(steps > 30, (steps - 30) * 0.2, 0) - steps * 1e-6
    test = made(losses)
    assert test.lowest == pytest.approx(RATES[30])
    assert RATES[19] <= test.steepest <= RATES[21]
    assert test.suggestion == pytest.approx(np.sqrt(test.steepest * test.lowest))


@pytest.mark.parametrize("losses", [np.arange(41.0), np.ones(41), np.arange(5.0)])
def test_a_loss_that_falls_nowhere_suggests_nothing(losses):
    assert made(losses).suggestion is None


def test_lenet_learns_at_the_suggested_rate_and_the_test_ends_when_the_loss_is_far_too_high():
    train, held_out = data.digits()
    test = lr_range(Setting(), train, high=1e3, steps=100)
    assert len(test.losses) == len(test.rates) == len(test.smoothed) < 100
    assert 1e-3 < test.suggestion < 0.1
    setting = Setting(lr=test.suggestion, schedule="one-cycle", epochs=3)
    assert setting.train(train, held_out, 0)[-1].validation["accuracy"] > 0.9


def test_the_running_mean_has_no_bias_of_its_beginning():
    gauge = module._Gauge(100)
    for _ in range(5):
        gauge.on_batch_end(1, 1, 2.0)
    assert gauge.smoothed == pytest.approx([2.0] * 5)


def test_the_images_are_augmented_as_the_setting_says():
    plain, augmented = (lr_range(Setting(augment=augment), data.digits()[0], steps=21) for augment in (None, "digits"))
    assert plain.losses != augmented.losses


@pytest.mark.parametrize(("options", "message"), [
    ({"low": 0.0}, "low must be above 0"), ({"low": 1.0, "high": 1.0}, "high must be above low, 1, got 1"),
    ({"steps": 20}, "steps must be more than 20, got 20")])
def test_a_range_that_is_none_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        lr_range(Setting(), data.digits()[0], **options)


def test_a_loss_that_is_lost_at_once_is_told():
    with pytest.raises(DataError, match=r"lost after \d steps, at rate .*begin with a smaller one, or look for NaN"):
        lr_range(Setting(optimizer="sgd"), data.digits()[0], low=1e30, high=1e33)
