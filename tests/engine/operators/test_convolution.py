"""The transposed convolution, by the kernels of the convolution it belongs to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fastconv import functional, reference
from fastconv.errors import ShapeError
from tests.oracles import assert_close
from tests.strategies import Transposed, transposed_convolutions

F32 = np.float32
TOLERANCE = 1e-5  # some hundred roundings of float32

# Of sizes at which Winograd's algorithm is chosen.
LARGE = Transposed(batch=17, in_channels=32, out_channels=16, size=(13, 14), kernel_size=(3, 3), stride=1, padding=1,
                   output_padding=0, dilation=1, groups=1, seed=0)


@given(transposed_convolutions())
def test_conv_transpose2d_agrees_with_the_reference(case):
    expected = reference.conv_transpose2d(case.x(), case.weight(), case.bias(), **case.options)
    actual = functional.conv_transpose2d(case.x(F32), case.weight(F32), case.bias(F32), **case.options)
    assert_close(actual, expected, TOLERANCE)


@given(transposed_convolutions(), st.integers(1, 9))
def test_conv_transpose2d_with_a_channel_a_group_agrees_with_the_reference(case, channels):
    case = replace(case, in_channels=channels, out_channels=channels, groups=channels)
    expected = reference.conv_transpose2d(case.x(), case.weight(), case.bias(), **case.options)
    actual = functional.conv_transpose2d(case.x(F32), case.weight(F32), case.bias(F32), **case.options)
    assert_close(actual, expected, TOLERANCE)


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_conv_transpose2d_agrees_with_the_reference_where_winograd_serves(padding):
    case = replace(LARGE, padding=padding)
    expected = reference.conv_transpose2d(case.x(), case.weight(), case.bias(), **case.options)
    actual = functional.conv_transpose2d(case.x(F32), case.weight(F32), case.bias(F32), **case.options)
    assert_close(actual, expected, TOLERANCE)


@given(transposed_convolutions())
def test_gradients_are_those_of_the_convolution_with_its_roles_swapped(case):
    case = replace(case, output_padding=0)
    assume(min(case.y_shape) > 0)
    by_x = reference.conv_transpose2d_input_grad(case.dy(), case.weight(), case.x_shape, **case.convolution)
    assert_close(functional.conv2d(case.dy(F32), case.weight(F32), **case.convolution), by_x, TOLERANCE)
    by_weight = reference.conv_transpose2d_weight_grad(case.x(), case.dy(), case.kernel_size, **case.convolution)
    actual = functional.conv2d_weight_grad(case.dy(F32), case.x(F32), case.kernel_size, **case.convolution)
    assert_close(actual, by_weight, TOLERANCE)


@pytest.mark.parametrize(("options", "error", "message"), [
    ({"output_padding": 2, "stride": 2}, ValueError, r"output_padding must be smaller than stride \(2, 2\)"),
    ({"padding": -1}, ValueError, "padding must be at least 0"),
    ({"padding": 4}, ShapeError, "padding 4 leaves nothing"),
    ({"groups": 2}, ValueError, "groups must divide the 3 output channels, got 2"),
    ({"bias": np.zeros(3, F32)}, ShapeError, r"expected bias of shape \(2\), got \(3,\)"),
])
def test_options_that_do_not_fit_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        functional.conv_transpose2d(np.zeros((1, 3, 3, 3), F32), np.zeros((3, 2, 3, 3), F32), **options)
