"""Depthwise convolution, by its own kernels and, where they do not serve, by those of any convolution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import fastconv as fc
from fastconv import functional, nn, reference
from fastconv.engine.operators import Window, depthwise
from fastconv.engine.parameter import Parameter
from fastconv.engine.weights import Weight
from tests.networks import normal
from tests.oracles import assert_close
from tests.strategies import depthwise_convolutions

F32 = np.float32
TOLERANCE = 1e-5  # some hundred roundings of float32


@given(depthwise_convolutions())
def test_conv2d_agrees_with_the_reference(case):
    actual = functional.conv2d(case.x(F32), case.weight(F32), case.bias(F32), **case.options)
    assert_close(actual, reference.conv2d(case.x(), case.weight(), case.bias(), **case.options), TOLERANCE)


@given(depthwise_convolutions())
def test_conv2d_input_grad_agrees_with_the_reference(case):
    actual = functional.conv2d_input_grad(case.dy(F32), case.weight(F32), case.x_shape, **case.options)
    assert_close(actual, reference.conv2d_input_grad(case.dy(), case.weight(), case.x_shape, **case.options), TOLERANCE)


@given(depthwise_convolutions())
def test_conv2d_weight_grad_agrees_with_the_reference(case):
    actual = functional.conv2d_weight_grad(case.x(F32), case.dy(F32), case.kernel_size, **case.options)
    expected = reference.conv2d_weight_grad(case.x(), case.dy(), case.kernel_size, **case.options)
    assert_close(actual, expected, TOLERANCE)


@given(depthwise_convolutions())
def test_a_second_batch_finds_nothing_of_the_first(case):
    x, dy = case.x(F32), case.dy(F32)
    functional.conv2d(np.full_like(x, np.nan), case.weight(F32), **case.options)
    functional.conv2d_input_grad(np.full_like(dy, np.nan), case.weight(F32), case.x_shape, **case.options)
    functional.conv2d_weight_grad(np.full_like(x, np.nan), np.full_like(dy, np.nan), case.kernel_size, **case.options)
    assert np.isfinite(functional.conv2d(x, case.weight(F32), **case.options)).all()
    assert np.isfinite(functional.conv2d_input_grad(dy, case.weight(F32), case.x_shape, **case.options)).all()
    assert np.isfinite(functional.conv2d_weight_grad(x, dy, case.kernel_size, **case.options)).all()


def test_an_infinite_pixel_reaches_only_the_windows_that_see_it():
    x = np.zeros((1, 2, 5, 5), F32)
    x[0, 1, 0, 0] = np.inf
    y = functional.conv2d(x, np.ones((2, 1, 3, 3), F32), padding=1, groups=2)
    expected = np.zeros((1, 2, 5, 5), F32)
    expected[0, 1, :2, :2] = np.inf
    np.testing.assert_array_equal(y, expected)


def test_a_relu_after_a_depthwise_layer_is_part_of_it():
    layer, x = nn.Conv2d(3, 3, 3, padding=1, groups=3), normal(0, 17, 3, 6, 6)
    layer.init(1)
    np.testing.assert_array_equal(nn.Sequential(layer, nn.ReLU())(x), np.maximum(layer(x), 0))


@pytest.mark.parametrize(("channels", "targets", "expected"), [(4, 1, True), (4, 2, False), (1, 1, True)])
def test_only_one_channel_to_one_is_depthwise(channels, targets, expected):
    shape = channels * targets, 1, 3, 3
    assert depthwise.serves(Weight(Parameter(shape), shape, channels), Window((3, 3))) == expected


def test_training_has_the_same_bits_for_any_number_of_threads(num_threads):
    states = []
    for count in (1, 2, 3):
        num_threads(count)
        model = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, groups=3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 4))
        trainer = fc.Trainer(model, fc.optim.AdamW())
        for step in range(3):
            trainer.step(normal(step, 50, 3, 6, 6), np.arange(50) % 4)
        states.append(model.state_dict())
    for state in states[1:]:
        for name, array in state.items():
            np.testing.assert_array_equal(array, states[0][name])
