"""The convolution layers: against the reference, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import fastconv as fc
from fastconv import nn, reference
from fastconv.errors import ShapeError
from tests.networks import BATCH_SIZES, normal
from tests.oracles import assert_close
from tests.strategies import convolutions, transposed_convolutions

TOLERANCE = 1e-5  # some hundred roundings of float32


def layer_of(case):
    """The layer with the weights that were drawn."""
    layer = nn.Conv2d(case.in_channels, case.out_channels, case.kernel_size, **case.options)
    layer.load_state_dict({"weight": case.weight(), "bias": case.bias()})
    return layer


@given(convolutions())
def test_conv2d_agrees_with_the_reference(case):
    expected = reference.conv2d(case.x(), case.weight(), case.bias(), **case.options)
    assert_close(layer_of(case)(case.x(np.float32)), expected, TOLERANCE)


@given(convolutions())
def test_output_shape_is_the_shape_of_the_output(case):
    layer = layer_of(case)
    assert layer.output_shape(case.x_shape) == layer(case.x(np.float32)).shape


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_conv2d_agrees_with_the_reference_for_every_batch_size(batch, bias):
    layer, x = nn.Conv2d(3, 7, 3, padding=1, bias=bias), normal(0, batch, 3, 9, 8)
    expected = reference.conv2d(x.astype(np.float64), layer.weight, layer.bias, padding=1)
    assert_close(layer(x), expected, TOLERANCE)


def test_no_images_make_no_outputs():
    y = nn.Conv2d(3, 7, 3)(normal(0, 0, 3, 9, 8))
    assert (y.shape, y.dtype) == ((0, 7, 7, 6), np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_reaches_the_outputs_that_see_it_and_no_other(value):
    layer, x = nn.Conv2d(2, 3, 3, padding=1), normal(0, 17, 2, 6, 6)
    x[16, 1, 0, 5] = value
    expected = reference.conv2d(x.astype(np.float64), layer.weight.astype(np.float64), layer.bias, padding=1)
    np.testing.assert_array_equal(np.isfinite(layer(x)), np.isfinite(expected))


def test_a_weight_that_is_nan_spoils_its_output_channel_only():
    layer, x = nn.Conv2d(2, 3, 3, padding=1), normal(0, 17, 2, 6, 6)
    state = layer.state_dict()
    state["weight"][1, 0, 1, 1] = np.nan
    layer.load_state_dict(state)
    assert np.isnan(layer(x)).all(axis=(0, 2, 3)).tolist() == [False, True, False]


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"in_channels": 0}, ValueError, "in_channels must be at least 1, got 0"),
    ({"in_channels": 1.0}, TypeError, "in_channels must be an integer"),
    ({"in_channels": (4, 4)}, TypeError, "in_channels"),
    ({"out_channels": -2}, ValueError, "out_channels must be at least 1, got -2"),
    ({"out_channels": "6"}, TypeError, "out_channels must be an integer"),
    ({"out_channels": (6, 6)}, TypeError, "out_channels"),
    ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
    ({"kernel_size": (3, 3, 3)}, TypeError, r"kernel_size must be an integer or a pair of integers, got \(3, 3, 3\)"),
    ({"kernel_size": True}, TypeError, "kernel_size must be an integer"),
    ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    ({"stride": (1, 0)}, ValueError, r"stride must be at least 1, got \(1, 0\)"),
    ({"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
    ({"padding": -1}, ValueError, "padding must be at least 0, got -1"),
    ({"padding": 0.5}, TypeError, "padding must be an integer"),
    ({"padding": "full"},
     ValueError, 'padding must be an integer, a pair, four integers, "same" or "valid", got \'full\''),
    ({"padding": "same", "stride": 2}, ValueError, r'padding "same" needs stride 1, got stride \(2, 2\)'),
    ({"groups": 3}, ValueError, "groups must divide in_channels 4 and out_channels 6, got 3"),
    ({"groups": 4}, ValueError, "groups must divide in_channels 4 and out_channels 6, got 4"),
    ({"groups": 0}, ValueError, "groups must be at least 1, got 0"),
    ({"groups": 2.0}, TypeError, "groups"),
])
def test_arguments_that_make_no_convolution_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        nn.Conv2d(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **arguments})


@pytest.mark.parametrize(("shape", "message"), [
    ((5, 3, 8, 8), r'Conv2d "0": expected \(N, 4, H, W\), got \(5, 3, 8, 8\)'),
    ((5, 256), r'Conv2d "0": expected \(N, 4, H, W\), got \(5, 256\)'),
    ((5, 4, 2, 8), r'Conv2d "0": expected images that a kernel \(5, 5\) fits into with padding '
                   r"\(1, 1, 1, 1\), got \(5, 4, 2, 8\)"),
])
def test_images_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(ShapeError, match=message):
        nn.Sequential(nn.Conv2d(4, 6, 5, padding=1))(normal(0, *shape))


def test_parameters_have_the_shapes_of_pytorch():
    layer = nn.Conv2d(4, 6, (3, 5), groups=2)
    assert (layer.weight.shape, layer.bias.shape) == ((6, 2, 3, 5), (6,))


def test_multiply_adds_are_one_for_each_weight_an_output_sees():
    layer = nn.Conv2d(4, 6, (3, 5), groups=2)
    assert layer.multiply_adds((1, 6, 10, 7)) == 6 * 10 * 7 * 2 * 3 * 5


def test_the_algorithm_is_saved_and_shown_only_where_it_is_chosen():
    assert nn.Conv2d(1, 1, 3, algorithm="direct").config["algorithm"] == "direct"
    assert "algorithm" not in repr(nn.Conv2d(1, 1, 3))


def test_an_unknown_algorithm_raises_value_error_naming_it():
    with pytest.raises(ValueError, match="fft"):
        nn.Conv2d(1, 1, 3, algorithm="fft")


def test_padding_may_differ_on_all_four_sides():
    layer, x = nn.Conv2d(2, 3, (3, 2), stride=2, padding=(0, 3, 2, 1)), normal(0, 17, 2, 6, 5)
    padded = np.pad(x, ((0, 0), (0, 0), (0, 3), (2, 1)))
    bare = nn.Conv2d(2, 3, (3, 2), stride=2)
    bare.load_state_dict(layer.state_dict())
    assert_close(layer(x), bare(padded), TOLERANCE)


# --- Transposed ---


@given(transposed_convolutions())
def test_conv_transpose2d_agrees_with_the_reference(case):
    layer = nn.ConvTranspose2d(case.in_channels, case.out_channels, case.kernel_size, **case.options)
    layer.load_state_dict({"weight": case.weight(), "bias": case.bias()})
    expected = reference.conv_transpose2d(case.x(), case.weight(), case.bias(), **case.options)
    assert_close(layer(case.x(np.float32)), expected, TOLERANCE)
    assert layer.output_shape(case.x_shape) == expected.shape


@given(transposed_convolutions())
def test_gradients_of_conv_transpose2d_agree_with_the_reference(case):
    """Of half the squared distance to 0 at a batch of one output each: dy = y, times the constant of the mean."""
    layer = nn.ConvTranspose2d(case.in_channels, case.out_channels, case.kernel_size, **case.options)
    model = nn.Sequential(nn.Conv2d(case.in_channels, case.in_channels, 1, bias=False), layer)
    mixing = np.eye(case.in_channels)[:, :, None, None]
    model.load_state_dict({"0.weight": mixing, "1.weight": case.weight(), "1.bias": case.bias()})
    y = reference.conv_transpose2d(case.x(), case.weight(), case.bias(), **case.options)
    _, grads = fc.value_and_grad(model, nn.MSELoss(), case.x(np.float32), np.zeros(y.shape, np.float32))
    dy = 2 * y / y.size
    by_x = reference.conv_transpose2d_input_grad(dy, case.weight(), case.x_shape, **case.convolution)
    by_weight = reference.conv_transpose2d_weight_grad(case.x(), dy, case.kernel_size, **case.convolution)
    assert_close(grads["1.bias"], reference.conv2d_bias_grad(dy), TOLERANCE)
    assert_close(grads["1.weight"], by_weight, TOLERANCE)
    assert_close(grads["0.weight"], reference.conv2d_weight_grad(case.x(), by_x, 1), TOLERANCE)


def test_a_relu_is_part_of_a_transposed_convolution():
    layer, x = nn.ConvTranspose2d(3, 5, 3, 2), normal(0, 17, 3, 4, 5)
    np.testing.assert_array_equal(nn.Sequential(layer, nn.ReLU())(x), np.maximum(layer(x), 0))


def test_parameters_of_a_transposed_convolution_have_the_shapes_of_pytorch():
    layer = nn.ConvTranspose2d(4, 6, (3, 5), groups=2)
    assert (layer.weight.shape, layer.bias.shape) == ((4, 3, 3, 5), (6,))


def test_multiply_adds_of_a_transposed_convolution_are_one_for_each_weight_and_pixel():
    layer = nn.ConvTranspose2d(4, 6, (3, 5), stride=2, padding=1, output_padding=1, groups=2)
    assert layer.multiply_adds(layer.output_shape((1, 4, 7, 9))) == 4 * 7 * 9 * 3 * 3 * 5


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"groups": 3}, ValueError, "groups must divide in_channels 4 and out_channels 6, got 3"),
    ({"output_padding": 1}, ValueError, r"output_padding must be smaller than stride \(1, 1\) or dilation \(1, 1\)"),
    ({"output_padding": -1}, ValueError, "output_padding must be at least 0"),
    ({"padding": "same"}, TypeError, "padding must be an integer or a pair"),
])
def test_arguments_that_make_no_transposed_convolution_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        nn.ConvTranspose2d(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **arguments})


def test_images_that_padding_uses_up_are_refused():
    with pytest.raises(ShapeError, match=r'"0": expected images that padding 2 does not use up, got \(5, 4, 1, 8\)'):
        nn.Sequential(nn.ConvTranspose2d(4, 6, 3, padding=2))(normal(0, 5, 4, 1, 8))
