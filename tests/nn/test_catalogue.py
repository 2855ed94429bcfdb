"""Every activation by name: it is new each time, trains a network, is saved, and has the same bits on any threads."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import models, nn, optim
from tests.networks import assert_same_bits, normal

every = pytest.mark.parametrize("name", nn.ACTIVATIONS)

NAMES = {
    "relu", "lrelu", "prelu", "elu", "selu", "gelu", "gelu-tanh", "sigmoid", "tanh", "softplus", "swish",
    "swish-learnable", "mish", "hardswish", "acon-a", "acon-b", "acon-c", "meta-acon-pixel", "meta-acon-layer",
    "meta-acon"}


def images(count: int = 37):
    return normal(0, count, 1, 28, 28), np.arange(count) % 10


def test_all_are_there_by_their_names():
    assert set(nn.ACTIVATIONS) == NAMES


@every
def test_a_layer_is_made_anew(name):
    first, second = nn.ACTIVATIONS[name](6), nn.ACTIVATIONS[name](6)
    assert first is not second
    assert repr(first) == repr(second)


@every
def test_a_network_learns_with_it(name):
    model, (x, labels) = models.lenet5(activation=nn.ACTIVATIONS[name]), images()
    trainer = fc.Trainer(model, optim.AdamW(lr=3e-3))
    losses = [trainer.step(x, labels) for _ in range(25)]
    assert losses[-1] < losses[0]


@every
@pytest.mark.parametrize("network", [models.lenet5, models.lenet5_classic])
def test_training_has_the_same_bits_for_any_number_of_threads(name, network, num_threads):
    x, labels = images()
    states = []
    for count in (1, 2, 3):
        num_threads(count)
        model = network(activation=nn.ACTIVATIONS[name])
        trainer = fc.Trainer(model, optim.AdamW(lr=3e-3))
        for _ in range(2):
            trainer.step(x, labels)
        states.append(model.state_dict())
    assert_same_bits(states[1], states[0])
    assert_same_bits(states[2], states[0])


@every
def test_a_trained_layer_comes_back_from_a_file(name, tmp_path):
    model, (x, labels) = models.lenet5(activation=nn.ACTIVATIONS[name]), images()
    fc.Trainer(model, optim.AdamW(lr=3e-3)).step(x, labels)
    fc.save(model, tmp_path / "model.safetensors")
    loaded = fc.load(tmp_path / "model.safetensors")
    assert repr(loaded) == repr(model)
    np.testing.assert_array_equal(loaded(x), model(x))
