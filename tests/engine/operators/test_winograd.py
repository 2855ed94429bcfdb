"""Convolution by Winograd's algorithm: by tiles of either size, at all edges, and where it is the one to take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import functional, nn, operation, reference
from fastconv.engine.builder import Builder
from fastconv.engine.operators import Window, convolution, winograd
from fastconv.engine.parameter import Parameter
from fastconv.engine.pool import Pool
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import TransformedWeight
from fastconv.layout import Packed
from tests.networks import assert_same_bits, normal
from tests.oracles import assert_close
from tests.strategies import winograd_convolutions

F32 = np.float32

#: Largest error, by the outputs along a side of a tile: of the largest output, as documented; and of the largest sum of
#: its terms' magnitudes, which the bound is about where the terms cancel each other.
BOUNDS, BOUNDS_OF_MAGNITUDES = {2: 1.5e-6, 4: 5e-6}, {2: 5e-7, 4: 2e-6}

WINDOW = Window((3, 3), padding=(1, 1, 1, 1))

every_side = pytest.mark.parametrize("side", [2, 4])


@contextmanager
def tiles_of(side: int) -> Iterator[None]:
    """Has tiles of side × side outputs, in programs that are planned anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "KERNELS", {side: winograd.KERNELS[side]})
        patch.setattr(operation, "_pool", Pool())
        yield


def assert_within_bound(actual, expected, magnitudes, side: int) -> None:
    assert actual.shape == expected.shape
    assert np.max(np.abs(actual - expected)) <= BOUNDS_OF_MAGNITUDES[side] * np.max(magnitudes)


@every_side
@given(case=winograd_convolutions())
def test_conv2d_agrees_with_the_reference(side, case):
    x, weight, bias = case.x(), case.weight(), case.bias()
    with tiles_of(side):
        actual = functional.conv2d(case.x(F32), case.weight(F32), case.bias(F32), **case.options, algorithm="winograd")
    assert_within_bound(actual, reference.conv2d(x, weight, bias, **case.options),
                        reference.conv2d(abs(x), abs(weight), abs(bias), **case.options), side)


@every_side
@given(case=winograd_convolutions())
def test_conv2d_input_grad_agrees_with_the_reference(side, case):
    dy, weight = case.dy(), case.weight()
    with tiles_of(side):
        actual = functional.conv2d_input_grad(case.dy(F32), case.weight(F32), case.x_shape, **case.options,
                                              algorithm="winograd")
    assert_within_bound(actual, reference.conv2d_input_grad(dy, weight, case.x_shape, **case.options),
                        reference.conv2d_input_grad(abs(dy), abs(weight), case.x_shape, **case.options), side)


@given(winograd_convolutions())
def test_conv2d_weight_grad_agrees_with_the_reference(case):
    expected = reference.conv2d_weight_grad(case.x(), case.dy(), 3, **case.options)
    actual = functional.conv2d_weight_grad(case.x(F32), case.dy(F32), 3, **case.options, algorithm="winograd")
    assert_close(actual, expected, 1e-5)


@every_side
@pytest.mark.parametrize("relu", [False, True], ids=["normal", "positive"])
@pytest.mark.parametrize(("sources", "targets", "size"), [(3, 16, 32), (32, 64, 16), (64, 64, 8), (256, 16, 8)])
def test_errors_stay_within_the_documented_bound(side, relu, sources, targets, size):
    x, weight = normal(0, 8, sources, size, size), normal(1, targets, sources, 3, 3)
    dy = normal(2, 8, targets, size, size)
    if relu:
        x = np.maximum(x, 0)
    with tiles_of(side):
        y = functional.conv2d(x, weight, padding=1, algorithm="winograd")
        dx = functional.conv2d_input_grad(dy, weight, x.shape, padding=1, algorithm="winograd")
    exact_x, exact_weight, exact_dy = (each.astype(np.float64) for each in (x, weight, dy))
    assert_close(y, reference.conv2d_im2col(exact_x, exact_weight, padding=1), BOUNDS[side])
    assert_close(dx, reference.conv2d_input_grad(exact_dy, exact_weight, x.shape, padding=1), BOUNDS[side])


@every_side
@given(case=winograd_convolutions(), seed=st.integers(0, 2**32 - 1))
def test_nan_reaches_every_output_that_sees_it_and_no_other_image(side, case, seed):
    x = case.x(F32)
    place = np.unravel_index(seed % x.size, x.shape)
    x[place] = np.nan
    with tiles_of(side):
        is_nan = np.isnan(functional.conv2d(x, case.weight(F32), **case.options, algorithm="winograd"))
    expected = np.isnan(reference.conv2d(x.astype(np.float64), case.weight(), **case.options))
    assert is_nan[expected].all()
    assert not np.delete(is_nan, place[0], axis=0).any()


@every_side
@given(case=winograd_convolutions())
def test_a_second_batch_finds_nothing_of_the_first(side, case):
    with tiles_of(side):
        for value in (np.nan, 1.0):
            x, dy = (np.full(shape, value, F32) for shape in (case.x_shape, case.y_shape))
            y = functional.conv2d(x, case.weight(F32), **case.options, algorithm="winograd")
            dx = functional.conv2d_input_grad(dy, case.weight(F32), x.shape, **case.options, algorithm="winograd")
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()


@given(winograd_convolutions())
def test_each_image_has_the_same_output_alone_as_in_a_batch(case):
    x, weight, options = case.x(F32), case.weight(F32), {**case.options, "algorithm": "winograd"}
    alone = functional.conv2d(x[-1:], weight, **options)
    np.testing.assert_array_equal(functional.conv2d(x, weight, **options)[-1:], alone)


# --- Where it is the algorithm to take ---


@pytest.mark.parametrize(("sources", "targets", "size", "expected"), [
    (16, 16, (32, 32), True), (64, 64, (8, 8), True), (32, 32, (7, 7), True),
    (3, 16, (32, 32), False), (16, 3, (32, 32), False), (4, 4, (8, 8), False), (64, 64, (1, 1), False),
])
def test_it_wins_with_enough_channels_on_images_that_fill_its_tiles(sources, targets, size, expected):
    assert winograd.wins(sources, targets, WINDOW, size) == expected


@pytest.mark.parametrize("window", [Window((3, 1)), Window((5, 5)), Window((3, 3), stride=(1, 2)),
                                    Window((3, 3), dilation=(2, 1))])
def test_it_neither_serves_nor_wins_with_other_windows(window):
    assert not winograd.serves(window)
    assert not winograd.wins(64, 64, window, (8, 8))


@pytest.mark.parametrize(("model_algorithm", "algorithm"), [("auto", "winograd"), ("direct", "direct")])
def test_a_model_computes_as_its_layer_says(model_algorithm, algorithm):
    layer, x = nn.Conv2d(16, 24, 3, padding=1, algorithm=model_algorithm), normal(0, 17, 16, 8, 8)
    expected = functional.conv2d(x, layer.weight, layer.bias, padding=1, algorithm=algorithm)
    np.testing.assert_array_equal(layer(x), expected)


@pytest.mark.parametrize(("model_algorithm", "algorithm"), [("auto", "winograd"), ("direct", "direct")])
def test_the_gradient_of_a_layer_before_it_agrees_with_its_input_gradient(model_algorithm, algorithm):
    """The loss is a mean square; the bias before the layer sums the gradient of its input."""
    first = nn.Conv2d(1, 16, 1)
    layer = nn.Conv2d(16, 16, 3, padding=1, algorithm=model_algorithm)
    model, x, targets = nn.Sequential(first, layer), normal(0, 5, 1, 8, 8), normal(1, 5, 16, 8, 8)
    _, gradients = fc.value_and_grad(model, nn.MSELoss(), x, targets)
    dy = ((model(x) - targets) * F32(2 / targets[0].size / 5)).astype(F32)
    dx = functional.conv2d_input_grad(dy, layer.weight, (5, 16, 8, 8), padding=1, algorithm=algorithm)
    assert_close(gradients["0.bias"], dx.sum(axis=(0, 2, 3), dtype=np.float64), 1e-5)


@pytest.mark.parametrize(("algorithm", "transformed"), [("auto", True), ("direct", False)])
def test_both_passes_are_direct_where_that_is_asked_for(algorithm, transformed):
    builder, shape = Builder(), (16, 16, 3, 3)
    weight, x = builder.weight(Parameter(shape), shape), Tensor.new(Packed.of(16, 8, 8), needs_grad=True)
    convolution.conv2d(builder, x, weight, None, WINDOW, algorithm).new_grad()
    builder.backward()
    for packed in (weight.forward, weight.backward):
        assert isinstance(packed, TransformedWeight) == transformed


def test_a_relu_after_the_layer_is_part_of_it():
    layer, x = nn.Conv2d(16, 16, 3, padding=1), normal(0, 17, 16, 8, 7)
    layer.init(1)
    np.testing.assert_array_equal(nn.Sequential(layer, nn.ReLU())(x), np.maximum(layer(x), 0))


def test_training_has_the_same_bits_for_any_number_of_threads(num_threads):
    states = []
    for count in (1, 2, 3):
        num_threads(count)
        layers = [nn.Conv2d(16, 20, 3, padding=1), nn.ReLU(), nn.Conv2d(20, 16, 3, padding="same"), nn.Flatten()]
        trainer = fc.Trainer(model := nn.Sequential(*layers, nn.Linear(16 * 64, 4)), fc.optim.AdamW())
        for step in range(3):
            trainer.step(normal(step, 50, 16, 8, 8), np.arange(50) % 4)
        states.append(model.state_dict())
    for state in states[1:]:
        assert_same_bits(state, states[0])
