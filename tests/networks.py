"""Batches and networks that many tests use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastconv as fc
from fastconv import nn
from fastconv.nn.layer import Layer

#: No image, one, and those around one and two groups of lanes.
BATCH_SIZES = (0, 1, 15, 16, 17, 33)

State = dict[str, NDArray[Any]]


def normal(seed: int, *shape: int) -> NDArray[np.float32]:
    """Standard normal values: no two alike, and none that float32 holds by luck."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def pixels(seed: int, *shape: int) -> NDArray[np.uint8]:
    """Every value an image can have."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def small_network() -> nn.Sequential:
    """A convolution and a linear layer that make three logits of an image 1×6×6."""
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3))


def scale_norms(model: Layer, seed: int) -> None:
    """Gives normalisations weights and biases that are not all alike."""
    state = model.state_dict()
    for name, leaf in model.leaves():
        if isinstance(leaf, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
            for place, own in enumerate(leaf.parameters()):
                state[f"{name}.{own}"] += 0.3 * normal(seed + place, *state[f"{name}.{own}"].shape)
    model.load_state_dict(state)


def assert_same_bits(actual: State, expected: State) -> None:
    """Asserts that two state dicts have the same names and values, to the last bit."""
    assert actual.keys() == expected.keys()
    for name, array in actual.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def assert_frozen(model: nn.Sequential, index: int, x: NDArray[Any], labels: NDArray[Any]) -> None:
    """Asserts that a layer has no gradients once it is frozen, and that all others keep theirs to the last bit."""
    _, expected = fc.value_and_grad(model, nn.CrossEntropyLoss(), x, labels)
    model[index].trainable = False
    _, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), x, labels)
    assert_same_bits(grads, {name: grad for name, grad in expected.items() if not name.startswith(f"{index}.")})
