"""Predictions of a labelled set."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv.errors import ShapeError
from fastconv.explain import Predictions, predictions
from tests.networks import pixels, small_network

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.4, 0.5, 0.1], [0.05, 0.9, 0.05], [0.8, 0.1, 0.1]],
                         np.float32)
FIVE = Predictions(PROBABILITIES, np.array([0, 1, 0, 1, 2]), ("a", "b", "c"))


def test_the_confusion_matrix_counts_images_by_right_and_by_said_class():
    assert FIVE.confusion().tolist() == [[1, 1, 0], [0, 1, 1], [1, 0, 0]]
    assert FIVE.accuracy == 0.4


def test_the_worst_come_first():
    assert FIVE.worst().tolist() == [4, 1, 2]
    assert FIVE.worst(2).tolist() == [4, 1]


def test_the_interval_is_wilsons():
    # Worked by hand for 2 of 5, z = 1.96: (0.4 + 0.38416) / 1.76832 ∓ 0.326
    low, high = FIVE.interval()
    assert (low, high) == pytest.approx((0.1176, 0.7693), abs=2e-4)
    all_right = Predictions(PROBABILITIES, PROBABILITIES.argmax(axis=1), ("a", "b", "c"))
    assert all_right.interval()[1] == pytest.approx(1.0)


def test_loss_and_accuracy_are_those_the_trainer_measures():
    model = small_network()
    data = fc.data.Dataset(pixels(0, 50, 1, 6, 6), np.arange(50) % 3, ("a", "b", "c"))
    made = predictions(model, data)
    expected = fc.Trainer(model, fc.optim.SGD(lr=1.0)).evaluate(data)
    assert {"loss": made.loss, "accuracy": made.accuracy} == pytest.approx(expected, rel=1e-5)


def test_a_set_with_other_classes_is_refused():
    data = fc.data.Dataset(pixels(0, 5, 1, 6, 6), np.zeros(5, np.int64), ("a", "b"))
    with pytest.raises(ShapeError, match="tells 3 classes apart, the set has 2"):
        predictions(small_network(), data)
