"""Convolution by im2col where the columns are made in several blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import functional, operation, reference
from fastconv.engine.operators import im2col
from fastconv.engine.parameter import Parameter
from fastconv.engine.pool import Pool
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Weight
from fastconv.layout import LANES, Packed
from tests.oracles import assert_close
from tests.strategies import convolutions

F32 = np.float32
TOLERANCE = 1e-5  # some hundred roundings of float32

block_sizes = st.integers(1, 7)


@contextmanager
def blocks_of(pixels: int) -> Iterator[None]:
    """Has columns made for at most so many output pixels at a time, by programs that are planned anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(im2col, "BLOCK_BYTES", 1)
        patch.setattr(im2col, "LEAST_PIXELS", pixels)
        patch.setattr(operation, "_pool", Pool())
        yield


def planned(channels: int, taps: int, height: int, width: int) -> list[tuple[int, Tensor]]:
    """The blocks of an output (height, width) of a kernel with so many taps."""
    weight = Weight(Parameter((1, channels * taps, 1, 1)), (1, channels * taps, 1, 1))
    return list(im2col._blocks(weight, Tensor.new(Packed.of(1, height, width), needs_grad=False)))


@given(block_sizes, st.integers(1, 13), st.integers(1, 13))
def test_blocks_follow_each_other_from_the_first_pixel_to_the_last(pixels, height, width):
    with blocks_of(pixels):
        blocks = planned(2, 9, height, width)
    counts = [columns.place.width for _, columns in blocks]
    assert [start for start, _ in blocks] == [sum(counts[:i]) for i in range(len(counts))]
    assert sum(counts) == height * width
    assert max(counts) <= pixels
    assert len(counts) == -(-height * width // pixels)


@given(st.integers(1, 64), st.integers(1, 49))
def test_the_columns_of_a_block_fit_into_its_bytes_unless_it_has_the_least_pixels(channels, taps):
    for _, columns in planned(channels, taps, 32, 32):
        assert columns.place.shape == (channels * taps, 1, columns.place.width)
        fits = 4 * LANES * channels * taps * columns.place.width <= im2col.BLOCK_BYTES
        assert fits or columns.place.width <= im2col.LEAST_PIXELS


@given(convolutions(), block_sizes)
def test_conv2d_in_blocks_agrees_with_the_reference(case, pixels):
    expected = reference.conv2d(case.x(), case.weight(), case.bias(), **case.options)
    with blocks_of(pixels):
        actual = functional.conv2d(case.x(F32), case.weight(F32), case.bias(F32), **case.options, algorithm="im2col")
    assert_close(actual, expected, TOLERANCE)


@given(convolutions(), block_sizes)
def test_conv2d_input_grad_in_blocks_agrees_with_the_reference(case, pixels):
    expected = reference.conv2d_input_grad(case.dy(), case.weight(), case.x_shape, **case.options)
    with blocks_of(pixels):
        actual = functional.conv2d_input_grad(case.dy(F32), case.weight(F32), case.x_shape, **case.options,
                                              algorithm="im2col")
    assert_close(actual, expected, TOLERANCE)


@given(convolutions(), block_sizes)
def test_conv2d_weight_grad_in_blocks_agrees_with_the_reference(case, pixels):
    expected = reference.conv2d_weight_grad(case.x(), case.dy(), case.kernel_size, **case.options)
    with blocks_of(pixels):
        actual = functional.conv2d_weight_grad(case.x(F32), case.dy(F32), case.kernel_size, **case.options,
                                               algorithm="im2col")
    assert_close(actual, expected, TOLERANCE)


@given(convolutions(), block_sizes)
def test_a_second_batch_in_blocks_finds_nothing_of_the_first(case, pixels):
    x, dy = case.x(F32), case.dy(F32)
    options = {**case.options, "algorithm": "im2col"}
    expected = reference.conv2d_input_grad(case.dy(), case.weight(), case.x_shape, **case.options)
    expected_weight = reference.conv2d_weight_grad(case.x(), case.dy(), case.kernel_size, **case.options)
    with blocks_of(pixels):
        functional.conv2d_input_grad(np.full_like(dy, np.nan), case.weight(F32), case.x_shape, **options)
        functional.conv2d_weight_grad(np.full_like(x, np.nan), np.full_like(dy, np.nan), case.kernel_size, **options)
        dx = functional.conv2d_input_grad(dy, case.weight(F32), case.x_shape, **options)
        dw = functional.conv2d_weight_grad(x, dy, case.kernel_size, **options)
    assert_close(dx, expected, TOLERANCE)
    assert_close(dw, expected_weight, TOLERANCE)
