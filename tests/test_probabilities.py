"""Probabilities of classes, of networks that end in logits and of those that end in Softmax."""

from __future__ import annotations

import numpy as np

import fastconv as fc
from fastconv import nn, reference
from fastconv.probabilities import probabilities_of


def test_of_logits_they_are_softmax():
    model, logits = fc.models.lenet5(), np.array([[1, 2, 3], [1000, 0, -1000]], np.float32)
    np.testing.assert_array_equal(probabilities_of(model)(logits), reference.softmax(logits.astype(np.float64)))


def test_a_model_that_ends_in_softmax_tells_them_itself():
    model = nn.Sequential(fc.models.lenet5(), nn.Softmax())
    outputs = model(np.zeros((2, 1, 28, 28), np.uint8))
    np.testing.assert_array_equal(probabilities_of(model)(outputs), outputs)


def test_a_softmax_before_the_last_layer_is_none_of_the_classes():
    model = nn.Sequential(nn.Softmax(), nn.Linear(3, 2))
    outputs = model(np.ones((1, 3), np.float32))
    np.testing.assert_allclose(probabilities_of(model)(outputs).sum(axis=1), 1)
    assert not np.array_equal(probabilities_of(model)(outputs), outputs)


def test_a_network_without_layers_gives_logits():
    np.testing.assert_array_equal(probabilities_of(nn.Sequential())(np.zeros((1, 2), np.float32)), [[0.5, 0.5]])
